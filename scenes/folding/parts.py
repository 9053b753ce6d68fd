"""What Unfold and Fold are drawn with: the matrix of columns, windows in their colours, values that travel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.folding.blocks import Blocks
from torchreel.scenes.folding.layout import MIDDLE
from torchreel.scenes.folding.motion import Become
from torchreel.scenes.parts.desk import Desk
from torchreel.scenes.parts.grid import Cell, Cells, Grid
from torchreel.scenes.parts.look import MIN_TEXT, NAME_TEXT, Look
from torchreel.scenes.parts.motion import FADE, Appear, Paint, Vanish
from torchreel.scenes.parts.number import Number
from torchreel.scenes.parts.shapes import Box, Path, Shape
from torchreel.scenes.parts.text import Text, measure
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

TINT = 0.16
_CHIP_CELL = 0.58


def tinted(path: np.ndarray, color: str, tint: float = TINT) -> Shape:
    """A frame in a colour with a breath of it inside."""
    frame = Shape(path, fill=color, stroke=color, stroke_width=5, z_index=2)
    frame.fill_rgbas[:, 3] = tint
    return frame


def accented(look: Look, grid: Grid, cell: Cell) -> Shape:
    """The accent frame round one cell."""
    return Shape(grid.outline(cell, cell, 0.0), stroke=look.theme.accent, stroke_width=6, z_index=3)


def window_path(grid: Grid, taps: Sequence[Cell], dilation: Cell) -> np.ndarray:
    """A window on a picture: one frame, or one round each position where dilation spreads them.

    Of a picture that is drawn in part the frame holds what is drawn.
    """
    if dilation == (1, 1) or len(taps) == 1:
        return grid.outline(_drawn(grid, taps[0]), _drawn(grid, taps[-1]), 0.0)
    return np.concatenate([grid.outline(at, at, -0.04) for at in (_drawn(grid, tap) for tap in taps)])


def _drawn(grid: Grid, at: Cell) -> Cell:
    """The position itself, or the nearest that is drawn."""
    (rows, cols), (top, bottom, left, right) = grid.shape, grid.pad
    return min(max(at[0], -top), rows - 1 + bottom), min(max(at[1], -left), cols - 1 + right)


def is_drawn(grid: Grid, at: Cell) -> bool:
    """Whether a position is drawn, on the plane or on its padding."""
    return _drawn(grid, at) == at


def chip_box(look: Look, number: int, at: np.ndarray) -> Box:
    """The coloured ground of a column's number."""
    width = max(0.28, measure(str(number), NAME_TEXT, "mono") + 0.14)
    return Box(width, 0.28, at, 0.06, fill=look.theme.channel(number), z_index=-1)


def window_chip(look: Look, number: int, grid: Grid, first: Cell) -> VGroup:
    """The number of a window on its top left corner; nothing where cells are so small that it would cover them."""
    if min(grid.cells.width, grid.cells.height) < _CHIP_CELL:
        return VGroup()
    corner = grid.center(first) + np.array([-grid.cells.width, grid.cells.height, 0.0]) / 2
    ink = look.theme.ink(look.theme.channel(number))
    text = Text(str(number), NAME_TEXT, ink, "mono").place(corner)
    chip = VGroup(chip_box(look, number, corner), text)
    chip.set_z_index(4)
    return chip


