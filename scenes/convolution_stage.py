"""Where everything stands in a convolution clip: input planes, kernels, products, channel sums, output planes.

One row per input channel, left to right: input plane, kernel plane, product plane, channel sum; then the sum over
channels and the output planes. Large calls show the first channels and say how many are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.convolution_trace import padding_sides
from torchreel.scenes.parts import bars
from torchreel.scenes.parts.grid import Cell, Cells, Grid, drawn_texts
from torchreel.scenes.parts.look import MIN_TEXT, Look
from torchreel.scenes.parts.motion import Appear, Morph
from torchreel.scenes.parts.number import Number
from torchreel.scenes.parts.shapes import Box, Disc, Path, Shape
from torchreel.scenes.parts.text import Text, measure
from torchreel.scenes.trace import Trace

_TOP, _BOTTOM = bars.STAGE_TOP - 0.62, bars.STAGE_BOTTOM + 0.2
_MIDDLE = (_TOP + _BOTTOM) / 2
_HEIGHT = _TOP - _BOTTOM
_LEFT, _RIGHT = -bars.EDGE + bars.MARGIN, bars.EDGE - bars.MARGIN
_GAP = 0.22
_MOST_CHANNELS = 3
_MOST_OUTPUTS = 3


@dataclass(frozen=True)
class Geometry:
    """Sizes of one call, with one-dimensional planes as a single row."""

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

    def spatial(self, cell: Cell) -> tuple[int, ...]:
        """A plane's cell as torch's trailing indices."""
        return cell[2 - self.dims :]

    def taps(self, cell: Cell) -> list[Cell]:
        """The input cells under the window of an output cell; those outside the input are padding."""
        top, _, left, _ = self.pad
        rows, cols = self.kernel
        return [
            (
                cell[0] * self.stride[0] - top + u * self.dilation[0],
                cell[1] * self.stride[1] - left + v * self.dilation[1],
            )
            for u in range(rows)
            for v in range(cols)
        ]


def _plane(sizes: Sequence[int]) -> Cell:
    return (1, sizes[0]) if len(sizes) == 1 else (sizes[0], sizes[1])


class ConvolutionStage:
    """All objects of the clip, and the windows that move over them."""

    def __init__(self, look: Look, trace: Trace) -> None:
        self.look, self.trace = look, trace
        self.middle = _MIDDLE
        self.size = Geometry.of(trace)
        self.channels = list(range(min(self.size.channels, _MOST_CHANNELS)))
        self.outs = list(range(min(self.size.outs, _MOST_OUTPUTS)))
        self._lay_out()
        self.inputs = {c: self._input(c) for c in self.channels}
        self.outputs = {o: self._output(o) for o in self.outs}
        self.labels = self._labels()
        self.windows = {c: self._window(self.inputs[c], (0, 0)) for c in self.channels}
        self.out_window = self._frame(self.outputs[0], (0, 0))

    def rows_of(self, out: int) -> list[int]:
        """The shown input channels that an output channel reads."""
        return [c for c in self.size.group_channels(out) if c in self.inputs]

    def _lay_out(self) -> None:
        """Widths of the columns: input, kernel, products and output share the stage by their numbers of columns."""
        size = self.size
        top, bottom, left, right = size.pad
        in_rows, in_cols = size.plane[0] + top + bottom, size.plane[1] + left + right
        row_height = (_HEIGHT - _GAP * (len(self.channels) - 1)) / len(self.channels)
        texts = {
            name: drawn_texts(self.look, self.trace, name)
            for name in ("input", "weight", "product", "output")
        }
        room = _RIGHT - _LEFT - 0.55 - 2 * 0.62 - 2.35
        shares = np.array([in_cols, size.kernel[1], size.kernel[1], size.out[1] + 0.8], dtype=float)
        widths = room * np.clip(shares / shares.sum(), 0.14, 0.5)
        widths *= room / widths.sum()
        self.cells = {
            "input": self._fit(in_rows, in_cols, widths[0], row_height, texts["input"]),
            "weight": Cells.fit(*size.kernel, widths[1], row_height, texts["weight"], 0.68),
            "product": Cells.fit(*size.kernel, widths[2], row_height, texts["product"], 0.68),
        }
        out_height = (_HEIGHT - _GAP * (len(self.outs) - 1)) / len(self.outs)
        self.cells["output"] = Cells.fit(*size.out, widths[3] - 0.5, out_height, texts["output"], 0.8)
        self._place_columns()
        self.y = {
            c: _MIDDLE - (k - (len(self.channels) - 1) / 2) * self._pitch("input")
            for k, c in enumerate(self.channels)
        }

    def _fit(self, rows: int, cols: int, width: float, height: float, texts: Sequence[str]) -> Cells:
        top, bottom, left, right = self.size.pad
        fitted = Cells.fit(rows, cols, width, height, texts, 0.72)
        shown_rows, shown_cols = max(1, fitted.rows - top - bottom), max(1, fitted.cols - left - right)
        return Cells(fitted.width, fitted.height, fitted.text_size, shown_rows, shown_cols)

    def _pitch(self, name: str) -> float:
        top, bottom, _, _ = self.size.pad if name == "input" else (0, 0, 0, 0)
        cells = self.cells[name]
        count = len(self.channels if name == "input" else self.outs)
        height = (cells.rows + top + bottom) * cells.height
        return min(height + 0.5, (_HEIGHT - height) / max(1, count - 1)) if count > 1 else 0.0

    def _place_columns(self) -> None:
        _, _, left, right = self.size.pad
        widths = [
            self.cells[name].cols * self.cells[name].width
            for name in ("input", "weight", "product", "output")
        ]
        widths[0] += (left + right) * self.cells["input"].width
        fixed = sum(widths) + 0.45 + 0.35 + 1.0 + 0.6
        gap = max(0.3, (_RIGHT - _LEFT - fixed) / 6)
        x = _LEFT + 0.45
        self.x: dict[str, float] = {}
        for name, width, after in zip(
            ("input", "weight", "product", "partial", "sum", "output"),
            (widths[0], widths[1], widths[2], 1.0, 0.6, widths[3]),
            (gap * 1.1, gap * 1.1, gap * 0.9, gap, gap, 0.0),
            strict=True,
        ):
            self.x[name] = x + width / 2
            x += width + after

    def _input(self, channel: int) -> Grid:
        top, bottom, left, right = self.size.pad
        cells = self.cells["input"]
        whole = (cells.rows, cells.cols) == self.size.plane
        pad = self.size.pad if whole else (top, 0, left, 0)
        return Grid(
            self.look, self.trace, "input", (*self.size.lead, channel), cells, (self.x["input"], self.y[channel]), pad=pad,
            pad_text="0" if self.size.pad_mode == "zeros" else "",
        )  # fmt: skip

    def _output(self, out: int) -> Grid:
        y = _MIDDLE - (out - (len(self.outs) - 1) / 2) * self._pitch("output")
        return Grid(
            self.look, self.trace, "output", (*self.size.lead, out), self.cells["output"], (self.x["output"], y),
            blank=True,
        )  # fmt: skip

    def kernels(self, out: int) -> dict[int, Grid]:
        """The kernel planes of one output channel, each on the row of the input channel it reads."""
        first = self.size.group_channels(out)[0]
        return {
            c: Grid(
                self.look,
                self.trace,
                "weight",
                (out, c - first),
                self.cells["weight"],
                (self.x["weight"], self.y[c]),
            )
            for c in self.rows_of(out)
        }

    def products(self, out: int, cell: Cell) -> dict[int, Grid]:
        """The products of one window, plane by plane."""
        first = self.size.group_channels(out)[0]
        spatial = self.size.spatial(cell)
        return {
            c: Grid(
                self.look, self.trace, "product", (*self.size.lead, out, c - first, *spatial), self.cells["product"],
                (self.x["product"], self.y[c]), plain=False,
            )
            for c in self.rows_of(out)
        }  # fmt: skip

    def sums(self, out: int, cell: Cell) -> dict[int, VGroup]:
        """The channel sums of one output element in their boxes."""
        first = self.size.group_channels(out)[0]
        return {
            c: self._sum_box(c, (*self.size.lead, out, c - first, *self.size.spatial(cell)))
            for c in self.rows_of(out)
        }

    def _sum_box(self, channel: int, index: tuple[int, ...]) -> VGroup:
        theme = self.look.theme
        value = self.trace.value("partial", index)
        text = self.look.number(value, value == int(value) if abs(value) < 1e9 else False)
        at = (self.x["partial"], self.y[channel])
        size = min(0.24, 0.86 / max(measure(text, 1.0, "mono"), 0.1))
        return VGroup(
            Box(1.0, 0.46, at, 0.08, fill=theme.tint(theme.accent, 0.1), stroke=theme.accent, stroke_width=2),
            Number(text, "partial", index, value, max(size, MIN_TEXT), theme.text).place(at),
        )

    def wiring(self, out: int) -> VGroup:
        """From the products of the channels an output reads to their sum, and on to its plane."""
        theme = self.look.theme
        group = VGroup()
        node_x, out_y = self.x["sum"], self.outputs[out].middle[1]
        for c in self.rows_of(out):
            y = self.y[c]
            half = self.cells["product"].cols * self.cells["product"].width / 2
            group.add(Path([(self.x["product"] + half + 0.08, y), (self.x["partial"] - 0.5, y)], theme.wire))
            group.add(Path([(self.x["partial"] + 0.5, y), (node_x, _MIDDLE)], theme.wire))
        out_half = self.cells["output"].cols * self.cells["output"].width / 2
        group.add(Path([(node_x, _MIDDLE), (self.x["output"] - out_half - 0.08, out_y)], theme.wire))
        group.add(Disc(0.26, (node_x, _MIDDLE), fill=theme.background, stroke=theme.text, stroke_width=2))
        group.add(Text("Σ", 0.28, theme.text, "mono").place((node_x, _MIDDLE)))
        if self.size.bias:
            group.add(*self._bias(out))
        return group

    def _bias(self, out: int) -> list[Any]:
        theme = self.look.theme
        value = self.trace.value("bias", (out,))
        at = (self.x["sum"], _MIDDLE - 1.25)
        text = self.look.number(value, value == int(value))
        return [
            Path([(at[0], at[1] + 0.23), (at[0], _MIDDLE - 0.26)], theme.wire),
            Box(0.9, 0.46, at, 0.08, fill=theme.background, stroke=theme.wire, stroke_width=2),
            Number(text, "bias", (out,), value, 0.22, theme.text).place(at),
            Text(f"bias[{out}]", MIN_TEXT, theme.muted, "mono").place((at[0], at[1] - 0.42)),
        ]

    def signs(self, out: int) -> VGroup:
        """Times between input and kernel, equals between kernel and products."""
        theme = self.look.theme
        group = VGroup()
        for c in self.rows_of(out):
            for sign, left, right in (("×", "input", "weight"), ("=", "weight", "product")):
                edge = self._edge(left, 1), self._edge(right, -1)
                group.add(Text(sign, 0.32, theme.muted, "mono").place((sum(edge) / 2, self.y[c])))
        return group

    def _edge(self, name: str, side: int) -> float:
        cells = self.cells[name]
        pad = (self.size.pad[2] + self.size.pad[3]) if name == "input" else 0
        return self.x[name] + side * (cells.cols + pad) * cells.width / 2

    def _labels(self) -> VGroup:
        """Names and shapes above the columns, channel numbers beside the planes, and what is left out."""
        theme, top_in, top_out = self.look.theme, self.inputs[0], self.outputs[0]
        labels = VGroup(
            top_in.caption(f"input {self._shape('input')}"),
            top_out.caption(f"output {self._shape('output')}"),
        )
        for c in self.channels:
            labels.add(self.inputs[c].side_label(f"c={c}", -1, theme.channel(c), 0.2))
        for o in self.outs:
            labels.add(self.outputs[o].side_label(f"o={o}", 1, theme.channel(o), 0.2))
        labels.add(*self._left_out())
        return labels

    def _left_out(self) -> list[Text]:
        theme = self.look.theme
        notes = []
        for name, shown, total in (
            ("input", len(self.channels), self.size.channels),
            ("output", len(self.outs), self.size.outs),
        ):
            if shown < total:
                at = (self.x[name], _BOTTOM - 0.12)
                notes.append(
                    Text(f"… +{total - shown}", MIN_TEXT, theme.muted, "mono").place(at, vertical="baseline")
                )
        return notes

    def _shape(self, name: str) -> str:
        return str(self.trace.shape(name)).replace(",)", ")")

    def kernel_label(self, out: int) -> Text:
        """The name and shape of the kernel in use, above its first plane."""
        shape = self.trace.shape("weight")[1:]
        top = max(self.kernels(out).values(), key=lambda grid: grid.middle[1])
        return top.caption(f"weight[{out}]", color=self.look.theme.accent) if shape else Text("")

    def _window(self, grid: Grid, cell: Cell) -> Shape:
        accent = self.look.theme.accent
        return Shape(self.window_path(grid, cell), stroke=accent, stroke_width=5, z_index=2)

    def window_path(self, grid: Grid, cell: Cell) -> np.ndarray:
        """The window's outline over an input plane: one frame, or one round each tap where dilation spreads them."""
        taps = self.size.taps(cell)
        if self.size.dilation == (1, 1) or len(taps) == 1:
            return grid.outline(taps[0], taps[-1], 0.02)
        return np.concatenate([grid.outline(tap, tap, -0.03) for tap in taps])

    def _frame(self, grid: Grid, cell: Cell) -> Shape:
        return Shape(grid.outline(cell, cell, 0.02), stroke=self.look.theme.accent, stroke_width=5, z_index=2)

    def slide(self, out: int, cell: Cell) -> list[Animation]:
        """The windows move to where an output cell reads, and the output's frame to where it is written."""
        moves: list[Animation] = [
            Morph(self.windows[c], self.window_path(self.inputs[c], cell)) for c in self.rows_of(out)
        ]
        if self.outputs[out].shows(cell):
            moves.append(Morph(self.out_window, self.outputs[out].outline(cell, cell, 0.02)))
        return moves

    def open_windows(self, out: int) -> list[Animation]:
        """The windows of the channels that an output reads come into sight."""
        return [Appear(self.windows[c]) for c in self.rows_of(out)]
