"""What stands on the stage when channels are shuffled: the input's group below group, the output's in a row."""

from __future__ import annotations

from collections.abc import Iterator

from manim import Animation, VGroup

from torchreel.scenes.parts.grid import Cells, Grid
from torchreel.scenes.parts.layout import STAGE, Room, fill, in_column
from torchreel.scenes.parts.look import MIN_TEXT, Look
from torchreel.scenes.stage.board import Board
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace
from torchreel.scenes.vision.board import HueGrid
from torchreel.scenes.vision.trace import ChannelGroups

_MOST_GROUPS, _MOST_SIZE, _MOST_SIDE = 3, 4, 2
_BETWEEN, _NUMBERED, _GAP, _BELOW = 0.3, 0.42, 0.12, 0.16


class ChannelBoard(Board):
    """The first sample; a channel is named by its number, and has the hue of its group in the input."""

    def __init__(self, look: Look, trace: Trace, groups: ChannelGroups) -> None:
        super().__init__(look, trace)
        self.groups = groups
        shape = trace.shape("input")
        self._middle: Index = (0,) * max(0, len(shape) - 4)
        plane = shape[2:][-2:] if len(shape) > 3 else (1, shape[2])
        self.shown = min(groups.groups, _MOST_GROUPS), min(groups.size, _MOST_SIZE)
        rows, cols = (min(side, _MOST_SIDE) for side in plane)
        self.is_cropped = (*self.shown, rows, cols) != (groups.groups, groups.size, *plane) or (
            shape[0] > 1 or any(size > 1 for size in shape[2:-2])
        )
        texts, (down, across) = self.texts("input"), self.shown
        placed = fill(
            STAGE,
            in_column(
                {
                    "input": Room(rows, cols, texts, down, across, _NUMBERED, name="0", below=0.26),
                    "output": Room(rows, cols, texts, 1, down * across, _BETWEEN, name="0", below=0.26),
                }
            ),
            same=[("input", "output")],
        )
        self.input = [
            self._grid("input", channel, placed["input"].cells, at)
            for channel, at in zip(self._numbers, placed["input"].at, strict=True)
        ]
        self.output = {
            channel: self._grid("output", channel, placed["output"].cells, at)
            for channel, at in zip(
                (channel for column in self.columns for channel in column), placed["output"].at, strict=True
            )
        }

    @property
    def columns(self) -> list[list[int]]:
        """The drawn channels of the output, column of the input by column."""
        down, across = self.shown
        return [[column * self.groups.groups + row for row in range(down)] for column in range(across)]

    def scenery(self) -> VGroup:
        """All planes, their names and the numbers of the channels."""
        return VGroup(*self.input, *self.output.values(), *self._names())

    def plane(self, tensor: str, channel: int) -> Grid:
        """A drawn channel of a tensor, by its number."""
        return self.output[channel] if tensor == "output" else self.input[self._numbers.index(channel)]

    @property
    def _numbers(self) -> list[int]:
        """The drawn channels of the input, group by group."""
        down, across = self.shown
        return [row * self.groups.size + col for row in range(down) for col in range(across)]

    def first_cell(self, channel: int) -> Index:
        """The first element of a channel of the output."""
        return self.output[channel].index((0, 0))

    def write(self, channel: int) -> list[Animation]:
        """One channel of the output is written."""
        grid = self.output[channel]
        return [move for cell in grid.positions() for move in grid.write(cell)]

    def _grid(self, tensor: str, channel: int, cells: Cells, at: tuple[float, float]) -> Grid:
        source = self.groups.source(channel) if tensor == "output" else channel
        lead = (0, channel, *self._middle)
        return HueGrid(self, tensor, lead, cells, at, lambda cell: source // self.groups.size)

    def _names(self) -> Iterator[VGroup]:
        for tensor, grids in (("input", self.input), ("output", [*self.output.values()])):
            left = min(grid.origin[0] for grid in grids)
            top = max(grid.origin[1] for grid in grids)
            yield self.title(tensor, (left, top + _GAP), align="left")
        for channel, grid in [*self.output.items(), *zip(self._numbers, self.input, strict=True)]:
            x, y, _ = grid.middle
            low = y - grid.cells.rows * grid.cells.height / 2 - _BELOW
            yield self.label(str(channel), (x, low), MIN_TEXT)
