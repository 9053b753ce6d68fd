"""What is done between the cells of the lattice: wires of the allowed steps, their sum, and the factor p."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from manim import VGroup

from torchreel.scenes.parts.look import Look
from torchreel.scenes.parts.mathtext import MathText
from torchreel.scenes.parts.plot import dashed
from torchreel.scenes.parts.shapes import Disc, Path, Shape, polyline

_SIGN, _ROUND, _WIRE = 0.3, 0.15, 1.6
_ON, _BEHIND = 2, -2
_AWAY, _ARM = 0.26, 0.09

Spot = tuple[float, float]
"""The middle of a cell."""


class LatticeWires:
    """Draws in the gaps between the columns of cells that are `wide`."""

    def __init__(self, look: Look, wide: float, gap: float) -> None:
        self.look, self.wide, self.gap = look, wide, gap

    def steps(self, pairs: Iterable[tuple[Spot, Spot]]) -> Shape | None:
        """Thin lines from cells to cells of the next column."""
        lines = [polyline([self._right(start), self._left(end)]) for start, end in pairs]
        if not lines:
            return None
        color = self.look.theme.wire
        return Shape(np.concatenate(lines), stroke=color, stroke_width=_WIRE, z_index=_BEHIND)

    def made(self, sources: Sequence[Spot], emitted: Spot, cell: Spot) -> VGroup:
        """A cell of the lattice: its sources meet in a sum, and p comes down beside it as a factor."""
        group = VGroup()
        accent = self.look.theme.accent
        if sources:
            x = cell[0] - self.wide / 2 - min(_AWAY, self.gap / 2)
            for one in sources:
                group.add(Path([self._right(one), (x, cell[1])], accent, 2.6, z_index=_ON))
            group.add(Path([(x, cell[1]), self._left(cell)], accent, 2.6, z_index=_ON))
            if len(sources) > 1:
                group.add(self._node("+", (x, cell[1])))
        lane = cell[0] + self.wide / 2 + min(_AWAY, self.gap / 2)
        way = [self._right(emitted), (lane, emitted[1]), (lane, cell[1]), self._right(cell)]
        group.add(Path(way, accent, 2.6, z_index=_ON))
        if sources:
            group.add(self._node("×", (lane, cell[1])))
        return group

    def barred(self, source: Spot, cell: Spot) -> VGroup:
        """A step that must not be made: a broken line with a cross on it."""
        (x, y), (end, low) = self._right(source), self._left(cell)
        cx, cy = (x + end) / 2, (y + low) / 2
        color = self.look.theme.muted
        line = Shape(dashed((x, y), (end, low)), stroke=color, stroke_width=2.0, z_index=_ON)
        arms = [polyline([(cx - _ARM, cy + up), (cx + _ARM, cy - up)]) for up in (_ARM, -_ARM)]
        cross = Shape(np.concatenate(arms), stroke=self.look.theme.text, stroke_width=3.6, z_index=_ON + 1)
        return VGroup(line, cross)

    def _node(self, sign: str, at: Spot) -> VGroup:
        theme = self.look.theme
        disc = Disc(_ROUND, at, fill=theme.background, stroke=theme.accent, stroke_width=2.4, z_index=_ON + 1)
        text = MathText(sign, _SIGN, theme.text).place(at)
        text.z_index = _ON + 2
        return VGroup(disc, text)

    def _left(self, cell: Spot) -> Spot:
        return cell[0] - self.wide / 2, cell[1]

    def _right(self, cell: Spot) -> Spot:
        return cell[0] + self.wide / 2, cell[1]
