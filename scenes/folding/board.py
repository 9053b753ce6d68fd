"""Where everything stands in a Fold clip: columns, the window each turns back into, the picture it is added to.

Where the trace knows the picture that the columns were cut from, that picture stands at the left, without the window.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.folding.blocks import Blocks, off_middle
from torchreel.scenes.folding.canvas import MOST_PLANES, PLANE_GAP, FoldCanvas, Source
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
)
from torchreel.scenes.folding.motion import ColoredFrames, carry
from torchreel.scenes.folding.parts import (
    ColumnMatrix,
    accented,
    tinted,
    window_chip,
    window_path,
)
from torchreel.scenes.folding.patch import Patch
from torchreel.scenes.folding.trace import fold_blocks
from torchreel.scenes.parts.grid import Cell, Cells, Grid
from torchreel.scenes.parts.look import Look
from torchreel.scenes.parts.motion import Appear, Paint
from torchreel.scenes.parts.text import Text
from torchreel.scenes.stage.board import Board
from torchreel.scenes.trace.proof import Trace

_GAPS = 1.9
_SIGNS = 1.3


class FoldBoard(Board):
    """All objects of the clip, and the ways in which a column becomes a window again."""

    def __init__(self, look: Look, trace: Trace) -> None:
        super().__init__(look, trace)
        self.blocks: Blocks = fold_blocks(trace)
        self.has_source = "x" in trace.tensors
        canvas, middle, matrix = self._fit()
        self.x = self._places(canvas, middle, matrix)
        label = ColumnMatrix.label_width(self.blocks)
        at = self.x["matrix"] + label / 2
        self.matrix = ColumnMatrix(look, trace, "input", self.blocks, matrix, at, blank=self.has_source)
        if not self.has_source:
            self.matrix.color_columns()
        self.canvas = FoldCanvas(look, trace, self.blocks, canvas, self.x["canvas"])
        self.middle_cells = middle
        self.source = self._source(middle) if self.has_source else None
        self.patch = Patch(self.canvas, self.matrix, middle, self.x["middle"])
        self.frames = ColoredFrames()
        self.labels = VGroup(*self._titles())

    @property
    def shown(self) -> range:
        """The columns that are drawn."""
        return range(self.matrix.grid.cells.cols)

    @property
    def followed(self) -> list[int]:
        """The columns that are drawn and whose windows are."""
        return self.blocks.followed(self.shown, self.canvas.shows)

    @property
    def is_cropped(self) -> bool:
        """Whether something is left out, or cells hold no numbers."""
        return not (self.matrix.is_whole and self.canvas.has_numbers) or self.canvas.is_cropped

    def _fit(self) -> list[Cells]:
        """Cells of the canvas, of what stands beside the matrix (a window or the source), and of the matrix."""
        blocks, count = self.blocks, min(self.blocks.channels, MOST_PLANES)
        texts = {name: self.texts(name) for name in ("input", "canvas")}
        height = (TOP + 0.1 - BOTTOM - PLANE_GAP * (count - 1)) / count
        rows, cols = (n + 2 * p for n, p in zip(blocks.plane, blocks.padding, strict=True))
        shares = (1.5, 1.5, 0.8) if self.has_source else (1.4, 0.9, 0.75)
        rooms = (
            Share(rows, cols, height, texts["canvas"], shares[0]),
            Share(*(blocks.plane if self.has_source else blocks.kernel), height, texts["input"], shares[1]),
            Share(
                blocks.taps * blocks.channels, blocks.columns, TOP - BOTTOM, texts["input"], shares[2], 1.9
            ),
        )
        gaps = _SIGNS if self.has_source else _GAPS
        return share_width(RIGHT - LEFT - ColumnMatrix.label_width(blocks) - gaps, rooms)

    def _places(self, canvas: Cells, middle: Cells, matrix: Cells) -> dict[str, float]:
        widths = {
            "matrix": matrix.cols * matrix.width + ColumnMatrix.label_width(self.blocks),
            "middle": middle.cols * middle.width,
            "canvas": canvas.cols * canvas.width,
        }
        if not self.has_source:
            named = Patch.name_width(self.blocks, len(self.trace.shape("input")) > 2)
            widths["middle"] = max(widths["middle"], named)
        order = ("middle", "matrix", "canvas") if self.has_source else ("matrix", "middle", "canvas")
        return dict(zip(order, side_by_side([widths[name] for name in order]), strict=True))

    def _source(self, cells: Cells) -> Grid:
        place, lead = (self.x["middle"], MIDDLE), (*self.canvas.lead, 0)
        return self.grid("x", lead, cells, place, plain=bool(cells.text_size))

    def _titles(self) -> list[VGroup]:
        titles = [self.matrix.title, self.canvas.title()]
        if self.source is not None:
            titles.append(self.source.caption(self.shape("x")))
        return level(titles)

    def unfold(self, column: int) -> list[Animation]:
        """The source's window becomes a column, as Unfold does it."""
        assert self.source is not None
        animations = [*self._window("source", self.source, column), *self.show_column(column)]
        window, size = self.blocks.window(column), self.source.cells.text_size
        for row in self.matrix.rows:
            cell = (row, column)
            animations.append(Paint(self.matrix.grid.boxes[cell], fill=self.matrix.fill(cell)))
            if self.matrix.grid.cells.text_size:
                number = self.matrix.grid.numbers[cell] = self.matrix.number(cell)
                travels = row < self.blocks.taps and self.frames.pace == math.inf
                spot = self.source.center(window[row % self.blocks.taps])
                animations += carry(self.look, column, number, spot, size if travels else 0.0)
        return animations

    def show_column(self, column: int) -> list[Animation]:
        """The frame of the column that is at work, and its number on its colour."""
        return [*self.frames.show("column", self.matrix.frame(column)), *self.matrix.activate(column)]

    def show_window(self, column: int) -> list[Animation]:
        """The window's frame on the canvas where the column belongs."""
        planes = self.canvas.planes.items()
        return [move for c, grid in planes for move in self._window(f"canvas {c}", grid, column, 0.0)]

    def _window(self, name: str, grid: Grid, column: int, tint: float = 0.16) -> list[Animation]:
        path = window_path(grid, self.blocks.window(column), self.blocks.dilation)
        return self.frames.show(name, tinted(path, self.look.theme.channel(column), tint))

    def show_completed(self, column: int) -> list[Animation]:
        """The accent frame goes to the cell that this column completes."""
        at = self.canvas.completed(column)
        return (
            []
            if at is None
            else self.frames.show("completed", accented(self.look, self.canvas.planes[0], at))
        )

    def mark(self, column: int) -> VGroup:
        """The column's number at its window on the canvas."""
        return window_chip(self.look, column, self.canvas.planes[0], self.blocks.window(column)[0])

    def origin(self, column: int) -> Source:
        """Where a column's values fly from: the window beside the matrix, or the matrix itself."""

        def place(channel: int, tap: int) -> tuple[np.ndarray, float]:
            grid, cell = self.matrix.grid, (channel * self.blocks.taps + tap, column)
            if not self.has_source:
                grid, cell = self.patch.grids[channel], self.blocks.tap(tap)
            return grid.center(cell), grid.cells.text_size if grid.shows(cell) else 0.0

        return place

    def leave(self) -> list[Animation]:
        """Frames go."""
        return [*self.frames.leave(), *self.matrix.activate(None)]

    def overlap(self) -> tuple[Grid, Text]:
        """How many windows cover each cell of the output, in the middle of the stage, and its name."""
        cells, x = self._overlap_room()
        down, across = self.blocks.padding
        grid = self.grid(
            "overlap", (), cells, (x, MIDDLE),
            index=lambda at: (at[0] + down, at[1] + across), plain=bool(cells.text_size),
        )  # fmt: skip
        for at, box in grid.boxes.items():
            if cells.text_size and self.canvas.total(at) > 1:
                box.set_fill(self.canvas.warmth(self.canvas.total(at)), opacity=1)
        return grid, grid.caption("overlap")

    def signs(self, overlap: Grid) -> list[Text]:
        """Times between source and overlap count, equals before the output."""
        assert self.source is not None
        stops = [_sides(grid) for grid in (self.source, overlap, self.canvas.planes[0])]
        middles = [(left[1] + right[0]) / 2 for left, right in pairwise(stops)]
        return [self.label(sign, (x, MIDDLE), 0.5) for sign, x in zip("×=", middles, strict=True)]

    def _overlap_room(self) -> tuple[Cells, float]:
        rows, cols = self.canvas.planes[0].shape
        left, right = _sides(self.source or self.matrix.grid)[1], _sides(self.canvas.planes[0])[0]
        free = right - left - (1.6 if self.source else 0.8)
        room = min(free, cols * self.canvas.planes[0].cells.width)
        cells = Share(rows, cols, TOP - BOTTOM, ["0"]).fit(room)
        if self.source and self.source.cells.width < cells.width:
            cells = replace(self.middle_cells, rows=rows, cols=cols)
        return cells, (left + right) / 2

    def crop(self) -> list[Animation]:
        """The rim goes, and the column cells whose values lay there lose their colour."""
        lost = [
            (row, column)
            for row, column in self.matrix.grid.positions()
            if not self.blocks.holds(self.blocks.window(column)[row % self.blocks.taps])
        ]
        empty = self.look.theme.empty
        pale = [move for cell in lost for move in self.matrix.grid.paint(cell, fill=empty)]
        return [*self.canvas.crop(), *(pale if self.matrix.grid.cells.text_size else [])]

    def most_covered(self) -> Cell:
        """The drawn output cell with most windows, the nearest to the middle."""
        plane = self.canvas.planes[0]
        return max(plane.positions(), key=lambda at: (self.canvas.total(at), -off_middle(plane.shape, at)))

    def mark_sum(self, at: Cell, cells: Sequence[Cell]) -> list[Animation]:
        """Accent frames round one output cell and the column cells that were added into it."""
        frames = [accented(self.look, self.canvas.planes[0], at)]
        frames += [
            accented(self.look, self.matrix.grid, cell) for cell in cells if self.matrix.grid.shows(cell)
        ]
        return [Appear(frame) for frame in frames]


def _sides(grid: Grid) -> tuple[float, float]:
    """Left and right of a grid with its padding."""
    half = grid.cells.width / 2
    last = grid.cells.cols - 1 + grid.pad[3]
    return grid.center((0, -grid.pad[2]))[0] - half, grid.center((0, last))[0] + half
