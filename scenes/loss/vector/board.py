"""The board of the losses of vectors: a table with a row for each sample, a picture below it, and the result.

What belongs to one sample stands in one line: its scores, its target, what is made of them, its loss. The result stands
under the column of losses.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from manim import Animation, VGroup

from torchreel.scenes.loss.board import LossBoard
from torchreel.scenes.parts.grid import Cell, Cells, Grid
from torchreel.scenes.parts.look import CELL_TEXT, MIN_NUMBER, MIN_TEXT, NAME_TEXT, Look
from torchreel.scenes.parts.mathtext import MathText, width
from torchreel.scenes.parts.motion import Drop
from torchreel.scenes.parts.plot import Plot
from torchreel.scenes.parts.rooms import BESIDE, STAGE, Area
from torchreel.scenes.parts.shapes import Point, Shape
from torchreel.scenes.parts.sign import Sign
from torchreel.scenes.parts.text import Text, measure
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

_TITLE, _UNDER, _GAP, _GAP_ALONE = 0.42, 0.34, (0.3, 0.9), 2.1
_WIDEST, _ALONE, _NARROWEST, _ONE, _STEPS = 1.3, 1.6, 0.36, 0.95, 40
_LOW, _HIGH = 0.58, 0.9
_APART = 0.3
_TALL = 0.72


@dataclass(frozen=True)
class Column:
    """A tensor of the table: `at` is the index of one of its `slots` for a sample.

    `numbered` writes the slots under it; an empty one is `blank` until it is written; a `plain` one holds no quantity.
    `name` says what it is where the tensor has only a symbol. `absent` are slots that a sample has not: a dash is
    written there.
    """

    tensor: str
    at: Callable[[Index, int], Index]
    slots: Sequence[int] = (0,)
    blank: bool = False
    plain: bool = False
    numbered: bool = False
    name: str = ""
    absent: Callable[[Index, int], bool] = lambda sample, slot: False


class _Gapped(Grid):
    """Cells of which those that are `absent` have no value: a dash is written there."""

    def __init__(self, *args: Any, absent: Callable[[Cell], bool], **style: Any) -> None:
        self.absent = absent
        super().__init__(*args, **style)

    def write(self, cell: Cell, start: Point | None = None) -> list[Animation]:
        if not self.absent(cell):
            return super().write(cell, start)
        dash = Text("–", self.cells.text_size or MIN_TEXT, self.look.theme.muted, "sans")
        return [Drop(dash.place(self.center(cell)))]


class VectorBoard(LossBoard):
    """The table of some samples; `picture` is the height below it that a picture takes (0 for none).

    `under` is a column of one row that stands under the one it is named after, such as the weights of classes. `slot`
    is what the slots under a column are called, `sign` the widest sign that comes to stand before a loss.
    """

    def __init__(
        self,
        look: Look,
        trace: Trace,
        samples: Sequence[Index],
        columns: Sequence[Column],
        picture: float = 0.0,
        under: tuple[str, Column] | None = None,
        slot: str = "",
        sign: str = "",
    ) -> None:
        super().__init__(look, trace)
        self.slot = slot
        self.sign_room = width(sign, NAME_TEXT) + 0.24 if sign else 0.0
        self.samples, self.columns, self.under = list(samples), list(columns), under
        self.grids: dict[str, Grid] = {}
        self.numbers = VGroup()
        self._size(picture)
        self._stand()
        self.area = Area(STAGE.left, STAGE.bottom - 0.1, self._left_of_losses(), self.bottom - 0.25)

    @property
    def scenery(self) -> VGroup:
        """The whole table with its names, and the place of the result."""
        return VGroup(*self.grids.values(), self.numbers)

    def row(self, tensor: str, sample: Index) -> list[Animation]:
        """A sample's part of a tensor is written."""
        grid, row = self.grids[tensor], self.samples.index(sample)
        return [move for column in range(grid.cells.cols) for move in grid.write((row, column))]

    def is_written(self, tensor: str, sample: Index) -> bool:
        """Whether a sample's part of a tensor stands there."""
        grid, row = self.grids[tensor], self.samples.index(sample)
        return any((row, column) in grid.numbers for column in range(grid.cells.cols))

    def outline(self, tensor: str, sample: Index, slot: int) -> Shape | None:
        """A dark frame round what a target chose; None where that is not drawn."""
        column = next(one for one in self.columns if one.tensor == tensor)
        if slot not in column.slots:
            return None
        cell = (self.samples.index(sample), list(column.slots).index(slot))
        path = self.grids[tensor].outline(cell, cell, -0.03)
        return Shape(path, stroke=self.look.theme.text, stroke_width=2.6, z_index=2)

    def margin(self, tensor: str) -> float:
        """What a column's name is wider than its cells, on each side."""
        column = next(one for one in self.columns if one.tensor == tensor)
        grid = self.grids[tensor]
        return (self._width(column) - grid.cells.width * grid.cells.cols) / 2

    def sign(self, text: str, sample: Index) -> VGroup:
        """What is done with a row, before its loss."""
        if not text:
            return VGroup()
        at = self._between(self.columns[-2].tensor, "loss", self.samples.index(sample))
        return VGroup(Sign(self.look, text, at, NAME_TEXT))

    def axes(self, plot: Plot, x: str, y: str) -> VGroup:
        """The names of a plot's axes, in symbols."""
        color = self.look.theme.muted
        along = MathText(x, NAME_TEXT, color).place((plot.right + 0.3, plot.bottom + 0.02), align="left")
        up = MathText(y, NAME_TEXT, color)
        return VGroup(along, up.place((plot.left, plot.top + 0.14), align="center", vertical="baseline"))

    def signs(self, text: str, left: str, right: str) -> VGroup:
        """A sign between two columns, in each row."""
        places = [self._between(left, right, row) for row in range(len(self.samples))]
        return VGroup(*(MathText(text, NAME_TEXT, self.look.theme.text).place(at) for at in places))

    def _between(self, left: str, right: str, row: int) -> tuple[float, float]:
        """The middle between a row of two columns."""
        before, after = self.grids[left], self.grids[right]
        start = before.center((row, before.cells.cols - 1))[0] + before.cells.width / 2
        x, y = after.center((row, 0))[:2]
        return (start + x - after.cells.width / 2) / 2, y

    def place_output(self, cell: Index, sign: str = "") -> None:
        """The cell of the result under the losses, its name below, and between them how it is made of them."""
        losses = self.grids["loss"]
        x, y = losses.middle[0], self._output_y()
        cells = self._cells(self.texts("output"), 1, 1, max(_ONE, self.wide))
        grid = self.grid("output", (), cells, (x, y), index=lambda _: cell, blank=True)
        self.grids["output"] = grid
        if sign:
            low = losses.outline((len(self.samples) - 1, 0), (len(self.samples) - 1, 0))[:, 1].min()
            middle = (x, (low + y + cells.height / 2) / 2)
            self.numbers.add(MathText(sign, NAME_TEXT, self.look.theme.text).place(middle))
        at = (x, y - cells.height / 2 - 0.32)
        self.numbers.add(self.title("output", at, shape=bool(self.trace.shape("output"))))

    def _output_y(self) -> float:
        losses = self.grids["loss"].outline((len(self.samples) - 1, 0), (len(self.samples) - 1, 0))
        low = losses[:, 1].min()
        if self.picture:
            return low - max(_ONE, 0.36 * (low - STAGE.bottom))
        return low - 0.5 - self.high / 2

    def _size(self, picture: float) -> None:
        """Cells as large as all columns can be beside each other; names without shapes where that is too wide."""
        self.picture, self.gap = picture, _GAP[0]
        gaps = max(1, len(self.columns) - 1)
        self.shapes = True
        self.wide = _NARROWEST
        self.shapes = self._spare() >= 0
        widest = _WIDEST if picture else _ALONE
        for step in range(1, _STEPS + 1):
            self.wide = _NARROWEST + (widest - _NARROWEST) * step / _STEPS
            if self._spare() < 0:
                self.wide -= (widest - _NARROWEST) / _STEPS
                break
        most = _GAP[1] if picture or len(self.samples) > 1 else _GAP_ALONE
        self.gap = min(most, self.gap + max(0.0, self._spare()) / gaps)
        rows, free = len(self.samples), STAGE.height - picture - _TITLE - self._below()
        tall = _LOW if picture else _HIGH
        self.high = max(0.34, min(tall, free / (rows + (0 if picture else 1.9)), max(0.5, self.wide)))

    def _spare(self) -> float:
        """What the columns leave of the stage's width."""
        return STAGE.width - self._whole()

    def _whole(self) -> float:
        columns = sum(map(self._width, self.columns))
        return columns + self.gap * (len(self.columns) - 1) + self._more()

    def _more(self) -> float:
        """What the gap before the losses is wider than the others, for the sign in it."""
        spare = sum(self._width(one) - self._filled(one) for one in self.columns[-2:]) / 2
        return max(0.0, self.sign_room - self.gap - spare)

    def _filled(self, column: Column) -> float:
        """What of its room a column's cells take."""
        if len(column.slots) > 1:
            return len(column.slots) * self.wide
        return max(_ONE, min(self.wide, self._width(column)))

    def _name_width(self, column: Column) -> float:
        tensor = column.tensor
        symbol = self.trace.symbol(tensor)
        shape = f" {self.trace.shape(tensor)}" if self.shapes else ""
        parts = measure(f"{column.name or tensor}{shape}", NAME_TEXT)
        return max(
            _ONE, parts + (width(symbol, NAME_TEXT) + 0.08 if symbol != tensor or column.name else 0.0)
        )

    def _below(self) -> float:
        return (_UNDER if any(one.numbered for one in self.columns) else 0.0) + (
            _TALL + 0.1 if self.under else 0.0
        )

    def _cells(self, texts: Sequence[str], rows: int, cols: int, wide: float | None = None) -> Cells:
        wide = self.wide if wide is None else wide
        ems = max((measure(text, 1.0, "sans") for text in set(texts)), default=0.6)
        size = min(CELL_TEXT, (wide - BESIDE) / ems, self.high * 0.62)
        return Cells(wide, self.high, size if size >= MIN_NUMBER else 0.0, rows, cols)

    def _width(self, column: Column) -> float:
        """The room of a column: that of its cells, or of its name if that is wider."""
        return max(len(column.slots) * self.wide, self._name_width(column))

    def _stand(self) -> None:
        rows = len(self.samples)
        left = -self._whole() / 2
        tall = _TITLE + rows * self.high + self._below()
        rest = 0.0 if self.picture else STAGE.height - tall - 1.35 * self.high - 0.6
        top = STAGE.top - max(0.0, rest / 2)
        middle = top - _TITLE - rows * self.high / 2
        self.bottom = top - tall
        for column in self.columns:
            left += self._more() if column is self.columns[-1] else 0.0
            room = self._width(column)
            wide = self._filled(column) / max(1, len(column.slots))
            self._put(column, (left + room / 2, middle), rows, wide)
            left += room + self.gap
        if self.under:
            self._put_under(*self.under)

    def _put(self, column: Column, at: tuple[float, float], rows: int, wide: float) -> None:
        cells = self._cells(self.texts(column.tensor), rows, len(column.slots), wide)

        def index(cell: Cell) -> Index:
            return column.at(self.samples[cell[0]], column.slots[cell[1]])

        def absent(cell: Cell) -> bool:
            return column.absent(self.samples[cell[0]], column.slots[cell[1]])

        style: dict[str, Any] = {"index": index, "blank": column.blank, "plain": column.plain}
        self.grids[column.tensor] = _Gapped(
            self.look, self.trace, column.tensor, (), cells, at, absent=absent, **style
        )
        self.numbers.add(self._named(column, (at[0], at[1] + rows * self.high / 2 + 0.14)))
        if column.numbered:
            self._number(column, rows)

    def _number(self, column: Column, rows: int) -> None:
        grid = self.grids[column.tensor]
        for k, slot in enumerate(column.slots):
            x, y = grid.center((rows - 1, k))[:2]
            text = f"{self.slot} {slot}" if self.slot and self.wide > 1.0 else str(slot)
            self.numbers.add(self.label(text, (x, y - self.high / 2 - 0.2), MIN_TEXT, font="sans"))

    def _named(self, column: Column, at: tuple[float, float]) -> VGroup:
        """The title of a column."""
        if not column.name:
            return self.title(column.tensor, at, shape=self.shapes)
        symbol, shape = self.trace.symbol(column.tensor), str(self.trace.shape(column.tensor))
        space = measure(" ", NAME_TEXT)
        parts = [
            (Text(column.name, NAME_TEXT, self.look.theme.muted), measure(column.name, NAME_TEXT)),
            (MathText(symbol, NAME_TEXT, self.look.theme.role("result")), width(symbol, NAME_TEXT)),
            *(
                [(Text(shape, NAME_TEXT, self.look.theme.muted), measure(shape, NAME_TEXT))]
                if self.shapes
                else []
            ),
        ]
        left = at[0] - (sum(wide + space for _, wide in parts) - space) / 2
        line = VGroup()
        for part, wide in parts:
            line.add(part.place((left, at[1]), align="left", vertical="baseline"))
            left += wide + space
        return line

    def _put_under(self, above: str, column: Column) -> None:
        """Weights stand under the classes they belong to."""
        grid = self.grids[above]
        x = grid.middle[0]
        rows = len(self.samples)
        y = grid.center((rows - 1, 0))[1] - self.high / 2 - _UNDER - 0.05 - self.high / 2
        cells = self._cells(self.texts(column.tensor), 1, len(column.slots), grid.cells.width)
        own = self.grid(
            column.tensor, (), cells, (x, y), index=lambda cell: column.at((), column.slots[cell[1]])
        )
        self.grids[column.tensor] = own
        beside = x - len(column.slots) * grid.cells.width / 2 - 0.16
        fits = beside - self._name_width(column) > STAGE.left
        right = x + len(column.slots) * grid.cells.width / 2 + 0.16
        self.numbers.add(
            self.title(
                column.tensor, (beside if fits else right, y - 0.09), align="right" if fits else "left"
            )
        )

    def _left_of_losses(self) -> float:
        losses = self.grids["loss"]
        return float(losses.middle[0] - self._width(self.columns[-1]) / 2 - _APART)
