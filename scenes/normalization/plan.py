"""How much of the table of steps fits the stage: numbers for all sets, for fewer sets, or colours for a corner.

A set of elements that share statistics is drawn as planes: its last two axes are rows and columns, the others tell
planes apart.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torchreel.scenes.normalization.arrangement import unraveled
from torchreel.scenes.normalization.sets_trace import Partition
from torchreel.scenes.parts.desk import Desk
from torchreel.scenes.parts.grid import Cell, Cells
from torchreel.scenes.parts.look import MIN_TEXT
from torchreel.scenes.parts.text import measure
from torchreel.scenes.trace.formula import Index

CHANNEL_GAP = 0.07
_CELL_MARGIN = 0.1
_MOST_BANDS, _FEWEST_BANDS, _MOST_CELLS = 8, 4, 400
_LARGEST_TEXT, _LARGEST_CELL, _LARGEST_PATCH = 0.27, 0.75, 0.5


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


@dataclass(frozen=True)
class NormalizationPlanes:
    """The planes that each set of a partition is drawn as."""

    partition: Partition

    @property
    def count(self) -> int:
        """How many planes a set has."""
        return math.prod(self._spans[:-2])

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of a plane."""
        return plane_size(tuple(self._spans[-2:]))

    def name(self, owner: Index) -> str:
        """A set as torch indexes it: `input[:, 0]`, `input[1, 2:4]`."""
        parts, spans, shape = self.partition.parts, self.partition.spans, self.partition.shape
        numbers = dict(zip(parts, owner, strict=True))
        places = []
        for axis in range(max(parts) + 1):
            first, span = numbers.get(axis, 0) * spans[axis], spans[axis]
            whole = f"{first}:{first + span}" if span < shape[axis] else ":"
            places.append(str(first) if axis in parts and span == 1 else whole)
        return f"input[{', '.join(places)}]" if set(places) != {":"} else "input"

    def letters(self, plane: int, across: int, names: str) -> str:
        """What a row of planes has in common, such as `n=1`, by a letter for each axis of the input."""
        outer = self._spans[:-2]
        apart = len(outer) - (across == outer[-1] != 1) if outer and across in (1, outer[-1]) else 0
        places = zip(self._axes[:apart], unraveled(plane, outer), strict=False)
        return " ".join(f"{names[axis]}={at}" for axis, at in places)

    def index(self, owner: Index, plane: int) -> Callable[[Cell], Index]:
        """How a cell of a set's plane becomes an index of the input."""
        axes, spans, parts = self._axes, self.partition.spans, self.partition.parts
        corner = [0] * len(spans)
        for axis, number in zip(parts, owner, strict=True):
            corner[axis] = number * spans[axis]
        outer = unraveled(plane, self._spans[:-2])

        def index(cell: Cell) -> Index:
            found = list(corner)
            for axis, at in zip(axes, (*outer, *cell[2 - len(axes[-2:]) :]), strict=True):
                found[axis] += at
            return tuple(found)

        return index

    @property
    def _axes(self) -> list[int]:
        """The axes of the input that a set reaches along."""
        parts, spans = self.partition.parts, self.partition.spans
        return [axis for axis, span in enumerate(spans) if axis not in parts or span != 1]

    @property
    def _spans(self) -> tuple[int, ...]:
        return tuple(self.partition.spans[axis] for axis in self._axes)


