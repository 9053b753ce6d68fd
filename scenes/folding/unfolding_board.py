"""What stands on the stage of an Unfold: the input's channels with their padding, and the matrix of columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.folding.blocks import Blocks, off_middle
from torchreel.scenes.folding.trace import unfold_blocks
from torchreel.scenes.parts.grid import Cell, Grid
from torchreel.scenes.parts.layout import STAGE, Room, fill, in_row
from torchreel.scenes.parts.look import MIN_TEXT, Look, Stroke
from torchreel.scenes.parts.shapes import Box, Path, Shape
from torchreel.scenes.parts.text import measure
from torchreel.scenes.stage.board import Board
from torchreel.scenes.trace.proof import Trace

MOST_PLANES = 3
_HEADS = 0.36
_CORNER = 0.13
_TINTED, _OVER_TINT = 0.5, 0.6


class UnfoldBoard(Board):
    """All objects of the clip."""

    def __init__(self, look: Look, trace: Trace) -> None:
        super().__init__(look, trace)
        self.blocks: Blocks = unfold_blocks(trace)
        blocks = self.blocks
        self.lead = (0,) * (len(trace.shape("input")) - 3)
        self.channels = list(range(min(blocks.channels, MOST_PLANES)))
        self.rows, self.columns = trace.shape("output")[-2:]
        down, across = blocks.padding
        figure = in_row(
            {
                "input": Room(
                    *blocks.plane, self.texts("input"), down=len(self.channels), pad=(down, down, across, across),
                    name=self.shape("input"), sides=["c=0"] * (len(self.channels) > 1), largest=1.0,
                ),
                "output": Room(
                    self.rows, self.columns, self.texts("output"), name=self.shape("output"),
                    sides=[str(self.rows - 1)], below=_HEADS, tall=1.4,
                ),
            },
            gap=(0.5, 1.3),
        )  # fmt: skip
        self.placed = fill(STAGE, figure)
        source, target = self.placed["input"], self.placed["output"]
        self.planes = {
            c: self.grid("input", (*self.lead, c), source.cells, source.at[k], pad=source.pad)
            for k, c in enumerate(self.channels)
        }
        for number in (one for plane in self.planes.values() for one in plane.numbers.values()):
            number.z_index = _OVER_TINT
        self.matrix = self.grid("output", self.lead, target.cells, target.at[0], blank=True)
        self.scenery = VGroup(
            *self.planes.values(), self.matrix, self.title("input", source.head),
            self.title("output", target.head), *self._labels(),
        )  # fmt: skip

    @property
    def batch_size(self) -> int:
        """How many samples torch was given; the first is drawn."""
        return self.trace.shape("output")[0] if len(self.trace.shape("input")) > 3 else 1

    @property
    def followed(self) -> list[int]:
        """The columns that are drawn and whose windows are."""
        return self.blocks.followed(range(self.matrix.cells.cols), self.shows)

    @property
    def has_numbers(self) -> bool:
        """Whether all cells hold numbers."""
        return bool(self.matrix.cells.text_size and self.placed["input"].cells.text_size)

    def shows(self, at: Cell) -> bool:
        """Whether a position is drawn, on the plane or on its padding."""
        (rows, cols), (top, bottom, left, right) = self.planes[0].shape, self.planes[0].pad
        return -top <= at[0] < rows + bottom and -left <= at[1] < cols + right

    def mark(self, column: int) -> VGroup:
        """A window over the input, its places numbered as the rows are, and its column."""
        accent, marks = self.look.theme.accent, VGroup()
        taps = [(row, at) for row, at in enumerate(self.blocks.window(column)) if self.shows(at)]
        # Of channels whose rows are left out nothing is taken.
        read = {c: plane for c, plane in self.planes.items() if c * self.blocks.taps < self.matrix.cells.rows}
        for c, plane in read.items():
            path = self._window(plane, [at for _, at in taps])
            marks.add(Shape(path, fill=accent, opacity=0.14, z_index=_TINTED))
            # The row that the formula names is one of the last channel's.
            stroke = accent if c == max(read) else self.look.theme.tint(accent, 0.7)
            marks.add(Shape(path, stroke=stroke, stroke_width=Stroke.SOURCE, z_index=2))
            marks.add(*self._numbers(c, plane, taps))
        last = (self.matrix.cells.rows - 1, column)
        frame = self.frame(self.matrix.outline((0, column), last, 0.02), Stroke.FRAME)
        return marks.add(frame)

    def _window(self, plane: Grid, taps: Sequence[Cell]) -> np.ndarray:
        if not taps:
            return np.zeros((0, 3))
        if self.blocks.dilation == (1, 1):
            return plane.outline(taps[0], taps[-1], 0.0)
        return np.concatenate([plane.outline(at, at, -0.03) for at in taps])

    def _numbers(self, channel: int, plane: Grid, taps: Sequence[tuple[int, Cell]]) -> Iterator[VGroup]:
        """The row of each place in the window, in the corner of its cell."""
        cells, theme = plane.cells, self.look.theme
        last = str(channel * self.blocks.taps + self.blocks.taps - 1)
        wide = measure(last, MIN_TEXT, "mono") + 0.1
        free = cells.height / 2 - 0.4 * cells.text_size - 2 * _CORNER
        if not cells.text_size or cells.width < wide + 0.1 or free < 0 or not self._has_rows:
            return
        for row, at in taps:
            x, y = plane.center(at)[:2]
            middle = (x + cells.width / 2 - wide / 2 - 0.03, y - cells.height / 2 + _CORNER + 0.02)
            chip = Box(wide, 2 * _CORNER, middle, 0.05, fill=theme.background, z_index=1)
            text = self.label(str(channel * self.blocks.taps + row), middle, MIN_TEXT, theme.muted)
            text.z_index = 1
            yield VGroup(chip, text)

    @property
    def _has_rows(self) -> bool:
        """Whether rows are high enough for their numbers."""
        return self.matrix.cells.height >= MIN_TEXT + 0.06

    def _labels(self) -> Iterator[VGroup | Path]:
        """Channels beside planes, rows beside the matrix, columns below it."""
        for c, plane in self.planes.items():
            if len(self.planes) > 1:
                yield plane.side_label(f"c={c}")
        left, top = self.matrix.origin[:2]
        cells = self.matrix.cells
        if self._has_rows:
            for row in range(cells.rows):
                yield self.label(
                    str(row), (left - 0.12, self.matrix.center((row, 0))[1]), MIN_TEXT, align="right"
                )
        if cells.width >= measure(str(cells.cols - 1), MIN_TEXT, "mono") + 0.08:
            for column in range(cells.cols):
                x, y = self.matrix.center((cells.rows - 1, column))[:2]
                yield self.label(str(column), (x, y - cells.height / 2 - 0.18), MIN_TEXT)
        taps, rows = self.blocks.taps, cells.rows
        for row in range(taps, rows, taps) if cells.height * taps >= 0.3 else ():
            y = top - row * cells.height
            yield Path(
                [(left, y), (left + cells.cols * cells.width, y)], self.look.theme.text, 2.5, z_index=0.4
            )

    def write(self, column: int) -> list[Animation]:
        """The values under the window fill its column."""
        return [move for row in range(self.matrix.cells.rows) for move in self.matrix.write((row, column))]

    def copies(self) -> tuple[Cell, list[Cell]]:
        """The input cell of channel 0 under most windows, the nearest to the middle, and its cells in the matrix."""
        found: dict[Cell, list[Cell]] = {}
        for column in range(self.matrix.cells.cols):
            for row, at in enumerate(self.blocks.window(column)):
                if row < self.matrix.cells.rows and self.planes[0].shows(at):
                    found.setdefault(at, []).append((row, column))
        plane = self.blocks.plane
        best = max(found, key=lambda at: (len(found[at]), -off_middle(plane, at)), default=(0, 0))
        return best, found.get(best, [])
