"""What every shape and every text is: one path in one fill and one stroke colour."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from manim import VMobject


class Mark(VMobject):
    """A Manim object of cubic segments `points` (n, 3), four points each, with colours given as `#rrggbb`.

    Manim parses every colour several times while an object is made. A clip is made of thousands of objects, so here
    the arrays that those colours end up as are set at once.
    """

    def __init__(
        self,
        points: np.ndarray,
        fill: str,
        fill_opacity: float,
        stroke: str,
        stroke_opacity: float,
        stroke_width: float,
        z_index: float = 0.0,
    ) -> None:
        self._colors = (fill, stroke)
        super().__init__(
            fill_opacity=fill_opacity,
            stroke_opacity=stroke_opacity,
            stroke_width=stroke_width,
            z_index=z_index,
        )
        self.points = points

    def init_colors(self, propagate_colors: bool = True) -> Mark:
        fill, stroke = self._colors
        self.fill_rgbas = rgbas(fill, self.fill_opacity)
        self.stroke_rgbas = rgbas(stroke, self.stroke_opacity)
        self.background_stroke_rgbas = rgbas("#000000", self.background_stroke_opacity)
        return self


def rgbas(color: str, opacity: float) -> np.ndarray:
    """A colour `#rrggbb` as the array (1, 4) of shares that Manim keeps."""
    return np.array([(*_shares(color), opacity)])


@lru_cache(maxsize=4096)
def _shares(color: str) -> tuple[float, float, float]:
    red, green, blue = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue
