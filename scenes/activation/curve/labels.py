"""Where a label finds room among curves: the first of some places that no line and no other label takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from torchreel.scenes.parts.axes import Area
from torchreel.scenes.parts.curve import Curve
from torchreel.scenes.parts.look import NAME_TEXT
from torchreel.scenes.parts.text import measure

_CLEAR = 0.05
_LIFT = 0.24
_ALONG = 60
_SHARES = (0.92, 0.08, 0.8, 0.2, 0.68, 0.32, 0.56, 0.44)


class LabelPlaces:
    """The room inside a frame beside curves and level lines (y on stage); each label that is placed takes its part."""

    def __init__(self, area: Area, curves: Iterable[Curve], levels: Iterable[float] = ()) -> None:
        self.area = area
        across = np.linspace(area[0], area[2], _ALONG)
        flat = [np.stack([across, np.full(_ALONG, y)], 1) for y in levels]
        self.paths = np.concatenate([np.zeros((0, 2)), *(curve.points[:, :2] for curve in curves)])
        self.lines = np.concatenate([self.paths, *flat])
        self.taken: list[Area] = []

    def in_band(self, text: str, left: float, right: float) -> tuple[float, float]:
        """The middle of a label in a band of x from `left` to `right` (scene units), as high up as there is room."""
        bottom, top = self.area[1], self.area[3]
        return self._pick(text, [((left + right) / 2, bottom + share * (top - bottom)) for share in _SHARES])

    def beside(self, text: str, curve: Curve) -> tuple[float, float]:
        """The middle of a label above or below its curve, where nothing else runs."""
        ends = curve.points[::4, :2]
        if not len(ends):
            return self._pick(text, [((self.area[0] + self.area[2]) / 2, self.area[3])])
        spread = np.linspace(0.04, 0.96, 24) * (len(ends) - 1)
        order = sorted(spread.round().astype(int).tolist(), key=lambda k: -self._distance(ends[k], curve))
        return self._pick(
            text, [(float(ends[k][0]), float(ends[k][1]) + lift) for k in order for lift in (_LIFT, -_LIFT)]
        )

    def _distance(self, place: np.ndarray, own: Curve) -> float:
        """How far another curve is: a label belongs where its own is alone."""
        keys, mine = (points @ (1.0, 1e6) for points in (self.paths, own.points[:, :2]))
        others = self.paths[~np.isin(keys, mine)]
        return float(np.linalg.norm(others - place, axis=1).min()) if len(others) else 0.0

    def _pick(self, text: str, candidates: Sequence[tuple[float, float]]) -> tuple[float, float]:
        size = measure(text, NAME_TEXT) + 0.16, NAME_TEXT + 0.12
        boxes = [_box(self._inside(place, size), size) for place in candidates]
        best = min(boxes, key=self._cost)
        self.taken.append(best)
        return (best[0] + best[2]) / 2, (best[1] + best[3]) / 2

    def _inside(self, place: tuple[float, float], size: tuple[float, float]) -> tuple[float, float]:
        """The place, moved so that a label of this size stays in the frame."""
        left, bottom, right, top = self.area
        x = min(max(place[0], left + size[0] / 2 + _CLEAR), right - size[0] / 2 - _CLEAR)
        return x, min(max(place[1], bottom + size[1] / 2 + _CLEAR), top - size[1] / 2 - _CLEAR)

    def _cost(self, box: Area) -> int:
        """How many points of lines a box hides; other labels count a thousand."""
        x, y = self.lines.T
        hidden = (x > box[0]) & (x < box[2]) & (y > box[1]) & (y < box[3])
        return int(hidden.sum()) + 1000 * sum(_meet(box, other) for other in self.taken)


def _box(middle: tuple[float, float], size: tuple[float, float]) -> Area:
    return middle[0] - size[0] / 2, middle[1] - size[1] / 2, middle[0] + size[0] / 2, middle[1] + size[1] / 2


def _meet(one: Area, other: Area) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
