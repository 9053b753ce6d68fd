"""Triplet losses: the negative has to stay outside a ring round the anchor, the positive's distance plus the margin."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from manim import VGroup

from torchreel.scenes.loss import operators
from torchreel.scenes.loss.vector.chart import Chart, Strip
from torchreel.scenes.loss.vector.story import LossAct, VectorLoss
from torchreel.scenes.parts.grid import dashes
from torchreel.scenes.parts.plot import Tag
from torchreel.scenes.parts.shapes import Box, Disc, Path, Shape, box_points
from torchreel.scenes.stage.bars import EDGE, STAGE_TOP
from torchreel.scenes.trace.formula import Index

_CENTER, _REACH = np.array([-3.2, 0.2, 0.0]), 2.75
_STRIPS = (2.1, -0.6, 3.6, 2.3)
_RIGHT = 0.55
_UNKNOWN_ANGLE = 1.2


class TripletScene(VectorLoss):
    """Three points in the plane, drawn by their distances, the negative always to the right of the middle."""

    def values(self) -> dict[str, object]:
        return {"margin": f"{float(self.module.margin):g}"}

    def acts(self, sample: Index) -> Iterator[LossAct]:
        near, far, between = (
            self._distance(name, sample) for name in ("to_positive", "to_negative", "between")
        )
        swapped = bool(self.module.swap) and between < far
        margin = float(self.module.margin)
        ring, out = near + margin, between if swapped else far
        sides = (near, between, far) if swapped else (near, far, between)
        names = ("positive", "anchor") if swapped else ("anchor", "positive")
        points, unit = _points(*sides, ring)
        rows = self._rows(sample)
        size = self.trace.shape("anchor")[-1]
        if points is None:
            yield LossAct("points", rows, values={"size": size})
            return
        yield LossAct("points", VGroup(rows, *self._dots(points, names)), values={"size": size})
        yield LossAct("measure", self._lines(points))
        key = "swapped" if swapped else "ring"
        step = self.trace.step("loss", sample)
        yield LossAct(key, self._ring(points[0], ring * unit), step, hold=1.3)
        if out < ring:
            stop = points[0] + np.array([ring * unit, 0, 0])
            yield LossAct(
                "inside", VGroup(Path([points[2], stop], self.look.theme.accent, 9)), step, hold=0.6
            )

    def _distance(self, name: str, sample: Index) -> float:
        if name not in self.trace.tensors:
            return math.nan
        return self.trace.value(name, self.board.aligned(name, sample))

    def _rows(self, sample: Index) -> VGroup:
        """The distances as numbers."""
        swap = bool(self.module.swap)
        names = ["to_positive", "to_negative", *(["between"] if swap else [])]
        chart = Chart(self.look, self.trace, 1, 3, (0, 1), _STRIPS)
        return VGroup(
            *(
                chart.strip(2 - row, Strip(name, [(name, self.board.aligned(name, sample))]))
                for row, name in enumerate(names)
            )
        )

    def _dots(self, points: list[np.ndarray], names: tuple[str, str]) -> Iterator[VGroup]:
        theme = self.look.theme
        colors = {"anchor": theme.text, "positive": theme.good, "negative": theme.channel(0)}
        places = ((-0.2, 0.0, "right"), (0.0, 0.28, "center"), (0.0, -0.28, "center"))
        for point, name, (x, y, align) in zip(points, (*names, "negative"), places, strict=True):
            at = point + np.array([x, y, 0])
            label = Tag(name, at, colors[name], theme.background, align, 0.2)  # type: ignore[arg-type]
            yield VGroup(Disc(0.11, point, fill=colors[name], z_index=3), label)

    def _lines(self, points: list[np.ndarray]) -> VGroup:
        theme = self.look.theme
        return VGroup(
            Path([points[0], points[1]], theme.good, 3), Path([points[0], points[2]], theme.channel(0), 3)
        )

    def _ring(self, center: np.ndarray, radius: float) -> VGroup:
        """The ring that the negative has to be outside of; the free zone beyond it is shaded."""
        theme = self.look.theme
        left, right, low, high = -EDGE + 0.3, _RIGHT, -2.72, STAGE_TOP - 0.08
        middle = ((left + right) / 2, (low + high) / 2)
        free = Box(right - left, high - low, middle, fill=theme.tint(theme.good, 0.13), z_index=-3)
        hole = Disc(radius, center, fill=theme.background, z_index=-2)
        corners = box_points(2 * radius, 2 * radius, center, radius)[::4]
        angles = np.linspace(0, 2 * math.pi, 48, endpoint=False)
        around = [center + radius * np.array([math.cos(a), math.sin(a), 0]) for a in angles]
        line = Shape(
            dashes(around, 0.1) if len(corners) else hole.points, stroke=theme.good, stroke_width=2.6
        )
        fill = theme.tint(theme.good, 0.13)
        word = Tag(self.words("zone"), np.array([left + 0.75, low + 0.25, 0]), theme.good, fill, size=0.2)
        return VGroup(free, hole, line, word)


def _points(near: float, far: float, between: float, ring: float) -> tuple[list[np.ndarray] | None, float]:
    """Middle, its partner and the negative on stage, from their distances, and the scene units of a distance of 1."""
    if not all(map(math.isfinite, (near, far, ring))):
        return None, 1.0
    unit = _REACH / max(ring, far, 1e-9) if max(ring, far) <= 4 * ring else _REACH / (4 * ring)
    angle = _UNKNOWN_ANGLE
    if math.isfinite(between) and near > 0 and far > 0:
        cos = (near**2 + far**2 - between**2) / (2 * near * far)
        angle = math.acos(max(-1.0, min(1.0, cos)))
    partner = near * unit * np.array([math.cos(angle), math.sin(angle), 0])
    negative = np.array([min(far * unit, _REACH), 0, 0])
    return [_CENTER, _CENTER + partner, _CENTER + negative], unit


class TripletMarginLoss(TripletScene):
    operator = operators.TripletMarginLoss


class TripletMarginWithDistanceLoss(TripletScene):
    operator = operators.TripletMarginWithDistanceLoss
