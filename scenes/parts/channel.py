"""One channel of a tensor as drawn: the grid of a plane, or the stack of a volume, asked alike by position."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.parts.desk import Desk
from torchreel.scenes.parts.grid import Cells
from torchreel.scenes.parts.look import NAME_TEXT
from torchreel.scenes.parts.number import Number
from torchreel.scenes.parts.shapes import Point
from torchreel.scenes.parts.sheet import Position, Sheet
from torchreel.scenes.parts.stack import Stack
from torchreel.scenes.parts.text import Text
from torchreel.scenes.trace.formula import Index

PlanePad = tuple[int, int, int, int]
"""Cells of padding: (top, bottom, left, right)."""


class Channel(VGroup):
    """The cells of a `Sheet`, asked by position: `(row, column)`, or `(depth, row, column)` for a volume.

    Of a plane, `sheet` is the room with all that is round it and `cells` the tensor in it; `pad` is its drawn padding
    (top, bottom, left, right). A volume's sheet knows its padding. `looks` are those of `Grid` and `Stack`.
    """

    def __init__(
        self,
        desk: Desk,
        tensor: str,
        lead: Index,
        sheet: Sheet,
        center: np.ndarray,
        cells: Cells | None = None,
        *,
        pad: PlanePad = (0, 0, 0, 0),
        **looks: Any,
    ) -> None:
        self.tensor, self.sheet = tensor, sheet
        self.cells = cells or sheet.cells
        self.plain = bool(looks.get("plain"))
        self.drawn: Any
        if sheet.slices:
            self.drawn = Stack(desk.look, desk.trace, tensor, lead, sheet.slices, center, **looks)
            depth, rows, cols = self.drawn.shape
            front, back, top, bottom, left, right = sheet.slices.pad
            self.low: Position = (-front, -top, -left)
            self.high: Position = (depth + back, rows + bottom, cols + right)
        else:
            self.drawn = desk.grid(tensor, lead, self.cells, center, pad=pad, **looks)
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

    def caption(self, text: str, size: float = NAME_TEXT) -> Text:
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
