"""The scene behind the scenes: Manim's bookkeeping of what is on stage, for stages with thousands of objects."""

from __future__ import annotations

from collections.abc import Sequence

from manim import Animation, Mobject, Scene

from torchreel.scenes.parts.family import family, without


class Backstage(Scene):
    """A Manim scene that adds and removes objects in one walk over the stage.

    Manim asks each object on stage for its family, for every object that comes or goes.
    """

    def remove(self, *mobjects: Mobject) -> Backstage:
        """Take objects off the stage with all they contain, however they came there."""
        gone = family(mobjects)
        for name in ("mobjects", "foreground_mobjects"):
            self.restructure_mobjects(gone, name, False)
        return self

    def restructure_mobjects(
        self,
        to_remove: Sequence[Mobject],
        mobject_list_name: str = "mobjects",
        extract_families: bool = True,
    ) -> Backstage:
        """Take objects out of one of the scene's lists; groups they were part of dissolve."""
        gone = set(family(to_remove) if extract_families else to_remove)
        setattr(self, mobject_list_name, without(getattr(self, mobject_list_name), gone))
        return self

    def get_moving_mobjects(self, *animations: Animation) -> list[Mobject]:
        """What stock Manim draws anew each frame: all from the first object that an animation's family touches."""
        moving = set(family(animation.mobject for animation in animations))
        members = self.get_mobject_family_members()
        first = next((i for i, member in enumerate(members) if member in moving), len(members))
        return members[first:]
