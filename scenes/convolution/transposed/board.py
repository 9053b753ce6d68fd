"""What stands on the stage of a transposed convolution: input, kernel, the scaled kernel as a stamp, the canvas."""

from __future__ import annotations

from dataclasses import dataclass, replace

from manim import Mobject

from torchreel.scenes.convolution.transposed.canvas import StampCanvas
from torchreel.scenes.convolution.transposed.geometry import Stamp, StampGeometry
from torchreel.scenes.convolution.volumes import slices_across
from torchreel.scenes.parts.grid import Cells, Grid
from torchreel.scenes.parts.look import MIN_TEXT, Look
from torchreel.scenes.parts.shapes import Arrow, Point
from torchreel.scenes.parts.stack import HEAD, Position, Sizes, Slices, Stack
from torchreel.scenes.parts.text import Text
from torchreel.scenes.stage import bars
from torchreel.scenes.stage.board import Board
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

MOST_CHANNELS, MOST_OUTS, MOST_LANES = 3, 3, 5
_TOP, _BOTTOM = bars.STAGE_TOP - 0.55, bars.STAGE_BOTTOM + 0.2
_MIDDLE = (_TOP + _BOTTOM) / 2
_WIDTH = 2 * (bars.EDGE - bars.MARGIN)
_LABEL, _SIGN, _LINE = 0.55, 0.62, 0.12
STATIONS = ("input", "weight", "stamp", "output")


@dataclass(frozen=True)
class StampRoom:
    """Where a station's planes stand: how they are drawn, and their centres."""

    slices: Slices
    centers: tuple[Point, ...]


