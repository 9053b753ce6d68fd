"""Two tensors as rows of vectors beside their result, and a dial that shows the angle between two of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.distance.trace import VectorRows
from torchreel.scenes.parts.grid import Cell, Cells, Grid
from torchreel.scenes.parts.look import MIN_NUMBER, MIN_TEXT, NAME_TEXT, Look
from torchreel.scenes.parts.mathtext import MathText, width
from torchreel.scenes.parts.number import Number
from torchreel.scenes.parts.shapes import Disc, Path, Shape, as_point, box_points, polyline
from torchreel.scenes.parts.text import Text, measure
from torchreel.scenes.stage.board import Board
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.formula import cells as cells_of
from torchreel.scenes.trace.proof import Trace

_ROOM, _MIDDLE, _HIGH = 4.4, 0.1, 1.1
_WIDTHS = {"x1": 2.4, "x2": 2.4, "output": 1.3}
_CENTERS = {"x1": -5.45, "x2": -2.75, "output": 6.0}
_LARGEST = {"output": 1.2}
"""A result stands at the end of the way to it; what is between leads from the vectors to it."""
_NAME = 0.2
_NAMED = 0.72, 0.09
"""How far along a radius of the dial its name stands, and how far beside it, in radii."""
_MOST_ROWS, _MOST_COLUMNS = 8, 8


class PairsBoard(Board):
    """The vectors of the first results, a row each: x1, x2 and what comes of them."""

    def __init__(self, look: Look, trace: Trace, rows: VectorRows) -> None:
        super().__init__(look, trace)
        self.rows = rows
        count = min(_MOST_ROWS, math.prod(rows.result))
        self.results: list[Index] = [tuple(cell) for cell in cells_of(rows.result, 0, count).tolist()]
        self.cols = self._columns()
        self.grids = {name: self._grid(name) for name in _CENTERS}

    @property
    def has_numbers(self) -> bool:
        """Whether vectors are shown with numbers; otherwise they are colours."""
        return bool(self.grids["x1"].cells.text_size)

    def _columns(self) -> int:
        """How many numbers of a vector are drawn: all, or as many as can be read."""
        length, rows = self.rows.length, len(self.results)
        for cols in range(min(length, _MOST_COLUMNS), 0, -1):
            fits = (
                Cells.fit(rows, cols, _WIDTHS[name], _ROOM, self.texts(name), _HIGH).text_size
                for name in ("x1", "x2")
            )
            if all(fits):
                return cols
        return min(length, _MOST_COLUMNS)

    def more(self, grid: Grid) -> Iterator[Text]:
        """Dots after rows that go on."""
        for row in range(grid.cells.rows if self.cols < self.rows.length else 0):
            x, y = grid.center((row, grid.cells.cols - 1))[:2]
            yield self.label("…", (x + grid.cells.width / 2 + 0.06, y), MIN_TEXT, font="sans", align="left")

    def scenery(self) -> VGroup:
        """Grids with their names."""
        heads = [(grid.middle[0], grid.origin[1] + _NAME) for grid in self.grids.values()]
        titles = [
            self.title(name, at, size=MIN_TEXT, shape=len(self.trace.shape(name)) < 3)
            for name, at in zip(self.grids, heads, strict=True)
        ]
        dots = [dot for name in ("x1", "x2") for dot in self.more(self.grids[name])]
        return VGroup(*self.grids.values(), *titles, *dots)

    def output_index(self, row: int) -> Index:
        """The output's element of a row (with `keepdim` it has one index more)."""
        ndim = len(self.trace.shape("output"))
        return (*self.results[row], *(0,) * (ndim - len(self.results[row])))

    def vectors(self, row: int) -> list[tuple[str, Index]]:
        """The elements of both vectors of a row that are drawn."""
        names = ("x1", "x2")
        return [
            (name, tuple(self.grids[name].index((row, col))))
            for name in names
            for col in range(self.grids[name].cells.cols)
        ]

    def write(self, row: int) -> list[Animation]:
        """The result of a row appears in its cell."""
        return self.grids["output"].write((row, 0))

    def _grid(self, name: str) -> Grid:
        cells = self._cells(name)
        height = min(self._cells(other).height for other in _CENTERS)
        cells = Cells(cells.width, height, min(cells.text_size, height * 0.62), cells.rows, cells.cols)
        at = (_CENTERS[name], _MIDDLE)
        index = self._result if name == "output" else self._element(int(name[1]) - 1)
        return self.grid(name, (), cells, at, index=index, blank=name == "output")

    def _cells(self, name: str) -> Cells:
        cols = 1 if name == "output" else self.cols
        largest = _LARGEST.get(name, _HIGH)
        return Cells.fit(len(self.results), cols, _WIDTHS[name], _ROOM, self.texts(name), largest)

    def _result(self, cell: Cell) -> Index:
        return self.output_index(cell[0])

    def _element(self, which: int) -> Callable[[Cell], Index]:
        return lambda cell: self.rows.read(which, self.results[cell[0]], cell[1])


