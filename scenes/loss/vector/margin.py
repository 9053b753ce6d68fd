"""Losses with a margin: a right score has to lead every wrong one by the margin; what is lacking is lost."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from manim import VGroup

from torchreel.scenes.loss import operators
from torchreel.scenes.loss.vector.board import Column
from torchreel.scenes.loss.vector.chart import Chart
from torchreel.scenes.loss.vector.slots import shown_slots
from torchreel.scenes.loss.vector.story import LossAct, VectorLoss
from torchreel.scenes.parts.grid import Cells, Grid
from torchreel.scenes.parts.look import MIN_NUMBER, MIN_TEXT, NAME_TEXT
from torchreel.scenes.parts.mathtext import MathText
from torchreel.scenes.parts.rooms import BESIDE, Area
from torchreel.scenes.parts.text import measure
from torchreel.scenes.trace.formula import Index, Token

RIGHT, WRONG = 0, 1
"""The identifying colours of what should be high and of what should be low."""
_STRONG, _LINE = 0.5, 0.26


class Fenced(VectorLoss):
    """Bars of scores, and a fence at the right score less the margin: what stands above it is lost."""

    height = 2.95

    def values(self) -> dict[str, object]:
        return {"margin": self.margin}

    @property
    def margin(self) -> str:
        """The margin as it is written."""
        return f"{float(getattr(self.module, 'margin', 1.0)):g}"

    def hue(self, number: int) -> str:
        """The fill of a bar."""
        theme = self.look.theme
        return theme.tint(theme.channel(number), _STRONG)

    def fence(self, chart: Chart, tensor: str, score: float) -> VGroup:
        """The fence and the zone below it where nothing is lost."""
        level = score - float(self.margin)
        label = f"{self.text(tensor, score)} − {self.margin}"
        return VGroup(chart.zone(level, self.words("zone")), chart.level(level, self.look.theme.good, label))

    def span(self, values: Sequence[float]) -> tuple[float, float]:
        """A span that has room for all values and 0."""
        finite = [value for value in (*values, 0.0) if math.isfinite(value)]
        low, high = min(finite), max(finite)
        return low - (0.12 * (high - low) if low < 0 else 0), high

    def bars(self, chart: Chart, values: Sequence[float], right: Sequence[int]) -> VGroup:
        """All scores; the right ones in the colour of what is right."""
        found = (
            chart.bar(k, value, self.hue(RIGHT if k in right else WRONG)) for k, value in enumerate(values)
        )
        return VGroup(*found, chart.base())

    def above(self, chart: Chart, slot: float, value: float, level: float, share: float = 0.56) -> VGroup:
        """The part of a bar over the fence."""
        color = self.look.theme.fill(1.0, 1.0, "result")
        return chart.bar(slot, value, color, level, share) if value > level else VGroup()


class _Classes(Fenced):
    """Scores of classes."""

    def of_class(self, sample: Index, number: int) -> Index:
        """The index of a class's score."""
        return (
            (*sample, number)
            if len(self.trace.shape("input")) == 2
            else (number,)[: len(self.trace.shape("input"))]
        )

    def scores(self, sample: Index, classes: Sequence[int]) -> list[float]:
        """The scores of some classes."""
        return self.trace.values("input", [self.of_class(sample, c) for c in classes])

    @property
    def count(self) -> int:
        """How many classes there are."""
        return self.trace.shape("hinge")[-1]

    def named(self, chart: Chart, classes: Sequence[int]) -> VGroup:
        """The classes' numbers under their bars."""
        slot = self.words("slot")
        return VGroup(*(chart.name(k, f"{slot} {c}") for k, c in enumerate(classes)))


