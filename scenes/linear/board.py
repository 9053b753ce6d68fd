"""The boards of Linear and Bilinear: grids whose columns are aligned where they are multiplied."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.parts.frame import EDGE, MARGIN, STAGE_BOTTOM, STAGE_TOP
from torchreel.scenes.parts.grid import Cell, Cells, Grid
from torchreel.scenes.parts.look import Look, Stroke
from torchreel.scenes.parts.shapes import Arrow, Box
from torchreel.scenes.parts.text import Text
from torchreel.scenes.stage.board import Board
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

Center = tuple[float, float]
Note = Callable[[bool, bool, bool], str]
_LEFT, _RIGHT = -EDGE + MARGIN, EDGE - MARGIN
_FOOT, _LABEL = 0.32, 0.46
_SUM = (1.25, 0.46)


class DenseBoard(Board):
    """What both boards share: grids by name, the box of the sum, paths for frames, a note.

    `note` words what is left out: some samples, some features, numbers.
    """

    def __init__(self, look: Look, trace: Trace) -> None:
        super().__init__(look, trace)
        self.lead = trace.shape("output")[:-1]
        self.out = trace.shape("output")[-1]
        self.grids: dict[str, Grid] = {}
        self.scenery = VGroup()
        self.sum_center: Center = (0.0, 0.0)

    def sample(self, number: int) -> Index:
        """The leading index of a sample, counted through all leading axes."""
        return tuple(map(int, np.unravel_index(number, self.lead))) if self.lead else ()

    def row(self, name: str, row: int) -> np.ndarray:
        """The path round one row of a grid."""
        grid = self.grids[name]
        return grid.outline((row, 0), (row, grid.cells.cols - 1), 0.03)

    def cell(self, name: str, cell: Cell) -> np.ndarray:
        """The path round one cell of a grid."""
        return self.grids[name].outline(cell, cell, 0.02)

    def sum_box(self, index: Index, center: Center) -> VGroup:
        """The sum of an output's products in a box."""
        theme = self.look.theme
        fill = theme.tint(theme.accent, 0.16)
        box = Box(*_SUM, center, 0.08, fill=fill, stroke=theme.accent, stroke_width=2.0)
        number = self.number("sum", index, 0.28, theme.ink(fill), width=_SUM[0] - 0.15)
        return VGroup(box, number.place(center))

    def empty_sum(self) -> Box:
        """The place of the sum."""
        theme = self.look.theme
        return Box(
            *_SUM, self.sum_center, 0.08, fill=theme.empty, stroke=theme.line, stroke_width=Stroke.EDGE
        )

    def make(
        self,
        name: str,
        tensor: str,
        cells: Cells,
        center: Center,
        index: Callable[[Cell], Index],
        blank: bool = False,
    ) -> Grid:
        """A grid of a tensor, kept by name."""
        grid = self.grid(tensor, (), cells, center, index=index, blank=blank)
        self.grids[name] = grid
        return grid

    def name(self, grid: Grid, text: str) -> Text:
        """A grid's name above it."""
        return grid.caption(text, gap=0.12)

    def shape(self, tensor: str) -> str:
        """A tensor's name and shape without spaces: grids of a few columns are narrow."""
        return super().shape(tensor).replace(", ", ",")

    def say(self, note: str) -> None:
        """The note at the foot of the stage."""
        if note:
            self.scenery.add(self.note(note))

    def sign(self, text: str, at: Center, size: float = 0.3) -> Text:
        """A sign of arithmetic between grids."""
        sign = self.label(text, at, size)
        self.scenery.add(sign)
        return sign