class Readings:
    """Numbers in a line over the dial, each over its sign: the first is divided by the product of the others."""

    _middle, _y, _below, _size, _room, _apart = 1.9, 2.87, 0.42, 0.34, 6.0, 0.16
    _between = ("÷ (", "·", ")")

    def __init__(self, look: Look, signs: Sequence[str], texts: Sequence[str]) -> None:
        self.look, self.signs_below = look, signs
        ems = [
            max(measure(text, 1.0, "sans"), width(sign, 0.8)) for sign, text in zip(signs, texts, strict=True)
        ]
        between = [width(sign, self._size) + 2 * self._apart for sign in self._between]
        self.size = max(MIN_NUMBER, min(self._size, (self._room - sum(between)) / sum(ems)))
        left = self._middle - (sum(ems) * self.size + sum(between)) / 2
        self.numbers_at, self.between_at = [], []
        for wide, gap in zip(ems, between, strict=True):
            self.numbers_at.append(left + wide * self.size / 2)
            self.between_at.append(left + wide * self.size + gap / 2)
            left += wide * self.size + gap

    def signs(self) -> VGroup:
        """Between the numbers."""
        color, places = self.look.theme.text, zip(self._between, self.between_at, strict=True)
        return VGroup(*(MathText(sign, self._size, color).place((x, self._y)) for sign, x in places))

    def reading(self, number: Number, place: int) -> VGroup:
        """One of them, over what it is."""
        x, size = self.numbers_at[place], max(MIN_TEXT, 0.8 * self.size)
        sign = MathText(self.signs_below[place], size, self.look.theme.muted)
        return VGroup(number.place((x, self._y)), sign.place((x, self._y - self._below)))


class Dial(VGroup):
    """The upper half of the unit circle: x1 points to the right, x2 stands at the angle, its shadow is the cosine."""

    radius = 2.45
    center = np.array([1.9, -1.5, 0.0])

    def __init__(self, look: Look) -> None:
        self.look, theme = look, look.theme
        arc = Shape(self.arc(180), stroke=theme.line, stroke_width=2.0)
        axis = Path([self.place(-1.12, 0), self.place(1.12, 0)], theme.wire, 1.5)
        ticks = [
            Text(text, MIN_TEXT, theme.muted).place(self.place(x, -0.11))
            for x, text in ((-1, "−1"), (0, "0"), (1, "1"))
        ]
        super().__init__(arc, axis, *ticks)
        self.ink = theme.role("input")
        self.base = VGroup(
            Path([self.center, self.place(1, 0)], self.ink, 6.0), Disc(0.09, self.place(1, 0), fill=self.ink)
        )
        self.needle = Path([self.center, self.place(1, 0)], self.ink, 6.0)
        self.tip = Disc(0.09, self.place(1, 0), fill=self.ink)
        self.shadow = Path([self.center, self.place(1, 0)], theme.accent, 9.0)
        self.drop = Path([self.place(1, 0), self.place(1, 0)], theme.wire, 2.0)
        self.opening = Shape(self.arc(1, 0.22), stroke=theme.accent, stroke_width=3.0)

    def place(self, x: float, y: float) -> np.ndarray:
        """A point of the dial, where the circle has the radius 1."""
        return self.center + self.radius * as_point((x, y))

    def arc(self, degrees: float, radius: float = 1.0) -> np.ndarray:
        """The path from the right round to an angle."""
        angles = np.radians(np.linspace(0, max(degrees, 0.5), 33))
        return polyline([self.place(radius * math.cos(angle), radius * math.sin(angle)) for angle in angles])

    def turned(self, degrees: float) -> list[tuple[Shape, np.ndarray]]:
        """The moving parts with their paths at an angle."""
        x, y = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        side = 2 * 0.09
        return [
            (self.needle, polyline([self.center, self.place(x, y)])),
            (self.tip, box_points(side, side, self.place(x, y), 0.09)),
            (self.shadow, polyline([self.center, self.place(x, 0)])),
            (self.drop, polyline([self.place(x, y), self.place(x, 0)])),
            (self.opening, self.arc(degrees, 0.22)),
        ]

    def directions(self, degrees: float, signs: Sequence[str]) -> VGroup:
        """Both directions with their names, and nothing yet that is computed of them."""
        for part, path in self.turned(degrees):
            part.points = path
        return VGroup(self, self.base, self.needle, self.tip, self.named(degrees, signs))

    def named(self, degrees: float, signs: Sequence[str]) -> VGroup:
        """The vectors' symbols: the first one's under its radius, the other's beside its own."""
        angle = math.radians(degrees)
        x, y = math.cos(angle), math.sin(angle)
        turn = 1 if degrees <= 90 else -1
        along, aside = _NAMED
        second = along * x - turn * aside * y, along * y + turn * aside * x
        one = MathText(signs[0], NAME_TEXT, self.ink).place(self.place(along, -aside))
        return VGroup(one, MathText(signs[1], NAME_TEXT, self.ink).place(self.place(*second)))

    def labels(self, degrees: float, numbers: Iterable[Number], signs: Sequence[str]) -> VGroup:
        """The angle's number above the dial, and the cosine's under its shadow."""
        theta, cosine = numbers
        x = math.cos(math.radians(degrees))
        group = VGroup()
        above, below = self.place(0, 1.14), self.place(min(0.8, max(-0.35, x / 2)), -0.3)
        for sign, number, at, unit in ((signs[0], theta, above, "°"), (signs[1], cosine, below, "")):
            wide, color = number.width_em * number.size, self.look.theme.text
            group.add(MathText(sign, number.size, color).place(at - [0.06, 0, 0], "right"))
            group.add(number.place(at + as_point((wide / 2 + 0.06, 0))))
            if unit:
                group.add(MathText(unit, number.size, color).place(at + as_point((wide + 0.06, 0)), "left"))
        return group
