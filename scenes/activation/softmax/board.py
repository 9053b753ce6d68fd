"""One slice of a softmax as columns from the number to its share, beside the whole input and output."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.parts.gates import Sampled
from torchreel.scenes.parts.grid import Cell, Grid
from torchreel.scenes.parts.layout import STAGE, Placed, Room, fill, in_column, in_row
from torchreel.scenes.parts.look import MIN_TEXT, Look
from torchreel.scenes.parts.mathtext import MathText, fitted, width
from torchreel.scenes.parts.shapes import Box, Path
from torchreel.scenes.stage.board import Board
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

MOST_ROWS = 6
_MOST_PLANES = 3
_FOOT, _FOOT_HIGH, _SIGN = 0.95, 0.56, 0.3
_BARS = 1.5
_LARGEST, _NUMBER = 0.95, 0.8


class SoftmaxBoard(Board):
    """The columns `names` of the slice along `dim` through an element, with what a slice has one of at their feet.

    `feet` names the column over each of them, `signs` what is done between two columns, by the left one, where `{foot}`
    is written as its number once it is there. Of a long slice the first elements, the largest and the last are shown.
    """

    def __init__(
        self,
        look: Look,
        trace: Trace,
        dim: int,
        names: Sequence[str],
        heads: Mapping[str, str],
        feet: Mapping[str, str],
        signs: Mapping[str, str],
    ) -> None:
        super().__init__(look, trace)
        self.dim, self.names, self.feet = dim, list(names), dict(feet)
        self.shape_ = trace.shape("input")
        self.size = self.shape_[dim] if self.shape_ else 1
        self.across = dim < len(self.shape_) - 2
        self.scenery = VGroup()
        self._build(heads, signs)
        self.owners = list(self._owners())
        self.show(self.owners[0], whole=False)

    @property
    def is_sampled(self) -> bool:
        """Whether elements of the slice are left out."""
        return self.size > MOST_ROWS

    @property
    def is_partial(self) -> bool:
        """Whether part of the input is left out."""
        return bool(self.planes) and len(self.planes["input"]) * self._shown() < int(np.prod(self.shape_))

    @property
    def has_numbers(self) -> bool:
        """Whether cells hold numbers."""
        return bool(self.placed[self.names[0]].cells.text_size)

    def element(self, slot: int, owner: Index | None = None) -> Index:
        """The element at a place of the slice through `owner`, by default the one on stage."""
        of = self.owner if owner is None else owner
        return (*of[: self.dim], slot, *of[self.dim + 1 :]) if of else ()

    def best(self) -> Index:
        """The element of the slice with the largest exponential."""
        values = self.trace.values("exp", [self.element(slot) for slot in range(self.size)])
        return self.element(int(np.nanargmax(values)) if not np.isnan(values).all() else 0)

    def show(self, owner: Index, whole: bool) -> VGroup:
        """Another slice takes the columns, with all its values or with its input only."""
        self.owner = owner
        slots = self._slots()
        self.columns = {
            name: self._column(name, slots, whole or name == self.names[0]) for name in self.names
        }
        self.stands = {name: self._stand(name, whole) for name in self.feet}
        self.bars = self._bars(slots) if whole and self.bar_name in self.names else VGroup()
        feet = [part for name in self.feet for part in self.stands[name]] if whole else []
        self.slice = VGroup(*self.columns.values(), *feet, self.bars)
        return self.slice

    @property
    def bar_name(self) -> str:
        """The column whose values are drawn as bars."""
        return "exp" if "logsumexp" in self.trace.tensors else "output"

    def write(self, name: str) -> list[Animation]:
        """A column's values are born in their cells."""
        column = self.columns[name]
        return [move for cell in column.positions() for move in column.write(cell)]

    def stand(self, name: str) -> list[Animation]:
        """The slice's own value is born at the foot of its column."""
        return self.stands[name][0].write((0, 0))

    def write_slice(self, owner: Index) -> list[Animation]:
        """A slice's output comes into the plane."""
        (top, left), (bottom, right) = self._ends(owner)
        cells = list(product(range(top, bottom + 1), range(left, right + 1)))
        return [move for grid in self.planes.get("output", []) for cell in cells for move in grid.write(cell)]

    def slice_paths(self) -> list[np.ndarray]:
        """The outlines of the slice in the planes of input and output."""
        if not self.planes:
            return []
        first, last = self._ends(self.owner)
        return [grid.outline(first, last, 0.02) for grids in self.planes.values() for grid in grids]

    def bars_drawn(self) -> VGroup:
        """The bars of the slice on stage, drawn now."""
        self.bars = self._bars(self._slots())
        return self.bars

    def _slots(self) -> tuple[int | None, ...]:
        if not self.is_sampled:
            return tuple(range(self.size))
        best = self.best()[self.dim] if self.shape_ else 0
        kept = sorted({0, 1, best, self.size - 1})
        slots: list[int | None] = []
        for slot in kept:
            if slots and slot - (slots[-1] or 0) > 1:
                slots.append(None)
            slots.append(slot)
        return tuple(slots)

    def _build(self, heads: Mapping[str, str], signs: Mapping[str, str]) -> None:
        rows = self.size if not self.is_sampled else 7
        parts: dict[str, Room] = {}
        for name in self.names:
            texts = self.texts(name, *(foot for foot, over in self.feet.items() if over == name))
            parts[name] = Room(
                rows, 1, texts, name=heads[name], below=_FOOT, largest=_LARGEST, number=_NUMBER
            )
            if name in signs:
                parts[f"{name} sign"] = Room(wide=max(0.3, width(signs[name], _SIGN) + 0.1))
        if self.bar_name in self.names:
            parts["bars"] = Room(wide=_BARS)
        order = list(parts)
        if "bars" in order and self.bar_name != self.names[-1]:
            order.remove("bars")
            order.insert(order.index(self.bar_name) + 1, "bars")
        self.planes: dict[str, list[Grid]] = {}
        figure: dict[str, object] = {name: parts[name] for name in order}
        if len(self.shape_) > 1:
            figure = {"planes": self._plane_rooms(), **figure}
        self.placed = fill(STAGE.inset(bottom=0.3), in_row(figure, (0.08, 0.55)), same=[self.names])  # type: ignore[arg-type]
        for name in self.names:
            head = MathText(heads[name], fitted(heads[name], 1.9, 0.26, MIN_TEXT), self.look.theme.muted)
            self.scenery.add(head.place(self.placed[name].head, vertical="baseline"))
        middle = self.placed[self.names[0]].block.middle[1]
        for name, sign in signs.items():
            spot = self.placed[f"{name} sign"].block
            self.scenery.add(MathText(sign, _SIGN, self.look.theme.muted).place((spot.middle[0], middle)))
        if "bars" in self.placed:
            self.scenery.add(*self._scale())
        if len(self.shape_) > 1:
            self._stand_planes()

    def _plane_rooms(self) -> object:
        rows, cols = self.shape_[-2:]
        count = min(_MOST_PLANES, self.size) if self.across else 1
        room = {
            name: Room(
                rows,
                cols,
                self.texts(name),
                across=count,
                between=0.16,
                name=self.shape(name),
                largest=0.8,
                weight=0.8,
                number=_NUMBER,
            )
            for name in ("input", "output")
        }
        return in_column({f"{name} plane": one for name, one in room.items()})

    def _stand_planes(self) -> None:
        for name in ("input", "output"):
            placed = self.placed[f"{name} plane"]
            self.planes[name] = [self._plane(name, number, placed) for number in range(len(placed.at))]
            self.scenery.add(*self.planes[name], self.title(name, placed.head, size=MIN_TEXT))

    def _plane(self, name: str, number: int, placed: Placed) -> Grid:
        lead = [0] * (len(self.shape_) - 2)
        if self.across:
            lead[self.dim] = number
        return self.grid(name, tuple(lead), placed.cells, placed.at[number], blank=name == "output")

    def _shown(self) -> int:
        grid = self.planes["input"][0]
        return grid.cells.rows * grid.cells.cols

    def _owners(self) -> Iterator[Index]:
        """The slices that are shown, each by its element at place 0 along `dim`."""
        if not self.planes:
            yield (0,) * len(self.shape_)
            return
        rows, cols = self.planes["input"][0].shape
        lead, last = (0,) * (len(self.shape_) - 2), len(self.shape_) - 1
        if self.across:
            yield from ((*lead, row, col) for row, col in product(range(rows), range(cols)))
        elif self.dim == last:
            yield from ((*lead, row, 0) for row in range(rows))
        else:
            yield from ((*lead, 0, col) for col in range(cols))

    def _ends(self, owner: Index) -> tuple[Cell, Cell]:
        row, col = owner[-2:]
        rows, cols = self.planes["input"][0].shape
        if self.across:
            return (row, col), (row, col)
        if self.dim == len(owner) - 1:
            return (row, 0), (row, cols - 1)
        return (0, col), (rows - 1, col)

    def _column(self, name: str, slots: tuple[int | None, ...], filled: bool) -> Sampled:
        placed, owner = self.placed[name], self.owner
        cells = placed.cells
        size = (cells.width, cells.height, cells.text_size)
        return Sampled(
            self.look,
            self.trace,
            name,
            slots,
            (0,),
            lambda slot, _: self.element(slot, owner),
            size,
            placed.at[0],
            blank=not filled,
        )

    def _stand(self, name: str, whole: bool) -> list[Sampled | MathText]:
        placed = self.placed[self.feet[name]]
        at = (placed.block.middle[0], placed.block.bottom - 0.12 - _FOOT_HIGH / 2)
        size = (placed.cells.width, _FOOT_HIGH, placed.cells.text_size)
        owner = self.owner
        grid = Sampled(
            self.look, self.trace, name, (0,), (0,), lambda *_: owner, size, at, blank=not whole, scale=1e9
        )
        word = MathText(f"{self.trace.symbol(name)} = {_WORDS[name]}", MIN_TEXT, self.look.theme.muted)
        return [grid, word.place((at[0], at[1] - _FOOT_HIGH / 2 - 0.2))]

    def _scale(self) -> Iterator[MathText | Path]:
        """Where a bar begins, and how long one of 1 is."""
        column, spot, theme = self.placed[self.bar_name], self.placed["bars"].block, self.look.theme
        for text, x in (("0", spot.left), ("1", spot.right)):
            yield MathText(text, MIN_TEXT, theme.muted).place((x, column.head[1]), vertical="baseline")
            yield Path([(x, column.block.bottom), (x, column.block.top)], theme.line, 1.5)

    def _bars(self, slots: tuple[int | None, ...]) -> VGroup:
        """The values of the barred column as lengths."""
        column, spot, theme = self.columns[self.bar_name], self.placed["bars"].block, self.look.theme
        group = VGroup()
        for row, slot in enumerate(slots):
            value = 0.0 if slot is None else self.trace.value(self.bar_name, self.element(slot))
            share = min(1.0, max(0.0, value)) if value == value else 0.0
            wide = max(0.02, share * spot.width)
            at = (spot.left + wide / 2, column.center((row, 0))[1])
            if slot is not None:
                group.add(
                    Box(wide, 0.5 * column.cells.height, at, fill=theme.tint(theme.role("result"), 0.6))
                )
        return group


_WORDS = {"max": "max", "sum": "sum", "total": "sum", "logsumexp": "m + log s"}
