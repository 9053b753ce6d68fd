"""The graph of a function: axes with a few numbers, curves and marks.

The caller gives arrays that torch computed; the part only draws them. What stands on the axes is made by a method of
`Plot`, then added or animated by the caller:

    plot = Plot(look, x=(-4, 4), y=(0, 4), area=(-6.2, -2.1, 0.4, 2.8))
    curve = plot.curve(xs, ys, look.theme.channel(0))
    self.add(plot, curve, plot.dot(2.1, 0.4, look.theme.accent))

Positions and sizes on stage are scene units, x and y are the function's own. Whatever the order in which they are
added, axes lie below curves, then come marks and tags.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from manim import VGroup

from torchreel.scenes.parts.axes import Area, Frame, Span, labelled, ticks
from torchreel.scenes.parts.curve import CURVE_Z, RIDER_Z, Curve
from torchreel.scenes.parts.look import MIN_TEXT, Look
from torchreel.scenes.parts.shapes import Box, Disc, Shape, box_points, polyline
from torchreel.scenes.parts.text import Align, Text, measure

__all__ = ["Plot", "Tag", "dashed"]

_MARK_Z, _TAG_Z = (CURVE_Z + RIDER_Z) / 2, RIDER_Z + 1
_GAP, _DASH = 0.18, 0.09
_LABEL = MIN_TEXT


class Plot(VGroup):
    """Axes over a span of `x` and of `y`, with faint lines at a few round numbers.

    `area` (left, bottom, right, top) is the frame of the axes; their numbers stand outside it. `numbers=False` leaves
    out those of the x axis; a `bare` plot has none, and no grid: a small one of many.
    """

    def __init__(
        self, look: Look, x: Span, y: Span, area: Area, numbers: bool = True, bare: bool = False
    ) -> None:
        self.look, self.frame = look, Frame.of(x, y, area)
        self.left, self.bottom, self.right, self.top = area
        lines = self._lines()
        texts = [] if bare else self._numbers(numbers)
        super().__init__(*lines[1 if bare else 0 :], *texts)

    def point(self, x: float, y: float) -> np.ndarray:
        """Where (x, y) of the function is on stage, also outside the frame."""
        return self.frame.point(x, y)

    def curve(
        self,
        xs: np.ndarray | Sequence[float],
        ys: np.ndarray | Sequence[float],
        color: str,
        width: float = 4.0,
        opacity: float = 1.0,
    ) -> Curve:
        """The line through points in the order of x. It breaks where a y is NaN (a jump) and is cut at the frame."""
        return Curve(self.frame, np.asarray(xs, float), np.asarray(ys, float), color, width, opacity)

    def dot(self, x: float, y: float, color: str, radius: float = 0.09, hollow: bool = False) -> Disc:
        """A dot; a hollow one is the end that does not belong to a piece of a function that jumps."""
        background = self.look.theme.background
        fill, edge = (background, color) if hollow else (color, background)
        at = self.frame.clamped(x, y)
        return Disc(radius, at, fill=fill, stroke=edge, stroke_width=2.4, z_index=_MARK_Z)

    def dots(self, xs: Sequence[float], ys: Sequence[float], color: str, radius: float = 0.06) -> Shape:
        """Many dots as one object; those with a NaN are left out."""
        places = [self.frame.clamped(x, y) for x, y in zip(xs, ys, strict=True) if x == x and y == y]
        discs = [box_points(2 * radius, 2 * radius, place, radius) for place in places]
        return Shape(np.concatenate([np.zeros((0, 3)), *discs]), fill=color, z_index=_MARK_Z)

    def drops(self, x: float, y: float, color: str) -> Shape:
        """Dashed lines from (x, y) to both axes."""
        at = self.frame.clamped(x, y)
        lines = [dashed(at, (at[0], self.bottom, 0.0)), dashed(at, (self.left, at[1], 0.0))]
        return Shape(np.concatenate(lines), stroke=color, stroke_width=2.0, z_index=_MARK_Z)

    def _lines(self) -> list[Shape]:
        theme, (left, right), (low, high) = self.look.theme, self.frame.x, self.frame.y
        upright = [polyline([self.point(x, low), self.point(x, high)]) for x in ticks(self.frame.x)]
        level = [polyline([self.point(left, y), self.point(right, y)]) for y in ticks(self.frame.y)]
        zeros = [polyline([self.point(0, low), self.point(0, high)])] if left < 0 < right else []
        zeros += [polyline([self.point(left, 0), self.point(right, 0)])] if low < 0 < high else []
        frame = polyline([(self.left, self.top), (self.left, self.bottom), (self.right, self.bottom)])
        grid = Shape(np.concatenate([*upright, *level]), stroke=theme.tint(theme.line, 0.5), stroke_width=1.2)
        axes = [Shape(np.concatenate(zeros), stroke=theme.line, stroke_width=2.0)] if zeros else []
        return [grid, *axes, Shape(frame, stroke=theme.line, stroke_width=3.2)]

    def _numbers(self, on_x: bool) -> list[Text]:
        color = self.look.theme.muted
        below = [
            Text(text, MIN_TEXT, color).place((self.point(x, 0)[0], self.bottom - 0.2))
            for x, text in labelled(self.frame.x)
        ]
        beside = [
            Text(text, MIN_TEXT, color).place((self.left - _GAP, self.point(0, y)[1]), align="right")
            for y, text in labelled(self.frame.y)
        ]
        return [*below, *beside] if on_x else beside


class Tag(VGroup):
    """A text at `center` (its left or right end, by `align`) on a patch of `fill` that hides what runs below it."""

    def __init__(
        self,
        text: str,
        center: np.ndarray | Sequence[float],
        color: str,
        fill: str,
        align: Align = "center",
        size: float = _LABEL,
    ) -> None:
        width = measure(text, size) + 0.12
        middle = (center[0] + {"left": 0.5, "center": 0.0, "right": -0.5}[align] * width, center[1])
        words = Text(text, size, color).place(middle)
        words.z_index = _TAG_Z
        super().__init__(Box(width, size + 0.1, middle, fill=fill, z_index=_TAG_Z), words)


def dashed(start: np.ndarray | Sequence[float], end: np.ndarray | Sequence[float]) -> np.ndarray:
    """A straight line of dashes as cubics; it begins and ends with one."""
    a, b = np.asarray(start, float), np.asarray(end, float)
    count = 2 * math.floor(float(np.linalg.norm(b - a)) / (2 * _DASH)) + 1
    pieces = [polyline([a + (b - a) * k / count, a + (b - a) * (k + 1) / count]) for k in range(0, count, 2)]
    return np.concatenate(pieces)
