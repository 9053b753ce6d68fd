"""CosineEmbeddingLoss: two vectors are compared by the angle between them, whatever their lengths."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from manim import VGroup

from torchreel.scenes.loss import operators
from torchreel.scenes.loss.board import aligned_index
from torchreel.scenes.loss.vector.chart import Chart, Strip, shown_slots
from torchreel.scenes.loss.vector.story import LossAct, VectorLoss
from torchreel.scenes.parts.look import MIN_TEXT
from torchreel.scenes.parts.shapes import Arrow, Disc, Path, Shape, polyline
from torchreel.scenes.parts.text import Align
from torchreel.scenes.trace.formula import Index

_CENTER, _RADIUS = np.array([-3.9, 0.75, 0.0]), 2.0
_AXIS_Y = -1.85
_NARROW = 0.97
"""The cosine from which on the two arrows' names have to step aside."""
_STRIPS = (0.2, -0.2, 3.7, 2.0)


class CosineEmbeddingLoss(VectorLoss):
    operator = operators.CosineEmbeddingLoss

    def acts(self, sample: Index) -> Iterator[LossAct]:
        trace = self.trace
        margin = float(self.module.margin)
        where = self.board.aligned("cos", sample)
        target = self.board.aligned("target", sample)
        cos, sign = trace.value("cos", where), trace.value("target", target)
        values: dict[str, object] = {
            "cos": self.text("cos", cos), "margin": f"{margin:g}", "target": self.text("target", sign)
        }  # fmt: skip
        yield LossAct("vectors", VGroup(self._rows(sample, target), self._dial()), values=values)
        yield LossAct("angle", self._arrows(where, cos), trace.step("cos", where), values=values)
        key = {1.0: "together", -1.0: "apart"}.get(sign, "unused")
        cost = self._cost(cos, 1.0 if sign == 1 else margin if sign == -1 else math.nan, sign)
        yield LossAct(key, cost, values=values, hold=1.4)

    def outcome(self, sample: Index) -> str:
        target = self.trace.value("target", self.board.aligned("target", sample))
        free = self.trace.value("loss", sample) == 0 and target == -1
        return "zero" if free else "keep"

    def _rows(self, sample: Index, target: Index) -> VGroup:
        """Both vectors as numbers, and the target."""
        trace = self.trace
        group = VGroup()
        size = trace.shape("input1")[-1]
        shown = shown_slots(size, [], 5)
        chart = Chart(self.look, trace, max(3, len(shown)), 3, (0, 1), _STRIPS)
        for row, name in ((2, "input1"), (1, "input2")):
            shape = trace.shape(name)
            at = [(name, (*aligned_index(sample, shape[:-1]), d)) for d in shown]
            group.add(chart.strip(row, Strip(name, at)))
        group.add(chart.strip(0, Strip("target", [("target", target)])))
        return group

    def _dial(self) -> VGroup:
        """The circle of directions, and the axis of cosines that they are projected on."""
        theme = self.look.theme
        ring = Disc(_RADIUS, _CENTER, stroke=theme.line, stroke_width=2.4)
        left, right = _axis(-1), _axis(1)
        parts = [ring, Path([left, right], theme.wire, 2.4)]
        for value in (-1, 0, 1):
            at = _axis(value)
            parts.append(Path([_moved(at, 0, 0.07), _moved(at, 0, -0.07)], theme.wire, 2.4))
            text = self.look.number(value, integer=True)
            parts.append(self.board.label(text, _moved(at, 0, -0.27), MIN_TEXT, font="sans"))
        return VGroup(*parts, self.board.label("cos", _moved(right, 0.25, 0), align="left"))

    def _arrows(self, where: Index, cos: float) -> VGroup:
        """input1 to the right, input2 at the angle to it, and its shadow on the axis."""
        theme = self.look.theme
        first = Arrow([_CENTER, _at(0.0)], theme.channel(1), 4)
        beside = _moved(_at(0.0), 0.12, -0.17 if cos > _NARROW else 0)
        group = VGroup(first, self.board.label("input1", beside, MIN_TEXT, theme.channel(1), align="left"))
        if math.isnan(cos):
            return group
        angle = math.acos(min(1.0, max(-1.0, cos)))
        tip = _at(angle)
        up = 0.15 if cos > _NARROW else 0.06
        beside = tip + np.array([0.16 * math.cos(angle), 0.2 * math.sin(angle) + up, 0])
        side: Align = "left" if cos > 0.3 else "right" if cos < -0.3 else "center"
        label = self.board.label("input2", beside, MIN_TEXT, theme.channel(0), align=side)
        group.add(Arrow([_CENTER, tip], theme.channel(0), 4), label)
        arc = [_CENTER + 0.5 * np.array([math.cos(a), math.sin(a), 0]) for a in np.linspace(0, angle, 24)]
        group.add(Path(arc, theme.wire, 2.4))
        foot = _axis(cos)
        group.add(Shape(_dashed(tip, foot), stroke=theme.channel(0), stroke_width=2))
        group.add(Disc(0.09, foot, fill=theme.channel(0)))
        group.add(self.board.number("cos", where, 0.22, value=cos).place(_moved(foot, 0, -0.58)))
        return group

    def _cost(self, cos: float, edge: float, sign: float) -> VGroup:
        """What is lost, on the axis: the way to 1, or what lies beyond the margin; the rest of it is free."""
        theme, group = self.look.theme, VGroup()
        if math.isnan(edge) or math.isnan(cos):
            return group
        if sign == -1:
            stop = math.acos(min(1.0, max(-1.0, edge)))
            angles = np.linspace(stop, math.pi, 40)
            upper = [_at(angle) for angle in angles]
            lower = [_at(-angle) for angle in angles[::-1]]
            fill = theme.tint(theme.good, 0.15)
            group.add(Shape(polyline([_CENTER, *upper, *lower, _CENTER]), fill=fill, z_index=-1))
            free = Path([_axis(-1), _axis(edge)], theme.good, 6)
            at = (_CENTER[0] - 1.2, _CENTER[1] - 0.45)
            word = self.board.label(self.words("zone"), at, color=theme.good, font="sans")
            group.add(free, *([word] if edge > -0.3 else []))
        low, high = (cos, 1.0) if sign == 1 else (edge, cos)
        if high > low:
            group.add(Path([_axis(low), _axis(high)], theme.accent, 9))
        return group


def _axis(cos: float) -> np.ndarray:
    return np.array([_CENTER[0] + _RADIUS * max(-1.0, min(1.0, cos)), _AXIS_Y, 0.0])


def _at(angle: float) -> np.ndarray:
    return _CENTER + _RADIUS * np.array([math.cos(angle), math.sin(angle), 0.0])


def _moved(place: np.ndarray, x: float, y: float) -> np.ndarray:
    return place + np.array([x, y, 0.0])


def _dashed(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    count = 2 * max(1, int(np.linalg.norm(end - start) / 0.2)) + 1
    points = np.linspace(start, end, count + 1)
    return np.concatenate([polyline([points[k], points[k + 1]]) for k in range(0, count, 2)])
