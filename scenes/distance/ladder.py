"""The way from two vectors to their distance, as rows one under another: differences, powers, their sum."""

from __future__ import annotations

from dataclasses import replace

from manim import VGroup

from torchreel.scenes.distance.board import PairsBoard
from torchreel.scenes.parts.desk import Desk
from torchreel.scenes.parts.grid import Cells, Grid
from torchreel.scenes.parts.look import Look
from torchreel.scenes.parts.mathtext import MathText
from torchreel.scenes.parts.shapes import Arrow
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

_X, _WIDTH = 2.0, 3.9
_LINES = {"diff": 2.05, "power": 0.2, "total": -1.65}
_HIGH, _WIDEST, _NUMBER, _SIGN = 0.85, 1.3, 0.3, 0.28
_LANES = -0.9, 4.75
"""Where wires go down from the vectors, and up to their result."""


class Ladder(Desk):
    """Makes the rungs of any row; each has an arrow from the one above it."""

    def __init__(self, look: Look, trace: Trace, board: PairsBoard, power: str, eps: str) -> None:
        super().__init__(look, trace)
        self.board, self.rows = board, board.rows
        d, q, s = (trace.symbol(name) if name in trace.tensors else "" for name in _LINES)
        self.signs = {
            "diff": f"{d} = u − v + ε,   ε = {eps}" if eps else f"{d} = u − v",
            "power": f"{q} = |{d}|" + (f"^{{{power}}}" if power != "1" else ""),
            "total": f"{s} = Σ {q}",
        }

    def first(self, result: Index) -> Index:
        """The first element of a row's differences."""
        return (*result, 0) if self.rows.shape else ()

    def names(self) -> list[str]:
        """What there is of differences, powers and their sum."""
        return [name for name in _LINES if name in self.trace.tensors]

    def steps(self, result: Index) -> VGroup:
        """The rungs as they stand from the beginning: empty, with what they will be."""
        return VGroup(
            *(part for name in self.names() for part in (self._grid(name, result, True), self._named(name)))
        )

    def rung(self, name: str, row: int) -> VGroup:
        """The row of `diff` or `power`, or the cell of `total`, of one result, and an arrow from what it is made of."""
        grid = self._grid(name, self.board.results[row])
        dots = [] if self._is_one(name) else self.board.more(grid)
        return VGroup(grid, *dots, Arrow(self._way_to(name, row), self.look.theme.wire, head=0.16))

    def joined(self, row: int, last: str, sign: str) -> VGroup:
        """From the last rung to the result of a row: what is done with it there."""
        output = self.board.grids["output"]
        x, y = output.center((row, 0))[:2]
        start, end = (_X + self._half(last), _LINES[last]), (x - output.cells.width / 2 - 0.05, y)
        lane = _LANES[1]
        wire = Arrow([start, (lane, start[1]), (lane, y), end], self.look.theme.wire, head=0.16)
        text = MathText(sign, _SIGN, self.look.theme.text)
        return VGroup(wire, text.place(((lane + start[0]) / 2, start[1] + 0.26)))

    def _way_to(self, name: str, row: int) -> list[tuple[float, float]]:
        y = _LINES[name]
        if name != "diff":
            above = _LINES["diff"] - _LINES["power"] - _HIGH / 2 - 0.06
            return [(_X, y + above), (_X, y + _HIGH / 2 + 0.06)]
        vector = self.board.grids["x2"]
        x, start = vector.center((row, vector.cells.cols - 1))[:2]
        dots = 0.3 if self.board.cols < self.rows.length else 0.0
        begin = (x + vector.cells.width / 2 + 0.09 + dots, start)
        return [begin, (_LANES[0], start), (_LANES[0], y), (_X - self._half(name), y)]

    def _is_one(self, name: str) -> bool:
        return name == "total" or not self.rows.shape

    def _cells(self, name: str) -> Cells:
        cols = 1 if self._is_one(name) else self.board.cols
        cells = Cells.fit(1, cols, _WIDTH, _HIGH, self.texts(name), _WIDEST)
        return replace(cells, text_size=min(cells.text_size, _NUMBER))

    def _grid(self, name: str, result: Index, blank: bool = False) -> Grid:
        index = (lambda cell: result) if self._is_one(name) else None
        return self.grid(name, result, self._cells(name), (_X, _LINES[name]), index=index, blank=blank)

    def _half(self, name: str) -> float:
        cells = self._cells(name)
        return cells.width * cells.cols / 2 + 0.06

    def _named(self, name: str) -> MathText:
        sign, y = MathText(self.signs[name], _SIGN, self.look.theme.muted), _LINES[name] + _HIGH / 2
        if name == "diff":
            return sign.place((_X, y + 0.26))
        gap = _LINES["diff"] - _LINES["power"] - _HIGH
        return sign.place((_X + 0.25, y + gap / 2), align="left")
