"""The way from two vectors to their distance, as rows one under another: differences, powers, their sum."""

from __future__ import annotations

from manim import VGroup

from torchreel.scenes.distance.board import PairsBoard
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
_JOINED = 0.5


class Ladder(Desk):
    """Makes the rungs of any row; each has an arrow from the one above it."""

    def __init__(self, look: Look, trace: Trace, board: PairsBoard, power: str) -> None:
        super().__init__(look, trace)
        self.board, self.rows = board, board.rows
        self.signs = {"diff": "u − v + ε", "power": f"|…|^{{{power}}}", "total": "Σ"}

    def first(self, result: Index) -> Index:
        """The first element of a row's differences."""
        return (*result, 0) if self.rows.shape else ()

    def rung(self, name: str, result: Index) -> VGroup:
        """The row of `diff` or `power`, or the cell of `total`, of one result."""
        cols = 1 if name == "total" or not self.rows.shape else self.board.cols
        cells = Cells.fit(1, cols, _WIDTH, _HIGH, self.texts(name))
        y = _LINES[name]
        whole = name == "total" or not self.rows.shape
        grid = self.grid(name, result, cells, (_X, y), index=(lambda cell: result) if whole else None)
        dots = [] if whole else self.board.more(grid)
        if name == "diff":
            return VGroup(grid, *dots, self._sign(name).place((_X, y + _HIGH / 2 + 0.26)))
        above = (_LINES["diff"] - _LINES["power"]) - _HIGH / 2 - 0.06
        arrow = Arrow([(_X, y + above), (_X, y + _HIGH / 2 + 0.06)], self.look.theme.wire, head=0.16)
        beside = (_X + 0.25, y + (above + _HIGH / 2) / 2)
        return VGroup(grid, *dots, arrow, self._sign(name).place(beside, align="left"))

    def joined(self, row: int, last: str, sign: str) -> VGroup:
        """From the last rung to the result of a row: what is done with it there."""
        output = self.board.grids["output"]
        x, y = output.center((row, 0))[:2]
        start, end = (_X - self._half(last), _LINES[last]), (x + output.cells.width / 2 + 0.05, y)
        lane = (_JOINED if last == "total" else end[0] + 0.35, 0.0)[0]
        wire = Arrow([start, (lane, start[1]), (lane, y), end], self.look.theme.wire, head=0.16)
        text = MathText(sign, _SIGN, self.look.theme.text)
        return VGroup(wire, text.place(((lane + start[0]) / 2, start[1] + 0.26)))

    def _half(self, name: str) -> float:
        cols = 1 if name == "total" or not self.rows.shape else self.board.cols
        return Cells.fit(1, cols, _WIDTH, _HIGH, self.texts(name)).width * cols / 2 + 0.06

    def _sign(self, name: str) -> MathText:
        return MathText(self.signs[name], _SIGN, self.look.theme.muted)
