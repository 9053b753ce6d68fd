"""What stands on the stage of a max pooling clip: the input, the window lifted out of it, the outputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.formula import Index
from torchreel.scenes.parts import bars
from torchreel.scenes.parts.grid import Cell, Cells, Grid, drawn_texts
from torchreel.scenes.parts.look import MIN_TEXT, Look
from torchreel.scenes.parts.motion import Appear, Drop, Fly, Morph, Paint
from torchreel.scenes.parts.number import Number
from torchreel.scenes.parts.shapes import Arrow, Box, Disc, Shape
from torchreel.scenes.parts.text import Text, measure
from torchreel.scenes.pooling_trace import pool_window
from torchreel.scenes.trace import Trace

TOP, BOTTOM = bars.STAGE_TOP - 0.7, bars.STAGE_BOTTOM + 0.25
MIDDLE = (TOP + BOTTOM) / 2
LABEL = 0.2
BORDER = "−∞"
_ROOM = bars.WIDTH - 2 * bars.MARGIN
_GAPS = (0.5, 1.1, 0.45)
_LARGEST_CELL = 1.25
_SMALLEST_SHARE = 0.16
_LARGEST_TEXT = 0.4
_INSET = 0.12
_INDEX_CELL = 0.78
_DOT, _DOT_CELL = 0.08, 0.3


@dataclass(frozen=True)
class Geometry:
    """Sizes of one call on one plane; a one-dimensional plane is a single row.

    `over` is how far the last windows reach beyond the padded input, downwards and to the right (`ceil_mode`).
    """

    dims: int
    lead: Index
    plane: Cell
    out: Cell
    kernel: Cell
    stride: Cell
    padding: Cell
    dilation: Cell
    over: Cell

    @classmethod
    def of(cls, trace: Trace) -> Geometry:
        module: Any = trace.module
        window, shape, out = pool_window(module), trace.shape("input"), trace.shape("output")
        dims = len(window.kernel)
        plane, outs = _plane(shape[-dims:], 1), _plane(out[-dims:], 1)
        kernel, stride, dilation = (
            _plane(sizes, 1) for sizes in (window.kernel, window.stride, window.dilation)
        )
        padding = _plane(window.padding, 0)
        over = [
            max(0, (o - 1) * s - p + d * (k - 1) - (n + p - 1))
            for n, o, k, s, p, d in zip(plane, outs, kernel, stride, padding, dilation, strict=True)
        ]
        lead = (0,) * (len(shape) - dims)
        return cls(dims, lead, plane, outs, kernel, stride, padding, dilation, (over[0], over[1]))

    def spatial(self, cell: Cell) -> Index:
        """A plane's cell as torch's trailing indices."""
        return cell[2 - self.dims :]

    def taps(self, cell: Cell) -> list[Cell]:
        """The input cells under the window of an output cell, row by row; they may lie outside."""
        first = [at * s - p for at, s, p in zip(cell, self.stride, self.padding, strict=True)]
        down, across = self.dilation
        rows, cols = self.kernel
        return [(first[0] + u * down, first[1] + v * across) for u in range(rows) for v in range(cols)]

    def corners(self, cell: Cell) -> tuple[Cell, Cell]:
        """The first and the last of the taps."""
        row, col = (at * s - p for at, s, p in zip(cell, self.stride, self.padding, strict=True))
        down, across = (d * (k - 1) for d, k in zip(self.dilation, self.kernel, strict=True))
        return (row, col), (row + down, col + across)

    def exists(self, tap: Cell) -> bool:
        """Whether a position belongs to the input or its padding, and not to nothing at all."""
        return all(at < n + p for at, n, p in zip(tap, self.plane, self.padding, strict=True))

    def holds(self, tap: Cell) -> bool:
        """Whether a position belongs to the input."""
        return all(0 <= at < n for at, n in zip(tap, self.plane, strict=True))


def _plane(sizes: Sequence[int], single: int) -> Cell:
    return (single, sizes[0]) if len(sizes) == 1 else (sizes[0], sizes[1])


@dataclass(frozen=True)
class _Room:
    """What a grid needs: rows and columns, the texts it holds, and the width of its label."""

    rows: int
    cols: int
    texts: Sequence[str]
    label: float
    largest: float = _LARGEST_CELL

    def fit(self, width: float) -> Cells:
        cells = Cells.fit(self.rows, self.cols, width, TOP - BOTTOM, self.texts, self.largest)
        if not cells.text_size:
            return cells
        widest = max(measure(text, 1.0, "sans") for text in self.texts)
        size = min(_LARGEST_TEXT, (cells.width - 2 * _INSET) / widest, cells.height * 0.42)
        return replace(cells, text_size=max(size, MIN_TEXT))

    def width(self, cells: Cells) -> float:
        """The width of the grid or of its label, whichever is larger."""
        return max(self.label, cells.width * cells.cols)


def _share(width: float, rooms: Sequence[_Room]) -> list[Cells]:
    """Cells of grids side by side: width by their numbers of columns; what one cannot use goes to the others."""
    weights = np.array([min(max(room.cols, 2), 20) for room in rooms], dtype=float)
    weights = np.maximum(weights, _SMALLEST_SHARE * weights.sum())
    fitted = [room.fit(part) for room, part in zip(rooms, width * weights / weights.sum(), strict=True)]
    for number, room in enumerate(rooms):
        spare = width - sum(each.width(cells) for each, cells in zip(rooms, fitted, strict=True))
        fitted[number] = room.fit(max(0.1, fitted[number].width * fitted[number].cols + min(spare, 6.0)))
    return fitted


class Board:
    """All objects of the clip: `input` with its border, the `slots` of the window, the `outputs`."""

    def __init__(self, look: Look, trace: Trace, window_label: str) -> None:
        self.look, self.trace = look, trace
        self.size = Geometry.of(trace)
        self.names: list[str] = [name for name in ("output", "indices") if name in trace.outputs]
        self.window_label = window_label
        self._lay_out()
        self.window = self._frame(self.window_path((0, 0)))
        self.targets = {
            name: self._frame(grid.outline((0, 0), (0, 0), 0.02)) for name, grid in self.outputs.items()
        }

    @property
    def returns_indices(self) -> bool:
        """Whether the flat indices are part of what torch returns."""
        return "indices" in self.outputs

    @property
    def is_cropped(self) -> bool:
        """Whether the planes are too large to be drawn in full."""
        shown = (self.input.shape, self.outputs["output"].shape, (self.slot.rows, self.slot.cols))
        return shown != (self.size.plane, self.size.out, self.size.kernel)

    @property
    def has_numbers(self) -> bool:
        """Whether the cells of all planes are large enough for numbers."""
        return all(grid.cells.text_size for grid in (self.input, *self.outputs.values()))

    def positions(self) -> list[Cell]:
        """The output cells that are drawn."""
        return list(self.outputs["output"].positions())

    def index(self, cell: Cell) -> Index:
        """An output cell as torch's index."""
        return (*self.size.lead, *self.size.spatial(cell))

    def winner(self, cell: Cell) -> Cell:
        """The input cell that a window's winner stood in."""
        index = self.index(cell)
        row = int(self.trace.value("row", index)) if self.size.dims > 1 else 0
        return row, int(self.trace.value("column", index))

    def scenery(self) -> VGroup:
        """What stands from the first frame on: planes, empty slots, labels, arrows."""
        theme = self.look.theme
        slots = [
            Box(self.slot.width, self.slot.height, at, fill=theme.empty, stroke=theme.line, stroke_width=1.2)
            for at in self.slots
        ]
        return VGroup(self.input, *slots, *self.outputs.values(), *self._labels(), *self._flat_indices())

    def move(self, cell: Cell, quick: float | None = None) -> list[Animation]:
        """The window and the outputs' frames go to where an output cell reads and is written."""
        moves: list[Animation] = [Morph(self.window, self.window_path(cell), quick=quick)]
        for name, frame in self.targets.items():
            moves.append(Morph(frame, self.outputs[name].outline(cell, cell, 0.02), quick=quick))
        return moves

    def window_path(self, cell: Cell) -> np.ndarray:
        """The window's outline: one frame, or one round each position where dilation spreads them."""
        first, last = self.size.corners(cell)
        if self.size.dilation == (1, 1) or self.size.kernel == (1, 1) or not self.input.cells.text_size:
            return self.input.outline(self._clamped(first), self._clamped(last), 0.02)
        taps = [self._clamped(tap) for tap in self.size.taps(cell)]
        return np.concatenate([self.input.outline(tap, tap, -0.03) for tap in taps])

    def taps(self, cell: Cell) -> list[Cell]:
        """The input cells under the window that have a slot, in kernel order."""
        taps = self.size.taps(cell)
        return [taps[k] for k in self.kept]

    def lifted(self, cell: Cell) -> list[VGroup]:
        """The values under the window as cells in its slots, in kernel order; empty where there is no cell."""
        return [self._lifted_cell(tap, at) for tap, at in zip(self.taps(cell), self.slots, strict=True)]

    def lift(self, cell: Cell, groups: Sequence[VGroup]) -> list[Animation]:
        """Each value travels from the input to its slot, or shows up there where cells are too small."""
        flies = bool(self.input.cells.text_size)
        pairs = [pair for pair in zip(self.taps(cell), groups, strict=True) if len(pair[1])]
        if not flies:
            return [Appear(VGroup(*(group for _, group in pairs)))]
        return [Fly(group, start=self.input.center(self._clamped(tap))) for tap, group in pairs]

    def judge(self, cell: Cell, groups: Sequence[VGroup]) -> tuple[list[Animation], VGroup]:
        """The losers go pale and the winner gets an accent frame with its flat index; the frame is returned too."""
        theme, best = self.look.theme, self.winner(cell)
        crown, losers = VGroup(), []
        for tap, group, at in zip(self.taps(cell), groups, self.slots, strict=True):
            if tap == best and len(group) and self.size.holds(tap):
                crown.add(*self._crown(cell, at))
            elif len(group):
                losers.append(group)
        pale = [Paint(*(group.submobjects[0] for group in losers), fill=theme.empty)] if losers else []
        texts = [text for group in losers for text in group.submobjects[1:]]
        dim = [Paint(*texts, fill=theme.muted)] if texts else []
        return [*pale, *dim, *([Drop(crown, scale=0.9)] if len(crown) else [])], crown

    def judged(self, cell: Cell) -> VGroup:
        """The window's values after the comparison, for quick steps."""
        groups = self.lifted(cell)
        animations, crown = self.judge(cell, groups)
        for animation in animations[: len(animations) - bool(len(crown))]:
            animation.begin()
            animation.finish()
        return VGroup(*groups, crown)

    def write(self, name: str, cell: Cell, fly: bool = False) -> list[Animation]:
        """The winner's value or index is written; it flies from its slot in a slow step."""
        start = None
        if fly:
            taps = self.taps(cell)
            best = self.winner(cell)
            start = self.slots[taps.index(best)] if best in taps else None
        return self.outputs[name].write(cell, start)

    def mark(self, cell: Cell) -> list[Shape]:
        """The dot that stays on a winner in the input; nothing where cells have no room beside their number."""
        best, cells = self.winner(cell), self.input.cells
        free = cells.height / 2 - 0.4 * cells.text_size
        if not self.input.shows(best) or min(cells.width, cells.height) < _DOT_CELL or free < 3 * _DOT:
            return []
        inset = 2 * _DOT
        corner = np.array([cells.width / 2 - inset, cells.height / 2 - inset, 0.0])
        theme, at = self.look.theme, self.input.center(best) + corner
        return [Disc(_DOT, at, fill=theme.accent, stroke=theme.background, stroke_width=2, z_index=3)]

    def border(self, cell: Cell) -> list[int]:
        """The slots, in kernel order, that the border falls into."""
        taps = self.taps(cell)
        return [k for k, tap in enumerate(taps) if self.size.exists(tap) and not self.size.holds(tap)]

    def zeros(self, cell: Cell) -> VGroup:
        """The zeros that a border of zeros would put into the window."""
        theme, slot = self.look.theme, self.slot
        zeros = VGroup()
        for k in self.border(cell):
            size = (slot.width - 0.1, slot.height - 0.1)
            color = theme.channel(0)
            zeros.add(Box(*size, self.slots[k], 0.06, fill=theme.background, stroke=color, stroke_width=3))
            zeros.add(Text("0", slot.text_size, color, "bold").place(self.slots[k]))
        return zeros

    def _lay_out(self) -> None:
        size, texts = self.size, self._texts
        rows, cols = (n + 2 * p + o for n, p, o in zip(size.plane, size.padding, size.over, strict=True))
        rooms = [
            _Room(rows, cols, texts("input"), self._label_width("input")),
            _Room(*size.kernel, texts("input"), measure(self.window_label, LABEL, "sans"), 1.1),
            *(_Room(*size.out, texts(name), self._label_width(name)) for name in self.names),
        ]
        gaps = _GAPS[: len(rooms) - 1]
        fitted = _share(_ROOM - sum(gaps), rooms)
        widths = [room.width(cells) for room, cells in zip(rooms, fitted, strict=True)]
        spare = max(0.0, _ROOM - sum(gaps) - sum(widths)) / (len(rooms) + 1)
        places, x = [], -_ROOM / 2 + spare
        for width, gap in zip(widths, (*gaps, 0.0), strict=True):
            places.append(x + width / 2)
            x += width + gap + spare
        self.input = self._input_grid(fitted[0], rows, cols, places[0])
        self.slot, self.slots = fitted[1], self._slots(fitted[1], places[1])
        cols = size.kernel[1]
        self.kept = [u * cols + v for u in range(self.slot.rows) for v in range(self.slot.cols)]
        self.outputs: dict[str, Grid] = {
            name: self._output_grid(name, cells, at)
            for name, cells, at in zip(self.names, fitted[2:], places[2:], strict=True)
        }

    def _texts(self, name: str) -> list[str]:
        border = [BORDER] if name == "input" and any(self.size.padding) else []
        return [*drawn_texts(self.look, self.trace, name), *border]

    def _label_width(self, name: str) -> float:
        return measure(self._label(name), LABEL, "mono")

    def _label(self, name: str) -> str:
        return f"{name} {self.trace.shape(name)}"

    def _input_grid(self, cells: Cells, rows: int, cols: int, x: float) -> Grid:
        size = self.size
        whole = (cells.rows, cells.cols) == (rows, cols)
        (top, left), (down, right) = size.padding, size.over
        shown = (min(size.plane[0], max(1, cells.rows - top)), min(size.plane[1], max(1, cells.cols - left)))
        pad = (top, top, left, left) if whole else (top, 0, left, 0)
        self.extent = (cells.rows - top, cells.cols - left)
        over = (down, right) if whole else (0, 0)
        shown = size.plane if whole else shown
        center = (x - over[1] * cells.width / 2, MIDDLE + over[0] * cells.height / 2)
        cells = replace(cells, rows=shown[0], cols=shown[1])
        return Grid(
            self.look, self.trace, "input", self._plane_lead("input"), cells, center, pad=pad, pad_text=BORDER
        )

    def _output_grid(self, name: str, cells: Cells, x: float) -> Grid:
        size = self.size
        reach = []
        for axis, most in enumerate((cells.rows, cells.cols)):
            span = size.dilation[axis] * (size.kernel[axis] - 1)
            inside = (self.input.shape[axis] - 1 + size.padding[axis] - span) // size.stride[axis] + 1
            whole = self.input.shape[axis] == size.plane[axis]
            reach.append(most if whole else max(1, min(most, inside)))
        shown = replace(cells, rows=reach[0], cols=reach[1])
        plain = name == "indices" and bool(cells.text_size)
        scale = self.trace.range("input" if name == "output" else name).scale
        lead = self._plane_lead(name)
        return Grid(
            self.look, self.trace, name, lead, shown, (x, MIDDLE), blank=True, plain=plain, scale=scale
        )

    def _plane_lead(self, name: str) -> Index:
        return (0,) * (len(self.trace.shape(name)) - self.size.dims)

    def _slots(self, cells: Cells, x: float) -> list[np.ndarray]:
        """The centres of the window's cells that are drawn, in kernel order."""
        left, top = x - (cells.cols - 1) / 2 * cells.width, MIDDLE + (cells.rows - 1) / 2 * cells.height
        places = [(u, v) for u in range(cells.rows) for v in range(cells.cols)]
        return [np.array([left + v * cells.width, top - u * cells.height, 0.0]) for u, v in places]

    def _labels(self) -> list[Any]:
        theme = self.look.theme
        grids = [self.input, *self.outputs.values()]
        labels: list[Any] = [grid.caption(self._label(grid.tensor), LABEL) for grid in grids]
        first, last = self.slots[0], self.slots[-1]
        top = first[1] + self.slot.height / 2 + 0.2
        middle = (first[0] + last[0]) / 2
        labels.append(
            Text(self.window_label, LABEL, theme.muted, "sans").place((middle, top), vertical="baseline")
        )
        left = last[0] + self.slot.width / 2
        half = self.outputs["output"].cells.cols * self.outputs["output"].cells.width / 2
        right = self.outputs["output"].middle[0] - half
        center = (left + right) / 2
        reach = min(0.5, (right - left) / 2 - 0.15)
        arrow = Arrow([(center - reach, MIDDLE), (center + reach, MIDDLE)], theme.wire)
        sign = Text("max", 0.24, theme.text, "mono").place((center, MIDDLE + 0.16), vertical="baseline")
        return [*labels, arrow, sign]

    def _flat_indices(self) -> list[Text]:
        """The flat index of each input cell in its corner, where indices are returned and cells have room."""
        if not self.returns_indices or min(self.input.cells.width, self.input.cells.height) < _INDEX_CELL:
            return []
        if not self.input.cells.text_size:
            return []
        theme, cells = self.look.theme, self.input.cells
        return [
            self._corner(self._flat(cell), self.input.center(cell), cells, theme.ink(self.input.fill(cell)))
            for cell in self.input.positions()
        ]

    def _flat(self, cell: Cell) -> str:
        return str(cell[0] * self.size.plane[1] + cell[1])

    def _corner(self, text: str, at: np.ndarray, cells: Cells, color: str) -> Text:
        corner = (at[0] + cells.width / 2 - _INSET, at[1] - cells.height / 2 + _INSET + 0.06)
        return Text(text, MIN_TEXT, color, "mono").place(corner, align="right")

    def _lifted_cell(self, tap: Cell, at: np.ndarray) -> VGroup:
        if not self.size.exists(tap):
            return VGroup()
        theme = self.look.theme
        holds = self.size.holds(tap)
        fill = self.input.fill(tap) if holds else theme.background
        edge = 1.4 if self.slot.text_size else 0.6
        box = Box(self.slot.width, self.slot.height, at, fill=fill, stroke=theme.line, stroke_width=edge)
        if not self.slot.text_size:
            return VGroup(box)
        if not holds:
            return VGroup(box, Text(BORDER, self.slot.text_size, theme.muted).place(at))
        number = Number(
            self.input.text(tap), "input", self.input.index(tap), self.input.value(tap),
            self.slot.text_size, theme.ink(fill),
        )  # fmt: skip
        number.place(at)
        return VGroup(box, number)

    def _crown(self, cell: Cell, at: np.ndarray) -> list[Shape | Text]:
        theme = self.look.theme
        inset = 0.0 if self.slot.text_size else -0.05
        frame = Box(
            self.slot.width - inset, self.slot.height - inset, at, 0.06,
            stroke=theme.accent, stroke_width=6, z_index=3,
        )  # fmt: skip
        room = self.slot.text_size and min(self.slot.width, self.slot.height) >= _INDEX_CELL
        if not self.returns_indices or not room:
            return [frame]
        best = self.winner(cell)
        ink = theme.ink(self.input.fill(best))
        return [frame, self._corner(self._flat(best), at, self.slot, ink)]

    def _frame(self, path: np.ndarray) -> Shape:
        return Shape(path, stroke=self.look.theme.accent, stroke_width=5, z_index=2)

    def _clamped(self, tap: Cell) -> Cell:
        """The nearest position that is on the stage."""
        top, left = self.size.padding
        row = max(-top, min(tap[0], self.extent[0] - 1))
        return row, max(-left, min(tap[1], self.extent[1] - 1))