class StampBoard(Board):
    """All objects of a clip. In one dimension each stamp has a lane above the canvas, otherwise one place for all."""

    def __init__(self, look: Look, trace: Trace) -> None:
        super().__init__(look, trace)
        self.size = StampGeometry.of(trace)
        self.channels = list(range(min(self.size.channels, MOST_CHANNELS)))
        self.outs = list(range(min(self.size.outs, MOST_OUTS)))
        self.tells = "running" in trace.tensors
        self.rooms = self._rows() if self.size.dims == 1 else self._columns()
        self.inputs = {c: self._stack("input", (*self.size.lead, c), k) for k, c in enumerate(self.channels)}
        room = self.rooms["output"]
        self.canvases = {
            o: StampCanvas(self, self.size, o, room.slices, room.centers[k]) for k, o in enumerate(self.outs)
        }
        self.source = self.frame(self.inputs[0].outline((0, 0, 0), (0, 0, 0), 0.02))
        self.landing = self.canvases[0].frames((0, 0, 0), self.size.kernel, self.size.dilation)

    @property
    def has_numbers(self) -> bool:
        """Whether all cells are large enough for numbers."""
        return all(room.slices.cells.text_size for room in self.rooms.values())

    @property
    def is_cut(self) -> bool:
        """Whether channels or cells are left out."""
        planes = self.size.channels > len(self.channels) or self.size.outs > len(self.outs)
        return planes or any(room.slices.cropped for room in self.rooms.values())

    def kernel(self, out: int, channel: int) -> Stack:
        """The kernel that takes an input channel to an output channel."""
        return self._stack("weight", (channel, out % (self.size.outs // self.size.groups)), 0)

    def stamp(self, out: int, stamp: Stamp) -> Stack | Grid:
        """The kernel scaled by one input element, where stamps stand."""
        lead = (*self.size.lead, out, stamp.number)
        if self.size.dims > 1:
            return self._stack("stamp", lead, 0)
        canvas, room = self.canvases[0], self.rooms["stamp"]
        x = (canvas.center(self.size.first(stamp))[0] + canvas.center(self._last(stamp))[0]) / 2
        y = room.centers[stamp.number % len(room.centers)][1]
        step = (1, self.size.dilation[2])
        return self.grid("stamp", lead, room.slices.cells, (x, y), step=step)

    def stamp_center(self, drawn: Stack | Grid, tap: Position) -> Point:
        """The middle of a stamp's cell."""
        return drawn.center(tap[1:]) if isinstance(drawn, Grid) else drawn.center(tap)

    def labels(self) -> list[Mobject]:
        """Names and shapes, channel numbers, the signs between the stations."""
        theme, labels = self.look.theme, []
        for name, planes in (("input", self.inputs), ("output", self.canvases)):
            labels.append(planes[0].caption(self.shape(name), 0.19))
        for letter, planes in (("c", self.inputs), ("o", self.canvases)):
            side = -1 if letter == "c" else 1
            if len(planes) > 1:
                labels += [
                    stack.side_label(f"{letter}={number}", side, theme.channel(number))
                    for number, stack in planes.items()
                ]
        return [*labels, *self._signs()]

    def name(self, kernel: Stack, out: int, channel: int) -> Text:
        """The name above a kernel."""
        alone = self.size.channels == self.size.outs == 1
        text = "weight" if alone else f"weight[{channel}, {out % (self.size.outs // self.size.groups)}]"
        return kernel.caption(text, 0.19, self.look.theme.accent)

    def _last(self, stamp: Stamp) -> Position:
        """The canvas position of the last drawn cell of a stamp."""
        first, reach = (
            self.size.first(stamp),
            (self.rooms["stamp"].slices.cells.cols - 1) * self.size.dilation[2],
        )
        return first[0], first[1], first[2] + reach

    def _stack(self, name: str, lead: Index, place: int) -> Stack:
        room, head = self.rooms[name], "d={}" if self.size.dims == 3 else ""
        center = room.centers[place]
        return Stack(
            self.look, self.trace, name, lead, room.slices, center,
            index=lambda at: (*lead, *self.size.spatial(at)), head=head,
        )  # fmt: skip

    def _shape(self, name: str) -> Sizes:
        return {"input": self.size.sizes, "output": self.size.canvas}.get(name, self.size.kernel)

    def _texts(self, name: str) -> list[str]:
        tensors = (name, "running") if name == "output" else (name,)
        return self.texts(*(each for each in tensors if each in self.trace.tensors))

    def _columns(self) -> dict[str, StampRoom]:
        """Stations from left to right, those with several planes above each other."""
        planes = {"input": len(self.channels), "weight": 1, "stamp": 1, "output": len(self.outs)}
        high = {name: (_TOP - _BOTTOM - 0.3 * (count - 1)) / count for name, count in planes.items()}
        across = {name: self._across(name, high[name]) for name in STATIONS}
        wanted = {name: across[name] * self._shape(name)[2] + (across[name] - 1) * 0.5 for name in STATIONS}
        room = _WIDTH - 2 * _LABEL - 3 * _SIGN
        widths = {name: room * max(count, 1.5) for name, count in wanted.items()}
        total = sum(max(count, 1.5) for count in wanted.values())
        slices = {
            name: Slices.fit(
                self._shape(name),
                widths[name] / total,
                high[name],
                self._texts(name),
                across=across[name],
                largest=0.95,
                head=HEAD if self.size.dims == 3 else 0.0,
            )
            for name in STATIONS
        }
        used = sum(one.extent[0] for one in slices.values())
        gap = min(1.0, (_WIDTH - 2 * _LABEL - used) / 3)
        x, rooms = -(used + 3 * gap) / 2, {}
        for name in STATIONS:
            wide, tall = slices[name].extent
            pitch = tall + min(0.5, (_TOP - _BOTTOM - planes[name] * tall) / max(1, planes[name] - 1))
            ys = [_MIDDLE + pitch * ((planes[name] - 1) / 2 - k) for k in range(planes[name])]
            rooms[name] = StampRoom(slices[name], tuple((x + wide / 2, y) for y in ys))
            x += wide + gap
        return rooms

    def _across(self, name: str, height: float) -> int:
        return slices_across(self._shape(name), height)

    def _rows(self) -> dict[str, StampRoom]:
        """Input and kernel above, the lanes of the stamps below them, the canvases at the bottom, in equal cells."""
        size, channels, outs = self.size, len(self.channels), len(self.outs)
        stamps = len(size.stamps(0))
        lanes = stamps if stamps <= MOST_LANES else 1
        cols = max(size.canvas[2], size.sizes[2] + size.kernel[2] + 3)
        free = _TOP - _BOTTOM - 1.5 - _LINE * (channels + lanes + outs)
        longest = max(
            (self._texts(name) for name in STATIONS), key=lambda texts: max(map(len, texts), default=0)
        )
        cells = Cells.fit(1, cols, _WIDTH - 2 * _LABEL, free / (channels + lanes + outs), longest, 1.15)
        cells = replace(cells, height=min(cells.height, 0.62))
        pitch = cells.height + _LINE
        top = _MIDDLE + ((channels + lanes + outs) * pitch + 1.5) / 2 - cells.height / 2
        middle, bottom = top - channels * pitch - 0.45, top - (channels + lanes) * pitch - 1.3
        shown = {name: min(self._shape(name)[2], max(1, cells.cols)) for name in STATIONS}
        if sum(shown[name] for name in ("input", "weight")) + 3 > cells.cols:
            shown["weight"] = max(1, min(shown["weight"], cells.cols // 3))
            shown["input"] = max(1, min(shown["input"], cells.cols - shown["weight"] - 3))
        shown["stamp"] = shown["weight"]
        left = -cells.width * (shown["input"] + shown["weight"] + 2) / 2
        x = {
            "input": left + shown["input"] * cells.width / 2,
            "weight": left + (shown["input"] + 2 + shown["weight"] / 2) * cells.width,
        }
        heights = {
            "input": [top - k * pitch for k in range(channels)],
            "weight": [top - (channels - 1) * pitch / 2],
            "stamp": [middle - k * pitch for k in range(lanes)],
            "output": [bottom - k * pitch for k in range(outs)],
        }
        rooms = {}
        for name in STATIONS:
            own = Slices(
                replace(cells, rows=1, cols=shown[name]),
                1,
                1,
                cropped=shown[name] < self._shape(name)[2],
                head=0.0,
            )
            rooms[name] = StampRoom(own, tuple((x.get(name, 0.0), y) for y in heights[name]))
        return rooms

    def _signs(self) -> list[Mobject]:
        theme = self.look.theme
        edges = {name: self._edges(name) for name in STATIONS}
        if self.size.dims == 1:
            x, y = (
                (edges["input"][1] + edges["weight"][0]) / 2,
                self.rooms["weight"].centers[0][1],
            )
            lanes = self.rooms["stamp"].centers
            down = (lanes[-1][1] - 0.4, self.rooms["output"].centers[0][1] + 0.75)
            return [
                self.label("×", (x, y), 0.32),
                Arrow([(0, down[0]), (0, down[1])], theme.wire),
                self.label("Σ", (0.3, (down[0] + down[1]) / 2), 0.26, theme.text),
            ]
        signs: list[Mobject] = []
        for sign, left, right in (("×", "input", "weight"), ("=", "weight", "stamp")):
            x = (edges[left][1] + edges[right][0]) / 2
            signs.append(self.label(sign, (x, _MIDDLE), 0.32))
        start, end = edges["stamp"][1], edges["output"][0]
        middle, reach = (start + end) / 2, min(0.4, (end - start) / 2 - 0.1)
        arrow = Arrow([(middle - reach, _MIDDLE), (middle + reach, _MIDDLE)], theme.wire)
        above = (middle, _MIDDLE + 0.16)
        plus = self.label("+=", above, MIN_TEXT + 0.04, theme.text, vertical="baseline")
        return [*signs, arrow, plus]

    def _edges(self, name: str) -> tuple[float, float]:
        room = self.rooms[name]
        half = room.slices.extent[0] / 2
        return room.centers[0][0] - half, room.centers[0][0] + half
