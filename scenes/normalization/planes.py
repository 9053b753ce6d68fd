"""How a channel lies as planes: its last axis across, all others down."""

from __future__ import annotations

import math
from collections.abc import Callable

from torchreel.scenes.normalization.arrangement import unraveled
from torchreel.scenes.parts.grid import Cell
from torchreel.scenes.trace.formula import Index


def plane_index(lead: Index, spatial: Index) -> Callable[[Cell], Index]:
    """How a cell of a plane, all but the last axis unrolled into rows, becomes an index."""

    def index(cell: Cell) -> Index:
        if not spatial:
            return lead
        return (*lead, *unraveled(cell[0], spatial[:-1]), cell[1])

    return index


def plane_size(spatial: Index) -> tuple[int, int]:
    """Rows and columns of one channel."""
    return (math.prod(spatial[:-1]), spatial[-1]) if spatial else (1, 1)
