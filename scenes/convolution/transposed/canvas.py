"""The canvas on which stamps add up: one output channel before its rim is cut, with a number for what is there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.convolution.transposed.geometry import StampGeometry
from torchreel.scenes.convolution.transposed.volume import Volume
from torchreel.scenes.parts.desk import Desk
from torchreel.scenes.parts.grid import Cells
from torchreel.scenes.parts.look import MIN_NUMBER
from torchreel.scenes.parts.motion import Paint
from torchreel.scenes.parts.number import Number
from torchreel.scenes.parts.shapes import Point, Shape
from torchreel.scenes.parts.stack import Position
from torchreel.scenes.parts.text import Text, measure
from torchreel.scenes.trace.formula import Index

_KEEP = 3.0


class StampCanvas(Volume):
    """The blank volume of output channel `out`; its cells are asked by canvas position, those of the rim too."""

    def __init__(
        self, desk: Desk, size: StampGeometry, out: int, cells: Cells, centers: Sequence[Point]
    ) -> None:
        self.desk, self.size, self.out = desk, size, out
        self.shown: dict[Position, Number] = {}
        super().__init__(desk, "output", cells, centers, self.element, blank=True)

    def element(self, at: Position) -> Index:
        """The element of torch's output at a canvas position."""
        moved = tuple(place - pad for place, pad in zip(at, self.size.padding, strict=True))
        return (*self.size.lead, self.out, *self.size.spatial(moved))  # type: ignore[arg-type]

    def keep(self) -> Shape | None:
        """A frame round what is the output, where a rim stands round it."""
        kept = [at for at in self.positions() if self.size.kept(at) is not None]
        if not self.size.is_cropped or not kept or len(kept) == sum(1 for _ in self.positions()):
            return None
        return Shape(self.outline(kept), stroke=self.desk.look.theme.text, stroke_width=_KEEP, z_index=1)

    def put(
        self, at: Position, tensor: str, index: Index
    ) -> tuple[list[Animation], list[Number], list[Number]]:
        """A cell takes an element's colour and number: animations, numbers that go, numbers that come."""
        if not self.shows(at):
            return [], [], []
        theme, value = self.desk.look.theme, self.desk.trace.value(tensor, index)
        fill = theme.fill(value, self.desk.trace.range("output").scale)
        painted: list[Animation] = [Paint(self.grids[at[0]].boxes[at[1:]], fill=fill)]
        if not self.cells.text_size:
            return painted, [], []
        old = self.shown.get(at)
        new = self.shown[at] = self.number(at, tensor, index, value, theme.ink(fill))
        return painted, [old] if old else [], [new]

    def number(self, at: Position, tensor: str, index: Index, value: float, color: str) -> Number:
        """An element in a cell of the canvas, with its sums as narrow as the cell needs them."""
        size, width = self.cells.text_size, self.cells.width - 0.14
        text = self.desk.text(tensor, value)
        new = self.desk.number(
            tensor, index, max(MIN_NUMBER, min(size, width / measure(text, 1.0))), color, value=value
        )
        new.place(self.center(at))
        return new

    def overlap(self, at: Position, tensor: str, index: Index) -> VGroup | None:
        """What is there and what comes, `3 + 2`, to stand in a cell; None where it is too small for that."""
        left, theme = self.shown[at], self.desk.look.theme
        ink = theme.ink(theme.fill(left.value, self.desk.trace.range("output").scale))
        right = self.desk.number(tensor, index, 1.0, ink)
        sign = "" if right.text.startswith("−") else "+"
        wide = measure(left.text + sign + right.text, 1.0)
        size = min(self.cells.text_size, (self.cells.width - 0.08) / wide)
        if size < MIN_NUMBER:
            return None
        x, y, _ = self.center(at)
        x -= wide * size / 2
        group = VGroup()
        for piece in (
            self.desk.number(left.tensor, left.index, size, ink),
            Text(sign, size, ink),
            self.desk.number(tensor, index, size, ink),
        ):
            if piece.text:
                group.add(piece.place((x, y), "left"))
            x += measure(piece.text, size)
        return group

    def pale(self) -> list[Animation]:
        """What is not output loses its colour; its numbers stay, muted."""
        theme, moves = self.desk.look.theme, list[Animation]()
        for at in self.positions():
            if self.size.kept(at) is None:
                box = self.grids[at[0]].boxes[at[1:]]
                moves.append(Paint(box, fill=theme.background))
                if at in self.shown:
                    moves.append(Paint(self.shown[at], fill=theme.muted))
        return moves

    def settle(self) -> tuple[list[Animation], list[Number], list[Number]]:
        """Every cell of the output shows torch's own element: animations, numbers that go, numbers that come."""
        animations, old, new = list[Animation](), list[Number](), list[Number]()
        for at in self.positions():
            if self.size.kept(at) is not None:
                painted, before, after = self.put(at, "output", self.element(at))
                animations += painted
                old += before
                new += after
        return animations, old, new

    def edges(self) -> tuple[float, float, float, float]:
        """Left, bottom, right and top of the cells."""
        path = np.concatenate([self.outline([at]) for at in self.positions()])
        (left, bottom, _), (right, top, _) = path.min(0).tolist(), path.max(0).tolist()
        return left, bottom, right, top
