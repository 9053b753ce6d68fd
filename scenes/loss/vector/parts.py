"""What the losses of vectors are drawn with: columns and strips of numbers, and a chart of bars over strips."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.parts.grid import Cell, Cells, Grid, drawn_texts
from torchreel.scenes.parts.look import MIN_TEXT, Look
from torchreel.scenes.parts.motion import Morph, Paint
from torchreel.scenes.parts.plot import Area
from torchreel.scenes.parts.shapes import Box, Path, Shape, box_points
from torchreel.scenes.parts.text import Text
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

_WIDEST, _ROW = 1.1, 0.62
_LABEL = 0.2
_BAR = 0.62


class Column(VGroup):
    """Some elements of a tensor one below the other, empty until written; an accent frame goes along.

    `place` is the middle's x, the top and the lowest bottom. `indexed` writes each element's index beside it.
    """

    def __init__(
        self, look: Look, trace: Trace, tensor: str, cells: list[Index], place: tuple[float, float, float],
        indexed: bool = True,
    ) -> None:  # fmt: skip
        self.look, self.cells = look, cells
        x, top, low = place
        height = min(_ROW, (top - low) / max(1, len(cells)))
        fitted = Cells.fit(len(cells), 1, _WIDEST, height * len(cells), drawn_texts(look, trace, tensor))
        fitted = Cells(max(fitted.width, 0.9), height, fitted.text_size, len(cells), 1)
        self.bottom = top - height * len(cells)
        self.grid = Grid(
            look, trace, tensor, (), fitted, (x, (top + self.bottom) / 2),
            index=lambda cell: cells[cell[0]], blank=True,
        )  # fmt: skip
        theme = look.theme
        self.frame = Shape(
            self.grid.outline((0, 0), (0, 0), 0.02),
            stroke=theme.accent,
            stroke_width=5,
            opacity=0.0,
            z_index=2,
        )
        self.frame.stroke_rgbas = self.frame.stroke_rgbas.copy()
        shape = "" if not trace.shape(tensor) else f" {trace.shape(tensor)}".replace(",)", ",)")
        super().__init__(self.grid, self.grid.caption(f"{tensor}{shape}", _LABEL))
        if indexed and cells and cells[0]:
            for row, cell in enumerate(cells):
                at = self.grid.center((row, 0)) - np.array([fitted.width / 2 + 0.12, 0, 0])
                text = ", ".join(map(str, cell))
                self.add(Text(f"[{text}]", MIN_TEXT, theme.muted, "mono").place(at, align="right"))

    def write(self, cell: Index) -> list[Animation]:
        """An element comes into its place, which the frame marks."""
        row = self.cells.index(cell)
        marked = Shape(
            self.grid.outline((row, 0), (row, 0), 0.02), stroke=self.look.theme.accent, stroke_width=5
        )
        self.remove(self.frame)
        self.frame = marked
        self.frame.z_index = 2
        self.add(self.frame)
        return self.grid.write((row, 0))

    def leave(self) -> Animation:
        """The frame is gone."""
        self.remove(self.frame)
        return Paint(self.grid.boxes[0, 0], stroke=self.look.theme.line)


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


class Chart:
    """Bars over strips of numbers: one slot for each class (or input), values upwards over a common span."""

    def __init__(
        self, look: Look, trace: Trace, slots: int, rows: int, span: tuple[float, float], area: Area
    ) -> None:
        self.look, self.trace, self.slots = look, trace, slots
        self.area = area
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
        name = Text(label, _LABEL, color, "mono").place((self.right + 0.2, y), align="left")
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
            group.add(Text(label, _LABEL, theme.good).place(at, align="left"))
        return group

    def strip(self, row: int, strip: Strip) -> VGroup:
        """One row of numbers under the bars, named at its left."""
        y = self.area[1] + _ROW * 0.5 + row * _ROW
        given = [element for element in strip.elements if element is not None]
        texts = [
            text for name in {name for name, _ in given} for text in drawn_texts(self.look, self.trace, name)
        ]
        fitted = Cells.fit(1, self.slots, self.width * self.slots, _ROW - 0.08, texts, 1.25)
        cells = Cells(self.width, _ROW - 0.08, fitted.text_size, 1, 1)
        group = VGroup()
        for slot, element in enumerate(strip.elements):
            if element is not None:
                name, index = element
                group.add(Grid(self.look, self.trace, name, (), cells, (self.x(slot), y),
                               index=_always(index), scale=strip.scale))  # fmt: skip
        label = Text(strip.name, MIN_TEXT, self.look.theme.muted, "mono")
        return VGroup(group, label.place((self.left - 0.18, y), align="right"))

    def frame(self, row: int, slot: int, color: str) -> Shape:
        """A frame round one number."""
        y = self.area[1] + _ROW * 0.5 + row * _ROW
        return Shape(
            box_points(self.width - 0.04, _ROW - 0.12, (self.x(slot), y), 0.06),
            stroke=color, stroke_width=5, z_index=3,
        )  # fmt: skip

    def name(self, slot: int, text: str, color: str) -> Text:
        """A word over a slot's bar area."""
        return Text(text, _LABEL, color, "sans").place((self.x(slot), self.high + 0.2), vertical="baseline")


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
