"""The tensors of an element-wise loss as columns, so that one element is one row across the stage."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.loss.board import LossBoard, aligned_index
from torchreel.scenes.parts.grid import Cell, Cells, Grid
from torchreel.scenes.parts.look import MIN_NUMBER, MIN_TEXT, NAME_TEXT, Look
from torchreel.scenes.parts.mathtext import MathText
from torchreel.scenes.parts.mathtext import width as math_width
from torchreel.scenes.parts.shapes import Shape
from torchreel.scenes.parts.text import Text, measure
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

_INSET, _NARROWEST, _WIDEST, _LARGEST_TEXT = 0.15, 0.8, 1.3, 0.36
_GAP = 0.14
_NAME, _SYMBOL = 0.5, 0.16
_TINT = 0.24
_GROW = 0.03

Tint = Callable[[int], str]
"""The fill of the cell of an element, by its number."""


@dataclass(frozen=True)
class Rows:
    """Where the rows stand: `groups` of `size` rows each, the first below `top`, `between` groups apart.

    `elements` are the numbers of the losses that they show.
    """

    groups: int
    size: int
    top: float
    height: float
    between: float
    elements: tuple[int, ...]

    @property
    def count(self) -> int:
        return self.groups * self.size

    @property
    def bottom(self) -> float:
        """The lower edge of the last row."""
        return self.top - self.count * self.height - (self.groups - 1) * self.between

    def middle(self, group: int) -> float:
        """The middle of a group."""
        return self.top - group * (self.size * self.height + self.between) - self.size * self.height / 2


class _Tinted(Grid):
    """Cells whose fill says which curve their element is on."""

    def __init__(self, *args: Any, tint: Callable[[Cell], str], **style: Any) -> None:
        self.tint = tint
        super().__init__(*args, **style)

    def fill(self, cell: Cell) -> str:
        return self.tint(cell)


class LossColumns(LossBoard):
    """`names` side by side; `heads` are said above them in the place of torch's names.

    `results` are the tensors that stand below the losses, in cells of their width.
    """

    def __init__(
        self,
        look: Look,
        trace: Trace,
        names: Sequence[str],
        rows: Rows,
        heads: dict[str, str],
        size: float,
        results: Sequence[str] = (),
    ) -> None:
        super().__init__(look, trace)
        self.results = self.texts(*results)
        self.names, self.rows, self.heads, self.type_size = list(names), rows, heads, size
        self.widths = {name: self._width(name) for name in names}
        self.grids: dict[str, list[Grid]] = {}
        self.titles = VGroup()

    @property
    def width(self) -> float:
        """The width that the columns take."""
        return sum(self._room(name) for name in self.names) + _GAP * (len(self.names) - 1)

    def put(self, left: float, blank: Sequence[str], tints: dict[str, Tint], plain: Sequence[str]) -> None:
        """Set the columns on the stage from `left` on; `blank` ones are empty until they are written."""
        for name in self.names:
            room = self._room(name)
            x = left + room / 2
            left += room + _GAP
            self.grids[name] = [
                self._grid(name, group, x, name in blank, tints.get(name), name in plain)
                for group in range(self.rows.groups)
            ]
            self.titles.add(*self._title(name, x))

    @property
    def scenery(self) -> VGroup:
        """The grids with their names."""
        return VGroup(*itertools.chain(*self.grids.values()), self.titles)

    def index(self, number: int) -> Index:
        """The place among the losses of an element, by the number of its row."""
        shape = self.trace.shape("loss")
        place = self.rows.elements[number]
        return tuple(int(one) for one in np.unravel_index(place, shape)) if shape else ()

    def value(self, name: str, number: int) -> float:
        """A tensor's value for an element."""
        return self.trace.value(name, aligned_index(self.index(number), self.trace.shape(name)))

    def write(self, name: str, number: int) -> list[Animation]:
        """A value is born in its cell."""
        grid, cell = self._cell(name, number)
        return grid.write(cell)

    def edge(self, name: str, number: int, side: int) -> tuple[float, float]:
        """The middle of a cell's left (−1) or right (1) edge."""
        grid, cell = self._cell(name, number)
        x, y, _ = grid.center(cell)
        return float(x) + side * (grid.cells.width / 2 + _GROW), float(y)

    def frame_of(self, name: str, number: int, width: float) -> Shape:
        """A frame round the cell of an element."""
        grid, cell = self._cell(name, number)
        return self.frame(grid.outline(cell, cell, _GROW), width, 3)

    def frame_group(self, name: str, group: int, width: float) -> Shape:
        """A frame round a group of cells."""
        grid = self.grids[name][group]
        return self.frame(grid.outline((0, 0), (grid.cells.rows - 1, 0), _GROW), width, 3)

    def _cell(self, name: str, number: int) -> tuple[Grid, Cell]:
        group, row = divmod(number, self.rows.size)
        return self.grids[name][group], (row, 0)

    def _grid(self, name: str, group: int, x: float, blank: bool, tint: Tint | None, plain: bool) -> Grid:
        cells = Cells(self.widths[name], self.rows.height, self.type_size, self.rows.size, 1)
        index = partial(self._element, name, group)
        at = (x, self.rows.middle(group))
        style: dict[str, Any] = {"index": index, "blank": blank, "plain": plain}
        if tint is None:
            return self.grid(name, (), cells, at, **style)
        first, theme, chosen = group * self.rows.size, self.look.theme, tint

        def fill(cell: Cell) -> str:
            return theme.tint(chosen(first + cell[0]), _TINT)

        return _Tinted(self.look, self.trace, name, (), cells, at, tint=fill, **style)

    def _element(self, name: str, group: int, cell: Cell) -> Index:
        return self.aligned(name, self.index(group * self.rows.size + cell[0]))

    def _width(self, name: str) -> float:
        texts = [*self.texts(name), *(self.results if name == "loss" else ())]
        widest = max((measure(text, self.type_size) for text in texts), default=0.0)
        return max(_NARROWEST, min(_WIDEST, widest + 2 * _INSET), widest + 2 * _INSET)

    def _room(self, name: str) -> float:
        """The width of a column with its name."""
        return max(self.widths[name], *(width for _, width in self._heading(name)))

    def _heading(self, name: str) -> Iterator[tuple[list[Text | MathText], float]]:
        """The lines above a column: torch's name; the symbol with the shape, where there is room for it."""
        theme, symbol = self.look.theme, self.trace.symbol(name)
        said = self.heads.get(name, name)
        if said:
            yield [Text(said, MIN_TEXT, theme.muted)], measure(said, MIN_TEXT)
        own = math_width(symbol, NAME_TEXT)
        parts: list[Text | MathText] = [MathText(symbol, NAME_TEXT, theme.role(self.trace.role(name)))]
        size = f" {self.trace.shape(name)}" if self.trace.shape(name) else ""
        whole = own + measure(size, MIN_TEXT)
        if size and whole <= max(self.widths[name], measure(said, MIN_TEXT)):
            parts.append(Text(size, MIN_TEXT, theme.muted))
            own = whole
        yield parts, own

    def _title(self, name: str, x: float) -> Iterator[Text | MathText]:
        lines = list(self._heading(name))
        for (parts, wide), above in zip(lines, (_NAME, _SYMBOL)[-len(lines) :], strict=True):
            left, y = x - wide / 2, self.rows.top + above
            for part in parts:
                yield part.place((left, y), align="left", vertical="baseline")
                symbol = isinstance(part, MathText)
                left += math_width(part.text, part.size) if symbol else measure(part.text, part.size)


def number_size(look: Look, height: float) -> float:
    """The type size of numbers in rows of a height."""
    return max(MIN_NUMBER, min(_LARGEST_TEXT, height * 0.56))
