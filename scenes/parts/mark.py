"""What every shape and every text is: one path in one fill and one stroke colour."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

import numpy as np
from manim import VMobject


class Mark(VMobject):
    """A Manim object of cubic segments `points` (n, 3), four points each, with colours given as `#rrggbb`.

    Manim parses every colour half a dozen times while an object is made, and a clip is made of thousands of objects. So
    a mark does not run `VMobject.__init__`: it starts as a copy of a plain object's state and sets its own looks.

    `steady` is for a renderer: it may set it once it has taken in how a mark looks, and it is taken back as soon as
    the looks are set anew. Arrays of looks are replaced, never written into.
    """

    steady = False

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
        self.__dict__ |= _plain_state() | {"submobjects": [], "updaters": [], "name": type(self).__name__}
        self.points = points
        self.fill_opacity, self.stroke_opacity, self.stroke_width = fill_opacity, stroke_opacity, stroke_width
        self.z_index = z_index
        self.fill_rgbas = rgbas(fill, fill_opacity)
        self.stroke_rgbas = rgbas(stroke, stroke_opacity)
        self.background_stroke_rgbas = rgbas("#000000", 1.0)

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        if name in _LOOKS:
            object.__setattr__(self, "steady", False)

    def update_rgbas_array(self, *args: Any, **kwargs: Any) -> Mark:
        """Manim writes colours into the array that is there."""
        super().update_rgbas_array(*args, **kwargs)
        self.steady = False
        return self


_LOOKS = frozenset(
    (
        "points",
        "fill_rgbas",
        "stroke_rgbas",
        "background_stroke_rgbas",
        "stroke_width",
        "background_stroke_width",
        "joint_type",
        "cap_style",
        "background_image",
        "sheen_direction",
        "sheen_factor",
    )
)


@cache
def _plain_state() -> dict[str, Any]:
    return vars(VMobject())


def rgbas(color: str, opacity: float) -> np.ndarray:
    """A colour `#rrggbb` as the array (1, 4) of shares that Manim keeps."""
    return np.array([(*_shares(color), opacity)])


@lru_cache(maxsize=4096)
def _shares(color: str) -> tuple[float, float, float]:
    red, green, blue = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue
