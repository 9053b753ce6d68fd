"""Cards between the blocks: a set's statistics in the set's tint, a channel's weight and bias as parameters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.parts.desk import Desk
from torchreel.scenes.parts.look import MIN_NUMBER, MIN_TEXT
from torchreel.scenes.parts.mathtext import MathText
from torchreel.scenes.parts.mathtext import width as math_width
from torchreel.scenes.parts.motion import Drop
from torchreel.scenes.parts.shapes import Box, box_points
from torchreel.scenes.parts.text import measure
from torchreel.scenes.trace.formula import Index

LINE, HEAD, PADDING = 0.28, 0.26, 0.06
_SYMBOL = 0.26


class Card(VGroup):
    """What belongs to one set or channel: its name, and a line for each of some tensors at `index`.

    Lines are empty until they are written; those of `given` are there from the start.
    """

    def __init__(
        self,
        desk: Desk,
        name: str,
        tensors: Sequence[str],
        index: Index,
        width: float,
        middle: tuple[float, float],
        color: str,
        given: Sequence[str] = (),
    ) -> None:
        theme = desk.look.theme
        self.desk, self.index, self.tensors = desk, index, tensors
        self.width_given, self.middle = width, middle
        self.height_given = height(len(tensors))
        self.ground = theme.tint(color, 0.2)
        self.box = Box(
            width, self.height_given, middle, 0.07, fill=self.ground, stroke=color, stroke_width=1.6
        )
        self.left, self.right = middle[0] - width / 2 + 0.12, middle[0] + width / 2 - 0.12
        head = desk.label(
            name, (middle[0], self._top - HEAD / 2), MIN_TEXT, theme.ink(self.ground), "mono"
        )
        super().__init__(self.box, head)
        for tensor in tensors:
            symbol = MathText(short_symbol(desk, tensor), _SYMBOL, theme.ink(self.ground))
            self.add(symbol.place((self.left, self.y(tensor)), align="left"))
        for tensor in given:
            self.add(self.number(tensor))

    def number(self, tensor: str) -> VGroup:
        """The value of a line."""
        number = self.desk.number(
            tensor, self.index, MIN_NUMBER + 0.02, self.desk.look.theme.ink(self.ground), width=self._room(tensor)
        )
        return VGroup(number.place((self.right, self.y(tensor)), align="right"))

    def write(self, tensor: str) -> list[Animation]:
        """The value of a line is born in its place."""
        return [Drop(self.number(tensor))]

    def around(self, tensor: str) -> np.ndarray:
        """The path round a line."""
        return box_points(self.width_given - 0.06, LINE, (self.middle[0], self.y(tensor)), 0.05)

    def y(self, tensor: str) -> float:
        """The height of a line."""
        return self._top - HEAD - (list(self.tensors).index(tensor) + 0.5) * LINE

    @property
    def _top(self) -> float:
        return self.middle[1] + self.height_given / 2 - PADDING / 2

    def _room(self, tensor: str) -> float:
        symbol = math_width(short_symbol(self.desk, tensor), _SYMBOL)
        return self.right - self.left - symbol - 0.1


def height(lines: int) -> float:
    """How high a card with so many lines is."""
    return HEAD + lines * LINE + PADDING


def width(desk: Desk, tensors: Sequence[str], names: Sequence[str]) -> float:
    """How wide the cards of some tensors are."""
    lines = [
        math_width(short_symbol(desk, tensor), _SYMBOL) + measure(text, MIN_NUMBER + 0.02) + 0.12
        for tensor in tensors
        for text in desk.texts(tensor)
    ]
    heads = [measure(name, MIN_TEXT, "mono") for name in names]
    return max([0.7, *lines, *heads]) + 0.24


def short_symbol(desk: Desk, tensor: str) -> str:
    """What a line says before its value."""
    return desk.trace.symbol(tensor)
