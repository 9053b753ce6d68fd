"""The board of GLU: the input above; below it its halves, the gate's curve, the gates and the output."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from manim import VGroup

from torchreel.scenes.activation.curve.graph import BOTTOM, ReadingGraph, frame_between
from torchreel.scenes.activation.curve.labels import Label, extent
from torchreel.scenes.activation.curve.reading import ReadingBoard
from torchreel.scenes.activation.curve.table import ElementTable, TableSides
from torchreel.scenes.parts.grid import Cell, Cells, Grid
from torchreel.scenes.parts.look import NAME_TEXT, Look
from torchreel.scenes.parts.shapes import Shape
from torchreel.scenes.parts.text import Text
from torchreel.scenes.stage.bars import STAGE_TOP
from torchreel.scenes.trace.proof import Trace

COLUMNS = ("a", "b", "gate", "output")
_HUES = (3, 5)
_GATE = (-0.06, 1.06)
_WIDE, _ROW, _HIGH = 8.0, 0.62, 1.62
_NAME, _BELOW = 0.46, 0.62


class GLUBoard(ReadingBoard):
    """The input as a strip, the table, and the sigmoid; `dim` is the axis that is halved."""

    read_off, source = "gate", "b"

    def __init__(self, look: Look, trace: Trace, dim: int) -> None:
        super().__init__(look, trace)
        self.axis = dim % len(trace.shape("input")) - len(trace.shape("input"))
        self.strip = self._strip()
        rows, height = self.strip.cells.rows, self.strip.cells.height
        # Names of halves stand below the strip, or the table's size where the strip's cells are small.
        is_low = self.axis != -2 or not self.strip.cells.text_size
        top = float(self.strip.middle[1]) - rows * height / 2 - (_BELOW if is_low else 0.2)
        sides = TableSides(("a", "b"), ("gate", "output"), COLUMNS)
        self.table = ElementTable(
            look, trace, sides, BOTTOM, top, "output", plain=("gate",), like={"a": "input", "b": "input"}, spread="b",
        )  # fmt: skip
        self.graph = self._graph(top)
        x, y = (np.array(trace.sample(f"curve.{name}").tolist()) for name in ("x", "output"))
        self.graph.curve(x, y, look.theme.role("result"), "σ(b)", bold=True)
        self.scenery = self._scenery()

    @property
    def is_partial(self) -> bool:
        """Whether the strip leaves out a part of the input."""
        return self.strip.cells.rows * self.strip.cells.cols < math.prod(self.trace.shape("input"))

    def halves(self) -> list[VGroup]:
        """The halves of the input outlined and named; none where they do not lie side by side in the strip."""
        theme = self.look.theme
        return [
            VGroup(
                Shape(
                    self.strip.outline(first, last, -0.03),
                    stroke=theme.channel(_HUES[number]),
                    stroke_width=4.5,
                ),
                self._name("ab"[number], first, last, theme.text),
            )
            for number, (first, last) in enumerate(self._ends())
        ]

    def mark(self, row: int) -> VGroup:
        if not self.shows(row):
            return VGroup()
        return VGroup(self.graph.mark(*self._at(row, "gate"), self.look.theme.role("result")))

    def _scenery(self) -> VGroup:
        curve = self.graph.curves[0]
        paths = [line for row in self.rows if self.shows(row) for line in self._route(row)]
        at = self.graph.places(paths).beside(extent("σ(b)"), curve)
        theme = self.look.theme
        rows, height = self.strip.cells.rows, self.strip.cells.height
        over = (0.0, float(self.strip.middle[1]) + rows * height / 2 + 0.16)
        line = self.graph.plot.curve(curve.xs, curve.ys, theme.role("result"), 4.4)
        return VGroup(
            self.title("input", over), self.strip, self.graph.scenery, line, self.table.scenery,
            Label("σ(b)", at, theme.role("result"), theme.background), self.joined("a·σ(b)"),
        )  # fmt: skip

    def _graph(self, top: float) -> ReadingGraph:
        x = self.trace.sample("curve.x")
        left, right = self.table.room
        area = frame_between(self.look, left, right, _GATE, BOTTOM, top - 0.2)
        theme = self.look.theme
        colors = {"x": theme.text, "y": theme.role("result")}
        return ReadingGraph(self.look, (float(x[0]), float(x[-1])), _GATE, area, ("b", "σ(b)"), colors)

    def _strip(self) -> Grid:
        """The input, or the first plane of it."""
        shape = self.trace.shape("input")
        rows, cols = (1, *shape)[-2:]
        cells = Cells.fit(rows, cols, _WIDE, _HIGH if rows > 1 else _ROW, self.texts("input"), 0.8)
        middle = STAGE_TOP - _NAME - cells.rows * cells.height / 2
        return self.grid("input", (0,) * max(0, len(shape) - 2), cells, (0.0, middle))

    def _ends(self) -> Iterator[tuple[Cell, Cell]]:
        """The first and the last cell of each half."""
        rows, cols = self.strip.shape
        if self.axis < -2 or (rows, cols) != (1, *self.trace.shape("input"))[-2:]:
            return
        if self.axis == -2:
            yield (0, 0), (rows // 2 - 1, cols - 1)
            yield (rows // 2, 0), (rows - 1, cols - 1)
        else:
            yield (0, 0), (rows - 1, cols // 2 - 1)
            yield (0, cols // 2), (rows - 1, cols - 1)

    def _name(self, text: str, first: Cell, last: Cell, color: str) -> Text:
        """A half's name, beside the strip where the halves lie below each other."""
        middle, cells = (self.strip.center(first) + self.strip.center(last)) / 2, self.strip.cells
        if self.axis == -2:
            middle[0] += cells.cols * cells.width / 2 + 0.22
        else:
            middle[1] -= cells.rows * cells.height / 2 + 0.22
        return self.label(text, middle, NAME_TEXT, color)
