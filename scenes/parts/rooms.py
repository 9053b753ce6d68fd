"""What a figure on stage needs: stations with cells, mosaics of stations, the areas they are put in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from torchreel.scenes.parts.frame import EDGE, MARGIN, STAGE_BOTTOM, STAGE_TOP, pixels
from torchreel.scenes.parts.grid import Cells
from torchreel.scenes.parts.text import measure

NUMBER = pixels(13)
"""The smallest number in a cell (em height)."""
LABEL = pixels(12)
"""The smallest label."""
BESIDE = pixels(8)
"""How much wider a cell is than its number."""
NAME = 0.42
"""The height that the name above a station takes."""
_BESIDE_ROWS = 0.16


@dataclass(frozen=True)
class Area:
    """A rectangle of the stage (scene units)."""

    left: float
    bottom: float
    right: float
    top: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.top - self.bottom

    @property
    def middle(self) -> tuple[float, float]:
        return (self.left + self.right) / 2, (self.bottom + self.top) / 2

    def inset(self, bottom: float = 0.0, top: float = 0.0) -> Area:
        """The area without some of its height."""
        return Area(self.left, self.bottom + bottom, self.right, self.top - top)

    def columns(self, *shares: float, gap: float = 0.0) -> list[Area]:
        """The area cut into columns by shares of its width, from left to right."""
        cuts = _cuts(self.width, shares, gap)
        return [Area(self.left + start, self.bottom, self.left + end, self.top) for start, end in cuts]

    def rows(self, *shares: float, gap: float = 0.0) -> list[Area]:
        """The area cut into rows by shares of its height, from top to bottom."""
        cuts = _cuts(self.height, shares, gap)
        return [Area(self.left, self.top - end, self.right, self.top - start) for start, end in cuts]


STAGE = Area(-EDGE + MARGIN, STAGE_BOTTOM + 0.34, EDGE - MARGIN, STAGE_TOP - 0.1)
"""The stage above the line for notes."""


@dataclass(frozen=True)
class Room:
    """What a station needs: planes of `rows` x `cols` cells with `texts`, or a place of a size (`wide`, `high`).

    `down` planes stand below each other and `across` beside each other, `between` apart, each with `pad` (top, bottom,
    left, right) cells round it. `name` stands above, `sides` (labels of rows) at the left, and `below` is kept free.
    Cells are at most `largest` (unless the figure would stay small) and at most `tall` times as high as wide; `weight`
    makes them larger than others'. A number takes at most the share `number` of a cell's width, if it can then be read.
    Where numbers do not fit, planes are cut down to `keep` (rows, cols), then colours
    take the place of numbers, then what still does not fit is cut.
    """

    rows: int = 0
    cols: int = 0
    texts: Sequence[str] = ()
    down: int = 1
    across: int = 1
    between: float = 0.3
    pad: tuple[int, int, int, int] = (0, 0, 0, 0)
    name: str = ""
    sides: Sequence[str] = ()
    below: float = 0.0
    wide: float = 0.0
    high: float = 0.0
    weight: float = 1.0
    tall: float = 1.25
    largest: float = 1.2
    number: float = 1.0
    keep: tuple[int, int] | None = None

    @property
    def ems(self) -> float:
        """The width of the longest text at size 1."""
        return max((measure(text, 1.0, "sans") for text in set(self.texts)), default=0.6)

    @property
    def has_cells(self) -> bool:
        """Whether it is a place for planes."""
        return self.rows > 0 and self.cols > 0

    def count(self, axis: int) -> int:
        """Columns (axis 0) or rows (axis 1) of a plane."""
        return self.rows if axis else self.cols

    def planes(self, axis: int) -> int:
        """How many planes there are along an axis."""
        return self.down if axis else self.across

    def margins(self, axis: int) -> tuple[float, float]:
        """What is free before and after the block: sides at the left, the name above, what is kept below."""
        if axis:
            return NAME if self.name else 0.0, self.below
        widest = max((measure(text, LABEL, "mono") for text in self.sides), default=0.0)
        return widest + _BESIDE_ROWS if self.sides else 0.0, 0.0

    def padding(self, axis: int, shown: int) -> tuple[int, int]:
        """Cells of padding before and after a plane of which `shown` columns or rows are drawn."""
        before, after = self.pad[:2] if axis else self.pad[2:]
        return before, after if shown == self.count(axis) else 0

    def block(self, axis: int, size: float, shown: int) -> float:
        """The length of its planes with their padding."""
        if not self.has_cells:
            return self.high if axis else self.wide
        planes = self.planes(axis)
        return planes * (shown + sum(self.padding(axis, shown))) * size + (planes - 1) * self.between


@dataclass(frozen=True)
class Mosaic:
    """Parts by name in rows and columns (an empty name is an empty place), their middles in line, `gap` (least, most).

    With `lined[0]` the columns of cells are in line from above to below, so that a result stands under its cause; with
    `lined[1]` the rows of cells are from left to right. What is in line has the same width or height of cells.
    """

    names: Sequence[Sequence[str]]
    parts: Mapping[str, Part]
    gap: tuple[float, float] = (0.34, 1.1)
    lined: tuple[bool, bool] = (False, False)

    def tracks(self, axis: int) -> list[list[str]]:
        """The names in each column (axis 0) or row (axis 1)."""
        rows = [list(row) for row in self.names]
        tracks = rows if axis else [list(column) for column in zip(*rows, strict=True)]
        return [[name for name in track if name] for track in tracks]

    def rooms(self) -> Iterator[tuple[str, Room]]:
        """All rooms in it and in the mosaics in it."""
        for name, part in self.parts.items():
            yield from part.rooms() if isinstance(part, Mosaic) else [(name, part)]

    def in_line(self, axis: int) -> Iterator[list[str]]:
        """Names of rooms whose cells have one size along an axis, because they are in line."""
        for track in self.tracks(axis) if self.lined[axis] else []:
            yield [name for name in track if isinstance(self.parts[name], Room)]
        for part in self.parts.values():
            yield from part.in_line(axis) if isinstance(part, Mosaic) else []


Part = Room | Mosaic


@dataclass(frozen=True)
class Placed:
    """Where a station stands: its `cells` and the middles `at` of its planes with their padding, row by row.

    `area` is all it takes, `block` the planes. `pad` is the padding that is drawn: where a plane is cut, nothing stands
    at its far side. `head` is the foot of its name, in the middle above the block.
    """

    cells: Cells
    at: tuple[tuple[float, float], ...]
    area: Area
    block: Area
    pad: tuple[int, int, int, int]
    head: tuple[float, float]


def _cuts(length: float, shares: Sequence[float], gap: float) -> list[tuple[float, float]]:
    unit = (length - gap * (len(shares) - 1)) / sum(shares)
    starts = [sum(shares[:k]) * unit + gap * k for k in range(len(shares))]
    return [(start, start + share * unit) for start, share in zip(starts, shares, strict=True)]
