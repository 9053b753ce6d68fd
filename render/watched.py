"""Which mobjects can change while animations run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from manim import Add, Animation, AnimationGroup, Mobject, Succession, Wait

from torchreel.scenes.parts.family import family

_LEAVES_OTHERS_ALONE = {kind.update_mobjects for kind in (Animation, AnimationGroup, Succession, Wait, Add)}
"""The `update_mobjects` that only run updaters, and so do nothing where there are none."""


class Watched:
    """The mobjects that running animations may change: the families of what they animate."""

    def __init__(self, animations: Sequence[Animation]) -> None:
        self._animations = list(_with_parts(animations))
        self._roots = [animation.mobject for animation in self._animations if animation.mobject is not None]
        self.members = family(self._roots)

    @property
    def updates_others(self) -> bool:
        """Whether an animation has an update step of its own that has to be run."""
        return any(type(part).update_mobjects not in _LEAVES_OTHERS_ALONE for part in self._animations)

    def involved(self) -> list[Mobject]:
        """All mobjects that the animations hold, such as the targets of transforms."""
        held = chain.from_iterable(vars(animation).values() for animation in self._animations)
        return [value for value in held if isinstance(value, Mobject)]

    def walk(self) -> bool:
        """Go through the families again; says whether they are made up differently now."""
        members = family(self._roots)
        if members == self.members:
            return False
        self.members = members
        return True


def _with_parts(animations: Sequence[Animation]) -> Iterator[Animation]:
    """Animations and those that they are composed of."""
    for animation in animations:
        yield animation
        parts = getattr(animation, "animations", None) or ()
        wrapped = getattr(animation, "anim", None)
        yield from _with_parts([*parts, wrapped] if isinstance(wrapped, Animation) else list(parts))
