"""How much of GroupNorm's table fits the stage: numbers for all groups, for fewer groups, or colours for a corner."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from torchreel.scenes.formula import Index
from torchreel.scenes.parts.grid import Cell, Cells, drawn_texts
from torchreel.scenes.parts.look import MIN_TEXT, Look
from torchreel.scenes.parts.text import measure
from torchreel.scenes.trace import Trace

TENSORS = ("input", "centered", "normalized", "output")
CHANNEL_GAP = 0.07
_CELL_MARGIN = 0.1
_MOST_BANDS, _FEWEST_BANDS, _MOST_CELLS = 8, 4, 400
_LARGEST_TEXT, _LARGEST_CELL, _LARGEST_PATCH = 0.27, 0.75, 0.5


def plane_index(lead: Index, spatial: Index) -> Callable[[Cell], Index]:
    """How a cell of a plane, all but the last axis unrolled into rows, becomes an index."""

    def index(cell: Cell) -> Index:
        if not spatial:
            return lead
        rows = np.unravel_index(cell[0], spatial[:-1]) if len(spatial) > 1 else ()
        return (*lead, *map(int, rows), cell[1])

    return index


def plane_size(spatial: Index) -> tuple[int, int]:
    """Rows and columns of one channel."""
    return (math.prod(spatial[:-1]), spatial[-1]) if spatial else (1, 1)


@dataclass(frozen=True)
class Plan:
    """What fits: groups (`bands`), channels of each, how many of these stand side by side, the cells of each tensor."""

    bands: int
    channels: int
    across: int
    cells: dict[str, Cells]

    @property
    def has_numbers(self) -> bool:
        return self.cells["input"].text_size > 0

    def width(self, tensor: str) -> float:
        """The width of one band of a tensor."""
        cells = self.cells[tensor]
        return self.across * (cells.cols * cells.width + CHANNEL_GAP) - CHANNEL_GAP

    @property
    def height(self) -> float:
        """The height of one band's cells."""
        cells = self.cells["input"]
        return -(-self.channels // self.across) * (cells.rows * cells.height + CHANNEL_GAP) - CHANNEL_GAP

    def place(self, tensor: str, channel: int) -> tuple[float, float]:
        """The middle of a channel, from the middle of its band."""
        cells = self.cells[tensor]
        row, col = divmod(channel, self.across)
        x = (col + 0.5) * (cells.cols * cells.width + CHANNEL_GAP) - CHANNEL_GAP / 2 - self.width(tensor) / 2
        y = (row + 0.5) * (cells.rows * cells.height + CHANNEL_GAP) - CHANNEL_GAP / 2 - self.height / 2
        return x, -y


class Planner:
    """Finds the plan with the largest numbers for a trace, in `width` for all four tensors.

    `height` gives what is left for the cells of one band when so many bands are shown (scene units).
    """

    def __init__(self, look: Look, trace: Trace, width: float, height: Callable[[int], float]) -> None:
        self.width, self.height = width, height
        shape, sets = trace.shape("input"), trace.shape("mean")
        self.sets, self.channels = math.prod(sets), shape[1] // sets[1]
        self.rows, self.cols = plane_size(shape[2:])
        self.ems = {
            name: max((measure(text, 1.0) for text in drawn_texts(look, trace, name)), default=0.6)
            for name in TENSORS
        }

    def plan(self) -> Plan:
        """The plan; it shows fewer groups or channels than there are only where they do not fit."""
        most = min(self.sets, _MOST_BANDS)
        for bands in range(most, min(most, _FEWEST_BANDS) - 1, -1):
            sizes = {across: self._text_size(bands, across) for across in self._arrangements(self.channels)}
            best = max(sizes, key=lambda across: (sizes[across], across))
            if sizes[best] >= MIN_TEXT:
                return self._numbers(bands, best, sizes[best])
        return self._heat_map(min(most, _FEWEST_BANDS))

    def is_whole(self, plan: Plan) -> bool:
        """Whether every element of the shown groups is drawn."""
        cells = plan.cells["input"]
        return (plan.channels, cells.rows, cells.cols) == (self.channels, self.rows, self.cols)

    @staticmethod
    def _arrangements(channels: int) -> range:
        return range(1, min(channels, 16) + 1)

    def _cell_height(self, bands: int, across: int) -> float:
        down = -(-self.channels // across)
        return min((self.height(bands) - (down - 1) * CHANNEL_GAP) / (down * self.rows), _LARGEST_CELL)

    def _room(self, across: int) -> float:
        return self.width - len(TENSORS) * (across - 1) * CHANNEL_GAP

    def _text_size(self, bands: int, across: int) -> float:
        cols = across * self.cols
        size = (self._room(across) - len(TENSORS) * cols * _CELL_MARGIN) / (cols * sum(self.ems.values()))
        return min(size, self._cell_height(bands, across) * 0.62, _LARGEST_TEXT)

    def _numbers(self, bands: int, across: int, size: float) -> Plan:
        height = self._cell_height(bands, across)
        needed = {name: em * size + _CELL_MARGIN for name, em in self.ems.items()}
        spare = (self._room(across) / (across * self.cols) - sum(needed.values())) / len(TENSORS)
        cells = {
            name: Cells(min(width + spare, max(width, 1.9 * height)), height, size, self.rows, self.cols)
            for name, width in needed.items()
        }
        return Plan(bands, self.channels, across, cells)

    def _heat_map(self, bands: int) -> Plan:
        most = _MOST_CELLS // max(bands, 1)
        cols = min(self.cols, max(math.isqrt(most), most // max(self.rows, 1)), 30)
        rows = min(self.rows, most // cols)
        channels = max(1, min(self.channels, most // (rows * cols), 16))
        width, height = self.width / len(TENSORS), self.height(bands)

        def side(across: int) -> float:
            down = -(-channels // across)
            wide = (width - (across - 1) * CHANNEL_GAP) / (across * cols)
            return min(wide, (height - (down - 1) * CHANNEL_GAP) / (down * rows), _LARGEST_PATCH)

        best = max(self._arrangements(channels), key=side)
        cell = Cells(side(best), side(best), 0.0, rows, cols)
        return Plan(bands, channels, best, dict.fromkeys(TENSORS, cell))
