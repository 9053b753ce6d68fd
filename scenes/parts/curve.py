"""A function's line on a plot, and the dot that rides it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from manim import VGroup

from torchreel.scenes.parts.axes import Frame
from torchreel.scenes.parts.look import Look
from torchreel.scenes.parts.motion import Morph, Tween
from torchreel.scenes.parts.shapes import Disc, Shape, box_points, polyline

CURVE_Z, RIDER_Z = 1, 3
_RADIUS = 0.11


class Curve(Shape):
    """A function's line in a frame, made by `Plot.curve`. `bend` morphs it into another one over the same x."""

    def __init__(
        self, frame: Frame, xs: np.ndarray, ys: np.ndarray, color: str, width: float, opacity: float = 1.0
    ) -> None:
        self.frame, self.xs, self.ys = frame, xs, ys
        super().__init__(self._path(ys), stroke=color, stroke_width=width, opacity=opacity, z_index=CURVE_Z)

    def bend(self, ys: np.ndarray | Sequence[float], **kwargs: Any) -> Morph:
        """The curve becomes the one through `ys`, at the x it has."""
        self.ys = np.asarray(ys, float)
        return Morph(self, self._path(self.ys), **kwargs)

    def part(self, start: float, end: float, color: str, width: float = 6.5) -> Curve:
        """The piece between two x (infinities reach its ends) as a curve of its own, to light up a regime."""
        first, last = (min(max(limit, self.xs[0]), self.xs[-1]) for limit in (start, end))
        inner = (self.xs > first) & (self.xs < last)
        xs, ys = self.xs[inner], self.ys[inner]
        if len(xs) == 0:
            xs, ys = np.array([first, last]), np.array([self.value(first), self.value(last)])
        else:
            xs = np.array([first, *xs, last])
            ys = np.array([_onward(xs[1:3], ys[:2], first), *ys, _onward(xs[-3:-1], ys[-2:], last)])
        return Curve(self.frame, xs, ys, color, width)

    def value(self, x: float) -> float:
        """The curve's y at x, between its points; across a break it is a straight line."""
        known = np.isfinite(self.ys)
        return float(np.interp(x, self.xs[known], self.ys[known])) if known.any() else math.nan

    def _path(self, ys: np.ndarray) -> np.ndarray:
        """One cubic for each step from point to point, so that curves over equally many points can morph.

        Steps that lie outside the frame or have no value shrink to the end of one that is drawn.
        """
        points = list(zip(self.xs.tolist(), ys.tolist(), strict=True))
        steps = [self.frame.clipped(a, b) for a, b in pairwise(points)]
        drawn = [step for step in steps if step is not None]
        if not drawn:
            return np.zeros((0, 3))
        end, pieces = drawn[0][0], []
        for step in steps:
            pieces.append(polyline([end, end] if step is None else step))
            end = end if step is None else step[1]
        return np.concatenate(pieces)


class Rider(VGroup):
    """A dot on a curve with lines to the axes, made by `Plot.rider`; `ride` takes it along the curve.

    What is outside the frame is drawn at its edge, and a NaN is not drawn at all.
    """

    def __init__(self, look: Look, curve: Curve, x: float, color: str, y: float | None, drops: str) -> None:
        self.curve, self.drops = curve, drops
        flat = polyline([np.zeros(3)] * 2)
        self.lines = [Shape(flat, stroke=color, stroke_width=2.2, z_index=RIDER_Z) for _ in drops]
        self.disc = Disc(_RADIUS, fill=color, stroke=look.theme.background, stroke_width=2.4, z_index=RIDER_Z)
        super().__init__(*self.lines, self.disc)
        self.put(x, y)

    def put(self, x: float, y: float | None = None) -> None:
        """Set the dot at x at once: on the curve, or at y where torch's own value is known."""
        self.at = (x, self.curve.value(x) if y is None else y)
        known = not math.isnan(sum(map(abs, self.at)))
        left, bottom = self.curve.frame.area[:2]
        place = self.curve.frame.clamped(*self.at) if known else np.array([left, bottom, 0.0])
        ends = {"x": (place[0], bottom), "y": (left, place[1])}
        for axis, line in zip(self.drops, self.lines, strict=True):
            line.points = polyline([place, ends[axis]])
        self.disc.points = box_points(2 * _RADIUS, 2 * _RADIUS, place, _RADIUS)
        for member in (*self.lines, self.disc):
            member.fill_rgbas = _faded(member.fill_rgbas, member.fill_opacity * known)
            member.stroke_rgbas = _faded(member.stroke_rgbas, member.stroke_opacity * known)

    def ride(self, x: float, y: float | None = None, **kwargs: Any) -> Ride:
        """Along the curve to x (to y there, if given). A NaN hides the dot, the next number brings it back."""
        return Ride(self, x, y, **kwargs)


class Ride(Tween):
    """A rider's way along its curve. Where it starts or ends beside the curve, the distance fades on the way."""

    def __init__(self, rider: Rider, x: float, y: float | None, **kwargs: Any) -> None:
        super().__init__(rider, **kwargs)
        self.rider, self.x, self.y = rider, x, y

    def begin(self) -> None:
        (x, y), curve = self.rider.at, self.rider.curve
        self.start, self.off = x, _finite(y - curve.value(x))
        self.goal = 0.0 if self.y is None else _finite(self.y - curve.value(self.x))
        self.interpolate(0)

    def interpolate_mobject(self, alpha: float) -> None:
        along = self.rate_func(min(1.0, alpha * max(1.0, self.run_time / self.quick)))
        low, high = self.rider.curve.frame.x
        start, end = (min(max(x, low), high) for x in (self.start, self.x))
        if along == 1 or math.isnan(start) or math.isnan(end):
            self.rider.put(self.x, self.y)
        elif along > 0:
            x = start + (end - start) * along
            self.rider.put(x, self.rider.curve.value(x) + self.off + (self.goal - self.off) * along)


def _finite(value: float) -> float:
    return value if math.isfinite(value) else 0.0


def _onward(xs: np.ndarray, ys: np.ndarray, x: float) -> float:
    """The line through the first and last of some points, at x: where a piece ends between two samples."""
    run = xs[-1] - xs[0]
    return float(ys[0] + ((ys[-1] - ys[0]) / run if run else 0.0) * (x - xs[0]))


def _faded(rgbas: np.ndarray, opacity: float) -> np.ndarray:
    changed = rgbas.copy()
    changed[:, 3] = opacity
    return changed