class ColumnMatrix(VGroup):
    """The matrix `(C·taps, L)` with the numbers of its columns above and `(c,u,v)` of its rows at the left."""

    def __init__(
        self, look: Look, trace: Trace, tensor: str, blocks: Blocks, cells: Cells, x: float, blank: bool
    ) -> None:
        self.look, self.blocks, self.desk = look, blocks, Desk(look, trace)
        self.lead: Index = (0,) * (len(trace.shape(tensor)) - 2)
        place, plain = (x, MIDDLE), bool(cells.text_size)
        self.grid = self.desk.grid(tensor, self.lead, cells, place, blank=blank, plain=plain)
        self.rows = range(cells.rows)
        self.active: int | None = None
        self.spot = Box(0.1, 0.1)
        self.heads = {column: self.head(column, look.theme.muted) for column in range(cells.cols)}
        self.labels = self._labels()
        super().__init__(self.grid, self.labels, *self._channel_lines())
        self.title = self.grid.caption(self.desk.shape(tensor), gap=0.5)
        if self.has_heads:
            self.add(*self.heads.values())

    @staticmethod
    def label_width(blocks: Blocks) -> float:
        """The width of the row labels with the space beside them."""
        u, v = blocks.tap(blocks.taps - 1)
        widest = max(("(c,u,v)", f"({blocks.channels - 1},{u},{v})"), key=len)
        return measure(widest, NAME_TEXT, "mono") + 0.16

    @property
    def is_whole(self) -> bool:
        """Whether every element is drawn, with its number."""
        cells = self.grid.cells
        whole = (cells.rows, cells.cols) == self.grid.trace.shape(self.grid.tensor)[-2:]
        return whole and bool(cells.text_size)

    @property
    def has_heads(self) -> bool:
        """Whether the columns are wide enough for their numbers."""
        widest = measure(str(self.grid.cells.cols - 1), NAME_TEXT, "mono")
        return self.grid.cells.width >= widest + 0.08

    def head(self, column: int, color: str) -> Text:
        """The number of a column above it."""
        return self.desk.label(str(column), self.head_place(column), color=color)

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
        return theme.tint(theme.channel(cell[1]), TINT) if self.grid.cells.text_size else self.grid.fill(cell)

    def number(self, cell: Cell) -> Number:
        """The number of a cell, ready to arrive."""
        return number_of(self.grid, cell, self.fill(cell))

    def activate(self, column: int | None) -> list[Animation]:
        """The number of the column at work stands on its colour; the one before keeps its colour."""
        if not self.has_heads or column == self.active:
            return []
        before, self.active = self.active, column
        animations = [] if before is None else self.color_head(before)
        if column is None:
            return [*animations, Vanish(self.spot)]
        spot = chip_box(self.look, column, self.head_place(column))
        animations.append(Become(self.spot, spot, quick=FADE) if before is not None else Appear(spot))
        self.spot = self.spot if before is not None else spot
        ink = self.look.theme.ink(self.look.theme.channel(column))
        return [*animations, Paint(self.heads[column], fill=ink)]

    def color_columns(self) -> None:
        """All columns in their colours from the start."""
        for cell, box in self.grid.boxes.items():
            box.set_fill(self.fill(cell), opacity=1)
        for column, head in self.heads.items():
            head.set_fill(self.look.theme.channel(column), opacity=1)

    def _channel_lines(self) -> list[Path]:
        """Lines between the rows of one channel and the next."""
        taps, rows, wire = self.blocks.taps, len(self.rows), self.look.theme.wire
        if rows <= taps or self.grid.cells.height * taps < 0.3:
            return []
        across = np.array([self.grid.cells.width / 2, 0.0, 0.0])
        down = np.array([0.0, self.grid.cells.height / 2, 0.0])
        last = self.grid.cells.cols - 1
        ends = (
            (self.grid.center((row, 0)), self.grid.center((row, last))) for row in range(taps, rows, taps)
        )
        return [Path([a - across + down, b + across + down], wire, 3) for a, b in ends]

    def color_head(self, column: int) -> list[Animation]:
        """The column's number takes its colour, for good."""
        color = self.look.theme.channel(column)
        return [Paint(self.heads[column], fill=color)] if self.has_heads else []

    def _labels(self) -> VGroup:
        if self.grid.cells.height < MIN_TEXT + 0.06:
            return VGroup()
        left = self.grid.origin[0] - 0.13
        labels = [
            self.desk.label(self.tag(row), (left, self.grid.center((row, 0))[1]), align="right")
            for row in self.rows
        ]
        head = self.desk.label("(c,u,v)", (left, self.head_place(0)[1]), align="right")
        return VGroup(*labels, head)


def number_of(grid: Grid, cell: Cell, fill: str, size: float | None = None) -> Number:
    """The number of a grid's cell at its place, in the ink that reads on `fill`."""
    desk, ink = Desk(grid.look, grid.trace), grid.look.theme.ink(fill)
    size = size or grid.cells.text_size
    number = desk.number(grid.tensor, grid.index(cell), size, ink, value=grid.value(cell))
    number.place(grid.center(cell))
    return number
