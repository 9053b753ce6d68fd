"""The graph of an element-wise loss: its curves with their names, and the way over them from an element to its loss."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from manim import VGroup

from torchreel.scenes.loss.elementwise.labels import CurveLabel, Labels
from torchreel.scenes.loss.elementwise.trace import Held, Span
from torchreel.scenes.parts.axes import Area, labelled
from torchreel.scenes.parts.curve import Curve
from torchreel.scenes.parts.desk import Desk
from torchreel.scenes.parts.look import MIN_TEXT, NAME_TEXT, Look
from torchreel.scenes.parts.mathtext import MathText
from torchreel.scenes.parts.plot import Plot, dashed
from torchreel.scenes.parts.shapes import Disc, Shape
from torchreel.scenes.parts.text import Text, measure
from torchreel.scenes.trace.proof import Trace

LANE = 0.17
"""How far below the axis the way to an element runs."""
_HEADROOM = 1.15
_LINE, _BEHIND, _LIT = 3.6, 2.4, 6.5
_DOT = 0.085
_HIGHEST, _MOST = 1e12, 1e15
_SHARES = (1.0, 0.94, 0.88, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.12, 0.06, 0.0)
_HUES = (2, 5, 3, 6, 7, 4, 1, 0)
_NUMBERS = 0.42

Point = tuple[float, float]


@dataclass(frozen=True)
class GraphNames:
    """What the graph calls its parts: `x` and `y` at the axes, each curve, the reference, and `marks` on the x axis."""

    x: str
    y: str
    curves: Sequence[str]
    reference: str = ""
    marks: Sequence[tuple[float, str]] = field(default_factory=tuple)


def heights(trace: Trace, span: Span, ys: Sequence[float]) -> tuple[float, float]:
    """What the y axis shows: the losses `ys`, at least as much as the clip wants, and 0."""
    found = [min(max(y, -_HIGHEST), _HIGHEST) for y in ys if math.isfinite(y)]
    low, high = span.tall
    top = max(high, max(found, default=0.0) * _HEADROOM)
    curves = [_bounded(one) for one in _arrays(trace)]
    dip = min([low, *found, *(float(np.nan_to_num(one, nan=0.0).min()) for one in curves)])
    low = max(dip, min([low, -0.35 * top, *found]))
    return (low * _HEADROOM if low < 0 else 0.0, top)


def gutter(y: tuple[float, float]) -> float:
    """The room that the numbers of the y axis take."""
    return max((measure(text, MIN_TEXT) for _, text in labelled(y)), default=0.0) + 0.26


class LossGraph(Desk):
    """Curves `curve.0`, `curve.1`… of a trace over `curve.x`, in `area`, with `dots` (curve number, x, y) to come."""

    def __init__(
        self,
        look: Look,
        trace: Trace,
        span: Span,
        y: tuple[float, float],
        area: Area,
        names: GraphNames,
        held: Sequence[Held],
        dots: Sequence[tuple[int, float, float]],
    ) -> None:
        super().__init__(look, trace)
        self.span, self.held, self.names = span, held, names
        self.xs, self.ys = trace.sample("curve.x").numpy(), _arrays(trace)
        self.plot = Plot(look, (self.xs[0], self.xs[-1]), y, area, numbers=False)
        self.curves = [self._curve(ys, self.color(k), _LINE) for k, ys in enumerate(self.ys)]
        self.scenery = VGroup(
            self.plot, *self._axes(), *self._marks(), *self._reference(), *self.curves, *self._labels(dots)
        )

    @property
    def has_many(self) -> bool:
        """Whether there are several curves to tell apart."""
        return len(self.curves) > 1

    def color(self, number: int) -> str:
        """The colour of a curve: red for target 1 and blue for target 0 or −1 in every loss, a single one orange."""
        theme, held = self.look.theme, self.held[number] if self.held else {}
        if self.span.always:
            target = held["target"]
            return theme.channel(0 if target == 1 else 1 if target in (0, -1) else 2 + number)
        return theme.channel(_HUES[number % len(_HUES)]) if len(self.ys) > 1 else theme.role("result")

    def spot(self, x: float, y: float) -> np.ndarray | None:
        """Where (x, y) is on the stage; None outside the frame."""
        (left, right), (low, high) = self.plot.frame.x, self.plot.frame.y
        if not (left <= x <= right and low <= y <= high):
            return None
        return self.plot.point(x, y)

    def way(self, x: float, y: float, start: Point, end: Point, lanes: Point) -> list[Point]:
        """The corners of the way from an element below the axis, up to (x, y) and across to its loss.

        `lanes` are the places of the upright pieces left and right of the frame. Empty where there is no such point.
        """
        spot = self.spot(x, y)
        if spot is None:
            return []
        below, (px, py) = self.plot.bottom - LANE, (float(spot[0]), float(spot[1]))
        left, right = lanes
        up = [start, (left, start[1]), (left, below), (px, below), (px, py)]
        return [*up, (right, py), (right, end[1]), end]

    def dot(self, number: int, x: float, y: float) -> Disc | None:
        """The dot that an element leaves on its curve."""
        return None if self.spot(x, y) is None else self.plot.dot(x, y, self.color(number), _DOT)

    def lit(self, number: int) -> Curve:
        """A curve as thick as the one that holds."""
        return self._curve(self.ys[number], self.color(number), _LIT)

    def _curve(self, ys: np.ndarray, color: str, width: float) -> Curve:
        return self.plot.curve(self.xs, _bounded(ys), color, width)

    def _reference(self) -> list[Curve]:
        if "curve.reference" not in self.trace.tensors:
            return []
        ys = _bounded(self.trace.sample("curve.reference").numpy())
        curve = self.plot.curve(self.xs, ys, self.look.theme.wire, _BEHIND, 0.8)
        curve.z_index = 0.5
        return [curve]

    def _axes(self) -> list[Text | MathText]:
        """The numbers of x, below the lane of the ways, and the names of both axes."""
        plot, muted = self.plot, self.look.theme.muted
        line = plot.bottom - _NUMBERS
        numbers = [
            Text(text, MIN_TEXT, muted).place((plot.point(x, 0)[0], line))
            for x, text in labelled(plot.frame.x)
        ]
        middle = (plot.left + plot.right) / 2
        x_name = MathText(self.names.x, NAME_TEXT, muted).place((middle, line - 0.34))
        y_name = MathText(self.names.y, NAME_TEXT, muted).place(
            (plot.left, plot.top + 0.14),
            align="center" if len(self.names.y) == 1 else "left",
            vertical="baseline",
        )
        return [*numbers, x_name, y_name]

    def _inside(self) -> list[tuple[float, str]]:
        low, high = self.plot.frame.x
        return [(at, name) for at, name in self.names.marks if low < at < high]

    def _marks(self) -> list[Shape]:
        plot = self.plot
        ends = [plot.point(at, 0)[0] for at, _ in self._inside()]
        lines = [dashed((x, plot.bottom, 0.0), (x, plot.top, 0.0)) for x in ends]
        if not lines:
            return []
        return [Shape(np.concatenate(lines), stroke=self.look.theme.wire, stroke_width=2.0)]

    def _labels(self, dots: Sequence[tuple[int, float, float]]) -> list[VGroup]:
        plot, theme = self.plot, self.look.theme
        named = [*self.curves, *self._reference()]
        lines = [self._drawn(one) for one in named]
        upright = [[plot.point(at, y) for y in plot.frame.y] for at, _ in self._inside()]
        spots = [spot for _, x, y in dots if (spot := self.spot(x, y)) is not None]
        ways = [
            [np.array([spot[0], plot.bottom, 0]), spot, np.array([plot.right, spot[1], 0])] for spot in spots
        ]
        area = (plot.left + 0.06, plot.bottom + 0.06, plot.right - 0.02, plot.top)
        labels = Labels(self.look, area, [*lines, *upright, *ways])
        found = [
            self._name(labels, name, self.color(k), k)
            for k, name in enumerate(self.names.curves)
            if name and lines[k]
        ]
        if len(named) > len(self.curves) and self.names.reference:
            found.append(
                labels.place(self.names.reference, theme.muted, self._anchors(named[-1]), len(named) - 1)
            )
        for (_, name), line in zip(self._inside(), upright, strict=True):
            anchors = [line[0] + (line[1] - line[0]) * share for share in (0.94, 0.8, 0.6, 0.4, 0.1)]
            found.append(labels.place(name, theme.muted, anchors))
        return [one for one in found if one is not None]

    def _name(self, labels: Labels, name: str, color: str, number: int) -> CurveLabel | None:
        """The name of a curve with its law, or without where there is no room; the colour alone where there is none."""
        anchors = self._anchors(self.curves[number])
        tried = (
            labels.place(one, color, anchors, number) for one in dict.fromkeys((name, name.split(":")[0]))
        )
        return next((one for one in tried if one is not None), None)

    def _drawn(self, curve: Curve) -> list[np.ndarray]:
        pairs = zip(curve.xs, curve.ys, strict=True)
        return [plotted for x, y in pairs if (plotted := self.spot(x, y)) is not None]

    def _anchors(self, curve: Curve) -> list[np.ndarray]:
        """Points of a curve inside the frame, its ends first."""
        drawn = self._drawn(curve) or [self.plot.point(self.xs[0], self.plot.frame.y[0])]
        return [drawn[round(share * (len(drawn) - 1))] for share in _SHARES]


def _arrays(trace: Trace) -> list[np.ndarray]:
    names = (f"curve.{number}" for number in range(len(trace.tensors)))
    return [trace.sample(name).numpy() for name in names if name in trace.tensors]


def _bounded(ys: np.ndarray) -> np.ndarray:
    """Values that a path can hold; what has none is a gap."""
    return np.where(np.isfinite(ys), ys, np.where(ys == np.inf, _MOST, np.nan)).clip(-_MOST, _MOST)
