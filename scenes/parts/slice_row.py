"""One channel of a tensor as bare grids: a line or a plane is one of them, a volume a row of slices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.parts.desk import Desk
from torchreel.scenes.parts.grid import Cells, Grid
from torchreel.scenes.parts.shapes import Point
from torchreel.scenes.parts.sheet import Interval, Position
from torchreel.scenes.trace.formula import Index


class SliceRow(VGroup):
    """The grids of `tensor`, one at each of `centers`; in a `volume` they are the first slices of its depth.

    `looks` are those of `Grid`. `left`, `bottom`, `right` and `top` are the edges of everything drawn.
    """

    def __init__(
        self,
        desk: Desk,
        tensor: str,
        lead: Index,
        cells: Cells,
        centers: Sequence[Point],
        *,
        volume: bool = False,
        **looks: Any,
    ) -> None:
        super().__init__()
        self.tensor, self.cells, self.volume = tensor, cells, volume
        self.grids: dict[Position, Grid] = {}
        for depth, center in enumerate(centers):
            own = (depth,) if volume else ()
            self.grids[own] = desk.grid(tensor, (*lead, *own), cells, center, **looks)
        self.add(*self.grids.values())
        edges = np.concatenate(
            [grid.outline((0, 0), (cells.rows - 1, cells.cols - 1)) for grid in self.grids.values()]
        )
        (self.left, self.bottom, _), (self.right, self.top, _) = edges.min(0).tolist(), edges.max(0).tolist()

    @property
    def middle(self) -> tuple[float, float]:
        """The centre of everything drawn."""
        return (self.left + self.right) / 2, (self.bottom + self.top) / 2

    @property
    def shape(self) -> Position:
        """How many positions are drawn along each axis."""
        plane = (self.cells.rows, self.cells.cols)
        return (len(self.grids), *plane) if self.volume else plane

    def positions(self) -> Iterator[Position]:
        """Every drawn position, in torch's order."""
        return ((*slice_, *cell) for slice_, grid in self.grids.items() for cell in grid.positions())

    def shows(self, position: Position) -> bool:
        """Whether a position is drawn."""
        return all(at < count for at, count in zip(position, self.shape, strict=True))

    def center(self, position: Position) -> np.ndarray:
        """The middle of a drawn position."""
        return self.grids[position[:-2]].center((position[-2], position[-1]))

    def write(self, position: Position, start: Point | None = None) -> list[Animation]:
        """A cell takes its colour and its number, which flies in from `start` or pops up."""
        return self.grids[position[:-2]].write((position[-2], position[-1]), start)

    def outline(self, window: Sequence[Interval], rounds: int = 1) -> np.ndarray:
        """The path round a window as far as it is drawn, in each of its slices; `rounds` paths, the last ones again.

        (What morphs needs the same number of points for every window.)
        """
        seen = [
            (min(start, count - 1), min(end, count))
            for (start, end), count in zip(window, self.shape, strict=True)
        ]
        (top, down), (left, right) = seen[-2:]
        slices = [(depth,) for depth in range(*seen[0])] if self.volume else [()]
        paths = [self.grids[key].outline((top, left), (down - 1, right - 1), 0.02) for key in slices]
        return np.concatenate([paths[min(k, len(paths) - 1)] for k in range(max(rounds, len(paths)))])
