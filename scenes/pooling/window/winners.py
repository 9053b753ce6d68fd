"""The comparison in a max pooling clip: winner and losers of the window, the winner's mark and flat index."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.parts.grid import Cells
from torchreel.scenes.parts.look import MIN_TEXT
from torchreel.scenes.parts.motion import Drop, Paint
from torchreel.scenes.parts.shapes import Box, Disc, Shape, box_points
from torchreel.scenes.parts.sheet import Position
from torchreel.scenes.parts.text import Text
from torchreel.scenes.parts.width import INSET
from torchreel.scenes.pooling.window.board import PoolingBoard
from torchreel.scenes.pooling.window.trace import AXES

_INDEX_CELL = 0.78
_CROWN = 6
_LARGEST_DOT, _SMALLEST_DOT = 0.08, 0.045


class MaxBoard(PoolingBoard):
    """A board on which the largest value under the window wins."""

    border: str = "−∞"
    sign: str = "max"

    @property
    def results(self) -> list[tuple[str, ...]]:
        return [(name,) for name in ("output", "indices") if name in self.trace.outputs]

    @property
    def returns_indices(self) -> bool:
        """Whether the flat indices are part of what torch returns."""
        return "indices" in self.outputs

    def scenery(self) -> VGroup:
        return VGroup(super().scenery(), *self._flat_indices())

    def winner(self, position: Position) -> Position:
        """The input position that a window's winner stood in."""
        index = self.index(position)
        place = tuple(int(self.trace.value(name, index)) for name in AXES[-self.size.dims :])
        return place if self.size.dims > 1 else (0, *place)

    def judge(self, position: Position, groups: Sequence[VGroup]) -> tuple[list[Animation], VGroup]:
        """The losers go pale and the winner gets an accent frame with its flat index; the frame is returned too."""
        theme, best = self.look.theme, self.winner(position)
        crown, losers = VGroup(), []
        middles = self.slots.middles["input"]
        for tap, group, at in zip(self.slots.taps(position), groups, middles, strict=True):
            if tap == best and len(group) and self.size.holds(tap):
                crown.add(*self._crown(position, at))
            elif len(group):
                losers.append(group)
        pale = [Paint(*(group.submobjects[0] for group in losers), fill=theme.empty)] if losers else []
        texts = [text for group in losers for text in group.submobjects[1:]]
        dim = [Paint(*texts, fill=theme.muted)] if texts else []
        return [*pale, *dim, *([Drop(crown, scale=0.9)] if len(crown) else [])], crown

    def judged(self, position: Position) -> VGroup:
        """The window's values after the comparison, for quick steps."""
        groups = self.slots.filled(position)
        animations, crown = self.judge(position, groups)
        for animation in animations[: len(animations) - bool(len(crown))]:
            animation.begin()
            animation.finish()
        return VGroup(*groups, crown)

    def winning_slot(self, position: Position) -> np.ndarray | None:
        """Where in the window the winner was lifted to, if that is drawn."""
        taps, best = self.slots.taps(position), self.winner(position)
        return self.slots.middles["input"][taps.index(best)] if best in taps else None

    def mark(self, position: Position) -> list[Shape]:
        """The dot that stays on a winner in the input; nothing where cells have no room beside their number."""
        best, cells = self.winner(position), self.input.cells
        dot = min(_LARGEST_DOT, (cells.height / 2 - 0.4 * cells.text_size) / 3)
        if not self.input.shows(best) or dot < _SMALLEST_DOT or cells.width < 4 * dot:
            return []
        corner = np.array([cells.width / 2 - 2 * dot, cells.height / 2 - 2 * dot, 0.0])
        theme, at = self.look.theme, self.input.center(best) + corner
        return [Disc(dot, at, fill=theme.accent, stroke=theme.background, stroke_width=2, z_index=3)]

    @property
    def has_marks(self) -> bool:
        """Whether winners are marked in the input."""
        return any(self.mark(position) for position in self.positions()[:1])

    def zeros(self, position: Position) -> VGroup:
        """The zeros that a border of zeros would put into the window."""
        theme, cells, middles = self.look.theme, self.slots.cells, self.slots.middles["input"]
        zeros, color = VGroup(), theme.channel(0)
        for k in self.slots.on_border(position):
            size = (cells.width - 0.1, cells.height - 0.1)
            zeros.add(Box(*size, middles[k], 0.06, fill=theme.background, stroke=color, stroke_width=3))
            zeros.add(self.label("0", middles[k], cells.text_size, color, "bold"))
        return zeros

    def _flat_indices(self) -> list[Text]:
        """The flat index of each input cell in its corner, where indices are returned and cells have room."""
        cells = self.input.cells
        if not self.returns_indices or not cells.text_size or min(cells.width, cells.height) < _INDEX_CELL:
            return []
        theme, plane = self.look.theme, self.input
        return [
            self._corner(self._flat(at), plane.center(at), cells, theme.ink(plane.fill(at)))
            for at in plane.positions()
        ]

    def _flat(self, position: Position) -> str:
        return str(np.ravel_multi_index(position, self.size.plane))

    def _corner(self, text: str, at: np.ndarray, cells: Cells, color: str) -> Text:
        corner = (at[0] + cells.width / 2 - INSET, at[1] - cells.height / 2 + INSET + 0.06)
        return self.label(text, corner, MIN_TEXT, color, align="right")

    def _crown(self, position: Position, at: np.ndarray) -> list[Shape | Text]:
        theme, cells = self.look.theme, self.slots.cells
        inset = 0.0 if cells.text_size else -0.05
        frame = self.frame(box_points(cells.width - inset, cells.height - inset, at, 0.06), _CROWN, 3)
        room = cells.text_size and min(cells.width, cells.height) >= _INDEX_CELL
        if not self.returns_indices or not room:
            return [frame]
        best = self.winner(position)
        ink = theme.ink(self.input.fill(best))
        return [frame, self._corner(self._flat(best), at, cells, ink)]
