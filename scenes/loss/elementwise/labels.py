"""Names that stand beside what they name, clear of curves, of each other and of where paths will run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
from manim import VGroup

from torchreel.scenes.parts.look import Look
from torchreel.scenes.parts.mathtext import MathText, width
from torchreel.scenes.parts.shapes import Box

SIZE = 0.25
_PATCH = SIZE + 0.12
_AIR, _APART = 0.07, (0.13, 0.26, 0.42)
_SIDES = ((1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1), (0, 1), (0, -1))
_STEP = 0.05
_FREE, _BETTER, _WRONG = 1.2, 0.05, 4.0
_MET, _PLACES = 1e4, 12
_Z = 4
Rect = tuple[float, float, float, float]


class CurveLabel(VGroup):
    """A formula on a patch of the page's colour; what runs under it is hidden."""

    def __init__(self, look: Look, markup: str, color: str, middle: np.ndarray) -> None:
        patch = Box(width(markup, SIZE) + 0.08, _PATCH, middle, fill=look.theme.background, z_index=_Z)
        text = MathText(markup, SIZE, color).place(middle)
        text.z_index = _Z
        super().__init__(patch, text)


class Labels:
    """Places names one after another in `area`; `lines` are paths of corners that no name should cover.

    The first `named` of them are curves: the name of one stands nearer to it than to the others.
    """

    def __init__(self, look: Look, area: Rect, lines: Iterable[Sequence[np.ndarray]], named: int = 0) -> None:
        self.look, self.area, self.named = look, area, named
        self.lines = [_along(line) for line in lines]
        self.busy = np.concatenate([np.zeros((0, 2)), *self.lines])
        self.taken: list[Rect] = []

    def place(
        self,
        markup: str,
        color: str,
        anchors: Sequence[np.ndarray],
        own: int | None = None,
        clear: bool = False,
    ) -> CurveLabel | None:
        """A name beside one of some points where it covers nothing; None where it would cover another name.

        One that has to be `clear` is None as well where it would hide a piece of a line, or seem another's.
        The name of line `own` stands as far as may be from other lines; one without a line at the first free place.
        """
        wide, high = width(markup, SIZE) + 2 * _AIR, _PATCH
        others = [line for number, line in enumerate(self.lines) if number != own and len(line)]
        rest = np.concatenate([np.full((1, 2), np.inf), *others])
        best, least = np.asarray(anchors[0][:2]), np.inf
        for apart in _APART:
            for anchor in anchors:
                for across, up in _SIDES:
                    shift = across * (wide / 2 + apart * (1 if up == 0 else 0.6)), up * (high / 2 + apart)
                    middle = np.asarray(anchor[:2]) + shift
                    cost = self._cost(middle, wide, high) + apart
                    if own is not None:
                        free = float(np.linalg.norm((rest - middle) / (wide, high), axis=1).min())
                        cost -= min(free, _FREE)
                        cost += _WRONG * self._is_nearer_another(own, middle, wide, high)
                    if cost < least - _BETTER:
                        best, least = middle, cost
        if least > _MET / 2:
            best = min(self._everywhere(wide, high), key=lambda middle: self._cost(middle, wide, high))
            if self._cost(best, wide, high) > _MET / 2:
                return None
        wrong = own is not None and self._is_nearer_another(own, best, wide, high)
        if clear and (wrong or self._cost(best, wide, high) >= 1):
            return None
        return self._put(markup, color, best, wide, high)

    def _is_nearer_another(self, own: int, middle: np.ndarray, wide: float, high: float) -> bool:
        """Whether a name at a place stands nearer to another curve than to its own, as if it were that one's."""
        gaps = [
            float(np.hypot(*np.maximum(np.abs(line - middle) - (wide / 2, high / 2), 0).T).min())
            for line in self.lines[: self.named]
            if len(line)
        ]
        order = [number for number, line in enumerate(self.lines[: self.named]) if len(line)]
        return own in order and min(gaps) < gaps[order.index(own)]

    def _everywhere(self, wide: float, high: float) -> list[np.ndarray]:
        """Places all over the area, for a name that finds none beside what it names."""
        left, bottom, right, top = self.area
        xs = np.linspace(right - wide / 2 - _AIR, left + wide / 2 + _AIR, _PLACES)
        ys = np.linspace(top - high / 2 - _AIR, bottom + high / 2 + _AIR, _PLACES)
        return [np.array([x, y]) for y in ys for x in xs]

    def _put(self, markup: str, color: str, middle: np.ndarray, wide: float, high: float) -> CurveLabel:
        self.taken.append(_rect(middle, wide, high))
        return CurveLabel(self.look, markup, color, middle)

    def _cost(self, middle: np.ndarray, wide: float, high: float) -> float:
        left, bottom, right, top = _rect(middle, wide, high)
        if left < self.area[0] or bottom < self.area[1] or right > self.area[2] or top > self.area[3]:
            return 1e6
        x, y = self.busy.T
        covered = int(((left < x) & (x < right) & (bottom < y) & (y < top)).sum())
        met = sum(left < b[2] and b[0] < right and bottom < b[3] and b[1] < top for b in self.taken)
        return covered + _MET * met


def _rect(middle: np.ndarray, wide: float, high: float) -> Rect:
    x, y = float(middle[0]), float(middle[1])
    return x - wide / 2, y - high / 2, x + wide / 2, y + high / 2


def _along(line: Sequence[np.ndarray]) -> np.ndarray:
    """Points along a path, so close that no name slips between."""
    pieces = []
    for start, end in pairwise(line):
        a, b = np.asarray(start[:2], float), np.asarray(end[:2], float)
        count = max(2, int(np.linalg.norm(b - a) / _STEP) + 1)
        pieces.append(a + (b - a) * np.linspace(0, 1, count)[:, None])
    return np.concatenate([np.zeros((0, 2)), *pieces])
