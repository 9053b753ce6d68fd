"""What stands on the stage of a convolution clip, whatever the layout: planes, kernels, products, sums and windows.

`scenes.convolution_layouts` decides where. Large calls show the first channels and say how many are left out.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.convolution_trace import padding_sides
from torchreel.scenes.formula import Index
from torchreel.scenes.parts.grid import Cell, Cells, Grid
from torchreel.scenes.parts.look import MIN_TEXT, Look
from torchreel.scenes.parts.motion import Appear, Fly, Morph
from torchreel.scenes.parts.number import Number
from torchreel.scenes.parts.shapes import Box, Disc, Path, Point, Shape
from torchreel.scenes.parts.text import Text, measure
from torchreel.scenes.trace import Trace

MOST_CHANNELS = 3
MOST_OUTPUTS = 4
SUM_WIDTH, BIAS_HEIGHT, NODE = 1.0, 0.46, 0.26


@dataclass(frozen=True)
class Geometry:
    """Sizes of one call, with one-dimensional planes as a single row; `pad` is (top, bottom, left, right)."""

    dims: int
    lead: tuple[int, ...]
    channels: int
    outs: int
    per_group: int
    plane: Cell
    out: Cell
    kernel: Cell
    stride: Cell
    dilation: Cell
    pad: tuple[int, int, int, int]
    pad_mode: str
    bias: bool

    @classmethod
    def of(cls, trace: Trace) -> Geometry:
        module: Any = trace.module
        dims = len(module.kernel_size)
        sides = [(0, 0)] * (2 - dims) + padding_sides(module)
        shape, out = trace.shape("input"), trace.shape("output")
        return cls(
            dims,
            (0,) * (len(shape) - dims - 1),
            shape[-dims - 1],
            out[-dims - 1],
            trace.shape("weight")[1],
            _plane(shape[-dims:]),
            _plane(out[-dims:]),
            _plane(module.kernel_size),
            _plane(module.stride),
            _plane(module.dilation),
            (*sides[0], *sides[1]),
            module.padding_mode,
            module.bias is not None,
        )

    def group_channels(self, out: int) -> list[int]:
        """The input channels that output channel `out` reads."""
        group = out // (self.outs // (self.channels // self.per_group))
        return list(range(group * self.per_group, (group + 1) * self.per_group))

    def spatial(self, cell: Cell) -> Index:
        """A plane's cell as torch's trailing indices."""
        return cell[2 - self.dims :]

    def taps(self, cell: Cell) -> list[Cell]:
        """The input cells under the window of an output cell; those outside the input are padding."""
        top, _, left, _ = self.pad
        first = cell[0] * self.stride[0] - top, cell[1] * self.stride[1] - left
        rows, cols = self.kernel
        return [
            (first[0] + u * self.dilation[0], first[1] + v * self.dilation[1])
            for u in range(rows)
            for v in range(cols)
        ]


def _plane(sizes: Sequence[int]) -> Cell:
    return (1, sizes[0]) if len(sizes) == 1 else (sizes[0], sizes[1])


class Board(ABC):
    """All objects of the clip. A layout says where they stand (`sum_at`, `node`) and builds the planes."""

    inputs: dict[int, Grid]
    outputs: dict[int, Grid]
    cells: dict[str, Cells]
    node: Point
    sum_height = 0.46

    def __init__(self, look: Look, trace: Trace) -> None:
        self.look, self.trace = look, trace
        self.size = Geometry.of(trace)
        self.channels = list(range(min(self.size.channels, MOST_CHANNELS)))
        self.outs = list(range(min(self.size.outs, MOST_OUTPUTS)))
        self.sums_channels = "partial" in trace.tensors
        self.lay_out()
        self.windows = {c: self._window(self.inputs[c]) for c in self.channels}
        self.out_window = self._frame(self.outputs[0].outline((0, 0), (0, 0), 0.02))

    @abstractmethod
    def lay_out(self) -> None:
        """Set `inputs`, `outputs`, `cells` and `node`."""

    @abstractmethod
    def kernels(self, out: int) -> dict[int, Grid]:
        """The kernel planes of one output channel, by the input channel each reads."""

    @abstractmethod
    def products(self, out: int, cell: Cell) -> dict[int, Grid]:
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

    def kernel_moves(self, kernels: dict[int, Grid], cell: Cell) -> list[Animation]:
        """Kernels that travel with the window; in most layouts they stay."""
        return []

    def rows_of(self, out: int) -> list[int]:
        """The shown input channels that an output channel reads."""
        return [c for c in self.size.group_channels(out) if c in self.channels]

    def in_group(self, out: int, channel: int) -> int:
        """The position of an input channel among those that `out` reads."""
        return channel - self.size.group_channels(out)[0]

    def sums(self, out: int, cell: Cell) -> VGroup:
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
        return VGroup(box, self._number("partial", index, at))

    def _number(self, tensor: str, index: Index, at: Point) -> Number:
        value, known = self.trace.value(tensor, index), self.trace.range(tensor)
        text = self.look.number(value, known.integer, known.scale)
        size = min(0.24, 0.86 / max(measure(text, 1.0, "mono"), 0.1))
        number = Number(text, tensor, index, value, max(size, MIN_TEXT), self.look.theme.text)
        number.place(at)
        return number

    def node_sign(self) -> list[Shape | Text]:
        """The circle in which everything is added up."""
        theme = self.look.theme
        return [
            Disc(NODE, self.node, fill=theme.background, stroke=theme.text, stroke_width=2),
            Text("Σ", 0.28, theme.text, "mono").place(self.node),
        ]

    def bias(self, out: int, at: Point) -> list[Any]:
        """The bias of an output channel in its box at `at`, wired to the sum."""
        if not self.size.bias:
            return []
        theme = self.look.theme
        label = Text(f"bias[{out}]", MIN_TEXT, theme.muted, "mono")
        outward = 0.4 if at[1] > self.node[1] else -0.4
        return [
            Path([at, self.node], theme.wire),
            Box(0.9, BIAS_HEIGHT, at, 0.08, fill=theme.background, stroke=theme.wire, stroke_width=2),
            self._number("bias", (out,), at),
            label.place((at[0], at[1] + outward)),
        ]

    def shape(self, name: str) -> str:
        """A tensor's name and shape as a label."""
        return f"{name} {self.trace.shape(name)}"

    def input_plane(self, channel: int, at: Point) -> Grid:
        """An input plane with its padding ring, in the cells the layout chose."""
        cells, pad = self.cells["input"], self.size.pad
        if (cells.rows, cells.cols) != self.size.plane:
            pad = (pad[0], 0, pad[2], 0)
        text = "0" if self.size.pad_mode == "zeros" else ""
        return Grid(
            self.look, self.trace, "input", (*self.size.lead, channel), cells, at, pad=pad, pad_text=text
        )

    def output_plane(self, out: int, at: Point) -> Grid:
        """An output plane, still empty."""
        return Grid(
            self.look, self.trace, "output", (*self.size.lead, out), self.cells["output"], at, blank=True
        )

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
        return [
            Text(f"… +{total - shown}", MIN_TEXT, self.look.theme.muted, "mono").place(
                at, vertical="baseline"
            )
        ]

    def _window(self, grid: Grid) -> Shape:
        return self._frame(self.window_path(grid, (0, 0)))

    def _frame(self, path: np.ndarray) -> Shape:
        return Shape(path, stroke=self.look.theme.accent, stroke_width=5, z_index=2)

    def window_path(self, grid: Grid, cell: Cell) -> np.ndarray:
        """The window's outline over an input plane: one frame, or one round each tap where dilation spreads them."""
        taps = self.size.taps(cell)
        if self.size.dilation == (1, 1) or len(taps) == 1:
            return grid.outline(taps[0], taps[-1], 0.02)
        return np.concatenate([grid.outline(tap, tap, -0.03) for tap in taps])

    def slide(self, out: int, cell: Cell, quick: float | None = None) -> list[Animation]:
        """The windows move to where an output cell reads, and the output's frame to where it is written."""
        moves: list[Animation] = [
            Morph(self.windows[c], self.window_path(self.inputs[c], cell), quick=quick)
            for c in self.rows_of(out)
        ]
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

    def _border(self, mode: str, grid: Grid, channel: int) -> list[Number]:
        top, bottom, left, right = grid.pad
        rows, cols = grid.shape
        numbers = []
        for i in range(-top, rows + bottom):
            for j in range(-left, cols + right):
                if not grid.shows((i, j)) and grid.cells.text_size:
                    numbers.append(self._copied(mode, grid, channel, (i, j)))
        return numbers

    def _copied(self, mode: str, grid: Grid, channel: int, cell: Cell) -> Number:
        top, _, left, _ = self.size.pad
        index = (*self.size.lead, channel, *self.size.spatial((cell[0] + top, cell[1] + left)))
        value, known = self.trace.value(mode, index), self.trace.range("input")
        text = self.look.number(value, known.integer, known.scale)
        number = Number(text, mode, index, value, grid.cells.text_size, self.look.theme.accent)
        number.place(grid.center(cell))
        source = next(iter(self.trace.step(mode, index).reads), None)
        number.source = grid.center(cell) if source is None else grid.center(self._plane_cell(source[1]))
        return number

    def _plane_cell(self, index: Index) -> Cell:
        return (0, index[-1]) if self.size.dims == 1 else (index[-2], index[-1])
