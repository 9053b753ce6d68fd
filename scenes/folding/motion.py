"""How windows and values move: frames that change colour, texts that travel, movements one after the other."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from manim import Animation, Mobject, Scene
from manim.utils.rate_functions import ease_in_out_cubic

from torchreel.scenes.parts.look import Look
from torchreel.scenes.parts.motion import Appear, Change, Tween, Vanish
from torchreel.scenes.parts.shapes import Box, Point, Shape, as_point
from torchreel.scenes.parts.text import Text

_ABOVE = 5


class Become(Tween):
    """An object takes the colours of another at once, and moves to its path, which has as many points."""

    def __init__(self, mobject: Shape, like: Shape, **kwargs: Any) -> None:
        super().__init__(mobject, **kwargs)
        self.like = like

    def changes(self) -> list[Change]:
        member = self.parts[0]
        member.fill_rgbas, member.stroke_rgbas = self.like.fill_rgbas, self.like.stroke_rgbas
        return [(member, "points", member.points.copy(), self.like.points)]


class ColoredFrames:
    """Frames by name: each comes where it is first shown, and from then on slides and takes the new colours.

    `pace` is the most seconds a slide takes: in a sweep frames hurry on, so that the values are watched.
    """

    def __init__(self) -> None:
        self._shown: dict[str, Shape] = {}
        self.pace = math.inf

    def show(self, name: str, new: Shape) -> list[Animation]:
        """A frame comes, or goes on from where it is."""
        if name in self._shown:
            return [Become(self._shown[name], new, quick=self.pace)]
        self._shown[name] = new
        return [Appear(new)]

    def hide(self, *names: str) -> list[Animation]:
        """Frames leave until they are shown again elsewhere."""
        return [Vanish(self._shown.pop(name)) for name in names if name in self._shown]

    def leave(self) -> list[Animation]:
        """All of them leave."""
        return self.hide(*self._shown)


class Travel(Tween):
    """A text comes from where the same text stood, at the size it had there, above everything else."""

    def __init__(self, text: Text, start: Point, size: float, **kwargs: Any) -> None:
        super().__init__(text, introducer=True, **kwargs)
        self.start = Text(text.text, size, font=text.font).place(as_point(start)).points
        text.z_index = _ABOVE + 1

    def changes(self) -> list[Change]:
        text = self.parts[0]
        return [(text, "points", self.start, text.points.copy())]

    def clean_up_from_scene(self, scene: Scene) -> None:
        super().clean_up_from_scene(scene)
        self.parts[0].z_index = 0


class Tile(Tween):
    """The coloured ground of a travelling text, there only while it moves."""

    def __init__(self, look: Look, text: Text, start: Point, color: str, **kwargs: Any) -> None:
        left, bottom, right, top = text.box()
        middle = np.array([(left + right) / 2, (bottom + top) / 2, 0.0])
        width, height = max(right - left, 0.6 * text.size) + 0.16, text.size + 0.1
        fill = look.theme.tint(color, 0.3)
        box = Box(width, height, middle, 0.06, fill=fill, stroke=color, stroke_width=2, z_index=_ABOVE)
        super().__init__(box, introducer=True, remover=True, **kwargs)
        self.shift = as_point(start) - middle

    def changes(self) -> list[Change]:
        box = self.parts[0]
        return [(box, "points", box.points + self.shift, box.points.copy())]

    def interpolate_mobject(self, alpha: float) -> None:
        super().interpolate_mobject(alpha)
        shown = float(0 < self.rate_func(alpha) < 1)
        for rgba in (self.parts[0].fill_rgbas, self.parts[0].stroke_rgbas):
            rgba[:, 3] = shown


def carry(
    look: Look,
    column: int,
    text: Text,
    start: Point,
    size: float,
    rate_func: Callable[[float], float] = ease_in_out_cubic,
    tiled: bool = True,
) -> list[Animation]:
    """A text travels on a tile of its column's colour; where no text stood before (`size` 0) it only appears."""
    if not size:
        return [Appear(text)]
    color = look.theme.channel(column)
    tile = Tile(look, text, start, color, rate_func=rate_func)
    return [*([tile] if tiled else []), Travel(text, start, size, rate_func=rate_func)]


def lagged(number: int, count: int, share: float = 0.45) -> Callable[[float], float]:
    """The easing of one of `count` movements that start one after the other and each take `share` of the time."""
    begin = (1 - share) * number / max(1, count - 1)
    return lambda alpha: ease_in_out_cubic(min(1.0, max(0.0, (alpha - begin) / share)))


def first_two_thirds(alpha: float) -> float:
    """Everything happens in two thirds of the time."""
    return ease_in_out_cubic(min(1.0, 1.5 * alpha))


def late(kind: type[Tween], *mobjects: Mobject, **kwargs: Any) -> Tween:
    """A change that waits until two thirds of the time have passed."""
    return kind(*mobjects, rate_func=last_third, quick=math.inf, **kwargs)


def last_third(alpha: float) -> float:
    """Nothing happens for two thirds of the time."""
    return ease_in_out_cubic(max(0.0, 3 * alpha - 2))
