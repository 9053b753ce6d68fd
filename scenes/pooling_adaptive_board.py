"""What stands on the stage of an adaptive or fractional pooling clip: input, rulers, outputs, frames."""

from __future__ import annotations

import math

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.formula import Index
from torchreel.scenes.parts import bars
from torchreel.scenes.parts.grid import Cell, Cells, Grid, drawn_texts
from torchreel.scenes.parts.look import Look
from torchreel.scenes.parts.motion import Morph
from torchreel.scenes.parts.shapes import Arrow, Disc, Shape, polyline
from torchreel.scenes.parts.text import Text, measure
from torchreel.scenes.pooling_adaptive_plane import Windows
from torchreel.scenes.pooling_adaptive_ruler import Interval, Ruler, depth
from torchreel.scenes.trace import Trace

_ROOM = bars.EDGE - bars.MARGIN
_LOW, _HIGH = bars.STAGE_BOTTOM + 0.25, bars.STAGE_TOP - 0.45
_NAME = 0.2
_ARROW = 1.5
_BETWEEN = 0.5
_LARGEST = 1.05
_LINE_HEIGHT, _LINE_LARGEST, _FUNNEL = (0.95, 0.7), 1.7, (1.15, 0.9)
_DOT, _SMALLEST_DOT, _DOT_CELL = 0.08, 0.05, 0.34


