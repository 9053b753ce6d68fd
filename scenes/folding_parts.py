"""What Unfold and Fold are drawn with: the matrix of columns, windows in their colours, values that travel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from manim import Animation, VGroup
from manim.utils.rate_functions import ease_in_out_cubic

from torchreel.scenes.folding_trace import Blocks
from torchreel.scenes.formula import Index
from torchreel.scenes.parts import bars
from torchreel.scenes.parts.grid import Cell, Cells, Grid
from torchreel.scenes.parts.look import MIN_TEXT, Look
from torchreel.scenes.parts.motion import Change, Paint, Tween
from torchreel.scenes.parts.number import Number
from torchreel.scenes.parts.shapes import Box, Shape
from torchreel.scenes.parts.text import Text, measure
from torchreel.scenes.trace import Trace

LEFT, RIGHT = -bars.EDGE + bars.MARGIN, bars.EDGE - bars.MARGIN
TOP, BOTTOM = bars.STAGE_TOP - 0.86, bars.STAGE_BOTTOM + 0.24
MIDDLE = (TOP + BOTTOM) / 2
LABEL = 0.2
_LARGEST_TEXT = 0.36
_LARGEST_CELL = 1.2
_CHIP_CELL = 0.58
_TINT = 0.16


class Become(Tween):
    """An object takes the path and the colours of another that has as many points."""

    def __init__(self, mobject: Shape, like: Shape, **kwargs: Any) -> None:
        super().__init__(mobject, **kwargs)
        self.like = like

    def changes(self) -> list[Change]:
        member = self.parts[0]
        arrays = ("points", "fill_rgbas", "stroke_rgbas")
        return [(member, name, getattr(member, name).copy(), getattr(self.like, name)) for name in arrays]  # type: ignore[list-item]


class Travel(Tween):
    """A text comes from where the same text stood, at the size it had there; `leave` takes it away on arrival."""

    def __init__(self, text: Text, start: np.ndarray, size: float, leave: bool = False, **kwargs: Any) -> None:
        super().__init__(text, introducer=True, remover=leave, **kwargs)
        self.start = Text(text.text, size, font=text.font).place(start).points

    def changes(self) -> list[Change]:
        text = self.parts[0]
        return [(text, "points", self.start, text.points.copy())]  # type: ignore[list-item]


def lagged(number: int, count: int, share: float = 0.45) -> Callable[[float], float]:
    """The easing of one of `count` movements that start one after the other and each take `share` of the time."""
    begin = (1 - share) * number / max(1, count - 1)
    return lambda alpha: ease_in_out_cubic(min(1.0, max(0.0, (alpha - begin) / share)))


def last_third(alpha: float) -> float:
    """Nothing happens for two thirds of the time."""
    return ease_in_out_cubic(max(0.0, 3 * alpha - 2))


@dataclass(frozen=True)
class Room:
    """What a grid needs: its rows and columns with padding, the height there is, its numbers, its share of the width."""

    rows: int
    cols: int
    height: float
    texts: Sequence[str]
    weight: float = 1.0

    def fit(self, width: float) -> Cells:
        """The largest cells in this room, with numbers as large as they may be."""
        cells = Cells.fit(self.rows, self.cols, width, self.height, self.texts, _LARGEST_CELL)
        if not cells.text_size:
            return cells
        widest = max((measure(text, 1.0, "mono") for text in self.texts), default=0.6)
        size = min(_LARGEST_TEXT, (cells.width - 0.14) / widest, cells.height * 0.5)
        return replace(cells, text_size=max(size, cells.text_size))


def share_width(width: float, rooms: Sequence[Room]) -> list[Cells]:
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


def tinted(path: np.ndarray, color: str, width: float = 5) -> Shape:
    """A frame in a colour with a breath of it inside."""
    frame = Shape(path, fill=color, stroke=color, stroke_width=width, z_index=2)
    frame.fill_rgbas[:, 3] = _TINT
    return frame


def accented(look: Look, grid: Grid, cell: Cell) -> Shape:
    """The accent frame round one cell."""
    return Shape(grid.outline(cell, cell, 0.0), stroke=look.theme.accent, stroke_width=6, z_index=3)


def window_path(grid: Grid, taps: Sequence[Cell], dilation: Cell) -> np.ndarray:
    """A window on a picture: one frame, or one round each position where dilation spreads them."""
    if dilation == (1, 1) or len(taps) == 1:
        return grid.outline(taps[0], taps[-1], 0.0)
    return np.concatenate([grid.outline(tap, tap, -0.04) for tap in taps])


class Chip(VGroup):
    """The number of a column on its colour."""

    def __init__(self, look: Look, number: int, at: np.ndarray) -> None:
        color = look.theme.channel(number)
        text = Text(str(number), LABEL, look.theme.ink(color), "mono").place(at)
        width = max(0.28, measure(str(number), LABEL, "mono") + 0.14)
        super().__init__(Box(width, 0.28, at, 0.06, fill=color), text)
        self.set_z_index(4)


def window_chip(look: Look, number: int, grid: Grid, first: Cell) -> list[Chip]:
    """The chip of a window on its top left corner, where cells are large enough not to be covered."""
    if min(grid.cells.width, grid.cells.height) < _CHIP_CELL:
        return []
    corner = grid.center(first) + np.array([-grid.cells.width, grid.cells.height, 0.0]) / 2
    return [Chip(look, number, corner)]


class ColumnMatrix(VGroup):
    """The matrix `(C·taps, L)` with the numbers of its columns above and `(c,u,v)` of its rows at the left."""

    def __init__(
        self, look: Look, trace: Trace, tensor: str, blocks: Blocks, cells: Cells, x: float, blank: bool
    ) -> None:
        self.look, self.blocks = look, blocks
        self.lead: Index = (0,) * (len(trace.shape(tensor)) - 2)
        self.grid = Grid(
            look, trace, tensor, self.lead, cells, (x, MIDDLE), blank=blank, plain=bool(cells.text_size)
        )
        self.rows = range(cells.rows)
        self.heads = {column: self.head(column, look.theme.muted) for column in range(cells.cols)}
        self.labels = self._labels()
        shape = str(trace.shape(tensor))
        super().__init__(self.grid, self.labels)
        self.title = self.grid.caption(f"{tensor} {shape}", LABEL, gap=0.5)
        if self.has_heads:
            self.add(*self.heads.values())

    @staticmethod
    def label_width(blocks: Blocks) -> float:
        """The width of the row labels with the space beside them."""
        u, v = blocks.tap(blocks.taps - 1)
        widest = max(("(c,u,v)", f"({blocks.channels - 1},{u},{v})"), key=len)
        return measure(widest, LABEL, "mono") + 0.16

    @property
    def has_heads(self) -> bool:
        """Whether the columns are wide enough for their numbers."""
        widest = measure(str(self.grid.cells.cols - 1), LABEL, "mono")
        return self.grid.cells.width >= widest + 0.08

    def head(self, column: int, color: str) -> Text:
        """The number of a column above it."""
        return Text(str(column), LABEL, color, "mono").place(self.head_place(column))

    def head_place(self, column: int) -> np.ndarray:
        """Where a column's number stands."""
        return self.grid.center((0, column)) + np.array([0.0, self.grid.cells.height / 2 + 0.22, 0.0])

    def tag(self, row: int) -> str:
        """Channel, kernel row and kernel column of a row, as it is labelled."""
        u, v = self.blocks.tap(row % self.blocks.taps)
        return f"({row // self.blocks.taps},{u},{v})"

    def frame(self, column: int) -> Shape:
        """The frame round a column."""
        last = (self.grid.cells.rows - 1, column)
        return tinted(self.grid.outline((0, column), last, 0.0), self.look.theme.channel(column))

    def fill(self, cell: Cell) -> str:
        """The colour of a filled cell: its column's tint, or its value where no number is drawn."""
        theme = self.look.theme
        return theme.tint(theme.channel(cell[1]), _TINT) if self.grid.cells.text_size else self.grid.fill(cell)

    def number(self, cell: Cell) -> Number:
        """The number of a cell, ready to arrive."""
        return number_of(self.grid, cell, self.fill(cell))

    def chip(self, column: int) -> Chip:
        """The column's number on its colour."""
        return Chip(self.look, column, self.head_place(column))

    def color_head(self, column: int) -> list[Animation]:
        """The column's number takes its colour, for good."""
        color = self.look.theme.channel(column)
        return [Paint(self.heads[column], fill=color)] if self.has_heads else []

    def _labels(self) -> VGroup:
        cells, muted = self.grid.cells, self.look.theme.muted
        if cells.height < MIN_TEXT + 0.06:
            return VGroup()
        left = self.grid.origin[0] - 0.13
        labels = [
            Text(self.tag(row), LABEL, muted, "mono").place((left, self.grid.center((row, 0))[1]), align="right")
            for row in self.rows
        ]
        head = Text("(c,u,v)", LABEL, muted, "mono").place((left, self.head_place(0)[1]), align="right")
        return VGroup(*labels, head)


def level(titles: Sequence[Text], most: float = 0.5) -> list[Text]:
    """Titles on one line, where none is lifted by more than `most`."""
    top = max(title.points[:, 1].max() for title in titles)
    for title in titles:
        lift = top - title.points[:, 1].max()
        if lift <= most:
            title.points = title.points + np.array([0.0, lift, 0.0])
    return list(titles)


def number_of(grid: Grid, cell: Cell, fill: str, size: float | None = None) -> Number:
    """The number of a grid's cell at its place, in the ink that reads on `fill`."""
    number = Number(
        grid.text(cell),
        grid.tensor,
        grid.index(cell),
        grid.value(cell),
        size or grid.cells.text_size,
        grid.look.theme.ink(fill),
    )
    number.place(grid.center(cell))
    return number

