"""What boards of numbered steps share: columns headed by a name and a number, which lights up when its turn comes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from manim import Animation, Scene

from torchreel.scenes.parts.look import MIN_TEXT, Look
from torchreel.scenes.parts.motion import Appear, Paint
from torchreel.scenes.parts.shapes import Disc, Shape
from torchreel.scenes.parts.text import Text, measure
from torchreel.scenes.stage.board import Board
from torchreel.scenes.trace.proof import Trace

_RADIUS, _BESIDE = 0.15, 0.4
_SIZE = 0.22


class NumberedBoard(Board):
    """A board whose columns are an input, number 0 and without a disc, and the steps that follow."""

    def __init__(self, look: Look, trace: Trace) -> None:
        super().__init__(look, trace)
        self.discs: list[Disc] = []

    def light(self, step: int) -> list[Animation]:
        """The number of a step in accent, all others calm; 0 lights none."""
        theme = self.look.theme
        return [
            Paint(disc, fill=theme.accent if number == step else theme.muted, run_time=0.3)
            for number, disc in enumerate(self.discs, 1)
        ]

    def heading(self, number: int, name: str, x: float, y: float) -> Iterator[Text | Disc]:
        """A column's name and number, together centred on a place."""
        theme = self.look.theme
        left = x - self.heading_width(name, number > 0) / 2
        if number:
            at = (left + _RADIUS, y)
            disc = Disc(_RADIUS, at, fill=theme.muted)
            self.discs.append(disc)
            yield disc
            yield self.label(str(number), at, MIN_TEXT, theme.background, "bold")
            left += _BESIDE
        yield self.label(name, (left, y), _SIZE, theme.text, align="left")

    @staticmethod
    def heading_width(name: str, numbered: bool = True) -> float:
        """The width of a heading in scene units."""
        return measure(name, _SIZE, "mono") + (_BESIDE if numbered else 0)


def pointed(scene: Scene, cursor: Shape, path: np.ndarray) -> list[Animation]:
    """The cursor goes out where it is and appears round something else."""
    was_there = cursor in scene.mobjects
    cursor.points = path
    return [] if was_there else [Appear(cursor)]
