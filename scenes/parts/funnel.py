"""What leads from one block of cells to another: two lines, what lies between them, and a sign of what is done there.

    Funnel(look, (right, top, bottom), (left, top, bottom)).sign("Σ", x)

All of it runs behind the cells, so that it crosses no number.
"""  # fmt: skip

from __future__ import annotations

from collections.abc import Sequence

from manim import VGroup

from torchreel.scenes.parts.look import Look
from torchreel.scenes.parts.shapes import Path, Point, Shape, polyline
from torchreel.scenes.parts.text import Text, measure

SIGN = 0.34
"""The size of a sign of arithmetic (em height)."""
_ROOM, _HALF = 0.54, 0.16
_LINE = 2.0
_FARTHER, _BEHIND = -2, -1

Side = tuple[float, float, float]
"""An upright side of a block: x, top, bottom (scene units)."""


class Funnel(VGroup):
    """From one upright side to another that lies to the right of it."""

    def __init__(self, look: Look, start: Side, end: Side) -> None:
        super().__init__()
        self.look, self.start, self.end = look, start, end
        (x, top, foot), (to, high, low) = start, end
        self.add(*across(look, [(x, top), (to, high), (to, low), (x, foot)]))

    def sign(self, text: str, x: float) -> Funnel:
        """The beam with a sign between its lines at `x`, if they are far enough apart there, all along the sign."""
        half = measure(text, SIGN) / 2
        (left, below), (top, foot), (right, beneath) = (self._lines(at) for at in (x - half, x, x + half))
        highest, lowest = min(left, right), max(below, beneath)
        if top - foot > _ROOM and highest - lowest > 2 * _HALF:
            y = min(max((top + foot) / 2, lowest + _HALF), highest - _HALF)
            self.add(Text(text, SIGN, self.look.theme.muted).place((x, y)))
        return self

    def _lines(self, x: float) -> tuple[float, float]:
        """How high the upper and the lower line are at `x`."""
        share = (x - self.start[0]) / (self.end[0] - self.start[0])
        top, foot = (a + share * (b - a) for a, b in zip(self.start[1:], self.end[1:], strict=True))
        return top, foot


def across(look: Look, corners: Sequence[Point]) -> list[Shape]:
    """Lines from the first corner to the second and from the fourth to the third, and what lies between them."""
    theme = look.theme
    line = theme.tint(theme.accent, 0.55)
    a, b, c, d = corners
    return [
        Shape(polyline([a, b, c, d, a]), fill=theme.tint(theme.accent, 0.07), z_index=_FARTHER),
        Path([a, b], line, _LINE, z_index=_BEHIND),
        Path([d, c], line, _LINE, z_index=_BEHIND),
    ]
