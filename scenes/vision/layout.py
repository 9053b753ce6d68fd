"""How much of a pixel shuffle is drawn, and how large: the channels of a group stand as their values will."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torchreel.scenes.parts.grid import Cells

TOP, BOTTOM = 2.5, -2.4
LABEL = 0.3
"""The room above a plane for its name."""
_HALF, _BETWEEN = 5.7, 1.6
_LANE, _NARROW = 0.2, 0.1
_MOST_SIDE, _MOST_NAMED, _MOST_PIXELS, _LARGEST = 6, 3, 8, 0.95


@dataclass(frozen=True)
class ShuffleLayout:
    """What is drawn of `(C·r², H, W)` and `(C, H·r, W·r)`.

    `groups` channels of the fine tensor, `side × side` channels of each of their groups, and `pixels` (rows, columns)
    of each plane. Where blocks are cut to `side`, one pixel is drawn. `size` is (width, height, type size) of a cell.
    """

    factor: int
    groups: int
    pixels: tuple[int, int]
    size: tuple[float, float, float]

    @classmethod
    def fit(cls, factor: int, coarse: Sequence[int], texts: Sequence[str]) -> ShuffleLayout:
        """The most pixels whose numbers can be read; `coarse` is the shape `(C·r², H, W)`."""
        channels, height, width = coarse
        groups = min(channels // factor**2, 2 if factor < 3 else 1)
        most = _MOST_PIXELS if factor <= _MOST_SIDE else 1
        for count in range(most, 0, -1):
            found = cls(factor, groups, (min(height, count), min(width, count)), (0.0, 0.0, 0.0))
            cells = found._cells(texts)
            if cells.text_size:
                break
        return cls(factor, groups, found.pixels, (cells.width, cells.height, cells.text_size))

    @property
    def side(self) -> int:
        """How many rows and columns of a block are drawn."""
        return min(self.factor, _MOST_SIDE)

    @property
    def is_named(self) -> bool:
        """Whether the channels of a group are few enough for a name each."""
        return self.factor <= _MOST_NAMED

    @property
    def coarse_cells(self) -> Cells:
        """One channel of the coarse tensor."""
        return Cells(*self.size, *self.pixels)

    @property
    def fine_cells(self) -> Cells:
        """One channel of the fine tensor."""
        rows, cols = self.pixels
        return Cells(*self.size, rows * self.side, cols * self.side)

    def places(self) -> Iterator[tuple[int, int]]:
        """The drawn places of a block, row by row."""
        return ((a, b) for a in range(self.side) for b in range(self.side))

    def channel(self, group: int, place: tuple[int, int]) -> int:
        """The coarse channel of a place in the blocks of a group."""
        return group * self.factor**2 + place[0] * self.factor + place[1]

    def coarse_center(self, group: int, place: tuple[int, int], left: bool) -> tuple[float, float]:
        """Where the channel of a place stands, with the coarse tensor on the left or on the right."""
        (rows, cols), (width, height, _), (x, y) = self.pixels, self.size, self._corner(group, left)
        down, across = rows * height + self._label + self.lane, cols * width + self.lane
        return x + place[1] * across + cols * width / 2, y - self._label - place[0] * down - rows * height / 2

    def fine_center(self, group: int, left: bool) -> tuple[float, float]:
        """Where a channel of the fine tensor stands: beside its group."""
        cells, (x, _) = self.fine_cells, self._corner(group, left)
        low, high = (self.coarse_center(group, (row, 0), True)[1] for row in (self.side - 1, 0))
        own = self._wide() - cells.cols * cells.width if left else 0.0
        return x + own + cells.cols * cells.width / 2, (low + high) / 2

    @property
    def lane(self) -> float:
        """The free strip below and beside each channel, where lines run."""
        return _LANE if self.is_named else _NARROW

    @property
    def _label(self) -> float:
        return LABEL if self.is_named else 0.0

    def _wide(self) -> float:
        return self.side * self.pixels[1] * self.size[0] + (self.side - 1) * self.lane

    def _high(self) -> float:
        rows = self.side * self.pixels[0] * self.size[1]
        return rows + self.side * self._label + (self.side - 1) * self.lane

    def _corner(self, group: int, left: bool) -> tuple[float, float]:
        """The top left corner of a group's half of the stage."""
        room = (TOP - BOTTOM) / self.groups
        middle = TOP - (group + 0.5) * room
        x = -_BETWEEN / 2 - self._wide() if left else _BETWEEN / 2
        return x, middle + self._high() / 2

    def _cells(self, texts: Sequence[str]) -> Cells:
        rows, cols = (count * self.side for count in self.pixels)
        gaps = (self.side - 1) * self.lane
        height = (TOP - BOTTOM) / self.groups - gaps - self.side * self._label - self.lane
        return Cells.fit(rows, cols, _HALF - gaps, height, texts, _LARGEST)
