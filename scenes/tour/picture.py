"""What a station made, as a small picture: feature maps side by side, a matrix, or bars for a vector."""

from __future__ import annotations

import numpy as np
from manim import VGroup

from torchreel.scenes.parts.look import Look
from torchreel.scenes.parts.shapes import Shape, box_points

_LEVELS = 5
_MOST_PLANES = 4


class Picture(VGroup):
    """A result `(C, H, W)` in a square of `size` round `center` (scene units), coloured as numbers of its `role` are.

    Up to four channels stand in a square of two by two; a single row is drawn as bars. Values share a few shades, so a
    picture of hundreds of cells is a handful of shapes.
    """

    def __init__(
        self, look: Look, planes: np.ndarray, size: float, center: tuple[float, float], role: str
    ) -> None:
        super().__init__()
        self._look, self._role = look, role
        finite = np.abs(planes[np.isfinite(planes)])
        self._scale = float(finite.max()) if finite.size else 1.0
        if planes.shape[0] == 1 and planes.shape[1] == 1:
            self._bars(np.nan_to_num(planes[0, 0]), size, center)
        else:
            self._planes(planes[:_MOST_PLANES] if len(planes) > 1 else planes, size, center)

    def _planes(self, planes: np.ndarray, size: float, center: tuple[float, float]) -> None:
        side = 1 if len(planes) == 1 else 2
        rows, cols = planes.shape[1:]
        gap = 0.04 if side > 1 else 0.0
        room = (size - gap) / side
        cell = room / max(rows, cols)
        shades: dict[str, list[np.ndarray]] = {}
        outlines = []
        for number, plane in enumerate(planes):
            x = center[0] + (number % side - (side - 1) / 2) * (room + gap)
            y = center[1] - (number // side - (side - 1) / 2) * (room + gap)
            outlines.append(box_points(cols * cell, rows * cell, (x, y)))
            for row in range(rows):
                for col in range(cols):
                    at = (x + (col - (cols - 1) / 2) * cell, y - (row - (rows - 1) / 2) * cell)
                    shades.setdefault(self._fill(plane[row, col]), []).append(box_points(cell, cell, at))
        self.add(*(Shape(np.concatenate(boxes), fill=fill) for fill, boxes in shades.items()))
        self.add(Shape(np.concatenate(outlines), stroke=self._look.theme.line, stroke_width=1.2))

    def _bars(self, values: np.ndarray, size: float, center: tuple[float, float]) -> None:
        width = min(0.16, size / len(values))
        shades: dict[str, list[np.ndarray]] = {}
        for number, value in enumerate(values):
            height = max(0.01, abs(value) / self._scale * size / 2) if self._scale else 0.01
            x = center[0] + (number - (len(values) - 1) / 2) * width
            y = center[1] + (height / 2 if value >= 0 else -height / 2)
            shades.setdefault(self._fill(value), []).append(box_points(width * 0.86, height, (x, y)))
        self.add(*(Shape(np.concatenate(boxes), fill=fill) for fill, boxes in shades.items()))
        line = box_points(len(values) * width, 0.012, center)
        self.add(Shape(line, fill=self._look.theme.wire))

    def _fill(self, value: float) -> str:
        """The colour of a value, rounded to a few shades."""
        if not np.isfinite(value) or not self._scale:
            return self._look.theme.zero
        level = round(float(value) / self._scale * _LEVELS) / _LEVELS
        return self._look.theme.fill(level, 1.0, self._role)
