"""Where everything stands in an Unfold clip: the input planes at the left, the matrix of columns at the right."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from manim import Animation, VGroup

from torchreel.scenes.folding.blocks import Blocks, off_middle
from torchreel.scenes.folding.layout import (
    BOTTOM,
    LEFT,
    MIDDLE,
    RIGHT,
    TOP,
    Share,
    level,
    share_width,
    side_by_side,
    within,
)
from torchreel.scenes.folding.motion import ColoredFrames, carry, lagged
from torchreel.scenes.folding.parts import (
    ColumnMatrix,
    accented,
    is_drawn,
    tinted,
    window_chip,
    window_path,
)
from torchreel.scenes.folding.trace import unfold_blocks
from torchreel.scenes.parts.grid import Cell, Cells, Grid
from torchreel.scenes.parts.look import MIN_TEXT, NAME_TEXT, Look
from torchreel.scenes.parts.motion import Appear, Paint
from torchreel.scenes.parts.text import measure
from torchreel.scenes.stage.board import Board
from torchreel.scenes.trace.proof import Trace

_MOST_PLANES = 3
_PLANE_GAP = 0.42
_SIDE_LABEL = 0.56
_MOST_TILES = 4


class UnfoldBoard(Board):
    """All objects of the clip, and the ways in which a window becomes a column."""

    def __init__(self, look: Look, trace: Trace) -> None:
        super().__init__(look, trace)
        self.blocks: Blocks = unfold_blocks(trace)
        self.lead = (0,) * (len(trace.shape("input")) - 3)
        self.channels = range(min(self.blocks.channels, _MOST_PLANES))
        matrix, plane = self._fit()
        inner, self.pad = within(plane, self.blocks.plane, self.blocks.padding)
        label = ColumnMatrix.label_width(self.blocks)
        side = _SIDE_LABEL if len(self.channels) > 1 else 0.0
        x = side_by_side((plane.cols * plane.width + side, matrix.cols * matrix.width + label))
        self.x = (x[0] + side / 2, x[1] + label / 2)
        self.matrix = ColumnMatrix(look, trace, "output", self.blocks, matrix, self.x[1], blank=True)
        self.planes = {c: self._plane(c, inner) for c in self.channels}
        self.labels = self._labels()
        self.frames = ColoredFrames()
        self.mark = VGroup()
        self.filled: set[int] = set()
        self.overlaps = self.blocks.overlaps

    @property
    def shown(self) -> range:
        """The columns that are drawn."""
        return range(self.matrix.grid.cells.cols)

    @property
    def followed(self) -> list[int]:
        """The columns that are drawn and whose windows are."""
        return self.blocks.followed(self.shown, partial(is_drawn, self.planes[0]))

    @property
    def is_cropped(self) -> bool:
        """Whether more is left out than drawn cells can tell, or cells hold no numbers."""
        return not (self.matrix.is_whole and self.planes[0].cells.text_size)

    def _fit(self) -> tuple[Cells, Cells]:
        blocks = self.blocks
        rows, cols = (n + 2 * p for n, p in zip(blocks.plane, blocks.padding, strict=True))
        count = len(self.channels)
        noted = 0.3 if count < blocks.channels else 0.0
        height = (TOP + 0.1 - BOTTOM - noted - _PLANE_GAP * (count - 1)) / count
        picture = Share(rows, cols, height, self.texts("input"), 1.1)
        columns = Share(
            blocks.taps * blocks.channels,
            blocks.columns,
            TOP - BOTTOM,
            self.texts("output"),
            tall=1.9,
        )
        side = _SIDE_LABEL if count > 1 else 0.0
        room = RIGHT - LEFT - ColumnMatrix.label_width(blocks) - side - 0.7
        plane, matrix = share_width(room, (picture, columns))
        return matrix, plane

    def _plane(self, channel: int, cells: Cells) -> Grid:
        top, bottom, _, _ = self.pad
        pitch = (cells.rows + top + bottom) * cells.height + _PLANE_GAP
        y = MIDDLE - (channel - (len(self.channels) - 1) / 2) * pitch
        return self.grid(
            "input", (*self.lead, channel), cells, (self.x[0], y),
            pad=self.pad, pad_text=self.text("input", 0.0), plain=bool(cells.text_size),
        )  # fmt: skip

    def _labels(self) -> VGroup:
        top = self.planes[0]
        title = top.caption(self.shape("input"))
        labels = VGroup(*level([title, self.matrix.title]))
        if len(self.channels) > 1:
            labels.add(*(grid.side_label(f"c={c}", -1, size=NAME_TEXT) for c, grid in self.planes.items()))
        hidden = self.blocks.channels - len(self.channels)
        if hidden:
            last = self.planes[len(self.channels) - 1]
            below = last.center((last.cells.rows - 1, 0))[1] - last.cells.height / 2 - 0.16
            labels.add(self.label(f"… +{hidden}", (last.middle[0], below), MIN_TEXT))
        return labels

    def show_window(self, column: int) -> list[Animation]:
        """The window's frames slide to its place and take its colour; its number goes with them."""
        color, taps = self.look.theme.channel(column), self.blocks.window(column)
        paths = {c: window_path(grid, taps, self.blocks.dilation) for c, grid in self.planes.items()}
        return [
            move for c, path in paths.items() for move in self.frames.show(f"input {c}", tinted(path, color))
        ]

    def show_frame(self, column: int) -> list[Animation]:
        """The frame of the column being filled."""
        return [*self.frames.show("column", self.matrix.frame(column)), *self.matrix.activate(column)]

    def new_mark(self, column: int) -> VGroup:
        """The column's number at the window."""
        self.mark = window_chip(self.look, column, self.planes[0], self.blocks.window(column)[0])
        return self.mark

    def tags(self, column: int) -> VGroup:
        """The row labels of a column at the places in the window that they stand for."""
        tags = VGroup()
        for row in self.matrix.rows:
            grid = self.planes.get(row // self.blocks.taps)
            text = self.matrix.tag(row)
            if grid is None or not self._has_room(grid, text):
                return VGroup()
            spot = grid.center(self.blocks.window(column)[row % self.blocks.taps])
            low = spot[1] - grid.cells.height / 2 + 0.18
            tags.add(self.label(text, (spot[0], low), MIN_TEXT, self.look.theme.text))
        return tags

    def _has_room(self, grid: Grid, text: str) -> bool:
        cells = grid.cells
        free = cells.height / 2 - 0.18 - 0.09 - 0.4 * cells.text_size
        return bool(cells.text_size) and cells.width > measure(text, MIN_TEXT, "mono") + 0.06 and free > 0.02

    def fill(self, column: int, share: float = 1.0) -> list[Animation]:
        """The values under the window travel into the column, one after the other where `share` is small."""
        self.filled.add(column)
        animations: list[Animation] = []
        count = len(self.matrix.rows)
        for row in self.matrix.rows:
            cell = (row, column)
            easing = lagged(row, count, share)
            box = self.matrix.grid.boxes[cell]
            animations.append(Paint(box, fill=self.matrix.fill(cell), rate_func=easing, quick=math.inf))
            if self.matrix.grid.cells.text_size:
                animations += self._arrive(cell, easing)
        return [*animations, *self._keep_tint(column)]

    def _keep_tint(self, column: int) -> list[Animation]:
        """Where windows do not overlap, the input's cells keep the colour of theirs."""
        if self.overlaps:
            return []
        tint = self.look.theme.tint(self.look.theme.channel(column))
        places = [(grid, at) for grid in self.planes.values() for at in self.blocks.window(column)]
        return [move for grid, at in places if grid.plain for move in grid.paint(at, fill=tint)]

    def _arrive(self, cell: Cell, easing: Callable[[float], float]) -> list[Animation]:
        number = self.matrix.number(cell)
        grid = self.planes.get(cell[0] // self.blocks.taps)
        if grid is None or not grid.cells.text_size:
            return [Appear(number)]
        spot = grid.center(self.blocks.window(cell[1])[cell[0] % self.blocks.taps])
        tiled = self.frames.pace == math.inf or len(self.matrix.rows) <= _MOST_TILES
        return carry(self.look, cell[1], number, spot, grid.cells.text_size, easing, tiled)

    def fill_rest(self) -> list[Animation]:
        """Columns that no step was spent on are filled in place."""
        animations: list[Animation] = []
        for column in self.shown:
            if column not in self.filled:
                animations += self.matrix.color_head(column)
                for row in self.matrix.rows:
                    cell = (row, column)
                    animations.append(Paint(self.matrix.grid.boxes[cell], fill=self.matrix.fill(cell)))
                    if self.matrix.grid.cells.text_size:
                        animations.append(Appear(self.matrix.number(cell)))
        return animations

    def leave(self) -> list[Animation]:
        """Windows and frames go."""
        return [*self.frames.leave(), *self.matrix.activate(None)]

    def copies(self) -> tuple[Cell, list[Cell]]:
        """The input cell that most windows cover, the nearest to the middle, and its cells in the matrix."""
        found: dict[Cell, list[Cell]] = {}
        for column in self.shown:
            for row, at in enumerate(self.blocks.window(column)):
                if row in self.matrix.rows and self.planes[0].shows(at):
                    found.setdefault(at, []).append((row, column))
        plane = self.blocks.plane
        best = max(found, key=lambda at: (len(found[at]), -off_middle(plane, at)), default=(0, 0))
        return best, found.get(best, [])

    def mark_copies(self, source: Cell, cells: Sequence[Cell]) -> Iterable[Animation]:
        """Accent frames round one input cell and all its copies."""
        frames = [accented(self.look, self.planes[0], source)]
        frames += [accented(self.look, self.matrix.grid, cell) for cell in cells]
        return [Appear(frame) for frame in frames]
