"""Bars over a common zero, one slot for each class or input: what the losses with a margin are drawn with."""

from __future__ import annotations

import math

from manim import VGroup

from torchreel.scenes.parts.desk import Desk
from torchreel.scenes.parts.look import MIN_TEXT, Look
from torchreel.scenes.parts.plot import dashed
from torchreel.scenes.parts.rooms import Area
from torchreel.scenes.parts.shapes import Box, Path, Shape
from torchreel.scenes.trace.proof import Trace

_BAR = 0.56
_NAMES, _HEADS, _BESIDE = 0.4, 0.34, 2.3
_NARROWEST = 0.02


class Chart(Desk):
    """Bars in `slots` places, values upwards over a common span, in an area with room for names below and beside."""

    def __init__(self, look: Look, trace: Trace, slots: int, span: tuple[float, float], area: Area) -> None:
        super().__init__(look, trace)
        room = area.width - _BESIDE - 0.2
        self.width = min(room / max(1, slots), 1.9)
        self.left = area.left + max(0.2, (room - self.width * slots) / 2)
        self.right = self.left + self.width * slots
        self.low, self.high = area.bottom + _NAMES, area.top - _HEADS
        self.span = _finite(span)

    def x(self, slot: float) -> float:
        """The middle of a slot."""
        return self.left + (slot + 0.5) * self.width

    def y(self, value: float) -> float:
        """The height of a value; what is outside the span comes to its edge."""
        low, high = self.span
        share = (min(max(value, low), high) - low) / (high - low)
        return self.low + share * (self.high - self.low)

    def base(self) -> Path:
        """The line of 0."""
        return Path([(self.left - 0.1, self.y(0)), (self.right + 0.1, self.y(0))], self.look.theme.wire, 2.0)

    def bar(self, slot: float, value: float, color: str, start: float = 0.0, share: float = _BAR) -> VGroup:
        """A bar from `start` to a value; what is not finite has none."""
        if not (math.isfinite(value) and math.isfinite(start)):
            return VGroup()
        low, high = sorted((self.y(start), self.y(value)))
        height = max(high - low, _NARROWEST)
        return VGroup(Box(self.width * share, height, (self.x(slot), (low + high) / 2), fill=color))

    def level(self, value: float, color: str, label: str, shift: float = 0.0) -> VGroup:
        """A dashed line at a value over all slots, named at its right end, `shift` higher than the line."""
        if not math.isfinite(value):
            return VGroup()
        y = self.y(value)
        line = Shape(dashed((self.left - 0.1, y), (self.right + 0.1, y)), stroke=color, stroke_width=2.6)
        name = self.label(
            label, (self.right + 0.2, y + shift), MIN_TEXT, color=color, align="left", font="sans"
        )
        return VGroup(line, name)

    def zone(self, top: float, label: str) -> VGroup:
        """The shaded part under a value, where nothing is lost."""
        if math.isnan(top):
            return VGroup()
        theme = self.look.theme
        high, low = self.y(top), self.low
        fill = theme.tint(theme.good, 0.12)
        middle = ((self.left + self.right) / 2, (low + high) / 2)
        group = VGroup(
            Box(self.right - self.left + 0.2, max(0.02, high - low), middle, fill=fill, z_index=-2)
        )
        if high - low > 0.45:
            at = (self.right + 0.2, low + 0.1)
            group.add(self.label(label, at, MIN_TEXT, color=theme.good, font="sans", align="left"))
        return group

    def name(self, slot: int, text: str) -> VGroup:
        """A word under a slot."""
        at = (self.x(slot), self.low - 0.2)
        return VGroup(self.label(text, at, MIN_TEXT, font="sans"))

    def head(self, slot: float, value: float, text: str, color: str) -> VGroup:
        """A word over the end of a bar."""
        if not math.isfinite(value):
            return VGroup()
        y = self.y(max(value, 0.0)) + 0.17
        return VGroup(self.label(text, (self.x(slot), y), MIN_TEXT, color=color, font="sans"))


def _finite(span: tuple[float, float]) -> tuple[float, float]:
    low, high = (value if math.isfinite(value) else 0.0 for value in span)
    return (low, high) if high > low else (low - 1, high + 1)
