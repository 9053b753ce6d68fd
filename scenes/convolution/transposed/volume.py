"""One channel of a tensor as its depth slices; a line or a plane is one of them. Positions are (depth, row, column)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.parts.desk import Desk
from torchreel.scenes.parts.grid import Cell, Cells, Grid
from torchreel.scenes.parts.shapes import Point
from torchreel.scenes.parts.stack import Position
from torchreel.scenes.trace.formula import Index


class Volume(VGroup):
    """The grids of `tensor`, one at each of `centers`; `index` says which element a position is."""

    def __init__(
        self,
        desk: Desk,
        tensor: str,
        cells: Cells,
        centers: Sequence[Point],
        index: Callable[[Position], Index],
        **style: Any,
    ) -> None:
        super().__init__()
        self.tensor, self.cells, self.index = tensor, cells, index
        self.grids: list[Grid] = [
            desk.grid(tensor, (), cells, center, index=partial(self._index, depth), **style)
            for depth, center in enumerate(centers)
        ]
        self.add(*self.grids)

    def positions(self) -> Iterator[Position]:
        """Every drawn position in torch's order."""
        return ((depth, *cell) for depth, grid in enumerate(self.grids) for cell in grid.positions())

    def shows(self, at: Position) -> bool:
        """Whether a position is drawn."""
        return 0 <= at[0] < len(self.grids) and self.grids[at[0]].shows(at[1:])

    def center(self, at: Position) -> np.ndarray:
        """The middle of a position in a drawn slice."""
        return self.grids[at[0]].center(at[1:])

    def write(self, at: Position) -> list[Animation]:
        """A cell takes its colour and its number; nothing where it is not drawn."""
        return self.grids[at[0]].write(at[1:]) if self.shows(at) else []

    def outline(self, places: Sequence[Position], grow: float = 0.0) -> np.ndarray:
        """A path round drawn positions: one in each slice that they fill, else one round each of them."""
        paths = []
        for depth, grid in enumerate(self.grids):
            cells = [at[1:] for at in places if at[0] == depth and grid.shows(at[1:])]
            if not cells:
                continue
            first, last = (min(cells), max(cells))
            if len(cells) == (last[0] - first[0] + 1) * (last[1] - first[1] + 1):
                paths.append(grid.outline(first, last, grow))
            else:
                paths += [grid.outline(cell, cell, -0.02) for cell in cells]
        return np.concatenate(paths) if paths else np.zeros((0, 3))

    def _index(self, depth: int, cell: Cell) -> Index:
        return self.index((depth, *cell))
