"""How much of a pixel shuffle is drawn, and how large: the channels of a group stand as their values will."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torchreel.scenes.parts.grid import Cell
from torchreel.scenes.parts.layout import STAGE, Mosaic, Placed, Room, fill, in_column, in_row

AREA = STAGE.inset(top=0.36)
"""The stage below the names of the tensors."""
_LABEL, _LANE, _NARROW = 0.26, 0.14, 0.1
_BETWEEN = (1.0, 1.8)
_MOST_SIDE, _MOST_NAMED, _MOST_PIXELS = 6, 3, 8


@dataclass(frozen=True)
class ShuffleLayout:
    """What is drawn of `(C·r², H, W)` and `(C, H·r, W·r)`, and where: one coarse and one fine station for each group.

    A coarse station has `side × side` channels with `pixels` (rows, columns) each, its fine one the block of every
    pixel. Where blocks are cut to `side`, one pixel is drawn.
    """

    factor: int
    pixels: Cell
    coarse: tuple[Placed, ...]
    fine: tuple[Placed, ...]

    @classmethod
    def fit(
        cls, factor: int, shape: Sequence[int], texts: Sequence[str], coarse_first: bool
    ) -> ShuffleLayout:
        """The most pixels whose numbers can be read; `shape` is `(C·r², H, W)`, the input stands on the left."""
        channels, height, width = shape
        groups = range(min(channels // factor**2, 2 if factor < _MOST_NAMED else 1))
        most = _MOST_PIXELS if factor <= _MOST_SIDE else 1
        for count in range(most, 0, -1):
            pixels = min(height, count), min(width, count)
            figure = in_column(
                {f"{group}": _pair(group, factor, pixels, texts, coarse_first) for group in groups}
            )
            names = [name for name, _ in figure.rooms()]
            placed = fill(AREA, figure, same=[names])
            if all(one.cells.text_size for one in placed.values()):
                break
        coarse, fine = (tuple(placed[f"{kind} {group}"] for group in groups) for kind in ("coarse", "fine"))
        return cls(factor, pixels, coarse, fine)

    @property
    def side(self) -> int:
        """How many rows and columns of a block are drawn."""
        return _side(self.factor)

    @property
    def is_named(self) -> bool:
        """Whether the channels of a group are few enough for a name each."""
        return self.factor <= _MOST_NAMED

    @property
    def lane(self) -> float:
        """The height of the free strip below each channel, where lines run."""
        return _lane(self.factor)

    @property
    def middle(self) -> float:
        """Half-way between the two tensors."""
        left, right = sorted((self.coarse[0].block, self.fine[0].block), key=lambda block: block.left)
        return (left.right + right.left) / 2

    def places(self) -> Iterator[Cell]:
        """The drawn places of a block, row by row."""
        return ((a, b) for a in range(self.side) for b in range(self.side))

    def channel(self, group: int, place: Cell) -> int:
        """The coarse channel of a place in the blocks of a group."""
        return group * self.factor**2 + place[0] * self.factor + place[1]

    def center(self, group: int, place: Cell) -> tuple[float, float]:
        """Where the channel of a place stands."""
        return self.coarse[group].at[place[0] * self.side + place[1]]


def _pair(group: int, factor: int, pixels: Cell, texts: Sequence[str], coarse_first: bool) -> Mosaic:
    """A group of coarse channels, and the fine channel that it is."""
    rows, cols = pixels
    side, lane = _side(factor), _lane(factor)
    between, name = (_LABEL + lane, "0") if factor <= _MOST_NAMED else (lane, "")
    coarse = Room(rows, cols, texts, side, side, between, name=name, below=lane)
    fine = Room(rows * side, cols * side, texts, name="0", below=lane)
    stations = {f"coarse {group}": coarse, f"fine {group}": fine}
    return in_row(stations if coarse_first else dict(reversed(stations.items())), _BETWEEN)


def _side(factor: int) -> int:
    return min(factor, _MOST_SIDE)


def _lane(factor: int) -> float:
    return _LANE if factor <= _MOST_NAMED else _NARROW
