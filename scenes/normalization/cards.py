"""Cards between the blocks: a set's statistics in the set's tint, a channel's weight and bias as parameters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.normalization.desk import NormDesk
from torchreel.scenes.parts.look import MIN_NUMBER, MIN_TEXT
from torchreel.scenes.parts.mathtext import MathText
from torchreel.scenes.parts.mathtext import width as math_width
from torchreel.scenes.parts.motion import Drop
from torchreel.scenes.parts.shapes import Box, box_points
from torchreel.scenes.parts.text import fit, measure
from torchreel.scenes.trace.formula import Index

LINE, HEAD, PADDING = 0.28, 0.23, 0.06
_SYMBOL, _NUMBER = 0.25, 0.25
_LARGEST = 0.42


class Card(VGroup):
    """What belongs to one set or channel: its name, if any, and a line for each of some tensors at `index`.

    Lines are empty until they are written; those of `given` are there from the start. It is at least `high`.
    """

    def __init__(
        self,
        desk: NormDesk,
        name: str,
        tensors: Sequence[str],
        index: Index,
        width: float,
        middle: tuple[float, float],
        color: str,
        given: Sequence[str] = (),
        high: float = 0.0,
    ) -> None:
        theme = desk.look.theme
        self.desk, self.index, self.tensors = desk, index, tensors
        self.width_given, self.middle = width, middle
        self.head = HEAD if name else 0.0
        self.height_given = max(high, height(len(tensors), bool(name)))
        self.line = min(_LARGEST, (self.height_given - self.head - PADDING) / len(tensors))
        self.larger = min(1.25, max(1.0, self.line / 0.32))
        self.ground = theme.tint(color, 0.2)
        self.box = Box(
            width, self.height_given, middle, 0.07, fill=self.ground, stroke=color, stroke_width=1.6
        )
        self.left, self.right = middle[0] - width / 2 + 0.12, middle[0] + width / 2 - 0.12
        super().__init__(self.box)
        if name:
            at = (middle[0], self._top - HEAD / 2)
            self.add(desk.label(name, at, MIN_TEXT, theme.ink(self.ground), "mono"))
        for tensor in tensors:
            symbol = MathText(desk.trace.symbol(tensor), _SYMBOL * self.larger, theme.ink(self.ground))
            self.add(symbol.place((self.left, self.y(tensor) + 0.02), align="left"))
        for tensor in given:
            self.add(self.number(tensor))

    def number(self, tensor: str) -> VGroup:
        """The value of a line."""
        ink, size = self.desk.look.theme.ink(self.ground), _NUMBER * self.larger
        value = self.desk.trace.value(tensor, self.index)
        text = self.desk.shorter(tensor, value)
        size = fit(text, self._room(tensor), size, MIN_NUMBER)
        number = self.desk.number(tensor, self.index, size, ink, text=text)
        return VGroup(number.place((self.right, self.y(tensor)), align="right"))

    def write(self, tensor: str) -> list[Animation]:
        """The value of a line is born in its place."""
        return [Drop(self.number(tensor))]

    def around(self, tensor: str) -> np.ndarray:
        """The path round a line."""
        return box_points(self.width_given - 0.06, self.line - 0.01, (self.middle[0], self.y(tensor)), 0.05)

    def y(self, tensor: str) -> float:
        """The height of a line."""
        return self._top - self.head - (list(self.tensors).index(tensor) + 0.5) * self.line

    @property
    def _top(self) -> float:
        used = self.head + len(self.tensors) * self.line
        return self.middle[1] + used / 2

    def _room(self, tensor: str) -> float:
        symbol = math_width(self.desk.trace.symbol(tensor), _SYMBOL * self.larger)
        return self.right - self.left - symbol - 0.08

    def outline(self) -> np.ndarray:
        """The path round the whole card."""
        return box_points(self.width_given + 0.06, self.height_given + 0.04, self.middle, 0.09)


def height(lines: int, named: bool = True) -> float:
    """How high a card with so many lines is."""
    return (HEAD if named else 0.0) + lines * LINE + PADDING


def width(desk: NormDesk, tensors: Sequence[str], names: Sequence[str]) -> float:
    """How wide the cards of some tensors are."""
    lines = [
        math_width(desk.trace.symbol(tensor), _SYMBOL) + measure(text, _NUMBER) + 0.12
        for tensor in tensors
        for text in desk.texts(tensor)
    ]
    heads = [measure(name, MIN_TEXT, "mono") for name in names]
    return max([0.7, *lines, *heads]) + 0.24
