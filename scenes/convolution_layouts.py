"""Where a convolution's objects stand: planes side by side for two dimensions, rows above each other for one."""

from __future__ import annotations

from manim import Animation, VGroup

from torchreel.scenes.convolution_stage import NODE, SUM_HEIGHT, SUM_WIDTH, Board
from torchreel.scenes.parts import bars
from torchreel.scenes.parts.grid import Cell, Cells, Grid, drawn_texts
from torchreel.scenes.parts.motion import Move
from torchreel.scenes.parts.shapes import Arrow, Path, Point
from torchreel.scenes.parts.text import Text

_TOP, _BOTTOM = bars.STAGE_TOP - 0.62, bars.STAGE_BOTTOM + 0.22
_MIDDLE = (_TOP + _BOTTOM) / 2
_LEFT, _RIGHT = -bars.EDGE + bars.MARGIN, bars.EDGE - bars.MARGIN
_LABEL = 0.5


class PlanesBoard(Board):
    """One row per input channel, left to right: input, kernel, products, channel sum; then the sum and the outputs."""

    def lay_out(self) -> None:
        texts = {
            name: drawn_texts(self.look, self.trace, name)
            for name in ("input", "weight", "product", "output")
        }
        _, _, left, right = self.size.pad
        counts = {
            "input": self.size.plane[1] + left + right,
            "weight": self.size.kernel[1],
            "product": self.size.kernel[1],
            "output": self.size.out[1],
        }
        room = _RIGHT - _LEFT - 2 * _LABEL - self._fixed() - 5 * 0.34
        widths = {
            name: room * max(count, 1.5) / sum(max(n, 1.5) for n in counts.values())
            for name, count in counts.items()
        }
        row, out_row = (self._row_height(len(shown)) for shown in (self.channels, self.outs))
        self.cells = {
            "input": self.fit_input(widths["input"], row, texts["input"]),
            "weight": Cells.fit(*self.size.kernel, widths["weight"], row, texts["weight"]),
            "product": Cells.fit(*self.size.kernel, widths["product"], row, texts["product"]),
            "output": Cells.fit(*self.size.out, widths["output"], out_row, texts["output"]),
        }
        self._place()
        top, bottom, _, _ = self.size.pad
        self.y = _levels(
            len(self.channels), (self.cells["input"].rows + top + bottom) * self.cells["input"].height
        )
        levels = _levels(len(self.outs), self.cells["output"].rows * self.cells["output"].height)
        self.inputs = {c: self.input_plane(c, (self.x["input"], self.y[c])) for c in self.channels}
        self.outputs = {o: self.output_plane(o, (self.x["output"], levels[o])) for o in self.outs}
        self.node = (self.x["node"], _MIDDLE)

    def _fixed(self) -> float:
        return 2 * NODE + (SUM_WIDTH + 0.34 if self.sums_channels else 0.0) + (0.5 if self.size.bias else 0.0)

    def _row_height(self, count: int) -> float:
        return (_TOP - _BOTTOM - 0.25 * (count - 1)) / count

    def _place(self) -> None:
        """Columns from left to right with equal gaps."""
        names = ["input", "weight", "product", *(["partial"] if self.sums_channels else []), "node", "output"]
        widths = {"partial": SUM_WIDTH, "node": 2 * NODE + (0.5 if self.size.bias else 0.0)}
        widths |= {name: cells.cols * cells.width for name, cells in self.cells.items()}
        widths["input"] += sum(self.size.pad[2:]) * self.cells["input"].width
        used = sum(widths[name] for name in names)
        gap = min(1.1, (_RIGHT - _LEFT - 2 * _LABEL - used) / (len(names) - 1))
        x = -(used + gap * (len(names) - 1)) / 2
        self.x: dict[str, float] = {}
        self.half = {name: widths[name] / 2 for name in names}
        for name in names:
            self.x[name] = x + widths[name] / 2
            x += widths[name] + gap

    def kernels(self, out: int) -> dict[int, Grid]:
        return {c: self._grid("weight", (out, self.in_group(out, c)), c) for c in self.rows_of(out)}

    def products(self, out: int, cell: Cell) -> dict[int, Grid]:
        spatial = self.size.spatial(cell)
        lead = (*self.size.lead, out)
        return {
            c: self._grid("product", (*lead, self.in_group(out, c), *spatial), c) for c in self.rows_of(out)
        }

    def _grid(self, name: str, lead: tuple[int, ...], channel: int) -> Grid:
        return Grid(self.look, self.trace, name, lead, self.cells[name], (self.x[name], self.y[channel]))

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
                group.add(Text(sign, 0.32, theme.muted, "mono").place((middle, y)))
        end = (self.x["output"] - self.half["output"] - 0.1, self.outputs[out].middle[1])
        group.add(
            *self.bias(out, (node_x, node_y - 1.3)),
            Arrow([(node_x, node_y), end], theme.wire),
            *self.node_sign(),
        )
        top = self.kernels(out)[self.rows_of(out)[0]] if self.rows_of(out) else None
        if top is not None:
            group.add(top.caption(f"weight[{out}]", color=theme.accent))
        return group

    def labels(self) -> VGroup:
        theme = self.look.theme
        labels = VGroup(
            self.inputs[0].caption(self.shape("input")), self.outputs[0].caption(self.shape("output"))
        )
        labels.add(*(grid.side_label(f"c={c}", -1, theme.channel(c), 0.2) for c, grid in self.inputs.items()))
        labels.add(*(grid.side_label(f"o={o}", 1, theme.channel(o), 0.2) for o, grid in self.outputs.items()))
        for name in ("input", "output"):
            labels.add(*self.left_out(name, (self.x[name], _BOTTOM - 0.18)))
        return labels


