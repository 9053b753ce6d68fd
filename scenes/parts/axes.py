"""The frame of a plot: which span of x and y it shows and where on stage, and the round numbers on its axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Span = tuple[float, float]
Area = tuple[float, float, float, float]
"""(left, bottom, right, top) in scene units."""
_MOST, _MARGIN = 6, 0.06


@dataclass(frozen=True)
class Frame:
    """The span `x` and `y` of a function, shown in `area`. Spans that are empty are widened by `Frame.of`."""

    x: Span
    y: Span
    area: Area

    @classmethod
    def of(cls, x: Span, y: Span, area: Area) -> Frame:
        return cls(_widened(x), _widened(y), area)

    def point(self, x: float, y: float) -> np.ndarray:
        """Where (x, y) of the function is on stage, also outside the frame."""
        left, bottom, right, top = self.area
        across = (x - self.x[0]) / (self.x[1] - self.x[0])
        up = (y - self.y[0]) / (self.y[1] - self.y[0])
        return np.array([left + across * (right - left), bottom + up * (top - bottom), 0.0])

    def clamped(self, x: float, y: float) -> np.ndarray:
        """The point of the frame nearest to (x, y): infinities come to its edge."""
        return self.point(min(max(x, self.x[0]), self.x[1]), min(max(y, self.y[0]), self.y[1]))

    def clipped(self, start: Span, end: Span) -> list[np.ndarray] | None:
        """The ends, on stage, of what is inside the frame of a straight line (Liang and Barsky); None if nothing is."""
        if not np.isfinite([*start, *end]).all():
            return None
        low, high = 0.0, 1.0
        for axis, (least, most) in enumerate((self.x, self.y)):
            run = end[axis] - start[axis]
            if run == 0:
                if not least <= start[axis] <= most:
                    return None
                continue
            enter, leave = sorted(((least - start[axis]) / run, (most - start[axis]) / run))
            low, high = max(low, enter), min(high, leave)
        if low > high:
            return None
        at = [[a + (b - a) * share for a, b in zip(start, end, strict=True)] for share in (low, high)]
        return [self.point(*place) for place in at]


def ticks(span: Span) -> list[float]:
    """Round numbers inside a span, in steps of 1, 2 or 5 times a power of ten, a few of them."""
    low, high = span
    power = 10.0 ** math.floor(math.log10((high - low) / _MOST))
    step = next(
        power * size for size in (1, 2, 5, 10, 20) if (high - low) / (power * size) <= _MOST - 1 + 1e-9
    )
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [k * step for k in range(first, last + 1)]


def labelled(span: Span) -> list[tuple[float, str]]:
    """The ticks of a span with their texts: all with as many decimals as their step has, U+2212 for minus."""
    values = ticks(span)
    size = max(map(abs, values), default=0.0)
    step = values[1] - values[0] if len(values) > 1 else size or 1.0
    if size >= 1e4 or step < 1e-3:
        return [(value, _scientific(value)) for value in values]
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return [(value, f"{value:z.{decimals}f}".replace("-", "\u2212")) for value in values]


def covering(values: np.ndarray | Sequence[float]) -> Span:
    """A span that covers all finite values, with a margin; of values that are alike, a little of it."""
    finite = np.asarray(values, float)
    finite = finite[np.isfinite(finite)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    least = 1e-6 * max(1.0, abs(low), abs(high))
    grow = max((high - low) * _MARGIN, (least - (high - low)) / 2)
    return low - grow, high + grow


def _scientific(value: float) -> str:
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent)}".replace("-", "\u2212") if value else "0"


def _widened(span: Span) -> Span:
    low, high = span
    grow = max(abs(low), 1.0) / 2 if high - low <= 1e-9 * max(abs(low), abs(high)) else 0.0
    return low - grow, high + grow
