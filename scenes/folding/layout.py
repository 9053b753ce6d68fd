"""Room on the stage for grids side by side, with cells as large as they can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from torchreel.scenes.parts.frame import EDGE, MARGIN, STAGE_BOTTOM, STAGE_TOP
from torchreel.scenes.parts.grid import Cell, Cells
from torchreel.scenes.parts.text import Text, measure

LEFT, RIGHT = -EDGE + MARGIN, EDGE - MARGIN
TOP, BOTTOM = STAGE_TOP - 0.86, STAGE_BOTTOM + 0.24
MIDDLE = (TOP + BOTTOM) / 2
_LARGEST_TEXT = 0.4
_LARGEST_CELL = 1.5


@dataclass(frozen=True)
class Share:
    """What a grid needs: its rows and columns with padding, the height there is, its numbers, its share of the width.

    Cells that hold numbers may be `tall` times as high as wide.
    """

    rows: int
    cols: int
    height: float
    texts: Sequence[str]
    weight: float = 1.0
    tall: float = 1.25

    def fit(self, width: float) -> Cells:
        """The largest cells in this room, with numbers as large as they may be."""
        cells = Cells.fit(self.rows, self.cols, width, self.height, self.texts, _LARGEST_CELL)
        if not cells.text_size:
            return cells
        widest = max((measure(text, 1.0, "mono") for text in self.texts), default=0.6)
        height = max(cells.height, min(self.height / self.rows, self.tall * cells.width, _LARGEST_CELL))
        size = min(_LARGEST_TEXT, (cells.width - 0.14) / widest, height * 0.5)
        return replace(cells, height=height, text_size=max(size, cells.text_size))


def share_width(width: float, rooms: Sequence[Share]) -> list[Cells]:
    """Cells of grids side by side: width by their numbers of columns, and what one cannot use to the next."""
    weights = np.array([room.weight * min(max(room.cols, 3), 24) for room in rooms])
    widths = width * weights / weights.sum()
    fitted = [room.fit(part) for room, part in zip(rooms, widths, strict=True)]
    for number, room in enumerate(rooms):
        spare = width - sum(cells.width * cells.cols for cells in fitted)
        own = fitted[number].width * fitted[number].cols
        fitted[number] = room.fit(own + max(0.0, spare))
    return fitted


def side_by_side(widths: Sequence[float]) -> list[float]:
    """The middles of things of these widths, with equal space between them and half as much outside."""
    gap = max(0.3, (RIGHT - LEFT - sum(widths)) / len(widths))
    x = -(sum(widths) + gap * (len(widths) - 1)) / 2
    middles = []
    for width in widths:
        middles.append(x + width / 2)
        x += width + gap
    return middles


def within(cells: Cells, plane: Cell, padding: Cell) -> tuple[Cells, tuple[int, int, int, int]]:
    """Cells fitted to a padded plane as those of the plane alone, and the padding that is drawn round them."""
    rows, cols = (max(1, n - 2 * p) for n, p in zip((cells.rows, cells.cols), padding, strict=True))
    if (rows, cols) == plane:
        return replace(cells, rows=rows, cols=cols), (padding[0], padding[0], padding[1], padding[1])
    rows, cols = (
        min(n, shown - p) for n, shown, p in zip(plane, (cells.rows, cells.cols), padding, strict=True)
    )
    return replace(cells, rows=max(1, rows), cols=max(1, cols)), (padding[0], 0, padding[1], 0)


def level(titles: Sequence[Text], most: float = 0.5) -> list[Text]:
    """Titles on one line, where none is lifted by more than `most`."""
    top = max(title.points[:, 1].max() for title in titles)
    for title in titles:
        lift = top - title.points[:, 1].max()
        if lift <= most:
            title.points = title.points + np.array([0.0, lift, 0.0])
    return list(titles)
