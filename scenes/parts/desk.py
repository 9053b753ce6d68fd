"""Look and trace on one desk: an element, a named tensor, a grid, a frame or a label drawn in one call each.

desk = Desk(look, trace)
desk.grid("weight", (0, 0), cells, (2.0, 0.0), blank=True)
desk.number("sum", (0, 1), 0.28).place(center)
"""

from __future__ import annotations

from typing import Any

import numpy as np
from manim import VGroup

from torchreel.assets.fonts import FontName
from torchreel.scenes.parts.grid import Cells, Grid, drawn_texts
from torchreel.scenes.parts.look import MIN_TEXT, NAME_TEXT, Look, Stroke
from torchreel.scenes.parts.mathtext import MathText
from torchreel.scenes.parts.mathtext import width as math_width
from torchreel.scenes.parts.number import Number
from torchreel.scenes.parts.shapes import Point, Shape
from torchreel.scenes.parts.text import SHARE, Align, Text, fit, measure
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

NOWHERE = np.zeros((0, 3))
"""The path of a frame that is not there yet."""


class Desk:
    """What every part needs to draw values of a trace. Sizes are scene units, text sizes em heights."""

    def __init__(self, look: Look, trace: Trace) -> None:
        self.look, self.trace = look, trace

    def text(self, tensor: str, value: float) -> str:
        """A value as it is written among those of a tensor."""
        return self.look.written(value, self.trace.range(tensor))

    def texts(self, *tensors: str) -> list[str]:
        """How the elements of some tensors are written, for sizing cells."""
        return [text for tensor in tensors for text in drawn_texts(self.look, self.trace, tensor)]

    def number(
        self,
        tensor: str,
        index: Index,
        size: float,
        color: str | None = None,
        *,
        width: float | None = None,
        font: FontName = "sans",
        text: str | None = None,
        value: float | None = None,
    ) -> Number:
        """An element of a tensor, to be placed; smaller where it would be wider than `width`.

        `value` spares a look-up of what the caller has read already; `text` is for elements that are not written as
        their tensor's others, such as counts.
        """
        value = self.trace.value(tensor, index) if value is None else value
        text = self.text(tensor, value) if text is None else text
        size = size if width is None else fit(text, width, size, MIN_TEXT)
        return Number(text, tensor, index, value, size, color or self.look.theme.text, font)

    def shape(self, tensor: str) -> str:
        """A tensor's name and shape, as labels of grids say them: `input (1, 2, 5, 5)`."""
        return f"{tensor} {self.trace.shape(tensor)}"

    def title(
        self,
        tensor: str,
        at: Point,
        *,
        name: str | None = None,
        size: float = NAME_TEXT,
        align: Align = "center",
        shape: bool = True,
    ) -> VGroup:
        """What a grid is called: torch's name, the symbol of the formulas in the colour of its role, and the shape.

        The line stands on `at` (its baseline). `name` replaces torch's name, as in `weight[0]`.
        """
        theme, symbol = self.look.theme, self.trace.symbol(tensor)
        said, space = name or tensor, measure(" ", size)
        parts: list[tuple[Text | MathText, float]] = [(Text(said, size, theme.muted), measure(said, size))]
        if symbol != tensor:
            color = theme.role(self.trace.role(tensor))
            parts.append((MathText(symbol, size, color), math_width(symbol, size)))
        if shape:
            sizes = str(self.trace.shape(tensor))
            parts.append((Text(sizes, size, theme.muted), measure(sizes, size)))
        whole = sum(width + space for _, width in parts) - space
        left, line = at[0] - SHARE[align] * whole, VGroup()
        for part, width in parts:
            line.add(part.place((left, at[1]), align="left", vertical="baseline"))
            left += width + space
        return line

    def grid(self, tensor: str, lead: Index, cells: Cells, at: Point, **style: Any) -> Grid:
        """One plane of a tensor round `at`; `style` as in `Grid`."""
        return Grid(self.look, self.trace, tensor, lead, cells, at, **style)

    def label(
        self,
        text: str,
        at: Point,
        size: float = NAME_TEXT,
        color: str | None = None,
        font: FontName = "mono",
        **place: Any,
    ) -> Text:
        """A text at a place, muted unless coloured; `place` as in `Text.place`."""
        return Text(text, size, color or self.look.theme.muted, font).place(at, **place)

    def frame(self, path: np.ndarray = NOWHERE, width: float = Stroke.FRAME, z_index: float = 2) -> Shape:
        """A frame that marks what is in focus, in the accent colour."""
        return Shape(path, stroke=self.look.theme.accent, stroke_width=width, z_index=z_index)
