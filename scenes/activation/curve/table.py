"""The elements of a tensor as rows of a table, with a column for each tensor that has a value for them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.activation.curve.listing import listed
from torchreel.scenes.parts.desk import Desk
from torchreel.scenes.parts.gates import Sampled
from torchreel.scenes.parts.grid import Cell
from torchreel.scenes.parts.look import MIN_NUMBER, MIN_TEXT, NAME_TEXT, Look
from torchreel.scenes.parts.mathtext import MathText
from torchreel.scenes.parts.text import Text, measure
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

LEFT, RIGHT = -6.7, 6.7
WIDTH, GAP = 1.16, 0.3
_HEIGHT, _LOWEST, _HEAD = 0.68, 0.42, 0.4
_MOST_ROWS = 7
_TEXT = 0.3


class Columns(Desk):
    """Columns side by side whose rows stand for the same elements; of many, some are left out."""

    slots: Sequence[int]
    count: int
    columns: Mapping[str, Sampled]

    @property
    def rows(self) -> list[int]:
        """The rows, each of which holds an element."""
        return list(range(len(self.slots)))

    @property
    def is_sampled(self) -> bool:
        """Whether some elements are left out."""
        return len(self.slots) < self.count

    @property
    def has_numbers(self) -> bool:
        """Whether cells are wide enough for their numbers."""
        return all(column.cells.text_size for column in self.columns.values())

    def text_size(self, tensor: str, width: float) -> float:
        """The type of a tensor's numbers in cells of a width; 0 where they would be too small to read."""
        ems = max((measure(text, 1.0) for text in self.texts(tensor)), default=1.0)
        size = min(_TEXT, (width - 0.15) / ems)
        return size if size >= MIN_NUMBER else 0.0


@dataclass(frozen=True)
class TableSides:
    """The columns at the left and at the right of a graph, by tensor, in order; `blank` ones wait for their values."""

    left: Sequence[str]
    right: Sequence[str]
    blank: Sequence[str]

    @property
    def names(self) -> list[str]:
        """All of them, from left to right."""
        return [*self.left, *self.right]


class _Column(Sampled):
    """A column whose cells are tinted by a role that is given."""

    role = "result"

    def fill(self, cell: Cell) -> str:
        if self.plain or not self.blank:
            return super().fill(cell)
        return self.look.theme.fill(self.value(cell), self.scale, self.role)


class ElementTable(Columns):
    """Columns of some tensors over the elements of `tensor`, some at the left edge of the stage, some at the right.

    Rows stand between `bottom` and `top` (scene units). `heads` are words in the place of tensors' names;
    tensors that are parts of another look `like` it. Of many elements, those are shown whose values of `spread` (by
    default of `tensor`) cover its range, with their places; with `channels`, elements of those alone.
    """

    def __init__(
        self,
        look: Look,
        trace: Trace,
        sides: TableSides,
        bottom: float,
        top: float,
        tensor: str = "input",
        plain: Sequence[str] = (),
        heads: Mapping[str, str] = MappingProxyType({}),
        like: Mapping[str, str] = MappingProxyType({}),
        spread: str = "",
        channels: Sequence[int] | None = None,
    ) -> None:
        super().__init__(look, trace)
        self.sides, self.plain, self.heads, self.size = sides, plain, heads, trace.shape(tensor)
        self.like = like
        self.count = math.prod(self.size)
        most = min(_MOST_ROWS, int((top - _HEAD - bottom) / _LOWEST))
        self.slots = listed(trace.tensors[spread or tensor], most, channels)  # type: ignore[arg-type]
        self.height = min(_HEIGHT, (top - _HEAD - bottom) / len(self.slots))
        self.middle = (bottom + top - _HEAD) / 2
        self.has_places = len(self.size) > 1 or self.is_sampled
        self.columns = {name: self._column(name) for name in sides.names}
        self._written: set[tuple[str, int]] = set()
        self.scenery = VGroup(*self.columns.values(), *self._headings(), *self._places())

    @property
    def room(self) -> tuple[float, float]:
        """The right edge of the left columns and the left edge of the right ones."""
        return self._x(self.sides.left[-1]) + WIDTH / 2, self._x(self.sides.right[0]) - WIDTH / 2

    def index(self, row: int) -> Index:
        """The tensor index of a row's element."""
        return self._unravel(self.slots[row])

    def value(self, tensor: str, row: int) -> float:
        """A tensor's value for a row's element."""
        return self.trace.value(tensor, self.index(row))

    def beside(self, name: str, row: int, side: int) -> np.ndarray:
        """The middle of a cell's left (-1) or right (+1) edge."""
        return self.columns[name].center((row, 0)) + np.array([side * WIDTH / 2, 0.0, 0.0])

    def write(self, name: str, row: int) -> list[Animation]:
        """A value is born in its column, if there is one, once."""
        if name not in self.columns or (name, row) in self._written:
            return []
        self._written.add((name, row))
        return self.columns[name].write((row, 0))

    def _x(self, name: str) -> float:
        """The middle of a column."""
        left, right = list(self.sides.left), list(self.sides.right)
        if name in left:
            places = measure(_place(self.size), MIN_TEXT, "mono") + 0.14 if self.has_places else 0.0
            return LEFT + places + WIDTH / 2 + left.index(name) * (WIDTH + GAP)
        return RIGHT - WIDTH / 2 - (len(right) - 1 - right.index(name)) * (WIDTH + GAP)

    def _column(self, name: str) -> Sampled:
        cells = (WIDTH, self.height, self.text_size(name, WIDTH))
        model = self.like.get(name, name)
        column = _Column(
            self.look, self.trace, name, tuple(self.slots), (0,), lambda slot, _: self._unravel(slot), cells,
            (self._x(name), self.middle), blank=name in self.sides.blank,
            scale=self.trace.range(model).scale,
        )  # fmt: skip
        column.plain, column.role = name in self.plain, self.trace.role(model)
        return column

    def _headings(self) -> list[VGroup | Text | MathText]:
        foot = self.middle + self.height * len(self.slots) / 2 + 0.17
        heads: list[VGroup | Text | MathText] = [
            self._head(name, (self._x(name), foot)) for name in self.columns
        ]
        if self.has_places:
            at = (self._x(self.sides.left[0]), foot + 0.32)
            heads.append(self.label(str(self.size), at, MIN_TEXT, font="sans", vertical="baseline"))
        return heads

    def _head(self, name: str, foot: tuple[float, float]) -> VGroup | MathText:
        """A column's name; where no word is given, the symbol alone."""
        head = self.heads.get(name, name)
        if head.endswith(f" {name}"):
            return MathText(head, NAME_TEXT, self.look.theme.muted).place(foot, vertical="baseline")
        if head:
            return self.title(name, foot, name=self.heads.get(name), shape=False)
        color = self.look.theme.role(self.trace.role(name))
        return MathText(self.trace.symbol(name), NAME_TEXT, color).place(foot, vertical="baseline")

    def _places(self) -> list[Text]:
        """The index of each row's element, where the tensor has several axes."""
        if not self.has_places:
            return []
        column = self.columns[self.sides.left[0]]
        left = self._x(self.sides.left[0]) - WIDTH / 2 - 0.1
        return [
            self.label(_place(self.index(row)), (left, column.center((row, 0))[1]), MIN_TEXT, align="right")
            for row in self.rows
        ]

    def _unravel(self, flat: int) -> Index:
        return tuple(int(axis) for axis in np.unravel_index(flat, self.size))


def _place(index: Index) -> str:
    return str(list(index)).replace(" ", "")
