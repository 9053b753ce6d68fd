"""The graph of an element-wise loss: its curves over the input or the difference, and the dot that rides them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.loss.elementwise.board import PICTURE
from torchreel.scenes.parts.desk import Desk
from torchreel.scenes.parts.look import Look
from torchreel.scenes.parts.plot import Area, Curve, Plot, Tag
from torchreel.scenes.parts.shapes import Disc
from torchreel.scenes.parts.text import Align
from torchreel.scenes.trace.proof import Trace

_HEADROOM, _LEAST_TOP = 1.18, 0.8
_REFERENCE, _GHOST = 2.4, 0.55
_ASIDE, _LABEL, _BAND = 0.22, 0.22, 0.12
_EDGE = 0.17
_SHARES = (0.9, 0.78, 0.66, 0.54, 0.42)
_MOST = 1e6
Band = tuple[float, float, str]
"""A span of x with the key of its label, "" for none."""


class LossGraph(Desk):
    """Curves `curve.0`, `curve.1`… of a trace over `curve.x`. Where they `bend`, one is drawn, each element's own.

    `bands` are spans of x with a label; `markers` are places with the name of a setting. `words` gives the texts.
    """

    def __init__(
        self,
        look: Look,
        trace: Trace,
        x_name: str,
        bends: bool,
        words: Callable[[str], str],
        bands: Sequence[Band] = (),
        markers: Sequence[tuple[float, str]] = (),
    ) -> None:
        super().__init__(look, trace)
        self.bends, self.words = bends, words
        self.xs = trace.sample("curve.x").numpy()
        self.ys = [trace.sample(name).numpy() for name in self._names()]
        self.plot = Plot(look, (self.xs[0], self.xs[-1]), self._heights(), PICTURE, x_name, "loss")
        shown = self.ys[:1] if bends else self.ys
        self.curves = [self._curve(ys, self.color(k)) for k, ys in enumerate(shown)]
        self.ghosts = VGroup()
        self.rider = self.plot.rider(self.curves[0], math.nan, look.theme.accent)
        self.scenery = VGroup(
            self.plot, *self._bands(bands), *self._reference(), *self.curves, *self._labels()
        )
        self.scenery.add(*self._markers(markers))

    def color(self, number: int) -> str:
        """The identifying colour of a curve."""
        return self.look.theme.channel(number)

    def ride(self, number: int, x: float, y: float) -> list[Animation]:
        """The dot goes to an element on curve `number`; a curve that bends becomes the element's own.

        What it was stays behind in `ghosts`.
        """
        curve = self.curves[0 if self.bends else number]
        moves: list[Animation] = []
        if self.bends and number < len(self.ys) and (_bounded(self.ys[number]) != curve.ys).any():
            self.ghosts.add(self.plot.curve(self.xs, curve.ys, self.look.theme.muted, _REFERENCE, _GHOST))
            moves.append(curve.bend(_bounded(self.ys[number])))
        if self.rider.curve is not curve or math.isnan(sum(self.rider.at)):
            self.rider.curve = curve
            self.rider.put(x, y)
        return [*moves, self.rider.ride(x, y, quick=0.5)]

    def lift(self, y: float) -> list[Animation]:
        """The dot leaves its curve for another height: a weight."""
        return [self.rider.ride(self.rider.at[0], y, quick=0.5)]

    @property
    def place(self) -> np.ndarray:
        """Where the dot is."""
        x, y = (0.0 if math.isnan(value) else value for value in self.rider.at)
        return self.plot.frame.clamped(x, y)

    def mark(self, number: int, x: float, y: float) -> Disc | None:
        """The dot that an element leaves; None for NaN."""
        if math.isnan(x + y):
            return None
        return self.plot.dot(x, y, self.color(0 if self.bends else number))

    def _names(self) -> list[str]:
        names = (f"curve.{number}" for number in range(len(self.trace.tensors)))
        return [name for name in names if name in self.trace.tensors]

    def _curve(self, ys: np.ndarray, color: str) -> Curve:
        return self.plot.curve(self.xs, _bounded(ys), color)

    def _heights(self) -> tuple[float, float]:
        """From the least to the largest loss of the elements, with some room; at least to 0."""
        names = [name for name in ("loss", "unweighted") if name in self.trace.tensors]
        found = np.concatenate([self.trace.sample(name).numpy() for name in names])
        found = found[np.isfinite(found)].clip(-_MOST, _MOST)
        top = max(_LEAST_TOP, float(found.max(initial=0.0)) * _HEADROOM)
        lows = [float(found.min(initial=0.0)), *(float(np.nan_to_num(_bounded(ys)).min()) for ys in self.ys)]
        low = max(min(lows), -top)
        return (low * _HEADROOM if low < 0 else 0.0, top)

    def _reference(self) -> list[Curve]:
        if "curve.reference" not in self.trace.tensors:
            return []
        ys = _bounded(self.trace.sample("curve.reference").numpy())
        return [self.plot.curve(self.xs, ys, self.look.theme.muted, _REFERENCE, 0.7)]

    def _bands(self, bands: Sequence[Band]) -> list[VGroup]:
        theme = self.look.theme
        return [
            self.plot.band(start, end, theme.accent, self.words(key) if key else "", _BAND)
            for start, end, key in bands
        ]

    def _markers(self, markers: Sequence[tuple[float, str]]) -> list[VGroup]:
        """Those that stand clear of the frame's ends; of two that are close only the last one is named."""
        low, high = self.xs[0], self.xs[-1]
        edge = _EDGE * (high - low)
        inside = [(at, name) for at, name in markers if low + edge / 2 < at < high - edge / 2]
        found = []
        for number, (at, name) in enumerate(inside):
            close = any(later - at < edge for later, _ in inside[number + 1 :])
            clear = not close and at > low + edge
            found.append(self.plot.marker(at, self.look.theme.muted, name if clear else ""))
        return found

    def _labels(self) -> list[Tag]:
        """The names of several curves, each beside its own and clear of the others."""
        labels: list[Tag] = []
        for number in range(len(self.curves) if len(self.curves) > 1 else 0):
            places = self._places(number, self.words(f"label_{number}"))
            free = (tag for tag in places if not self._meets(tag, labels))
            labels += list(itertools.islice(free, 1))
        return labels

    def _places(self, number: int, text: str) -> Iterator[Tag]:
        """Where the name of a curve may stand: right or left of it, from the top down."""
        low, high = self.plot.frame.y
        curve, color = self.curves[number], self.color(number)
        ys = np.nan_to_num(curve.ys)
        sides: list[tuple[Align, float]] = [("left", _ASIDE), ("right", -_ASIDE)]
        for share in _SHARES:
            at = int(np.abs(ys - low - share * (high - low)).argmin())
            x, y = self.plot.point(self.xs[at], curve.ys[at])[:2]
            for align, aside in sides if ys[0] > ys[-1] else sides[::-1]:
                yield Tag(text, (x + aside, y), color, self.look.theme.background, align, _LABEL)

    def _meets(self, tag: Tag, others: Sequence[Tag]) -> bool:
        """Whether a name covers a curve or another name, or leaves the frame."""
        (left, bottom, right, top) = _box(tag)
        if (
            left < self.plot.left
            or right > self.plot.right
            or bottom < self.plot.bottom
            or top > self.plot.top
        ):
            return True
        for curve in self.curves:
            x, y = np.array([self.plot.point(*at)[:2] for at in zip(self.xs, curve.ys, strict=True)]).T
            if ((left < x) & (x < right) & (bottom < y) & (y < top)).any():
                return True
        return any(left < b[2] and b[0] < right and bottom < b[3] and b[1] < top for b in map(_box, others))


def _box(tag: Tag) -> Area:
    """(left, bottom, right, top) of a name with its patch."""
    low, high = tag[0].points.min(0), tag[0].points.max(0)
    return (low[0], low[1], high[0], high[1])


def _bounded(ys: np.ndarray) -> np.ndarray:
    """Values that a path can hold; what has none is a gap."""
    return np.where(np.isfinite(ys), ys, np.where(ys == np.inf, _MOST, np.nan)).clip(-_MOST, _MOST)
