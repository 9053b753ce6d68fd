"""Where a convolution's objects stand: planes side by side for two dimensions, rows above each other for one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from manim import Animation, VGroup

from torchreel.scenes.convolution.board import NODE, SUM_WIDTH, ConvolutionBoard
from torchreel.scenes.parts.grid import Cells, Grid
from torchreel.scenes.parts.motion import Move
from torchreel.scenes.parts.shapes import Arrow, Path, Point
from torchreel.scenes.parts.text import Text
from torchreel.scenes.parts.views import Place, View
from torchreel.scenes.stage import bars

_TOP, _BOTTOM = bars.STAGE_TOP - 0.62, bars.STAGE_BOTTOM + 0.22
_MIDDLE = (_TOP + _BOTTOM) / 2
_LEFT, _RIGHT = -bars.EDGE + bars.MARGIN, bars.EDGE - bars.MARGIN
_LABEL = 0.55
_COMFORTABLE = 0.75
_NUMBERS = 0.55


class PlanesBoard(ConvolutionBoard):
    """One row per input channel, left to right: input, kernel, products, channel sum; then the sum and the outputs."""

    def lay_out(self) -> None:
        row, out_row = (self._row_height(len(shown)) for shown in (self.channels, self.outs))
        heights = {"input": row, "weight": row, "product": row, "output": out_row}
        counts = {name: self.columns(name, heights[name]) for name in heights}
        widths = _shares(counts, _RIGHT - _LEFT - 2 * _LABEL - self._fixed() - 5 * 0.34)
        self.cells, self.extent = {}, {}
        for name, height in heights.items():
            texts = self.texts(self.tensor(name))
            self.cells[name], self.extent[name] = self.fit(name, widths[name], height, texts)
        self._place()
        self.y = _levels(len(self.channels), self.extent["input"][1])
        levels = _levels(len(self.outs), self.extent["output"][1])
        self.inputs = {c: self.input_plane(c, (self.x["input"], self.y[c])) for c in self.channels}
        self.outputs = {o: self.output_plane(o, (self.x["output"], levels[o])) for o in self.outs}
        self.node = (self.x["node"], _MIDDLE)

    def shape_of(self, name: str) -> Place:
        """The size of one plane of a station."""
        return {"input": self.size.plane, "output": self.size.out}.get(name, self.size.kernel)

    def columns(self, name: str, height: float) -> int:
        """How many cells stand side by side at a station that has `height`."""
        return self.shape_of(name)[1] + (sum(self.size.pad[2:]) if name == "input" else 0)

    def fit(
        self, name: str, width: float, height: float, texts: Sequence[str]
    ) -> tuple[Cells, tuple[float, float]]:
        """The cells of a station, and the width and height of one of its planes with all that is round it."""
        if name != "input":
            rows, cols = self.shape_of(name)
            cells = Cells.fit(rows, cols, width, height, texts)
            return cells, (cells.cols * cells.width, cells.rows * cells.height)
        cells = self.fit_input(width, height, texts)
        top, bottom, left, right = self.size.pad
        return cells, ((cells.cols + left + right) * cells.width, (cells.rows + top + bottom) * cells.height)

    def _fixed(self) -> float:
        return 2 * NODE + (SUM_WIDTH + 0.34 if self.sums_channels else 0.0) + (0.5 if self.size.bias else 0.0)

    def _row_height(self, count: int) -> float:
        return (_TOP - _BOTTOM - 0.25 * (count - 1)) / count

    def _place(self) -> None:
        """Columns from left to right with equal gaps."""
        names = ["input", "weight", "product", *(["partial"] if self.sums_channels else []), "node", "output"]
        widths = {"partial": SUM_WIDTH, "node": 2 * NODE + (0.5 if self.size.bias else 0.0)}
        widths |= {name: extent[0] for name, extent in self.extent.items()}
        used = sum(widths[name] for name in names)
        gap = min(1.1, (_RIGHT - _LEFT - 2 * _LABEL - used) / (len(names) - 1))
        x = -(used + gap * (len(names) - 1)) / 2
        self.x: dict[str, float] = {}
        self.half = {name: widths[name] / 2 for name in names}
        for name in names:
            self.x[name] = x + widths[name] / 2
            x += widths[name] + gap

    def kernels(self, out: int) -> dict[int, View]:
        return {c: self._grid("weight", (out, self.in_group(out, c)), c) for c in self.rows_of(out)}

    def products(self, out: int, cell: Place) -> dict[int, View]:
        spatial = self.size.spatial(cell)
        lead = (*self.size.lead, out)
        return {
            c: self._grid("product", (*lead, self.in_group(out, c), *spatial), c) for c in self.rows_of(out)
        }

    def _grid(self, name: str, lead: tuple[int, ...], channel: int) -> View:
        return self.plane(name, lead, (self.x[name], self.y[channel]))

    def sum_at(self, channel: int) -> Point:
        return self.x["partial"], self.y[channel]

    def wiring(self, out: int) -> VGroup:
        theme, group = self.look.theme, VGroup()
        node_x, node_y = self.node[0], self.node[1]
        for c in self.rows_of(out):
            y, start = self.y[c], self.x["product"] + self.half["product"] + 0.1
            if self.sums_channels:
                group.add(Path([(start, y), (self.x["partial"] - SUM_WIDTH / 2, y)], theme.wire))
                start = self.x["partial"] + SUM_WIDTH / 2
            group.add(Path([(start, y), (node_x, node_y)], theme.wire))
            for sign, left, right in (("×", "input", "weight"), ("=", "weight", "product")):
                middle = (self.x[left] + self.half[left] + self.x[right] - self.half[right]) / 2
                group.add(self.label(sign, (middle, y), 0.32))
        end = (self.x["output"] - self.half["output"] - 0.1, self.outputs[out].middle[1])
        group.add(
            *self.bias(out, (node_x, node_y - 1.3)),
            Arrow([(node_x, node_y), end], theme.wire),
            *self.node_sign(),
        )
        top = self.kernels(out)[self.rows_of(out)[0]] if self.rows_of(out) else None
        if top is not None:
            group.add(top.caption(f"{self.names.weight}[{out}]", color=theme.accent))
        return group

    def labels(self) -> VGroup:
        theme = self.look.theme
        labels = VGroup(
            self.inputs[0].caption(self.title("input")), self.outputs[0].caption(self.title("output"))
        )
        labels.add(*(grid.side_label(f"c={c}", -1, theme.channel(c), 0.2) for c, grid in self.inputs.items()))
        labels.add(*(grid.side_label(f"o={o}", 1, theme.channel(o), 0.2) for o, grid in self.outputs.items()))
        for name in ("input", "output"):
            labels.add(*self.left_out(name, (self.x[name], _BOTTOM - 0.18)))
        return labels


def _shares(counts: dict[str, int], room: float) -> dict[str, float]:
    """Widths by number of columns; where not all can hold numbers, small kernels still do and large planes give way."""
    wanted = {name: max(count, 1.5) for name, count in counts.items()}
    kernels = sum(wanted[name] for name in ("weight", "product")) * _NUMBERS
    if sum(wanted.values()) * _NUMBERS <= room or kernels > room / 2:
        return {name: room * count / sum(wanted.values()) for name, count in wanted.items()}
    planes = wanted["input"] + wanted["output"]
    return {
        name: count * (_NUMBERS if name in ("weight", "product") else (room - kernels) / planes)
        for name, count in wanted.items()
    }


def _levels(count: int, height: float) -> list[float]:
    """Heights of the middles of `count` planes of one height, evenly spread down the stage."""
    if count == 1:
        return [_MIDDLE]
    pitch = min(height + 0.7, (_TOP - _BOTTOM - height) / (count - 1))
    return [_MIDDLE + pitch * ((count - 1) / 2 - k) for k in range(count)]


class RowsBoard(ConvolutionBoard):
    """One dimension: the kernel and its products travel below the window.

    Output rows stand to the right of the sum where they fit, otherwise below everything.
    """

    def lay_out(self) -> None:
        _, _, left, right = self.size.pad
        in_cols, out_cols = self.size.plane[1] + left + right, self.size.out[1]
        self.side = 1.9 + (SUM_WIDTH + 0.3 if self.sums_channels else 0.75 if len(self.channels) > 1 else 0.0)
        room = _RIGHT - _LEFT - 2 * _LABEL - self.side
        self.beside = room / (in_cols + out_cols) >= _COMFORTABLE
        both = self._fit(room, in_cols, out_cols)
        shown = max(1, min(self.size.plane[1], both.cols - left - right))
        row = (both.width, both.height, both.text_size, 1)
        kernel = min(self.size.kernel[1], shown + left + right)
        self.cells = {
            "input": Cells(*row, shown),
            "weight": Cells(*row, kernel),
            "product": Cells(*row, kernel),
            "output": Cells(*row, min(out_cols, both.cols)),
        }
        self._place(both.width * (shown + left + right), both.width * self.cells["output"].cols, both.height)

    def _fit(self, room: float, in_cols: int, out_cols: int) -> Cells:
        """One size of cell for all rows; `cols` is how many fit."""
        count, outs = len(self.channels), len(self.outs)
        below = 0 if self.beside else outs
        height = (_TOP - _BOTTOM - 0.45 * (count - 1) - (0.0 if self.beside else 0.9)) / (
            3 * count + below
        ) - 0.1
        texts = (self.texts(self.tensor(name)) for name in ("input", "weight", "product", "output"))
        longest = max(texts, key=lambda found: max(map(len, found), default=0))
        cols = in_cols + out_cols if self.beside else max(in_cols, out_cols)
        fitted = Cells.fit(1, cols, room, height, longest, 1.2)
        return fitted if fitted.text_size else replace(fitted, height=max(fitted.height, min(height, 0.4)))

    def _place(self, in_width: float, out_width: float, height: float) -> None:
        """Rows from top to bottom: per channel input, kernel, products; outputs beside or below."""
        count, outs = len(self.channels), len(self.outs)
        self.pitch = height + 0.1
        self.sum_height = min(self.sum_height, 2 * (self.pitch - 0.1))
        width = _LABEL + in_width + self.side + (out_width + _LABEL if self.beside else 0.0)
        self.edge = -width / 2 + _LABEL if self.beside else max(_LEFT + _LABEL, -width / 2 + _LABEL)
        self.right = self.edge + (in_width if self.beside else max(in_width, out_width))
        below = 0.0 if self.beside else 0.8 + outs * self.pitch
        used = 3 * self.pitch * count + 0.45 * (count - 1) + below
        top = _TOP - max(0.0, (_TOP - _BOTTOM - used) / 2) - height / 2
        self.y = {c: top - k * (3 * self.pitch + 0.45) for k, c in enumerate(self.channels)}
        self.inputs = {c: self.input_plane(c, (self.edge + in_width / 2, self.y[c])) for c in self.channels}
        middle = (self.product_y(self.channels[0]) + self.product_y(self.channels[-1])) / 2
        self.node = (self.right + self.side - 0.95, middle)
        self._place_outputs(out_width, top - (3 * self.pitch + 0.45) * count - 0.35)

    def _place_outputs(self, out_width: float, below: float) -> None:
        pitch = self.pitch + (0.5 if self.beside else 0.0)
        x = self.right + self.side + out_width / 2 if self.beside else self.edge + out_width / 2
        first = self.node[1] + pitch * (len(self.outs) - 1) / 2 if self.beside else below
        self.outputs = {o: self.output_plane(o, (x, first - k * pitch)) for k, o in enumerate(self.outs)}

    def kernel_y(self, channel: int) -> float:
        """The height of a channel's kernel row."""
        return self.y[channel] - self.pitch

    def product_y(self, channel: int) -> float:
        """The height of a channel's products."""
        return self.kernel_y(channel) - self.pitch

    def kernels(self, out: int) -> dict[int, View]:
        return {
            c: self._under("weight", (out, self.in_group(out, c)), c, self.kernel_y(c), (0, 0))
            for c in self.rows_of(out)
        }

    def products(self, out: int, cell: Place) -> dict[int, View]:
        lead, spatial = (*self.size.lead, out), self.size.spatial(cell)
        return {
            c: self._under("product", (*lead, self.in_group(out, c), *spatial), c, self.product_y(c), cell)
            for c in self.rows_of(out)
        }

    def _under(self, name: str, lead: tuple[int, ...], channel: int, y: float, cell: Place) -> Grid:
        """A row below the taps of a window, spread as they are."""
        at, step = (self._window_x(channel, cell), y), (1, self.size.dilation[1])
        return self.grid(self.tensor(name), lead, self.cells[name], at, step=step)

    def _window_x(self, channel: int, cell: Place) -> float:
        taps, grid = self.size.taps(cell), self.inputs[channel]
        return float(grid.center(taps[0])[0] + grid.center(taps[self.cells["weight"].cols - 1])[0]) / 2

    def kernel_moves(self, kernels: dict[int, View], cell: Place) -> list[Animation]:
        return [Move(grid, to=(self._window_x(c, cell), self.kernel_y(c))) for c, grid in kernels.items()]

    def sum_at(self, channel: int) -> Point:
        return self.right + 0.45 + SUM_WIDTH / 2, self.product_y(channel)

    def wiring(self, out: int) -> VGroup:
        theme, group = self.look.theme, VGroup()
        for c in self.rows_of(out):
            group.add(*self._collector(c))
            for sign, y in (("×", self.kernel_y(c)), ("=", self.product_y(c))):
                group.add(self.label(sign, (self.edge - 0.3, y), 0.3))
            name, beside = f"{self.names.weight}[{out},{self.in_group(out, c)}]", self.right + 0.15
            group.add(self.label(name, (beside, self.kernel_y(c)), 0.19, theme.accent, align="left"))
        group.add(*self.bias(out, (self.node[0], self.node[1] + 1.3)))
        return group.add(Arrow(self._way_to(out), theme.wire), *self.node_sign())

    def _collector(self, channel: int) -> list[Path]:
        """A bracket beside the products, and the line that takes them to their sum and on to the node."""
        wire, y, half = self.look.theme.wire, self.product_y(channel), self.pitch / 2 - 0.1
        x = self.right + 0.12
        bracket = Path([(x - 0.07, y + half), (x, y + half), (x, y - half), (x - 0.07, y - half)], wire)
        if not self.sums_channels:
            return [bracket, Path([(x, y), (self.node[0], y), self.node], wire)]
        left, right = (self.sum_at(channel)[0] + side * SUM_WIDTH / 2 for side in (-1, 1))
        return [bracket, Path([(x, y), (left, y)], wire), Path([(right, y), self.node], wire)]

    def _way_to(self, out: int) -> list[Point]:
        grid = self.outputs[out]
        half = grid.cells.cols * grid.cells.width / 2 + 0.12
        if self.beside:
            return [self.node, (grid.middle[0] - half, grid.middle[1])]
        return [self.node, (self.node[0], grid.middle[1]), (grid.middle[0] + half, grid.middle[1])]

    def labels(self) -> VGroup:
        theme = self.look.theme
        labels = VGroup(self._title("input", self.inputs[0]), self._title("output", self.outputs[0]))
        labels.add(*(grid.side_label(f"c={c}", -1, theme.channel(c), 0.2) for c, grid in self.inputs.items()))
        side = 1 if self.beside else -1
        labels.add(
            *(grid.side_label(f"o={o}", side, theme.channel(o), 0.2) for o, grid in self.outputs.items())
        )
        labels.add(*self.left_out("input", (self.right + 0.5, self.y[self.channels[-1]])))
        labels.add(*self.left_out("output", (self.right + 0.5, _BOTTOM - 0.18)))
        return labels

    def _title(self, name: str, grid: View) -> Text:
        top = grid.middle[1] + grid.cells.height / 2 + 0.13
        left = grid.middle[0] - (grid.cells.cols / 2 + grid.pad[2]) * grid.cells.width
        return self.label(self.title(name), (left, top), 0.19, align="left", vertical="baseline")
