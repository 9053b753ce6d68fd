"""Triplet losses: the negative has to stay outside a circle: the positive's distance plus the margin."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

import numpy as np
from manim import VGroup

from torchreel.scenes.loss import operators
from torchreel.scenes.loss.board import aligned_index
from torchreel.scenes.loss.vector.board import Column
from torchreel.scenes.loss.vector.slots import shown_slots
from torchreel.scenes.loss.vector.story import LossAct, VectorLoss
from torchreel.scenes.parts.family import bounds, family
from torchreel.scenes.parts.look import MIN_TEXT, NAME_TEXT
from torchreel.scenes.parts.mathtext import MathText
from torchreel.scenes.parts.plot import Tag, dashed
from torchreel.scenes.parts.shapes import Disc, Path, Shape
from torchreel.scenes.parts.text import Align, measure
from torchreel.scenes.trace.formula import Index, Token
from torchreel.scenes.trace.proof import Step

_POSITIVE, _NEGATIVE = 0, 1
"""The identifying colours of what should be near and of what should be far."""
_LONGEST = "positive"
_UNKNOWN_ANGLE = 1.2
_HIDES = 0.3
"""How high above its point a name stands that hides the circle behind it."""
_ABOVE, _PATCH = 0.22, 0.06
"""How high above its point a name stands that nothing runs behind; how much wider a patch is than a name, each side."""
_BESIDE_LINE, _CLEAR, _SHARES = 0.24, 0.24, (0.5, 0.4, 0.6, 0.3)
"""How far beside its line the symbol of a distance stands, how far from all else, and where along it."""
_FAR = 2.2
"""How many radii away a negative is drawn where it stands at most."""
_LINE, _TAIL = 0.25, 0.04
"""How far below a name the next one stands at least, and how much further below one whose first letter has a tail."""
Side = tuple[float, float, Align]
"""Where a name stands from its point: across, up, and which of its ends is there."""
_ELSEWHERE: tuple[Side, ...] = (
    (0.0, -0.3, "left"), (0.0, -0.3, "right"), (0.0, 0.34, "left"), (0.0, 0.34, "right"), (0.0, -0.6, "left"),
    (0.0, -0.6, "right"), (0.0, 0.64, "left"), (0.0, 0.64, "right"), (-0.2, 0.0, "right"), (0.2, 0.0, "left"),
)  # fmt: skip


class TripletScene(VectorLoss):
    """Three points drawn by their distances, the circle round the middle one, and what the negative lacks to it."""

    height = 3.0

    def values(self) -> dict[str, object]:
        return {"margin": self.look.said(self.module.margin)}

    @property
    def margin(self) -> str:
        """The margin as it is written."""
        return f"{float(self.module.margin):g}"

    @property
    def distance_name(self) -> str:
        """What stands above the columns of distances."""
        return self.words("distance")

    def law(self) -> list[Token]:
        far = "min(to_negative, between)" if self.module.swap else "to_negative"
        return [Token(f"loss = max(0, to_positive + {self.margin} − {far})")]

    def columns(self) -> list[Column]:
        distances = ["to_positive", "to_negative", *(["between"] if self.module.swap else [])]
        named = [name for name in distances if name in self.trace.tensors]
        return [
            *map(self._vectors, ("anchor", "positive", "negative")),
            *map(self._distance_column, named),
            Column("loss", lambda sample, _: sample, blank=True),
        ]

    def _distance_column(self, name: str) -> Column:
        return Column(name, lambda sample, _: self.aligned(name, sample), blank=True, name=self.distance_name)

    def _vectors(self, name: str) -> Column:
        shape = self.trace.shape(name)
        slots = shown_slots(shape[-1], [], 2)
        return Column(name, lambda sample, d: (*aligned_index(sample, shape[:-1]), d), slots)

    def acts(self, sample: Index) -> Iterator[LossAct]:
        near, far, between = (self._known(name, sample) for name in ("to_positive", "to_negative", "between"))
        swapped = bool(self.module.swap) and between < far
        out, side = (between, far) if swapped else (far, between)
        radius = near + float(self.module.margin)
        points = self._points(near, out, side, radius)
        names = ("positive", "anchor") if swapped else ("anchor", "positive")
        dots = VGroup(*self._dots(points, names)) if points else VGroup()
        yield LossAct("points", dots)
        measured = [name for name in ("to_positive", "to_negative", "between") if name in self.board.grids]
        lines = self._lines(points) if points else VGroup()
        if points:
            distances = ("to_positive", "between" if swapped else "to_negative")
            lines.add(*self._line_names(points, distances, bounds(family([dots]))))
        step = self._rule("to_positive", sample)
        yield LossAct("measure", lines, step, writes=measured)
        ring = self._ring(points, radius, out) if points else VGroup()
        yield LossAct("swapped" if swapped else "ring", ring)

    def _rule(self, name: str, sample: Index) -> Step | None:
        ruled = any(rule.tensor == name for rule in self.trace.rules)
        return (
            self.trace.step(name, self.aligned(name, sample)) if ruled and name in self.board.grids else None
        )

    def _known(self, name: str, sample: Index) -> float:
        if name not in self.trace.tensors:
            return math.nan
        return self.trace.value(name, self.aligned(name, sample))

    def _points(self, near: float, far: float, between: float, radius: float) -> list[np.ndarray] | None:
        """Middle, its partner and the negative on stage; sets `unit`, the scene units of a distance of 1."""
        if not all(map(math.isfinite, (near, far, radius))):
            return None
        area = self.board.area
        reach = (area.height - 0.3) / 2
        self.unit = reach / max(radius, near, 1e-9)
        self.ring = radius * self.unit
        center = np.array([area.left + 0.42 * area.width, (area.bottom + area.top) / 2, 0.0])
        angle = _UNKNOWN_ANGLE
        if math.isfinite(between) and near > 0 and far > 0:
            angle = math.acos(max(-1.0, min(1.0, (near**2 + far**2 - between**2) / (2 * near * far))))
        partner = near * self.unit * np.array([math.cos(angle), math.sin(angle), 0.0])
        away = min(far * self.unit, _FAR * reach)
        return [center, center + partner, center + np.array([away, 0.0, 0.0])]

    def _dots(self, points: list[np.ndarray], names: tuple[str, str]) -> Iterator[VGroup]:
        theme = self.look.theme
        hues = {
            "anchor": theme.text,
            "positive": theme.channel(_POSITIVE),
            "negative": theme.channel(_NEGATIVE),
        }
        called = (*names, "negative")
        sides = self._apart(points, called, self._sides(points))
        for point, name, (x, y, align) in zip(points, called, sides, strict=True):
            at, beside = point + np.array([x, y, 0.0]), _PATCH if align == "right" else -_PATCH
            label: VGroup = self.board.label(name, at, MIN_TEXT, hues[name], "sans", align=align)
            if y >= _HIDES:
                label = Tag(name, at, hues[name], theme.background, align, MIN_TEXT)
            elif y != _ABOVE:
                label = Tag(
                    name, at + np.array([beside, 0.0, 0.0]), hues[name], theme.background, align, MIN_TEXT
                )
            yield VGroup(Disc(0.1, point, fill=hues[name], z_index=3), label)

    def _apart(
        self, points: list[np.ndarray], names: Sequence[str], wanted: Sequence[Side]
    ) -> Sequence[Side]:
        """Where the names stand: as wanted, or at the first places where none covers another."""
        tried = itertools.product(*((own, *_ELSEWHERE) for own in wanted))
        return next((one for one in tried if not _meet(points, names, one)), wanted)

    def _sides(self, points: list[np.ndarray]) -> list[Side]:
        """Where the names stand: beside the middle, above its partner towards the inside, below the negative.

        Of points that coincide the partner's name goes the other way than the middle's.
        """
        middle, partner, negative = points
        apart = float(np.linalg.norm(partner - middle))
        right = partner[0] > middle[0] and apart >= _ABOVE
        places: list[Side] = [
            (-0.05 if right else 0.05, _ABOVE, "right" if right else "left"),
            (-0.18 if right else 0.18, 0.0, "right" if right else "left"),
            (0.18 if right else -0.18, 0.0, "left" if right else "right"),
            (0.0, -0.26, "left" if right else "right"),
        ]
        covering = (places[0][0], _HIDES, places[0][2])
        above = next((place for place in places if self._is_clear(middle, partner, place)), covering)
        inside = float(np.linalg.norm(negative - middle)) < self.ring
        near = apart < 2 * _HIDES
        beside = -0.2 - (max(0.0, middle[0] - partner[0]) if near else 0.0)
        return [(beside, 0.0, "right"), above, (0.0, -0.26, "right" if inside else "left")]

    def _is_clear(self, middle: np.ndarray, point: np.ndarray, place: Side) -> bool:
        """Whether a name beside a point lies wholly within the circle or wholly outside."""
        x, y, align = place
        wide = measure(_LONGEST, MIN_TEXT)
        start = point[0] + x - (wide if align == "right" else 0.0)
        xs, ys = (
            start + np.linspace(0, wide, 9) - middle[0],
            point[1] + y + np.linspace(-0.14, 0.14, 3) - middle[1],
        )
        away = np.hypot(xs[:, None], ys[None, :])
        return bool(away.max() < self.ring - 0.04 or away.min() > self.ring + 0.04)

    def _lines(self, points: list[np.ndarray]) -> VGroup:
        theme = self.look.theme
        colors = (theme.channel(_POSITIVE), theme.channel(_NEGATIVE))
        lines = [Path([points[0], points[k]], colors[k - 1], 3, z_index=1) for k in (1, 2)]
        if self.module.swap:
            lines.append(Path([points[1], points[2]], theme.wire, 2, z_index=1))
        return VGroup(*lines)

    def _line_names(
        self, points: list[np.ndarray], tensors: tuple[str, str], taken: Sequence[Sequence[float]]
    ) -> Iterator[MathText]:
        """The symbols of the distances beside their lines, where they have room."""
        middle, *ends = points
        boxes = list(taken)
        for number, (end, tensor) in enumerate(zip(ends, tensors, strict=True)):
            color = self.look.theme.channel((_POSITIVE, _NEGATIVE)[number])
            name = MathText(self.trace.symbol(tensor), NAME_TEXT, color)
            across = np.array([end[1] - middle[1], middle[0] - end[0], 0.0])
            across /= max(float(np.linalg.norm(across)), 1e-9)
            places = (
                middle + (end - middle) * share + across * side * _BESIDE_LINE
                for share in _SHARES
                for side in ((1, -1) if number else (-1, 1))
            )
            free = (at for at in places if self._is_free(at, points, boxes))
            at = next(free, None) if tensor in self.board.grids else None
            if at is not None:
                boxes += bounds(family([name.place(at)]))
                yield name

    def _is_free(self, at: np.ndarray, points: list[np.ndarray], taken: Sequence[Sequence[float]]) -> bool:
        """Whether a symbol has room: beside all lines, off the circle and clear of names and points."""
        x, y = float(at[0]), float(at[1])
        if abs(float(np.linalg.norm(at - points[0])) - self.ring) < _CLEAR:
            return False
        along = np.linspace(0, 1, 41)[:, None]
        pairs = ((points[0], points[1]), (points[0], points[2]), (points[1], points[2]))
        lines = pairs if self.module.swap else pairs[:2]
        near = min(
            float(np.linalg.norm(start + (end - start) * along - at, axis=1).min()) for start, end in lines
        )
        boxed = any(
            left - _CLEAR < x < right + _CLEAR and low - _CLEAR * 0.8 < y < high + _CLEAR * 0.8
            for left, low, right, high in taken
        )
        return near > _BESIDE_LINE - 0.02 and not boxed

    def _ring(self, points: list[np.ndarray], radius: float, out: float) -> VGroup:
        """The circle that the negative has to be outside of, and the way it lacks to it."""
        theme, board = self.look.theme, self.board
        center, size = points[0], radius * self.unit
        angles = np.linspace(0, 2 * math.pi, 97)
        around = [center + size * np.array([math.cos(a), math.sin(a), 0.0]) for a in angles]
        pieces = np.concatenate([dashed(around[k], around[k + 1]) for k in range(0, 96, 2)])
        group = VGroup(Shape(pieces, stroke=theme.good, stroke_width=2.8))
        x = center[0] - size * 0.72 - 0.25
        radius_name = f"{self.text('to_positive', radius - float(self.module.margin))} + {self.margin}"
        at = (x, center[1] + size * 0.72)
        group.add(board.label(radius_name, at, MIN_TEXT, theme.good, "sans", align="right"))
        if out < radius:
            stop = center + np.array([size, 0.0, 0.0])
            group.add(Path([points[2], stop], theme.role("result"), 8, z_index=2))
            at = (stop[0] + 0.2, stop[1])
            group.add(
                board.label(self.words("lost"), at, MIN_TEXT, theme.role("result"), "sans", align="left")
            )
        return group


def _meet(points: Sequence[np.ndarray], names: Sequence[str], sides: Sequence[Side]) -> bool:
    """Whether one name stands on another."""
    boxes = []
    for point, name, (x, y, align) in zip(points, names, sides, strict=True):
        wide, out = measure(name, MIN_TEXT) + 2 * _PATCH, 0.0 if y >= _HIDES else _PATCH
        left = float(point[0]) + x + (out - wide if align == "right" else -out)
        below = _LINE + _TAIL * (name[0] in "gpqy")
        boxes.append((float(point[1]) + y, left, left + wide, below))
    pairs = itertools.combinations(sorted(boxes, reverse=True), 2)
    return any(a[1] < b[2] and b[1] < a[2] and a[0] - b[0] < a[3] for a, b in pairs)


class TripletMarginLoss(TripletScene):
    operator = operators.TripletMarginLoss