class MultiMarginLoss(_Classes):
    operator = operators.MultiMarginLoss

    def sign(self, sample: Index) -> str:
        return f"Σ ÷ {self.count}"

    def law(self) -> list[Token]:
        weight = "weight_{t}·" if self.facts["weighted"] else ""
        power = f"^{{{self.module.p}}}" if self.module.p != 1 else ""
        inner = f"max(0, {self.margin} − input_{{t}} + input_{{i}}){power}"
        return [Token(f"loss = Σ_{{i≠t}} {weight}{inner} / {self.count}")]

    @property
    def classes(self) -> list[int]:
        """The classes that are drawn."""
        return shown_slots(self.count, [self.target(one) for one in self.samples], 5)

    def target(self, sample: Index) -> int:
        """The class number of a sample."""
        return int(self.trace.value("target", self.of_target(sample, 0)))

    def of_target(self, sample: Index, _: int) -> Index:
        """The index of a sample's class number."""
        shape = self.trace.shape("target")
        return sample[: len(shape)] or (0,) * len(shape)

    def of_hinge(self, sample: Index, number: int) -> Index:
        """The index of what a class adds."""
        return (sample[0] if sample else 0, number)

    def columns(self) -> list[Column]:
        return [
            Column("input", self.of_class, self.classes, numbered=True),
            Column("target", self.of_target, plain=True),
            Column("hinge", self.of_hinge, self.classes, blank=True, numbered=True, name=self.words("hinge")),
            Column("loss", lambda sample, _: sample, blank=True),
        ]

    def under(self) -> tuple[str, Column] | None:
        if "weight" not in self.trace.tensors:
            return None
        return "input", Column("weight", lambda _, number: (number,), self.classes)

    def acts(self, sample: Index) -> Iterator[LossAct]:
        classes, target = self.classes, self.target(sample)
        scores = self.scores(sample, classes)
        right = classes.index(target)
        level = scores[right] - float(self.margin)
        chart = Chart(self.look, self.trace, len(classes), self.span([*scores, level]), self.board.area)
        picked = [self.board.outline("target", sample, 0), self.board.outline("input", sample, target)]
        frames = VGroup(*(one for one in picked if one is not None))
        yield LossAct("scores", VGroup(self.bars(chart, scores, [right]), self.named(chart, classes), frames))
        yield LossAct("fence", self.fence(chart, "input", scores[right]))
        over = VGroup()
        for k, value in enumerate(scores):
            if k != right and value > level:
                over.add(self.above(chart, k, value, level), self._head(chart, k, value, level, target))
        shown = next((c for k, c in enumerate(classes) if k != right and scores[k] > level), None)
        step = None if shown is None else self.trace.step("hinge", self.of_hinge(sample, shown))
        yield LossAct("over", over, step, writes=["hinge"])

    def _head(self, chart: Chart, slot: int, value: float, level: float, target: int) -> VGroup:
        """How far a bar reaches over the fence, and what is done with it."""
        weight = (
            f"{self.text('weight', self.trace.value('weight', (target,)))}·" if self.facts["weighted"] else ""
        )
        power = "²" if self.module.p == 2 else ""
        text = f"{weight}{self.text('input', value - level)}{power}"
        return chart.head(slot, value, text, self.look.theme.role("result"))