class LinearBoard(DenseBoard):
    """Input over weight over the products of one row, feature under feature; output and bias on the right."""

    most = (5, 7, 10)

    def __init__(self, look: Look, trace: Trace, note: Note) -> None:
        super().__init__(look, trace)
        features, samples = trace.shape("weight")[1], math.prod(self.lead)
        self.rows, self.outs, self.features = (
            min(size, most) for size, most in zip((samples, self.out, features), self.most, strict=True)
        )
        height = STAGE_TOP - STAGE_BOTTOM - _FOOT - 3 * _LABEL - 0.3
        texts = self.texts("input", "weight", "product")
        fitted = Cells.fit(self.rows + self.outs + 1, self.features, 7.0, height, texts, 1.05)
        self.size = Cells(fitted.width, fitted.height, fitted.text_size, 1, self.features)
        across = self.texts("output", *(["bias"] if "bias" in trace.tensors else []))
        results = Cells.fit(self.rows, self.outs, 5.0, self.rows * fitted.height, across, 1.15)
        self.results = Cells(results.width, fitted.height, results.text_size, self.rows, self.outs)
        self._build(fitted.width * self.features)
        self.say(
            note(samples > self.rows, self._cropped(features), bool(fitted.text_size and results.text_size))
        )

    def products(self, row: int, out: int) -> Grid:
        """The products of one output, in a grid of their own."""
        lead = (*self.sample(row), out)
        center = (self._x, self._y[2])
        return self.make("product", "product", self.size, center, lambda cell: (*lead, cell[1]), blank=True)

    def flights(self, row: int, out: int) -> list[Animation]:
        """The products come down from the row of weights."""
        grid, source = self.grids["product"], self.grids["weight"]
        cells = [(0, k) for k in range(self.features)]
        return [move for cell in cells for move in grid.write(cell, source.center((out, cell[1])), 0.5)]

    def sum_at(self, row: int, out: int) -> VGroup:
        """The sum of the products, at its place."""
        return self.sum_box((*self.sample(row), out), self.sum_center)

    def write_output(self, row: int, out: int, fly: bool) -> list[Animation]:
        """An output takes its value, from the sum if it flies."""
        return self.grids["output"].write((row, out), self.sum_center if fly else None, 0.5)

    def around_feature(self, name: str, row: int, feature: int) -> np.ndarray:
        """The path round one feature of a row."""
        return self.cell(name, (row, feature))

    def _cropped(self, features: int) -> bool:
        return self.outs < self.out or self.features < features

    def _build(self, width: float) -> None:
        trace, (samples, outs), cell = self.trace, (self.rows, self.outs), self.size
        right = self.results.width * outs
        gap = min(1.9, (_RIGHT - _LEFT - width - max(right, 2.4)) / 2)
        left = -(width + gap + max(right, 2.4)) / 2
        self._x, beside = left + width / 2, left + width + gap + max(right, 2.4) / 2
        tall = [_LABEL + count * cell.height for count in (samples, outs, 1)]
        spare = max(0.0, STAGE_TOP - STAGE_BOTTOM - _FOOT - 0.1 - sum(tall))
        top = STAGE_TOP - 0.05 - spare / 4
        self._y = []
        for number, height in enumerate(tall):
            self._y.append(top - _LABEL - (height - _LABEL) / 2 - number * spare / 4)
            top -= height
        rows = Cells(cell.width, cell.height, cell.text_size, samples, cell.cols)
        weights = Cells(cell.width, cell.height, cell.text_size, outs, cell.cols)
        single = Cells(self.results.width, cell.height, self.results.text_size, 1, outs)
        shown: list[tuple[Grid, str]] = [
            (self.make("input", "input", rows, (self._x, self._y[0]), lambda c: (*self.sample(c[0]), c[1])), "input"),
            (self.make("weight", "weight", weights, (self._x, self._y[1]), lambda c: c), "weight"),
            (
                self.make("output", "output", self.results, (beside, self._y[0]),
                          lambda c: (*self.sample(c[0]), c[1]), blank=True),
                "output",
            ),
        ]  # fmt: skip
        if "bias" in trace.tensors:
            shown.append((self.make("bias", "bias", single, (beside, self._y[1]), lambda c: (c[1],)), "bias"))
        for grid, name in shown:
            self.scenery.add(grid, self.name(grid, self.shape(name)))
        self.sum_center = (beside, self._y[2])
        self.sign("Σ", ((self._x + width / 2 + beside - _SUM[0] / 2) / 2, self._y[2]))
        blank = self.products(0, 0)
        self.scenery.add(self.empty_sum(), blank, self.name(blank, "product"), *self._way(beside))

    def _way(self, x: float) -> list[Arrow]:
        """From the sum by way of bias to the output."""
        wire, low = self.look.theme.wire, self._y[2] + _SUM[1] / 2 + 0.08
        arrows = []
        for grid in (self.grids[name] for name in ("bias", "output") if name in self.grids):
            bottom = grid.outline((grid.cells.rows - 1, 0), (grid.cells.rows - 1, 0))[:, 1].min()
            arrows.append(Arrow([(x, low), (x, bottom - 0.08)], wire))
            if grid.tensor == "bias":
                self.sign("+", (x + 0.25, (low + bottom) / 2))
            low = grid.outline((0, 0), (0, 0))[:, 1].max() + 0.45
        return arrows


