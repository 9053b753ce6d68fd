"""What a max pooling clip has beside other poolings: the winner of each window, and the flat indices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.parts.grid import Cells
from torchreel.scenes.parts.look import MIN_NUMBER, MIN_TEXT, Stroke
from torchreel.scenes.parts.number import Number
from torchreel.scenes.parts.shapes import Shape
from torchreel.scenes.parts.sheet import Position
from torchreel.scenes.parts.text import Text
from torchreel.scenes.parts.width import INSET
from torchreel.scenes.pooling.window.board import PoolingBoard
from torchreel.scenes.pooling.window.trace import AXES

_INDEX_CELL, _BESIDE_INDEX = 0.78, 0.34
_WON, _INWARDS, _HIGH = 0.5, -0.06, 3


class MaxBoard(PoolingBoard):
    """A board on which the largest value under the window wins."""

    border: str = "−∞"

    @property
    def results(self) -> Sequence[str]:
        return [name for name in ("output", "indices") if name in self.trace.outputs]

    @property
    def returns_indices(self) -> bool:
        """Whether the flat indices are part of what torch returns."""
        return "indices" in self.results

    def is_plain(self, name: str) -> bool:
        return name == "indices" and self.has_cell_text

    def input_text(self, cells: Cells) -> float:
        """Smaller where flat indices stand in the corners."""
        if not self._has_room(cells):
            return cells.text_size
        return max(MIN_NUMBER, min(cells.text_size, _BESIDE_INDEX * cells.height))

    def _has_room(self, cells: Cells) -> bool:
        """Whether flat indices stand in the corners of the input's cells."""
        return (
            self.returns_indices and bool(cells.text_size) and min(cells.width, cells.height) >= _INDEX_CELL
        )

    @property
    def has_cell_text(self) -> bool:
        """Whether the input's cells hold numbers."""
        return bool(self.input.cells.text_size)

    def scenery(self) -> VGroup:
        return VGroup(super().scenery(), *self._flat_indices())

    def winner(self, position: Position) -> Position:
        """The input position that a window's winner stood in."""
        index = self.index(position)
        place = tuple(int(self.trace.value(name, index)) for name in AXES[-self.size.dims :])
        return place if self.size.dims > 1 else (0, *place)

    def crown(self, position: Position) -> list[Shape]:
        """The frame of a window's winner; where windows have tints, the full tint says it."""
        best, accent = self.winner(position), self.look.theme.accent
        if self.is_tinted or not self.input.shows(best) or not self.has_cell_text:
            return []
        path = self.input.outline(best, best, _INWARDS)
        return [Shape(path, stroke=accent, stroke_width=Stroke.FRAME, z_index=_HIGH)]

    def place_marks(self, position: Position) -> VGroup:
        """The frame of a window's index, and where in the input it points."""
        marks, best = VGroup(), self.winner(position)
        if self.input.shows(best):
            path = self.input.outline(best, best, _INWARDS)
            marks.add(Shape(path, stroke=self.look.theme.text, stroke_width=Stroke.SOURCE, z_index=_HIGH))
        return marks.add(self.frame(self.outputs["indices"].outline(position, position, 0.02)))

    def keep(self, position: Position) -> list[Animation]:
        """A winner keeps the full tint of its window."""
        best = self.winner(position)
        return self.input.paint(best, self._hue(position, _WON)) if self.is_tinted else []

    def result_tint(self, position: Position) -> str:
        return self._hue(position, _WON)

    def sign_parts(self, position: Position, name: str) -> Sequence[Text | Number]:
        return [self.sign_text("max")]

    def _flat_indices(self) -> list[Text]:
        """The flat index of each input cell in its corner, where indices are returned and cells have room."""
        cells, plane = self.input.cells, self.input
        if not self._has_room(cells):
            return []
        half = np.array([cells.width / 2 - INSET, -cells.height / 2 + INSET + 0.06, 0.0])
        return [
            self.label(
                str(np.ravel_multi_index(at, self.size.plane)),
                plane.center(at) + half,
                MIN_TEXT,
                self.look.theme.ink(plane.fill(at)),
                align="right",
            )
            for at in plane.positions()
        ]
