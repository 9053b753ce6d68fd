"""A function's line on a plot."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from torchreel.scenes.parts.axes import Frame
from torchreel.scenes.parts.shapes import Shape, polyline

CURVE_Z, RIDER_Z = 1, 3
"""Of curves, and of what is lit upon them."""


class Curve(Shape):
    """A function's line in a frame, made by `Plot.curve`."""

    def __init__(
        self, frame: Frame, xs: np.ndarray, ys: np.ndarray, color: str, width: float, opacity: float = 1.0
    ) -> None:
        self.frame, self.xs, self.ys = frame, xs, ys
        super().__init__(self._path(), stroke=color, stroke_width=width, opacity=opacity, z_index=CURVE_Z)

    def _path(self) -> np.ndarray:
        """One cubic for each step from point to point, also for one that is not drawn.

        Steps that lie outside the frame or have no value shrink to the end of one that is.
        """
        points = list(zip(self.xs.tolist(), self.ys.tolist(), strict=True))
        steps = [self.frame.clipped(a, b) for a, b in pairwise(points)]
        drawn = [step for step in steps if step is not None]
        if not drawn:
            return np.zeros((0, 3))
        end, pieces = drawn[0][0], []
        for step in steps:
            pieces.append(polyline([end, end] if step is None else step))
            end = end if step is None else step[1]
        return np.concatenate(pieces)
