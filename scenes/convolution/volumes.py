"""Where a three-dimensional convolution's objects stand: volumes as slices, with windows that move in depth."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

from manim import Animation

from torchreel.scenes.convolution.layouts import PlanesBoard
from torchreel.scenes.parts.grid import Cells
from torchreel.scenes.parts.shapes import Point
from torchreel.scenes.parts.stack import Frames, Pad, Position, Slices, Stack
from torchreel.scenes.parts.views import Place, View
from torchreel.scenes.trace.formula import Index

_TALL, _BETWEEN = 0.36, 0.54
_GAP_CELLS = 0.5
_MOST_SLICES = 6


def slices_across(sizes: Place, height: float) -> int:
    """How many slices of a volume stand in a row: one, unless so many rows are too low for `height` (scene units)."""
    depth, rows, _ = sizes
    depth = min(depth, _MOST_SLICES)
    fits = (n for n in range(1, depth) if math.ceil(depth / n) * (rows * _TALL + _BETWEEN) <= height)
    return next(fits, depth)


class VolumesBoard(PlanesBoard):
    """As for planes, with a stack of slices in the place of each: one above the other where there is room."""

    slices: dict[str, Slices]

    def columns(self, name: str, height: float) -> int:
        across = self._across(name, height)
        _, _, cols = self._padded(name)
        return round(across * cols + (across - 1) * _GAP_CELLS)

    def fit(
        self, name: str, width: float, height: float, texts: Sequence[str]
    ) -> tuple[Cells, tuple[float, float]]:
        pad = cast(Pad, self.size.pad) if name == "input" else (0,) * 6
        across = self._across(name, height)
        slices = Slices.fit(cast(Position, self.shape_of(name)), width, height, texts, pad=pad, across=across)
        self.slices = {**getattr(self, "slices", {}), name: slices}
        return slices.cells, slices.extent

    def plane(self, name: str, lead: Index, at: Point, **style: object) -> Stack:
        style.pop("pad", None)  # slices know theirs
        return Stack(self.look, self.trace, self.tensor(name), lead, self.slices[name], at, **style)  # type: ignore[arg-type]

    def window(self, plane: View) -> Frames:
        first, kernel, dilation = (
            cast(Position, part)
            for part in (self.size.first((0, 0, 0)), self.size.kernel, self.size.dilation)
        )
        return cast(Stack, plane).frames(first, kernel, dilation)

    def window_moves(self, channel: int, cell: Place, quick: float | None) -> list[Animation]:
        stack, window = cast(Stack, self.inputs[channel]), cast(Frames, self.windows[channel])
        return stack.move(window, cast(Position, self.size.first(cell)), quick)

    def _across(self, name: str, height: float) -> int:
        return slices_across(self._padded(name), height)

    def _padded(self, name: str) -> Place:
        shape = self.shape_of(name)
        if name != "input":
            return shape
        before, after = self.size.pad[::2], self.size.pad[1::2]
        return tuple(a + n + b for a, n, b in zip(before, shape, after, strict=True))
