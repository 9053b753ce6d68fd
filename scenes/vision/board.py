"""What stands on the stage when pixels are shuffled: channels block-wise, and the large plane beside them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.parts.grid import Cell, Cells, Grid
from torchreel.scenes.parts.look import MIN_TEXT, Look, Stroke
from torchreel.scenes.parts.motion import Appear, Vanish
from torchreel.scenes.parts.shapes import Shape, polyline
from torchreel.scenes.stage.board import Board
from torchreel.scenes.stage.left_out import Size
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace
from torchreel.scenes.vision.layout import AREA, ShuffleLayout
from torchreel.scenes.vision.trace import PixelBlocks

_TINT = 0.34
_NAME_GAP = 0.1
_ABOVE = 0.13


class HueGrid(Grid):
    """A plane whose cells have the colour of the channel that their value is of, whatever the value."""

    def __init__(
        self,
        board: Board,
        tensor: str,
        lead: Index,
        cells: Cells,
        at: tuple[float, float],
        channel: Callable[[Cell], int],
    ) -> None:
        self.channel = channel
        super().__init__(board.look, board.trace, tensor, lead, cells, at, blank=tensor == "output")

    def fill(self, cell: Cell) -> str:
        theme = self.look.theme
        return theme.tint(theme.channel(self.channel(cell)), _TINT)


class ShuffleBoard(Board):
    """Both tensors of the first sample, the input on the left; `channel` names a plane by its number.

    A `pixel` is a cell of a coarse channel, a `place` a cell of the block that it becomes.
    """

    def __init__(
        self, look: Look, trace: Trace, blocks: PixelBlocks, coarse: str, channel: Callable[[int], str]
    ) -> None:
        super().__init__(look, trace)
        self.blocks, self.coarse_name, self._named = blocks, coarse, channel
        self.fine_name = "output" if coarse == "input" else "input"
        self.lead: Index = (0,) * (len(trace.shape(coarse)) - 3)
        self.layout = ShuffleLayout.fit(
            blocks.factor, trace.shape(coarse)[-3:], self.texts("input"), coarse == "input"
        )
        self.coarse = {
            (group, place): self._coarse(group, place) for group in self.groups for place in self.places
        }
        self.fine = [self._fine(group) for group in self.groups]
        self.block, self.focus = self.frame(width=Stroke.WIRE), self.frame()
        self.wire = Shape(np.zeros((0, 3)), stroke=look.theme.accent, stroke_width=Stroke.WIRE, z_index=-1)

    @property
    def groups(self) -> range:
        """The drawn channels of the fine tensor."""
        return range(len(self.layout.coarse))

    @property
    def places(self) -> list[Cell]:
        """The drawn places of a block, row by row."""
        return list(self.layout.places())

    @property
    def pixels(self) -> list[Cell]:
        """The drawn pixels of a coarse channel, row by row."""
        rows, cols = self.layout.pixels
        return [(row, col) for row in range(rows) for col in range(cols)]

    def counts(self) -> dict[str, tuple[Size, Size]]:
        """What is drawn and what there is, by the key of the words that say so."""
        samples, factor, (channels, *plane) = (
            math.prod(self.trace.shape(self.coarse_name)[:-3]),
            self.blocks.factor,
            self.size,
        )
        drawn, shown = len(self.coarse), self.layout.pixels
        if self.coarse_name == "output":
            channels, drawn = channels // factor**2, len(self.fine)
            side = self.layout.side
            plane, shown = [size * factor for size in plane], (shown[0] * side, shown[1] * side)
        return {
            "cut_batch": (1, samples),
            "cut_channels": (drawn, channels),
            "cut_plane": (shown, plane),
        }

    @property
    def size(self) -> tuple[int, int, int]:
        """The coarse tensor's `(C·r², H, W)`."""
        channels, rows, cols = self.trace.shape(self.coarse_name)[-3:]
        return channels, rows, cols

    def scenery(self) -> VGroup:
        """What stands from the first frame on: the planes and their names."""
        return VGroup(*self.coarse.values(), *self.fine, *self._names())

    def output(self, group: int, pixel: Cell, place: Cell) -> Index:
        """The index of an element in the output."""
        coarse = self.layout.channel(group, place), *pixel
        return (*self.lead, *(self.blocks.fine(*coarse) if self.fine_name == "output" else coarse))

    def open(self, group: int, pixel: Cell) -> list[Animation]:
        """Frames round one pixel in each channel of a group, and round the block it belongs to."""
        cells = [self.coarse[group, place].outline(pixel, pixel) for place in self.places]
        first, last = self._in_block(pixel, self.places[0]), self._in_block(pixel, self.places[-1])
        return self._set(self.block, np.concatenate([*cells, self.fine[group].outline(first, last)]))

    def point(self, group: int, pixel: Cell, place: Cell) -> list[Animation]:
        """The focus goes to one element, with the line from where it is to where it goes if it can be followed."""
        plane, cell = self.coarse[group, place], self._in_block(pixel, place)
        path = np.concatenate([plane.outline(pixel, pixel), self.fine[group].outline(cell, cell)])
        route = self._route(group, pixel, place) if self.meets(pixel, place) else np.zeros((0, 3))
        return [*self._set(self.focus, path), *self._set(self.wire, route)]

    def meets(self, pixel: Cell, place: Cell) -> bool:
        """Whether a line below a channel, and at the side of the large plane that faces it, meets no other cell."""
        rows, cols = self.layout.pixels
        facing = 0 if self.coarse_name == "input" else cols * self.layout.side - 1
        return pixel[0] == rows - 1 and self._in_block(pixel, place)[1] == facing

    def leave(self) -> list[Animation]:
        """The focus and its line go."""
        there = [shape for shape in (self.focus, self.wire) if len(shape.points)]
        return [Vanish(*there)] if there else []

    def write(self, group: int, pixel: Cell, place: Cell) -> list[Animation]:
        """One element of the output is written."""
        if self.fine_name == "output":
            return self.fine[group].write(self._in_block(pixel, place))
        return self.coarse[group, place].write(pixel)

    def _set(self, shape: Shape, path: np.ndarray) -> list[Animation]:
        shape.points = path
        return [Appear(shape)]

    def _in_block(self, pixel: Cell, place: Cell) -> Cell:
        side = self.layout.side
        return pixel[0] * side + place[0], pixel[1] * side + place[1]

    def _route(self, group: int, pixel: Cell, place: Cell) -> np.ndarray:
        """Behind the cells and along the lane below a channel, so that it crosses no number and no name."""
        plane = self.coarse[group, place]
        middle = self.layout.middle
        here, there = plane.center(pixel), self.fine[group].center(self._in_block(pixel, place))
        lane = plane.middle[1] - (plane.cells.rows * plane.cells.height + self.layout.lane) / 2
        return polyline([here, (here[0], lane), (middle, lane), (middle, there[1]), there])

    def _coarse(self, group: int, place: Cell) -> HueGrid:
        number, cells = self.layout.channel(group, place), self.layout.coarse[group].cells
        lead, at = (*self.lead, number), self.layout.center(group, place)
        return HueGrid(self, self.coarse_name, lead, cells, at, lambda cell: number)

    def _fine(self, group: int) -> HueGrid:
        placed, side = self.layout.fine[group], self.layout.side

        def channel(cell: Cell) -> int:
            return self.layout.channel(group, (cell[0] % side, cell[1] % side))

        return HueGrid(self, self.fine_name, (*self.lead, group), placed.cells, placed.at[0], channel)

    def _names(self) -> Iterator[VGroup]:
        for name, grids in ((self.coarse_name, [*self.coarse.values()]), (self.fine_name, self.fine)):
            left = min(grid.origin[0] for grid in grids)
            yield self.title(name, (left, AREA.top + _ABOVE), align="left")
        if self.layout.is_named:
            for (group, place), plane in self.coarse.items():
                number = self.layout.channel(group, place)
                yield plane.caption(self._named(number), MIN_TEXT, self.look.theme.channel(number), _NAME_GAP)
        for group, plane in enumerate(self.fine):
            yield plane.caption(self._named(group), MIN_TEXT, gap=_NAME_GAP)
