"""The stage of the element-wise losses: tensors below one another, room for a picture, the reduction as the last act.

Right stand input, target and what is computed from them, one grid below the other, so that the cells of one element
have one place in all of them; an accent frame marks it. Left is the room of the picture (`PICTURE`). Below the grids
the losses become one number, or stay.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.parts.grid import Cell, Cells, Grid, drawn_texts
from torchreel.scenes.parts.look import MIN_TEXT, Look
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
_LABEL, _SIGN = 0.2, 0.28
_MOST_FLYING = 24


class Panel:
    """Tensors of one (broadcast) shape as grids below one another; those in `blank` are empty until written."""

    def __init__(self, look: Look, trace: Trace, names: Sequence[str], blank: Sequence[str]) -> None:
        self.look, self.trace = look, trace
        self.shape = trace.shape("loss")
        rows, cols = plane(self.shape)
        label = max(measure(name, _LABEL, "mono") for name in names) + 0.25
        label = max(label, *(measure(_size(trace, name), MIN_TEXT, "mono") + 0.25 for name in names))
        texts = [text for name in names for text in drawn_texts(look, trace, name)]
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
            self.grids[name] = Grid(
                look, trace, name, (), cells, center, index=self._reader(name), blank=name in blank
            )
        outline = self.grids[names[0]].outline((0, 0), (0, 0), 0.02)
        self.frames = {
            name: Shape(outline, stroke=look.theme.accent, stroke_width=5, z_index=2) for name in names
        }

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
        return ((0,) * len(self.shape) + cell)[2:] if len(self.shape) > 1 else cell[2 - len(self.shape) :]

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
        grid, theme = self.grids[name], self.look.theme
        tall = grid.cells.rows * grid.cells.height
        at = grid.middle - np.array([grid.cells.cols * grid.cells.width / 2 + 0.16, 0, 0])
        size = _size(self.trace, name)
        shift = 0.14 if size and tall > 0.45 else 0.0
        yield Text(name, _LABEL, theme.text, "mono").place(at + np.array([0, shift, 0]), align="right")
        if shift:
            yield Text(size, MIN_TEXT, theme.muted, "mono").place(at - np.array([0, shift, 0]), align="right")

    def _reader(self, name: str) -> Callable[[Cell], Index]:
        """How a cell becomes an element of a tensor that may be broadcast."""
        own = self.trace.shape(name)

        def read(cell: Cell) -> Index:
            whole = self.index(cell)[len(self.shape) - len(own) :]
            return tuple(0 if size == 1 else at for at, size in zip(whole, own, strict=True))

        return read


class Ending:
    """The last act: the losses gather in one sum, which a mean divides; with "none" they are the output."""

    def __init__(self, look: Look, trace: Trace, panel: Panel, reduction: str) -> None:
        self.look, self.trace, self.panel, self.reduction = look, trace, panel, reduction
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
        theme = self.look.theme
        middle = (self.loss.middle[0], _RESULT_Y)
        sign = Text(f"÷ {self.divisor()} =", _SIGN, theme.text).place(middle)
        output = self.cells["output"]
        self.frame = self._frame(output)
        return [Appear(sign), Appear(output, self._name("output"), self.frame), *output.write((0, 0))]

    def kept(self) -> list[Animation]:
        """The whole tensor of losses is the output."""
        last = (self.loss.cells.rows - 1, self.loss.cells.cols - 1)
        frame = Shape(
            self.loss.outline((0, 0), last, 0.06), stroke=self.look.theme.accent, stroke_width=5, z_index=2
        )
        text = f"output {_size(self.trace, 'output')}".strip()
        name = Text(text, 0.24, self.look.theme.accent, "mono").place((self.loss.middle[0], _RESULT_Y + 0.3))
        return [Appear(frame), Appear(self._arrow(0.2)), Appear(name)]

    def finish(self) -> list[Animation]:
        """A frame round a sum that is the output."""
        return [Appear(self._frame(self.cells["output"]))]

    def leave(self, frames: Sequence[Shape]) -> list[Animation]:
        """The frames of the last element go."""
        return [Vanish(frame) for frame in frames]

    def _cell(self, name: str) -> Grid:
        text = drawn_texts(self.look, self.trace, name)
        fitted = Cells.fit(1, 1, _RESULT_WIDTH, _RESULT_HEIGHT, text, 2.0)
        cells = Cells(_RESULT_WIDTH, _RESULT_HEIGHT, fitted.text_size or MIN_TEXT, 1, 1)
        center = self.places[name]
        return Grid(self.look, self.trace, name, (), cells, center, index=lambda _: (), blank=True)

    def _name(self, name: str) -> Text:
        return self.cells[name].caption(name, _LABEL, gap=0.1)

    def _frame(self, grid: Grid) -> Shape:
        return Shape(
            grid.outline((0, 0), (0, 0), 0.03), stroke=self.look.theme.accent, stroke_width=5, z_index=2
        )

    def _arrow(self, end: float = 0.0) -> Arrow:
        bottom = self.loss.middle[1] - self.loss.cells.rows * self.loss.cells.height / 2 - 0.08
        stop = _RESULT_Y + _RESULT_HEIGHT / 2 + 0.36 + end
        x = self.places[self.first][0] if self.reduction != "none" else self.loss.middle[0]
        return Arrow([(x, bottom), (x, min(stop, bottom - 0.16))], self.look.theme.wire)


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


def _size(trace: Trace, name: str) -> str:
    """The shape of a tensor as torch writes it; nothing for a single number."""
    shape = trace.shape(name)
    return str(tuple(shape)) if shape else ""
