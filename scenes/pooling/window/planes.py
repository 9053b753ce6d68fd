"""One channel of a tensor as drawn: the grid of a plane, or the stack of a volume, asked alike by position."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from manim import Animation, Mobject, VGroup

from torchreel.scenes.parts.grid import Cells, Grid
from torchreel.scenes.parts.look import Look
from torchreel.scenes.parts.motion import Morph
from torchreel.scenes.parts.number import Number
from torchreel.scenes.parts.shapes import Point, Shape
from torchreel.scenes.parts.stack import Stack
from torchreel.scenes.parts.text import Text
from torchreel.scenes.pooling.window.geometry import Position
from torchreel.scenes.pooling.window.layout import LABEL, Sheet
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

PlanePad = tuple[int, int, int, int]


class Planes(VGroup):
    """The cells of a `Sheet`, asked by position: `(row, column)`, or `(depth, row, column)` for a volume.

    Of a plane, `sheet` is the room with all that is round it and `cells` the tensor in it; `pad` is its drawn padding
    (top, bottom, left, right). A volume's sheet knows its padding.
    """

    def __init__(
        self,
        look: Look,
        trace: Trace,
        tensor: str,
        lead: Index,
        sheet: Sheet,
        center: np.ndarray,
        cells: Cells | None = None,
        *,
        pad: PlanePad = (0, 0, 0, 0),
        **looks: Any,
    ) -> None:
        self.look, self.tensor, self.sheet = look, tensor, sheet
        self.cells = cells or sheet.cells
        self.plain = bool(looks.get("plain"))
        self.drawn: Any
        if sheet.slices:
            self.drawn = Stack(look, trace, tensor, lead, sheet.slices, center, **looks)
            depth, rows, cols = self.drawn.shape
            front, back, top, bottom, left, right = sheet.slices.pad
            self.low: Position = (-front, -top, -left)
            self.high: Position = (depth + back, rows + bottom, cols + right)
        else:
            self.drawn = Grid(look, trace, tensor, lead, self.cells, center, pad=pad, **looks)
            self.low = (-pad[0], -pad[2])
            self.high = (sheet.cells.rows - pad[0], sheet.cells.cols - pad[2])
        self.pad = pad
        self.edges = self._box()
        self.middle = np.array([self.edges[0] + self.edges[2], self.edges[1] + self.edges[3], 0.0]) / 2
        super().__init__(self.drawn)

    @property
    def shape(self) -> Position:
        """What is shown of the tensor, as a position's sizes."""
        shape: Position = self.drawn.shape
        return shape

    def positions(self) -> Iterator[Position]:
        """Every shown position in torch's order."""
        positions: Iterator[Position] = self.drawn.positions()
        return positions

    def shows(self, position: Position) -> bool:
        """Whether the position is drawn."""
        return bool(self.drawn.shows(position))

    def center(self, position: Position) -> np.ndarray:
        """The middle of a position's cell, also of one in the padding."""
        return np.asarray(self.drawn.center(position))

    def outline(self, first: Position, last: Position, grow: float = 0.0) -> np.ndarray:
        """The path round a block of cells: in a volume, one round in each of its slices."""
        return np.asarray(self.drawn.outline(first, last, grow))

    def value(self, position: Position) -> float:
        """The element at a position."""
        return float(self.drawn.value(position))

    def fill(self, position: Position) -> str:
        """The colour of a written cell."""
        return str(self.drawn.fill(position))

    def number(self, position: Position) -> Number | None:
        """The number in a cell, if it is written."""
        grid = self.drawn.grid(position[0]) if self.sheet.slices else self.drawn
        number: Number | None = grid.numbers.get(position[-2:])
        return number

    def write(self, position: Position, start: Point | None = None) -> list[Animation]:
        """The cell takes its colour and its number, which flies in from `start` or pops up in place."""
        moves: list[Animation] = self.drawn.write(position, start)
        return moves

    def paint(self, position: Position, fill: str) -> list[Animation]:
        """A cell's colour changes; nothing if it is not shown."""
        moves: list[Animation] = self.drawn.paint(position, fill)
        return moves

    def caption(self, text: str, size: float = LABEL) -> Text:
        """A label centred above all that is drawn."""
        label: Text = self.drawn.caption(text, size)
        return label

    def _box(self) -> tuple[float, float, float, float]:
        """Left, bottom, right and top of the cells, without padding and depth labels."""
        path = self.outline((0,) * len(self.shape), tuple(size - 1 for size in self.shape))
        (left, bottom, _), (right, top, _) = path.min(0), path.max(0)
        return float(left), float(bottom), float(right), float(top)

    def clamped(self, position: Position) -> Position:
        """The nearest position that there is a place for on the stage."""
        return tuple(
            max(low, min(at, high - 1)) for at, low, high in zip(position, self.low, self.high, strict=True)
        )


class PoolWindow:
    """A window of `kernel` taps, `dilation` apart, over the planes it reads; `drawn` is what stands on the stage."""

    def __init__(
        self,
        planes: Planes,
        kernel: Position,
        dilation: Position,
        origin: Position,
        color: str,
        grow: float = 0.02,
        stroke: float = 5,
    ) -> None:
        self.planes, self.kernel, self.dilation, self.grow = planes, kernel, dilation, grow
        self.drawn: Mobject
        if planes.sheet.slices:
            self.drawn = planes.drawn.frames(origin, kernel, dilation, color)
        else:
            self.drawn = Shape(self._path(origin), stroke=color, stroke_width=stroke, z_index=2)

    def move(self, origin: Position, quick: float | None = None) -> list[Animation]:
        """The window's first tap goes to `origin`."""
        if self.planes.sheet.slices:
            moves: list[Animation] = self.planes.drawn.move(self.drawn, origin, quick)
            return moves
        return [Morph(self.drawn, self._path(origin), quick=quick)]

    def _path(self, origin: Position) -> np.ndarray:
        """One frame, or one round each tap where dilation spreads them."""
        axes = [
            [at + step * k for k in range(size)]
            for at, step, size in zip(origin, self.dilation, self.kernel, strict=True)
        ]
        clamped = self.planes.clamped
        if set(self.dilation) == {1} or set(self.kernel) == {1} or not self.planes.cells.text_size:
            ends = ((axes[0][0], axes[1][0]), (axes[0][-1], axes[1][-1]))
            return self.planes.outline(clamped(ends[0]), clamped(ends[1]), self.grow)
        taps = [clamped((row, col)) for row in axes[0] for col in axes[1]]
        return np.concatenate([self.planes.outline(tap, tap, -0.03) for tap in taps])
