"""A sign between things: a formula that stands over the lines from one to another, whole and readable."""

from __future__ import annotations

from manim import VGroup

from torchreel.scenes.parts.look import Look
from torchreel.scenes.parts.mathtext import MathText, width
from torchreel.scenes.parts.shapes import Box, Point
from torchreel.scenes.parts.text import SHARE, Align

_BESIDE = 0.02


class Sign(VGroup):
    """A formula at a place, on a patch of the page that hides the lines behind it."""

    def __init__(self, look: Look, text: str, at: Point, size: float, align: Align = "center") -> None:
        wide = width(text, size)
        middle = (at[0] + (0.5 - SHARE[align]) * wide, at[1])
        patch = Box(wide + 2 * _BESIDE, size + 4 * _BESIDE, middle, fill=look.theme.background)
        super().__init__(patch, MathText(text, size, look.theme.text).place(at, align=align))
