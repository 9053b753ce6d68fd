"""Where a three-dimensional convolution's objects stand: input slices above, the kernel's and the output's below."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import cast

import numpy as np
from manim import VGroup

from torchreel.scenes.convolution.board import ConvolutionBoard
from torchreel.scenes.convolution.geometry import Cut
from torchreel.scenes.convolution.stations import BOTTOM, HEAD, LEFT, NOTE, RIGHT, TAG_CELL, TOP
from torchreel.scenes.parts.funnel import SIGN, Funnel
from torchreel.scenes.parts.grid import Cells
from torchreel.scenes.parts.look import MIN_TEXT
from torchreel.scenes.parts.shapes import Point, Shape
from torchreel.scenes.parts.slices import Slices
from torchreel.scenes.parts.stack import Pad, Position, Stack
from torchreel.scenes.parts.text import Text
from torchreel.scenes.parts.views import Place, View
from torchreel.scenes.trace.formula import Index

_MOST_BLOCKS = 2
_LIMITS = (6, 5, 4, 3)
_HEAT = ((6, 12, 12), (5, 9, 9), (4, 6, 6), (3, 4, 4), (2, 3, 3))
_GAP, _LANE, _APART, _SIDE = 0.24, 0.7, 0.75, 0.5
_ROWS = 0.12
_TOP, _TIMES, _WORTH = 0.3, 1.0, 0.7

_Side = tuple[float, float, float]
_BIAS = 0.75
"""Half of a bias and its sign, beside which a sum's sign stands."""
_FOOT = 0.62
_LARGEST = 0.92


