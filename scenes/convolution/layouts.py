"""Where a convolution's objects stand: planes side by side for two dimensions, rows below each other for one."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from manim import VGroup

from torchreel.scenes.convolution.board import (
    BOTTOM,
    HEAD,
    LEFT,
    MOST_OUTPUTS,
    NOTE,
    RIGHT,
    TAG_CELL,
    TOP,
    ConvolutionBoard,
    Edge,
)
from torchreel.scenes.convolution.geometry import Cut
from torchreel.scenes.parts.beam import SIGN, Beam
from torchreel.scenes.parts.grid import Cells, Grid
from torchreel.scenes.parts.look import MIN_NUMBER, NAME_TEXT, Stroke
from torchreel.scenes.parts.mathtext import MathText
from torchreel.scenes.parts.shapes import Path, Point, Shape
from torchreel.scenes.parts.text import Text, fit
from torchreel.scenes.parts.views import Place, View
from torchreel.scenes.trace.formula import Index

_SIDE, _BETWEEN, _LABELLED = 0.5, 0.3, 0.46
_GAP, _WIDEST_GAP, _APART, _CLOSE = 0.85, 2.1, 0.5, 0.18
_LARGEST = 1.12
_LIMITS = (13, 11, 9, 8, 7, 6, 5)
_HEAT = (20, 16, 12, 9, 7, 5, 4, 3)
_LONG, _LONG_HEAT = (16, 13, 11, 9, 8, 7, 6, 5), (40, 20)
_SUM, _SUM_HEIGHT, _NEAR = 0.95, 0.5, 0.8
_MOST_KERNELS = 3
_SIGN_ROOM, _NAMED = 0.54, 0.42


class PlanesBoard(ConvolutionBoard):
    """Left to right: input channels, the kernels that read them, the channels' sums, output channels.

    Kernels of one plane stand below each other, beside the outputs they make. Kernels of several planes stand side by
    side, each plane beside its input channel; many of them share one place.
    """

    def lay_out(self) -> None:
        self.single = self.size.per_group == 1
        widest = max(len(self.rows_of(out)) for out in self.outs)
        self.sums_channels = "partial" in self.trace.tensors and widest > 1 and not self.single
        in_group = min(self.size.outs_per_group, len(self.outs))
        self.across = 1 if self.single or in_group > _MOST_KERNELS else in_group
        sides = [(limit, limit) for limit in _LIMITS]
        whole = self.fitting(self._fit, sides, [(limit, limit) for limit in _HEAT])
        sizes = {"input": self.cut.plane, "weight": self.cut.kernel, "output": self.cut.out}
        self.cells = {name: replace(whole, rows=rows, cols=cols) for name, (rows, cols) in sizes.items()}
        self._place(whole)

    @property
    def is_still(self) -> bool:
        return self.single or self.across > 1 or len(self.outs) == 1

    def _columns(self, cut: Cut) -> tuple[int, int, int]:
        """How many cells wide the input, a kernel and an output are."""
        return cut.plane[1] + sum(cut.pad[2:]), self.size.spread(cut.kernel)[1], cut.out[1]

    def _heights(self, cut: Cut) -> list[tuple[int, int, float]]:
        """How many cells high, how many planes and how far apart, of the input, the kernels and the outputs."""
        kernel = self.size.spread(cut.kernel)[0]
        kernels = len(self.outs) if self.single else len(self.channels)
        rows = cut.plane[0] + sum(cut.pad[:2])
        named = (
            (_LABELLED if self.names_kernels else _CLOSE) if self.single and len(self.outs) > 1 else _BETWEEN
        )
        return [
            (rows, len(self.channels), _BETWEEN),
            (kernel, kernels, named),
            (cut.out[0], len(self.outs), _BETWEEN if self.names_kernels else _CLOSE),
        ]

    @property
    def names_kernels(self) -> bool:
        """Whether kernels have their names above them; many in one column have their colours alone."""
        return len(self.outs) > 1 and not (self.single and len(self.outs) >= MOST_OUTPUTS)

    @property
    def _crown(self) -> float:
        """The room for the names of kernels."""
        return 0.36 if self.names_kernels else 0.0

    def _fit(self, cut: Cut, note: float) -> Cells:
        """The largest cells with which everything has its place."""
        high = TOP - HEAD - BOTTOM - note - self._crown
        height = min((high - (count - 1) * gap) / (rows * count) for rows, count, gap in self._heights(cut))
        plane, kernel, out = self._columns(cut)
        width = (RIGHT - LEFT - self._fixed(_GAP)) / (plane + self.across * kernel + self._biased + out)
        texts = self.texts(*(self.tensor(name) for name in ("input", "weight", "output")))
        found = Cells.fit(1, 1, width, height, texts, _LARGEST)
        if not found.text_size:
            return found
        room = max(
            1.25 * found.height, min(found.width, self.tag_width() if found.height >= TAG_CELL else 0.0)
        )
        found = Cells.fit(1, 1, min(width, room), height, texts, _LARGEST) if room < found.width else found
        self.tags = found.height >= TAG_CELL and found.width >= self.tag_width()
        return self.tagged(found) if self.tags else found

    def _fixed(self, gap: float) -> float:
        """The width of all that has no cells."""
        sides = _SIDE * (int(len(self.channels) > 1) + int(len(self.outs) > 1))
        sums = _SUM + gap * _NEAR if self.sums_channels else 0.0
        return sides + (2 + self._biased * _NEAR) * gap + (self.across - 1) * _APART + sums

    @property
    def _biased(self) -> int:
        """How many cells wide the biases are."""
        return 1 if self.size.bias else 0

    def _place(self, whole: Cells) -> None:
        width, height = whole.width, whole.height
        counts = self._columns(self.cut)
        cells = (counts[0] + self.across * counts[1] + self._biased + counts[2]) * width
        spare = RIGHT - LEFT - cells - self._fixed(0.0)
        gap = min(_WIDEST_GAP, spare / (2 + (self.sums_channels + self._biased) * _NEAR))
        used = cells + self._fixed(gap)
        x = -used / 2 + (_SIDE if len(self.channels) > 1 else 0.0)
        self.x_input, x = x + counts[0] * width / 2, x + counts[0] * width + gap
        self.x_kernel = []
        for _ in range(self.across):
            self.x_kernel.append(x + counts[1] * width / 2)
            x += counts[1] * width + _APART
        x += gap - _APART
        if self.sums_channels:
            self.x_sum, x = x + _SUM / 2, x + _SUM + gap * _NEAR
        if self.size.bias:
            self.x_bias, x = x + width / 2, x + width + gap * _NEAR
        self.x_output = x + counts[2] * width / 2
        bottom = BOTTOM + (NOTE if self.is_noted else 0.0)
        self.middle = (TOP - HEAD - self._crown + bottom) / 2
        self._stand(height)

    def _stand(self, height: float) -> None:
        levels = [
            _levels(count, rows * height, gap, self.middle) for rows, count, gap in self._heights(self.cut)
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

    def paths(self, out: int, cell: Place) -> Iterator[Shape | Text | Beam]:
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

    def _through_sum(self, start: Edge, y: float, target: Edge) -> Iterator[Shape | Text | Beam]:
        """From a kernel plane to the sum of its products and on."""
        theme, half = self.look.theme, _SUM_HEIGHT / 2
        end = Edge(self.x_sum - _SUM / 2, y + half, y - half)
        yield self.beam(start, end).sign("Σ", (self.x_kernel[-1] + self._half + end.x) / 2)
        middle = (target.x, (target.top + target.bottom) / 2)
        line = theme.tint(theme.accent, 0.55)
        yield Path([(self.x_sum + _SUM / 2, y), middle], line, 2.0, z_index=-1)

    def results(self, out: int, cell: Place) -> VGroup:
        group = VGroup()
        if not self.sums_channels:
            return group
        for channel in self.rows_of(out):
            index = (*self.size.lead, out, self.in_group(out, channel), *self.size.spatial(cell))
            at, value = (
                (self.x_sum, float(self.inputs[channel].middle[1])),
                self.trace.value("partial", index),
            )
            size = fit(self.text("partial", value), _SUM - 0.16, 0.32, MIN_NUMBER)
            sum_cell = Cells(_SUM, _SUM_HEIGHT, size, 1, 1)
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
        middles = [float(self.inputs[channel].middle[1]) for channel in self.rows_of(out)]
        for above, below in itertools.pairwise(middles):
            if above - below > 2 * _SUM_HEIGHT + 0.5:
                yield self.label("+", (self.x_sum, (above + below) / 2), 0.34, font="sans")


def _always(index: Index, cell: Place) -> Index:
    return index


def _edge(path: np.ndarray, far: bool = False) -> Edge:
    """The left side of what a path goes round, or the right (`far`) one."""
    x = path[:, 0].max() if far else path[:, 0].min()
    return Edge(float(x), float(path[:, 1].max()), float(path[:, 1].min()))


def _levels(count: int, height: float, gap: float, middle: float) -> list[float]:
    """Heights of the middles of `count` planes of one height, evenly spread round a middle."""
    return [middle + (height + gap) * ((count - 1) / 2 - k) for k in range(count)]


class RowsBoard(ConvolutionBoard):
    """One dimension: below every input row the kernel, which travels with the window, and the products.

    Every output stands below the middle of its window.
    """

    def lay_out(self) -> None:
        self.products = len(self.channels) == 1
        whole = self.fitting(self._fit, [(1, limit) for limit in _LONG], [(1, limit) for limit in _LONG_HEAT])
        cut = self.cut
        cols = {
            "input": cut.plane[1],
            "weight": cut.kernel[1],
            "product": cut.kernel[1],
            "output": cut.out[1],
        }
        self.cells = {name: replace(whole, rows=1, cols=count) for name, count in cols.items()}
        self._place(whole)

    def _fit(self, cut: Cut, note: float) -> Cells:
        high = TOP - HEAD - BOTTOM - note - self._gaps()
        texts = self.texts(
            *(self.tensor(name) for name in ("input", "weight", "output")),
            *(["product"] if self.products else []),
        )
        cols = cut.plane[1] + sum(cut.pad[2:])
        return Cells.fit(1, 1, (RIGHT - LEFT - 2 * self._side) / cols, high / self._rows, texts, _LARGEST)

    @property
    def _side(self) -> float:
        """What stands at the ends of rows: names and signs."""
        return 1.35

    @property
    def _rows(self) -> int:
        return (3 if self.products else 2) * len(self.channels) + len(self.outs)

    def _gaps(self) -> float:
        inner = (0.14 if self.products else 0.07) * 2 * len(self.channels)
        return inner + 0.42 * (len(self.channels) - 1) + 0.95 + 0.2 * (len(self.outs) - 1)

    def _place(self, whole: Cells) -> None:
        """Rows from top to bottom: per channel input, kernel, products; then the outputs."""
        high, top, bottom, left, right = whole.height, TOP - HEAD, BOTTOM, *self.cut.pad[2:]
        note = NOTE if self.is_noted else 0.0
        spare = max(0.0, top - bottom - note - self._gaps() - self._rows * high)
        y, inner = top - high / 2 - spare * 0.25, 0.14
        width = (self.cut.plane[1] + left + right) * whole.width
        self.edge, self.right = -width / 2, width / 2
        self.y_kernel, self.y_product = {}, {}
        rows: dict[int, float] = {}
        for channel in self.channels:
            rows[channel] = y
            self.y_kernel[channel] = y = y - high - inner
            if self.products:
                self.y_product[channel] = y = y - high - inner
            y -= high + 0.42
        self.inputs = {c: self.input_plane(c, (0.0, rows[c])) for c in self.channels}
        y += 0.42 - 0.95 - spare * 0.5
        step = (1, self.size.stride[1])
        first, last = self._under((0, 0)), self._under((0, self.cut.out[1] - 1))
        self.outputs = {}
        for number, out in enumerate(self.outs):
            at = ((first + last) / 2, y - number * (high + 0.2))
            self.outputs[out] = self.plane("output", (*self.size.lead, out), at, blank=True, step=step)
        self._label(whole)

    def _under(self, cell: Place) -> float:
        """The middle of the window of an output cell."""
        view = self.inputs[self.channels[0]]
        taps = [at for _, at in self.size.pairs(cell, self.cut.kernel)]
        return float(view.center(taps[0])[0] + view.center(taps[-1])[0]) / 2

    def kernel(self, out: int, cell: Place) -> dict[int, View]:
        return {
            c: self._row("weight", (out, self.in_group(out, c)), self.y_kernel[c], cell)
            for c in self.rows_of(out)
        }

    def _row(self, station: str, lead: tuple[int, ...], y: float, cell: Place) -> View:
        """A row below the taps of a window, spread as they are."""
        return self.plane(station, lead, (self._under(cell), y), step=(1, self.size.dilation[1]))

    def results(self, out: int, cell: Place) -> VGroup:
        if not self.products:
            return VGroup()
        spatial = self.size.spatial(cell)
        rows = [
            self._row(
                "product", (*self.size.lead, out, self.in_group(out, c), *spatial), self.y_product[c], cell
            )
            for c in self.rows_of(out)
        ]
        return VGroup(*rows, *self._signs("=", self.y_product, out, cell))

    def kernel_parts(self, out: int, cell: Place, planes: dict[int, View]) -> VGroup:
        group = VGroup(*planes.values(), *self._signs("×", self.y_kernel, out, cell))
        for channel, view in planes.items():
            right = self._under(cell) + self._half + 0.14
            at = (right, self.y_kernel[channel])
            if len(self.outs) > 1:
                group.add(self.hue(view, out))
                group.add(self.symbol("weight", out, at, self.look.theme.channel(out), align="left"))
            else:
                group.add(self._named("weight", at, "left"))
        return group

    @property
    def _half(self) -> float:
        """Half the width of a kernel row, holes included."""
        return self.size.spread(self.cut.kernel)[1] * self.cells["weight"].width / 2

    def _signs(self, sign: str, rows: dict[int, float], out: int, cell: Place) -> Iterator[Text]:
        left = self._under(cell) - self._half - 0.2
        return (self.label(sign, (left, rows[c]), 0.3) for c in self.rows_of(out))

    def paths(self, out: int, cell: Place) -> Iterator[Shape | Text | Beam]:
        view = self.outputs[out]
        if not view.shows(cell):
            return
        box = view.outline(cell, cell, 0.0)
        end = float(box[:, 1].max()), float(box[:, 0].min()), float(box[:, 0].max())
        last = self.rows_of(out)[-1]
        y = (self.y_product if self.products else self.y_kernel)[last] - self.cells["weight"].height / 2
        middle = self._under(cell)
        yield from self.fall((y, middle - self._half, middle + self._half), end)
        # In the lane above the first row, whichever row it leads to.
        ceiling = float(self.outputs[self.outs[0]].outline((0, 0), (0, 0), 0.0)[:, 1].max())
        room = min(y - ceiling, self._half + self.cells["output"].width / 2)
        if room > _SIGN_ROOM:
            yield self.label("Σ", (middle, (y + ceiling) / 2), SIGN, font="sans")

    def _named(self, station: str, at: Point, align: str) -> VGroup:
        return self.title(self.tensor(station), (at[0], at[1] - 0.085), shape=False, align=align)  # type: ignore[arg-type]

    def _label(self, whole: Cells) -> None:
        theme, add = self.look.theme, self.scenery.add
        for views, station in ((self.inputs, "input"), (self.outputs, "output")):
            if station == "input":
                first = next(iter(views.values()))
                top = float(first.center((0, 0))[1]) + whole.height / 2 + 0.16
                add(self.heading(station, (self.edge, top), self.right - self.edge + 1.2, align="left"))
        first_out = self.outputs[self.outs[0]]
        left = float(first_out.outline((0, 0), (0, 0))[:, 0].min())
        if len(self.channels) > 1:
            add(
                *(
                    self.symbol("input", c, (self.edge - 0.16, v.middle[1]), align="right")
                    for c, v in self.inputs.items()
                )
            )
        if len(self.outs) > 1:
            right = self._output_right() + 0.2
            for out, view in self.outputs.items():
                y = float(view.middle[1])
                add(
                    self.backing((right + 0.16, y)),
                    self.symbol("output", out, (right, y), theme.channel(out), align="left"),
                )
        named = first_out
        if self._under((0, self.cut.out[1] - 1)) + self._half > self._output_right() + 0.7:
            named = self.outputs[
                self.outs[-1]
            ]  # what leads from a long kernel to lower rows would run through it
        add(self._output_name(left, float(named.middle[1])))
        for view in self.inputs.values():
            ticks = self.starts(view)
            add(*([ticks] if ticks else []))
        for out, view in self.outputs.items() if self.size.bias else []:
            add(*self._bias(out, float(view.middle[1]), left))
        if self.cut.plane != self.size.plane:
            add(*(self.label("…", (self.right + 0.2, view.middle[1])) for view in self.inputs.values()))

    def _output_right(self) -> float:
        view = self.outputs[self.outs[0]]
        end = (0, self.cut.out[1] - 1)
        return float(view.outline(end, end)[:, 0].max())

    def _output_name(self, left: float, y: float) -> VGroup:
        """The output's name and shape, at the right of the first row or, below a row of names, at its left."""
        right = self._output_right() + (0.75 if len(self.outs) > 1 else 0.16)
        return self.heading_at("output", (right, y - 0.085), RIGHT - right)

    def heading_at(self, station: str, at: Point, room: float) -> VGroup:
        """A heading that begins at a place."""
        return self.heading(station, at, room, align="left")

    def _bias(self, out: int, y: float, left: float) -> Sequence[object]:
        width = self.cells["output"].width
        at = (left - 0.5 - width / 2, y)
        name_at = (at[0] - width / 2 - 0.12, y)
        name: object
        if len(self.outs) > 1:
            name = self.symbol("bias", out, name_at, align="right")
        else:
            name = self._named("bias", name_at, "right")
        sign = (left - 0.25, y)
        return [self.bias_cell(out, at), self.backing(sign), self.label("+", sign, 0.3), name]
