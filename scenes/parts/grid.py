"""A tensor as a grid of cells: the picture of one plane, its numbers, its padding ring.

Positions are `(row, column)` of the plane and may lie outside it, where padding is. Sizes are scene units.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.parts.look import CELL_TEXT, MIN_NUMBER, MIN_TEXT, Look
from torchreel.scenes.parts.motion import Drop, Fly, Paint
from torchreel.scenes.parts.number import Number
from torchreel.scenes.parts.shapes import Box, Point, Shape, as_point, box_points, polyline
from torchreel.scenes.parts.text import Text, measure
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

Cell = tuple[int, int]
MARGIN = 0.145
"""How much wider a cell is than its number (scene units): 8 px at 800."""
_SMALLEST_CELL = 0.1
_BORN = 0.3


@dataclass(frozen=True)
class Cells:
    """How the cells of a grid are drawn: size, text (`text_size` 0 is a heat map), and how many are shown."""

    width: float
    height: float
    text_size: float
    rows: int
    cols: int

    @classmethod
    def fit(
        cls, rows: int, cols: int, width: float, height: float, texts: Sequence[str], largest: float = 0.95
    ) -> Cells:
        """The largest cells for `rows` x `cols` in an area, with numbers if the longest of `texts` stays readable."""
        ems = max((measure(text, 1.0, "sans") for text in set(texts)), default=0.6)
        w, h = min(width / max(cols, 1), largest), min(height / max(rows, 1), largest)
        w, h = min(w, 1.8 * h), min(h, 1.25 * w)
        size = min(CELL_TEXT, (w - MARGIN) / ems, h * 0.62)
        if size >= MIN_NUMBER:
            return cls(w, h, size, rows, cols)
        side = min(w, h)
        if side >= _SMALLEST_CELL:
            return cls(side, side, 0.0, rows, cols)
        shown = [min(count, int(room / _SMALLEST_CELL)) for count, room in ((rows, height), (cols, width))]
        return cls(_SMALLEST_CELL, _SMALLEST_CELL, 0.0, *shown)


class Grid(VGroup):
    """One plane of a trace tensor.

    `lead` are the leading indices of the plane; its own axes are the last one or two of the tensor (one: a single row).
    `index` overrides how a cell becomes a tensor index. A `blank` grid shows empty cells until they are written.
    `pad` is (top, bottom, left, right) cells of padding, drawn as a dashed ring holding `pad_text`. `step` spreads the
    cells (rows, columns) apart, as dilation does; `center` is then the middle of the spread block.
    """

    def __init__(
        self,
        look: Look,
        trace: Trace,
        tensor: str,
        lead: Index,
        cells: Cells,
        center: Point,
        *,
        index: Callable[[Cell], Index] | None = None,
        blank: bool = False,
        pad: tuple[int, int, int, int] = (0, 0, 0, 0),
        pad_text: str = "0",
        scale: float | None = None,
        plain: bool = False,
        step: Cell = (1, 1),
    ) -> None:
        super().__init__()
        self.look, self.trace, self.tensor, self.lead, self.cells = look, trace, tensor, lead, cells
        self.index = index or self._plane_index
        self.blank, self.pad, self.plain, self.step = blank, pad, plain, step
        self.scale = scale if scale is not None else trace.range(tensor).scale
        top, bottom, left, right = pad
        middle = as_point(center)
        shift = np.array([(left - right) * cells.width, (bottom - top) * cells.height, 0.0]) / 2
        self.origin = middle + shift - self._extent() / 2
        self.boxes: dict[Cell, Box] = {}
        self.numbers: dict[Cell, Number] = {}
        self._values: dict[Cell, float] = {}
        self.ring = self._ring(pad_text)
        self.add(*self.ring, *(part for cell in self.positions() for part in self._draw(cell)))

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns that are shown."""
        return self.cells.rows, self.cells.cols

    def positions(self) -> Iterator[Cell]:
        """Every shown cell, row by row."""
        return ((i, j) for i in range(self.cells.rows) for j in range(self.cells.cols))

    def shows(self, cell: Cell) -> bool:
        """Whether the cell is drawn (large tensors show a corner only)."""
        return 0 <= cell[0] < self.cells.rows and 0 <= cell[1] < self.cells.cols

    def center(self, cell: Cell) -> np.ndarray:
        """The middle of a cell, also of one outside the plane."""
        row, col = cell
        across, down = col * self.step[1] + 0.5, row * self.step[0] + 0.5
        return self.origin + np.array([across * self.cells.width, -down * self.cells.height, 0.0])

    def outline(self, first: Cell, last: Cell, grow: float = 0.0, radius: float = 0.06) -> np.ndarray:
        """The path round a block of cells, for windows that sit on this grid."""
        a, b = self.center(first), self.center(last)
        width = abs(b[0] - a[0]) + self.cells.width + 2 * grow
        height = abs(b[1] - a[1]) + self.cells.height + 2 * grow
        return box_points(width, height, (a + b) / 2, radius)

    def value(self, cell: Cell) -> float:
        """The element a cell shows. The whole plane is read when the first one is asked for."""
        if not self._values:
            shown = list(self.positions())
            found = self.trace.values(self.tensor, [self.index(each) for each in shown])
            self._values = dict(zip(shown, found, strict=True))
        if cell not in self._values:
            self._values[cell] = self.trace.value(self.tensor, self.index(cell))
        return self._values[cell]

    def text(self, cell: Cell) -> str:
        """The element as drawn."""
        return self.look.written(self.value(cell), self.trace.range(self.tensor))

    def fill(self, cell: Cell) -> str:
        """The colour of a written cell."""
        if self.plain:
            return self.look.theme.zero
        return self.look.theme.fill(self.value(cell), self.scale, self.trace.role(self.tensor))

    def write(self, cell: Cell, start: Point | None = None) -> list[Animation]:
        """The cell takes its colour and its number, which flies in from `start` or pops up in place."""
        if not self.shows(cell):
            return []
        animations: list[Animation] = [Paint(self.boxes[cell], fill=self.fill(cell), run_time=_BORN)]
        if self.cells.text_size:
            number = self.numbers.get(cell) or self._number(cell, self.fill(cell))
            self.numbers[cell] = number
            arrives = (
                Drop(number, run_time=_BORN) if start is None else Fly(number, start=start, run_time=_BORN)
            )
            animations.append(arrives)
        return animations

    def paint(self, cell: Cell, fill: str) -> list[Animation]:
        """A cell's colour changes; nothing if it is not shown."""
        return [Paint(self.boxes[cell], fill=fill, run_time=_BORN)] if self.shows(cell) else []

    def caption(self, text: str, size: float = 0.2, color: str | None = None, gap: float = 0.2) -> Text:
        """A label centred above the grid (above its padding)."""
        top = self.origin[1] + self.pad[0] * self.cells.height + gap
        return Text(text, size, color or self.look.theme.muted, "mono").place(
            (self.middle[0], top), vertical="baseline"
        )

    def side_label(self, text: str) -> Text:
        """A label left of the grid (left of its padding)."""
        width = (self.cells.cols / 2 + self.pad[2]) * self.cells.width + 0.14
        at = (self.middle[0] - width, self.middle[1])
        return Text(text, MIN_TEXT, self.look.theme.muted, "mono").place(at, align="right")

    @property
    def middle(self) -> np.ndarray:
        """The centre of the plane without its padding."""
        return self.origin + self._extent() / 2

    def _extent(self) -> np.ndarray:
        cols = (self.cells.cols - 1) * self.step[1] + 1
        rows = (self.cells.rows - 1) * self.step[0] + 1
        return np.array([cols * self.cells.width, -rows * self.cells.height, 0.0])

    def _plane_index(self, cell: Cell) -> Index:
        axes = len(self.trace.shape(self.tensor)) - len(self.lead)
        return (*self.lead, *((cell[1],) if axes == 1 else cell if axes == 2 else ()))

    def _draw(self, cell: Cell) -> list[Shape | Text]:
        theme = self.look.theme
        fill = theme.empty if self.blank else self.fill(cell)
        edge = 1.4 if self.cells.text_size else 0.6
        box = Box(
            self.cells.width,
            self.cells.height,
            self.center(cell),
            fill=fill,
            stroke=theme.line,
            stroke_width=edge,
        )
        self.boxes[cell] = box
        if not self.cells.text_size or self.blank:
            return [box]
        self.numbers[cell] = self._number(cell, fill)
        return [box, self.numbers[cell]]

    def _number(self, cell: Cell, fill: str) -> Number:
        number = Number(
            self.text(cell),
            self.tensor,
            self.index(cell),
            self.value(cell),
            self.cells.text_size,
            self.look.theme.ink(fill),
        )
        number.place(self.center(cell))
        return number

    def _ring(self, text: str) -> list[VGroup | Shape | Text]:
        top, bottom, left, right = self.pad
        if not any(self.pad):
            return []
        rows, cols = self.shape
        outside = [
            (i, j)
            for i in range(-top, rows + bottom)
            for j in range(-left, cols + right)
            if not self.shows((i, j))
        ]
        theme = self.look.theme
        lines = [dashes(self.outline(cell, cell, radius=0)[::4], 0.07) for cell in outside]
        parts: list[VGroup | Shape | Text] = [
            Shape(np.concatenate(lines), stroke=theme.wire, stroke_width=1.2)
        ]
        if self.cells.text_size:
            parts += [
                Text(text, self.cells.text_size, theme.muted, "sans").place(self.center(cell))
                for cell in outside
            ]
        return parts


def dashes(corners: Sequence[Point] | np.ndarray, length: float) -> np.ndarray:
    """A closed outline through corners as separate dashes of about `length`, as cubics."""
    path = [as_point(corner) for corner in corners]
    pieces = []
    for start, end in zip(path, [*path[1:], path[0]], strict=True):
        count = max(1, 2 * round(float(np.linalg.norm(end - start)) / (2 * length)))
        for k in range(0, count, 2):
            pieces.append(
                polyline([start + (end - start) * k / count, start + (end - start) * (k + 1) / count])
            )
    return np.concatenate(pieces)


def drawn_texts(look: Look, trace: Trace, tensor: str) -> list[str]:
    """How the elements of a tensor are written, for sizing cells."""
    known = trace.range(tensor)
    return [look.written(value, known) for value in trace.sample(tensor).tolist()]
