"""Light animations: they note what changes, and nothing is copied or compared that does not.

Each is an ordinary Manim `Animation`, so scenes play under any renderer. Parts return them and never play them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from manim import Animation, Mobject, Scene, VGroup, VMobject
from manim.utils.rate_functions import ease_in_out_cubic, ease_out_cubic, linear

from torchreel.scenes.parts.family import family
from torchreel.scenes.parts.shapes import Point, as_point

FADE = 0.15
_ARRAYS = ("points", "fill_rgbas", "stroke_rgbas")
Change = tuple[VMobject, str, np.ndarray, np.ndarray]
__all__ = ["Appear", "Drop", "Fly", "Morph", "Move", "Paint", "Tween", "Vanish", "linear"]


class Tween(Animation):
    """Interpolates arrays (`points`, `fill_rgbas`, `stroke_rgbas`) of a family from one value to another.

    `changes` is asked for when the animation begins, so it sees the state the earlier ones left. A tween that is done
    after `quick` seconds rests for the remainder of its run time: fades are costly in a GIF and need not last.
    """

    quick = math.inf

    def __init__(
        self,
        *mobjects: Mobject,
        run_time: float = 0.5,
        rate_func: Callable[[float], float] = ease_in_out_cubic,
        **kwargs: Any,
    ) -> None:
        mobject = mobjects[0] if len(mobjects) == 1 else VGroup(*mobjects)
        super().__init__(mobject, run_time=run_time, rate_func=rate_func, **kwargs)
        self.parts = mobjects

    def changes(self) -> list[Change]:
        """What to interpolate: `(object, array name, start, end)`."""
        raise NotImplementedError

    def family(self) -> list[VMobject]:
        """Everything with a path in the animated objects."""
        return [member for member in family(self.parts) if len(member.points)]

    def begin(self) -> None:
        self._changes = self.changes()
        self.interpolate(0)

    def finish(self) -> None:
        self.interpolate(1)

    def interpolate_mobject(self, alpha: float) -> None:
        along = self.rate_func(min(1.0, alpha * max(1.0, self.run_time / self.quick)))
        for mobject, name, start, end in self._changes:
            value = end.copy() if along == 1 else start + (end - start) * along
            setattr(mobject, name, value)

    def _setup_scene(self, scene: Scene) -> None:
        if self.is_introducer():
            scene.add(*self.parts)

    def clean_up_from_scene(self, scene: Scene) -> None:
        if self.is_remover():
            scene.remove(*self.parts)


def _faded(member: VMobject, name: str) -> np.ndarray:
    rgba = getattr(member, name).copy()
    rgba[:, 3] = 0.0
    return rgba


class Appear(Tween):
    """Fades in, optionally moving by `shift` on the way. The objects are added to the scene."""

    quick = FADE

    def __init__(
        self, *mobjects: Mobject, shift: Point = (0.0, 0.0), run_time: float = 0.4, **kwargs: Any
    ) -> None:
        super().__init__(*mobjects, run_time=run_time, introducer=True, **kwargs)
        self.shift = as_point(shift)

    def changes(self) -> list[Change]:
        changes: list[Change] = []
        for member in self.family():
            for name in _ARRAYS[1:]:
                changes.append((member, name, _faded(member, name), getattr(member, name).copy()))
            if self.shift.any():
                changes.append((member, "points", member.points - self.shift, member.points.copy()))
        return changes


class Vanish(Tween):
    """Fades out and leaves the scene; the objects keep their look, ready to appear again."""

    quick = FADE

    def __init__(self, *mobjects: Mobject, run_time: float = 0.3, **kwargs: Any) -> None:
        super().__init__(*mobjects, run_time=run_time, remover=True, **kwargs)

    def changes(self) -> list[Change]:
        return [
            (member, name, getattr(member, name).copy(), _faded(member, name))
            for member in self.family()
            for name in _ARRAYS[1:]
        ]

    def clean_up_from_scene(self, scene: Scene) -> None:
        super().clean_up_from_scene(scene)
        for mobject, name, start, _ in self._changes:
            setattr(mobject, name, start)


class Move(Tween):
    """Moves so that the centre of the (first) object comes to `to`, or everything by `by`."""

    def __init__(
        self, *mobjects: Mobject, to: Point | None = None, by: Point | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*mobjects, **kwargs)
        self.to, self.by = to, by

    def changes(self) -> list[Change]:
        shift = as_point((0, 0) if self.by is None else self.by)
        if self.to is not None:
            shift = as_point(self.to) - self.parts[0].get_center()
        return [(member, "points", member.points.copy(), member.points + shift) for member in self.family()]


class Fly(Tween):
    """Objects appear at `start` (their common centre) and fly to where they stand."""

    def __init__(self, *mobjects: Mobject, start: Point, **kwargs: Any) -> None:
        super().__init__(*mobjects, introducer=True, **kwargs)
        self.start = as_point(start)

    def changes(self) -> list[Change]:
        members = self.family()
        stacked = np.concatenate([member.points for member in members])
        shift = self.start - (stacked.min(0) + stacked.max(0)) / 2
        return [(member, "points", member.points + shift, member.points.copy()) for member in members]


class Drop(Tween):
    """Objects pop up in place: they grow from `scale` of their size while fading in."""

    quick = FADE

    def __init__(self, *mobjects: Mobject, scale: float = 0.6, run_time: float = 0.3, **kwargs: Any) -> None:
        super().__init__(*mobjects, run_time=run_time, rate_func=ease_out_cubic, introducer=True, **kwargs)
        self.scale = scale

    def changes(self) -> list[Change]:
        changes: list[Change] = []
        for member in self.family():
            center = (member.points.min(0) + member.points.max(0)) / 2
            changes.append(
                (member, "points", center + (member.points - center) * self.scale, member.points.copy())
            )
            for name in _ARRAYS[1:]:
                changes.append((member, name, _faded(member, name), getattr(member, name).copy()))
        return changes


class Morph(Tween):
    """The path of one object becomes other points of the same number."""

    def __init__(self, mobject: VMobject, points: np.ndarray, **kwargs: Any) -> None:
        super().__init__(mobject, **kwargs)
        self.end = points

    def changes(self) -> list[Change]:
        member = self.parts[0]
        return [(member, "points", member.points.copy(), self.end)]


class Paint(Tween):
    """Fill and stroke colours (`#rrggbb`) blend to new ones; None keeps what is there."""

    quick = FADE

    def __init__(
        self, *mobjects: Mobject, fill: str | None = None, stroke: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*mobjects, **kwargs)
        self.colors = {"fill_rgbas": fill, "stroke_rgbas": stroke}

    def changes(self) -> list[Change]:
        changes: list[Change] = []
        for member in self.family():
            for name, color in self.colors.items():
                if color is not None:
                    start = getattr(member, name).copy()
                    changes.append((member, name, start, _colored(start, color)))
        return changes


def _colored(rgbas: np.ndarray, color: str) -> np.ndarray:
    end = rgbas.copy()
    end[:, :3] = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    end[:, 3] = 1.0
    return end
