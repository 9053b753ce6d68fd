"""The board of GLU: the input above the gate's curve on the left, the elements as rows of a table on the right."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.activation.curve.table import ElementTable
from torchreel.scenes.parts.grid import Cell, Cells, Grid
from torchreel.scenes.parts.look import Look
from torchreel.scenes.parts.motion import Appear
from torchreel.scenes.parts.plot import Plot, Rider
from torchreel.scenes.parts.shapes import Shape
from torchreel.scenes.parts.text import Text
from torchreel.scenes.stage.board import Board
from torchreel.scenes.trace.proof import Trace

COLUMNS = ("a", "b", "gate", "output")
_AREA = (-6.1, -2.2, 0.3, 0.45)
_STRIP = (7.2, 1.4, (-2.9, 1.9))
_HALF_NAME = 0.24


class GLUBoard(Board):
    """The input as a strip, the sigmoid with a dot that rides it, and the table; `dim` is the axis that is halved."""

    def __init__(self, look: Look, trace: Trace, dim: int) -> None:
        super().__init__(look, trace)
        self.axis = dim % len(trace.shape("input")) - len(trace.shape("input"))
        self.strip = self._strip()
        x, y = (np.array(trace.sample(f"curve.{name}").tolist()) for name in ("x", "output"))
        self.plot = Plot(look, (float(x[0]), float(x[-1])), (-0.06, 1.06), _AREA, "b", "gate = σ(b)")
        self.curve = self.plot.curve(x, y, look.theme.channel(1), 4.4)
        self.table = ElementTable(look, trace, COLUMNS, tensor="output", blank=COLUMNS)
        self.rider: Rider | None = None

    def scenery(self) -> VGroup:
        """Everything that stands from the beginning."""
        name = self.strip.caption(self.shape("input").replace(", ", ","))
        return VGroup(self.strip, name, self.plot, self.curve, self.table.scenery)

    def halves(self) -> list[VGroup]:
        """The halves of the input outlined and named; none where they do not lie side by side in the strip."""
        theme = self.look.theme
        return [
            VGroup(
                Shape(self.strip.outline(first, last, -0.03), stroke=theme.channel(number), stroke_width=4.5),
                self._name("ab"[number], first, last, theme.channel(number)),
            )
            for number, (first, last) in enumerate(self._ends())
        ]

    def ride(self, row: int) -> list[Animation]:
        """The dot goes to a row's b on the curve."""
        x, y = (self.table.value(name, row) for name in ("b", "gate"))
        if self.rider is not None:
            return [self.rider.ride(x, y)]
        self.rider = self.plot.rider(self.curve, x, self.look.theme.accent, y)
        return [Appear(self.rider)]

    def _strip(self) -> Grid:
        """The input, or the first plane of it."""
        shape = self.trace.shape("input")
        rows, cols = (1, *shape)[-2:]
        width, height, middle = _STRIP
        cells = Cells.fit(rows, cols, width, height, self.texts("input"), 0.8)
        return self.grid("input", (0,) * max(0, len(shape) - 2), cells, middle)

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
            middle[1] -= cells.rows * cells.height / 2 + 0.2
        return self.label(text, middle, _HALF_NAME, color)
