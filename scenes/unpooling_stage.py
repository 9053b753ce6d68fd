"""Where everything stands in a MaxUnpool2d clip: source, values over indices, output; and what moves between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.parts import bars
from torchreel.scenes.parts.grid import Cell, Cells, Grid, dashes, drawn_texts
from torchreel.scenes.parts.look import MIN_TEXT, Look
from torchreel.scenes.parts.mark import rgbas
from torchreel.scenes.parts.motion import Appear, Morph, Paint
from torchreel.scenes.parts.shapes import Arrow, Box, Shape
from torchreel.scenes.parts.text import Text, measure
from torchreel.scenes.trace import Trace
from torchreel.scenes.unpooling_trace import Journeys

_WIDTH = bars.WIDTH - 2 * bars.MARGIN
_TOP, _BOTTOM = bars.STAGE_TOP - 0.55, bars.STAGE_BOTTOM + 0.2
_MIDDLE, _HEIGHT = (_TOP + _BOTTOM) / 2, _TOP - _BOTTOM
_GAP = 1.5
_STACK_GAP = 0.62
_LARGEST = 1.2
_LABEL = 0.2
_INSET = -0.045
_FLAT_HEIGHT = 0.9
_NARROWEST = 1.1


class UnpoolStage:
    """All objects of the clip, and the two journeys of a value: into the notes, and home."""

    def __init__(self, look: Look, trace: Trace) -> None:
        self.look, self.trace, self.journeys = look, trace, Journeys(trace)
        self._sizes()
        self.source = self._grid("source", self.cells, self.x[0], _MIDDLE, pad=self.pad, blank=False)
        offset = (self.notes.rows * self.notes.height + _STACK_GAP) / 2
        self.values = self._grid("input", self.notes, self.x[1], _MIDDLE - 0.1 + offset)
        self.indices = self._grid("indices", self.notes, self.x[1], _MIDDLE - 0.1 - offset)
        self.output = self._grid("output", self.home_cells, self.x[2], _MIDDLE)
        self.source_flat, self.output_flat = self._flat(self.source), self._flat(self.output)
        self.window: Shape | None = None
        self.frames: dict[tuple[int, Cell], Shape] = {}
        self.arrived: set[Cell] = set()

    def _sizes(self) -> None:
        """Cells of all grids: the width is shared by columns, and notes are never larger than what they are about."""
        (rows, cols), pooled = self.journeys.size, self.journeys.pooled
        top, left = self.journeys.window.padding
        texts = [*drawn_texts(self.look, self.trace, "source"), *(["−∞"] if top or left else [])]
        outs = drawn_texts(self.look, self.trace, "output")
        noted = [*drawn_texts(self.look, self.trace, "input"), *drawn_texts(self.look, self.trace, "indices")]
        counts = np.array([cols + 2 * left, max(2, self.journeys.pooled[1]), cols])
        room = (_WIDTH - 2 * _GAP) * counts / counts.sum()
        big = Cells.fit(rows + 2 * top, cols + 2 * left, room[0], _HEIGHT, texts, _LARGEST)
        out = Cells.fit(rows, cols, room[2], _HEIGHT, outs, _LARGEST)
        half = (_HEIGHT - _STACK_GAP) / 2 - 0.1
        notes = Cells.fit(pooled[0], pooled[1], room[1], half, noted, _LARGEST)
        width, height = min(big.width, out.width), min(big.height, out.height)
        text = min(big.text_size, out.text_size)
        self.pad, big = _unpadded(big, (rows, cols), (top, left))
        self.cells = replace(big, width=width, height=height, text_size=text)
        shown = (min(out.rows, big.rows), min(out.cols, big.cols))
        self.home_cells = replace(self.cells, rows=shown[0], cols=shown[1])
        self.notes = replace(notes, width=min(notes.width, width), height=min(notes.height, height))
        widths = [
            width * (big.cols + self.pad[2] + self.pad[3]),
            max(_NARROWEST, self.notes.width * notes.cols),
            width * shown[1],
        ]
        gap = min((_WIDTH - sum(widths)) / 2, 2.6)
        x = -(sum(widths) + 2 * gap) / 2
        self.x, self.gaps = [], []
        for each in widths:
            self.x.append(x + each / 2)
            x += each + gap
            self.gaps.append((x - gap, x))

    def _grid(
        self,
        tensor: str,
        cells: Cells,
        x: float,
        y: float,
        pad: tuple[int, int, int, int] = (0, 0, 0, 0),
        blank: bool = True,
    ) -> Grid:
        return Grid(
            self.look, self.trace, tensor, self.journeys.lead, cells, (x, y),
            blank=blank, plain=bool(cells.text_size), pad=pad, pad_text="−∞",
        )  # fmt: skip

    @property
    def is_whole(self) -> bool:
        """Whether every element of the plane is drawn with its number."""
        return bool(self.cells.text_size) and bool(self.notes.text_size)

    def windows(self) -> list[Cell]:
        """The windows that are drawn, with what they cover."""
        return [cell for cell in self.values.positions() if self.source.shows(self.journeys.home(cell))]

    def color(self, cell: Cell) -> str:
        """The identifying colour of a window, its values and its home."""
        return self.look.theme.channel(cell[0] * self.journeys.pooled[1] + cell[1])

    def label(self, grid: Grid, name: str) -> Text:
        """A tensor's name and shape above its grid, with the plane that is drawn if there are several."""
        shape = self.trace.shape(grid.tensor)
        plane = str(list(self.journeys.lead)).replace(" ", "") if self.journeys.planes > 1 else ""
        text = f"{name}{plane} {shape}"
        size = max(MIN_TEXT, min(_LABEL, self._label_room(grid) / measure(text, 1.0, "mono")))
        if measure(text, size, "mono") > self._label_room(grid):
            text = f"{name}{plane}"
        return grid.caption(text, size)

    def _label_room(self, grid: Grid) -> float:
        wide = (grid.cells.cols + grid.pad[2] + grid.pad[3]) * grid.cells.width
        return max(_NARROWEST, wide) + 0.1

    def arrow(self, number: int, name: str) -> VGroup:
        """The operator between two stations, 0 or 1."""
        left, right = self.gaps[number]
        color = self.look.theme.text
        size = max(MIN_TEXT, min(_LABEL, (right - left - 0.2) / measure(name, 1.0, "bold")))
        y = _MIDDLE - 0.1
        text = Text(name, size, color, "bold").place(((left + right) / 2, y + 0.24))
        return VGroup(Arrow([(left + 0.2, y), (right - 0.2, y)], self.look.theme.wire, 4, 0.2), text)

    def _flat(self, grid: Grid, size: Cell | None = None) -> dict[Cell, Text]:
        """The flat index in the corner of each cell, if there is room for it."""
        rows, cols = size or self.journeys.size
        cells = grid.cells
        widest = measure(str(rows * cols - 1), MIN_TEXT, "mono")
        if not cells.text_size or cells.height < _FLAT_HEIGHT or cells.width < widest + 0.24:
            return {}
        corner = np.array([cells.width / 2 - 0.12, -cells.height / 2 + 0.13, 0.0])
        return {
            (row, col): Text(str(row * cols + col), MIN_TEXT, self.look.theme.muted, "mono").place(
                grid.center((row, col)) + corner, align="right", vertical="baseline"
            )
            for row, col in grid.positions()
        }

    def slide(self, cell: Cell) -> list[Animation]:
        """The window goes to its place in its colour."""
        top, bottom, left, right = self.pad
        rows, cols = self.source.shape
        limits = ((-top, rows - 1 + bottom), (-left, cols - 1 + right))
        taps = self.journeys.taps(cell)
        first, last = (
            tuple(min(max(n, low), high) for n, (low, high) in zip(tap, limits, strict=True))
            for tap in (taps[0], taps[-1])
        )
        path = self.source.outline(first, last, _INSET / 2)  # type: ignore[arg-type]
        if self.window is None:
            self.window = Shape(path, stroke=self.color(cell), stroke_width=6, z_index=3)
            return [Appear(self.window)]
        return [Morph(self.window, path), Paint(self.window, stroke=self.color(cell))]

    def note(self, cell: Cell, flying: bool) -> list[Animation]:
        """Value and flat index of a window's largest element are written down; its window takes the colour."""
        home = self.journeys.home(cell)
        tint = self._tint(cell)
        animations = self._mark(self.source, home, cell)
        if self.source.plain:
            covered = [home] if self.journeys.overlaps else self.journeys.taps(cell)
            animations += [move for tap in covered for move in self.source.paint(tap, fill=tint)]
        label = self.source_flat.get(home)
        start = self.source.center(home) if flying else None
        animations += self._arrive(self.values, cell, tint, start)
        start = label.get_center() if flying and label else start
        return [*animations, *self._arrive(self.indices, cell, tint, start)]

    def send(self, cell: Cell, flying: bool) -> list[Animation]:
        """A value goes along its index to its home in the output, unless another window's brought it there."""
        home = self.journeys.home(cell)
        if home in self.arrived:
            return []
        self.arrived.add(home)
        start = self.values.center(cell) if flying and self.values.shows(cell) else None
        return [
            *self._mark(self.output, home, cell),
            *self._arrive(self.output, home, self._tint(cell), start),
        ]

    def rest(self) -> list[Animation]:
        """Cells that nothing was sent to become 0; sent values that were not followed are filled in."""
        animations: list[Animation] = []
        for cell in self.output.positions():
            if cell not in self.arrived:
                animations += self.output.write(cell)
                if cell in self.output.numbers and self.output.value(cell) == 0:
                    self.output.numbers[cell].fill_rgbas = rgbas(self.look.theme.muted, 1.0)
        return animations

    def fill_notes(self) -> list[Animation]:
        """Values and indices of windows that were not followed."""
        done = set(self.windows())
        left = [cell for cell in self.values.positions() if cell not in done]
        return [move for cell in left for grid in (self.values, self.indices) for move in grid.write(cell)]

    def lose(self) -> list[Animation]:
        """What was not a maximum fades in the source."""
        theme = self.look.theme
        animations: list[Animation] = []
        for cell in self.source.positions():
            if cell not in self.arrived:
                animations += self.source.paint(cell, fill=theme.empty)
                if cell in self.source.numbers:
                    animations.append(Paint(self.source.numbers[cell], fill=theme.muted))
        return animations

    def unknown(self) -> VGroup:
        """The output as a question: its outline without a size."""
        rows, cols = self.output.shape
        corners = self.output.outline((0, 0), (rows - 1, cols - 1), _INSET, 0.0)[::4]
        outline = Shape(dashes(corners, 0.12), stroke=self.look.theme.wire, stroke_width=2)
        size = max(MIN_TEXT, min(0.9, 0.7 * rows * self.cells.height))
        return VGroup(outline, Text("?", size, self.look.theme.muted, "bold").place(self.output.middle))

    def wrong_size(self, size: Cell) -> tuple[Grid, dict[Cell, Text]]:
        """An empty output of another size with its flat indices, in the output's place."""
        rows, cols = (min(n, shown) for n, shown in zip(size, self.output.shape, strict=True))
        shift = np.array([(cols - self.output.cells.cols) * self.cells.width,
                          (self.output.cells.rows - rows) * self.cells.height, 0.0]) / 2  # fmt: skip
        cells = replace(self.home_cells, rows=rows, cols=cols)
        at = self.output.middle + shift
        grid = Grid(self.look, self.trace, "output", self.journeys.lead, cells, at, blank=True)
        return grid, self._flat(grid, (rows, cols))

    def lands(self, grid: Grid, cells: Sequence[tuple[Cell, Cell]]) -> list[Animation]:
        """Frames in the windows' colours at cells where their indices would land."""
        return [move for cell, at in cells for move in self._mark(grid, at, cell)]

    def pointer(self, cell: Cell) -> Shape:
        """The accent frame round the index that is spoken of."""
        path = self.indices.outline(cell, cell, _INSET)
        return Shape(path, stroke=self.look.theme.accent, stroke_width=6, z_index=3)

    def _tint(self, cell: Cell) -> str:
        return self.look.theme.tint(self.color(cell), 0.2)

    def _mark(self, grid: Grid, at: Cell, cell: Cell) -> list[Animation]:
        """The frame of a window's colour round one cell, kept for good."""
        if not grid.shows(at) or (id(grid), at) in self.frames or not grid.cells.text_size:
            return []
        width, height = (side + 2 * _INSET for side in (grid.cells.width, grid.cells.height))
        frame = Box(width, height, grid.center(at), 0.06, stroke=self.color(cell), stroke_width=4, z_index=2)
        self.frames[id(grid), at] = frame
        return [Appear(frame)]

    def _arrive(self, grid: Grid, at: Cell, tint: str, start: np.ndarray | None) -> list[Animation]:
        moves = grid.write(at, start)
        if not grid.plain or not moves:
            return moves
        return [*grid.paint(at, fill=tint), *moves[1:]]


def _unpadded(cells: Cells, plane: Cell, padding: Cell) -> tuple[tuple[int, int, int, int], Cells]:
    """The padding that is drawn (top, bottom, left, right) and the cells of the plane without it."""
    before, after, shown = [], [], []
    for drawn, size, pad in zip((cells.rows, cells.cols), plane, padding, strict=True):
        whole = drawn == size + 2 * pad
        before.append(pad)
        after.append(pad if whole else 0)
        shown.append(size if whole else max(1, min(size, drawn - pad)))
    return (before[0], after[0], before[1], after[1]), replace(cells, rows=shown[0], cols=shown[1])
