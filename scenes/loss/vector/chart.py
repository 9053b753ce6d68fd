"""What a sample of the losses of vectors is drawn with: a chart of bars over strips of numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.parts.desk import Desk
from torchreel.scenes.parts.grid import Cell, Cells
from torchreel.scenes.parts.look import MIN_TEXT, Look
from torchreel.scenes.parts.motion import Morph
from torchreel.scenes.parts.plot import Area
from torchreel.scenes.parts.shapes import Box, Path, Shape, box_points
from torchreel.scenes.parts.text import Text
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

_ROW = 0.62
_BAR = 0.62


@dataclass(frozen=True)
class Strip:
    """A row of elements under a chart: its name and the element (tensor, index) in each slot, None for none."""

    name: str
    elements: Sequence[tuple[str, Index] | None]
    scale: float | None = None


class Bar(Box):
    """A bar that can grow: `flat` is its path where it starts, without height."""

    flat: np.ndarray

    def grow(self) -> Animation:
        """The bar rises from where it starts."""
        whole, self.points = self.points, self.flat
        return Morph(self, whole)


class Chart(Desk):
    """Bars over strips of numbers: one slot for each class (or input), values upwards over a common span."""

    def __init__(
        self, look: Look, trace: Trace, slots: int, rows: int, span: tuple[float, float], area: Area
    ) -> None:
        super().__init__(look, trace)
        self.slots, self.area = slots, area
        left, bottom, right, top = area
        self.width = min((right - left) / max(1, slots), 1.45)
        self.left = (left + right) / 2 - self.width * slots / 2
        self.right = self.left + self.width * slots
        self.low, self.high = bottom + rows * _ROW + 0.25, top
        self.span = _finite(span)

    def x(self, slot: float) -> float:
        """The middle of a slot."""
        return self.left + (slot + 0.5) * self.width

    def y(self, value: float) -> float:
        """The height of a value; what is outside the span comes to its edge."""
        low, high = self.span
        share = (min(max(value, low), high) - low) / (high - low)
        return self.low + share * (self.high - self.low)

    def base(self) -> Path:
        """The line of 0."""
        return Path([(self.left - 0.1, self.y(0)), (self.right + 0.1, self.y(0))], self.look.theme.wire, 2.0)

    def bar(self, slot: float, value: float, color: str, start: float = 0.0, share: float = _BAR) -> Shape:
        """A bar from `start` to a value; a NaN has none."""
        if math.isnan(value) or math.isnan(start):
            return Shape(np.zeros((0, 3)))
        low, high = sorted((self.y(start), self.y(value)))
        width = self.width * share
        bar = Bar(width, max(high - low, 0.02), (self.x(slot), (low + high) / 2), fill=color)
        bar.flat = box_points(width, 0.02, (self.x(slot), self.y(start)))
        return bar

    def level(self, value: float, color: str, label: str) -> VGroup:
        """A dashed line at a value over all slots, named at its right end."""
        if math.isnan(value):
            return VGroup()
        y = self.y(value)
        count = 2 * int((self.right - self.left) / 0.2) + 1
        xs = np.linspace(self.left - 0.1, self.right + 0.1, count + 1)
        dashes = [Path([(xs[k], y), (xs[k + 1], y)], color, 2.6) for k in range(0, count, 2)]
        points = np.concatenate([dash.points for dash in dashes])
        name = self.label(label, (self.right + 0.2, y), color=color, align="left")
        return VGroup(Shape(points, stroke=color, stroke_width=2.6), name)

    def zone(self, top: float, label: str) -> VGroup:
        """The shaded part under a value, where nothing is lost."""
        if math.isnan(top):
            return VGroup()
        theme = self.look.theme
        high, low = self.y(top), self.low
        fill = theme.tint(theme.good, 0.12)
        middle = ((self.left + self.right) / 2, (low + high) / 2)
        shade = Box(self.right - self.left + 0.2, max(0.02, high - low), middle, fill=fill, z_index=-2)
        group = VGroup(shade)
        if high - low > 0.3:
            at = (self.right + 0.2, low + 0.14)
            group.add(self.label(label, at, color=theme.good, font="sans", align="left"))
        return group

    def strip(self, row: int, strip: Strip) -> VGroup:
        """One row of numbers under the bars, named at its left."""
        y = self._row_y(row)
        given = [element for element in strip.elements if element is not None]
        texts = self.texts(*{name for name, _ in given})
        fitted = Cells.fit(1, self.slots, self.width * self.slots, _ROW - 0.08, texts, 1.25)
        cells = Cells(self.width, _ROW - 0.08, fitted.text_size, 1, 1)
        group = VGroup()
        for slot, element in enumerate(strip.elements):
            if element is not None:
                name, index = element
                at = (self.x(slot), y)
                group.add(self.grid(name, (), cells, at, index=_always(index), scale=strip.scale))
        return VGroup(group, self.label(strip.name, (self.left - 0.18, y), MIN_TEXT, align="right"))

    def ring(self, row: int, slot: int, color: str) -> Shape:
        """A frame round one number."""
        y = self._row_y(row)
        return Shape(
            box_points(self.width - 0.04, _ROW - 0.12, (self.x(slot), y), 0.06),
            stroke=color, stroke_width=5, z_index=3,
        )  # fmt: skip

    def name(self, slot: int, text: str, color: str) -> Text:
        """A word over a slot's bar area."""
        at = (self.x(slot), self.high + 0.2)
        return self.label(text, at, color=color, font="sans", vertical="baseline")

    def _row_y(self, row: int) -> float:
        return self.area[1] + _ROW * 0.5 + row * _ROW


def _always(index: Index) -> Callable[[Cell], Index]:
    return lambda cell: index


def _finite(span: tuple[float, float]) -> tuple[float, float]:
    low, high = (value if math.isfinite(value) else 0.0 for value in span)
    return (low, high) if high > low else (low - 1, high + 1)


def shown_slots(count: int, wanted: Sequence[int], most: int = 7) -> list[int]:
    """The classes that are drawn: the first ones, and of the later ones those that are wanted."""
    if count <= most:
        return list(range(count))
    late = [one for one in dict.fromkeys(wanted) if most <= one < count][:most]
    return sorted([*range(most - len(late)), *late])
