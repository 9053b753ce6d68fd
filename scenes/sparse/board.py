"""Ids, table and output side by side: each id names a row of the table, which goes to a row of the output."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from manim import Animation, Mobject, VGroup

from torchreel.scenes.parts.grid import Cells, Grid
from torchreel.scenes.parts.look import MIN_NUMBER, MIN_TEXT, Look, Stroke
from torchreel.scenes.parts.places import Place
from torchreel.scenes.parts.rooms import BESIDE
from torchreel.scenes.parts.shapes import Box, Disc, Shape, box_points
from torchreel.scenes.parts.text import Text, measure
from torchreel.scenes.sparse.shown import DOTS, Group, Lookup
from torchreel.scenes.stage.board import Board
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

Element = tuple[str, Index]

_ROOM, _MIDDLE = 4.7, 0.22
_IDS_X, _TABLE_X, _OUTPUT_X = -5.4, -0.9, 4.6
_TABLE_WIDTH, _OUTPUT_WIDTH = 4.2, 3.6
_GAP, _BAG_GAP, _SIDE = 0.14, 0.34, 0.7
_HIGHEST, _MOST_ROWS = 0.72, 12
_NAME, _FOOT = 0.18, 0.3
_WEIGHTS = 1.15
_INSIDE = 0.05


class TableBoard(Board):
    """The grids of a trace: ids down the left in `groups`, and the rows of the output, whose leads are `outputs`.

    With `bags` a group has one row of the output, otherwise each lookup has its own. Of a table that does not fit the
    rows that the ids name are shown, and those of `kept`; of rows that do not fit the first columns.
    """

    def __init__(
        self,
        look: Look,
        trace: Trace,
        table: str,
        groups: Sequence[Group],
        outputs: Sequence[Index],
        bags: bool,
        kept: Sequence[int] = (),
    ) -> None:
        super().__init__(look, trace)
        self.bags, self.groups = bags, groups
        self.lookups = [one for group in groups for one in group.lookups]
        self.outputs = outputs[: len(groups) if bags else len(self.lookups)]
        self.weighted = "per_sample_weights" in trace.tensors
        self.height, self.tops, self.middles = self._lines()
        self.table_rows, self.columns = self._fitting(table, kept)
        self.ids = [self._id(number) for number in range(len(self.lookups))]
        self.table = self._table(table, _TABLE_X)
        self.rows = [self._output(number) for number in range(len(self.outputs))]

    @property
    def has_numbers(self) -> bool:
        """Whether the table's cells hold numbers; otherwise they are colours."""
        return bool(self.table.cells.text_size)

    @property
    def longest(self) -> str:
        """The id of most digits."""
        return max((str(one.row) for one in self.lookups), key=len, default="0")

    @property
    def side(self) -> float:
        """The width of an id's cell."""
        return max(_SIDE, measure(self.longest, MIN_NUMBER) + BESIDE)

    def scenery(self) -> VGroup:
        """Everything that stands from the start."""
        ids_top = max([*self.middles, *self.tops]) + self.height / 2 + (0.07 if self.bags else 0.0)
        rows_top = max(grid.origin[1] for grid in self.rows)
        self.output_label = self._name("output", (_OUTPUT_X, rows_top))
        labels = [
            self._name("input", (_IDS_X, ids_top)),
            self._name(self.table.tensor, (_TABLE_X, self.table.origin[1])),
            self.output_label,
        ]
        numbers = self.row_numbers(self.table)
        return VGroup(
            *self.ids, self.table, *self.rows, *labels, *numbers, *self._brackets(), *self._dots(),
            *self._weights(), *self._offsets(),
        )  # fmt: skip

    def row_numbers(self, grid: Grid) -> list[Text]:
        """The index of each row, left of a table."""
        if grid.cells.height < MIN_TEXT * 1.15:
            return []
        left = grid.origin[0] - 0.16
        return [
            self.label(str(row), (left, grid.center((place, 0))[1]), MIN_TEXT, font="sans", align="right")
            for place, row in enumerate(self.table_rows[: grid.cells.rows])
        ]

    @property
    def numbers_left(self) -> float:
        """The left edge of the rows' numbers."""
        widest = max(measure(str(row), MIN_TEXT, "sans") for row in self.table_rows)
        return float(self.table.origin[0]) - 0.16 - widest

    def involved(self, lookups: Sequence[int]) -> list[Element]:
        """Some ids with the rows of the table that they name, as far as they are drawn."""
        found: list[Element] = []
        for number in lookups:
            one = self.lookups[number]
            found.append(("input", one.index))
            if self.place(one) is not None:
                found += [(self.table.tensor, (one.row, col)) for col in range(self.table.cells.cols)]
            if self.weighted:
                found.append(("per_sample_weights", one.index))
        return found

    def inner_frame(self, place: Place) -> Shape:
        """A thin frame inside a cell, within a frame that goes round its row."""
        middle = (place.left + place.right) / 2, (place.bottom + place.top) / 2
        size = place.right - place.left - 2 * _INSIDE, place.top - place.bottom - 2 * _INSIDE
        return self.frame(box_points(*size, middle, 0.05), Stroke.SOURCE, 3)

    def place(self, one: Lookup) -> int | None:
        """Where the row that an id names is drawn in the table, counted from the top."""
        drawn = self.table_rows[: self.table.cells.rows]
        return drawn.index(one.row) if one.row in drawn else None

    def row(self, number: int) -> list[Element]:
        """The elements of a row of the output."""
        grid = self.rows[number]
        return [("output", tuple(grid.index(cell))) for cell in grid.positions()]

    def write(self, number: int) -> list[Animation]:
        """A row of the output as torch has it."""
        grid = self.rows[number]
        return [move for cell in grid.positions() for move in grid.write(cell)]

    def beside(self, tensor: str) -> Grid:
        """Another tensor of the table's shape, in the place of the output."""
        return self._table(tensor, _OUTPUT_X)

    @property
    def ids_right(self) -> float:
        """The right edge of the ids, or of their weights."""
        return _IDS_X + (_WEIGHTS + 0.42 if self.weighted else self.side / 2)

    def _lines(self) -> tuple[float, list[float], list[float]]:
        """The height of a line, the middle of each lookup's line and that of each group; groups stand a gap apart."""
        feet = (self.weighted and self.bags) + ("offsets" in self.trace.tensors)
        gap, room = (_BAG_GAP if self.bags else _GAP), _ROOM - _FOOT * feet
        total = sum(group.lines for group in self.groups)
        high = min(_HIGHEST, (room - gap * (len(self.groups) - 1)) / total)
        top = _MIDDLE + _FOOT * feet / 2 + (high * total + gap * (len(self.groups) - 1)) / 2
        tops, middles = [], []
        for group in self.groups:
            tops += [top - high * (line + 0.5) for line in range(len(group.lookups))]
            middles.append(top - high * group.lines / 2)
            top -= high * group.lines + gap
        return high, tops, middles

    def _id(self, number: int) -> Grid:
        size = min(0.34, (self.side - 0.15) / 0.6 / len(self.longest), self.height * 0.6)
        cells = Cells(self.side, self.height, max(size, MIN_NUMBER), 1, 1)
        at = (_IDS_X, self.tops[number])
        return self.grid("input", (), cells, at, index=lambda cell: self.lookups[number].index, plain=True)

    def _fitting(self, tensor: str, kept: Sequence[int]) -> tuple[list[int], int]:
        """The rows of the table that are shown, and how many columns."""
        rows, cols = self.trace.shape(tensor)
        used = sorted({*(one.row for one in self.lookups), *kept} or {0})
        wanted = list(range(rows)) if rows <= _MOST_ROWS else used
        texts, results = self.texts(tensor), self.texts("output")
        for shown in range(min(cols, 12), 0, -1):
            table = Cells.fit(len(wanted), shown, _TABLE_WIDTH, _ROOM, texts, 1.1)
            row = Cells.fit(1, shown, _OUTPUT_WIDTH, _HIGHEST, results, 1.1)
            if table.text_size and row.text_size:
                return wanted, shown
        return wanted, min(cols, 12)

    def _table(self, tensor: str, x: float) -> Grid:
        width = _TABLE_WIDTH if x == _TABLE_X else _OUTPUT_WIDTH
        rows = self.table_rows
        cells = Cells.fit(len(rows), self.columns, width, _ROOM, self.texts(tensor), 1.1)
        return self.grid(tensor, (), cells, (x, _MIDDLE), index=lambda cell: (rows[cell[0]], cell[1]))

    def _output(self, number: int) -> Grid:
        cells = self.table.cells
        height = min(_HIGHEST, max(cells.height, 0.4)) if self.bags else self.height
        own = Cells.fit(1, cells.cols, _OUTPUT_WIDTH, height, self.texts("output"), 1.1)
        scale = self.trace.range(self.table.tensor).scale
        at = (_OUTPUT_X, self.line(number))
        return self.grid("output", self.outputs[number], own, at, blank=True, scale=scale)

    def line(self, number: int) -> float:
        """The height on stage of a row of the output: of its own id, or of the middle of its bag."""
        return self.middles[number] if self.bags else self.tops[number]

    def _brackets(self) -> list[Mobject]:
        """A box round the ids of each bag in its colour, with its number, which stands beside its output too."""
        parts: list[Mobject] = []
        for number, group in enumerate(self.groups if self.bags else ()):
            middle, color = self.middles[number], self.look.theme.channel(group.number)
            size = self.side + 0.22, self.height * group.lines + 0.14
            parts.append(Box(*size, (_IDS_X, middle), 0.06, stroke=color, stroke_width=3.0))
            ids = (_IDS_X - self.side / 2 - 0.26, middle)
            output = (self.rows[number].origin[0] - 0.2, middle)
            said = str(group.number)
            parts += [self.label(said, at, 0.28, color, "bold", align="right") for at in (ids, output)]
        return parts

    def _dots(self) -> Iterator[Mobject]:
        """Where ids are left out."""
        color = self.look.theme.muted
        for number, group in enumerate(self.groups):
            if group.cut:
                foot = self.middles[number] - self.height * (group.lines - DOTS) / 2
                yield VGroup(*(Disc(0.03, (_IDS_X, foot + dy), fill=color) for dy in (-0.1, 0.0, 0.1)))

    def _weights(self) -> list[Mobject]:
        """The weight of each id beside it, where ids have weights."""
        name, x = "per_sample_weights", _IDS_X + _WEIGHTS
        if not self.weighted or not self.lookups:
            return []
        cells = Cells.fit(1, 1, 0.85, self.height, self.texts(name))
        grids = [
            self.grid(name, (), cells, (x, top), index=lambda _, one=one: one.index)
            for top, one in zip(self.tops, self.lookups, strict=True)
        ]
        at = (_IDS_X - 0.46, self._foot - 0.26)
        return [*grids, self.title(name, at, size=MIN_TEXT, shape=False, align="left")]

    def _offsets(self) -> list[Mobject]:
        """Where each shown bag begins among the ids."""
        if "offsets" not in self.trace.tensors:
            return []
        found = [f"{int(value)}" for value in self.trace.sample("offsets", len(self.groups))]
        left_out = self.trace.shape("offsets")[0] > len(found)
        said = f"offsets {', '.join([*found, *(['…'] if left_out else [])])}"
        at = (_IDS_X - 0.46, self._foot - 0.26 - _FOOT * self.weighted)
        return [self.label(said, at, MIN_TEXT, font="sans", align="left", vertical="baseline")]

    @property
    def _foot(self) -> float:
        """The lower edge of the ids."""
        return self.middles[-1] - self.height * self.groups[-1].lines / 2 - 0.07

    def _name(self, tensor: str, top: tuple[float, float]) -> VGroup:
        return self.title(tensor, (top[0], top[1] + _NAME))
