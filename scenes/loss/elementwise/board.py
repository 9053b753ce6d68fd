"""The stage of the element-wise losses: tensors below one another, room for a picture, the reduction as the last act.

Right stand input, target and what is computed from them, one grid below the other, so that the cells of one element
have one place in all of them; an accent frame marks it. Left is the room of the picture (`PICTURE`). Below the grids
the losses become one number, or stay.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.loss.board import LossBoard
from torchreel.scenes.parts.grid import Cell, Cells, Grid
from torchreel.scenes.parts.look import MIN_TEXT, NAME_TEXT, Look
from torchreel.scenes.parts.motion import Appear, Morph, Move, Vanish
from torchreel.scenes.parts.plot import Area
from torchreel.scenes.parts.shapes import Arrow, Point, Shape
from torchreel.scenes.parts.text import Text, measure
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

PICTURE: Area = (-6.2, -2.2, -0.75, 2.7)
"""The frame of a plot: its numbers and names stand outside it."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 0.85, 6.75, 3.12, -1.5
_GAP, _LARGEST, _WIDEST, _LARGEST_TEXT = 0.22, 0.66, 2.7, 0.3
_RESULT_Y, _RESULT_WIDTH, _RESULT_HEIGHT = -2.35, 1.25, 0.5
_SIGN, _KEPT = 0.28, 0.24
_MOST_FLYING = 24


class LossPanel(LossBoard):
    """Tensors of one (broadcast) shape as grids below one another; those in `blank` are empty until written."""

    def __init__(self, look: Look, trace: Trace, names: Sequence[str], blank: Sequence[str]) -> None:
        super().__init__(look, trace)
        self.axes = len(trace.shape("loss"))
        rows, cols = plane(trace.shape("loss"))
        label = max(measure(name, NAME_TEXT, "mono") for name in names) + 0.25
        label = max(label, *(measure(self.size(name), MIN_TEXT, "mono") + 0.25 for name in names))
        texts = self.texts(*names)
        width = _RIGHT - _LEFT - label
        height = (_TOP - _BOTTOM) / len(names) - _GAP
        cells = _wide(Cells.fit(rows, cols, width, height, texts, _LARGEST), width, texts)
        self.middle = _LEFT + label + width / 2
        self.cropped = (cells.rows, cells.cols) != (rows, cols)
        self.has_numbers = bool(cells.text_size)
        tall = cells.rows * cells.height
        self.grids: dict[str, Grid] = {}
        for number, name in enumerate(names):
            center = (self.middle, _TOP - tall / 2 - number * (height + _GAP) - max(0.0, height - tall) / 2)
            read = partial(self._element, name)
            self.grids[name] = self.grid(name, (), cells, center, index=read, blank=name in blank)
        outline = self.grids[names[0]].outline((0, 0), (0, 0), 0.02)
        self.frames = {name: self.frame(outline) for name in names}

    @property
    def scenery(self) -> VGroup:
        """The grids and their names with their shapes."""
        return VGroup(*self.grids.values(), *(part for name in self.grids for part in self._names(name)))

    @property
    def positions(self) -> list[Cell]:
        """Every shown element, row by row."""
        return list(self.grids["loss"].positions())

    def index(self, cell: Cell) -> Index:
        """The element of `loss` that a cell shows: of many planes the first."""
        return ((0,) * self.axes + cell)[2:] if self.axes > 1 else cell[2 - self.axes :]

    def value(self, name: str, cell: Cell) -> float:
        """A value of the element a cell shows."""
        return self.grids[name].value(cell)

    def mark(self, cell: Cell, names: Sequence[str]) -> list[Animation]:
        """The frames of `names` go to a cell; they come on stage where they are not yet."""
        moves: list[Animation] = []
        for name in names:
            frame, points = self.frames[name], self.grids[name].outline(cell, cell, 0.02)
            moves.append(Morph(frame, points, quick=0.3))
        return moves

    def framed(self, cell: Cell, names: Sequence[str]) -> VGroup:
        """The frames of `names`, set on a cell at once."""
        for name in names:
            self.frames[name].points = self.grids[name].outline(cell, cell, 0.02)
        return VGroup(*(self.frames[name] for name in names))

    def write(self, name: str, cell: Cell, start: Point | None = None) -> list[Animation]:
        """A computed value comes into its place."""
        return self.grids[name].write(cell, start)

    def _names(self, name: str) -> Iterator[Text]:
        grid = self.grids[name]
        tall = grid.cells.rows * grid.cells.height
        at = grid.middle - np.array([grid.cells.cols * grid.cells.width / 2 + 0.16, 0, 0])
        size = self.size(name)
        shift = np.array([0, 0.14 if size and tall > 0.45 else 0.0, 0])
        yield self.label(name, at + shift, color=self.look.theme.text, align="right")
        if shift.any():
            yield self.label(size, at - shift, MIN_TEXT, align="right")

    def _element(self, name: str, cell: Cell) -> Index:
        """The element of a tensor, which may be broadcast, that a cell shows."""
        return self.aligned(name, self.index(cell))


