"""Input, mask and output of a dropout in line: a row for each channel, or plane below plane where elements drop."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence

from manim import Animation, VGroup

from torchreel.scenes.parts.grid import Cell, Cells, Grid
from torchreel.scenes.parts.layout import STAGE, Placed, Room, fill, in_row
from torchreel.scenes.parts.look import MIN_TEXT, Look
from torchreel.scenes.parts.mark import rgbas
from torchreel.scenes.parts.mathtext import MathText, fitted, width
from torchreel.scenes.parts.motion import Paint
from torchreel.scenes.parts.text import Text
from torchreel.scenes.stage.board import Board
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

_FOOT = 0.3
_SIGN, _SMALLER, _LONG = 0.34, 0.28, 9
_SIGN_ROOM, _SIGN_APART, _MASK_CELL = 0.55, 0.15, 0.9
_LINE, _ASIDE, _NUMBER = 0.45, 0.22, 0.75
_MOST_ROWS, _MOST_SLICES = 4, 3
_MOST_HIGH, _MOST_WIDE = 8, {3: 5, 4: 3}
"""As many cells as there is room for with numbers below each other, and beside each other by the number of blocks."""
Place = tuple[int, int, Cell]
"""Row, slice and cell of an element on the board."""
Signs = Mapping[str, Sequence[str]]


class DropoutBoard(Board):
    """The grids of a trace. With a `channel_axis` each row is a channel, which has one cell of the mask.

    A row holds the channel's slices (one, except in three dimensions); without an axis it is a plane of elements, each
    with its own cell of the mask. Of many rows the first few are shown. `signs` say what happens between two tensors,
    by the name of the left one; of two lines the first is what happens to what is kept, the other to what is dropped.
    """

    def __init__(
        self,
        look: Look,
        trace: Trace,
        channel_axis: int | None,
        signs: Signs,
        note: Callable[[int, int, bool], str],
    ) -> None:
        super().__init__(look, trace)
        self.channel_axis = channel_axis
        self.channelwise = channel_axis is not None
        self.names = [name for name in ("input", "mask", "filled", "output") if name in trace.tensors]
        self.leads = list(self._leads())
        self.rows = len(self.leads)
        self.scenery = VGroup()
        self.signs: dict[str, list[MathText]] = {}
        self.sign_x: dict[str, float] = {}
        self.grids: dict[str, list[list[Grid]]] = {}
        self._build(signs)
        shown, total = len(list(self.places())), math.prod(trace.shape("input"))
        if words := note(shown, total, not self.has_numbers):
            self.scenery.add(self.note(words))

    @property
    def has_numbers(self) -> bool:
        """Whether cells hold numbers; otherwise they are colours."""
        return bool(self.cells.text_size)

    @property
    def mask_rows(self) -> int:
        """How many times `mask` can be called."""
        return self.rows if self.channelwise else self.rows * self.cells.rows

    def places(self) -> Iterator[Place]:
        """Every drawn element in torch's order."""
        for row, leads in enumerate(self.leads):
            for number in range(len(leads)):
                for cell in self.grids["input"][row][number].positions():
                    yield row, number, cell

    def index(self, place: Place) -> Index:
        """The element at a place."""
        row, number, cell = place
        return self.grids["input"][row][number].index(cell)

    def mask(self, row: int) -> list[Animation]:
        """The mask of one row of cells, or of one channel, falls; the values it drops lose their colour."""
        plane, line = (row, 0) if self.channelwise else divmod(row, self.cells.rows)
        grid = self.grids["mask"][plane][0]
        cells = [(0, 0)] if self.channelwise else [(line, col) for col in range(grid.cells.cols)]
        return [move for cell in cells for move in [*grid.write(cell), *self._lose(plane, grid, cell)]]

    def write(self, name: str, place: Place) -> list[Animation]:
        """An element of a result appears."""
        row, number, cell = place
        return self.grids[name][row][number].write(cell)

    def _lose(self, row: int, mask: Grid, cell: Cell) -> list[Animation]:
        if mask.value(cell):
            return []
        if not self.channelwise:
            return self._pale(self.grids["input"][row][0], cell)
        grids = self.grids["input"][row]
        return [move for grid in grids for at in grid.positions() for move in self._pale(grid, at)]

    def _pale(self, grid: Grid, cell: Cell) -> list[Animation]:
        theme, number = self.look.theme, grid.numbers.get(cell)
        ink = [Paint(number, fill=theme.muted)] if number else []
        return [*grid.paint(cell, theme.empty), *ink]

    def _leads(self) -> Iterator[list[Index]]:
        """The leading indices of the planes of each row."""
        shape, axis = self.trace.shape("input"), self.channel_axis
        if axis is None:
            outer = list(itertools.product(*(range(min(size, _MOST_HIGH)) for size in shape[:-2])))
            high = shape[-2] if len(shape) > 1 else 1
            yield from ([lead] for lead in outer[: max(1, _MOST_HIGH // max(1, high))])
            return
        depths = [range(size) for size in shape[axis + 1 : -2]]
        for channel in range(min(shape[axis], _MOST_ROWS)):
            slices = itertools.islice(itertools.product(*depths), _MOST_SLICES)
            yield [((0,) * axis + (channel, *depth)) for depth in slices]

    def _plane_size(self) -> tuple[int, int]:
        plane = self.trace.shape("input")[len(self.leads[0][0]) :]
        return (plane[0], plane[1]) if len(plane) == 2 else (1, *plane, 1)[:2]  # type: ignore[return-value]

    def made_of(self, place: Place) -> list[tuple[str, Index]]:
        """The input of an element and what the mask says of it."""
        row, number, cell = place
        mask, at = self.grids["mask"][row][0], (0, 0) if self.channelwise else cell
        return [("input", self.grids["input"][row][number].index(cell)), ("mask", mask.index(at))]

    def at_row(self, place: Place, kept: bool) -> None:
        """The signs come into the line of an element; of two, the one that does not hold for it steps aside."""
        row, number, cell = place
        grid = self.grids["output"][row][number]
        y, high = float(grid.center(cell)[1]), self.cells.height
        last = row == self.rows - 1 and cell[0] == grid.cells.rows - 1
        aside = y + (high / 2 + _ASIDE) * (1 if last else -1)
        theme = self.look.theme
        for name, lines in self.signs.items():
            for kind, sign in enumerate(lines):
                holds = len(lines) == 1 or kept == (kind == 0)
                sign.place((self.sign_x[name], y if holds else aside))
                sign.fill_rgbas = rgbas(theme.text if holds else theme.muted, 1.0)

    def _build(self, signs: Signs) -> None:
        rows, cols = self._plane_size()
        texts = self.texts(*(name for name in self.names if name != "mask"))
        slices = max(map(len, self.leads))
        plane = Room(
            rows, cols, texts, down=self.rows, across=slices, between=0.2, below=0.3 if slices > 1 else 0.0,
            number=_NUMBER,
            keep=(max(1, _MOST_HIGH // self.rows), max(1, _MOST_WIDE.get(len(self.names), 7) // slices)),
        )  # fmt: skip
        parts: dict[str, Room] = {}
        for name in self.names:
            single = name == "mask" and self.channelwise
            parts[name] = (
                Room(wide=_MASK_CELL, high=0.5)
                if single
                else Room(**{**vars(plane), "name": self.shape(name)})
            )
            if name != self.names[-1]:
                lines = signs.get(name, ("→",))
                sizes = [_SIGN if len(sign) < _LONG else _SMALLER for sign in lines]
                wide = max(map(width, lines, sizes), default=0.0)
                parts[f"{name} sign"] = Room(wide=max(_SIGN_ROOM, wide + 2 * _SIGN_APART))
        grids = [name for name in self.names if not (name == "mask" and self.channelwise)]
        placed = fill(STAGE.inset(bottom=_FOOT), in_row(parts, (0.12, 0.5)), same=[grids])
        self.cells = placed["input"].cells
        for name in self.names:
            self._stand(name, placed)
        for name, lines in signs.items():
            spot = placed[f"{name} sign"].block
            x, y = spot.middle[0], placed["input"].block.middle[1]
            room = spot.width - 2 * _SIGN_APART
            size = min((fitted(sign, room, _SIGN, MIN_TEXT) for sign in lines), default=_SIGN)
            tops = [y + _LINE * ((len(lines) - 1) / 2 - number) for number in range(len(lines))]
            self.sign_x[name] = x
            self.signs[name] = [
                MathText(sign, size, self.look.theme.muted).place((x, top))
                for sign, top in zip(lines, tops, strict=True)
            ]
            self.scenery.add(*self.signs[name])
        self.scenery.add(*self._depths())

    def _stand(self, name: str, placed: dict[str, Placed]) -> None:
        scale = None if name == "input" else self.trace.range("input").scale
        single = name == "mask" and self.channelwise
        spots = placed["input" if single else name].at
        across = max(map(len, self.leads))
        self.grids[name] = []
        for row, leads in enumerate(self.leads):
            if single:
                lead, side = leads[0], min(_MASK_CELL, self.cells.height * self.cells.rows)
                rest = (0,) * (len(self.trace.shape("mask")) - len(lead))
                at = (placed["mask"].block.middle[0], spots[row * across][1])
                made = [self._one(Cells(side, side, min(0.4, side / 2), 1, 1), lead, rest, at)]
            else:
                made = [
                    self.grid(
                        name,
                        lead,
                        self.cells,
                        spots[row * across + number],
                        blank=name != "input",
                        scale=scale,
                        plain=name == "mask",
                    )
                    for number, lead in enumerate(leads)
                ]
            self.grids[name].append(made)
            self.scenery.add(*made)
        head = (placed[name].block.middle[0], placed["input"].head[1]) if single else placed[name].head
        self.scenery.add(self.title(name, head, shape=name in ("input", "output")))

    def _one(self, cells: Cells, lead: Index, rest: Index, at: tuple[float, float]) -> Grid:
        """The mask's one number for a channel."""
        return self.grid("mask", lead, cells, at, index=lambda cell: (*lead, *rest), blank=True, plain=True)

    def _depths(self) -> Iterator[Text]:
        """Which slice is which, below the last row."""
        if len(self.leads[0]) > 1:
            for name in ("input", "output"):
                for grid in self.grids[name][-1]:
                    low = grid.center((grid.cells.rows - 1, 0))[1] - self.cells.height / 2
                    yield self.label(
                        f"d={grid.lead[-1]}", (grid.middle[0], low - 0.17), MIN_TEXT, font="sans"
                    )
