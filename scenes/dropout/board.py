"""Input, mask and output of a dropout side by side: a row for each channel, or one plane for all elements."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.parts.grid import Cell, Cells, Grid
from torchreel.scenes.parts.look import MIN_TEXT, Look
from torchreel.scenes.parts.motion import Morph, Paint
from torchreel.scenes.parts.shapes import Arrow
from torchreel.scenes.parts.text import Text, fit, measure
from torchreel.scenes.stage.board import Board
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

_ROOM = 5.0
_MIDDLE = 0.05
_CENTERS = {"input": -4.55, "mask": 0.0, "output": 4.55}
_ALONE = {"input": -3.2, "output": 3.2}
_WIDTH, _GAP = 3.7, 0.18
_MOST_ROWS, _MOST_SLICES = 4, 3
Place = tuple[int, int, Cell]
"""Row, slice and cell of an element on the board."""


class DropoutBoard(Board):
    """The grids of a trace. With a `channel_axis` each row is a channel, which has one cell of the mask.

    A row holds the channel's slices (one, except in three dimensions). Of many rows the first few are shown.
    """

    def __init__(self, look: Look, trace: Trace, channel_axis: int | None) -> None:
        super().__init__(look, trace)
        self.channel_axis = channel_axis
        self.channelwise = channel_axis is not None
        self.names = ("input", "mask", "output") if "mask" in trace.tensors else ("input", "output")
        self.leads = list(self._leads())
        self.rows = len(self.leads)
        self.grids = {name: self._grids(name) for name in self.names}
        self.frames = {name: self.frame(z_index=0) for name in self.names}

    @property
    def is_cropped(self) -> bool:
        """Whether some of the input is left out."""
        return len(list(self.places())) < math.prod(self.trace.shape("input"))

    @property
    def has_numbers(self) -> bool:
        """Whether cells hold numbers; otherwise they are colours."""
        return bool(self.cells.text_size)

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

    def scenery(self) -> VGroup:
        """Everything that stands from the start, with labels and arrows."""
        parts = VGroup(*(grid for rows in self.grids.values() for row in rows for grid in row))
        for name in self.names:
            parts.add(self._name(name))
        parts.add(*self._depths())
        for left, right in itertools.pairwise(self.names):
            ends = [self._edge(left, 1) + 0.2, self._edge(right, -1) - 0.2]
            parts.add(Arrow([(x, _MIDDLE) for x in ends], self.look.theme.wire))
        return parts

    def sign(self, text: str, after: str) -> list[Text]:
        """What happens on the arrow after a tensor, where there is room for it."""
        left, right = self._edge(after, 1), self._edge(self.names[self.names.index(after) + 1], -1)
        if measure(text, MIN_TEXT, "bold") > right - left - 0.2:
            return []
        size = fit(text, right - left - 0.2, 0.26, MIN_TEXT, "bold")
        return [self.label(text, ((left + right) / 2, _MIDDLE + 0.3), size, self.look.theme.text, "bold")]

    def mask(self, row: int) -> list[Animation]:
        """The mask of one row of cells, or of one channel, falls; the values it drops lose their colour."""
        grid = self.grids["mask"][row if self.channelwise else 0][0]
        cells = [(0, 0)] if self.channelwise else [(row, col) for col in range(grid.cells.cols)]
        return [move for cell in cells for move in [*grid.write(cell), *self._lose(row, grid, cell)]]

    def _lose(self, row: int, mask: Grid, cell: Cell) -> list[Animation]:
        if mask.value(cell):
            return []
        if not self.channelwise:
            return self._pale(self.grids["input"][0][0], cell)
        return [
            move
            for grid in self.grids["input"][row]
            for at in grid.positions()
            for move in self._pale(grid, at)
        ]

    def _pale(self, grid: Grid, cell: Cell) -> list[Animation]:
        theme = self.look.theme
        number = grid.numbers.get(cell)
        return [
            *grid.paint(cell, theme.empty),
            *([Paint(number, fill=theme.ink(theme.empty))] if number else []),
        ]

    @property
    def mask_rows(self) -> int:
        """How many times `mask` can be called."""
        return self.rows if self.channelwise else self.cells.rows

    def write(self, place: Place) -> list[Animation]:
        """An element of the output appears."""
        row, number, cell = place
        return self.grids["output"][row][number].write(cell)

    def point(self, place: Place) -> list[Animation]:
        """The frames go to an element, on every tensor."""
        return [Morph(frame, self._outline(name, place), quick=0.2) for name, frame in self.frames.items()]

    def set_frames(self, place: Place) -> None:
        """The frames stand at an element at once."""
        for name, frame in self.frames.items():
            frame.points = self._outline(name, place)

    def _outline(self, name: str, place: Place) -> np.ndarray:
        row, number, cell = place
        if name == "mask" and self.channelwise:
            number, cell = 0, (0, 0)
        return self.grids[name][row][number].outline(cell, cell, grow=0.02)

    def _leads(self) -> Iterator[list[Index]]:
        """The leading indices of the planes of each row."""
        shape, axis = self.trace.shape("input"), self.channel_axis
        if axis is None:
            yield [(0,) * max(0, len(shape) - 2)]
            return
        depths = [range(size) for size in shape[axis + 1 : -2]]
        for channel in range(min(shape[axis], _MOST_ROWS)):
            slices = itertools.islice(itertools.product(*depths), _MOST_SLICES)
            yield [((0,) * axis + (channel, *depth)) for depth in slices]

    def _plane_size(self) -> tuple[int, int]:
        plane = self.trace.shape("input")[len(self.leads[0][0]) :]
        return (plane[0], plane[1]) if len(plane) == 2 else (1, *plane, 1)[:2]  # type: ignore[return-value]

    def _grids(self, name: str) -> list[list[Grid]]:
        texts = self.texts(*(name for name in self.names if name != "mask"))
        slices = max(map(len, self.leads))
        room = _WIDTH if len(self.names) == 3 else 5.2
        rows, cols = self._plane_size()
        self.cells = Cells.fit(
            rows, cols, (room - _GAP * (slices - 1)) / slices, _ROOM / self.rows - _GAP, texts
        )
        return [self._row(name, row) for row in range(self.rows)]

    def _row(self, name: str, row: int) -> list[Grid]:
        y = self._y(row)
        if name == "mask" and self.channelwise:
            side = min(0.8, _ROOM / self.rows - _GAP)
            cells = Cells(side, side, 0.26, 1, 1)
            lead = self.leads[row][0]
            rest = (0,) * (len(self.trace.shape("mask")) - len(lead))
            place = (self._x(name), y)
            return [self.grid(name, lead, cells, place, index=lambda cell: (*lead, *rest), blank=True)]
        step = self.cells.width * self.cells.cols + _GAP
        left = self._x(name) - step * (len(self.leads[row]) - 1) / 2
        scale = self.trace.range("input").scale if name == "output" else None
        return [
            self.grid(name, lead, self.cells, (left + step * number, y), blank=name != "input", scale=scale)
            for number, lead in enumerate(self.leads[row])
        ]

    def _x(self, name: str) -> float:
        return (_CENTERS if len(self.names) == 3 else _ALONE)[name]

    def _y(self, row: int) -> float:
        height = self.cells.height * self.cells.rows + _GAP
        return _MIDDLE + height * ((self.rows - 1) / 2 - row)

    def _edge(self, name: str, side: int) -> float:
        grids = [grid for row in self.grids[name] for grid in row]
        ends = [grid.middle[0] + side * grid.cells.width * grid.cells.cols / 2 for grid in grids]
        return max(ends) if side > 0 else min(ends)

    def _depths(self) -> Iterator[Text]:
        """Which slice is which, below the last row."""
        if len(self.leads[0]) > 1:
            for grid in (*self.grids["input"][-1], *self.grids["output"][-1]):
                at = (grid.middle[0], grid.center((grid.cells.rows - 1, 0))[1] - self.cells.height / 2 - 0.16)
                yield self.label(f"d = {grid.lead[-1]}", at, MIN_TEXT)

    def _name(self, name: str) -> Text:
        text = name if name == "mask" else self.shape(name)
        first: Sequence[Grid] = self.grids["input"][0]
        top = first[0].origin[1] + 0.16
        return self.label(text, (self._x(name), top), vertical="baseline")
