"""What stands on the stage of a transposed convolution: input, kernel, the stamps, the canvas on which they add up.

Where there is room, every input element has a place for its stamp: in one dimension a lane with the columns of the
canvas, in two a place as the element has in the input. Otherwise all stamps share one place.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, cast

import numpy as np
from manim import Mobject, VGroup

from torchreel.scenes.convolution.transposed.canvas import StampCanvas
from torchreel.scenes.convolution.transposed.geometry import Stamp
from torchreel.scenes.convolution.transposed.labels import StampLabels
from torchreel.scenes.convolution.transposed.volume import Volume
from torchreel.scenes.parts.funnel import Funnel
from torchreel.scenes.parts.grid import Cells
from torchreel.scenes.parts.layout import STAGE, Placed
from torchreel.scenes.parts.look import Look, Stroke
from torchreel.scenes.parts.places import Place as Area
from torchreel.scenes.parts.stack import Position
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

_MOST_MET = 8
_FRAMES = (Stroke.SOURCE, Stroke.SOURCE, Stroke.FRAME)


class StampBoard(StampLabels):
    """All objects of a clip. `stamps` is what the stamps' place is called."""

    def __init__(self, look: Look, trace: Trace, stamps: str = "stamps") -> None:
        self.stamps_name = stamps
        super().__init__(look, trace)
        self.scenery = VGroup()
        self.inputs = {c: self._input(c, k) for k, c in enumerate(self.channels)}
        self.canvases = {o: self._canvas(o, k) for k, o in enumerate(self.outs)}
        self.places: dict[int, Volume] = {}
        self.stamps_title = VGroup() if self.size.dims == 1 else self.stamp_title(self.placed["stamp"].head)
        self.scenery.add(*self.inputs.values(), *self.canvases.values(), *self.labels())
        self.begin(0)
        self.source, self.stamping, self.landing = (self.frame(width=width) for width in _FRAMES)

    def _input(self, channel: int, place: int) -> Volume:
        size, placed = self.size, self.placed["input"]
        index = partial(self._element, (*size.lead, channel))
        if size.dims > 1:
            return Volume(self, "input", placed.cells, self._centers("input", place), index)
        room, step = placed.cells, size.stride[2]
        cols = min(self._sizes("input")[2], (room.cols - 1) // step + 1)
        return self._in_lane("input", placed, place, 0, cols, step, index)

    def _in_lane(
        self, name: str, placed: Placed, lane: int, first: int, cols: int, step: int, index: Any, **style: Any
    ) -> Volume:
        """A row of cells in the columns of the canvas, from column `first`, `step` apart."""
        room = placed.cells
        cells = Cells(room.width, room.height, room.text_size, 1, cols)
        at = placed.at[lane % len(placed.at)]
        left = at[0] - room.cols * room.width / 2 + first * room.width
        middle = (left + ((cols - 1) * step + 1) * room.width / 2, at[1])
        return Volume(self, name, cells, [middle], index, step=(1, step), **style)

    def _canvas(self, out: int, place: int) -> StampCanvas:
        canvas = StampCanvas(
            self, self.size, out, self.placed["output"].cells, self._centers("output", place)
        )
        if (keep := canvas.keep()) is not None:
            self.scenery.add(keep)
        return canvas

    def kernel(self, out: int, channel: int) -> VGroup:
        """The kernel that takes an input channel to an output channel, and its name."""
        lead = (channel, out % (self.size.outs // self.size.groups))
        placed = self.placed["weight"]
        drawn = Volume(self, "weight", placed.cells, self._centers("weight", 0), partial(self._element, lead))
        alone = self.size.channels == self.size.outs == 1
        name = None if alone else f"weight[{lead[0]}, {lead[1]}]"
        return VGroup(drawn, self.title("weight", placed.head, name=name, shape=alone and self.names_shapes))

    def begin(self, out: int) -> VGroup:
        """Empty places for the stamps on an output channel, where each has its own."""
        stamps = self.size.stamps(out) if self.has_places else []
        self.places = {stamp.number: self._place(out, stamp) for stamp in stamps}
        self.empty = VGroup(*self.places.values())
        return self.empty

    def stamp(self, out: int, stamp: Stamp) -> Volume:
        """The place of a stamp, its own or the one for all."""
        return self.places.get(stamp.number) or self._place(out, stamp)

    def _place(self, out: int, stamp: Stamp) -> Volume:
        size, placed = self.size, self.placed["stamp"]
        index = partial(self._element, (*size.lead, out, stamp.number))
        if size.dims > 1:
            k = stamp.number if self.has_places else 0
            centers = [placed.at[k]] if self.has_places else self._centers("stamp", 0)
            return Volume(self, "stamp", placed.cells, centers, index, blank=True)
        first, step, room = size.first(stamp)[2], size.dilation[2], placed.cells.cols
        cols = max(0, min(self._sizes("weight")[2], (room - 1 - first) // step + 1))
        return self._in_lane("stamp", placed, stamp.number, first, cols, step, index, blank=True)

    def met(self, out: int, at: Position) -> list[tuple[Stamp, Position]]:
        """The stamps on a canvas position, each with its tap there."""
        return [
            (stamp, tap)
            for stamp in self.size.stamps(out)
            for tap, place in self.size.taps(stamp)
            if place == at
        ]

    def summands(self, out: int, at: Position) -> VGroup | None:
        """What meets in a cell, below each other where the stamps stand; None where it is too much."""
        met, placed = self.met(out, at), self.placed["stamp"]
        cells = placed.cells
        across = 1 if len(met) * cells.height <= STAGE.height - 0.6 else 2
        if self.size.dims == 1 or not 1 < len(met) <= _MOST_MET or not cells.text_size or len(met) % across:
            return None
        indices = [self._element((*self.size.lead, out, stamp.number), tap) for stamp, tap in met]
        one = Cells(cells.width, cells.height, cells.text_size, len(met) // across, across)
        middle = placed.block.middle
        grid = self.grid("stamp", (), one, middle, index=lambda cell: indices[cell[0] * across + cell[1]])
        top = middle[1] + one.rows * one.height / 2 + 0.16
        names = self._factors(out, met, grid) if across == 1 else []
        return VGroup(grid, self.stamp_title((middle[0], top)), *names)

    # What leads to the output.

    def joint(self, source: Area, target: Area, sign: str) -> VGroup:
        """Two lines from stamps to where they come to lie, behind all cells, and what is done there between them."""
        # From no higher than the output reaches, so that nothing runs through its name.
        whole = self.placed["output"].block
        top, foot = min(source.top, whole.top), max(source.bottom, whole.bottom)
        if self.size.dims == 1 or top <= foot:
            return VGroup()
        x = (self.placed["stamp"].block.right + whole.left) / 2
        end = target.left, target.top, target.bottom
        return Funnel(self.look, (source.right, top, foot), end).sign(sign, x)

    def landing_joint(self, out: int, stamp: Stamp, drawn: Volume) -> VGroup:
        """From a stamp to where it falls on the canvas."""
        paths = (
            drawn.outline(list(drawn.positions())),
            self.canvases[out].outline([at for _, at in self.size.taps(stamp)]),
        )
        if not all(len(path) for path in paths):
            return VGroup()
        source, target = (Area(*path.min(0)[:2].tolist(), *path.max(0)[:2].tolist()) for path in paths)
        return self.joint(source, target, "+")

    # Frames.

    def point(self, stamp: Stamp, drawn: Volume) -> list[Mobject]:
        """The frames go to an input element and its stamp."""
        if stamp.channel in self.inputs and self.inputs[stamp.channel].shows(stamp.at):
            self.source.points = self.inputs[stamp.channel].outline([stamp.at], 0.03)
        self.stamping.points = drawn.outline(list(drawn.positions()), 0.03)
        self.landing.points = np.zeros((0, 3))
        return [self.source, self.stamping]

    def land(self, out: int, stamp: Stamp) -> None:
        """The frame of the landing goes to where a stamp falls on the canvas."""
        self.landing.points = self.canvases[out].outline([at for _, at in self.size.taps(stamp)], 0.0)

    def frames_of(self, elements: Sequence[Index]) -> list[Mobject]:
        """Frames round input elements, channel by channel and slice by slice."""
        dims, frames = self.size.dims, list[Mobject]()
        for channel, volume in self.inputs.items():
            own = [index[-dims:] for index in elements if index[-dims - 1] == channel]
            at = [cast(Position, (*(0,) * (3 - dims), *place)) for place in own]
            for depth in sorted({place[0] for place in at}):
                path = volume.outline([place for place in at if place[0] == depth], 0.03)
                if len(path):
                    frames.append(self.frame(path, Stroke.SOURCE, z_index=3))
        return frames

    def hide_frames(self) -> None:
        """No frames."""
        for frame in (self.source, self.stamping, self.landing):
            frame.points = np.zeros((0, 3))
