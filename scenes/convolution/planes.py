"""Where a convolution's objects stand in two dimensions: planes side by side."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
from manim import VGroup

from torchreel.scenes.convolution.planes_room import SUM_AIR, PlanesRoom
from torchreel.scenes.convolution.stations import LEFT, RIGHT, Edge
from torchreel.scenes.parts.funnel import Funnel
from torchreel.scenes.parts.grid import Cells, Grid
from torchreel.scenes.parts.look import MIN_NUMBER, NAME_TEXT, Stroke
from torchreel.scenes.parts.mathtext import MathText
from torchreel.scenes.parts.shapes import Path, Shape
from torchreel.scenes.parts.text import Text, fit
from torchreel.scenes.parts.views import Place, View
from torchreel.scenes.trace.formula import Index

_SUM_HEIGHT = 0.5
_NAMED = 0.42


class PlanesBoard(PlanesRoom):
    """Left to right: input channels, the kernels that read them, the channels' sums, output channels.

    Kernels of one plane stand below each other, beside the outputs they make. Kernels of several planes stand side by
    side, each plane beside its input channel; many of them share one place.
    """

    def _stand(self, height: float) -> None:
        counts = (count for _, count, _ in self._heights(self.cut))
        levels = [
            _levels(count, pitch, self.middle)
            for count, pitch in zip(counts, self.pitches(height), strict=True)
        ]
        self.y_kernel = dict(zip(self.outs if self.single else self.channels, levels[1], strict=True))
        if not self.single:
            self.y_kernel = dict(zip(self.channels, levels[0], strict=True))
        self.inputs = {
            c: self.input_plane(c, (self.x_input, y)) for c, y in zip(self.channels, levels[0], strict=True)
        }
        self.outputs = {
            out: self.plane("output", (*self.size.lead, out), (self.x_output, y), blank=True)
            for out, y in zip(self.outs, levels[2], strict=True)
        }
        self._kernels: dict[tuple[int, int], Grid] = {}
        self.biases = {out: self._bias(out) for out in self.outs} if self.size.bias else {}
        self._label(height)

    def kernel_column(self, out: int) -> int:
        """Which of the places of kernels an output's kernel has."""
        return 0 if self.across == 1 else out % self.size.outs_per_group % self.across

    def kernel(self, out: int, cell: Place) -> dict[int, View]:
        found: dict[int, View] = {}
        for c in self.rows_of(out):
            if (out, c) not in self._kernels:
                at = self.x_kernel[self.kernel_column(out)], self.y_kernel[out if self.single else c]
                lead, step = (out, self.in_group(out, c)), (self.size.dilation[0], self.size.dilation[1])
                self._kernels[out, c] = self.plane("weight", lead, at, step=step)  # type: ignore[assignment]
            found[c] = self._kernels[out, c]
        return found

    def kernel_marks(self, out: int, cell: Place) -> Sequence[Shape]:
        if len(self.outs) == 1 or not self.is_still:
            return []
        planes = self.kernel(out, cell).values()
        return [self.frame(view.outline(*self._ends(), 0.03), Stroke.SOURCE) for view in planes]

    def kernel_parts(self, out: int, cell: Place, planes: dict[int, View]) -> VGroup:
        if self.is_still:
            return VGroup()
        return VGroup(*planes.values(), *self.kernel_labels(out))

    def kernel_labels(self, out: int) -> VGroup:
        """The colour and the name of a kernel, where there are several."""
        if len(self.outs) == 1:
            return VGroup()
        color, group = self.look.theme.channel(out), VGroup()
        planes = self.kernel(out, (0, 0))
        group.add(*(self.hue(view, out) for view in planes.values()))
        if not self.names_kernels:
            return group
        top = next(iter(planes.values()))
        edge = float(top.outline((0, 0), (0, 0))[:, 1].max())
        middle = self.x_kernel[self.kernel_column(out)]
        label = self.symbol("weight", out, (middle, edge + 0.14), color, vertical="baseline")
        return group.add(self.backing((middle, edge + 0.22)), label)

    def _bias(self, out: int) -> VGroup:
        """The bias on the way to the output it belongs to, its name above."""
        at = (self.x_bias, float(self.outputs[out].middle[1]))
        height, cell = self.cells["weight"].height, self.bias_cell(out, (self.x_bias, at[1]))
        above = (at[0], at[1] + height / 2 + 0.12)
        color = self.look.theme.role("parameter")
        name = f"+ {self.trace.symbol('bias')}"
        if len(self.outs) > 1:
            pitch = float(self.outputs[self.outs[0]].middle[1] - self.outputs[self.outs[1]].middle[1])
            if pitch - height > _NAMED:
                name, color = f"+ b_{{{out}}}", self.look.theme.channel(out)
            elif out != self.outs[0]:
                return VGroup(cell)
        label = MathText(name, NAME_TEXT * 1.15, color).place(above, vertical="baseline")
        return VGroup(cell, self.backing((above[0], above[1] + 0.08)), label)

    def _ends(self) -> tuple[Place, Place]:
        return (0, 0), tuple(size - 1 for size in self.cut.kernel)

    def _label(self, height: float) -> None:
        """Names of tensors and channels, and the places where windows start."""
        theme, add = self.look.theme, self.scenery.add
        kernel = max(self._top(view) for view in self.kernel(self.outs[0], (0, 0)).values())
        inputs = self._top(self.inputs[self.channels[0]])
        self.ceiling = self._top(self.outputs[self.outs[0]])
        self.floor = float(self.outputs[self.outs[-1]].outline((0, 0), (self.cut.out[0] - 1, 0))[:, 1].min())
        # No lower than the kernels, so that nothing that leads up to them runs through the name.
        tops = {
            "input": max(inputs, kernel),
            "output": max(self.ceiling, inputs)
            if len(self.channels) > 1 and not self.single
            else self.ceiling,
        }
        for station, x in (("input", self.x_input), ("output", self.x_output)):
            add(self.heading(station, (x, tops[station] + 0.16), self._room(station)))
        if len(self.channels) > 1:
            left = self.x_input - self._columns(self.cut)[0] * self.cells["input"].width / 2 - 0.14
            add(
                *(
                    self.symbol("input", c, (left, view.middle[1]), align="right")
                    for c, view in self.inputs.items()
                )
            )
        if len(self.outs) > 1:
            right = self.x_output + self.cut.out[1] * self.cells["output"].width / 2 + 0.18
            add(
                *(
                    self.symbol("output", out, (right, view.middle[1]), theme.channel(out), align="left")
                    for out, view in self.outputs.items()
                )
            )
        above = kernel + 0.16 + self._crown
        middle = (self.x_kernel[0] + self.x_kernel[-1]) / 2
        span = self.x_kernel[-1] - self.x_kernel[0] + self._columns(self.cut)[1] * self.cells["weight"].width
        add(self.heading("weight", (middle, above), span + 0.3))
        for view in self.inputs.values():
            ticks = self.starts(view)
            add(*([ticks] if ticks else []))
        if self.is_still:
            for out in self.outs:
                add(*self.kernel(out, (0, 0)).values(), *self.kernel_labels(out))
        for bias in self.biases.values():
            add(*bias)

    def _top(self, view: View) -> float:
        low = tuple(-before for before in self.cut.pad[::2]) if view.pad and any(view.pad) else (0, 0)
        return float(view.outline(low, low)[:, 1].max())

    def _room(self, station: str) -> float:
        """How wide a heading may be: to the middle of the lane beside its planes, and to the stage's edge."""
        if station == "input":
            return min(1.1 * (self.x_kernel[0] - self.x_input), 2 * (self.x_input - LEFT))
        before = self.x_bias if self.size.bias else self.x_sum if self.sums_channels else self.x_kernel[-1]
        return min(1.1 * (self.x_output - before), 2 * (RIGHT - self.x_output))

    def paths(self, out: int, cell: Place) -> Iterator[Shape | Text | Funnel]:
        view = self.outputs[out]
        if not view.shows(cell):
            return
        target = self._goal(out, cell)
        if self.size.bias:
            bias = self.biases[out][0].outline((0, 0), (0, 0), 0.0)
            yield self.beam(_edge(bias, far=True), _edge(view.outline(cell, cell, 0.0)))
        for channel, kernel in self.kernel(out, cell).items():
            _, bottom, right, top = self.window_edges(self.inputs[channel], cell)
            path = kernel.outline(*self._ends(), 0.0)
            window, near, far = Edge(right, top, bottom), _edge(path), _edge(path, far=True)
            yield self.beam(window, near).sign("×", (self._right + self.x_kernel[0] - self._half) / 2)
            if self.sums_channels:
                continue  # on from there it goes with the sums
            # From no higher than the outputs reach, so that nothing runs through their name.
            top, foot = min(far.top, self.ceiling), max(far.bottom, self.floor)
            start = Edge(far.x, top, foot) if top > foot else far
            beam = self.beam(start, target)
            yield beam.sign("Σ", (far.x + self._next) / 2) if len(self.rows_of(out)) == 1 else beam

    @property
    def _next(self) -> float:
        """Where what comes after the kernels begins."""
        edge = self.x_bias if self.size.bias else self.x_output
        return edge - (1 if self.size.bias else self.cut.out[1]) * self.cells["output"].width / 2

    @property
    def _right(self) -> float:
        """Where the input planes end."""
        return self.x_input + self._columns(self.cut)[0] * self.cells["input"].width / 2

    @property
    def _half(self) -> float:
        """Half the width of a kernel."""
        return self._columns(self.cut)[1] * self.cells["weight"].width / 2

    def _goal(self, out: int, cell: Place) -> Edge:
        """Where what comes from the kernels ends: at the bias, else at the output's cell."""
        if self.size.bias:
            return _edge(self.biases[out][0].outline((0, 0), (0, 0), 0.0))
        return _edge(self.outputs[out].outline(cell, cell, 0.0))

    def _through_sum(self, start: Edge, y: float, target: Edge) -> Iterator[Shape | Text | Funnel]:
        """From a kernel plane to the sum of its products and on."""
        theme, half = self.look.theme, _SUM_HEIGHT / 2
        end = Edge(self.x_sum - self.sum_width / 2, y + half, y - half)
        yield self.beam(start, end).sign("Σ", (self.x_kernel[-1] + self._half + end.x) / 2)
        middle = (target.x, (target.top + target.bottom) / 2)
        line = theme.tint(theme.accent, 0.55)
        yield Path([(self.x_sum + self.sum_width / 2, y), middle], line, 2.0, z_index=-1)

    def results(self, out: int, cell: Place) -> VGroup:
        group = VGroup()
        if not self.sums_channels:
            return group
        for channel in self.rows_of(out):
            index = (*self.size.lead, out, self.in_group(out, channel), *self.size.spatial(cell))
            at, value = (
                (self.x_sum, self.y_kernel[channel]),
                self.trace.value("partial", index),
            )
            size = fit(self.text("partial", value), self.sum_width - SUM_AIR, 0.32, MIN_NUMBER)
            sum_cell = Cells(self.sum_width, _SUM_HEIGHT, size, 1, 1)
            group.add(self.grid("partial", (), sum_cell, at, index=partial(_always, index)))
            above = (at[0], at[1] + _SUM_HEIGHT / 2 + 0.13)
            group.add(self.symbol("partial", self.in_group(out, channel), above, vertical="baseline"))
            kernel = self.kernel(out, cell)[channel].outline(*self._ends(), 0.0)
            if self.outputs[out].shows(cell):
                group.add(*self._through_sum(_edge(kernel, far=True), at[1], self._goal(out, cell)))
        group.add(*self._pluses(out))
        return group

    def _pluses(self, out: int) -> Iterator[Text]:
        """What is done with the channels' sums."""
        middles = [self.y_kernel[channel] for channel in self.rows_of(out)]
        for above, below in itertools.pairwise(middles):
            if above - below > 2 * _SUM_HEIGHT + 0.5:
                yield self.label("+", (self.x_sum, (above + below) / 2), 0.34, font="sans")


def _always(index: Index, cell: Place) -> Index:
    return index


def _edge(path: np.ndarray, far: bool = False) -> Edge:
    """The left side of what a path goes round, or the right (`far`) one."""
    x = path[:, 0].max() if far else path[:, 0].min()
    return Edge(float(x), float(path[:, 1].max()), float(path[:, 1].min()))


def _levels(count: int, pitch: float, middle: float) -> list[float]:
    """Heights of the middles of `count` planes that are a pitch apart, round a middle."""
    return [middle + pitch * ((count - 1) / 2 - k) for k in range(count)]
