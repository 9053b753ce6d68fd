"""The canvas on which stamps add up: one output plane (or volume) before cropping, with a number for what is there."""

from __future__ import annotations

from typing import cast

from manim import Animation, Mobject, VGroup

from torchreel.scenes.convolution.transposed.geometry import StampGeometry
from torchreel.scenes.parts.desk import Desk
from torchreel.scenes.parts.look import MIN_TEXT
from torchreel.scenes.parts.motion import Paint
from torchreel.scenes.parts.number import Number
from torchreel.scenes.parts.shapes import Point, Shape
from torchreel.scenes.parts.stack import Position, Slices, Stack
from torchreel.scenes.parts.text import Text, measure
from torchreel.scenes.trace.formula import Index


class StampCanvas(Stack):
    """A blank stack of output channel `out`; its cells are asked by canvas position, cropped ones too."""

    def __init__(self, desk: Desk, size: StampGeometry, out: int, slices: Slices, center: Point) -> None:
        self.desk, self.size, self.out = desk, size, out
        self.shown: dict[Position, Number] = {}
        head = "d={}" if size.dims == 3 else ""
        super().__init__(desk.look, desk.trace, "output", (), slices, center, blank=True, head=head)
        if (size.is_cropped or size.is_grown) and not slices.cropped:
            self.add(self._keep())

    def _keep(self) -> Shape:
        """A frame round what will be the output."""
        first = self.size.padding
        last = cast(Position, tuple(p + n - 1 for p, n in zip(first, self.size.out, strict=True)))
        return Shape(self.outline(first, last), stroke=self.look.theme.text, stroke_width=3.0, z_index=1)

    def put(
        self, at: Position, tensor: str, index: Index
    ) -> tuple[list[Animation], Number | None, Number | None]:
        """A cell takes an element's colour and number: animations, the number that goes, the one that comes."""
        if not self.shows(at):
            return [], None, None
        value = self.trace.value(tensor, index)
        fill = self.look.theme.fill(value, self.trace.range("output").scale)
        painted: list[Animation] = [Paint(self._box(at), fill=fill)]
        if not self.cells.text_size:
            return painted, None, None
        old = self.shown.get(at)
        new = self.desk.number(tensor, index, self.cells.text_size, self.look.theme.ink(fill))
        new.place(self.center(at))
        self.shown[at] = new
        return painted, old, new

    def overlap(self, at: Position, left: Number, tensor: str, index: Index) -> VGroup | None:
        """What is there and what is added, `3 + 2`, to stand in a cell; None where that would be too small."""
        ink = self._ink(at)
        right = self.desk.number(tensor, index, self.cells.text_size, ink)
        sign = "" if right.text.startswith("−") else "+"
        size = min(
            self.cells.text_size, (self.cells.width - 0.06) / measure(left.text + sign + right.text, 1.0)
        )
        if size < MIN_TEXT:
            return None
        x, y, _ = self.center(at)
        x -= measure(left.text + sign + right.text, size) / 2
        group = VGroup()
        for piece in (
            self.desk.number(left.tensor, left.index, size, ink),
            Text(sign, size, ink),
            self.desk.number(tensor, index, size, ink),
        ):
            group.add(piece.place((x, y), "left"))
            x += measure(piece.text, size)
        return group

    def crop(self) -> list[Mobject]:
        """The cells that do not belong to the output, with their numbers, and the labels of the slices."""
        gone: list[Mobject] = []
        for at in list(self.positions()):
            if self.size.kept(at) is None:
                gone.append(self._box(at))
                if number := self.shown.pop(at, None):
                    gone.append(number)
        return [*gone, *self.labels]

    def heads(self) -> list[Text]:
        """The depths of the output's slices, which crop leaves to be counted anew."""
        if self.size.dims < 3:
            return []
        front = self.size.padding[0]
        texts = []
        for depth in range(min(self.size.out[0], self.shape[0] - front)):
            grid = self.grid(depth + front)
            top = self.center((depth + front, self.size.padding[1], 0))[1] + grid.cells.height / 2 + 0.09
            across = [self.center((depth + front, 0, j))[0] for j in (0, self.shape[2] - 1)]
            texts.append(self.desk.label(f"d={depth}", (sum(across) / 2, top), MIN_TEXT, vertical="baseline"))
        return texts

    def settle(self) -> tuple[list[Animation], list[Number], list[Number]]:
        """Every cell of the output shows torch's own element: animations, numbers that go, numbers that come."""
        animations: list[Animation] = []
        old, new = [], []
        for at in self.positions():
            kept = self.size.kept(at)
            if kept is None:
                continue
            painted, before, after = self.put(at, "output", self.element(kept))
            animations += painted
            old += [before] if before else []
            new += [after] if after else []
        return animations, old, new

    def element(self, kept: Position) -> Index:
        """An output position as torch's index."""
        return (*self.size.lead, self.out, *self.size.spatial(kept))

    def _box(self, at: Position) -> Mobject:
        return self.grid(at[0]).boxes[at[1:]]

    def _ink(self, at: Position) -> str:
        before = self.shown[at]
        return self.look.theme.ink(self.look.theme.fill(before.value, self.trace.range("output").scale))
