"""The graph of an element-wise activation: its curve above, its slope below, regimes, neighbours, and dots."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.activation.curve.labels import LabelPlaces
from torchreel.scenes.activation.curve.laws import Law, Piece, plain
from torchreel.scenes.parts.desk import Desk
from torchreel.scenes.parts.look import NAME_TEXT, Look
from torchreel.scenes.parts.motion import Appear, Vanish
from torchreel.scenes.parts.plot import Area, Curve, Rider, Span, Tag, Twin, covering
from torchreel.scenes.parts.shapes import Shape
from torchreel.scenes.parts.text import measure
from torchreel.scenes.trace.proof import Trace

AREA: Area = (-6.1, -2.2, 0.7, 2.72)
_BEHIND = 0.5
_LIT, _CALM = 0.12, 0.1


class CurveGraph(Desk):
    """Curves and slopes of a trace, one a learned slope. `words` gives the label of a regime.

    `heights` are values that the y axis should cover beside the curve's own.
    """

    def __init__(
        self, look: Look, trace: Trace, rules: Law, words: Callable[[str], str], heights: Sequence[float]
    ) -> None:
        super().__init__(look, trace)
        self.rules, self.words = rules, words
        self.x = self._array("curve.x")
        self.count = trace.shape("curve.output")[0]
        self.twin = self._axes(heights)
        self.curves = [self._curve("output", number) for number in range(self.count)]
        self.slopes = [self._curve("slope", number) for number in range(self.count)]
        self.beside = {name: self._neighbour(name) for name in rules.beside}
        self.riders: dict[str, Rider] = {}
        self.scenery = VGroup(self.twin.upper, self.twin.lower, *self.curves, *self._ends())

    def color(self, number: int) -> str:
        """The identifying colour of a curve."""
        return self.look.theme.channel(number + 1 if self.count == 1 else number)

    def ride(self, tensor: str, number: int, x: float, y: float) -> list[Animation]:
        """The dot of `output` or `slope` rides to (x, y) along curve `number`; on another curve it appears anew."""
        plot, lines = {
            "output": (self.twin.upper, self.curves),
            "slope": (self.twin.lower, self.slopes),
        }[tensor]
        rider = self.riders.get(tensor)
        if rider is not None and rider.curve is lines[number]:
            return [rider.ride(x, y)]
        gone = [Vanish(rider)] if rider is not None else []
        self.riders[tensor] = plot.rider(lines[number], x, self.look.theme.accent, y)
        return [*gone, Appear(self.riders[tensor])]

    def dismiss(self) -> list[Rider]:
        """The dots, which have done their work; the next ride makes new ones."""
        gone = list(self.riders.values())
        self.riders = {}
        return gone

    def place(self) -> np.ndarray:
        """Where the dot of the output is."""
        rider = self.riders["output"]
        return rider.curve.frame.clamped(*(0.0 if math.isnan(at) else at for at in rider.at))

    def regime(self, piece: Piece, number: int, slope: float | None = None) -> VGroup:
        """A piece that holds: its span of x shaded and named, its part of curve `number` thick.

        With `slope`, the thick line is the one with that slope through the origin.
        """
        if len(self.rules.pieces) == 1:
            return VGroup()
        accent = self.look.theme.accent
        thick = self.curves[number].part(*piece.span, accent)
        if slope is not None:
            thick = self.twin.upper.curve(thick.xs, thick.xs * slope, accent, 6.5)
        return VGroup(self._shade(piece, _LIT), *([thick] if len(thick.points) else []))

    def summary(self) -> VGroup:
        """All regimes with their names; those where the curve is rather flat are shaded."""
        pieces = self.rules.pieces
        if len(pieces) == 1:
            return VGroup()
        steep = [self._steepness(piece) for piece in pieces]
        return VGroup(
            *(
                self._shade(piece, _CALM if slope < max(steep) / 2 else 0.0)
                for piece, slope in zip(pieces, steep, strict=True)
            )
        )

    def neighbours(self) -> list[VGroup | Shape]:
        """The functions beside this one, each with its name, and the limits."""
        theme, upper = self.look.theme, self.twin.upper
        places = self._room()
        tags = [
            Tag(name, places.beside(name, curve), theme.muted, theme.background)
            for name, curve in self.beside.items()
        ]
        low, high = upper.frame.y
        levels = [upper.level(y, theme.muted, plain(y)) for y in self.rules.levels if low <= y <= high]
        return [*self.beside.values(), *tags, *levels]

    def mark(self, number: int, x: float, y: float) -> Shape:
        """The dot that an element leaves on its curve."""
        return self.twin.upper.dots([x], [y], self.color(number), 0.075)

    def _shade(self, piece: Piece, strength: float) -> VGroup:
        """A regime's span of x, with its label where the curve leaves room."""
        upper, theme = self.twin.upper, self.look.theme
        band = upper.band(*piece.span, theme.accent, strength=strength)
        text = self.words(piece.key)
        if not len(band):
            return band
        left, right = float(band[0].points[:, 0].min()), float(band[0].points[:, 0].max())
        if right - left < measure(text, NAME_TEXT) + 0.3:
            return band
        fill = theme.tint(theme.accent, strength)
        band.add(Tag(text, self._room().in_band(text, left, right), theme.text, fill))
        return band

    def _room(self) -> LabelPlaces:
        upper = self.twin.upper
        levels = [float(upper.point(0, y)[1]) for y in self.rules.levels]
        return LabelPlaces(upper.frame.area, [*self.curves, *self.beside.values()], levels)

    def _steepness(self, piece: Piece) -> float:
        """The mean size of the (first) curve's slope over a regime."""
        slopes = self._array("curve.slope", 0)
        inside = slopes[(self.x > piece.span[0]) & (self.x < piece.span[1]) & np.isfinite(slopes)]
        return float(np.abs(inside).mean()) if len(inside) else 0.0

    def _ends(self) -> list[Shape]:
        """At a jump, a dot on the value there and a hollow one where the other side ends."""
        return [
            self.twin.upper.dot(x, y, self.color(0), 0.07, hollow)
            for x, at, other in self._array("curve.jumps").reshape(-1, 3)
            for y, hollow in ((other, True), (at, False))
        ]

    def _axes(self, heights: Sequence[float]) -> Twin:
        tall = [*self._array("curve.output").ravel(), *self.rules.levels, *heights, 0.0]
        slopes = [*self._array("curve.slope").ravel(), 0.0, 1.0]
        x: Span = (float(self.x[0]), float(self.x[-1]))
        names = ("input", "output", "slope")
        return Twin.over(self.look, x, covering(tall), covering(slopes, 0.12), AREA, names, 0.66)

    def _curve(self, name: str, number: int) -> Curve:
        plot = self.twin.upper if name == "output" else self.twin.lower
        return plot.curve(self.x, self._array(f"curve.{name}", number), self.color(number), 4.4)

    def _neighbour(self, name: str) -> Curve:
        curve = self.twin.upper.curve(self.x, self._array(f"curve.{name}"), self.look.theme.wire, 2.6)
        curve.z_index = _BEHIND
        return curve

    def _array(self, tensor: str, row: int | None = None) -> np.ndarray:
        source = self.trace.tensors[tensor]
        return np.asarray((source if row is None else source[row]).tolist(), float)  # type: ignore[index, union-attr]
