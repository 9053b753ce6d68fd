"""What stands on the stage where a volume is padded: the slices of input and output, and the names of the sides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.padding.axes import axes_of, has_value
from torchreel.scenes.parts.frame import EDGE, MARGIN, STAGE_BOTTOM, STAGE_TOP
from torchreel.scenes.parts.look import Look
from torchreel.scenes.parts.motion import Paint
from torchreel.scenes.parts.shapes import Shape
from torchreel.scenes.parts.stack import Position, Slices, Stack
from torchreel.scenes.parts.text import Text, measure
from torchreel.scenes.stage.board import Board
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

_ROOM = EDGE - MARGIN
_TOP, _LOW = STAGE_TOP - 0.4, STAGE_BOTTOM + 0.44
_LABEL = 0.24
_ARCS, _FOOT, _SIDES = 0.75, 0.1, 0.35
_MOST = 6
_BETWEEN_LABELS = 0.4


class PaddingVolumeBoard(Board):
    """`input` and `output` as stacks of slices. Positions `(depth, row, column)` count from the input's first cell."""

    def __init__(self, look: Look, trace: Trace) -> None:
        super().__init__(look, trace)
        module: Any = trace.module
        self.cols, self.rows, self.deep = self.axes = axes_of(module.padding, trace.shape("input"))[:3]
        self._lay_out()
        inner = self._inner_path()
        self.rim = Shape(inner, stroke=look.theme.text, stroke_width=3.2, z_index=1)

    @property
    def shown(self) -> dict[str, tuple[Sequence[int], Sequence[int]]]:
        """How many slices, rows and columns of input and output are drawn, and how many there are."""
        return {
            name: (stack.shape, self.trace.shape(name)[-3:])
            for name, stack in (("input", self.input), ("output", self.output))
        }

    @property
    def has_numbers(self) -> bool:
        """Whether the cells are large enough for numbers."""
        return bool(self.output.slices.cells.text_size)

    def scenery(self) -> VGroup:
        """What stands from the first frame on."""
        name = self.title("input", (0, self.input.edges[3] + 0.1))
        left, _, _, top = self.output.edges  # At the left: in the middle lines come down.
        return VGroup(self.input, self.output, name, self.title("output", (left, top + 0.1), align="left"))

    def sees(self, source: Index, target: Index) -> bool:
        """Slices and their names stand between: lines would come out from behind them."""
        return False

    def to_output(self, at: Position) -> Position:
        """A position as one of the output."""
        return at[0] + self.deep.before, at[1] + self.rows.before, at[2] + self.cols.before

    def element(self, at: Position) -> Index:
        """The output's element at a position."""
        return (*(0,) * (len(self.trace.shape("output")) - 3), *self.to_output(at))

    def write(self, at: Position) -> list[Animation]:
        """One element of the output is born in its cell."""
        return self.output.write(self.to_output(at))

    def inside(self) -> list[Position]:
        """The drawn positions that keep the input's values."""
        return self.block(*(range(axis.first, axis.end) for axis in (self.deep, self.rows, self.cols)))

    def groups(self) -> list[list[Position]]:
        """The drawn border: of every slice of the input, then whole slices in front and behind."""
        deep, inner = range(self.deep.first, self.deep.end), set(self.inside())
        around = self.block(deep, self.rows.out_span, self.cols.out_span)
        beyond = [at for side in self.deep.borders() for at in side]
        return [
            sorted((at for at in around if at not in inner), key=self._near),
            self.block(beyond, self.rows.out_span, self.cols.out_span),
        ]

    def far(self, group: Sequence[Position]) -> Position:
        """The last position of the first one's slice."""
        return [at for at in group if at[0] == group[0][0]][-1]

    def _near(self, at: Position) -> tuple[int, bool, int]:
        """Slice by slice, what lies beside the input before what lies above and below."""
        return at[0], not 0 <= at[1] < self.rows.size, at[1]

    def block(self, deep: Iterable[int], rows: Iterable[int], cols: Iterable[int]) -> list[Position]:
        """The drawn positions of the output among some slices, rows and columns."""
        rows, cols = list(rows), list(cols)
        every = ((d, r, c) for d in deep for r in rows for c in cols)
        return [at for at in every if self.output.shows(self.to_output(at))]

    def cut_off(self) -> list[Animation]:
        """The cells of the input that negative sides cut off go pale."""
        theme, moves = self.look.theme, []
        kept = [range(axis.first, axis.end) for axis in (self.deep, self.rows, self.cols)]
        for at in self.input.positions():
            if not all(place in span for place, span in zip(at, kept, strict=True)):
                moves += self.input.paint(at, fill=theme.empty)
                number = self.input.grid(at[0]).numbers.get(at[1:])
                moves += [] if number is None else [Paint(number, fill=theme.muted)]
        return moves

    def side_label(self, number: int) -> Text:
        """The name and number of a side, in a row of all six below the slices."""
        return self._label(self._sides(), number)

    def value_label(self) -> Text:
        """The constant that the border holds, after the sides."""
        return self._label(self._sides(), 2 * len(self.axes))

    def _sides(self) -> list[str]:
        texts = []
        for k in range(2 * len(self.axes)):
            axis = self.axes[k // 2]
            given = (axis.before, axis.after)[k % 2]
            texts.append(f"{axis.sides[k % 2]}={given}".replace("-", "−"))
        value = getattr(self.trace.module, "value", 0)
        return [*texts, f"value={self.text('output', value)}"] if has_value(self.trace.name) else texts

    def _label(self, texts: Sequence[str], number: int) -> Text:
        widths = [measure(text, _LABEL) for text in texts]
        left = -(sum(widths) + _BETWEEN_LABELS * (len(texts) - 1)) / 2
        x = left + sum(widths[:number]) + _BETWEEN_LABELS * number
        return self.label(texts[number], (x, _LOW), _LABEL, self.look.theme.text, "sans", align="left")

    def _inner_path(self) -> np.ndarray:
        """The outline of the input's place in each slice of the output."""
        paths = list(self._inner_paths())
        return np.concatenate(paths) if paths else self.output.grid(0).outline((0, 0), (0, 0))

    def _inner_paths(self) -> Iterator[np.ndarray]:
        for depth in range(self.deep.first, self.deep.end):
            shown = self.block(
                [depth], range(self.rows.first, self.rows.end), range(self.cols.first, self.cols.end)
            )
            if shown:
                first, last = self.to_output(shown[0]), self.to_output(shown[-1])
                yield self.output.grid(first[0]).outline(first[1:], last[1:])

    def _lay_out(self) -> None:
        shape, out = (tuple(self.trace.shape(name)[-3:]) for name in ("input", "output"))
        texts = self.texts("input", "output")
        room = _TOP - _LOW - _SIDES - _FOOT - _ARCS
        share = out[1] / (out[1] + shape[1])
        slices = Slices.fit(out, 2 * _ROOM, room * share, texts, across=min(out[0], _MOST), most=_MOST)  # type: ignore[arg-type]
        own = Slices.fit(
            shape, 2 * _ROOM, room * (1 - share), texts, across=min(shape[0], _MOST), most=_MOST,  # type: ignore[arg-type]
            largest=slices.cells.width,
        )  # fmt: skip
        own = replace(
            own, cells=replace(own.cells, text_size=min(own.cells.text_size, slices.cells.text_size))
        )
        high = own.extent[1] + _ARCS + slices.extent[1] + _FOOT
        top = (_TOP + _LOW + _SIDES) / 2 + high / 2
        lead = (0,) * max(0, len(self.trace.shape("input")) - 3)
        scale = self.trace.range("output").scale
        self.input = Stack(
            self.look, self.trace, "input", lead, own, (0, top - own.extent[1] / 2), scale=scale
        )
        middle = top - own.extent[1] - _ARCS - slices.extent[1] / 2
        self.output = Stack(
            self.look, self.trace, "output", lead, slices, (0, middle), blank=True, scale=scale
        )