class MultiLabelMarginLoss(_Classes):
    operator = operators.MultiLabelMarginLoss
    most_targets = 2

    def law(self) -> list[Token]:
        return [Token(f"loss = Σ_{{j}} Σ_{{i}} max(0, 1 − input_{{j}} + input_{{i}}) / {self.count}")]

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

    def acts(self, sample: Index) -> Iterator[LossAct]:
        classes, targets = self.classes, self.targets(sample)
        scores = self.scores(sample, classes)
        known = dict(zip(classes, scores, strict=True))
        drawn = [target for target in targets if target in known][: self.most_targets]
        levels = [known[target] - 1 for target in drawn]
        right = [k for k, c in enumerate(classes) if c in targets]
        wrong = [k for k in range(len(classes)) if k not in right]
        area, rows = self.board.area, max(1, len(drawn))
        room = Area(area.left, area.bottom, area.right - 0.9 * max(1, len(wrong)) - 1.2, area.top)
        chart = Chart(self.look, self.trace, len(classes), self.span([*scores, *levels]), room)
        frames = [self.board.outline("target", sample, k) for k in range(len(targets))]
        frames = [frame for frame in frames if frame is not None]
        yield LossAct("scores", VGroup(self.bars(chart, scores, right), self.named(chart, classes), *frames))
        grid, heads = self._hinges(sample, targets, drawn, [classes[k] for k in wrong])
        over = VGroup()
        for number, level in enumerate(levels):
            share, shift = 0.56 / rows, (number - (rows - 1) / 2) * 0.56 / rows
            label = f"{self.text('input', level + 1)} − 1"
            over.add(chart.level(level, self.look.theme.good, label, self._aside(chart, levels, number)))
            over.add(*(self.above(chart, k + shift, scores[k], level, share - 0.04) for k in wrong))
        yield LossAct("fence", over)
        if grid is not None:
            yield LossAct("over", VGroup(grid, heads, self._joined(grid)))

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
        heads = VGroup(self._named_hinges(grid, drawn, wrong))
        return grid, heads

    def _joined(self, grid: Grid) -> MathText:
        """What is done with the whole table, on the way from it to the loss."""
        losses, table = self.board.grids["loss"], grid.outline((0, 0), (0, grid.cells.cols - 1))
        low = losses.outline((len(self.board.samples) - 1, 0), (len(self.board.samples) - 1, 0))[:, 1].min()
        above = table[:, 1].max() + 0.72
        at = (float(table[:, 0].max()) - 0.1, float(max(above, (low + above) / 2)))
        return MathText(f"Σ ÷ {self.count}", NAME_TEXT, self.look.theme.text).place(at, align="right")

    def _named_hinges(self, grid: Grid, drawn: Sequence[int], wrong: Sequence[int]) -> VGroup:
        board, heads = self.board, VGroup()
        high, wide = grid.cells.height, grid.cells.width
        for k, c in enumerate(wrong):
            x, y = grid.center((0, k))[:2]
            heads.add(
                board.label(
                    str(c), (x, y + high / 2 + 0.18), MIN_TEXT, self.look.theme.channel(WRONG), "sans"
                )
            )
        for row, c in enumerate(drawn):
            x, y = grid.center((row, 0))[:2]
            color = self.look.theme.channel(RIGHT)
            heads.add(board.label(str(c), (x - wide / 2 - 0.12, y), MIN_TEXT, color, "sans", align="right"))
        at = (grid.middle[0], grid.center((0, 0))[1] + high / 2 + 0.5)
        heads.add(board.label(self.words("hinge"), at, MIN_TEXT, font="sans"))
        return heads


class MarginRankingLoss(Fenced):
    operator = operators.MarginRankingLoss

    def law(self) -> list[Token]:
        return [Token(f"loss = max(0, {self.margin} − lead)        lead = target·(input1 − input2)")]

    def sign(self, sample: Index) -> str:
        return f"max(0, {self.margin} − d)"

    def columns(self) -> list[Column]:
        return [
            *(self._column(name) for name in ("input1", "input2")),
            Column("target", lambda sample, _: self.aligned("target", sample), plain=True),
            Column("lead", lambda sample, _: sample, blank=True, name=self.words("head")),
            Column("loss", lambda sample, _: sample, blank=True),
        ]

    def _column(self, name: str) -> Column:
        return Column(name, lambda sample, _: self.aligned(name, sample))

    def acts(self, sample: Index) -> Iterator[LossAct]:
        trace, order = self.trace, ("input1", "input2")
        sign = trace.value("target", self.aligned("target", sample))
        scores = [trace.value(name, self.aligned(name, sample)) for name in order]
        right = 0 if sign >= 0 else 1
        level = scores[right] - float(self.margin)
        chart = Chart(self.look, trace, 2, self.span([*scores, level]), self.board.area)
        names = VGroup(*(chart.name(k, name) for k, name in enumerate(order)))
        values: dict[str, Any] = {
            "better": order[right],
            "worse": order[1 - right],
            "target": self.text("target", sign),
        }
        yield LossAct("scores", VGroup(self.bars(chart, scores, [right]), names), values=values)
        yield LossAct("lead", VGroup(), trace.step("lead", sample), writes=["lead"], values=values)
        over = VGroup()
        if abs(sign) == 1:
            over.add(self.fence(chart, order[right], scores[right]))
            over.add(self.above(chart, 1 - right, scores[1 - right], level))
        yield LossAct("over", over, values=values)
