"""The graph on which values are read off: axes with numbers, named curves, and the lit path of one element."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from manim import VGroup

from torchreel.scenes.activation.curve.labels import Label, LabelPlaces, extent
from torchreel.scenes.parts.axes import Area, Span, labelled
from torchreel.scenes.parts.curve import RIDER_Z, Curve
from torchreel.scenes.parts.look import MIN_TEXT, NAME_TEXT, Look
from torchreel.scenes.parts.mathtext import MathText
from torchreel.scenes.parts.plot import Plot, dashed
from torchreel.scenes.parts.shapes import Disc, Point, Shape, as_point, polyline
from torchreel.scenes.parts.text import Text, measure

TOP, BOTTOM = 2.86, -1.86
_LANE, _TICKS, _OUT = 0.26, 0.4, 0.62
_PATH, _LIT = 3.6, 0.12
_DASHES, _APART, _ABOVE = 0.11, 0.1, 0.2


class Axes(Plot):
    """Axes whose numbers leave the line y = 0 free at the left, where paths come in along the x axis.

    `bounds` are x that have a number too, in the place of round numbers that would touch it.
    """

    def __init__(self, look: Look, x: Span, y: Span, area: Area, bounds: Sequence[float] = ()) -> None:
        self.bounds = bounds
        super().__init__(look, x, y, area)

    def _numbers(self, on_x: bool) -> list[Text]:
        zero, line = self.point(0, 0)[1], self.bottom - 0.2
        own: list[Text] = []
        for x in self.bounds:
            text = self._bound(x, line) if x else None
            if text and not _touches(_ends(text), [_ends(one) for one in own]):
                own.append(text)
        boxes = [_ends(text) for text in own]
        kept = [
            text
            for text in super()._numbers(on_x)
            if text.text.strip("0.") or not len(text.points) or abs(_middle(text) - zero) > 0.05
        ]
        free = [text for text in kept if _middle(text) > self.bottom or not _touches(_ends(text), boxes)]
        apart = [_ends(text) for text in free if _middle(text) < self.bottom]
        return [*free, *(text for text, box in zip(own, boxes, strict=True) if not _touches(box, apart))]

    def _bound(self, x: float, line: float) -> Text | None:
        text = Text(f"{x:.4g}".replace("-", "−"), MIN_TEXT, self.look.theme.muted)
        return text.place((self.point(x, 0)[0], line))


def _middle(text: Text) -> float:
    return float(text.points[:, 1].min() + text.points[:, 1].max()) / 2


def _ends(text: Text) -> Span:
    return float(text.points[:, 0].min()), float(text.points[:, 0].max())


def _touches(one: Span, others: Sequence[Span]) -> bool:
    return any(one[0] < other[1] + _APART and other[0] < one[1] + _APART for other in others)


def frame_between(look: Look, left: float, right: float, y: Span, bottom: float, top: float) -> Area:
    """The frame of a graph that has columns at `left` and `right`: room for lanes and for the numbers of y."""
    wide = max((measure(text, MIN_TEXT) for _, text in labelled(y)), default=0.2)
    return left + _LANE + _TICKS + wide, bottom, right - _OUT, top


class ReadingGraph:
    """Axes, curves and where their names stand; `route` is the way from a number to the x axis, the curve and out."""

    def __init__(
        self,
        look: Look,
        x: Span,
        y: Span,
        area: Area,
        names: tuple[str, str],
        colors: Mapping[str, str],
        bounds: Sequence[float] = (),
    ) -> None:
        self.look, self.plot = look, Axes(look, x, y, area, bounds)
        theme = look.theme
        across = MathText(names[0], NAME_TEXT * 1.15, colors["x"]).place((area[2] + 0.38, area[1] - 0.2))
        up = MathText(names[1], NAME_TEXT * 1.15, colors["y"]).place(
            (area[0] - 0.18, max(area[3] + 0.2, self._highest() + _ABOVE)), align="right"
        )
        self.scenery = VGroup(self.plot, across, up)
        self.named: list[tuple[str, Curve, str, bool]] = []
        self.theme = theme
        self.curves: list[Curve] = []

    def _highest(self) -> float:
        """The upper edge of the highest number on the axes."""
        numbers = [one for one in self.plot if isinstance(one, Text) and len(one.points)]
        return max((one.box()[3] for one in numbers), default=-np.inf)

    def curve(self, xs: np.ndarray, ys: np.ndarray, color: str, name: str = "", bold: bool = False) -> Curve:
        """A line of the function, with a name to be placed by `label`."""
        return self._known(self.plot.curve(xs, ys, color, 4.4 if bold else 3.2), color, name, bold)

    def dashed(self, xs: np.ndarray, ys: np.ndarray, name: str) -> Curve:
        """A line to compare with."""
        curve = self.plot.curve(xs, ys, self.theme.muted, 2.2)
        curve.z_index = 0.5
        found = self._known(curve, self.theme.muted, name, False)
        full = curve.points
        curve.points = _dashes(full)
        return found

    def level(self, y: float) -> Shape:
        """A limit, dashed across the frame."""
        at = self.plot.frame.clamped(0, y)[1]
        ends = (self.plot.left, at, 0.0), (self.plot.right, at, 0.0)
        return Shape(dashed(*ends), stroke=self.theme.muted, stroke_width=1.8, z_index=0.5)

    def shows(self, x: float, y: float) -> bool:
        """Whether a point lies inside the frame."""
        (left, right), (low, high) = self.plot.frame.x, self.plot.frame.y
        return left <= x <= right and low <= y <= high

    def route(self, start: Point, at: tuple[float, float], end: Point) -> tuple[np.ndarray, np.ndarray]:
        """From a cell along a lane and the x axis to the curve; from there across and along a lane to another cell."""
        plot, a, b = self.plot, as_point(start), as_point(end)
        foot, place = plot.point(at[0], 0.0), plot.point(*at)
        left, right = float(a[0]) + _LANE, plot.right + 0.38
        inward: list[Point] = [a, (left, a[1]), (left, foot[1]), foot, place]
        return polyline(_straight(inward)), polyline(_straight([place, (right, place[1]), (right, b[1]), b]))

    def path(self, points: np.ndarray) -> Shape:
        """A lit path."""
        return Shape(points, stroke=self.theme.accent, stroke_width=_PATH, z_index=RIDER_Z)

    def spot(self, x: float, y: float) -> Disc:
        """The lit dot where a path meets the curve."""
        return Disc(
            _LIT, self.plot.point(x, y), fill=self.theme.accent, stroke=self.theme.background,
            stroke_width=2.4, z_index=RIDER_Z + 0.5,
        )  # fmt: skip

    def mark(self, x: float, y: float, color: str) -> Shape:
        """The dot that an element leaves on its curve."""
        return self.plot.dots([x], [y], color, 0.075)

    def upright(self, x: float) -> Shape:
        """Where one piece ends and another begins."""
        place = self.plot.frame.clamped(x, 0)[0]
        line = dashed((place, self.plot.bottom, 0.0), (place, self.plot.top, 0.0))
        return Shape(line, stroke=self.theme.line, stroke_width=1.6, z_index=0.2)

    def places(self, paths: Iterable[np.ndarray]) -> LabelPlaces:
        """The room for labels beside the curves and the paths that will be lit."""
        area = self.plot.frame.area
        axes = [
            polyline([self.plot.point(self.plot.frame.x[0], 0), self.plot.point(self.plot.frame.x[1], 0)])
        ]
        return LabelPlaces(area, self.curves, [*paths, *axes])

    def names(self, places: LabelPlaces) -> list[Label]:
        """The names of the curves, each where its own is alone."""
        found = []
        for name, curve, color, bold in self.named:
            at = places.beside(extent(name, bold), curve)
            found.append(Label(name, at, color, self.theme.background, bold))
        return found

    def _known(self, curve: Curve, color: str, name: str, bold: bool) -> Curve:
        copied = Curve(curve.frame, curve.xs, curve.ys, color, 1.0)
        self.curves.append(copied)
        if name and len(copied.points):
            self.named.append((name, copied, color, bold))
        return curve


def _straight(corners: Sequence[Point]) -> list[np.ndarray]:
    """Corners without those that repeat the one before."""
    found: list[np.ndarray] = []
    for corner in map(as_point, corners):
        if not found or float(np.linalg.norm(corner - found[-1])) > 1e-6:
            found.append(corner)
    return found if len(found) > 1 else [found[0], found[0]]


def _dashes(points: np.ndarray) -> np.ndarray:
    """A path of short cubics as dashes of even length; a gap between two cubics stays one."""
    if not len(points):
        return points
    steps = points.reshape(-1, 4, 3)
    starts, ends = steps[:, 0], steps[:, 3]
    lengths = np.linalg.norm(ends - starts, axis=1)
    way = np.concatenate([[0.0], np.cumsum(lengths)])
    pieces = []
    for start in np.arange(0.0, way[-1], 2 * _DASHES):
        stop = min(start + _DASHES, way[-1])
        for k in np.flatnonzero((way[:-1] < stop) & (way[1:] > start) & (lengths > 0)):
            shares = (np.clip([start, stop], way[k], way[k + 1]) - way[k]) / lengths[k]
            pieces.append(polyline([starts[k] + (ends[k] - starts[k]) * share for share in shares]))
    return np.concatenate(pieces) if pieces else points[:0]
