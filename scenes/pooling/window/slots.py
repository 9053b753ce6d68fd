"""The window lifted out of the input: a cell for each value that it covers."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from manim import VGroup

from torchreel.scenes.parts.desk import Desk
from torchreel.scenes.parts.shapes import Box
from torchreel.scenes.parts.sheet import Position, Sheet
from torchreel.scenes.parts.text import Text
from torchreel.scenes.parts.width import fitting
from torchreel.scenes.pooling.window.geometry import PoolingGeometry

Place = tuple[Sheet, np.ndarray]


class Slots:
    """The cells of the window, once for each of `tensors` whose values are shown there (all of the input's shape).

    `middles` are their centres in kernel order, `kept` the kernel positions that are drawn (all unless the window is
    huge), `shape` how many are drawn a side. The border holds the text `border`.
    """

    def __init__(
        self,
        desk: Desk,
        size: PoolingGeometry,
        border: str,
        tensors: Sequence[str],
        places: Sequence[Place],
    ) -> None:
        self.desk, self.size, self.border = desk, size, border
        sheet = min(
            (sheet for sheet, _ in places), key=lambda sheet: (sheet.cells.text_size, sheet.cells.width)
        )
        self.cells = sheet.cells
        self.shape = sheet.shape
        self.kept = [int(np.ravel_multi_index(place, size.kernel)) for place in np.ndindex(*self.shape)]
        self.text_sizes = {tensor: self._text_size(tensor) for tensor in tensors}
        self.middles = {
            tensor: sheet.middles(center) for tensor, (_, center) in zip(tensors, places, strict=True)
        }

    def __len__(self) -> int:
        return len(self.kept)

    def empty(self) -> list[Box]:
        """The slots before anything is lifted into them."""
        theme, cells = self.desk.look.theme, self.cells
        return [
            Box(cells.width, cells.height, at, fill=theme.empty, stroke=theme.line, stroke_width=1.2)
            for middles in self.middles.values()
            for at in middles
        ]

    def edges(self, tensor: str) -> tuple[float, float, float, float]:
        """Left, bottom, right and top of a tensor's slots."""
        half = np.array([self.cells.width / 2, self.cells.height / 2, 0.0])
        low, high = np.min(self.middles[tensor], axis=0) - half, np.max(self.middles[tensor], axis=0) + half
        return float(low[0]), float(low[1]), float(high[0]), float(high[1])

    def taps(self, position: Position) -> list[Position]:
        """The input positions under the window of an output position that have a slot."""
        taps = self.size.taps(position)
        return [taps[k] for k in self.kept]

    def filled(self, position: Position, tensor: str = "input") -> list[VGroup]:
        """The values under the window as cells in their slots; empty where there is no cell."""
        pairs = zip(self.taps(position), self.middles[tensor], strict=True)
        return [self._cell(tap, at, tensor) for tap, at in pairs]

    def on_border(self, position: Position) -> list[int]:
        """The slots that the border falls into."""
        taps = self.taps(position)
        return [k for k, tap in enumerate(taps) if self.size.exists(tap) and not self.size.holds(tap)]

    def _text_size(self, tensor: str) -> float:
        """As large as a tensor's own numbers may be in these cells."""
        if not self.cells.text_size:
            return 0.0
        return fitting([*self.desk.texts(tensor), self.border], self.cells)

    def _cell(self, tap: Position, at: np.ndarray, tensor: str) -> VGroup:
        if not self.size.exists(tap):
            return VGroup()
        theme, cells, holds = self.desk.look.theme, self.cells, self.size.holds(tap)
        index = (*self.size.lead, *self.size.spatial(tap))
        trace = self.desk.trace
        value = trace.value(tensor, index) if holds else math.nan
        fill = theme.fill(value, trace.range(tensor).scale) if holds else theme.background
        edge = 1.4 if cells.text_size else 0.6
        box = Box(cells.width, cells.height, at, fill=fill, stroke=theme.line, stroke_width=edge)
        if not cells.text_size:
            return VGroup(box)
        if not holds:
            return VGroup(box, Text(self.border, self.text_sizes[tensor], theme.muted).place(at))
        number = self.desk.number(tensor, index, self.text_sizes[tensor], theme.ink(fill), value=value)
        return VGroup(box, number.place(at))
