"""How one channel of a tensor is drawn, before anything is: the cells of a plane, or the slices of a volume."""

from __future__ import annotations

from dataclasses import dataclass, replace

from torchreel.scenes.parts.grid import Cells
from torchreel.scenes.parts.slices import Slices

Position = tuple[int, ...]
"""A cell of a channel: `(row, column)`, or `(depth, row, column)` in a volume. A line is a single row."""
Interval = tuple[int, int]
"""Cells along one axis, from the first up to, but without, the last."""


@dataclass(frozen=True)
class Sheet:
    """How a channel is drawn: the `cells` of a plane with its padding, or the `slices` of a volume."""

    cells: Cells
    slices: Slices | None = None

    @classmethod
    def of(cls, slices: Slices) -> Sheet:
        """The sheet of a volume."""
        return cls(slices.cells, slices)

    @property
    def shape(self) -> Position:
        """What is shown, as a position's sizes."""
        plane = (self.cells.rows, self.cells.cols)
        return (self.slices.depth, *plane) if self.slices else plane

    @property
    def width(self) -> float:
        """Of everything drawn, in scene units."""
        return self.slices.extent[0] if self.slices else self.cells.width * self.cells.cols

    @property
    def height(self) -> float:
        """Of everything drawn, in scene units."""
        return self.slices.extent[1] if self.slices else self.cells.height * self.cells.rows

    def with_cells(self, cells: Cells) -> Sheet:
        """The same arrangement of other cells."""
        return Sheet(cells, replace(self.slices, cells=cells) if self.slices else None)
