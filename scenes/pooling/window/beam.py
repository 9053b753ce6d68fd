"""Two lines from one thing on stage to another, what lies between them, and the room there is for a word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from torchreel.assets.themes import Theme
from torchreel.scenes.parts.places import Place, crosses
from torchreel.scenes.parts.shapes import Path, Shape, polyline

_BEHIND, _FARTHER = -1, -2
_FILL, _LINE = 0.08, 0.55
_AIR = 0.12
_SAMPLES, _LEAST, _CLOSE = 200, 0.3, 0.05

Rect = tuple[float, float, float, float]
"""Left, bottom, right and top (scene units)."""


@dataclass(frozen=True)
class Beam:
    """Where the two lines start and end, `(2, 3)` each: the upper and the lower, or the left and the right."""

    start: np.ndarray
    end: np.ndarray

    @classmethod
    def down(cls, source: Rect, target: Rect) -> Beam:
        """From the foot of a rectangle to the top of another."""
        return cls(
            np.array([(source[0], source[1], 0.0), (source[2], source[1], 0.0)]),
            np.array([(target[0], target[3], 0.0), (target[2], target[3], 0.0)]),
        )

    @classmethod
    def across(cls, source: Rect, target: Rect, clear: float, edge: float) -> Beam:
        """From the right of a rectangle to the row of another, seen from x = `clear` to the `edge` of its grid."""
        start = np.array([(source[2], source[3], 0.0), (source[2], source[1], 0.0)])
        end = np.array([(edge, target[3], 0.0), (edge, target[1], 0.0)])
        along = max(0.0, clear - source[2]) / max(1e-6, edge - source[2])
        return cls(start + (end - start) * min(1.0, along), end)

    def lower(self, top: float, bottom: float) -> Beam:
        """Of lines that go down, what lies between two heights."""
        (_, high, _), (_, low, _) = self.start[0], self.end[0]
        shares = [min(1.0, max(0.0, (high - y) / max(1e-6, high - low))) for y in (top, bottom)]
        start, end = (self.start + (self.end - self.start) * share for share in shares)
        return Beam(start, end)

    def clear_of(self, labels: Sequence[Place]) -> Beam | None:
        """The longest part of the way where no label stands; None where that is too short to be seen.

        All of it where neither line runs through a label, though one may stand between them.
        """
        lines = zip(self.start[:, :2], self.end[:, :2], strict=True)
        if not any(crosses(start, end, labels) for start, end in lines):
            return self
        shares, way = np.linspace(0, 1, _SAMPLES), self.end - self.start
        runs = _runs([not self._meets(share, labels) for share in shares])
        first, last = max(runs, key=lambda run: run[1] - run[0], default=(0, 0))
        start, end = (self.start + way * shares[at] for at in (first, last))
        long = np.linalg.norm(end.mean(0) - start.mean(0)) >= _LEAST
        return Beam(start, end) if long else None

    def drawn(self, theme: Theme, color: str) -> list[Shape]:
        """The lines and a tint between them, behind all cells."""
        (a, b), (c, d) = self.start, self.end
        line = theme.tint(color, _LINE)
        return [
            Shape(polyline([a, c, d, b, a]), fill=theme.tint(color, _FILL), z_index=_FARTHER),
            Path([a, c], line, 2.0, z_index=_BEHIND),
            Path([b, d], line, 2.0, z_index=_BEHIND),
        ]

    def room_below(self, wide: float, high: float = 0.0) -> np.ndarray | None:
        """The middle of a text between two lines that go down, if it is clear of them."""
        (_, top, _), (_, low, _) = self.start[0], self.end[0]
        share = 0.5 * high / max(1e-6, abs(top - low))
        across = [self.start[:, 0] + (self.end - self.start)[:, 0] * at for at in (0.5 - share, 0.5 + share)]
        left, right = max(one[0] for one in across), min(one[1] for one in across)
        middle = np.array([(left + right) / 2, (top + low) / 2, 0.0])
        return middle if right - left >= wide + 2 * _AIR else None

    def room_between(self, wide: float, high: float, share: float) -> np.ndarray | None:
        """The middle of a text between two lines that go across, at a share of the way, if it is clear of them."""
        near, far = float(self.start[0, 0]), float(self.end[0, 0])
        x = near + (far - near) * share
        if wide + 2 * _AIR > 2 * min(x - near, far - x):
            return None
        ends = [x - wide / 2, x + wide / 2]
        highest, lowest = min(self._heights(0, ends)), max(self._heights(1, ends))
        return np.array([x, (highest + lowest) / 2, 0.0]) if highest - lowest >= high + _AIR else None

    def _meets(self, share: float, labels: Sequence[Place]) -> bool:
        """Whether a label stands between the lines, or closely beside them, at a share of the way."""
        ends = self.start + (self.end - self.start) * share
        (left, bottom, _), (right, top, _) = ends.min(0) - _CLOSE, ends.max(0) + _CLOSE
        return any(a < right and c > left and b < top and d > bottom for a, b, c, d in labels)

    def _heights(self, line: int, xs: Sequence[float]) -> list[float]:
        (a, y), (b, z) = self.start[line, :2], self.end[line, :2]
        return [float(y + (z - y) * (x - a) / (b - a)) for x in xs]


def _runs(flags: Sequence[bool]) -> list[tuple[int, int]]:
    """The first and the last place of each run of true flags."""
    edges = np.flatnonzero(np.diff([False, *flags, False]))
    return [(int(first), int(after) - 1) for first, after in edges.reshape(-1, 2)]


def rect(path: np.ndarray) -> Rect:
    """The rectangle round a path."""
    (left, bottom, _), (right, top, _) = path.min(0), path.max(0)
    return float(left), float(bottom), float(right), float(top)