class Board:
    """`input` with its rulers, `outputs` by name, the window's `frame` and the outputs' frames, `targets`."""

    def __init__(self, look: Look, trace: Trace, sign: str) -> None:
        self.look, self.trace, self.sign = look, trace, sign
        self.windows = Windows.of(trace)
        self.names = [name for name in ("output", "indices") if name in trace.outputs]
        self.outputs: dict[str, Grid] = {}
        if self.windows.is_line:
            self._lay_line()
        else:
            self._lay_plane()
        lead = self.windows.lead
        cols = Ruler(look, trace, self.input, self.windows.letters[-1], lead, self.windows.cols)
        self.rulers = [cols]
        if not self.windows.is_line:
            rows = Ruler(
                look, trace, self.input, self.windows.letters[-2], lead, self.windows.rows, vertical=True
            )
            self.rulers.append(rows)
        accent = look.theme.accent
        self.frame = Shape(self.path((0, 0)), stroke=accent, stroke_width=5, z_index=2)
        self.targets = {
            name: Shape(grid.outline((0, 0), (0, 0), 0.02), stroke=accent, stroke_width=5, z_index=2)
            for name, grid in self.outputs.items()
        }
        fan = Shape(self.fan((0, 0)), fill=accent, opacity=0.14, z_index=-1) if self.windows.is_line else None
        self.funnel = fan

    def positions(self) -> list[Cell]:
        """The output cells that are drawn."""
        return list(self.outputs["output"].positions())

    def index(self, cell: Cell) -> Index:
        """An output cell as torch's index."""
        return (*self.windows.lead, *(cell[1:] if self.windows.is_line else cell))

    def window(self, cell: Cell) -> tuple[Interval, Interval]:
        """The rows and columns of the window of an output cell."""
        return self.windows.rows[cell[0]], self.windows.cols[cell[1]]

    @property
    def is_cropped(self) -> bool:
        """Whether a part of the planes only is drawn."""
        out = len(self.windows.rows), len(self.windows.cols)
        return (self.input.shape, self.outputs["output"].shape) != (self.windows.plane, out)

    @property
    def has_numbers(self) -> bool:
        """Whether the cells of all planes are large enough for numbers."""
        return all(grid.cells.text_size for grid in (self.input, *self.outputs.values()))

    def scenery(self) -> VGroup:
        """What stands from the first frame on: the grids, their names, and what is done between them."""
        grids = [self.input, *self.outputs.values()]
        return VGroup(*grids, *map(self._name, grids), *self._between())

    def path(self, cell: Cell) -> np.ndarray:
        """The window's outline, as far as it is drawn."""
        (top, down), (left, right) = self.window(cell)
        last = min(down, self.input.cells.rows) - 1, min(right, self.input.cells.cols) - 1
        first = min(top, last[0]), min(left, last[1])
        return self.input.outline(first, last, 0.02)

    def move(self, cell: Cell, quick: float | None = None) -> list[Animation]:
        """The frames go to an output cell and its window."""
        moves: list[Animation] = [Morph(self.frame, self.path(cell), quick=quick)]
        for name, frame in self.targets.items():
            moves.append(Morph(frame, self.outputs[name].outline(cell, cell, 0.02), quick=quick))
        if self.funnel is not None:
            moves.append(Morph(self.funnel, self.fan(cell), quick=quick))
        return moves

    def frames(self) -> list[Shape]:
        """Everything that marks the active window."""
        return [self.frame, *self.targets.values(), *([] if self.funnel is None else [self.funnel])]

    def fan(self, cell: Cell) -> np.ndarray:
        """On a line: the area between a window and its output cell, below it."""
        output = self.outputs["output"]
        left, right = self.windows.cols[cell[1]]
        y = self.input.origin[1] - self.input.cells.height
        width, x = self.input.cells.width, self.input.origin[0]
        low = output.center(cell) + np.array([0.0, output.cells.height / 2, 0.0])
        half = output.cells.width / 2
        ends = [min(position, self.input.cells.cols) for position in (left, right)]
        corners = [
            (x + ends[0] * width, y),
            (x + ends[1] * width, y),
            (low[0] + half, low[1]),
            (low[0] - half, low[1]),
        ]
        return polyline([*corners, corners[0]])

    def write(self, name: str, cell: Cell, fly: bool = False) -> list[Animation]:
        """An output is written; in a slow step it flies from the winner, or from the middle of the window."""
        return self.outputs[name].write(cell, self._start(cell) if fly else None)

    def winner(self, cell: Cell) -> Cell | None:
        """The input cell a maximum stood in; None for a mean."""
        if "column" not in self.trace.tensors:
            return None
        index = self.index(cell)
        row = 0 if self.windows.is_line else int(self.trace.value("row", index))
        return row, int(self.trace.value("column", index))

    def mark(self, cell: Cell) -> list[Shape]:
        """The dot that stays on a winner, where cells have room for one."""
        best, cells = self.winner(cell), self.input.cells
        radius = min(_DOT, (cells.height / 2 - 0.4 * cells.text_size) / 3)
        if best is None or not self.input.shows(best) or cells.width < _DOT_CELL or radius < _SMALLEST_DOT:
            return []
        corner = np.array([cells.width / 2 - 2 * radius, cells.height / 2 - 2 * radius, 0.0])
        theme, at = self.look.theme, self.input.center(best) + corner
        return [Disc(radius, at, fill=theme.accent, stroke=theme.background, stroke_width=2, z_index=3)]

    def _start(self, cell: Cell) -> np.ndarray:
        best = self.winner(cell)
        if best is not None and self.input.shows(best):
            return self.input.center(best)
        path = self.path(cell)
        middle: np.ndarray = (path.min(0) + path.max(0)) / 2
        return middle

    def _texts(self, name: str) -> list[str]:
        return drawn_texts(self.look, self.trace, name)

    def _lay_plane(self) -> None:
        """Input on the left with a ruler above and one on its left; the outputs on the right."""
        windows, outs = self.windows, len(self.names)
        above, beside = (
            depth(windows.cols, windows.plane[1], False),
            depth(windows.rows, windows.plane[0], True),
        )
        high = _HIGH + 0.25 - above - (_LOW + 0.3)
        rows, cols = windows.plane
        wide = 2 * _ROOM - beside - _ARROW - _BETWEEN * (outs - 1)
        share = min(0.65, max(0.3, len(windows.cols) * outs / (cols + len(windows.cols) * outs)))
        cells = Cells.fit(rows, cols, wide * (1 - share), high, self._texts("input"), _LARGEST)
        fitted = [self._fit_output(name, cells, wide * share / outs, high) for name in self.names]
        widths = [self._width("input", cells), *map(self._width, self.names, fitted)]
        total = beside + widths[0] + _ARROW + sum(widths[1:]) + _BETWEEN * (outs - 1)
        x, y = -total / 2 + beside, (_HIGH + 0.25 - above + _LOW + 0.3) / 2
        self.input = self._grid("input", cells, (x + widths[0] / 2, y))
        x += widths[0] + _ARROW
        for name, each, width in zip(self.names, fitted, widths[1:], strict=True):
            self.outputs[name] = self._grid(name, each, (x + width / 2, y))
            x += width + _BETWEEN

    def _fit_output(self, name: str, cells: Cells, width: float, high: float) -> Cells:
        """Cells of an output: no larger than the input's, and only those whose windows are drawn."""
        rows, cols = (
            sum(end <= shown for _, end in axis) or 1
            for axis, shown in ((self.windows.rows, cells.rows), (self.windows.cols, cells.cols))
        )
        return Cells.fit(rows, cols, width, high, self._texts(name), max(cells.width, 0.6))

    def _width(self, name: str, cells: Cells) -> float:
        return max(cells.cols * cells.width, measure(self._label(name), _NAME, "mono"))

    def _lay_line(self) -> None:
        """Input above, each output cell below the part of it that it stands for."""
        windows = self.windows
        named = max(measure(self._label(name), _NAME, "mono") for name in ("input", *self.names)) + 0.3
        count, outs = windows.plane[1], len(windows.cols)
        texts = self._texts("input")
        tight = len(self.names) > 1
        cells = Cells.fit(1, count, 2 * _ROOM - named - 0.4, _LINE_HEIGHT[tight], texts, _LINE_LARGEST)
        above = depth(windows.cols, count, False)
        high = above + cells.height + _FUNNEL[tight] + len(self.names) * (cells.height + 0.3)
        x, y = named / 2, (_HIGH + 0.3 + _LOW) / 2 + high / 2 - above - cells.height / 2
        self.input = self._grid("input", cells, (x, y))
        part = count / outs * cells.width
        shown = max(1, min(outs, math.floor(cells.cols * cells.width / part + 1e-6)))
        y -= cells.height / 2 + _FUNNEL[tight]
        for name in self.names:
            ems = max((measure(text, 1.0) for text in self._texts(name)), default=0.6)
            size = min(cells.text_size or 0.32, (part - 0.07) / ems, cells.height * 0.62)
            each = Cells(part, cells.height, size if size >= 0.18 else 0.0, 1, shown)
            left = self.input.origin[0] + shown * part / 2
            self.outputs[name] = self._grid(name, each, (left, y - cells.height / 2))
            y -= cells.height + 0.3

    def _grid(self, name: str, cells: Cells, center: tuple[float, float]) -> Grid:
        blank, plain = name != "input", name == "indices" and bool(cells.text_size)
        scale = self.trace.range(name if name == "indices" else "input").scale
        return Grid(
            self.look,
            self.trace,
            name,
            self.windows.lead,
            cells,
            center,
            blank=blank,
            plain=plain,
            scale=scale,
        )

    def _label(self, name: str) -> str:
        return f"{name} {self.trace.shape(name)}"

    def _name(self, grid: Grid) -> Text:
        """A grid's name: below it, as rulers are above; left of a line."""
        if self.windows.is_line:
            return grid.side_label(self._label(grid.tensor), size=_NAME)
        bottom = grid.origin[1] - grid.cells.rows * grid.cells.height - 0.3
        text = Text(self._label(grid.tensor), _NAME, self.look.theme.muted, "mono")
        return text.place((grid.middle[0], bottom))

    def _between(self) -> list[Arrow | Text]:
        """What is done with a window, and on a plane an arrow below it."""
        theme, first = self.look.theme, self.outputs["output"]
        if self.windows.is_line:
            y = (self.input.middle[1] + first.middle[1]) / 2
            return [
                Text(self.sign, 0.24, theme.text, "mono").place((self.input.origin[0] - 0.14, y), "right")
            ]
        right = self.input.origin[0] + self.input.cells.cols * self.input.cells.width
        left = first.origin[0]
        x, y = (left + right) / 2, first.middle[1]
        reach = min(0.5, (left - right) / 2 - 0.15)
        sign = Text(self.sign, 0.24, theme.text, "mono").place((x, y + 0.16), vertical="baseline")
        return [Arrow([(x - reach, y), (x + reach, y)], theme.wire), sign]
