"""What stands on the stage of a transposed convolution: input, kernel, the stamps, the canvas on which they add up.

Where there is room, every input element has a place for its stamp: in one dimension a lane with the columns of the
canvas, in two a place as the element has in the input. Otherwise all stamps share one place.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, cast

import numpy as np
from manim import Mobject, VGroup

from torchreel.scenes.convolution.transposed.canvas import StampCanvas
from torchreel.scenes.convolution.transposed.geometry import Stamp, StampGeometry
from torchreel.scenes.convolution.transposed.volume import Volume
from torchreel.scenes.parts.grid import Cells
from torchreel.scenes.parts.layout import STAGE, Mosaic, Placed, Room, fill, in_column, in_row
from torchreel.scenes.parts.look import MIN_TEXT, NAME_TEXT, Look, Stroke
from torchreel.scenes.parts.mathtext import MathText
from torchreel.scenes.parts.mathtext import width as math_width
from torchreel.scenes.parts.shapes import Path, Point
from torchreel.scenes.parts.stack import Position
from torchreel.scenes.parts.text import Text, measure
from torchreel.scenes.stage.board import Board
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

MOST_CHANNELS, MOST_OUTS, MOST_DEPTH, MOST_LANES = 3, 3, 4, 6
_BETWEEN, _APART, _FAR, _LANE = 0.3, 0.62, 1.1, 0.1
_SIGN, _GROWN = 0.2, 0.4
_ROW, _HIGH = 0.4, 4.8
_MOST_MET = 8
_SLICES = 4
STATIONS = ("input", "weight", "stamp", "output")


class StampBoard(Board):
    """All objects of a clip. `stamps` is what the stamps' place is called."""

    def __init__(self, look: Look, trace: Trace, stamps: str = "stamps") -> None:
        super().__init__(look, trace)
        self.size, self.stamps_name = StampGeometry.of(trace), stamps
        size = self.size
        self.channels = list(range(min(size.channels, _most(MOST_CHANNELS, size.sizes, size.dims))))
        self.outs = list(range(min(size.outs, _most(MOST_OUTS, size.canvas, size.dims))))
        self.tells = "running" in trace.tensors
        self.has_places, self.placed = self._find_room()
        self.scenery = VGroup()
        self.inputs = {c: self._input(c, k) for k, c in enumerate(self.channels)}
        self.canvases = {o: self._canvas(o, k) for k, o in enumerate(self.outs)}
        self.places: dict[int, Volume] = {}
        self.stamps_title = VGroup() if self.size.dims == 1 else self.stamp_title(self.placed["stamp"].head)
        self.scenery.add(*self.inputs.values(), *self.canvases.values(), *self._labels())
        self.begin(0)
        self.source, self.stamping, self.landing = (self.frame(width=width) for width in _FRAMES)

    # What is drawn of a call.

    @property
    def has_numbers(self) -> bool:
        """Whether all cells are large enough for numbers."""
        return all(self.placed[name].cells.text_size for name in STATIONS)

    @property
    def is_cut(self) -> bool:
        """Whether channels or cells are left out."""
        planes = self.size.channels > len(self.channels) or self.size.outs > len(self.outs)
        return planes or not all(self._is_whole(name) for name in STATIONS)

    def _is_whole(self, name: str) -> bool:
        cells, (depth, rows, cols) = self.placed[name].cells, self._sizes(name)
        wide = cells.cols >= (cols if self.size.dims > 1 or name == "weight" else self.size.canvas[2])
        return self._depth(name) == depth and cells.rows >= rows and wide

    def _sizes(self, name: str) -> Position:
        sizes = {"input": self.size.sizes, "output": self.size.canvas}
        return sizes.get(name, self.size.kernel)

    def _depth(self, name: str) -> int:
        return min(self._sizes(name)[0], MOST_DEPTH)

    # Where everything stands.

    def _find_room(self) -> tuple[bool, dict[str, Placed]]:
        """Whether every stamp has a place of its own, and all places."""
        size, find = self.size, self._lanes if self.size.dims == 1 else self._row
        alone = size.dims == 1 or (len(self.channels) == len(self.outs) == 1 and size.dims == 2)
        count = len(self.channels) * math.prod(size.sizes)
        if alone and self.tells and (size.dims == 2 or count <= MOST_LANES):
            placed = find(True)
            whole = [placed[name].cells for name in STATIONS]
            if all(cells.text_size for cells in whole) and self._fits(placed):
                return True, placed
        return False, find(False)

    def _fits(self, placed: Mapping[str, Placed]) -> bool:
        self.placed = dict(placed)
        return not self.is_cut

    def _texts(self, name: str) -> list[str]:
        tensors = {"output": ("output", "running"), "stamp": ("stamp",) if self.tells else ("output",)}
        return self.texts(*(one for one in tensors.get(name, (name,)) if one in self.trace.tensors))

    def _room(self, station: str, planes: int, **more: Any) -> Room:
        depth, rows, cols = self._depth(station), *self._sizes(station)[1:]
        count = planes * depth
        across = next(n for n in range(1, count + 1) if _high(-(-count // n), rows) <= _HIGH or n == count)
        between = _FAR if across > 1 and planes > 1 else _APART if across > 1 else _BETWEEN
        given = {
            "down": -(-count // across), "across": across, "between": between,
            "name": self.shape(station) if station != "stamp" else "", "sides": self._sides(station, planes),
        }  # fmt: skip
        return Room(rows, cols, self._texts(station), **{**given, **more})

    def _sides(self, name: str, planes: int) -> list[str]:
        several, deep = planes > 1, self.size.dims == 3
        longest = "c=0 " * several + "d=0" + " (+1)" * (name == "output" and self.size.growth[0] > 0)
        return [longest if deep else "c=0"] * (several or deep)

    def _row(self, with_places: bool) -> dict[str, Placed]:
        """Stations from left to right, those with several planes above each other."""
        rows, cols = self.size.sizes[1:]
        own = {"down": rows, "across": cols, "sides": ()} if with_places else {}
        parts = {
            "input": self._room("input", len(self.channels)),
            "times": Room(wide=_SIGN),
            "weight": self._room("weight", 1),
            "is": Room(wide=_SIGN),
            "stamp": self._room("stamp", 1, name="s" * 8, **own),
            "output": self._room("output", len(self.outs), below=0.4 if self._grows else 0.0),
            **({"grown": Room(wide=_GROWN)} if self._grows else {}),
        }
        return fill(STAGE, in_row(parts, gap=(0.3, 0.8)), same=[STATIONS])

    def _lanes(self, with_places: bool) -> dict[str, Placed]:
        """The kernel at the left; input, stamps and canvas in the same columns, one below the other."""
        size = self.size
        lanes = len(size.stamps(0)) if with_places else 1
        cols, many = size.canvas[2], len(self.outs) > 1
        sums = in_column(
            {
                "input": Room(
                    1, cols, self._texts("input"), down=len(self.channels), between=_LANE,
                    name=self.shape("input"), sides=["c=0"] * (len(self.channels) > 1),
                ),
                "stamp": Room(
                    1, cols, self._texts("stamp"), down=lanes, between=_LANE,
                    sides=[f"{text}·ww" for text in self.texts("input")] if with_places else (),
                ),
                "output": Room(
                    1, cols, self._texts("output"), down=len(self.outs), between=_LANE,
                    name=self.shape("output") if many else "", sides=["o=0"] if many else [self.shape("output") + " "],
                    below=0.4 * self._grows,
                ),
            },
            gap=(0.2, 0.5), lined=True,
        )  # fmt: skip
        weight = Room(1, size.kernel[2], self._texts("weight"), name=self.shape("weight"))
        columns: dict[str, Room | Mosaic] = {"weight": weight, "sums": sums}
        if self._grows:
            columns["grown"] = Room(wide=0.2)
        return fill(STAGE, in_row(columns, gap=(0.5, 1.2)), same=[STATIONS])

    @property
    def _grows(self) -> bool:
        return any(self.size.growth)

    # The parts.

    def _input(self, channel: int, place: int) -> Volume:
        size, placed = self.size, self.placed["input"]
        index = partial(self._element, (*size.lead, channel))
        if size.dims > 1:
            return Volume(self, "input", placed.cells, self._centers("input", place), index)
        room, step = placed.cells, size.stride[2]
        cols = min(size.sizes[2], (room.cols - 1) // step + 1)
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

    def _centers(self, name: str, place: int) -> Sequence[Point]:
        """The middles of the slices of one channel."""
        depth = self._depth(name)
        return self.placed[name].at[place * depth : (place + 1) * depth]

    def _canvas(self, out: int, place: int) -> StampCanvas:
        canvas = StampCanvas(
            self, self.size, out, self.placed["output"].cells, self._centers("output", place)
        )
        if (keep := canvas.keep()) is not None:
            self.scenery.add(keep)
        return canvas

    def _element(self, lead: Index, at: Position) -> Index:
        return (*lead, *self.size.spatial(at))

    def kernel(self, out: int, channel: int) -> VGroup:
        """The kernel that takes an input channel to an output channel, and its name."""
        lead = (channel, out % (self.size.outs // self.size.groups))
        placed = self.placed["weight"]
        drawn = Volume(self, "weight", placed.cells, self._centers("weight", 0), partial(self._element, lead))
        alone = self.size.channels == self.size.outs == 1
        name = None if alone else f"weight[{lead[0]}, {lead[1]}]"
        return VGroup(drawn, self.title("weight", placed.head, name=name, shape=alone))

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
        cols = max(0, min(size.kernel[2], (room - 1 - first) // step + 1))
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
        return VGroup(grid, self.stamp_title((middle[0], top)))

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

    # Labels.

    def _labels(self) -> list[Mobject]:
        labels: list[Mobject] = [self.title("input", self.placed["input"].head), self._output_title()]
        labels += self._plane_labels("input", self.inputs, "c")
        labels += self._plane_labels("output", self.canvases, "o")
        if self.size.dims == 3:
            labels += [self._side(f"d={d}", "weight", at) for d, at in enumerate(self._centers("weight", 0))]
        labels += self._signs()
        return [*labels, *self._lane_names()]

    def _output_title(self) -> VGroup:
        """Above the output; a row alone has it at its side, where nothing comes down from the stamps."""
        placed = self.placed["output"]
        if self.size.dims > 1 or len(self.outs) > 1:
            return self.title("output", placed.head)
        left, middle = placed.block.left, placed.block.middle[1]
        return self.title("output", (left - 0.16, middle - 0.35 * NAME_TEXT), align="right")

    def _lane_names(self) -> Iterator[Mobject]:
        """What each lane holds: `2·w`."""
        if self.size.dims > 1 or not self.has_places:
            return
        theme, placed = self.look.theme, self.placed["stamp"]
        names = self.size.stamps(self.outs[0])
        for stamp, at in zip(names, placed.at, strict=True):
            index = self._element((*self.size.lead, stamp.channel), stamp.at)
            text = self.text("input", self.trace.value("input", index))
            right = at[0] - placed.cells.cols * placed.cells.width / 2 - 0.12
            drawn = MathText("·w", NAME_TEXT, theme.role("parameter"))
            yield drawn.place((right, at[1]), align="right")
            right -= math_width("·w", NAME_TEXT)
            yield Text(text, NAME_TEXT, theme.role("input")).place((right, at[1]), align="right")

    def _plane_labels(self, name: str, planes: Mapping[int, Volume], letter: str) -> list[Mobject]:
        labels: list[Mobject] = []
        for number, volume in planes.items():
            for depth, grid in enumerate(volume.grids):
                said = [f"{letter}={number}"] if len(planes) > 1 else []
                more = self.size.growth[0] if name == "output" else 0
                added = f" (+{more})" if more and depth >= self.size.canvas[0] - more else ""
                said += [f"d={depth}{added}"] if self.size.dims == 3 else []
                if said and (depth == 0 or self.size.dims == 3):
                    labels.append(self._side(" ".join(said), name, grid.middle))
        return labels

    def _side(self, text: str, name: str, at: Point) -> Text:
        cells = self.placed[name].cells
        return self.label(text, (at[0] - cells.cols * cells.width / 2 - 0.12, at[1]), MIN_TEXT, align="right")

    def stamp_title(self, at: Point) -> VGroup:
        """The name of the stamps: `stamps x·w`."""
        theme, line = self.look.theme, VGroup()
        said = f"{self.stamps_name} "
        pieces = [
            (said, theme.muted),
            ("x", theme.role("input")),
            ("·", theme.muted),
            ("w", theme.role("parameter")),
        ]
        wide = [
            measure(text, NAME_TEXT) if text == said else math_width(text, NAME_TEXT) for text, _ in pieces
        ]
        left = at[0] - sum(wide) / 2
        for (text, color), width in zip(pieces, wide, strict=True):
            made = Text if text == said else MathText
            line.add(made(text, NAME_TEXT, color).place((left, at[1]), align="left", vertical="baseline"))
            left += width
        return line

    def _signs(self) -> list[Mobject]:
        if self.size.dims == 1:
            return []
        return [
            self.label(sign, self.placed[name].area.middle, 0.34)
            for name, sign in (("times", "×"), ("is", "="))
        ]

    def growth(self, out: int) -> VGroup:
        """A bar and a number at the cells that `output_padding` adds at the far end of rows and columns."""
        size, canvas, marks = self.size, self.canvases[out], VGroup()
        last = [p + n for p, n in zip(size.padding, size.out, strict=True)]
        for axis, more in list(enumerate(size.growth))[-2:]:
            places = [
                at
                for at in canvas.positions()
                if at[0] == len(canvas.grids) - 1
                and last[axis] - more <= at[axis] < last[axis]
                and size.kept(at) is not None
            ]
            if not more or not places or (axis == 2 and out != self.outs[-1]):
                continue
            box = canvas.outline(places, 0.0)
            (left, bottom, _), (right, top, _) = box.min(0), box.max(0)
            color, text = self.look.theme.text, f"+{more}"
            if axis == 2:
                y = bottom - 0.1
                marks.add(Path([(left, y), (right, y)], color, 3.0))
                marks.add(self.label(text, ((left + right) / 2, y - 0.17), MIN_TEXT, color))
            else:
                x = right + 0.1
                marks.add(Path([(x, top), (x, bottom)], color, 3.0))
                marks.add(self.label(text, (x + 0.08, (top + bottom) / 2), MIN_TEXT, color, align="left"))
        return marks


_FRAMES = (Stroke.SOURCE, Stroke.SOURCE, Stroke.FRAME)


def _most(planes: int, sizes: Position, dims: int) -> int:
    """How many channels are drawn at most: few where each is many slices."""
    return planes if dims < 3 else max(1, _SLICES // sizes[0])


def _high(planes: int, rows: int) -> float:
    return planes * rows * _ROW + (planes - 1) * _BETWEEN
