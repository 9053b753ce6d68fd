"""Labels among curves: text on a patch, and where it finds room that no line and no other label takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from manim import VGroup

from torchreel.scenes.parts.axes import Area
from torchreel.scenes.parts.curve import RIDER_Z, Curve
from torchreel.scenes.parts.look import NAME_TEXT
from torchreel.scenes.parts.mathtext import MathText, width
from torchreel.scenes.parts.shapes import Box
from torchreel.scenes.parts.text import Text, measure

_TAG_Z = RIDER_Z + 1
_CLEAR, _BESIDE, _NEAR = 0.06, 0.34, 0.5
_LIFTS = (0.3, 0.42, 0.6, 0.8, 1.1, 1.4)
_APART = 0.05
_SHARES = (0.93, 0.07, 0.82, 0.18, 0.7, 0.3, 0.58, 0.42)
_ACROSS = (0.5, 0.35, 0.65, 0.2, 0.8)
_LABELS, _CURVES, _WORSE, _STRANGE, _FAR = 10_000, 30, 60, 90, 60

Spot = tuple[float, float]


class Label(VGroup):
    """A formula, or with `bold` a name, on a patch of `fill` round `middle` that hides what runs below it."""

    def __init__(
        self, text: str, middle: tuple[float, float], color: str, fill: str, bold: bool = False
    ) -> None:
        wide, high = extent(text, bold)
        words = Text(text, NAME_TEXT, color, "bold") if bold else MathText(text, NAME_TEXT, color)
        words.place(middle)
        words.z_index = _TAG_Z
        super().__init__(Box(wide, high, middle, fill=fill, z_index=_TAG_Z), words)


def extent(text: str, bold: bool = False) -> tuple[float, float]:
    """Width and height of a label's patch."""
    wide = measure(text, NAME_TEXT, "bold") if bold else width(text, NAME_TEXT)
    return wide + 0.14, NAME_TEXT + 0.12


