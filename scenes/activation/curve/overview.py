"""All element-wise activations at once: families of curves over the same input."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

import numpy as np
from manim import Animation

from torchreel.scenes.activation import operators
from torchreel.scenes.activation.curve.functions import law
from torchreel.scenes.activation.curve.overview_trace import (
    FAMILIES,
    MODULES,
)
from torchreel.scenes.parts.curve import Curve
from torchreel.scenes.parts.desk import Desk
from torchreel.scenes.parts.motion import Appear, Paint, Vanish
from torchreel.scenes.parts.plot import Plot, covering
from torchreel.scenes.parts.shapes import Shape, box_points
from torchreel.scenes.parts.text import Text
from torchreel.scenes.stage.beats import Beat
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.trace.formula import Expr, Ref, Token, cells

_COLUMNS = 8
_PITCH, _TALL = (1.68, 1.98), 1.34
_LEFT, _TOP = -6.62, 2.72
_WIDE = 1.42


class Activations(OperatorScene):
    """Family by family, each function is drawn through the outputs that torch gives for the same inputs."""

    operator = operators.Activations

    def call(self) -> list[tuple[str, bool]]:
        return [(f"input {self.trace.shape('input')}".replace(", ", ","), False)]

    def story(self) -> Iterator[Beat]:
        self.x = np.array(self.trace.sample("curve.x").tolist())
        names = [type(module).__name__ for module in MODULES]
        self.plots = {name: self._plot(name, number) for number, name in enumerate(names)}
        self.titles = {name: self._title(name) for name in names}
        self.frames: list[Shape] = []
        self.add(*self.plots.values(), *self.titles.values())
        known = self.trace.sample("input")
        ends = {"low": self.text("input", float(known.min())), "high": self.text("input", float(known.max()))}
        yield Beat("start", run_time=1.4, values={"count": len(MODULES), "size": len(known), **ends})
        for number, (family, members) in enumerate(FAMILIES.items()):
            own = [type(module).__name__ for module in members]
            yield Beat(family, partial(self._family, number, own), 0.7, 1.0, self._law(own[0]))
        yield Beat("done", self._finish, 0.4, 1.0, ())

    def _family(self, number: int, names: list[str]) -> Iterable[Animation]:
        color = self.look.theme.channel(number)
        curves = [Appear(part) for name in names for part in self._drawn(name, color)]
        lit = [Paint(self.titles[name], fill=self.look.theme.text) for name in names]
        return [*self._point(names), *curves, *lit]

    def _point(self, names: list[str]) -> list[Animation]:
        """One frame round the family's plots in each row they stand in."""
        gone = [Vanish(frame) for frame in self.frames]
        desk = Desk(self.look, self.trace)
        self.frames = [desk.frame(path, 3.6, z_index=0) for path in self._outlines(names)]
        return [*gone, *(Appear(frame) for frame in self.frames)]

    def _outlines(self, names: list[str]) -> Iterator[np.ndarray]:
        rows: dict[int, list[int]] = {}
        for name in names:
            place = list(self.plots).index(name)
            rows.setdefault(place // _COLUMNS, []).append(place % _COLUMNS)
        for row, columns in rows.items():
            left = _LEFT + columns[0] * _PITCH[0] - 0.13
            right = _LEFT + columns[-1] * _PITCH[0] + _WIDE + 0.13
            middle = ((left + right) / 2, _TOP - row * _PITCH[1] - _TALL / 2 + 0.13)
            yield box_points(right - left, _TALL + 0.52, middle, 0.1)

    def _drawn(self, name: str, color: str) -> list[Curve | Shape]:
        """The curve, and the outputs of the inputs on it."""
        plot, number = self.plots[name], list(self.plots).index(name)
        y = np.array(self.trace.sample(f"curve.{name}").tolist())
        known = self.trace.sample("input").tolist()[:9]
        places = [self._index(number, flat) for flat in range(len(known))]
        return [
            plot.curve(self.x, y, color, 3.6),
            plot.dots(known, self.trace.values("output", places), color, 0.05),
        ]

    def _index(self, number: int, flat: int) -> tuple[int, ...]:
        shape = self.trace.shape("input")
        return (number, *(int(axis) for axis in np.unravel_index(flat, shape)))

    def _plot(self, name: str, number: int) -> Plot:
        left = _LEFT + number % _COLUMNS * _PITCH[0]
        top = _TOP - number // _COLUMNS * _PITCH[1]
        y = self.trace.sample(f"curve.{name}").tolist()
        span = (float(self.x[0]), float(self.x[-1]))
        return Plot(
            self.look, span, covering([*y, 0.0], 0.1), (left, top - _TALL, left + _WIDE, top), bare=True
        )

    def _title(self, name: str) -> Text:
        plot = self.plots[name]
        middle = (plot.left + plot.right) / 2
        at = (middle, plot.top + 0.1)
        return Desk(self.look, self.trace).label(name, at, font="sans", vertical="baseline")

    def _law(self, name: str) -> list[Token]:
        """The formula of a family's first function."""
        one = law(MODULES[list(self.plots).index(name)])
        cell = cells((1,), 0, 1)
        x = Ref("x", cell)
        pieces: list[Expr] = [piece.formula(x, cell) for piece in one.pieces]
        if not one.pieces[0].condition:
            return [Token(f"{name}(x) = {pieces[0].symbols()}")]
        said = [
            f"{part.symbols()}  ({piece.condition.format('x')})"
            for part, piece in zip(pieces, one.pieces, strict=True)
        ]
        return [Token(f"{name}(x) = " + ",  ".join(said))]

    def _finish(self) -> Iterable[Animation]:
        return [Vanish(frame) for frame in self.frames]
