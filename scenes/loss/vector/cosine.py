"""CosineEmbeddingLoss: two vectors are compared by the angle between them, whatever their lengths."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from manim import VGroup

from torchreel.scenes.loss import operators
from torchreel.scenes.loss.board import aligned_index
from torchreel.scenes.loss.vector.board import Column
from torchreel.scenes.loss.vector.slots import shown_slots
from torchreel.scenes.loss.vector.story import LossAct, VectorLoss
from torchreel.scenes.parts.look import MIN_TEXT
from torchreel.scenes.parts.shapes import Arrow, Disc, Path, Shape
from torchreel.scenes.parts.text import SHARE, Align, measure
from torchreel.scenes.trace.formula import Index, Token, number_text

_FIRST, _SECOND = 5, 6
"""The identifying colours of the two vectors."""
_TOO_NEAR, _BESIDE = 0.35, 0.16
_TICKS = {-1.0: "−1", 0.0: "0", 1.0: "1"}


class CosineEmbeddingLoss(VectorLoss):
    operator = operators.CosineEmbeddingLoss
    height = 2.9

    def values(self) -> dict[str, object]:
        return {"margin": self.margin}

    @property
    def margin(self) -> str:
        """The margin as it is written."""
        return number_text(float(self.module.margin))

    def law(self) -> list[Token]:
        return [Token(f"loss = 1 − cos if target = 1,  max(0, cos − {self.margin}) if target = −1")]

    def columns(self) -> list[Column]:
        return [
            self._vectors("input1"),
            self._vectors("input2"),
            Column("target", lambda sample, _: self.aligned("target", sample), plain=True),
            Column("cos", lambda sample, _: self.aligned("cos", sample), blank=True),
            Column("loss", lambda sample, _: sample, blank=True),
        ]

    def _vectors(self, name: str) -> Column:
        shape = self.trace.shape(name)
        slots = shown_slots(shape[-1], [], 5)
        return Column(name, lambda sample, d: (*aligned_index(sample, shape[:-1]), d), slots)

    def acts(self, sample: Index) -> Iterator[LossAct]:
        where = self.aligned("cos", sample)
        cos = self.trace.value("cos", where)
        sign = self.trace.value("target", self.aligned("target", sample))
        yield LossAct("vectors", VGroup(*self._arrows(sample, cos)))
        yield LossAct("angle", self._axis(cos, sign), self.trace.step("cos", where), writes=["cos"])
        asked = self.board.outline("target", sample, 0)
        judged = self._judged(cos, sign)
        yield LossAct(self.outcome(sample), VGroup(judged, *([] if asked is None else [asked])))

    def sign(self, sample: Index) -> str:
        return {"together": "1 − c", "apart": f"max(0, c − {self.margin})"}.get(self.outcome(sample), "")

    def outcome(self, sample: Index) -> str:
        sign = self.trace.value("target", self.aligned("target", sample))
        return {1.0: "together", -1.0: "apart"}.get(sign, "unused")

    @property
    def center(self) -> np.ndarray:
        """Where both vectors start."""
        area = self.board.area
        out = self.radius + _BESIDE + measure("input1", MIN_TEXT)
        return np.array([area.left + max(2.2, out), (area.bottom + area.top) / 2 - 0.05, 0.0])

    @property
    def radius(self) -> float:
        """The radius of the circle of directions."""
        return (self.board.area.height - 0.5) / 2

    def _arrows(self, sample: Index, cos: float) -> Iterator[VGroup | Shape]:
        """Both directions: as they are in the plane, or, of longer vectors, with their angle between them."""
        theme = self.look.theme
        yield Disc(self.radius, self.center, stroke=theme.line, stroke_width=2.2)
        angles = self._angles(sample, cos)
        for name, angle, hue in zip(("input1", "input2"), angles, (_FIRST, _SECOND), strict=True):
            if not math.isfinite(angle):
                continue
            color = theme.channel(hue)
            way = np.array([math.cos(angle), math.sin(angle), 0.0])
            yield Arrow([self.center, self.center + self.radius * way], color, 4)
            yield self._vector_name(name, angles, color)
        if all(map(math.isfinite, angles)) and (arc := self._arc(*angles)) is not None:
            yield arc

    def _vector_name(self, name: str, angles: tuple[float, float], color: str) -> VGroup:
        """Beside the arrow's head; of names that would meet, the right one begins there and the left one ends."""
        number = int(name == "input2")
        (place, side), other = (self._name_place(one, angles) for one in (number, 1 - number))
        if math.isfinite(sum(angles)) and _meet((place, side), other) and place[0] != other[0][0]:
            side = "left" if place[0] > other[0][0] else "right"
        return VGroup(self.board.label(name, place, MIN_TEXT, color, "sans", align=side))

    def _name_place(self, number: int, angles: tuple[float, float]) -> tuple[np.ndarray, Align]:
        """Where a name stands and which of its ends; away from the other one where both are near."""
        angle, other = angles[number], angles[1 - number]
        gap = math.remainder(angle - other, 2 * math.pi) if math.isfinite(other) else math.pi
        turn = math.copysign(_TOO_NEAR - abs(gap), gap or (-1 if number else 1)) / 1.6
        at = angle + (turn if abs(gap) < _TOO_NEAR else 0.0)
        place = self.center + (self.radius + _BESIDE) * np.array([math.cos(at), math.sin(at), 0.0])
        side: Align = "left" if math.cos(at) > 0.3 else "right" if math.cos(at) < -0.3 else "center"
        if side == "center":
            place[1] += math.copysign(0.02, math.sin(at))
        return place, side

    def _angles(self, sample: Index, cos: float) -> tuple[float, float]:
        if self.trace.shape("input1")[-1] == 2 == self.trace.shape("input2")[-1]:
            first, second = (self._planar(name, sample) for name in ("input1", "input2"))
            return first, second
        return 0.0, math.acos(min(1.0, max(-1.0, cos))) if math.isfinite(cos) else math.nan

    def _planar(self, name: str, sample: Index) -> float:
        shape = self.trace.shape(name)
        x, y = (self.trace.value(name, (*aligned_index(sample, shape[:-1]), d)) for d in (0, 1))
        return math.atan2(y, x) if math.isfinite(x) and math.isfinite(y) and (x or y) else math.nan

    def _arc(self, start: float, end: float) -> Path | None:
        turn = math.remainder(end - start, 2 * math.pi)
        if abs(turn) < 0.02:
            return None
        around = [
            self.center + 0.42 * np.array([math.cos(a), math.sin(a), 0.0])
            for a in np.linspace(start, start + turn, 24)
        ]
        return Path(around, self.look.theme.wire, 2.4)

    def _axis(self, cos: float, sign: float) -> VGroup:
        """The axis of cosines, and where this pair stands."""
        theme, board, y = self.look.theme, self.board, self._axis_y
        parts = VGroup(Path([self._on_axis(-1, y), self._on_axis(1, y)], theme.wire, 2.4))
        margin = float(self.module.margin)
        for value, text in _TICKS.items():
            at = self._on_axis(value, y)
            parts.add(Path([_up(at, 0.07), _up(at, -0.07)], theme.wire, 2.4))
            if not self._is_at(value, margin) or sign != -1:
                parts.add(board.label(text, _up(at, -0.27), MIN_TEXT, font="sans"))
        parts.add(
            board.label(
                "cos", self._on_axis(1.0, y) + np.array([0.25, 0, 0]), MIN_TEXT, font="sans", align="left"
            )
        )
        if math.isfinite(cos):
            at = self._on_axis(cos, y)
            parts.add(Disc(0.1, at, fill=theme.text, stroke=theme.background, stroke_width=2, z_index=2))
        return parts

    @property
    def _axis_y(self) -> float:
        return (self.board.area.bottom + self.board.area.top) / 2 - 0.2

    def _judged(self, cos: float, sign: float) -> VGroup:
        """On the axis, what is free and what is lost."""
        margin, parts = float(self.module.margin), VGroup()
        if sign == -1:
            parts.add(*self._free(margin, self._axis_y))
        if math.isfinite(cos):
            parts.add(*self._lost(cos, margin, sign, self._axis_y))
        return parts

    def _free(self, margin: float, y: float) -> Iterator[Shape]:
        """The part of the axis where nothing is lost, up to the margin."""
        theme, board = self.look.theme, self.board
        edge, name = self._on_axis(margin, y), f"{self.words('margin')} {self.margin}"
        meets = any(
            abs(self._on_axis(value, y)[0] - edge[0])
            < (measure(name, MIN_TEXT) + measure(text, MIN_TEXT)) / 2
            for value, text in _TICKS.items()
            if not self._is_at(value, margin)
        )
        yield Path([self._on_axis(-1, y), edge], theme.good, 5)
        yield Path([_up(edge, 0.14), _up(edge, -0.14)], theme.good, 4)
        yield board.label(name, _up(edge, -0.56 if meets else -0.33), MIN_TEXT, theme.good, "sans")
        if margin > -0.5:
            yield board.label(
                self.words("zone"),
                _up(self._on_axis(-1, y), 0.28),
                MIN_TEXT,
                theme.good,
                "sans",
                align="left",
            )

    def _lost(self, cos: float, margin: float, sign: float, y: float) -> Iterator[Shape]:
        theme, board = self.look.theme, self.board
        low, high = (cos, 1.0) if sign == 1 else (margin, cos)
        color = theme.role("result")
        if sign in (1, -1) and high > low:
            yield Path([self._on_axis(low, y), self._on_axis(high, y)], color, 8, z_index=1)
            middle = _up(self._on_axis((low + high) / 2, y), 0.3)
            yield board.label(self.words("lost"), middle, MIN_TEXT, color, "sans")

    def _is_at(self, tick: float, margin: float) -> bool:
        """Whether the margin's name stands for that of a tick."""
        return abs(tick - margin) <= 0.12

    def _on_axis(self, cos: float, y: float) -> np.ndarray:
        left, right = self.center[0] + self.radius + 1.5, self.board.area.right - 0.9
        return np.array([left + (right - left) * (max(-1.0, min(1.0, cos)) + 1) / 2, y, 0.0])


def _meet(*names: tuple[np.ndarray, Align]) -> bool:
    """Whether two names of vectors would overlap where they stand."""
    wide = measure("input1", MIN_TEXT)
    lefts = [place[0] - SHARE[side] * wide for place, side in names]
    high = abs(names[0][0][1] - names[1][0][1])
    return bool(abs(lefts[0] - lefts[1]) < wide + 0.04 and high < MIN_TEXT)


def _up(place: np.ndarray, by: float) -> np.ndarray:
    return place + np.array([0.0, by, 0.0])
