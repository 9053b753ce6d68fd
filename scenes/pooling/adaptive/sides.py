"""The rows and columns of a volume's windows, whose ruler is along the depth: rails at the slices, and words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

from manim import VMobject

from torchreel.scenes.parts.desk import Desk
from torchreel.scenes.parts.grid import Grid
from torchreel.scenes.parts.look import MIN_NUMBER, Look
from torchreel.scenes.parts.shapes import Box, Disc
from torchreel.scenes.parts.sheet import Position
from torchreel.scenes.parts.text import Text, measure
from torchreel.scenes.pooling.adaptive.cover import Cover
from torchreel.scenes.trace.proof import Trace

_ROWS, _COLS = 1, 2
_OUT, _THICK, _SHORTEST, _DOT = 0.1, 0.08, 0.1, 0.045
_CALM, _LIT, _INSET = 0.35, 0.45, 0.03
_MOST, _LINE = 32, 0.34


class PlaneSides(Desk):
    """What is said of rows and columns; `words` names them."""

    def __init__(self, look: Look, trace: Trace, cover: Cover, words: Mapping[int, str]) -> None:
        super().__init__(look, trace)
        self.cover, self.words = cover, words

    @property
    def width(self) -> float:
        """The room that the lines of words take."""
        counts = [(axis, k) for axis in (_ROWS, _COLS) for k in range(min(self.cover.counts[axis], _MOST))]
        return max((measure(self._said(*one), MIN_NUMBER, "mono") for one in counts), default=0.0)

    def lines(self, position: Position, at: tuple[float, float]) -> list[Text]:
        """Which rows and columns a window takes, and of which part or point, one below the other."""
        return [
            self.label(
                self._said(axis, position[axis]), (at[0], at[1] - _LINE * n), MIN_NUMBER, align="right"
            )
            for n, axis in enumerate((_ROWS, _COLS))
        ]

    def rails(self, position: Position, grid: Grid) -> Iterator[VMobject]:
        """The parts or points of the rows left of a slice and of the columns above it, the window's own lit."""
        for axis in (_ROWS, _COLS):
            yield from self._rail(axis, position[axis], grid)

    def _rail(self, axis: int, chosen: int, grid: Grid) -> Iterator[VMobject]:
        theme, cells = self.look.theme, grid.cells
        step, shown = ((cells.height, cells.rows), (cells.width, cells.cols))[axis - 1]
        cuts = self._cuts(axis)
        ends = pairwise(cuts) if cuts else [(place, place) for place in self._points(axis)]
        parts = [(n, low, high) for n, (low, high) in enumerate(ends) if high <= shown + 1e-9]
        if any(high - low < _SHORTEST / step for _, low, high in parts if cuts):
            return
        for n, low, high in parts:
            along, length = (low + high) / 2 * step, (high - low) * step - _INSET
            x, y = self._beside(grid, axis, along)
            if not cuts:
                yield Disc(_DOT, (x, y), fill=theme.accent if n == chosen else theme.text)
                continue
            tint = theme.tint(theme.accent, _LIT) if n == chosen else theme.tint(theme.wire, _CALM)
            size = (_THICK, length) if axis == _ROWS else (length, _THICK)
            yield Box(*size, (x, y), fill=tint)

    def _beside(self, grid: Grid, axis: int, along: float) -> tuple[float, float]:
        """A place so far along a slice's rows, left of it, or along its columns, above it."""
        cells = grid.cells
        left, top = (
            grid.middle[0] - cells.cols * cells.width / 2, grid.middle[1] + cells.rows * cells.height / 2
        )  # fmt: skip
        return (left - _OUT, top - along) if axis == _ROWS else (left + along, top + _OUT)

    def _said(self, axis: int, number: int) -> str:
        """A window along one side, and the part that is rounded outwards to it, or the point rounded down."""
        start, end = self.cover.axes[axis][number]
        return f"{self.words[axis]} {self._made_of(axis, number)}[{start}, {end})"

    def _made_of(self, axis: int, number: int) -> str:
        cuts, tensor = self._cuts(axis), f"p_{self.cover.letters[axis]}"
        if cuts:
            low, high = (
                self.text(f"cut_{self.cover.letters[axis]}", cut) for cut in cuts[number : number + 2]
            )
            return f"{low}–{high} → "
        first, point = self._place(axis, 0), self._place(axis, number)
        if number == self.cover.counts[axis] - 1 or first >= 1:
            return ""  # the last window ends with the input; counted from the first point it is no plain rounding
        return f"⌊{self.text(tensor, point)}⌋ → "

    def _cuts(self, axis: int) -> list[float]:
        name = f"cut_{self.cover.letters[axis]}"
        if name not in self.trace.tensors:
            return []
        return self.trace.values(name, [(k,) for k in range(self.trace.shape(name)[0])])

    def _points(self, axis: int) -> list[float]:
        """Where windows start from, the first one's whole cells taken off; a single window has no such place."""
        count = min(self.cover.counts[axis], _MOST) if self.cover.counts[axis] > 1 else 0
        return [self._place(axis, k) - int(self._place(axis, 0)) for k in range(count)]

    def _place(self, axis: int, number: int) -> float:
        name = f"p_{self.cover.letters[axis]}"
        lead = self.cover.lead[len(self.cover.lead) - len(self.trace.shape(name)) + 1 :]
        return self.trace.value(name, (*lead, number))
