"""A board on which values are read off a graph: columns at both sides, and the lit path of one element between them."""

from __future__ import annotations

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.activation.curve.graph import BOTTOM, ReadingGraph
from torchreel.scenes.activation.curve.table import RIGHT, ElementTable
from torchreel.scenes.parts.look import NAME_TEXT
from torchreel.scenes.parts.mathtext import MathText
from torchreel.scenes.parts.shapes import Shape
from torchreel.scenes.stage.board import Board
from torchreel.scenes.trace.formula import Index

_FOOT = 0.32


class ReadingBoard(Board):
    """What `table` and `graph` do together: `read_off` is the tensor whose curve is read, at the x of `source`."""

    table: ElementTable
    graph: ReadingGraph
    scenery: VGroup
    read_off = "output"
    source = "input"

    @property
    def rows(self) -> list[int]:
        """The rows of elements."""
        return self.table.rows

    def index(self, row: int) -> Index:
        """The tensor index of a row's element."""
        return self.table.index(row)

    def value(self, tensor: str, row: int) -> float:
        """A tensor's value for a row's element."""
        return self.table.value(tensor, row)

    def shows(self, row: int) -> bool:
        """Whether the graph shows a row's element."""
        shown = {self.read_off, "output"} if self.source == "input" else {self.read_off}
        return all(self.graph.shows(*self._at(row, tensor)) for tensor in shown)

    def inward(self, row: int) -> VGroup:
        """The way from a row's number to the x axis and to the curve that it is read from."""
        if not self.shows(row):
            return VGroup()
        spot = self.graph.spot(*self._at(row, self.read_off))
        return VGroup(*self.extras(row), self.graph.path(self._route(row)[0]), spot)

    def outward(self, row: int) -> VGroup:
        """The way from the curve across to the cell at the right."""
        if not self.shows(row):
            return VGroup()
        return VGroup(self.graph.path(self._route(row)[1]))

    def joined(self, rule: str) -> MathText:
        """Under the output, how it is made of the columns."""
        text = MathText(f"{self.trace.symbol('output')} = {rule}", NAME_TEXT, self.look.theme.text)
        return text.place((RIGHT, BOTTOM - _FOOT), align="right")

    def mark(self, row: int) -> VGroup:
        """The dot that a row's element leaves on its curve."""
        raise NotImplementedError

    def extras(self, row: int) -> list[Shape]:
        """What else is lit for a row."""
        return []

    def write(self, row: int, *names: str) -> list[Animation]:
        """A row's values are born in some columns."""
        return [move for name in names for move in self.table.write(name, row)]

    def _at(self, row: int, tensor: str) -> tuple[float, float]:
        return self.value(self.source, row), self.value(tensor, row)

    def _route(self, row: int) -> tuple[np.ndarray, np.ndarray]:
        start = self.table.beside(self.table.sides.left[-1], row, 1)
        end = self.table.beside(self.read_off, row, -1)
        return self.graph.route(start, self._at(row, self.read_off), end)

    def _array(self, tensor: str, row: int | None = None) -> np.ndarray:
        source = self.trace.tensors[tensor]
        return np.asarray((source if row is None else source[row]).tolist(), float)  # type: ignore[index, union-attr]
