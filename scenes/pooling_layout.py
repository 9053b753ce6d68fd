"""How the grids of a pooling clip share the stage: cell sizes, places, and slices of a volume beside one another."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from torchreel.scenes.parts import bars
from torchreel.scenes.parts.grid import Cells
from torchreel.scenes.parts.look import MIN_TEXT
from torchreel.scenes.parts.text import measure
from torchreel.scenes.pooling_geometry import Position

TOP, BOTTOM = bars.STAGE_TOP - 0.7, bars.STAGE_BOTTOM + 0.25
MIDDLE = (TOP + BOTTOM) / 2
ROOM = bars.WIDTH - 2 * bars.MARGIN
LABEL = 0.2
INSET = 0.12
SLICE_GAP, SLICE_HEAD = 0.22, 0.32
_LARGEST_CELL = 1.25
_SMALLEST_SHARE = 0.16
_LARGEST_TEXT = 0.4
_LINE_GAP, _ARROW_GAP = 0.62, 1.0


@dataclass(frozen=True)
class Sheet:
    """The drawn size of a grid: `cells` of one slice, and how the slices are arranged in rows of `across`.

    `depth` is the number of slices, 0 for a plane.
    """

    cells: Cells
    depth: int = 0
    across: int = 1

    @property
    def width(self) -> float:
        """Of all slices together."""
        slices = min(self.across, max(1, self.depth))
        return slices * self.cells.width * self.cells.cols + (slices - 1) * SLICE_GAP

    @property
    def height(self) -> float:
        """Of all slices together, with the heads over those below the first row."""
        rows = math.ceil(max(1, self.depth) / self.across)
        return rows * self.cells.height * self.cells.rows + (rows - 1) * SLICE_HEAD

    def slices(self, center: np.ndarray) -> Iterator[tuple[Position, np.ndarray]]:
        """The leading axes of each slice, `()` or `(depth,)`, and where its middle is."""
        if not self.depth:
            yield (), center
            return
        wide, high = self.cells.width * self.cells.cols, self.cells.height * self.cells.rows
        left, top = center[0] - self.width / 2 + wide / 2, center[1] + self.height / 2 - high / 2
        for depth in range(self.depth):
            row, col = divmod(depth, self.across)
            at = (left + col * (wide + SLICE_GAP), top - row * (high + SLICE_HEAD), 0.0)
            yield (depth,), np.array(at)


@dataclass(frozen=True)
class Room:
    """What a grid needs: its size as a position, its texts, the width of its label and of what stands beside it."""

    size: Position
    texts: Sequence[str]
    label: float
    largest: float = _LARGEST_CELL
    beside: float = 0.0
    height: float = field(default=TOP - BOTTOM)

    @property
    def weight(self) -> float:
        """Its claim on the width."""
        return min(max(self.size[-1] * (1 if len(self.size) < 3 else min(self.size[0], 2)), 2), 20)

    def fit(self, width: float) -> Sheet:
        """The largest cells in a width."""
        width -= self.beside
        if len(self.size) == 2:
            return Sheet(self._cells(width, self.height), 0)
        depth, height = self.size[0], self.height - SLICE_HEAD
        arranged = [
            Sheet(self._cells((width - (across - 1) * SLICE_GAP) / across,
                              (height - (rows - 1) * SLICE_HEAD) / rows), depth, across)
            for across in range(1, depth + 1)
            if (rows := math.ceil(depth / across)) and max(rows, across) <= 6
        ]  # fmt: skip
        return max(arranged, key=_legible) if arranged else replace(self, size=(6, *self.size[1:])).fit(width)

    def width(self, sheet: Sheet) -> float:
        """The width of the grid with what is beside it, or of its label, whichever is larger."""
        return max(self.label, sheet.width) + self.beside

    def _cells(self, width: float, height: float) -> Cells:
        rows, cols = self.size[-2:]
        cells = Cells.fit(rows, cols, width, height, self.texts, self.largest)
        return replace(cells, text_size=fitting(self.texts, cells)) if cells.text_size else cells


def fitting(texts: Sequence[str], cells: Cells) -> float:
    """The type size at which the longest of `texts` leaves a cell some air."""
    widest = max((measure(text, 1.0, "sans") for text in texts), default=0.6)
    size = min(_LARGEST_TEXT, (cells.width - 2 * INSET) / widest, cells.height * 0.42)
    return max(size, MIN_TEXT)


def _legible(sheet: Sheet) -> tuple[float, float]:
    return sheet.cells.text_size, sheet.cells.width * sheet.cells.height


def share(width: float, rooms: Sequence[Room]) -> list[Sheet]:
    """Grids side by side: width by their numbers of columns; what one cannot use goes to the others."""
    weights = np.array([room.weight for room in rooms], dtype=float)
    weights = np.maximum(weights, _SMALLEST_SHARE * weights.sum())
    free = width - sum(room.beside for room in rooms)
    parts = [room.beside + part for room, part in zip(rooms, free * weights / weights.sum(), strict=True)]
    fitted = [room.fit(part) for room, part in zip(rooms, parts, strict=True)]
    for number, room in enumerate(rooms):
        spare = width - sum(each.width(sheet) for each, sheet in zip(rooms, fitted, strict=True))
        fitted[number] = room.fit(max(0.1, fitted[number].width + room.beside + min(spare, 6.0)))
    return fitted


def in_line(rooms: Sequence[Room], gaps: Sequence[float], y: float) -> list[tuple[Sheet, np.ndarray]]:
    """Grids side by side, spread over the width of the stage, with the middle of each at height `y`."""
    fitted = share(ROOM - sum(gaps), rooms)
    widths = [room.width(sheet) for room, sheet in zip(rooms, fitted, strict=True)]
    spare = max(0.0, ROOM - sum(gaps) - sum(widths)) / (len(rooms) + 1)
    places, x = [], -ROOM / 2 + spare
    for room, sheet, width, gap in zip(rooms, fitted, widths, (*gaps, 0.0), strict=True):
        places.append((sheet, np.array([x + room.beside + (width - room.beside) / 2, y, 0.0])))
        x += width + gap + spare
    return places


def line_heights(count: int) -> list[tuple[float, float]]:
    """The middle and the height of each of `count` lines, one under the other, with room for an arrow to the third."""
    gaps = [0.0, *(_ARROW_GAP if number == 2 else _LINE_GAP for number in range(1, count))]
    height = (TOP - BOTTOM - sum(gaps)) / count
    tops = [TOP - number * height - sum(gaps[: number + 1]) for number in range(count)]
    return [(top - height / 2, height) for top in tops]