def _levels(count: int, height: float) -> list[float]:
    """Heights of the middles of `count` planes of one height, evenly spread down the stage."""
    if count == 1:
        return [_MIDDLE]
    pitch = min(height + 0.7, (_TOP - _BOTTOM - height) / (count - 1))
    return [_MIDDLE + pitch * ((count - 1) / 2 - k) for k in range(count)]


class RowsBoard(Board):
    """One dimension: the kernel and its products travel below the window, the output rows fill below all."""

    _SIDE = 3.2

    def lay_out(self) -> None:
        texts = {
            name: drawn_texts(self.look, self.trace, name)
            for name in ("input", "weight", "product", "output")
        }
        _, _, left, right = self.size.pad
        count, outs = len(self.channels), len(self.outs)
        height = (_TOP - _BOTTOM - 0.1 - 0.28 * count - 0.75) / (3 * count + outs)
        width = _RIGHT - _LEFT - self._SIDE - 0.75
        longest = max(texts.values(), key=lambda found: max(map(len, found), default=0))
        both = Cells.fit(1, max(self.size.plane[1] + left + right, self.size.out[1]), width, height, longest)
        in_cols = max(1, min(self.size.plane[1], both.cols - left - right))
        row = (both.width, both.height, both.text_size, 1)
        kernel = min(self.size.kernel[1], in_cols + left + right)
        self.cells = {
            "input": Cells(*row, in_cols),
            "weight": Cells(*row, kernel),
            "product": Cells(*row, kernel),
            "output": Cells(*row, min(self.size.out[1], both.cols)),
        }
        self._rows(both)

    def _rows(self, cells: Cells) -> None:
        """Heights of all rows: per channel input, kernel, products; then the outputs. Everything starts at one edge."""
        _, _, left, right = self.size.pad
        count, outs = len(self.channels), len(self.outs)
        block = 3 * cells.height + 0.2
        used = count * block + outs * cells.height
        gap = min(0.75, (_TOP - _BOTTOM - used) / (count + 0.6))
        top = _TOP - (_TOP - _BOTTOM - used - gap * count - 0.12 * (outs - 1)) / 2
        self.y = {c: top - cells.height / 2 - c * (block + gap * 0.8) for c in self.channels}
        self.edge = _LEFT + 0.75
        in_width = (self.cells["input"].cols + left + right) * cells.width
        out_width = self.cells["output"].cols * cells.width
        self.inputs = {c: self.input_plane(c, (self.edge + in_width / 2, self.y[c])) for c in self.channels}
        first = top - count * block - (count - 1) * gap * 0.8 - gap - cells.height / 2
        self.outputs = {
            o: self.output_plane(o, (self.edge + out_width / 2, first - o * (cells.height + 0.12)))
            for o in self.outs
        }
        self.right = self.edge + max(in_width, out_width)
        middle = (self.product_y(self.channels[0]) + self.product_y(self.channels[-1])) / 2
        self.node = (min(self.right + self._SIDE - 0.75, _RIGHT - NODE - 0.3), middle)

    def kernel_y(self, channel: int) -> float:
        """The height of a channel's kernel row."""
        return self.y[channel] - self.cells["weight"].height - 0.1

    def product_y(self, channel: int) -> float:
        """The height of a channel's products."""
        return self.kernel_y(channel) - self.cells["weight"].height - 0.1

    def kernels(self, out: int) -> dict[int, Grid]:
        return {
            c: self._under("weight", (out, self.in_group(out, c)), c, self.kernel_y(c), (0, 0))
            for c in self.rows_of(out)
        }

    def products(self, out: int, cell: Cell) -> dict[int, Grid]:
        lead, spatial = (*self.size.lead, out), self.size.spatial(cell)
        return {
            c: self._under("product", (*lead, self.in_group(out, c), *spatial), c, self.product_y(c), cell)
            for c in self.rows_of(out)
        }

    def _under(self, name: str, lead: tuple[int, ...], channel: int, y: float, cell: Cell) -> Grid:
        """A row below the taps of a window, spread as they are."""
        cells = self.cells[name]
        at = (self._window_x(channel, cell), y)
        return Grid(self.look, self.trace, name, lead, cells, at, step=(1, self.size.dilation[1]))

    def _window_x(self, channel: int, cell: Cell) -> float:
        taps, grid = self.size.taps(cell), self.inputs[channel]
        return float(grid.center(taps[0])[0] + grid.center(taps[self.cells["weight"].cols - 1])[0]) / 2

    def kernel_moves(self, kernels: dict[int, Grid], cell: Cell) -> list[Animation]:
        return [Move(grid, to=(self._window_x(c, cell), self.kernel_y(c))) for c, grid in kernels.items()]

    def sum_at(self, channel: int) -> Point:
        return self.right + 0.85, self.product_y(channel)

    def wiring(self, out: int) -> VGroup:
        theme, group = self.look.theme, VGroup()
        node_x, node_y = self.node[0], self.node[1]
        for c in self.rows_of(out):
            y, start = self.product_y(c), self.right + 0.1
            for sign, at in (("×", self.kernel_y(c)), ("=", y)):
                group.add(Text(sign, 0.3, theme.muted, "mono").place((self.edge - 0.3, at)))
            if self.sums_channels:
                group.add(Path([(start, y), (self.right + 0.85 - SUM_WIDTH / 2, y)], theme.wire))
                start = self.right + 0.85 + SUM_WIDTH / 2
            group.add(Path([(start, y), (node_x, node_y)], theme.wire))
            kernel = Text(f"weight[{out}]", 0.19, theme.accent, "mono")
            group.add(kernel.place((self.right + 0.2, self.kernel_y(c)), align="left"))
        grid = self.outputs[out]
        end = (self.edge + grid.cells.cols * grid.cells.width + 0.12, grid.middle[1])
        group.add(*self.bias(out, (node_x, node_y + 1.2 + SUM_HEIGHT / 2)))
        group.add(Arrow([(node_x, node_y), (node_x, end[1]), end], theme.wire), *self.node_sign())
        return group

    def labels(self) -> VGroup:
        theme = self.look.theme
        labels = VGroup(self._label("input", self.inputs[0]), self._label("output", self.outputs[0]))
        labels.add(*(grid.side_label(f"c={c}", -1, theme.channel(c), 0.2) for c, grid in self.inputs.items()))
        labels.add(
            *(grid.side_label(f"o={o}", -1, theme.channel(o), 0.2) for o, grid in self.outputs.items())
        )
        labels.add(*self.left_out("input", (self.right + 0.5, self.y[self.channels[-1]])))
        labels.add(*self.left_out("output", (self.right + 0.5, _BOTTOM - 0.18)))
        return labels

    def _label(self, name: str, grid: Grid) -> Text:
        top = grid.middle[1] + grid.cells.height / 2 + 0.13
        return Text(self.shape(name), 0.19, self.look.theme.muted, "mono").place(
            (self.edge, top), "left", "baseline"
        )
