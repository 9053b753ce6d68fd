"""The way from two vectors to their distance, as rows one under another: differences, powers, their sum."""

from __future__ import annotations

from manim import VGroup

from torchreel.scenes.distance.trace import Rows
from torchreel.scenes.parts.grid import Cells, Grid, drawn_texts
from torchreel.scenes.parts.look import Look
from torchreel.scenes.parts.shapes import Arrow
from torchreel.scenes.parts.text import Text
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

_X, _WIDTH = 3.9, 3.9
_LINES = {"diff": 2.05, "power": 0.2, "total": -1.65}
_HIGH = 0.8
_SIGNS = {"diff": "x1 − x2 + ε", "power": "|…|^p", "total": "Σ"}


class Ladder:
    """Makes the rungs of any row; each has an arrow from the one above it."""

    def __init__(self, look: Look, trace: Trace, rows: Rows) -> None:
        self.look, self.trace, self.rows = look, trace, rows

    def first(self, result: Index) -> Index:
        """The first element of a row's differences."""
        return (*result, 0) if self.rows.shape else ()

    def rung(self, name: str, result: Index) -> VGroup:
        """The row of `diff` or `power`, or the cell of `total`, of one result."""
        cols = 1 if name == "total" or not self.rows.shape else self.rows.length
        texts = drawn_texts(self.look, self.trace, name)
        cells = Cells.fit(1, cols, _WIDTH, _HIGH, texts)
        y = _LINES[name]
        grid = Grid(self.look, self.trace, name, result, cells, (_X, y),
                    index=(lambda cell: result) if name == "total" or not self.rows.shape else None)  # fmt: skip
        theme = self.look.theme
        sign = Text(_SIGNS[name], 0.24, theme.muted, "mono")
        if name == "diff":
            return VGroup(grid, sign.place((_X, y + _HIGH / 2 + 0.24)))
        above = (_LINES["diff"] - _LINES["power"]) - _HIGH / 2 - 0.06
        arrow = Arrow([(_X, y + above), (_X, y + _HIGH / 2 + 0.06)], theme.wire, head=0.16)
        return VGroup(grid, arrow, sign.place((_X + 0.25, y + (above + _HIGH / 2) / 2), "left"))

    @staticmethod
    def end() -> tuple[float, float]:
        """Where the sum of the powers stands."""
        return _X, _LINES["total"]
