"""The picture of a call that computes no element: the shapes that go in, and the shapes that come out."""

from __future__ import annotations

from collections.abc import Sequence

from manim import VGroup

from torchreel.scenes.parts.family import bounds, family
from torchreel.scenes.parts.look import MIN_TEXT
from torchreel.scenes.parts.shapes import Arrow
from torchreel.scenes.stage.bars import EDGE, MARGIN, STAGE_BOTTOM, STAGE_TOP
from torchreel.scenes.stage.board import Board

_SIZES = (0.34, 0.28, MIN_TEXT)
_SIDE, _AIR, _LEAST_ARROW = EDGE - MARGIN - 0.6, 0.3, 1.0
_ROW, _APART = 0.6, 1.2


class EmptyBoard(Board):
    """Names and shapes of inputs at the left, an arrow, those of outputs at the right; long ones above one another."""

    def picture(self) -> VGroup:
        """All of it, spread over the stage's width."""
        inputs = [name for name in self.trace.tensors if self.trace.role(name) == "input"]
        outputs = self.trace.outputs
        middle = (STAGE_TOP + STAGE_BOTTOM) / 2
        for size in _SIZES:
            left, right = self._column(inputs, middle, size, -1), self._column(outputs, middle, size, 1)
            start, end = _side(left, 2) + _AIR, _side(right, 0) - _AIR
            if end - start >= _LEAST_ARROW:
                return VGroup(left, right, Arrow([(start, middle), (end, middle)], self.look.theme.muted))
        return VGroup(
            self._column(inputs, middle + _APART, MIN_TEXT, -1),
            Arrow([(-_SIDE, middle + 0.2), (_SIDE, middle - 0.2)], self.look.theme.muted),
            self._column(outputs, middle - _APART, MIN_TEXT, 1),
        )

    def _column(self, names: Sequence[str], middle: float, size: float, side: int) -> VGroup:
        """Names and shapes below each other, at the left (-1) or the right (1) side of the stage."""
        top = middle + _ROW * (len(names) - 1) / 2 - size * 0.36
        return VGroup(
            *(
                self.title(
                    name, (side * _SIDE, top - _ROW * row), size=size, align="left" if side < 0 else "right"
                )
                for row, name in enumerate(names)
            )
        )


def _side(column: VGroup, which: int) -> float:
    """The left (0) or right (2) side of a column."""
    boxes = [box[which] for box in bounds([part for part in family([column]) if len(part.points)])]
    return float(max(boxes) if which else min(boxes))
