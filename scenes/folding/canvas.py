"""The picture that windows are added to: one channel of a Fold's output with the rim that padding adds."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.folding.blocks import Blocks
from torchreel.scenes.parts.desk import Desk
from torchreel.scenes.parts.grid import Cell, Cells, Grid
from torchreel.scenes.parts.look import MIN_NUMBER
from torchreel.scenes.parts.motion import Paint
from torchreel.scenes.parts.number import Number
from torchreel.scenes.parts.shapes import Point, Shape
from torchreel.scenes.parts.text import Text, measure
from torchreel.scenes.trace.formula import Index

_KEEP = 3.0
Change = tuple[list[Animation], list[Number], list[Number]]


class FoldCanvas:
    """A blank grid; its cells are asked by position on the rim and inside, `(0, 0)` being the rim's corner."""

    def __init__(self, desk: Desk, blocks: Blocks, lead: Index, cells: Cells, center: Point) -> None:
        self.desk, self.blocks, self.lead = desk, blocks, lead
        self.grid: Grid = desk.grid("output", (), cells, center, blank=True, index=self.element)
        self.shown: dict[Cell, Number] = {}

    def element(self, at: Cell) -> Index:
        """The element of torch's output at a place of the canvas."""
        return (*self.lead, *(k - p for k, p in zip(at, self.blocks.padding, strict=True)))

    def keeps(self, at: Cell) -> bool:
        """Whether a place is output and not rim."""
        return self.blocks.holds(self.element(at)[-2:])  # type: ignore[arg-type]

    def window(self, column: int) -> list[Cell]:
        """The places of a window, in the order of its column's rows."""
        down, across = self.blocks.padding
        return [(i + down, j + across) for i, j in self.blocks.window(column)]

    @cached_property
    def reached(self) -> dict[Cell, list[int]]:
        """The columns whose windows lie on a place."""
        reached: dict[Cell, list[int]] = {}
        for column in range(self.blocks.columns):
            for at in self.window(column):
                if self.grid.shows(at):
                    reached.setdefault(at, []).append(column)
        return reached

    def overlaps(self, column: int) -> list[tuple[int, Cell]]:
        """The rows of a column that fall on a place where an earlier window lies."""
        window = enumerate(self.window(column))
        return [(row, at) for row, at in window if self.reached.get(at, [column])[0] < column]

    def outline(self, column: int) -> np.ndarray:
        """The path round a window, or round each of its places where dilation spreads them."""
        places = [at for at in self.window(column) if self.grid.shows(at)]
        if not places:
            return np.zeros((0, 3))
        if self.blocks.dilation == (1, 1):
            return self.grid.outline(places[0], places[-1], 0.02)
        return np.concatenate([self.grid.outline(at, at, -0.02) for at in places])

    def keep(self) -> Shape | None:
        """A frame round what is output, where a rim stands round it."""
        kept = [at for at in self.grid.positions() if self.keeps(at)]
        if not any(self.blocks.padding) or not kept:
            return None
        path = self.grid.outline(kept[0], kept[-1], 0.0)
        return Shape(path, stroke=self.desk.look.theme.text, stroke_width=_KEEP, z_index=1)

    def add(self, columns: Sequence[int]) -> Change:
        """Windows are added: animations, numbers that go, numbers that come."""
        places = sorted({at for column in columns for at in self.window(column) if self.grid.shows(at)})
        return self._put(places, "running", lambda at: (*self.lead, columns[-1], *at))

    def settle(self) -> Change:
        """Every cell of the output shows torch's own element."""
        places = [at for at in self.grid.positions() if self.keeps(at)]
        return self._put(places, "output", self.element)

    def _put(self, places: Sequence[Cell], tensor: str, index) -> Change:  # type: ignore[no-untyped-def]
        moves, old, new = list[Animation](), list[Number](), list[Number]()
        theme, scale = self.desk.look.theme, self.desk.trace.range("output").scale
        values = self.desk.trace.values(tensor, [index(at) for at in places]) if places else []
        for at, value in zip(places, values, strict=True):
            fill = theme.fill(value, scale)
            moves.append(Paint(self.grid.boxes[at], fill=fill))
            if not self.grid.cells.text_size:
                continue
            old += [self.shown[at]] if at in self.shown else []
            number = self.shown[at] = self._number(at, tensor, index(at), value, theme.ink(fill))
            new.append(number)
        return moves, old, new

    def _number(self, at: Cell, tensor: str, index: Index, value: float, ink: str) -> Number:
        cells = self.grid.cells
        text = self.desk.text("output", value)
        size = max(MIN_NUMBER, min(cells.text_size, (cells.width - 0.14) / measure(text, 1.0)))
        number = self.desk.number(tensor, index, size, ink, value=value, text=text)
        number.place(self.grid.center(at))
        return number

    def sum(self, at: Cell, index: Index) -> VGroup | None:
        """What is there and what comes, `3 + 2`, to stand in a cell; None where it is too small for that."""
        left, cells, theme = self.shown[at], self.grid.cells, self.desk.look.theme
        ink = theme.ink(theme.fill(left.value, self.desk.trace.range("output").scale))
        right = self.desk.text("input", self.desk.trace.value("input", index))
        sign = "" if right.startswith("−") else "+"
        wide = measure(left.text + sign + right, 1.0)
        size = min(cells.text_size, (cells.width - 0.08) / wide)
        if size < MIN_NUMBER:
            return None
        x, y, _ = self.grid.center(at)
        x -= wide * size / 2
        group = VGroup()
        for piece in (
            self.desk.number(left.tensor, left.index, size, ink, value=left.value, text=left.text),
            Text(sign, size, ink),
            self.desk.number("input", index, size, ink),
        ):
            if piece.text:
                group.add(piece.place((x, y), "left"))
            x += measure(piece.text, size)
        return group

    def pale(self) -> list[Animation]:
        """The rim loses its colour; its numbers stay, muted."""
        theme, moves = self.desk.look.theme, list[Animation]()
        for at in self.grid.positions():
            if not self.keeps(at):
                moves.append(Paint(self.grid.boxes[at], fill=theme.background))
                if at in self.shown:
                    moves.append(Paint(self.shown[at], fill=theme.muted))
        return moves
