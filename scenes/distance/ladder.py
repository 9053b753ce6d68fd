"""The way from two vectors to their distance, as rows one under another: differences, powers, their sum."""

from __future__ import annotations

from manim import VGroup

from torchreel.scenes.distance.trace import VectorRows
from torchreel.scenes.parts.desk import Desk
from torchreel.scenes.parts.grid import Cells
from torchreel.scenes.parts.look import Look
from torchreel.scenes.parts.shapes import Arrow
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

_X, _WIDTH = 3.9, 3.9
_LINES = {"diff": 2.05, "power": 0.2, "total": -1.65}
_HIGH, _SIGN = 0.8, 0.24
_SIGNS = {"diff": "x1 − x2 + ε", "power": "|…|^p", "total": "Σ"}


class Ladder(Desk):
    """Makes the rungs of any row; each has an arrow from the one above it."""

    def __init__(self, look: Look, trace: Trace, rows: VectorRows) -> None:
        super().__init__(look, trace)
        self.rows = rows

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
            return VGroup(grid, self.label(_SIGNS[name], (_X, y + _HIGH / 2 + 0.24), _SIGN))
        above = (_LINES["diff"] - _LINES["power"]) - _HIGH / 2 - 0.06
        arrow = Arrow([(_X, y + above), (_X, y + _HIGH / 2 + 0.06)], self.look.theme.wire, head=0.16)
        beside = (_X + 0.25, y + (above + _HIGH / 2) / 2)
        return VGroup(grid, arrow, self.label(_SIGNS[name], beside, _SIGN, align="left"))

    @staticmethod
    def end() -> tuple[float, float]:
        """Where the sum of the powers stands."""
        return _X, _LINES["total"]
