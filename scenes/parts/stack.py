"""A volume as its depth slices side by side, and a window in three dimensions as a path on each of them.

Positions are `(depth, row, column)` and may lie outside the volume, where padding is. Sizes are scene units.

    slices = Slices.fit((3, 4, 4), width=6.0, height=2.5, texts=drawn_texts(look, trace, "input"))
    stack = Stack(look, trace, "input", (0, 0), slices, (-3.0, 1.0))
    path = stack.window((0, 0, 0), (2, 2, 2), (1, 1, 1))
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.parts.grid import Cell, Cells, Grid, dashes
from torchreel.scenes.parts.look import MIN_TEXT, Look
from torchreel.scenes.parts.shapes import Point, Shape, as_point
from torchreel.scenes.parts.slices import HEAD, NO_PAD, Pad, Position, Sizes, Slices
from torchreel.scenes.parts.text import Text
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

__all__ = ["HEAD", "NO_PAD", "Pad", "Position", "Sizes", "Slices", "Stack"]


_CLEAR = 0.12
"""From a slice to the foot of its label: a frame round a cell of the first row reaches half of it."""


class Stack(VGroup):
    """A volume `(D, H, W)` of a trace tensor: one `Grid` a slice with its depth `d=0`, `d=1`… above.

    `lead` are the leading indices of the volume; its own axes are the tensor's last three, unless `index` says how a
    position becomes an index. A `blank` stack shows empty cells until they are written. `center` is the middle of
    everything drawn (see `Slices.extent`). `head` is the label of a slice, "" for none. Padding is dashed and holds
    `pad_text`, whole slices of it too.
    """

    def __init__(
        self,
        look: Look,
        trace: Trace,
        tensor: str,
        lead: Index,
        slices: Slices,
        center: Point,
        *,
        blank: bool = False,
        index: Callable[[Position], Index] | None = None,
        pad_text: str = "0",
        plain: bool = False,
        scale: float | None = None,
        head: str = "d={}",
    ) -> None:
        super().__init__()
        self.look, self.trace, self.tensor, self.slices = look, trace, tensor, slices
        self.index = index or (lambda at: (*lead, *at))
        self.origin, self.pad_text = as_point(center), pad_text
        self.grids = [
            Grid(
                look, trace, tensor, lead, slices.cells, self.origin + slices.place(depth),
                blank=blank, index=partial(self._index, depth), pad=slices.pad[2:],
                pad_text=pad_text, plain=plain, scale=scale,
            )
            for depth in range(slices.depth)
        ]  # fmt: skip
        self.ghosts = self._ghosts()
        self.labels = self._labels(head)
        self.add(*self.ghosts, *self.grids, self.labels)

    @property
    def shape(self) -> Sizes:
        """Slices, rows and columns that are shown."""
        return self.slices.depth, self.slices.cells.rows, self.slices.cells.cols

    @property
    def cells(self) -> Cells:
        """How the cells of each slice are drawn."""
        return self.slices.cells

    @property
    def pad(self) -> Pad:
        """The padding that is drawn: (front, back, top, bottom, left, right)."""
        return self.slices.pad

    @property
    def middle(self) -> np.ndarray:
        """The centre of everything drawn."""
        return self.origin

    @property
    def edges(self) -> tuple[float, float, float, float]:
        """(left, bottom, right, top) of everything drawn."""
        wide, high = self.slices.extent
        x, y, _ = self.origin
        return float(x - wide / 2), float(y - high / 2), float(x + wide / 2), float(y + high / 2)

    def grid(self, depth: int) -> Grid:
        """The plane of one shown slice."""
        return self.grids[depth]

    def positions(self) -> Iterator[Position]:
        """Every shown position in torch's order."""
        return itertools.product(*map(range, self.shape))  # type: ignore[return-value]

    def shows(self, at: Position) -> bool:
        """Whether a position is drawn."""
        return 0 <= at[0] < self.slices.depth and self.grids[at[0]].shows(at[1:])

    def center(self, at: Position) -> np.ndarray:
        """The middle of a position's cell, also of one in the padding."""
        return self.grids[0].center(at[1:]) + self.slices.place(at[0]) - self.slices.place(0)

    def value(self, at: Position) -> float:
        """The element at a shown position."""
        return self.grids[at[0]].value(at[1:])

    def text(self, at: Position) -> str:
        """The element as drawn."""
        return self.grids[at[0]].text(at[1:])

    def fill(self, at: Position) -> str:
        """The colour of a written cell."""
        return self.grids[at[0]].fill(at[1:])

    def write(self, at: Position, start: Point | None = None) -> list[Animation]:
        """The cell takes its colour and its number, which flies in from `start`; nothing if it is not shown."""
        return self.grids[at[0]].write(at[1:], start) if self.shows(at) else []

    def paint(self, at: Position, fill: str) -> list[Animation]:
        """A cell's colour changes; nothing if it is not shown."""
        return self.grids[at[0]].paint(at[1:], fill) if self.shows(at) else []

    def caption(self, text: str, size: float = 0.2, color: str | None = None, gap: float = 0.12) -> Text:
        """A label centred above everything."""
        left, _, right, top = self.edges
        label = Text(text, size, color or self.look.theme.muted, "mono")
        return label.place(((left + right) / 2, top + gap), vertical="baseline")

    def outline(self, first: Position, last: Position, grow: float = 0.0) -> np.ndarray:
        """The paths round a block of cells, one in each of its slices."""
        rounds = []
        for depth in range(first[0], last[0] + 1):
            shift = self.slices.place(depth) - self.slices.place(0)
            rounds.append(self.grids[0].outline(first[1:], last[1:], grow) + shift)
        return np.concatenate(rounds)

    def window(self, first: Position, size: Sizes, dilation: Sizes) -> np.ndarray:
        """The path round a window of `size` taps from `first` on: one piece on each slice that it covers.

        Where rows and columns are dilated, each tap has a piece of its own. What lies outside all that is drawn comes
        to its edge, so that a window has as many points wherever it stands.
        """
        depths = [self._drawn(first[0] + k * dilation[0]) for k in range(size[0])]
        rows, cols = (self._clamped(first, size, dilation, axis) for axis in (1, 2))
        return np.concatenate(
            [path for depth in depths for path in self._plane_paths(depth, rows, cols, dilation)]
        )

    def _index(self, depth: int, cell: Cell) -> Index:
        return self.index((depth, *cell))

    def _plane_paths(
        self, depth: int, rows: Sequence[int], cols: Sequence[int], dilation: Sizes
    ) -> Iterator[np.ndarray]:
        grid, shift = self.grids[0], self.slices.place(depth) - self.slices.place(0)
        if dilation[1:] == (1, 1) or len(rows) * len(cols) == 1 or not self.slices.cells.text_size:
            yield grid.outline((rows[0], cols[0]), (rows[-1], cols[-1]), 0.02) + shift
            return
        for cell in itertools.product(rows, cols):
            yield grid.outline(cell, cell, -0.03) + shift

    def _drawn(self, depth: int) -> int:
        """The nearest slice that is drawn."""
        return max(-self.slices.pad[0], min(depth, self.slices.depth + self.slices.pad[1] - 1))

    def _clamped(self, first: Position, size: Sizes, dilation: Sizes, axis: int) -> list[int]:
        before, after = self.slices.pad[2 * axis : 2 * axis + 2]
        low, high = -before, self.shape[axis] + after - 1
        return [max(low, min(first[axis] + k * dilation[axis], high)) for k in range(size[axis])]

    def _ghosts(self) -> list[Shape | Text]:
        """The slices that are all padding."""
        front, back = self.slices.pad[:2]
        depths = [*range(-front, 0), *range(self.slices.depth, self.slices.depth + back)]
        _, _, top, bottom, left, right = self.slices.pad
        _, rows, cols = self.shape
        cells = list(itertools.product(range(-top, rows + bottom), range(-left, cols + right)))
        theme, parts = self.look.theme, []
        for depth in depths:
            shift = self.slices.place(depth) - self.slices.place(0)
            lines = [
                dashes((self.grids[0].outline(cell, cell, radius=0) + shift)[::4], 0.07) for cell in cells
            ]
            parts.append(Shape(np.concatenate(lines), stroke=theme.wire, stroke_width=1.2))
            if self.slices.cells.text_size and self.pad_text:
                size = self.slices.cells.text_size
                parts += [
                    Text(self.pad_text, size, theme.muted).place(self.center((depth, *at))) for at in cells
                ]
        return parts

    def _labels(self, head: str) -> VGroup:
        """The depth of each slice above it, and an ellipsis where the volume goes on."""
        labels, theme = VGroup(), self.look.theme
        high = (self.slices.cells.rows + sum(self.slices.pad[2:4])) * self.slices.cells.height
        for depth in range(-self.slices.pad[0], self.slices.depth + self.slices.pad[1]):
            at = self.origin + self.slices.place(depth) + np.array([0.0, high / 2 + _CLEAR, 0.0])
            text = head.format(depth).replace("-", "−")
            if text:
                labels.add(Text(text, MIN_TEXT, theme.muted, "mono").place(at, vertical="baseline"))
        if self.slices.cropped:
            last = self.edges[2], self.origin[1] + self.slices.place(self.slices.count)[1]
            labels.add(Text("…", 0.24, theme.muted, "mono").place(last, "right"))
        return labels
