"""What stands on the stage of a padding clip: the input, the canvas it is put on, and the sides by their names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from manim import Animation, VGroup

from torchreel.scenes.padding.axes import Axis, PaddingGeometry
from torchreel.scenes.padding.canvas import Area, PaddingLayout, PaddingPlane
from torchreel.scenes.parts.frame import EDGE, MARGIN, STAGE_BOTTOM, STAGE_TOP
from torchreel.scenes.parts.gates import Slots
from torchreel.scenes.parts.look import Look
from torchreel.scenes.parts.motion import Appear, Paint
from torchreel.scenes.parts.shapes import Shape
from torchreel.scenes.parts.text import Text
from torchreel.scenes.stage.board import Board
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

Position = tuple[int, int]
_ROOM = EDGE - MARGIN
_PLANE_AREA: Area = (-_ROOM + 0.1, STAGE_BOTTOM + 0.66, _ROOM - 1.2, STAGE_TOP - 0.85)
_LINE_AREA: Area = (-_ROOM + 1.5, STAGE_BOTTOM + 0.75, _ROOM - 1.5, STAGE_TOP - 0.5)
_LABEL = 0.25
_GAP, _NAME, _FOOT, _NEAR_FOOT = 0.2, 0.16, 0.25, 0.21


class PaddingBoard(Board):
    """All objects of the clip: `input`, the `canvas` (the output), `cut` (what negative sides drop), rim, labels."""

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
        self.rim = Shape(self.canvas.block(*self.inner), stroke=look.theme.text, stroke_width=3.4, z_index=1)

    @property
    def inner(self) -> tuple[range, range]:
        """The rows and columns that input and output share."""
        rows, cols = self.size.rows, self.size.cols
        return range(rows.first, rows.end), range(cols.first, cols.end)

    @property
    def whole(self) -> bool:
        """Whether everything is drawn."""
        return self.layout.whole

    @property
    def shown(self) -> dict[str, tuple[Position, Position]]:
        """How many rows and columns of input and output are drawn, and how many there are."""
        rows, cols = self.size.rows, self.size.cols
        (own_rows, all_rows), (own_cols, all_cols) = self.layout.rows, self.layout.cols
        return {
            "input": (
                (_count(own_rows, rows.in_input), _count(own_cols, cols.in_input)),
                (rows.size, cols.size),
            ),
            "output": (
                (_count(all_rows, rows.in_output), _count(all_cols, cols.in_output)),
                (rows.out, cols.out),
            ),
        }

    @property
    def has_numbers(self) -> bool:
        """Whether the cells hold numbers."""
        return bool(self.canvas.cells.text_size)

    def scenery(self) -> VGroup:
        """Both grids and their names."""
        heads = [(grid.middle[0], grid.origin[1] + _NAME) for grid in (self.input, self.canvas)]
        if self.stacked:
            heads[1] = (self.canvas.middle[0], self.low - 0.42)
        elif self.size.dims > 1:
            heads[1] = (heads[1][0], heads[1][1] + 0.38)
        names = [
            self.title(grid.tensor, at) for grid, at in zip((self.input, self.canvas), heads, strict=True)
        ]
        return VGroup(self.input, self.canvas, *names)

    def sees(self, source: Index, target: Index) -> bool:
        """Whether no other cell stands between an element of the input and one of the output."""
        if self.stacked:
            return len(self.layout.rows[0]) == 1
        return source[-1] == self.size.cols.size - 1 and target[-1] == 0

    def inside(self) -> list[Position]:
        """The drawn positions that keep the input's values."""
        return self.canvas.shown(*self.inner)

    def groups(self) -> list[list[Position]]:
        """The drawn border: left and right of the input's rows, nearest first, then whole rows above and below."""
        size, (rows, _) = self.size, self.inner
        cols = [at for side in size.cols.borders() for at in side]
        beside = [(row, at) for at in cols for row in rows if self.canvas.cell(row, at) is not None]
        if not self.size.copies:
            beside.sort()
        across = [row for side in size.rows.borders() for row in side]
        beyond = [
            place for row in across for place in self.canvas.shown(range(row, row + 1), size.cols.out_span)
        ]
        return [beside, beyond]

    def far(self, group: Sequence[Position]) -> Position:
        """Of one side the position in the first one's line that lies farthest out."""
        row, col = group[0]
        line = [at for at in group if at[0] == row and (at[1] < 0) == (col < 0)]
        return max(line, key=lambda at: abs(at[1] - col)) if line else group[0]

    def element(self, at: Position) -> Index:
        """The output's element at a position."""
        return self.size.of_output(*at)

    def write(self, at: Position) -> list[Animation]:
        """One element of the output is born in its cell."""
        cell = self.canvas.cell(*at)
        return [] if cell is None else self.canvas.write(cell)

    def cut_off(self) -> list[Animation]:
        """What negative sides drop stands pale beside the output."""
        cells = list(self.cut.positions())
        if not cells:
            return []
        theme = self.look.theme
        texts = [self.cut.numbers[cell] for cell in cells if cell in self.cut.numbers]
        pale = Paint(*(self.cut.boxes[cell] for cell in cells), fill=theme.empty)
        return [Appear(self.cut), pale, *([Paint(*texts, fill=theme.muted)] if texts else [])]

    def side_label(self, number: int) -> Text:
        """The name and number of one side, in its place round the canvas."""
        axis = self.size.axes[number // 2]
        given = (axis.before, axis.after)[number % 2]
        words = f"{axis.sides[number % 2]}={given}".replace("-", "−")
        text, (x, y) = Text(words, _LABEL, self.look.theme.text, "sans"), self.canvas.middle[:2]
        half = self.canvas.cells.cols * self.canvas.cells.width / 2
        if number < 2:
            side = -1 if number == 0 else 1
            if not self.stacked:  # At the lowest row: higher up lines come in.
                y = self.low + self.canvas.cells.height / 2
            return text.place((x + side * (half + _GAP), y), align="right" if number == 0 else "left")
        if number == 2:
            return text.place((x, self.canvas.origin[1] + _NAME), vertical="baseline")
        return text.place((x, self._foot))

    @property
    def _foot(self) -> float:
        """Where names stand below the canvas; nearer where a note below says that colours stand for numbers."""
        return self.low - (_FOOT if self.has_numbers else _NEAR_FOOT)

    def value_label(self) -> Text:
        """The constant that the border holds, below the input or beside it."""
        words = f"value={self.text('output', self.constant)}"
        left, bottom, right, _ = self.input_edges
        at = (right + _GAP, self.input.middle[1]) if self.stacked else ((left + right) / 2, bottom - 0.28)
        return self.label(
            words, at, _LABEL, self.look.theme.text, "sans", align="left" if self.stacked else "center"
        )

    @property
    def constant(self) -> float:
        """The value of a constant border."""
        return float(getattr(self.trace.module, "value", 0))

    @property
    def input_edges(self) -> tuple[float, float, float, float]:
        """Left, bottom, right and top of the input."""
        (left, top), cells = self.input.origin[:2], self.input.cells
        return (
            float(left),
            float(top - cells.rows * cells.height),
            float(left + cells.cols * cells.width),
            float(top),
        )

    @property
    def low(self) -> float:
        """The lower edge of the canvas."""
        return float(self.canvas.origin[1] - self.canvas.cells.rows * self.canvas.cells.height)

    def source(self, axis: Axis, at: int) -> int:
        """The position along an axis that a position of the output copies; along an unpadded one it is its own."""
        if axis.place not in self.trace.tensors:
            return at
        return int(self.trace.value(axis.place, (at + axis.before,)))

    def _plane(self, which: int, tensor: str, holds: Any, blank: bool = False) -> PaddingPlane:
        lay = self.layout
        element = self.size.of_output if tensor == "output" else self.size.of_input
        return PaddingPlane(
            self, tensor, lay.rows[which], lay.cols[which], element, holds, lay.size,
            lay.centers[which], blank=blank,
        )  # fmt: skip


def _count(slots: Slots, holds: Callable[[int], bool]) -> int:
    """How many of the drawn positions a tensor holds."""
    return sum(slot is not None and holds(slot) for slot in slots)
