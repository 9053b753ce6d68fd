"""What an average pooling clip has beside other poolings: sum and divisor on the way from a window to its result."""

from __future__ import annotations

from collections.abc import Sequence

from manim import VGroup

from torchreel.scenes.parts.look import Look, Stroke
from torchreel.scenes.parts.number import Number
from torchreel.scenes.parts.shapes import Shape
from torchreel.scenes.parts.sheet import Position
from torchreel.scenes.parts.text import Text
from torchreel.scenes.pooling.window.board import PoolingBoard
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

OTHER = "other"


class AverageBoard(PoolingBoard):
    """A board whose window is added up and divided.

    With `contrast`, a second result shows what the opposite `count_include_pad` gives, with the divisors of its own.
    """

    def __init__(self, look: Look, trace: Trace, overlap: bool, contrast: bool) -> None:
        self.contrast = contrast
        self.includes = bool(getattr(trace.module, "count_include_pad", True))
        super().__init__(look, trace, overlap)

    @property
    def results(self) -> Sequence[str]:
        return ["output", OTHER] if self.contrast else ["output"]

    def heading(self, name: str) -> str:
        if not self.contrast or name == "input":
            return super().heading(name)
        return f"count_include_pad={self.includes == (name == 'output')}"

    def divisor(self, name: str) -> str:
        """The tensor that a result is divided by."""
        return "divisor" if name == "output" else f"{name}_divisor"

    def divisor_index(self, position: Position) -> Index:
        """The divisor's index for an output position."""
        return self.size.spatial(position)

    def sign_parts(self, position: Position, name: str) -> Sequence[Text | Number]:
        """The sum over the divisor, as one reads it: `20 ÷ 4`."""
        total = self.sign_number("sum", self.index(position))
        divisor = self.sign_number(self.divisor(name), self.divisor_index(position))
        return [total, self.sign_text(" ÷ "), divisor]

    def sum_sign(self, position: Position) -> VGroup:
        """The sum alone."""
        return self.signed(
            [[self.sign_text("Σ = "), self.sign_number("sum", self.index(position))]], position
        )

    def beside(self, position: Position, name: str) -> VGroup:
        """The same element under the opposite setting, framed so that both can be compared."""
        if not self.contrast:
            return VGroup()
        other = OTHER if name == "output" else "output"
        path = self.outputs[other].outline(position, position, 0.02)
        return VGroup(
            Shape(path, stroke=self.look.theme.wire, stroke_width=Stroke.FRAME, z_index=2),
            *self.sign(position, other),
        )