class LabelPlaces:
    """The room inside a frame beside curves and lines (`others`, polylines); each label that is placed takes its part.

    A curve must not be hidden; a line may be, where there is no other room.
    """

    def __init__(self, area: Area, curves: Iterable[Curve], others: Iterable[np.ndarray] = ()) -> None:
        self.area, self.curves = area, list(curves)
        self.paths = np.concatenate([np.zeros((0, 2)), *(curve.points[:, :2] for curve in self.curves)])
        self.lines = np.concatenate([np.zeros((0, 2)), *(_dense(line[:, :2]) for line in others)])
        self.taken: list[Area] = []

    def take(self, box: Area) -> None:
        """Room that something else has."""
        self.taken.append(box)

    def corner(self, box: Area) -> Area:
        """Where a box hides least: where it is, in another corner of the frame, or else anywhere in it."""
        left, bottom, right, top = self.area
        wide, high = box[2] - box[0], box[3] - box[1]
        xs, ys = (left + 0.1, right - 0.1 - wide), (top - 0.15 - high, bottom + 0.15)
        corners = [(x, y) for y in ys for x in xs]
        inner = [(x, y) for y in np.linspace(*ys, 7).tolist() for x in np.linspace(*xs, 9).tolist()]
        return min([box, *((x, y, x + wide, y + high) for x, y in corners + inner)], key=self._cost)

    def in_band(self, size: tuple[float, float], left: float, right: float) -> tuple[float, float]:
        """The middle of a label in a band of x from `left` to `right` (scene units), near the curve in it."""
        bottom, top = self.area[1], self.area[3]
        x, y = self.curves[0].points[:, :2].T
        own: Curve | None = self.curves[0]
        if not ((x > left) & (x < right)).any():
            own, (x, y) = None, self.paths.T
        near: list[tuple[float, float]] = []
        for across in _ACROSS:
            middle = left + across * (right - left)
            here = y[np.abs(x - middle) < size[0] / 2 + _CLEAR]
            here = here if size[0] < right - left else here[:0]
            near += [(middle, here.max() + lift) for lift in _LIFTS[:2] if len(here)]
            near += [(middle, here.min() - lift) for lift in _LIFTS[:2] if len(here)]
        heights = [bottom + share * (top - bottom) for share in _SHARES]
        far = [(left + across * (right - left), height) for height in heights for across in _ACROSS]
        return self._pick(size, near, far, own)

    def along_upright(self, size: tuple[float, float], x: float) -> Spot:
        """The middle of a label right or left of an upright line."""
        _, bottom, _, top = self.area
        heights = [bottom + share * (top - bottom) for share in _SHARES]
        away = size[0] / 2 + 0.05
        return self._pick(size, [(x + side * away, y) for y in heights for side in (1, -1)])

    def along(self, size: tuple[float, float], y: float) -> tuple[float, float]:
        """The middle of a label below or above a level line."""
        left, _, right, _ = self.area
        across = [left + share * (right - left) for share in (0.85, 0.7, 0.5, 0.3, 0.15)]
        lifts = size[1] / 2 + 0.05
        return self._pick(size, [(x, y - lifts) for x in across], [(x, y + lifts) for x in across])

    def beside(self, size: tuple[float, float], curve: Curve) -> tuple[float, float]:
        """The middle of a label above or below its curve, where nothing else runs."""
        ends = curve.points[::4, :2]
        if not len(ends):
            return self._pick(size, [((self.area[0] + self.area[2]) / 2, self.area[3])])
        spread = np.linspace(0.03, 0.97, 40) * (len(ends) - 1)
        order = sorted(spread.round().astype(int).tolist(), key=lambda k: -self._distance(ends[k], curve))
        spots = [
            (float(ends[k][0]), float(ends[k][1]) + side * lift)
            for lift in _LIFTS
            for k in order
            for side in (1, -1)
        ]
        sides = [
            (float(ends[k][0]) + side * (size[0] / 2 + 0.16), float(ends[k][1]))
            for k in order
            for side in (1, -1)
        ]
        return self._pick(size, spots, sides, curve)

    def _distance(self, place: np.ndarray, own: Curve) -> float:
        """How far other curves are: a label belongs where its own is alone."""
        others = [curve.points[:, :2] for curve in self.curves if curve is not own and len(curve.points)]
        return min((float(np.linalg.norm(points - place, axis=1).min()) for points in others), default=0.0)

    def _pick(
        self,
        size: tuple[float, float],
        candidates: Sequence[Spot],
        worse: Sequence[Spot] = (),
        own: Curve | None = None,
    ) -> tuple[float, float]:
        """The first of the places that cost least; `worse` ones cost more, and those nearer to others than `own`."""
        ranked = [(place, 0) for place in candidates] + [(place, _WORSE) for place in worse]
        boxes = [(_box(self._inside(place, size), size), more) for place, more in ranked]
        best, _ = min(boxes, key=lambda box: self._cost(box[0]) + box[1] + self._strange(box[0], own))
        self.taken.append(best)
        return (best[0] + best[2]) / 2, (best[1] + best[3]) / 2

    def _strange(self, box: Area, own: Curve | None) -> int:
        """What it costs that a label stands far from its `own` curve, or nearer to another."""
        if own is None or not len(own.points):
            return 0
        others = [curve.points for curve in self.curves if curve is not own and len(curve.points)]
        near, away = min((_away(points, box) for points in others), default=np.inf), _away(own.points, box)
        return _STRANGE * (near < away + _CLEAR) + int(_FAR * max(0.0, away - _NEAR))

    def _inside(self, place: tuple[float, float], size: tuple[float, float]) -> tuple[float, float]:
        """The place, moved so that a label of this size stays in the frame."""
        left, bottom, right, top = self.area
        x = min(max(place[0], left + size[0] / 2 + _CLEAR), right - size[0] / 2 - _CLEAR)
        return x, min(max(place[1], bottom + size[1] / 2 + _CLEAR), top - size[1] / 2 - _CLEAR)

    def _cost(self, box: Area) -> int:
        """How many points of lines a box hides; those of curves and other labels count more."""
        box = box[0] - _CLEAR, box[1] - _CLEAR, box[2] + _CLEAR, box[3] + _CLEAR
        return (
            _CURVES * _inside_box(self.paths, box)
            + _inside_box(self.lines, box)
            + _LABELS * sum(_meet(box, _beside(other)) for other in self.taken)
        )


def _inside_box(points: np.ndarray, box: Area) -> int:
    x, y = points.T
    return int(((x > box[0]) & (x < box[2]) & (y > box[1]) & (y < box[3])).sum())


def _away(points: np.ndarray, box: Area) -> float:
    """How far the nearest of some points is from a box."""
    x, y = points[:, :2].T
    across, up = np.maximum(box[0] - x, x - box[2]).clip(0), np.maximum(box[1] - y, y - box[3]).clip(0)
    return float(np.hypot(across, up).min())


def _beside(box: Area) -> Area:
    """A box with the room that keeps labels side by side from being read as one."""
    return box[0] - _BESIDE, box[1], box[2] + _BESIDE, box[3]


def _dense(line: np.ndarray) -> np.ndarray:
    """Points on a polyline of cubics, `_APART` apart."""
    pieces = []
    for start, end in zip(line[::4], line[3::4], strict=True):
        count = int(np.linalg.norm(end - start) / _APART) + 2
        pieces.append(start + (end - start) * np.linspace(0, 1, count)[:, None])
    return np.concatenate(pieces)


def _box(middle: tuple[float, float], size: tuple[float, float]) -> Area:
    return middle[0] - size[0] / 2, middle[1] - size[1] / 2, middle[0] + size[0] / 2, middle[1] + size[1] / 2


def _meet(one: Area, other: Area) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
