"""How windows and values move: frames that change colour, texts that travel, movements one after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from manim.utils.rate_functions import ease_in_out_cubic

from torchreel.scenes.parts.motion import Change, Tween
from torchreel.scenes.parts.shapes import Shape
from torchreel.scenes.parts.text import Text


class Become(Tween):
    """An object takes the path and the colours of another that has as many points."""

    def __init__(self, mobject: Shape, like: Shape, **kwargs: Any) -> None:
        super().__init__(mobject, **kwargs)
        self.like = like

    def changes(self) -> list[Change]:
        member = self.parts[0]
        arrays = ("points", "fill_rgbas", "stroke_rgbas")
        return [(member, name, getattr(member, name).copy(), getattr(self.like, name)) for name in arrays]  # type: ignore[list-item]


class Travel(Tween):
    """A text comes from where the same text stood, at the size it had there."""

    def __init__(self, text: Text, start: np.ndarray, size: float, **kwargs: Any) -> None:
        super().__init__(text, introducer=True, **kwargs)
        self.start = Text(text.text, size, font=text.font).place(start).points

    def changes(self) -> list[Change]:
        text = self.parts[0]
        return [(text, "points", self.start, text.points.copy())]  # type: ignore[list-item]


def lagged(number: int, count: int, share: float = 0.45) -> Callable[[float], float]:
    """The easing of one of `count` movements that start one after the other and each take `share` of the time."""
    begin = (1 - share) * number / max(1, count - 1)
    return lambda alpha: ease_in_out_cubic(min(1.0, max(0.0, (alpha - begin) / share)))


def first_two_thirds(alpha: float) -> float:
    """Everything happens in two thirds of the time."""
    return ease_in_out_cubic(min(1.0, 1.5 * alpha))


def last_third(alpha: float) -> float:
    """Nothing happens for two thirds of the time."""
    return ease_in_out_cubic(max(0.0, 3 * alpha - 2))
