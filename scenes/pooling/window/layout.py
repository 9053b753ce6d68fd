"""How the grids of a pooling clip share the stage: sizes of cells, and places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from torchreel.scenes.parts.grid import Cells
from torchreel.scenes.parts.look import MIN_TEXT
from torchreel.scenes.parts.stack import NO_PAD, Pad, Slices
from torchreel.scenes.parts.text import measure
from torchreel.scenes.pooling.window.geometry import Position
from torchreel.scenes.stage import bars

TOP, BOTTOM = bars.STAGE_TOP - 0.7, bars.STAGE_BOTTOM + 0.25
MIDDLE = (TOP + BOTTOM) / 2
ROOM = bars.WIDTH - 2 * bars.MARGIN
LABEL = 0.2
INSET = 0.12
LARGEST_CELL = 1.25
_SMALLEST_SHARE = 0.16
_LARGEST_TEXT = 0.4
_LINE_GAP, _ARROW_GAP = 0.62, 1.0


@dataclass(frozen=True)
class Sheet:
    """How a grid is drawn: the `cells` of a plane with its padding, or the `slices` of a volume."""

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
        """Of everything drawn."""
        return self.slices.extent[0] if self.slices else self.cells.width * self.cells.cols

    @property
    def height(self) -> float:
        """Of everything drawn."""
        return self.slices.extent[1] if self.slices else self.cells.height * self.cells.rows

    def with_cells(self, cells: Cells) -> Sheet:
        """The same arrangement of other cells."""
        return Sheet(cells, replace(self.slices, cells=cells) if self.slices else None)

    def middles(self, center: np.ndarray) -> list[np.ndarray]:
        """The middles of all cells, slice by slice, row by row."""
        cells = self.cells
        planes = (
            [center + self.slices.place(depth) for depth in range(self.slices.depth)]
            if self.slices
            else [center]
        )
        rows = [(cells.rows - 1) / 2 - row for row in range(cells.rows)]
        cols = [col - (cells.cols - 1) / 2 for col in range(cells.cols)]
        return [at + np.array([col * cells.width, row * cells.height, 0.0])
                for at in planes for row in rows for col in cols]  # fmt: skip


@dataclass(frozen=True)
class Room:
    """What a grid needs: its size as a position, its texts, the width of its label and of what stands beside it.

    The size of a plane includes its padding; that of a volume does not, and `pad` says what is round it. Over a volume
    that is `framed` a window moves, whose links would cross the labels of slices in a single column.
    """

    size: Position
    texts: Sequence[str]
    label: float
    largest: float = LARGEST_CELL
    beside: float = 0.0
    height: float = TOP - BOTTOM
    pad: Pad = NO_PAD
    framed: bool = False

    @property
    def weight(self) -> float:
        """Its claim on the width."""
        return min(max(self.size[-1] * (1 if len(self.size) < 3 else min(self.size[0], 2)), 2), 20)

    def fit(self, width: float) -> Sheet:
        """The largest cells in a width."""
        width -= self.beside
        if len(self.size) == 2:
            return Sheet(self._readable(Cells.fit(*self.size, width, self.height, self.texts, self.largest)))
        slices = self._slices(width, None)
        if self.framed and slices.across == 1 and slices.count > 1:
            slices = self._slices(width, 2)
        return Sheet.of(replace(slices, cells=self._readable(slices.cells)))

    def width(self, sheet: Sheet) -> float:
        """The width of the grid with what is beside it, or of its label, whichever is larger."""
        return max(self.label, sheet.width) + self.beside

    def _slices(self, width: float, across: int | None) -> Slices:
        size = (self.size[0], self.size[1], self.size[2])
        room = (width, self.height)
        return Slices.fit(size, *room, self.texts, pad=self.pad, largest=self.largest, across=across)

    def _readable(self, cells: Cells) -> Cells:
        return replace(cells, text_size=fitting(self.texts, cells)) if cells.text_size else cells


def fitting(texts: Sequence[str], cells: Cells) -> float:
    """The type size at which the longest of `texts` leaves a cell some air."""
    widest = max((measure(text, 1.0, "sans") for text in texts), default=0.6)
    size = min(_LARGEST_TEXT, (cells.width - 2 * INSET) / widest, cells.height * 0.42)
    return max(size, MIN_TEXT)


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
