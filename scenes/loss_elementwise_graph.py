"""The graph of an element-wise loss: its curves over the input or the difference, and the dot that rides them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.loss_stage import PICTURE
from torchreel.scenes.parts.look import Look
from torchreel.scenes.parts.plot import Curve, Plot, Tag
from torchreel.scenes.parts.shapes import Disc
from torchreel.scenes.parts.text import Align
from torchreel.scenes.trace import Trace

_HEADROOM, _LEAST_TOP = 1.18, 0.8
_REFERENCE, _GHOST = 2.4, 0.55
_ASIDE, _LABEL, _BAND = 0.22, 0.22, 0.12
_MOST = 1e6
Band = tuple[float, float, str]
"""A span of x with the key of its label."""


class Graph:
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
        self.look, self.trace, self.bends, self.words = look, trace, bends, words
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
        self.scenery.add(*(self.plot.marker(at, look.theme.muted, name) for at, name in markers))

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

    def _labels(self) -> list[VGroup]:
        """The names of the curves, each beside its own where that is high: right of a falling one, left of a rising."""
        labels = []
        for number, curve in enumerate(self.curves):
            text = self.words(f"label_{number}")
            if not text:
                continue
            at, falls = self._free(number), curve.ys[0] > curve.ys[-1]
            x, y = self.plot.point(self.xs[at], curve.ys[at])[:2]
            aside = x + _ASIDE * (1 if falls else -1)
            align: Align = "left" if falls else "right"
            color = self.color(number)
            labels.append(Tag(text, (aside, y), color, self.look.theme.background, align, _LABEL))
        return labels

    def _free(self, number: int) -> int:
        """The sample of a curve at which its name stands: high up, one name lower than the other."""
        low, high = self.plot.frame.y
        ys = np.nan_to_num(self.curves[number].ys)
        return int(np.abs(ys - low - (0.9 - 0.12 * number) * (high - low)).argmin())


def _bounded(ys: np.ndarray) -> np.ndarray:
    """Values that a path can hold; what has none is a gap."""
    return np.where(np.isfinite(ys), ys, np.where(ys == np.inf, _MOST, np.nan)).clip(-_MOST, _MOST)