@dataclass(frozen=True)
class Plan:
    """What fits: sets (`bands`), planes of each, how many of these stand side by side, the cells of each tensor."""

    bands: int
    planes: int
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
        return -(-self.planes // self.across) * (cells.rows * cells.height + CHANNEL_GAP) - CHANNEL_GAP

    def place(self, tensor: str, plane: int) -> tuple[float, float]:
        """The middle of a plane, from the middle of its band."""
        cells = self.cells[tensor]
        row, col = divmod(plane, self.across)
        x = (col + 0.5) * (cells.cols * cells.width + CHANNEL_GAP) - CHANNEL_GAP / 2 - self.width(tensor) / 2
        y = (row + 0.5) * (cells.rows * cells.height + CHANNEL_GAP) - CHANNEL_GAP / 2 - self.height / 2
        return x, -y


class Planner:
    """Finds the plan with the largest numbers for some tensors of a desk's trace, in `width` for all of them.

    `height` gives what is left for the cells of one band when so many bands are shown (scene units).
    """

    def __init__(
        self,
        desk: Desk,
        partition: Partition,
        tensors: Sequence[str],
        width: float,
        height: Callable[[int], float],
    ) -> None:
        self.tensors, self.width, self.height = tensors, width, height
        planes = NormalizationPlanes(partition)
        self.sets, self.planes = math.prod(partition.sets), planes.count
        self.rows, self.cols = planes.size
        self.ems = {
            name: max((measure(text, 1.0) for text in desk.texts(name)), default=0.6) for name in tensors
        }

    def plan(self) -> Plan:
        """The plan; it shows fewer sets or planes than there are only where they do not fit."""
        most = min(self.sets, _MOST_BANDS)
        for bands in range(most, min(most, _FEWEST_BANDS) - 1, -1):
            sizes = {across: self._text_size(bands, across) for across in self._arrangements(self.planes)}
            best = max(sizes, key=lambda across: (sizes[across], across))
            if sizes[best] >= MIN_TEXT:
                return self._numbers(bands, best, sizes[best])
        return self._heat_map(min(most, _FEWEST_BANDS))

    def is_whole(self, plan: Plan) -> bool:
        """Whether every element of the shown sets is drawn."""
        cells = plan.cells["input"]
        return (plan.planes, cells.rows, cells.cols) == (self.planes, self.rows, self.cols)

    @staticmethod
    def _arrangements(planes: int) -> range:
        return range(1, min(planes, 16) + 1)

    def _cell_height(self, bands: int, across: int) -> float:
        down = -(-self.planes // across)
        return min((self.height(bands) - (down - 1) * CHANNEL_GAP) / (down * self.rows), _LARGEST_CELL)

    def _room(self, across: int) -> float:
        return self.width - len(self.tensors) * (across - 1) * CHANNEL_GAP

    def _text_size(self, bands: int, across: int) -> float:
        cols = across * self.cols
        size = (self._room(across) - len(self.tensors) * cols * _CELL_MARGIN) / (
            cols * sum(self.ems.values())
        )
        return min(size, self._cell_height(bands, across) * 0.62, _LARGEST_TEXT)

    def _numbers(self, bands: int, across: int, size: float) -> Plan:
        height = self._cell_height(bands, across)
        needed = {name: em * size + _CELL_MARGIN for name, em in self.ems.items()}
        spare = (self._room(across) / (across * self.cols) - sum(needed.values())) / len(self.tensors)
        cells = {
            name: Cells(min(width + spare, max(width, 1.9 * height)), height, size, self.rows, self.cols)
            for name, width in needed.items()
        }
        return Plan(bands, self.planes, across, cells)

    def _heat_map(self, bands: int) -> Plan:
        most = _MOST_CELLS // max(bands, 1)
        cols = min(self.cols, max(math.isqrt(most), most // max(self.rows, 1)), 30)
        rows = min(self.rows, most // cols)
        planes = max(1, min(self.planes, most // (rows * cols), 16))
        width, height = self.width / len(self.tensors), self.height(bands)

        def side(across: int) -> float:
            down = -(-planes // across)
            wide = (width - (across - 1) * CHANNEL_GAP) / (across * cols)
            return min(wide, (height - (down - 1) * CHANNEL_GAP) / (down * rows), _LARGEST_PATCH)

        best = max(self._arrangements(planes), key=side)
        cell = Cells(side(best), side(best), 0.0, rows, cols)
        return Plan(bands, planes, best, dict.fromkeys(self.tensors, cell))
