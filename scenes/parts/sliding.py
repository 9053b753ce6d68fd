"""A window that slides over a channel: one frame, a frame round each tap where they lie apart, one on each slice."""

from __future__ import annotations

import numpy as np
from manim import Animation, Mobject

from torchreel.scenes.parts.channel import Channel
from torchreel.scenes.parts.look import Stroke
from torchreel.scenes.parts.motion import Morph
from torchreel.scenes.parts.shapes import Shape
from torchreel.scenes.parts.sheet import Position


class SlidingWindow:
    """A window of `kernel` taps, `dilation` apart, over the channel it reads; `drawn` is what stands on the stage."""

    def __init__(
        self,
        channel: Channel,
        kernel: Position,
        dilation: Position,
        origin: Position,
        color: str,
        grow: float = 0.02,
        stroke: float = Stroke.FRAME,
    ) -> None:
        self.channel, self.kernel, self.dilation, self.grow = channel, kernel, dilation, grow
        self.drawn: Mobject
        if channel.sheet.slices:
            self.drawn = channel.drawn.frames(origin, kernel, dilation, color)
        else:
            self.drawn = Shape(self._path(origin), stroke=color, stroke_width=stroke, z_index=2)

    def move(self, origin: Position, quick: float | None = None) -> list[Animation]:
        """The window's first tap goes to `origin`; within `quick` seconds if they are given."""
        if self.channel.sheet.slices:
            moves: list[Animation] = self.channel.drawn.move(self.drawn, origin, quick)
            return moves
        return [Morph(self.drawn, self._path(origin), quick=quick)]

    def _path(self, origin: Position) -> np.ndarray:
        """One frame, or one round each tap where dilation spreads them."""
        axes = [
            [at + step * k for k in range(size)]
            for at, step, size in zip(origin, self.dilation, self.kernel, strict=True)
        ]
        clamped = self.channel.clamped
        if set(self.dilation) == {1} or set(self.kernel) == {1} or not self.channel.cells.text_size:
            ends = ((axes[0][0], axes[1][0]), (axes[0][-1], axes[1][-1]))
            return self.channel.outline(clamped(ends[0]), clamped(ends[1]), self.grow)
        taps = [clamped((row, col)) for row in axes[0] for col in axes[1]]
        return np.concatenate([self.channel.outline(tap, tap, -0.03) for tap in taps])
