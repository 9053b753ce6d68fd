"""What an Lp-norm pooling clip has beside others: the sum under its root, and what to compare the result with."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from manim import VGroup

from torchreel.scenes.parts.look import Look
from torchreel.scenes.parts.number import Number
from torchreel.scenes.parts.sheet import Position
from torchreel.scenes.parts.text import Text
from torchreel.scenes.pooling.window.board import PoolingBoard
from torchreel.scenes.trace.formula import number_text
from torchreel.scenes.trace.proof import Trace


class PowerBoard(PoolingBoard):
    """A board whose window is raised to a power, added up, and the root taken.

    `companions` are results to compare with, by what they are called: the average for p = 1, the largest for a large p.
    """

    def __init__(self, look: Look, trace: Trace, overlap: bool, companions: Mapping[str, str]) -> None:
        module: Any = trace.module
        self.p = float(module.norm_type)
        self.companions = {name: text for name, text in companions.items() if name in trace.tensors}
        super().__init__(look, trace, overlap)

    @property
    def results(self) -> Sequence[str]:
        return ["output", *self.companions]

    def heading(self, name: str) -> str:
        return self.companions.get(name) or super().heading(name)

    def sign_parts(self, position: Position, name: str) -> Sequence[Text | Number]:
        """The root of the sum where it is a square root, else which powers are taken."""
        if name == "average":
            return [self.sign_text(f"÷ {math.prod(self.size.kernel)}")]
        if name == "largest" or self.p == math.inf:
            return [self.sign_text("max |x|")]
        if self.p == 2:
            return [self.sign_text("√"), self.sign_number("total", self.index(position))]
        return [self.sign_text("Σ" if self.p == 1 else f"p = {number_text(self.p)}")]

    def sign(self, position: Position, name: str = "output") -> VGroup:
        """The sum of the squares stands over its root."""
        total = self._squares(position) if name == "output" and self.p == 2 else []
        lines = [line for line in (total, self.sign_parts(position, name)) if line]
        return self.signed(lines, position, name)

    def total_sign(self, position: Position) -> VGroup:
        """The sum of the squares alone: where it stands in the sign, or in its place."""
        if self.p != 2:
            return VGroup()
        squares = self._squares(position)
        upper = self.sign(position)[: len(squares)]
        return (
            VGroup(*upper)
            if len(upper) and upper[0].text == squares[0].text
            else self.signed([squares], position)
        )

    def _squares(self, position: Position) -> Sequence[Text | Number]:
        return [self.sign_text("Σx² = "), self.sign_number("total", self.index(position))]
