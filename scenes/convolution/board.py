"""What stands on the stage of a convolution clip, whatever the layout: planes, kernels, products, sums and windows.

The layouts decide where. Large calls show the first channels and say how many are left out.
"""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from manim import Animation, Mobject, VGroup

from torchreel.scenes.convolution.geometry import ConvolutionGeometry
from torchreel.scenes.convolution.trace import Names
from torchreel.scenes.parts.grid import Cells
from torchreel.scenes.parts.look import MIN_TEXT, Look
from torchreel.scenes.parts.motion import Appear, Fly, Morph
from torchreel.scenes.parts.number import Number
from torchreel.scenes.parts.shapes import Box, Disc, Path, Point, Shape
from torchreel.scenes.parts.text import Text, fit
from torchreel.scenes.parts.views import Place, View
from torchreel.scenes.stage.board import Board
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

_OWN = Names()
MOST_CHANNELS = 3
MOST_OUTPUTS = 4
SUM_WIDTH, BIAS_HEIGHT, NODE = 1.0, 0.46, 0.26
_SUM_TEXT, _SUM_ROOM = 0.24, 0.86


class ConvolutionBoard(Board, ABC):
    """All objects of the clip. A layout says where they stand (`sum_at`, `node`) and builds the planes."""

    inputs: dict[int, View]
    outputs: dict[int, View]
    cells: dict[str, Cells]
    node: Point
    sum_height = 0.46

    def __init__(self, look: Look, trace: Trace, module: Any = None, names: Names = _OWN) -> None:
        super().__init__(look, trace)
        self.names = names
        self.size = ConvolutionGeometry.of(trace, module or trace.module, names)
        self.channels = list(range(min(self.size.channels, MOST_CHANNELS)))
        self.outs = list(range(min(self.size.outs, MOST_OUTPUTS)))
        self.sums_channels = "partial" in trace.tensors
        self.lay_out()
        self.windows = {c: self.window(self.inputs[c]) for c in self.channels}
        start = (0,) * len(self.size.out)
        self.out_window = self.frame(self.outputs[0].outline(start, start, 0.02))

    def tensor(self, station: str) -> str:
        """The trace's name of what stands at a station (`input`, `weight`, `product`, `output`)."""
        return getattr(self.names, station, station)

    @abstractmethod
    def lay_out(self) -> None:
        """Set `inputs`, `outputs`, `cells` and `node`."""

    @abstractmethod
    def kernels(self, out: int) -> dict[int, View]:
        """The kernel planes of one output channel, by the input channel each reads."""

    @abstractmethod
    def products(self, out: int, cell: Place) -> dict[int, View]:
        """The products of one window, by input channel."""

    @abstractmethod
    def sum_at(self, channel: int) -> Point:
        """Where a channel's sum stands."""

    @abstractmethod
    def wiring(self, out: int) -> VGroup:
        """Signs and lines from the planes that an output reads to the output's own plane."""

    @abstractmethod
    def labels(self) -> VGroup:
        """Names and shapes of tensors, channel numbers, and what is left out."""

    def kernel_moves(self, kernels: dict[int, View], cell: Place) -> list[Animation]:
        """Kernels that travel with the window; in most layouts they stay."""
        return []

    def rows_of(self, out: int) -> list[int]:
        """The shown input channels that an output channel reads."""
        return [c for c in self.size.group_channels(out) if c in self.channels]

    def in_group(self, out: int, channel: int) -> int:
        """The position of an input channel among those that `out` reads."""
        return channel - self.size.group_channels(out)[0]

    def sums(self, out: int, cell: Place) -> VGroup:
        """The channel sums of one output element in their boxes; nothing where there is only one channel to sum."""
        if not self.sums_channels:
            return VGroup()
        spatial = self.size.spatial(cell)
        return VGroup(
            *(
                self._sum(c, (*self.size.lead, out, self.in_group(out, c), *spatial))
                for c in self.rows_of(out)
            )
        )

    def _sum(self, channel: int, index: Index) -> VGroup:
        theme, at = self.look.theme, self.sum_at(channel)
        box = Box(
            SUM_WIDTH,
            self.sum_height,
            at,
            0.08,
            fill=theme.tint(theme.accent, 0.1),
            stroke=theme.accent,
            stroke_width=2,
        )
        return VGroup(box, self._boxed("partial", index, at))

    def _boxed(self, tensor: str, index: Index, at: Point) -> Text:
        """An element in the box of a sum or a bias."""
        value = self.trace.value(tensor, index)
        size = fit(self.text(tensor, value), _SUM_ROOM, _SUM_TEXT, MIN_TEXT, "mono")
        return self.number(tensor, index, size, value=value).place(at)

    def node_sign(self) -> list[Shape | Text]:
        """The circle in which everything is added up."""
        theme = self.look.theme
        return [
            Disc(NODE, self.node, fill=theme.background, stroke=theme.text, stroke_width=2),
            self.label("Σ", self.node, 0.28, theme.text),
        ]

    def bias(self, out: int, at: Point) -> list[Any]:
        """The bias of an output channel in its box at `at`, wired to the sum."""
        if not self.size.bias:
            return []
        theme = self.look.theme
        outward = 0.4 if at[1] > self.node[1] else -0.4
        return [
            Path([at, self.node], theme.wire),
            Box(0.9, BIAS_HEIGHT, at, 0.08, fill=theme.background, stroke=theme.wire, stroke_width=2),
            self._boxed("bias", (out,), at),
            self.label(f"bias[{out}]", (at[0], at[1] + outward), MIN_TEXT),
        ]

    def title(self, name: str) -> str:
        """A station's name and shape as a label; whatever a result is called in the trace, it is the output."""
        tensor = self.tensor(name)
        return f"output {self.trace.shape(tensor)}" if name == "output" else self.shape(tensor)

    def input_plane(self, channel: int, at: Point) -> View:
        """An input plane with its padding ring, in the cells the layout chose."""
        text = "0" if self.size.pad_mode == "zeros" else ""
        return self.plane("input", (*self.size.lead, channel), at, pad=self._ring(), pad_text=text)

    def output_plane(self, out: int, at: Point) -> View:
        """An output plane, still empty."""
        return self.plane("output", (*self.size.lead, out), at, blank=True)

    def plane(self, name: str, lead: Index, at: Point, **style: Any) -> View:
        """One plane of a station's tensor round `at`."""
        return self.grid(self.tensor(name), lead, self.cells[name], at, **style)

    def _ring(self) -> tuple[int, ...]:
        """The padding that is drawn: where a plane is cut, nothing stands at its far sides."""
        cells, pad = self.cells["input"], self.size.pad
        return pad if (cells.rows, cells.cols) == self.size.plane else (pad[0], 0, pad[2], 0)

    def fit_input(self, width: float, height: float, texts: Sequence[str]) -> Cells:
        """Cells of an input plane, with room for its padding ring."""
        top, bottom, left, right = self.size.pad
        rows, cols = self.size.plane[0] + top + bottom, self.size.plane[1] + left + right
        fitted = Cells.fit(rows, cols, width, height, texts)
        shown = max(1, fitted.rows - top - bottom), max(1, fitted.cols - left - right)
        return Cells(fitted.width, fitted.height, fitted.text_size, *shown)

    def left_out(self, name: str, at: Point) -> list[Text]:
        """How many channels of a tensor are not shown."""
        shown, total = (
            (len(self.channels), self.size.channels) if name == "input" else (len(self.outs), self.size.outs)
        )
        if shown == total:
            return []
        return [self.label(f"… +{total - shown}", at, MIN_TEXT, vertical="baseline")]

    def window(self, plane: View) -> Mobject:
        """A window over an input plane, at the first output cell."""
        return self.frame(self.window_path(plane, (0, 0)))

    def window_moves(self, channel: int, cell: Place, quick: float | None) -> list[Animation]:
        """A channel's window goes to where an output cell reads."""
        return [Morph(self.windows[channel], self.window_path(self.inputs[channel], cell), quick=quick)]

    def window_path(self, grid: View, cell: Place) -> np.ndarray:
        """The window's outline over an input plane: one frame, or one round each tap where dilation spreads them."""
        taps = self.size.taps(cell)
        if self.size.dilation == (1, 1) or len(taps) == 1:
            return grid.outline(taps[0], taps[-1], 0.02)
        return np.concatenate([grid.outline(tap, tap, -0.03) for tap in taps])

    def slide(self, out: int, cell: Place, quick: float | None = None) -> list[Animation]:
        """The windows move to where an output cell reads, and the output's frame to where it is written."""
        moves = [move for c in self.rows_of(out) for move in self.window_moves(c, cell, quick)]
        if self.outputs[out].shows(cell):
            moves.append(Morph(self.out_window, self.outputs[out].outline(cell, cell, 0.02), quick=quick))
        return moves

    def open_windows(self, out: int) -> list[Animation]:
        """The windows of the channels that an output reads come into sight."""
        return [Appear(self.windows[c]) for c in self.rows_of(out)]

    def border(self, mode: str) -> list[Number]:
        """The values that `padding_mode` copies to the ring, each with where it comes from as `source`."""
        return [number for c in self.channels for number in self._border(mode, self.inputs[c], c)]

    def copies(self, numbers: Sequence[Number]) -> list[Animation]:
        """Border values fly from the cells they copy."""
        return [Fly(number, start=number.source) for number in numbers]

    def _border(self, mode: str, plane: View, channel: int) -> list[Number]:
        if not plane.cells.text_size:
            return []
        sides = zip(plane.pad[::2], plane.shape, plane.pad[1::2], strict=True)
        places = itertools.product(*(range(-before, size + after) for before, size, after in sides))
        return [self._copied(mode, plane, channel, at) for at in places if not plane.shows(at)]

    def _copied(self, mode: str, plane: View, channel: int, cell: Place) -> Number:
        padded = tuple(at + before for at, before in zip(cell, self.size.pad[::2], strict=True))
        index = (*self.size.lead, channel, *self.size.spatial(padded))
        value, size = self.trace.value(mode, index), plane.cells.text_size
        text = self.text(self.names.input, value)
        number = self.number(mode, index, size, self.look.theme.accent, text=text, value=value)
        number.place(plane.center(cell))
        source = next(iter(self.trace.step(mode, index).reads), None)
        at = cell if source is None else ((0,) * (2 - self.size.dims) + source[1][-self.size.dims :])
        number.source = plane.center(at)
        return number
