"""What stands on the stage of a padding clip: the input, the canvas it is put on, the sides and the sources."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.padding.axes import Axis, PaddingGeometry
from torchreel.scenes.padding.canvas import Area, PaddingLayout, PaddingPlane
from torchreel.scenes.padding.marks import Hop, arc, arc_height, turning_points
from torchreel.scenes.parts.look import MIN_TEXT, Look
from torchreel.scenes.parts.motion import Appear, Paint
from torchreel.scenes.parts.number import Number
from torchreel.scenes.parts.shapes import Arrow, Shape
from torchreel.scenes.parts.text import Text
from torchreel.scenes.stage import bars
from torchreel.scenes.stage.board import Board
from torchreel.scenes.trace.proof import Trace

Position = tuple[int, int]
ORDER = "①②③④⑤⑥"
_ROOM = bars.EDGE - bars.MARGIN
_PLANE_AREA: Area = (-_ROOM + 0.2, -1.9, _ROOM - 1.25, 2.3)
_LINE_AREA: Area = (-_ROOM + 1.5, -1.75, _ROOM - 1.5, 2.75)
_LABEL = 0.23
_RULER, _GAP = 0.24, 0.2
_ARC_SCALE = 1.5


class PaddingBoard(Board):
    """All objects of the clip: `input`, the `canvas` (the output), `cut` (what negative sides drop), frames, labels."""

    def __init__(self, look: Look, trace: Trace) -> None:
        super().__init__(look, trace)
        module: Any = trace.module
        self.size = size = PaddingGeometry.of(trace.name, module.padding, trace.shape("input"))
        self.stacked = size.dims == 1
        area = _LINE_AREA if self.stacked else _PLANE_AREA
        texts = self.texts("input", "output")
        self.layout = PaddingLayout.fit(texts, size.rows, size.cols, self.stacked, area)
        self.input = self._plane(0, "input", size.in_input)
        self.canvas = self._plane(1, "output", size.in_output, blank=True)
        self.cut = self._plane(1, "input", lambda r, c: size.in_input(r, c) and not size.in_output(r, c))
        self.ruled: set[tuple[Axis, int]] = set()
        inner = self.canvas.block(*self.inner)
        self.rim = Shape(inner, stroke=look.theme.text, stroke_width=3.4, z_index=1)
        self.focus = self.frame(inner, z_index=3)

    @property
    def inner(self) -> tuple[range, range]:
        """The rows and columns that input and output share."""
        rows, cols = self.size.rows, self.size.cols
        return range(rows.first, rows.end), range(cols.first, cols.end)

    @property
    def is_cut(self) -> bool:
        """Whether a negative side drops cells that are drawn."""
        return bool(self.cut.boxes)

    def scenery(self) -> VGroup:
        """What stands from the first frame on: both grids, their names, the arrow between them."""
        names = [grid.caption(self.shape(grid.tensor)) for grid in (self.input, self.canvas)]
        if self.stacked:
            names[1].place((self.canvas.middle[0], self.low - 0.66))
        else:
            names[1].place((self.canvas.middle[0], self.canvas.origin[1] + 0.62), vertical="baseline")
        return VGroup(self.input, self.canvas, *names, *self._arrow())

    def arrive(self) -> list[Animation]:
        """The input is put on the canvas, also what negative sides will drop."""
        shown = self.canvas.shown(*self.inner)
        moves = [move for at in shown for move in self.write(at, self.input.place(*at))]
        cut = [Appear(self.cut)] if self.is_cut else []
        return [*moves, *cut, Appear(self.rim)]

    def write(self, at: Position, start: np.ndarray | None) -> list[Animation]:
        """One element of the output is written; its number flies in from `start`, or pops up."""
        cell = self.canvas.cell(*at)
        return [] if cell is None else self.canvas.write(cell, start)

    def hop(self, at: Position, up: float) -> list[Animation]:
        """A border element is written; its number flies from its source along the arrow."""
        row, col = at
        source = self.source(self.size.cols, col)
        start, cell = self.canvas.place(row, source), self.canvas.cell(row, col)
        if start is None or cell is None or not self.canvas.cells.text_size:
            return self.write(at, start)
        paint, _ = self.canvas.write(cell)
        sign = 1.0 if up > 0 else -1.0
        lift = sign * self.canvas.cells.height / 2 + up * arc_height(self.canvas, source, col)
        return [paint, Hop(self.canvas.numbers[cell], start=start, lift=lift)]

    def source(self, axis: Axis, at: int) -> int:
        """The position along an axis that a position of the output copies; along an unpadded one it is its own."""
        if axis.place not in self.trace.tensors:
            return at
        return int(self.trace.value(axis.place, (at + axis.before,)))

    def side(self, number: int) -> tuple[range, range]:
        """The rows and columns that a side (in torch's order) adds or cuts off."""
        axis, given = self.given(number)
        span, count = axis.span, abs(given)
        along = span[:count] if number % 2 == 0 else span[len(span) - count :]
        rows, cols = self.size.rows, self.size.cols
        if number < 2:
            return (range(rows.size) if given < 0 else self.inner[0]), along
        return along, (range(cols.size) if given < 0 else cols.out_span)

    def given(self, number: int) -> tuple[Axis, int]:
        """The axis and the number of one side."""
        axis = self.size.axes[number // 2]
        return axis, (axis.before, axis.after)[number % 2]

    def side_label(self, number: int) -> Text:
        """The name and number of one side, in its place round the canvas."""
        axis, given = self.given(number)
        words = f"{ORDER[number]} {axis.sides[number % 2]}={given}".replace("-", "−")
        text, (x, y) = Text(words, _LABEL, self.look.theme.text, "sans"), self.canvas.middle[:2]
        half = self.canvas.cells.cols * self.canvas.cells.width / 2
        ruled = self.size.copies
        if number == 0:
            return text.place(
                (x - half - _GAP - (0.3 if ruled and not self.stacked else 0), y), align="right"
            )
        if number == 1:
            return text.place((x + half + _GAP, y), align="left")
        if number == 2:
            return text.place((x, self.canvas.origin[1] + _GAP), vertical="baseline")
        return text.place((x, self.low - (0.6 if ruled else 0.3)))

    def drop(self, rows: range, cols: range) -> list[Animation]:
        """The cells of a negative side go pale."""
        theme, cells = self.look.theme, [self.cut.cell(*at) for at in self.cut.shown(rows, cols)]
        boxes = [self.cut.boxes[cell] for cell in cells if cell is not None]
        texts = [self.cut.numbers[cell] for cell in cells if cell in self.cut.numbers]
        pale = [Paint(*boxes, fill=theme.empty)] if boxes else []
        return [*pale, *([Paint(*texts, fill=theme.muted)] if texts else [])]

    def ruler(self, axis: Axis, positions: Iterable[int]) -> list[Number]:
        """The source positions of some rows or columns, as numbers along the canvas; each once."""
        if not self.size.copies or axis not in self.size.axes:
            return []
        fresh = [at for at in dict.fromkeys(positions) if (axis, at) not in self.ruled]
        self.ruled |= {(axis, at) for at in fresh}
        return [number for at in fresh if (number := self._ruled(axis, at)) is not None]

    def ruler_names(self) -> list[Text]:
        """What the numbers along the canvas are."""
        if not self.size.copies:
            return []
        left = self.canvas.origin[0] - 0.12
        names = {"column": self.low - _RULER, "row": self.canvas.origin[1] + 0.12}
        if self.stacked:
            del names["row"]
        return [self.label(name, (left, y), MIN_TEXT, align="right") for name, y in names.items()]

    def marks(self, axis: Axis) -> VGroup:
        """Where the values along an axis turn round."""
        return turning_points(self, self.canvas, self.size, axis)

    def arc_row(self) -> tuple[int, float] | None:
        """A row of the input beside which arrows have room, and whether above (> 0) or below it."""
        rows = self.size.rows
        if self.stacked:
            return 0, _ARC_SCALE
        if rows.before > 0:
            return 0, 1.0
        return (rows.size - 1, -1.0) if rows.after > 0 else None

    def arc(self, row: int, col: int, up: float) -> VGroup:
        """The arrow from the source of a border element to it."""
        return arc(self, self.canvas, row, self.source(self.size.cols, col), col, up)

    @property
    def low(self) -> float:
        """The lower edge of the canvas."""
        return float(self.canvas.origin[1] - self.canvas.cells.rows * self.canvas.cells.height)

    def _ruled(self, axis: Axis, at: int) -> Number | None:
        slots = self.canvas.row_slots if axis.number else self.canvas.col_slots
        if at not in slots or not axis.in_output(at):
            return None
        theme, source = self.look.theme, self.source(axis, at)
        color = theme.muted if axis.in_input(at) else theme.accent
        index = (at + axis.before,)
        number = self.number(axis.place, index, MIN_TEXT, color, font="mono", text=str(source), value=source)
        if axis.number:
            y = self.canvas.center((slots.index(at), 0))[1]
            return number.place((self.canvas.origin[0] - 0.12, y), align="right")
        x = self.canvas.center((0, slots.index(at)))[0]
        return number.place((x, self.low - _RULER))

    def _plane(self, which: int, tensor: str, holds: Any, blank: bool = False) -> PaddingPlane:
        lay = self.layout
        element = self.size.of_output if tensor == "output" else self.size.of_input
        return PaddingPlane(
            self, tensor, lay.rows[which], lay.cols[which], element, holds, lay.size,
            lay.centers[which], blank=blank,
        )  # fmt: skip

    def _arrow(self) -> list[Arrow]:
        """From the input to the canvas; where one is above the other, what falls down says it."""
        if self.stacked:
            return []
        x, y = self.input.origin[0] + self.input.cells.cols * self.input.cells.width, self.input.middle[1]
        return [Arrow([(x + 0.2, y), (x + 0.75, y)], self.look.theme.wire)]
