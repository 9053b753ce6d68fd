"""The way from two vectors to their distance, as rows one under another: differences, powers, their sum."""

from __future__ import annotations

from manim import VGroup

from torchreel.scenes.distance.trace import VectorRows
from torchreel.scenes.parts.desk import Desk
from torchreel.scenes.parts.grid import Cells
from torchreel.scenes.parts.look import Look
from torchreel.scenes.parts.mathtext import MathText
from torchreel.scenes.parts.shapes import Arrow
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

_X, _WIDTH = 3.9, 3.9
_LINES = {"diff": 2.05, "power": 0.2, "total": -1.65}
_HIGH, _SIGN = 0.85, 0.28


class Ladder(Desk):
    """Makes the rungs of any row; each has an arrow from the one above it."""

    def __init__(self, look: Look, trace: Trace, rows: VectorRows, power: str) -> None:
        super().__init__(look, trace)
        self.rows = rows
        self.signs = {"diff": "u − v + ε", "power": f"|…|^{{{power}}}", "total": "Σ"}

    def first(self, result: Index) -> Index:
        """The first element of a row's differences."""
        return (*result, 0) if self.rows.shape else ()

    def rung(self, name: str, result: Index) -> VGroup:
        """The row of `diff` or `power`, or the cell of `total`, of one result."""
        cols = 1 if name == "total" or not self.rows.shape else self.rows.length
        cells = Cells.fit(1, cols, _WIDTH, _HIGH, self.texts(name))
        y = _LINES[name]
        whole = name == "total" or not self.rows.shape
        grid = self.grid(name, result, cells, (_X, y), index=(lambda cell: result) if whole else None)
        if name == "diff":
            return VGroup(grid, self._sign(name).place((_X, y + _HIGH / 2 + 0.26)))
        above = (_LINES["diff"] - _LINES["power"]) - _HIGH / 2 - 0.06
        arrow = Arrow([(_X, y + above), (_X, y + _HIGH / 2 + 0.06)], self.look.theme.wire, head=0.16)
        beside = (_X + 0.25, y + (above + _HIGH / 2) / 2)
        return VGroup(grid, arrow, self._sign(name).place(beside, align="left"))

    def _sign(self, name: str) -> MathText:
        return MathText(self.signs[name], _SIGN, self.look.theme.muted)
