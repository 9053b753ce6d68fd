"""The plain shapes everything is made of, each one path of one Manim object."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from manim import ORIGIN, VGroup

from torchreel.scenes.parts.mark import Mark

Point = np.ndarray | Sequence[float]
_ARC = 0.5522847498


class Shape(Mark):
    """One path given as cubic segments `(n, 3)`, four points each.

    `stroke_width` is Manim's (4 is 3.6 px at 1280 px width); colours are `#rrggbb`, None for no fill or no stroke.
    """

    def __init__(
        self,
        points: np.ndarray,
        fill: str | None = None,
        stroke: str | None = None,
        stroke_width: float = 2.0,
        opacity: float = 1.0,
        z_index: float = 0,
    ) -> None:
        super().__init__(
            np.asarray(points, dtype=np.float64),
            fill or "#000000",
            opacity if fill else 0.0,
            stroke or "#000000",
            opacity if stroke else 0.0,
            stroke_width if stroke else 0.0,
            z_index,
        )


class Box(Shape):
    """A rectangle round `center`, with rounded corners where `radius` > 0 (scene units)."""

    def __init__(
        self,
        width: float,
        height: float,
        center: Point = ORIGIN,
        radius: float = 0.0,
        **style: object,
    ) -> None:
        super().__init__(box_points(width, height, center, radius), **style)  # type: ignore[arg-type]


class Path(Shape):
    """An open line through points; not filled."""

    def __init__(
        self, corners: Sequence[Point], stroke: str, stroke_width: float = 2.5, **style: object
    ) -> None:
        super().__init__(polyline(corners), stroke=stroke, stroke_width=stroke_width, **style)  # type: ignore[arg-type]


class Disc(Shape):
    """A circle of the given radius (scene units)."""

    def __init__(self, radius: float, center: Point = ORIGIN, **style: object) -> None:
        super().__init__(box_points(2 * radius, 2 * radius, center, radius), **style)  # type: ignore[arg-type]


class Arrow(VGroup):
    """A line through points with a small filled head at its end."""

    def __init__(
        self, corners: Sequence[Point], color: str, stroke_width: float = 2.5, head: float = 0.13
    ) -> None:
        path = [as_point(corner) for corner in corners]
        along = path[-1] - path[-2]
        along = along / (np.linalg.norm(along) or 1.0)
        across = np.array([-along[1], along[0], 0.0]) * 0.55
        base = path[-1] - along * head
        tip = polyline([base + across * head, path[-1], base - across * head, base + across * head])
        super().__init__(Path([*path[:-1], base], color, stroke_width), Shape(tip, fill=color))


def as_point(point: Point) -> np.ndarray:
    """A point with three coordinates from two or three."""
    given = np.asarray(point, dtype=np.float64)
    return given if given.shape == (3,) else np.array([*given[:2], 0.0])


def polyline(corners: Sequence[Point]) -> np.ndarray:
    """Straight segments through corners as cubics."""
    path = np.array([as_point(corner) for corner in corners])
    start, end = path[:-1], path[1:]
    steps = np.array([0.0, 1 / 3, 2 / 3, 1.0])[None, :, None]
    return (start[:, None] * (1 - steps) + end[:, None] * steps).reshape(-1, 3)


def box_points(width: float, height: float, center: Point = ORIGIN, radius: float = 0.0) -> np.ndarray:
    """A closed rectangle as cubics, clockwise from the top left; always eight segments when rounded, four when not."""
    x, y = as_point(center)[:2]
    w, h = width / 2, height / 2
    if radius <= 0:
        return _UNIT_BOX * (width, height, 0.0) + (x, y, 0.0)
    r = min(radius, w, h)
    k = r * (1 - _ARC)
    corners = [
        (x + w, y + h, -1, 0, 0, -1),
        (x + w, y - h, 0, 1, -1, 0),
        (x - w, y - h, 1, 0, 0, 1),
        (x - w, y + h, 0, -1, 1, 0),
    ]
    pieces = []
    last = np.array([x - w + r, y + h, 0.0])
    for cx, cy, ax, ay, bx, by in corners:
        start, end = np.array([cx + ax * r, cy + ay * r, 0.0]), np.array([cx + bx * r, cy + by * r, 0.0])
        pieces.append(polyline([last, start]))
        handles = [[cx + ax * k, cy + ay * k, 0.0], [cx + bx * k, cy + by * k, 0.0]]
        pieces.append(np.array([start, *handles, end]))
        last = end
    return np.concatenate(pieces)


_UNIT_BOX = polyline([(-0.5, 0.5), (0.5, 0.5), (0.5, -0.5), (-0.5, -0.5), (-0.5, 0.5)])
