"""The picture that columns are folded into: its sums while they grow, and how many windows each cell has had."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.folding.blocks import Blocks
from torchreel.scenes.folding.layout import MIDDLE, within
from torchreel.scenes.folding.motion import carry, first_two_thirds, late
from torchreel.scenes.folding.parts import is_drawn, number_of
from torchreel.scenes.parts.desk import Desk
from torchreel.scenes.parts.grid import Cell, Cells, Grid
from torchreel.scenes.parts.look import MIN_TEXT, Look
from torchreel.scenes.parts.motion import Appear, Move, Paint, Vanish
from torchreel.scenes.parts.number import Number
from torchreel.scenes.parts.shapes import Box, Shape
from torchreel.scenes.parts.text import Text, measure
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

MOST_PLANES = 3
PLANE_GAP = 0.42
_BADGE_CELL = 0.78
_STACK_CELL = 0.95
Spot = tuple[int, int, int]
Source = Callable[[int, int], tuple[np.ndarray, float]]


class FoldCanvas(Desk):
    """The output planes of a Fold. A spot is `(channel, row, column)` of a plane, also outside it on the rim."""

    def __init__(self, look: Look, trace: Trace, blocks: Blocks, cells: Cells, x: float) -> None:
        super().__init__(look, trace)
        self.blocks = blocks
        self.lead: Index = (0,) * (len(trace.shape("output")) - 3)
        inner, self.pad = within(cells, blocks.plane, blocks.padding)
        self.planes = {c: self._plane(c, inner, x) for c in range(min(blocks.channels, MOST_PLANES))}
        self.sums: dict[Spot, Number] = {}
        self.badges: dict[Spot, VGroup] = {}
        self.rim: dict[Spot, Box] = {}
        self.waiting: dict[Spot, VGroup] = {}
        self.borders = VGroup(*(self._border(grid) for grid in self.planes.values() if any(self.pad)))
        self.most = int(trace.sample("overlap").max())

    def _plane(self, channel: int, cells: Cells, x: float) -> Grid:
        top, bottom, _, _ = self.pad
        count = min(self.blocks.channels, MOST_PLANES)
        pitch = (cells.rows + top + bottom) * cells.height + PLANE_GAP
        y = MIDDLE - (channel - (count - 1) / 2) * pitch
        return self.grid(
            "output", (*self.lead, channel), cells, (x, y),
            blank=True, pad=self.pad, pad_text="", plain=bool(cells.text_size),
        )  # fmt: skip

    def _border(self, grid: Grid) -> Shape:
        """The edge of the output inside its rim."""
        rows, cols = grid.shape
        path = grid.outline((0, 0), (rows - 1, cols - 1), radius=0)
        return Shape(path, stroke=self.look.theme.wire, stroke_width=4, z_index=1)

    @property
    def has_numbers(self) -> bool:
        """Whether cells are large enough for numbers."""
        return bool(self.planes[0].cells.text_size)

    @property
    def is_cropped(self) -> bool:
        """Whether part of the picture is left out."""
        return self.planes[0].shape != self.blocks.plane or len(self.planes) < self.blocks.channels

    def title(self) -> Text:
        """Name and shape above the first plane."""
        return self.planes[0].caption(self.shape("output"))

    def shows(self, at: Cell) -> bool:
        """Whether a position is drawn, on the plane or on its rim."""
        return is_drawn(self.planes[0], at)

    def covered(self, at: Cell, column: int) -> int:
        """How many columns up to `column` have reached a position."""
        return int(self.trace.value("covered", (column, *self._shifted(at))))

    def total(self, at: Cell) -> int:
        """How many windows reach a position in the end."""
        return int(self.trace.value("overlap", self._shifted(at)))

    def _shifted(self, at: Cell) -> Cell:
        return at[0] + self.blocks.padding[0], at[1] + self.blocks.padding[1]

    def spots(self, columns: Sequence[int]) -> list[Spot]:
        """The drawn spots under the windows of some columns."""
        places = dict.fromkeys(at for column in columns for at in self.blocks.window(column))
        return [(c, *at) for c in self.planes for at in places if self.shows(at)]

    def overlaps(self, column: int) -> bool:
        """Whether a column lands on cells that hold something already."""
        return any(self.covered(at, column) > 1 for at in self.blocks.window(column) if self.shows(at))

    def completed(self, column: int) -> Cell | None:
        """The first position under a window that no later window reaches, if it is drawn on the plane."""
        for at in self.blocks.window(column):
            if self.planes[0].shows(at) and self.covered(at, column) == self.total(at):
                return at
        return None

    def element(self, spot: Spot, column: int) -> tuple[str, Index]:
        """The tensor element that a cell holds after a column."""
        channel, *at = spot
        if self.covered((at[0], at[1]), column) < self.total((at[0], at[1])):
            return "running", (*self.lead, channel, column, *self._shifted((at[0], at[1])))
        if self.blocks.holds((at[0], at[1])):
            return "output", (*self.lead, *spot)
        return "canvas", (*self.lead, channel, *self._shifted((at[0], at[1])))

    def fill(self, spot: Spot, column: int) -> str:
        """The colour of a cell: its only window's, or warmer with every window more."""
        channel, at = spot[0], (spot[1], spot[2])
        theme = self.look.theme
        if not self.has_numbers:
            return theme.fill(self.trace.value(*self.element(spot, column)), self.planes[channel].scale)
        count = self.covered(at, column)
        if count == 0:
            return theme.empty
        if count > 1:
            return self.warmth(count)
        owner = next(one for one in range(column, -1, -1) if at in self.blocks.window(one))
        return theme.tint(theme.channel(owner))

    def warmth(self, count: int) -> str:
        """The colour of a cell that several windows have added into."""
        return self.look.theme.tint(self.look.theme.positive, 0.2 + 0.6 * (count - 1) / max(1, self.most - 1))

    def sum_of(self, spot: Spot, column: int) -> Number:
        """The sum of a cell after a column, at its place."""
        grid = self.planes[spot[0]]
        tensor, index = self.element(spot, column)
        value = self.trace.value(tensor, index)
        text = self.text("canvas", value)
        size = min(grid.cells.text_size, (grid.cells.width - 0.1) / max(measure(text, 1.0, "mono"), 0.1))
        ink = self.look.theme.ink(self.fill(spot, column))
        number = self.number(tensor, index, size, ink, text=text, value=value)
        number.place(grid.center((spot[1], spot[2])))
        return number

    def offer(self, column: int, source: Source, matrix: Grid) -> list[Animation]:
        """A column's values arrive: in empty cells they stay, over others they wait with a plus."""
        animations: list[Animation] = []
        for spot, tap in self._taps(column):
            if self.covered((spot[1], spot[2]), column) == 1:
                animations += self._settle(spot, column, source(spot[0], tap))
            elif self._can_wait:
                animations += self._wait(spot, column, tap, source, matrix)
        return animations

    @property
    def _can_wait(self) -> bool:
        cells = self.planes[0].cells
        return self.has_numbers and min(cells.width, cells.height) >= _STACK_CELL

    def _taps(self, column: int) -> list[tuple[Spot, int]]:
        window = self.blocks.window(column)
        return [((c, *at), tap) for c in self.planes for tap, at in enumerate(window) if self.shows(at)]

    def _settle(self, spot: Spot, column: int, start: tuple[np.ndarray, float]) -> list[Animation]:
        animations = self._paint(spot, column)
        if self.has_numbers:
            self.sums[spot] = self.sum_of(spot, column)
            animations += carry(self.look, column, self.sums[spot], *start)
        return animations

    def _wait(self, spot: Spot, column: int, tap: int, source: Source, matrix: Grid) -> list[Animation]:
        grid = self.planes[spot[0]]
        size = 0.72 * grid.cells.text_size
        number = number_of(matrix, self._matrix_cell(spot, tap, column), self.fill(spot, column - 1), size)
        at = grid.center((spot[1], spot[2])) + np.array([0.06, 0.32 * grid.cells.height, 0.0])
        number.place(at)
        left = at - np.array([number.width_em * size / 2 + 0.07, 0.0, 0.0])
        plus = self.label("+", left, size, self.look.theme.ink(self.fill(spot, column - 1)), align="right")
        self.waiting[spot] = VGroup(plus, number)
        return [
            *carry(self.look, column, number, *source(spot[0], tap), first_two_thirds),
            late(Appear, plus),
        ]

    def add_up(self, column: int) -> list[Animation]:
        """What waits is added: the sums of the overlapped cells grow, and so do their counts."""
        animations: list[Animation] = []
        for spot, _ in self._taps(column):
            if self.covered((spot[1], spot[2]), column) > 1:
                down = (0.0, -0.32 * self.planes[spot[0]].cells.height)
                if spot in self.waiting:
                    group = self.waiting.pop(spot)
                    animations += [Move(group, by=down), Vanish(group, quick=math.inf)]
                animations += self._grow(spot, column)
        return animations

    def land(self, column: int, since: int, source: Source, matrix: Grid) -> list[Animation]:
        """Columns after `since` up to `column` are added in one movement; the last one's values are seen to fly."""
        animations: list[Animation] = []
        flying = dict(self._taps(column))
        for spot in self.spots(range(since + 1, column + 1)):
            if spot in flying and self.covered((spot[1], spot[2]), column) == 1:
                animations += self._settle(spot, column, source(spot[0], flying[spot]))
                continue
            if spot in flying and self.has_numbers:
                animations += self._flight(spot, column, flying[spot], source, matrix)
            animations += self._grow(spot, column)
        return animations

    def fill_in(self, column: int, since: int) -> list[Animation]:
        """Columns after `since` up to `column` are added without being seen to fly."""
        return [
            move for spot in self.spots(range(since + 1, column + 1)) for move in self._grow(spot, column)
        ]

    def fill_holes(self, column: int) -> list[Animation]:
        """Cells that no window covers turn out to be 0; `column` is the last one."""
        holes = [
            (c, *at)
            for c, grid in self.planes.items()
            for at in grid.positions()
            if self.total(at) == 0 and (c, *at) not in self.sums
        ]
        return [move for spot in holes for move in self._grow(spot, column)]

    def _matrix_cell(self, spot: Spot, tap: int, column: int) -> Cell:
        return spot[0] * self.blocks.taps + tap, column

    def _flight(self, spot: Spot, column: int, tap: int, source: Source, matrix: Grid) -> list[Animation]:
        start, start_size = source(spot[0], tap)
        if not start_size:
            return []
        size = 0.8 * self.planes[spot[0]].cells.text_size
        number = number_of(matrix, self._matrix_cell(spot, tap, column), self.look.theme.zero, size)
        number.place(self.planes[spot[0]].center((spot[1], spot[2])))
        return [
            *carry(self.look, column, number, start, start_size, first_two_thirds),
            late(Vanish, number),
        ]

    def _grow(self, spot: Spot, column: int) -> list[Animation]:
        """A cell's sum gives way to a larger one."""
        animations = self._paint(spot, column)
        if self.has_numbers:
            if spot in self.sums:
                animations.append(late(Vanish, self.sums[spot]))
            self.sums[spot] = self.sum_of(spot, column)
            animations.append(late(Appear, self.sums[spot]))
            animations += self._count(spot, column)
        return animations

    def _paint(self, spot: Spot, column: int) -> list[Animation]:
        grid, at, fill = self.planes[spot[0]], (spot[1], spot[2]), self.fill(spot, column)
        if grid.shows(at):
            return grid.paint(at, fill=fill)
        if spot in self.rim:
            return [Paint(self.rim[spot], fill=fill)]
        self.rim[spot] = Box(grid.cells.width, grid.cells.height, grid.center(at), fill=fill, z_index=-1)
        return [Appear(self.rim[spot])]

    def _count(self, spot: Spot, column: int) -> list[Animation]:
        """The badge in a cell's corner: how many windows have added into it."""
        at = (spot[1], spot[2])
        count = self.covered(at, column)
        if not self.has_badges or count < 2:
            return []
        old = [late(Vanish, self.badges[spot])] if spot in self.badges else []
        self.badges[spot] = self._badge(spot, column, count)
        return [*old, late(Appear, self.badges[spot])]

    @property
    def has_badges(self) -> bool:
        """Whether cells have room for the number of windows that they had."""
        cells = self.planes[0].cells
        return self.has_numbers and min(cells.width, cells.height) >= _BADGE_CELL

    def _badge(self, spot: Spot, column: int, count: int) -> VGroup:
        grid, at = self.planes[spot[0]], (spot[1], spot[2])
        ink = self.look.theme.ink(self.fill(spot, column))
        right = grid.center(at) + np.array([grid.cells.width / 2 - 0.21, 0.17 - grid.cells.height / 2, 0.0])
        index = (column, *self._shifted(at))
        number = self.number("covered", index, MIN_TEXT, ink, text=str(count), value=float(count))
        number.place(right, align="right")
        left = right - np.array([number.width_em * MIN_TEXT, 0.0, 0.0])
        return VGroup(self.label("×", left, MIN_TEXT, ink, align="right"), number)

    def crop(self) -> list[Animation]:
        """What fell on the rim drifts off and is gone."""
        animations: list[Animation] = []
        for spot, box in self.rim.items():
            group = VGroup(box, *(held.pop(spot) for held in (self.sums, self.badges) if spot in held))
            animations += [Move(group, by=self._outwards(spot)), Vanish(group, quick=math.inf)]
        self.rim = {}
        return animations

    def _outwards(self, spot: Spot) -> tuple[float, float]:
        grid = self.planes[spot[0]]
        sides = [
            -1 if i < 0 else int(i >= n) for i, n in zip((spot[1], spot[2]), self.blocks.plane, strict=True)
        ]
        return sides[1] * grid.cells.width * 0.7, -sides[0] * grid.cells.height * 0.7
