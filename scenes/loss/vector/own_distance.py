"""TripletMarginWithDistanceLoss: distances by a function, as bars: that of the negative has to outreach a line.

Of any function only its answers are known, so that there are no points and no circle: the positive's distance, the
margin behind it, and below it the negative's distance, from the same zero.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from manim import VGroup

from torchreel.scenes.loss import operators
from torchreel.scenes.loss.board import aligned_index
from torchreel.scenes.loss.vector.story import LossAct
from torchreel.scenes.loss.vector.triplet import TripletScene
from torchreel.scenes.parts.look import MIN_TEXT
from torchreel.scenes.parts.plot import Tag, dashed
from torchreel.scenes.parts.shapes import Arrow, Box, Disc, Shape
from torchreel.scenes.parts.text import Align, measure
from torchreel.scenes.trace.formula import Index, Token

_POSITIVE, _NEGATIVE = 0, 1
"""The identifying colours of what should be near and of what should be far."""
_HIGH, _PITCH = 0.36, 0.62
_STRONG = 0.55
_TOO_NEAR = 0.3


class TripletMarginWithDistanceLoss(TripletScene):
    operator = operators.TripletMarginWithDistanceLoss

    def law(self) -> list[Token]:
        far = "min(to_negative, between)" if self.module.swap else "to_negative"
        law = f"loss = max(0, to_positive + {self.margin} − {far})"
        return [Token(f"{law},  d(a, p) = 1 − cos(a, p)" if self.facts["cosine_distance"] else law)]

    def call(self) -> list[tuple[str, bool]]:
        """The function by its name, if it has one; never by where it lies in memory."""
        given = self.trace.kwargs.get("distance_function")
        if given is None:
            return super().call()
        name = (
            f"{given}_distance"
            if isinstance(given, str)
            else getattr(given, "__name__", type(given).__name__)
        )
        return [(text.replace(repr(given), name), focus) for text, focus in super().call()]

    def acts(self, sample: Index) -> Iterator[LossAct]:
        near, far, between = (self._known(name, sample) for name in ("to_positive", "to_negative", "between"))
        swapped = bool(self.module.swap) and between < far
        bars = [("positive", near), ("negative", far), *([("swap", between)] if self.module.swap else [])]
        fence = near + float(self.module.margin)
        yield LossAct("points", VGroup(*self._arrows(sample)))
        if not self._are_finite(sample):
            yield LossAct("measure", VGroup(), writes=self._measured)
            return
        self._scale()
        step = self._rule("to_positive", sample)
        yield LossAct("measure", VGroup(*self._bars(bars)), step, writes=self._measured)
        reached = between if swapped else far
        row = 2 if swapped else 1
        yield LossAct(
            "swapped" if swapped else "ring", VGroup(*self._line(near, fence, reached, row, len(bars)))
        )

    @property
    def _measured(self) -> list[str]:
        return [name for name in ("to_positive", "to_negative", "between") if name in self.board.grids]

    @property
    def _is_plane(self) -> bool:
        """Whether the vectors can be drawn as directions that the function compares."""
        return self.facts["cosine_distance"] and self.trace.shape("anchor")[-1] == 2

    @property
    def _radius(self) -> float:
        return (self.board.area.height - 0.5) / 2

    @property
    def _center(self) -> np.ndarray:
        area = self.board.area
        return np.array([area.left + self._radius + 0.95, (area.bottom + area.top) / 2, 0.0])

    def _are_finite(self, sample: Index) -> bool:
        """Whether a sample has bars."""
        return all(math.isfinite(self._known(name, sample)) for name in ("to_positive", "to_negative"))

    def _scale(self) -> None:
        """One scale for the bars and lines of all samples."""
        area, values = self.board.area, [0.0]
        for sample in filter(self._are_finite, self.samples):
            values.append(self._known("to_positive", sample) + float(self.module.margin))
            values += filter(math.isfinite, (self._known(name, sample) for name in self._measured))
        names = max(measure(name, MIN_TEXT) for name in ("positive", "negative"))
        plane = self._center[0] + self._radius + names + 0.4 if self._is_plane else area.left + 0.8
        left = plane + names + 0.2
        self.span = (min(values), max(values))
        self.ends = (left, area.right - 1.2)
        self.top = (area.bottom + area.top) / 2 + _PITCH

    def _x(self, value: float) -> float:
        (low, high), (left, right) = self.span, self.ends
        return left + (right - left) * (value - low) / max(high - low, 1e-12)

    def _bars(self, bars: list[tuple[str, float]]) -> Iterator[VGroup]:
        theme = self.look.theme
        hues = {"positive": theme.channel(_POSITIVE), "negative": theme.channel(_NEGATIVE)}
        for row, (name, value) in enumerate(bars):
            hue = hues.get(name, theme.muted)
            at = (self.ends[0] - 0.14, self.top - row * _PITCH)
            label = self.board.label(name, at, MIN_TEXT, hue, "sans", align="right")
            yield VGroup(label, self._bar(0.0, value, row, theme.tint(hue, _STRONG)))

    def _bar(self, start: float, end: float, row: int, color: str) -> Box:
        low, high = sorted((self._x(start), self._x(end)))
        return Box(max(high - low, 0.02), _HIGH, ((low + high) / 2, self.top - row * _PITCH), fill=color)

    def _line(
        self, near: float, fence: float, reached: float, row: int, rows: int
    ) -> Iterator[Shape | VGroup]:
        """The margin behind the positive's bar, the line at its end, and what a bar lacks to it."""
        theme, board = self.look.theme, self.board
        yield self._bar(near, fence, 0, theme.tint(theme.good, 0.4))
        top, bottom = self.top + _HIGH / 2 + 0.1, self.top - (rows - 1) * _PITCH - _HIGH / 2 - 0.12
        x = self._x(fence)
        yield Shape(dashed((x, top), (x, bottom)), stroke=theme.good, stroke_width=2.8, z_index=2)
        name = f"{self.words('margin')} {self.margin}"
        middle = min((self._x(near) + x) / 2, self.ends[1] - measure(name, MIN_TEXT) / 2)
        yield board.label(name, (middle, top + 0.14), MIN_TEXT, theme.good, "sans")
        zone = (x, bottom - 0.2)
        yield board.label(self.words("zone") + " →", zone, MIN_TEXT, theme.good, "sans", align="left")
        if reached < fence:
            yield self._bar(reached, fence, row, theme.fill(1.0, 1.0, "result"))
            at = (x + 0.14, self.top - row * _PITCH)
            yield board.label(self.words("lost"), at, MIN_TEXT, theme.role("result"), "sans", align="left")

    def _arrows(self, sample: Index) -> Iterator[VGroup | Shape]:
        """Three directions in a circle, where there are but two numbers to a vector and their angle is what counts."""
        if not self._is_plane:
            return
        theme, center, radius = self.look.theme, self._center, self._radius
        yield Disc(radius, center, stroke=theme.line, stroke_width=2.2)
        hues = {
            "positive": theme.channel(_POSITIVE),
            "negative": theme.channel(_NEGATIVE),
            "anchor": theme.text,
        }
        angles = {name: self._angle(name, sample) for name in hues}
        for name, angle in angles.items():
            if not math.isfinite(angle):
                continue
            way = np.array([math.cos(angle), math.sin(angle), 0.0])
            yield Arrow([center, center + radius * way], hues[name], 4)
        for name, angle in self._spread({k: a for k, a in angles.items() if math.isfinite(a)}):
            way = np.array([math.cos(angle), math.sin(angle), 0.0])
            side: Align = "left" if way[0] > 0.2 else "right" if way[0] < -0.2 else "center"
            yield Tag(name, center + (radius + 0.16) * way, hues[name], theme.background, side, MIN_TEXT)

    def _spread(self, angles: dict[str, float]) -> list[tuple[str, float]]:
        """The directions of the names: those of their arrows, apart where these are near each other."""
        placed: list[tuple[str, float]] = []
        for name, angle in sorted(angles.items(), key=lambda one: one[1]):
            at = angle if not placed else max(angle, placed[-1][1] + _TOO_NEAR)
            placed.append((name, at))
        return placed

    def _angle(self, name: str, sample: Index) -> float:
        shape = self.trace.shape(name)
        x, y = (self.trace.value(name, (*aligned_index(sample, shape[:-1]), d)) for d in (0, 1))
        return math.atan2(y, x) if math.isfinite(x) and math.isfinite(y) and (x or y) else math.nan