class VolumesBoard(ConvolutionBoard):
    """Each volume is a row of slices: the input channels below each other, the kernel beside them, the outputs below.

    Where that would be too wide, the kernel stands below too.
    """

    beside = True

    def lay_out(self) -> None:
        self.channels = self.channels[:_MOST_BLOCKS]
        self.outs = [out for out in self.outs if self.rows_of(out)][:_MOST_BLOCKS]
        sides = [(limit, limit + 1, limit + 1) for limit in _LIMITS]
        whole = self.fitting(self._fit, sides, _HEAT)
        cut = self.cut
        self.cells = {
            name: replace(whole, rows=shape[1], cols=shape[2])
            for name, shape in (("input", cut.plane), ("weight", cut.kernel), ("output", cut.out))
        }
        self._place(whole)

    def _fit(self, cut: Cut, note: float) -> Cells:
        """The largest cells with which everything has its place, the kernel beside the input or below it."""
        found = {beside: self._fit_rows(cut, note, beside) for beside in (True, False)}
        near, below = (found[beside].width * found[beside].height for beside in (True, False))
        readable = bool(found[True].text_size) >= bool(found[False].text_size)
        readable = readable and self._has_tags(found[True]) >= self._has_tags(found[False])
        self.beside = readable and near >= _WORTH * below
        cells = found[self.beside]
        self.tags = self._has_tags(cells)
        return self.tagged(cells) if self.tags else cells

    def _has_tags(self, cells: Cells) -> bool:
        """Whether the weights find room on the cells they meet."""
        return bool(cells.text_size) and cells.height >= TAG_CELL and cells.width >= self.tag_width()

    def _fit_rows(self, cut: Cut, note: float, beside: bool) -> Cells:
        depth, rows, cols = self._padded(cut)
        kernels, outs = self._blocks()
        channels, kernel = len(self.channels), self._spread(cut)
        high = TOP - HEAD - _TOP - _FOOT - BOTTOM - note - _LANE - _ROWS * (channels - 1)
        below = cut.out[1] if beside else max(kernel[1], cut.out[1])
        rows = max(rows, kernel[1]) if beside else rows
        side = _SIDE if channels > 1 else 0.0
        top = RIGHT - LEFT - 2 * side - (depth - 1) * _GAP
        lower = RIGHT - LEFT - 2 * _SIDE - (1.6 if self.size.bias else 0.0)
        counts, beneath = depth * cols, outs * cut.out[0] * cut.out[2]
        blocks = outs if beside else outs + kernels
        lower -= outs * (cut.out[0] - 1) * _GAP + (blocks - 1) * _APART
        if beside:
            top -= (kernel[0] - 1) * _GAP + self._times
            counts += kernel[0] * kernel[2]
        else:
            lower -= kernels * (kernel[0] - 1) * _GAP
            beneath += kernels * kernel[0] * kernel[2]
        texts = self.texts(*(self.tensor(name) for name in ("input", "weight", "output")))
        width, height = min(top / counts, lower / beneath), high / (rows * channels + below)
        found = Cells.fit(1, 1, width, height, texts, _LARGEST)
        room = max(1.3 * found.height, min(found.width, self.tag_width()))
        if not found.text_size or room >= found.width:
            return found
        return Cells.fit(1, 1, min(width, room), height, texts, _LARGEST)

    @property
    def _times(self) -> float:
        """How far a kernel stands from the input beside it."""
        return _TIMES + (_SIDE if len(self.channels) > 1 else 0.0)

    def _padded(self, cut: Cut) -> Place:
        return tuple(a + n + b for a, n, b in zip(cut.pad[::2], cut.plane, cut.pad[1::2], strict=True))

    def _spread(self, cut: Cut) -> Place:
        """Rows and columns of a kernel's slice; its slices are drawn without those between them."""
        return cut.kernel

    def _blocks(self) -> tuple[int, int]:
        return max(len(self.rows_of(out)) for out in self.outs), len(self.outs)

    def _slices(self, station: str) -> Slices:
        shape = {"input": self.cut.plane, "weight": self.cut.kernel, "output": self.cut.out}[station]
        pad = self.cut.pad if station == "input" else (0,) * 6
        return Slices(self.cells[station], shape[0], shape[0] + pad[0] + pad[1], cast(Pad, pad), head=0.0)

    def plane(self, station: str, lead: Index, at: Point, **style: object) -> Stack:
        style.pop("pad", None)  # slices know theirs
        slices = self._slices(station)
        return Stack(self.look, self.trace, self.tensor(station), lead, slices, at, head="", **style)  # type: ignore[arg-type]

    def back(self, at: Point) -> None:
        slices = self._slices("input")
        for depth in range(-slices.pad[0], slices.depth + slices.pad[1]):
            super().back(slices.place(depth) + np.array([at[0], at[1], 0.0]))

    def _place(self, whole: Cells) -> None:
        high = self._slices("input").extent[1]
        kernel = self.cut.kernel[1] * whole.height
        row = max(high, kernel) if self.beside else high
        note = NOTE if self.is_noted else 0.0
        below = max(0.0 if self.beside else kernel, self.cut.out[1] * whole.height)
        used = HEAD + _TOP + len(self.channels) * (row + _ROWS) - _ROWS + _LANE + below + _FOOT
        spare = max(0.0, TOP - BOTTOM - note - used)
        y = TOP - HEAD - _TOP - spare * 0.3 - row / 2
        wide = self._slices("weight").extent[0] + self._times if self.beside else 0.0
        self.x_input = wide / 2
        self.inputs, self.kernel_at = {}, []
        for channel in self.channels:
            self.inputs[channel] = self.input_plane(channel, (self.x_input, y))
            self.kernel_at.append((-(self._slices("input").extent[0] + self._times) / 2, y))
            y -= row + _ROWS
        y += _ROWS + row / 2
        self.y_low = y - _LANE - spare * 0.4 - below / 2
        self._place_below()
        self._label()

    def _place_below(self) -> None:
        """The outputs under the input; where the kernel is not beside it, at the left of them."""
        kernels, outs = self._blocks()
        kernels = 0 if self.beside else kernels
        wide = {name: self._slices(name).extent[0] for name in ("weight", "output")}
        bias = 1.6 if self.size.bias else 0.0
        cells = kernels * wide["weight"] + outs * wide["output"] + bias
        gaps = kernels + outs - 1
        gap = min(1.6, max(_APART, (RIGHT - LEFT - 2 * _SIDE - cells) / max(1, gaps)))
        used = cells + gaps * gap
        x = max(LEFT + _SIDE, min(self.x_input, RIGHT - _SIDE - used / 2) - used / 2)
        if not self.beside:
            self.kernel_at = [
                (x + wide["weight"] / 2 + k * (wide["weight"] + gap), self.y_low) for k in range(kernels)
            ]
            x += kernels * (wide["weight"] + gap)
        self.x_bias = x + (0.85 - gap if kernels else 0.1)
        x += bias
        self.outputs = {}
        for out in self.outs:
            at = (x + wide["output"] / 2, self.y_low)
            self.outputs[out] = self.plane("output", (*self.size.lead, out), at, blank=True)
            x += wide["output"] + gap

    def kernel(self, out: int, cell: Place) -> dict[int, View]:
        return {
            c: self.plane("weight", (out, self.in_group(out, c)), self.kernel_at[number])
            for number, c in enumerate(self.rows_of(out))
        }

    def kernel_parts(self, out: int, cell: Place, planes: dict[int, View]) -> VGroup:
        group = VGroup(*planes.values())
        for number, view in enumerate(planes.values()):
            if number == 0 or not self.beside:
                group.add(*self._depths(cast(Stack, view), above=self.beside))
            if len(self.outs) > 1:
                group.add(self.hue(view, out))
            if self.beside:
                x = cast(Stack, view).edges[2] + _TIMES / 2 - 0.1
                at = (x, float(view.middle[1]))
                group.add(self.backing(at), self.label("×", at, SIGN, font="sans"))
            if number == 0:
                group.add(self._named("weight", cast(Stack, view), out))
        if self.size.bias:
            group.add(*self._bias(out))
        return group

    def _bias(self, out: int) -> list[object]:
        cells = self.cells["weight"]
        at = (self.x_bias, self.y_low)
        name_at = (at[0] + cells.width / 2 + 0.1, at[1])
        sign = self.label("+", (at[0] - cells.width / 2 - 0.18, at[1]), 0.3)
        symbol = (
            self.symbol("bias", out, name_at, align="left")
            if len(self.outs) > 1
            else self.title("bias", (name_at[0], name_at[1] - 0.09), name="b", shape=False, align="left")[-1]
        )
        return [self.bias_cell(out, at), sign, symbol]

    def paths(self, out: int, cell: Place) -> Iterator[Shape | Text | Funnel]:
        """From the windows' lower edges down to the output's cell, where all is added up; from all slices at once."""
        view = self.outputs[out]
        if not view.shows(cell):
            return
        box = view.outline(cell, cell, 0.0)
        end = float(box[:, 1].max()), float(box[:, 0].min()), float(box[:, 0].max())
        last = cast(Stack, self.inputs[self.rows_of(out)[-1]])
        taps, falls = [at for _, at in self.size.pairs(cell, self.cut.kernel)], []
        for depth in dict.fromkeys(at[0] for at in taps):
            flat = [at for at in taps if at[0] == depth]
            path = last.outline(cast(Position, flat[0]), cast(Position, flat[-1]), 0.0)
            left, right, low = (float(one) for one in (path[:, 0].min(), path[:, 0].max(), path[:, 1].min()))
            falls.append((low, left, right))
        starts = _together(falls) if len({low for low, *_ in falls}) == 1 else falls
        for start in starts:
            yield from self.fall(start, end)
        yield from self._sum_sign([(start, end) for start in starts])

    def _sum_sign(self, falls: Sequence[tuple[_Side, _Side]]) -> Iterator[Text]:
        """The sign of the sum in the lane above the outputs, where no line runs through it."""
        top, half = self.y_low + self._slices("output").extent[1] / 2, 0.2
        high = cast(Stack, self.inputs[self.channels[-1]]).edges[1]
        for share in (0.5, 0.35, 0.65) if high - top > 2 * half else ():
            y, spots, lines = high + (top - high) * share, [], []
            for start, end in falls:
                ends = [
                    [a + (b - a) * (start[0] - at) / (start[0] - end[0]) for at in (y + half, y, y - half)]
                    for a, b in zip(start[1:], end[1:], strict=True)
                ]
                spots.append((ends[0][1] + ends[1][1]) / 2)
                lines += ends
            left = self.x_bias + _BIAS if self.size.bias else LEFT
            free = (
                x
                for x in spots
                if x > left and all(max(line) < x - half or min(line) > x + half for line in lines)
            )
            for x in free:
                yield self.label("Σ", (x, y), SIGN, font="sans")
                return

    def _named(self, station: str, view: Stack, number: int) -> VGroup:
        """A name below a block, or above a kernel beside the input: with its shape where it is the only one."""
        above = station == "weight" and self.beside
        low = view.edges[3] + HEAD if above else view.edges[1] - _FOOT + 0.04
        many = len(self.outs) > 1
        if many:
            return VGroup(
                self.symbol(
                    station,
                    number,
                    (view.origin[0], low),
                    self.look.theme.channel(number),
                    vertical="baseline",
                )
            )
        x = float(view.origin[0])
        room = 2 * min(x - LEFT, RIGHT - x)
        return self.heading(station, (x, low), min(room, (self.x_input - x) * 1.1) if above else room)

    def _depths(self, view: Stack, above: bool) -> list[object]:
        """The depth of each slice, above or below it."""
        front, back, *_ = view.slices.pad
        if view.slices.count == 1:
            return []
        half = (view.slices.extent[1]) / 2
        labels: list[object] = []
        for depth in range(-front, view.slices.depth + back):
            at = view.origin + view.slices.place(depth)
            y = view.origin[1] + half + 0.09 if above else view.origin[1] - half - 0.24
            text = f"d={depth}".replace("-", "−")
            labels.append(self.label(text, (at[0], y), MIN_TEXT, vertical="baseline"))
        return labels

    def _label(self) -> None:
        add = self.scenery.add
        first = cast(Stack, self.inputs[self.channels[0]])
        add(*self._depths(first, above=True))
        add(self.title(self.tensor("input"), (self.x_input, first.edges[3] + HEAD)))
        if len(self.channels) > 1:
            for c, v in self.inputs.items():
                left, y = cast(Stack, v).edges[0] - 0.16, float(v.middle[1])
                add(self.backing((left - 0.14, y)), self.symbol("input", c, (left, y), align="right"))
        for out, view in self.outputs.items():
            add(*self._depths(cast(Stack, view), above=False), self._named("output", cast(Stack, view), out))
        for view in self.inputs.values():
            ticks = self.starts(view)
            add(*([ticks] if ticks else []))


def _together(sides: Sequence[_Side]) -> list[_Side]:
    """One side from the beginning of the first to the end of the last."""
    return [(sides[0][0], min(left for _, left, _ in sides), max(right for *_, right in sides))]