class Ending(LossBoard):
    """The last act: the losses gather in one sum, which a mean divides; with "none" they are the output."""

    def __init__(self, look: Look, trace: Trace, panel: LossPanel, reduction: str) -> None:
        super().__init__(look, trace)
        self.reduction = reduction
        self.loss = panel.grids["loss"]
        middle = self.loss.middle[0]
        spread = 1.45 if self.has_divisor else 0.0
        self.places = {"total": (middle - spread, _RESULT_Y), "output": (middle + spread, _RESULT_Y)}
        self.cells: dict[str, Grid] = {}
        if reduction != "none":
            names = ["total", "output"] if self.has_divisor else ["output"]
            self.cells = {name: self._cell(name) for name in names}

    @property
    def has_divisor(self) -> bool:
        """Whether the sum is divided."""
        return "total" in self.trace.tensors

    @property
    def first(self) -> str:
        """Where the losses gather: the sum."""
        return "total" if self.has_divisor else "output"

    def divisor(self) -> str:
        """What the sum is divided by, as it stands in the proved formula."""
        return self.trace.step("output", ()).tokens(lambda name, value: "", 2)[-1].text

    def gather(self) -> list[Animation]:
        """Copies of the losses fly to the sum."""
        target = self.cells[self.first]
        numbers = list(self.loss.numbers.values())[:_MOST_FLYING]
        flying: list[Animation] = [
            Move(number.copy(), to=tuple(target.center((0, 0))), introducer=True, remover=True)
            for number in numbers
        ]
        return [*flying, Appear(self._arrow()), Appear(target, self._name(self.first))]

    def summed(self) -> list[Animation]:
        """The sum is written."""
        return self.cells[self.first].write((0, 0))

    def divided(self) -> list[Animation]:
        """The divisor and the quotient are written."""
        middle = (self.loss.middle[0], _RESULT_Y)
        sign = self.label(f"÷ {self.divisor()} =", middle, _SIGN, self.look.theme.text, "sans")
        output = self.cells["output"]
        shown = Appear(output, self._name("output"), self._frame(output))
        return [Appear(sign), shown, *output.write((0, 0))]

    def kept(self) -> list[Animation]:
        """The whole tensor of losses is the output."""
        last = (self.loss.cells.rows - 1, self.loss.cells.cols - 1)
        frame = self.frame(self.loss.outline((0, 0), last, 0.06))
        at = (self.loss.middle[0], _RESULT_Y + 0.3)
        name = self.label(self.sized("output"), at, _KEPT, self.look.theme.accent)
        return [Appear(frame), Appear(self._arrow(0.2)), Appear(name)]

    def finish(self) -> list[Animation]:
        """A frame round a sum that is the output."""
        return [Appear(self._frame(self.cells["output"]))]

    def leave(self, frames: Sequence[Shape]) -> list[Animation]:
        """The frames of the last element go."""
        return [Vanish(frame) for frame in frames]

    def _cell(self, name: str) -> Grid:
        fitted = Cells.fit(1, 1, _RESULT_WIDTH, _RESULT_HEIGHT, self.texts(name), 2.0)
        cells = Cells(_RESULT_WIDTH, _RESULT_HEIGHT, fitted.text_size or MIN_TEXT, 1, 1)
        return self.grid(name, (), cells, self.places[name], index=lambda _: (), blank=True)

    def _name(self, name: str) -> Text:
        return self.cells[name].caption(name, gap=0.1)

    def _frame(self, grid: Grid) -> Shape:
        return self.frame(grid.outline((0, 0), (0, 0), 0.03))

    def _arrow(self, end: float = 0.0) -> Arrow:
        bottom = self.loss.middle[1] - self.loss.cells.rows * self.loss.cells.height / 2 - 0.08
        stop = _RESULT_Y + _RESULT_HEIGHT / 2 + 0.36 + end
        x = self.places[self.first][0] if self.reduction != "none" else self.loss.middle[0]
        return self.arrow(x, bottom, min(stop, bottom - 0.16))


def _wide(cells: Cells, width: float, texts: Sequence[str]) -> Cells:
    """Cells with numbers, as wide as the room allows, and with the larger numbers that they then hold."""
    if not cells.text_size:
        return cells
    across = min(width / max(1, cells.cols), _WIDEST * cells.height)
    ems = max(measure(text, 1.0) for text in texts)
    size = max(cells.text_size, min(_LARGEST_TEXT, (across - 0.1) / ems, cells.height * 0.72))
    return Cells(across, cells.height, size, cells.rows, cells.cols)


def plane(shape: Sequence[int]) -> Cell:
    """Rows and columns of the plane that is shown of a tensor: its last two dimensions."""
    sizes = [1, 1, *shape]
    return sizes[-2], sizes[-1]


def is_one_of_many(shape: Sequence[int]) -> bool:
    """Whether there are further planes that are not shown."""
    return math.prod(shape[:-2]) > 1
