"""GLU: the input's second half decides how much of its first half passes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.activation import operators
from torchreel.scenes.activation.curve.table import ElementTable
from torchreel.scenes.parts.grid import Cells, Grid, drawn_texts
from torchreel.scenes.parts.motion import Appear, Vanish, sweep_times
from torchreel.scenes.parts.plot import Plot, Rider
from torchreel.scenes.parts.shapes import Shape
from torchreel.scenes.parts.text import Text
from torchreel.scenes.stage.beats import Beat
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.trace.formula import Token

_AREA = (-6.1, -2.2, 0.3, 0.45)
_STRIP = (7.2, 1.4, (-2.9, 1.9))
_COLUMNS = ("a", "b", "gate", "output")
_MOST_SLOW = 2


class GLU(OperatorScene):
    """The halves part, b becomes a gate on the sigmoid's curve, and the gate multiplies a."""

    operator = operators.GLU

    def story(self) -> Iterator[Beat]:
        self.strip = self._strip()
        self.plot = Plot(self.look, *self._spans(), _AREA, "b", "gate = σ(b)")
        self.curve = self.plot.curve(*self._points(), self.look.theme.channel(1), 4.4)
        self.table = ElementTable(self.look, self.trace, _COLUMNS, tensor="output", blank=_COLUMNS)
        self.rider: Rider | None = None
        label = self.strip.caption(f"input {self.trace.shape('input')}".replace(", ", ","))
        self.add(self.strip, label, self.plot, self.curve, self.table.scenery)
        yield Beat(
            "start", run_time=1.5, formula=[Token("output = a·gate,  gate = σ(b)")], also=self._reading()
        )
        yield Beat("halves", self._part, 0.7, 1.2)
        rows = self.table.rows
        for row in rows[:_MOST_SLOW]:
            index = self.table.index(row)
            yield Beat(
                "gate",
                partial(self._open, row),
                0.7,
                0.6,
                self.trace.step("gate", index),
                self.numbers_of(row),
            )
            step = self.trace.step("output", index)
            yield Beat("multiply", partial(self._multiply, row), 0.5, 0.9, step, self.numbers_of(row))
        rest = rows[_MOST_SLOW:]
        for row, seconds in zip(rest, sweep_times(len(rest), 0.8, 0.4), strict=True):
            step = self.trace.step("output", self.table.index(row))
            yield Beat("sweep", partial(self._both, row), seconds, 0.2, step)
        yield Beat("done", self._finish, 0.4, 1.2)

    def values(self) -> dict[str, object]:
        dim = getattr(self.trace.module, "dim", -1)
        return {
            "dim": dim,
            "size": self.trace.shape("input")[dim],
            "half": self.trace.shape("output")[dim],
        }

    def numbers_of(self, row: int) -> dict[str, object]:
        index = self.table.index(row)
        return {name: self.text(name, self.trace.value(name, index)) for name in _COLUMNS}

    def _reading(self) -> tuple[str, ...]:
        needed = {"sampled": self.table.is_sampled, "heat": not self.table.has_numbers}
        return tuple(key for key, needs in needed.items() if needs)

    def _points(self) -> tuple[np.ndarray, np.ndarray]:
        x, y = (self.trace.sample(f"curve.{name}").tolist() for name in ("x", "output"))
        return np.array(x), np.array(y)

    def _spans(self) -> tuple[tuple[float, float], tuple[float, float]]:
        x = self._points()[0]
        return (float(x[0]), float(x[-1])), (-0.06, 1.06)

    def _strip(self) -> Grid:
        """The input, or the first plane of it."""
        shape = self.trace.shape("input")
        rows, cols = shape[-2:] if len(shape) > 1 else (1, shape[0])
        width, height, middle = _STRIP
        cells = Cells.fit(rows, cols, width, height, drawn_texts(self.look, self.trace, "input"), 0.8)
        return Grid(self.look, self.trace, "input", (0,) * max(0, len(shape) - 2), cells, middle)

    def _part(self) -> Iterable[Animation]:
        """The halves are outlined and named, and become the columns a and b."""
        written = [
            move for row in self.table.rows for name in ("a", "b") for move in self.table.write(name, row)
        ]
        return [*(Appear(part) for part in self._halves()), *written]

    def _halves(self) -> list[VGroup]:
        shape, theme = self.trace.shape("input"), self.look.theme
        axis = getattr(self.trace.module, "dim", -1) % len(shape) - len(shape)
        rows, cols = self.strip.shape
        whole = (rows, cols) == ((1, *shape)[-2:] if len(shape) == 1 else shape[-2:])
        if axis < -2 or not whole:
            return []
        by_rows = axis == -2
        cut = (rows if by_rows else cols) // 2
        ends = [((0, 0), (cut - 1, cols - 1)), ((cut, 0), (rows - 1, cols - 1))] if by_rows else [
            ((0, 0), (rows - 1, cut - 1)), ((0, cut), (rows - 1, cols - 1))]  # fmt: skip
        return [
            VGroup(
                Shape(self.strip.outline(first, last, -0.03), stroke=theme.channel(number), stroke_width=4.5),
                self._name("ab"[number], first, last, theme.channel(number), by_rows),
            )
            for number, (first, last) in enumerate(ends)
        ]

    def _name(
        self, text: str, first: tuple[int, int], last: tuple[int, int], color: str, beside: bool
    ) -> Text:
        middle = (self.strip.center(first) + self.strip.center(last)) / 2
        cells = self.strip.cells
        if beside:
            middle[0] += cells.cols * cells.width / 2 + 0.22
        else:
            middle[1] -= cells.rows * cells.height / 2 + 0.2
        return Text(text, 0.24, color, "mono").place(middle)

    def _open(self, row: int) -> Iterable[Animation]:
        return [*self.table.point(row, "b", "gate"), *self._ride(row), *self.table.write("gate", row)]

    def _multiply(self, row: int) -> Iterable[Animation]:
        return [*self.table.point(row, "a", "gate", "output"), *self.table.write("output", row)]

    def _both(self, row: int) -> Iterable[Animation]:
        return [*self._ride(row), *self.table.write("gate", row), *self._multiply(row)]

    def _ride(self, row: int) -> list[Animation]:
        """The dot goes to a row's b on the curve."""
        x, y = (self.table.value(name, row) for name in ("b", "gate"))
        if self.rider is not None:
            return [self.rider.ride(x, y)]
        self.rider = self.plot.rider(self.curve, x, self.look.theme.accent, y)
        return [Appear(self.rider)]

    def _finish(self) -> Iterable[Animation]:
        cursors = [Vanish(shape) for shape in self.table.cursors.shapes]
        return [*cursors, *([Vanish(self.rider)] if self.rider else [])]
