"""The stage of an element-wise activation: the graph on the left, its elements as rows of a table on the right."""

from __future__ import annotations

import math
from collections.abc import Callable

from manim import Animation, VGroup

from torchreel.scenes.activation.curve.graph import CurveGraph
from torchreel.scenes.activation.curve.laws import Law, Piece
from torchreel.scenes.activation.curve.table import GAP, RIGHT, WIDTH, ElementTable
from torchreel.scenes.parts.gates import Sampled
from torchreel.scenes.parts.look import Look
from torchreel.scenes.parts.shapes import Shape
from torchreel.scenes.stage.board import Board
from torchreel.scenes.trace.proof import Trace

_FOOT = 1.5


class CurveBoard(Board):
    """What stands on stage, and what moves on it. `words` gives the label of a regime."""

    def __init__(self, look: Look, trace: Trace, rules: Law, words: Callable[[str], str]) -> None:
        super().__init__(look, trace)
        self.rules, self.words = rules, words
        drawn = ["a", "output"] if "a" in trace.tensors else ["output", "slope"]
        names = ["input", *rules.columns, *drawn, *rules.learned]
        blank = [*drawn, *rules.learned]
        self.table = ElementTable(look, trace, names, _FOOT if rules.moments else 0.0, blank=blank)
        self.graph = CurveGraph(look, trace, rules, words, self._heights())

    def scenery(self) -> VGroup:
        """Everything that stands from the beginning."""
        muted = self.look.theme.muted
        colors = [
            self.graph.color(self.curve(row)) if self.graph.count > 1 else muted for row in self.table.rows
        ]
        return VGroup(self.graph.scenery, self.table.scenery, self.table.places(colors))

    def piece(self, row: int) -> Piece | None:
        """The regime that a row's element is in; None for NaN."""
        if math.isnan(self.table.value("input", row)):
            return None
        return self.rules.pieces[int(self.table.value("regime", row))]

    def curve(self, row: int) -> int:
        """The number of the curve that a row's element is on: its channel's, where slopes are learned."""
        index, count = self.table.index(row), self.trace.shape("curve.output")[0]
        return index[1] if len(index) > 1 and index[1] < count else 0

    def regime(self, row: int) -> VGroup:
        """The piece that holds for a row, lit up."""
        piece = self.piece(row)
        if piece is None:
            return VGroup()
        slope = self.table.value("a", row) if "a" in self.table.columns else None
        return self.graph.regime(piece, self.curve(row), slope)

    def ride(self, tensor: str, row: int) -> list[Animation]:
        """The dot of the output, or of the slope, goes to a row's element."""
        x, y = (self.table.value(name, row) for name in ("input", tensor))
        return self.graph.ride(tensor, self.curve(row), x, y)

    def write(self, row: int, fly: bool) -> list[Animation]:
        """A row's output, and the slope that it drew, are written; on request the output flies from the dot."""
        start = self.graph.place() if fly else None
        return [*self.table.write("a", row), *self.table.write("output", row, start)]

    def mark(self, row: int) -> Shape:
        """The dot that a row's element leaves on its curve."""
        return self.graph.mark(
            self.curve(row), *(self.table.value(name, row) for name in ("input", "output"))
        )

    @property
    def telling(self) -> int:
        """The row where another way of computing overflows, otherwise one in the middle."""
        rows = self.table.rows
        wrong = (row for row in rows if any(self._overflows(name, row) for name in self.rules.columns))
        return next(wrong, rows[len(rows) // 2])

    def moments(self) -> VGroup:
        """Mean and variance before and after the function, as a small table under the elements."""
        middle = (RIGHT - WIDTH - GAP / 2, self.table.bottom - 1.05)
        cells = (WIDTH, 0.46, 0.24)
        grid = Sampled(
            self.look, self.trace, "moments", (0, 1), (0, 1), lambda i, j: (i, j), cells, middle, scale=2.0
        )
        heads = [
            self.label(
                self.words(name), (grid.center((0, k))[0], middle[1] + 0.56), font="sans", vertical="baseline"
            )
            for k, name in enumerate(("mean", "variance"))
        ]
        left = grid.center((0, 0))[0] - WIDTH / 2 - 0.12
        sides = [
            self.label(name, (left, grid.center((k, 0))[1]), align="right")
            for k, name in enumerate(("z ~ N(0, 1)", f"{self.trace.name}(z)"))
        ]
        return VGroup(grid, *heads, *sides)

    def _overflows(self, name: str, row: int) -> bool:
        return math.isinf(self.table.value(name, row)) and math.isfinite(self.table.value("output", row))

    def _heights(self) -> list[float]:
        """The outputs of elements that the graph's span of x holds."""
        ends = self.trace.sample("curve.x")
        low, high = float(ends[0]), float(ends[-1])
        rows = [row for row in self.table.rows if low <= self.table.value("input", row) <= high]
        return [self.table.value("output", row) for row in rows]
