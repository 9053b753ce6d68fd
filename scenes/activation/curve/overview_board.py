"""The board of the overview: a small plot for each element-wise activation, family after family."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from manim import Animation

from torchreel.scenes.parts.curve import Curve
from torchreel.scenes.parts.look import Look
from torchreel.scenes.parts.motion import Appear, Vanish
from torchreel.scenes.parts.plot import Plot, covering
from torchreel.scenes.parts.shapes import Shape, box_points
from torchreel.scenes.parts.text import Text
from torchreel.scenes.stage.board import Board
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

_COLUMNS = 8
_PITCH, _TALL = (1.68, 1.98), 1.34
_LEFT, _TOP = -6.62, 2.72
_WIDE = 1.42
_CURSOR = 3.6
_MOST_DOTS = 9


class OverviewBoard(Board):
    """Plots of the functions `names`, in rows; each stays empty until it is drawn."""

    def __init__(self, look: Look, trace: Trace, names: Sequence[str]) -> None:
        super().__init__(look, trace)
        self.names = names
        self.x = np.array(trace.sample("curve.x").tolist())
        self.plots = {name: self._plot(name, number) for number, name in enumerate(names)}
        self.titles = {name: self._title(name) for name in names}
        self.cursors: list[Shape] = []

    def point(self, names: Sequence[str]) -> list[Animation]:
        """One frame round a family's plots in each row they stand in, and no other frame."""
        gone = self.leave()
        self.cursors = [self.frame(path, _CURSOR, z_index=0) for path in self._outlines(names)]
        return [*gone, *(Appear(frame) for frame in self.cursors)]

    def leave(self) -> list[Animation]:
        """The frames go."""
        return [Vanish(frame) for frame in self.cursors]

    def drawn(self, name: str, color: str) -> list[Curve | Shape]:
        """The curve of a function, and the outputs of the inputs on it."""
        plot, number = self.plots[name], self.names.index(name)
        y = np.array(self.trace.sample(f"curve.{name}").tolist())
        known = self.trace.sample("input").tolist()[:_MOST_DOTS]
        places = [self._index(number, flat) for flat in range(len(known))]
        return [
            plot.curve(self.x, y, color, 3.6),
            plot.dots(known, self.trace.values("output", places), color, 0.05),
        ]

    def _outlines(self, names: Sequence[str]) -> Iterator[np.ndarray]:
        rows: dict[int, list[int]] = {}
        for place in map(self.names.index, names):
            rows.setdefault(place // _COLUMNS, []).append(place % _COLUMNS)
        for row, columns in rows.items():
            left = _LEFT + columns[0] * _PITCH[0] - 0.13
            right = _LEFT + columns[-1] * _PITCH[0] + _WIDE + 0.13
            middle = ((left + right) / 2, _TOP - row * _PITCH[1] - _TALL / 2 + 0.13)
            yield box_points(right - left, _TALL + 0.52, middle, 0.1)

    def _index(self, number: int, flat: int) -> Index:
        shape = self.trace.shape("input")
        return (number, *(int(axis) for axis in np.unravel_index(flat, shape)))

    def _plot(self, name: str, number: int) -> Plot:
        left = _LEFT + number % _COLUMNS * _PITCH[0]
        top = _TOP - number // _COLUMNS * _PITCH[1]
        y = self.trace.sample(f"curve.{name}").tolist()
        span = (float(self.x[0]), float(self.x[-1]))
        area = (left, top - _TALL, left + _WIDE, top)
        return Plot(self.look, span, covering([*y, 0.0], 0.1), area, bare=True)

    def _title(self, name: str) -> Text:
        plot = self.plots[name]
        at = ((plot.left + plot.right) / 2, plot.top + 0.1)
        return self.label(name, at, font="sans", vertical="baseline")
