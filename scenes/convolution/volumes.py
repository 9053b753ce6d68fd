"""Where a three-dimensional convolution's objects stand: input slices above, the kernel's and the output's below."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import cast

import numpy as np
from manim import VGroup

from torchreel.scenes.convolution.board import (
    BOTTOM,
    HEAD,
    LEFT,
    NOTE,
    RIGHT,
    TAG_CELL,
    TOP,
    ConvolutionBoard,
)
from torchreel.scenes.convolution.geometry import Cut
from torchreel.scenes.parts.grid import Cells
from torchreel.scenes.parts.look import MIN_TEXT
from torchreel.scenes.parts.shapes import Point, Shape
from torchreel.scenes.parts.slices import Slices
from torchreel.scenes.parts.stack import Pad, Position, Stack
from torchreel.scenes.parts.views import Place, View
from torchreel.scenes.trace.formula import Index

_TALL, _BETWEEN = 0.36, 0.54
_MOST_SLICES = 6
_MOST_BLOCKS = 2
_LIMITS = (6, 5, 4, 3)
_HEAT = ((6, 12, 12), (5, 9, 9), (4, 6, 6), (3, 4, 4), (2, 3, 3))
_GAP, _LANE, _APART, _SIDE = 0.24, 0.7, 0.75, 0.5
_ROWS = 0.12
_FOOT = 0.62
_LARGEST = 0.92


def slices_across(sizes: Place, height: float) -> int:
    """How many slices of a volume stand in a row: one, unless so many rows are too low for `height` (scene units)."""
    depth, rows, _ = sizes
    depth = min(depth, _MOST_SLICES)
    fits = (n for n in range(1, depth) if math.ceil(depth / n) * (rows * _TALL + _BETWEEN) <= height)
    return next(fits, depth)


class VolumesBoard(ConvolutionBoard):
    """Each volume is a row of slices: the input channels below each other, under them the kernel and the outputs."""

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
        """The largest cells with which both rows have their place."""
        depth, rows, cols = self._padded(cut)
        high = TOP - HEAD - 0.3 - _FOOT - BOTTOM - note - _LANE - _ROWS * (len(self.channels) - 1)
        below = max(self._spread(cut)[1], cut.out[1])
        height = high / (rows * len(self.channels) + below)
        side = _SIDE if len(self.channels) > 1 else 0.0
        top = (RIGHT - LEFT - 2 * side - (depth - 1) * _GAP) / (depth * cols)
        lower = (RIGHT - LEFT - 2 * _SIDE - self._lower_gaps(cut)) / self._lower_cols(cut)
        texts = self.texts(*(self.tensor(name) for name in ("input", "weight", "output")))
        width = min(top, lower)
        found = Cells.fit(1, 1, width, height, texts, _LARGEST)
        if not found.text_size:
            return found
        room = max(1.3 * found.height, min(found.width, self.tag_width()))
        found = Cells.fit(1, 1, min(width, room), height, texts, _LARGEST) if room < found.width else found
        self.tags = found.height >= TAG_CELL and found.width >= self.tag_width()
        return self.tagged(found) if self.tags else found

    def _padded(self, cut: Cut) -> Place:
        return tuple(a + n + b for a, n, b in zip(cut.pad[::2], cut.plane, cut.pad[1::2], strict=True))

    def _spread(self, cut: Cut) -> Place:
        """Rows and columns of a kernel's slice; its slices are drawn without those between them."""
        return cut.kernel

    def _blocks(self) -> tuple[int, int]:
        return max(len(self.rows_of(out)) for out in self.outs), len(self.outs)

    def _lower_cols(self, cut: Cut) -> int:
        kernels, outs = self._blocks()
        return kernels * cut.kernel[0] * cut.kernel[2] + outs * cut.out[0] * cut.out[2]

    def _lower_gaps(self, cut: Cut) -> float:
        kernels, outs = self._blocks()
        slices = kernels * (cut.kernel[0] - 1) + outs * (cut.out[0] - 1)
        bias = 1.6 if self.size.bias else 0.0
        return slices * _GAP + (kernels + outs - 1) * _APART + bias

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
        note = NOTE if self.is_noted else 0.0
        below = max(self.cut.kernel[1], self.cut.out[1]) * whole.height
        used = HEAD + 0.3 + len(self.channels) * (high + _ROWS) - _ROWS + _LANE + below + _FOOT
        spare = max(0.0, TOP - BOTTOM - note - used)
        y = TOP - HEAD - 0.3 - spare * 0.3 - high / 2
        self.inputs = {}
        for channel in self.channels:
            self.inputs[channel] = self.input_plane(channel, (0.0, y))
            y -= high + _ROWS
        y += _ROWS + high / 2
        self.y_low = y - _LANE - spare * 0.4 - below / 2
        self._place_below()
        self._label()

    def _place_below(self) -> None:
        """Kernel blocks at the left, outputs at the right, with the middle free for what leads down."""
        kernels, outs = self._blocks()
        wide = {name: self._slices(name).extent[0] for name in ("weight", "output")}
        bias = 1.6 if self.size.bias else 0.0
        cells = kernels * wide["weight"] + outs * wide["output"] + bias
        gaps = kernels + outs - 1
        gap = min(1.6, max(_APART, (RIGHT - LEFT - 2 * _SIDE - cells) / max(1, gaps)))
        x = -(cells + gaps * gap) / 2
        self.x_kernel = []
        for _ in range(kernels):
            self.x_kernel.append(x + wide["weight"] / 2)
            x += wide["weight"] + gap
        self.x_bias = x - gap + 0.85
        x += bias
        self.outputs = {}
        for out in self.outs:
            at = (x + wide["output"] / 2, self.y_low)
            self.outputs[out] = self.plane("output", (*self.size.lead, out), at, blank=True)
            x += wide["output"] + gap

    def kernel(self, out: int, cell: Place) -> dict[int, View]:
        return {
            c: self.plane("weight", (out, self.in_group(out, c)), (self.x_kernel[number], self.y_low))
            for number, c in enumerate(self.rows_of(out))
        }

    def kernel_parts(self, out: int, cell: Place, planes: dict[int, View]) -> VGroup:
        group = VGroup(*planes.values())
        for number, view in enumerate(planes.values()):
            group.add(*self._depths(cast(Stack, view), above=False))
            if len(self.outs) > 1:
                group.add(self.hue(view, out))
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

    def paths(self, out: int, cell: Place) -> Iterator[Shape]:
        """From the windows' lower edges down to the output's cell."""
        view = self.outputs[out]
        if not view.shows(cell):
            return
        box = view.outline(cell, cell, 0.0)
        end = float(box[:, 1].max()), float(box[:, 0].min()), float(box[:, 0].max())
        last = cast(Stack, self.inputs[self.rows_of(out)[-1]])
        taps = [at for _, at in self.size.pairs(cell, self.cut.kernel)]
        for depth in dict.fromkeys(at[0] for at in taps):
            flat = [at for at in taps if at[0] == depth]
            path = last.outline(cast(Position, flat[0]), cast(Position, flat[-1]), 0.0)
            left, right, low = (float(one) for one in (path[:, 0].min(), path[:, 0].max(), path[:, 1].min()))
            yield from self.fall((low, left, right), end)

    def _named(self, station: str, view: Stack, number: int) -> VGroup:
        """A name below a block: with its shape where it is the only one."""
        low = view.edges[1] - _FOOT + 0.04
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
        return self.heading(station, (x, low), 2 * min(x - LEFT, RIGHT - x))

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
        add(self.title(self.tensor("input"), (0.0, first.edges[3] + 0.42)))
        if len(self.channels) > 1:
            add(
                *(
                    self.symbol("input", c, (cast(Stack, v).edges[0] - 0.16, v.middle[1]), align="right")
                    for c, v in self.inputs.items()
                )
            )
        for out, view in self.outputs.items():
            add(*self._depths(cast(Stack, view), above=False), self._named("output", cast(Stack, view), out))
        for view in self.inputs.values():
            ticks = self.starts(view)
            add(*([ticks] if ticks else []))