class BilinearBoard(DenseBoard):
    """The outer product of the inputs, the weights of one output, their products; bias and output on the right."""

    most = (6, 5, 7)

    def __init__(self, look: Look, trace: Trace, note: Note) -> None:
        super().__init__(look, trace)
        sizes = (*trace.shape("weight")[1:], self.out)
        self.high, self.wide, self.outs = (
            min(size, most) for size, most in zip(sizes, self.most, strict=True)
        )
        texts = self.texts("input1", "input2", "outer", "weight", "product")
        height = STAGE_TOP - STAGE_BOTTOM - 2 * _LABEL - 1.5
        fitted = Cells.fit(self.high + 1, 3 * self.wide + 1, 8.9, height, texts, 0.74)
        self.size = Cells(fitted.width, fitted.height, fitted.text_size, self.high, self.wide)
        column = Cells.fit(self.outs, 1, 0.95, height, self.texts(*self._results), 0.8)
        self.column = Cells(column.width, column.height, column.text_size, self.outs, 1)
        self._build()
        cropped = (self.high, self.wide, self.outs) != sizes
        self.say(note(math.prod(self.lead) > 1, cropped, bool(fitted.text_size and column.text_size)))

    def weights(self, out: int) -> VGroup:
        """The weights of one output, with their name."""
        grid = self.make("weight", "weight", self.size, (self.x["weight"], self._y), lambda c: (out, *c))
        return VGroup(grid, self.name(grid, f"weight[{out}]"))

    def products(self, out: int) -> Grid:
        """The weighted products of one output, still empty."""
        lead = (*self.sample(0), out)
        center = (self.x["product"], self._y)
        return self.make("product", "product", self.size, center, lambda c: (*lead, *c), blank=True)

    def write_all(self, name: str, source: str = "") -> list[Animation]:
        """All cells of a grid take their values, from the same cells of another grid if one is named."""
        grid = self.grids[name]
        return [
            move
            for cell in grid.positions()
            for move in grid.write(cell, self.grids[source].center(cell) if source else None, 0.5)
        ]

    def write_output(self, out: int, fly: bool) -> list[Animation]:
        """An output takes its value, from the sum if it flies."""
        return self.grids["output"].write((out, 0), self.sum_center if fly else None, 0.5)

    def sum_at(self, out: int) -> VGroup:
        """The sum of the products, at its place."""
        return self.sum_box((*self.sample(0), out), self.sum_center)

    @property
    def _results(self) -> Sequence[str]:
        return ("bias", "output") if "bias" in self.trace.tensors else ("output",)

    def _build(self) -> None:
        w, h = self.size.width, self.size.height
        block, side, gap = self.wide * w, 0.16, 0.5
        widths = w + side + 3 * block + 2 * gap + 0.8 + len(self._results) * (self.column.width + 0.3) - 0.3
        left = -widths / 2
        self._y = (STAGE_TOP + STAGE_BOTTOM) / 2 + 0.15 - (h + side) / 2
        self.x = {
            name: left + w + side + block / 2 + number * (block + gap)
            for number, name in enumerate(("outer", "weight", "product"))
        }
        sample = self.sample(0)
        col = Cells(w, h, self.size.text_size, self.high, 1)
        row = Cells(w, h, self.size.text_size, 1, self.wide)
        above = self._y + (self.high + 1) * h / 2 + side
        first = self.make("input1", "input1", col, (left + w / 2, self._y), lambda c: (*sample, c[0]))
        second = self.make("input2", "input2", row, (self.x["outer"], above), lambda c: (*sample, c[1]))
        outer = self.make(
            "outer", "outer", self.size, (self.x["outer"], self._y), lambda c: (*sample, *c), blank=True
        )
        self.scenery.add(first, second, outer, self.name(second, self.shape("input2")))
        self.scenery.add(self._below(first, self.shape("input1")))
        at = left + w + side + 3 * block + 2 * gap + 0.8
        for name in self._results:
            index = (lambda c: (c[0],)) if name == "bias" else (lambda c: (*sample, c[0]))
            center = (at + self.column.width / 2, self._y)
            grid = self.make(name, name, self.column, center, index, blank=name == "output")
            self.scenery.add(grid, self.name(grid, name))
            at += self.column.width + 0.3
        self.sign("×", ((self.x["outer"] + self.x["weight"]) / 2, self._y))
        self.sign("=", ((self.x["weight"] + self.x["product"]) / 2, self._y))
        self.sum_center = (self.x["product"], self._y - self.high * h / 2 - 0.45)
        self.sign("Σ", (self.sum_center[0] - _SUM[0] / 2 - 0.25, self.sum_center[1]))
        blank = self.grid("product", (), self.size, (self.x["weight"], self._y), blank=True)
        products = self.products(0)
        self.scenery.add(self.empty_sum(), blank, products, self.name(products, "product"))

    def _below(self, grid: Grid, text: str) -> Text:
        """A label below a narrow grid at the left edge."""
        center = grid.center((grid.cells.rows - 1, 0))
        at = (center[0] - grid.cells.width / 2, center[1] - grid.cells.height / 2 - 0.2)
        return self.label(text, at, align="left")
