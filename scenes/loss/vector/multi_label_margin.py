"""The margin loss of several right classes: each of them stands against every wrong one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from manim import VGroup

from torchreel.scenes.loss import operators
from torchreel.scenes.loss.vector.board import Column
from torchreel.scenes.loss.vector.chart import Chart
from torchreel.scenes.loss.vector.margin import WRONG, ClassScores
from torchreel.scenes.loss.vector.slots import shown_slots
from torchreel.scenes.loss.vector.story import LossAct
from torchreel.scenes.parts.grid import Cells, Grid
from torchreel.scenes.parts.look import MIN_NUMBER, MIN_TEXT, NAME_TEXT
from torchreel.scenes.parts.mathtext import MathText
from torchreel.scenes.parts.rooms import BESIDE, Area
from torchreel.scenes.parts.shapes import Path
from torchreel.scenes.parts.text import measure
from torchreel.scenes.trace.formula import Index, Token

_LINE = 0.26


class MultiLabelMarginLoss(ClassScores):
    operator = operators.MultiLabelMarginLoss
    most_targets = 2

    def law(self) -> list[Token]:
        return [Token(f"loss = Σ_{{j∈t}} Σ_{{i∉t}} max(0, 1 − input_{{j}} + input_{{i}}) / {self.count}")]

    @property
    def classes(self) -> list[int]:
        """The classes that are drawn."""
        return shown_slots(self.count, [c for one in self.samples for c in self.targets(one)], 5)

    def listed(self, sample: Index) -> list[int]:
        """The list of class numbers of a sample."""
        return [
            int(value)
            for value in self.trace.values("target", [self.of_class(sample, c) for c in range(self.count)])
        ]

    def targets(self, sample: Index) -> list[int]:
        """The right classes: the list up to its first negative number."""
        listed = self.listed(sample)
        return listed[: next((k for k, value in enumerate(listed) if value < 0), len(listed))]

    def columns(self) -> list[Column]:
        places = list(range(min(self.count, 5)))
        return [
            Column("input", self.of_class, self.classes, numbered=True),
            Column("target", self.of_class, places, plain=True),
            Column("loss", lambda sample, _: sample, blank=True),
        ]

    def heights(self, sample: Index) -> list[float]:
        return [*self.scores(sample, self.classes), *self._levels(sample).values()]

    def _levels(self, sample: Index) -> dict[int, float]:
        """The fences of the right classes that are drawn, the highest first."""
        drawn = [target for target in self.targets(sample) if target in self.classes][: self.most_targets]
        scores = dict(zip(drawn, self.scores(sample, drawn), strict=True))
        return {target: scores[target] - 1 for target in sorted(drawn, key=lambda one: -scores[one])}

    def acts(self, sample: Index) -> Iterator[LossAct]:
        classes, targets = self.classes, self.targets(sample)
        scores = self.scores(sample, classes)
        drawn, levels = list(self._levels(sample)), list(self._levels(sample).values())
        right = [k for k, c in enumerate(classes) if c in targets]
        wrong = [k for k in range(len(classes)) if k not in right]
        area, rows = self.board.area, max(1, len(drawn))
        room = Area(area.left, area.bottom, area.right - 0.9 * max(1, self._most_wrong) - 1.2, area.top)
        chart = Chart(self.look, self.trace, len(classes), self.span(), room)
        frames = [self.board.outline("target", sample, k) for k in range(len(targets))]
        frames = [frame for frame in frames if frame is not None]
        yield LossAct("scores", VGroup(self.bars(chart, scores, right), self.named(chart, classes), *frames))
        grid, heads = self._hinges(sample, targets, drawn, [classes[k] for k in wrong])
        over = VGroup()
        for number, level in enumerate(levels):
            share, shift = 0.56 / rows, (number - (rows - 1) / 2) * 0.56 / rows
            label, aside = f"{self.text('input', level + 1)} − 1", self._aside(chart, levels, number)
            over.add(chart.level(level, self.look.theme.good, label, aside))
            over.add(*(self.above(chart, k + shift, scores[k], level, share - 0.04) for k in wrong))
            if grid is not None and math.isfinite(level):
                start = chart.right + 0.2 + measure(label, MIN_TEXT) + 0.1, chart.y(level) + aside
                heads.add(self._to_row(start, grid, number, len(levels)))
        yield LossAct("fence", over)
        if grid is not None:
            yield LossAct("over", VGroup(grid, heads, self._joined(grid)))

    @property
    def _most_wrong(self) -> int:
        """How many wrong classes the samples have at most, of those that are drawn."""
        classes = set(self.classes)
        return max(len(classes - set(self.targets(one))) for one in self.samples)

    def _to_row(self, start: tuple[float, float], grid: Grid, row: int, rows: int) -> Path:
        """From a line's name to the row of what reaches over it."""
        x, y = (float(one) for one in grid.center((row, 0))[:2])
        end = x - grid.cells.width / 2 - 0.06
        lane = end - 0.15 - 0.12 * (rows - 1 - row if start[1] > y else row)
        return Path([start, (lane, start[1]), (lane, y), (end, y)], self.look.theme.good, 2.0)

    def _aside(self, chart: Chart, levels: Sequence[float], number: int) -> float:
        """How much the second of two lines' names steps aside where the lines are near each other."""
        if number == 0 or not all(map(math.isfinite, levels)):
            return 0.0
        gap = chart.y(levels[number]) - chart.y(levels[0])
        return math.copysign(max(0.0, _LINE - abs(gap)), gap)

    def _hinges(
        self, sample: Index, targets: Sequence[int], drawn: Sequence[int], wrong: Sequence[int]
    ) -> tuple[Grid | None, VGroup]:
        """How far each wrong class reaches over each fence, as a table: a row for each right class."""
        if not drawn or not wrong:
            return None, VGroup()
        board, number = self.board, sample[0] if sample else 0
        texts = board.texts("hinge")
        ems = max(measure(text, 1.0, "sans") for text in texts)
        size = min(0.34, (0.9 - BESIDE) / ems, 0.34)
        cells = Cells(0.9, 0.5, size if size >= MIN_NUMBER else 0.0, len(drawn), len(wrong))
        at = (board.area.right - 0.45 * len(wrong) - 0.1, (board.area.bottom + board.area.top) / 2)
        grid = board.grid(
            "hinge", (), cells, at, index=lambda cell: (number, targets.index(drawn[cell[0]]), wrong[cell[1]])
        )
        heads = VGroup(self._named_hinges(grid, wrong))
        return grid, heads

    def _joined(self, grid: Grid) -> MathText:
        """What is done with the whole table, on the way from it to the loss."""
        losses, table = self.board.grids["loss"], grid.outline((0, 0), (0, grid.cells.cols - 1))
        low = losses.outline((len(self.board.samples) - 1, 0), (len(self.board.samples) - 1, 0))[:, 1].min()
        above = table[:, 1].max() + 0.72
        at = (float(table[:, 0].max()) - 0.1, float(max(above, (low + above) / 2)))
        text = self.words("divided", classes=self.count)
        return MathText(text, NAME_TEXT, self.look.theme.text).place(at, align="right")

    def _named_hinges(self, grid: Grid, wrong: Sequence[int]) -> VGroup:
        """The wrong classes over the columns, and over them what the table says."""
        board, heads, slot = self.board, VGroup(), self.words("slot")
        high, wide = grid.cells.height, grid.cells.width
        names = [f"{slot} {c}" for c in wrong]
        if max(measure(name, MIN_TEXT) for name in names) > wide - 0.1:
            names = [str(c) for c in wrong]
        for k, name in enumerate(names):
            x, y = grid.center((0, k))[:2]
            color = self.look.theme.channel(WRONG)
            heads.add(board.label(name, (x, y + high / 2 + 0.18), MIN_TEXT, color, "sans"))
        law = self.words("hinge_law")
        said = law if measure(law, MIN_TEXT) < wide * len(wrong) else self.words("hinge")
        at = (grid.middle[0], grid.center((0, 0))[1] + high / 2 + 0.5)
        heads.add(board.label(said, at, MIN_TEXT, font="sans"))
        return heads
