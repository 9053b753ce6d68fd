"""What stands on the stage where a volume is padded: the slices of input and output, and the names of the sides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.padding.axes import CIRCULAR, CONSTANT, Axis, axes_of, mode_of
from torchreel.scenes.padding.board import ORDER
from torchreel.scenes.parts.look import Look
from torchreel.scenes.parts.motion import Paint
from torchreel.scenes.parts.shapes import Arrow, Shape, polyline
from torchreel.scenes.parts.stack import Position, Slices, Stack
from torchreel.scenes.parts.text import Text, measure
from torchreel.scenes.stage import bars
from torchreel.scenes.stage.board import Board
from torchreel.scenes.trace.proof import Trace

_ROOM = bars.EDGE - bars.MARGIN
_TOP, _LOW = bars.STAGE_TOP - 0.4, bars.STAGE_BOTTOM + 0.3
_LABEL = 0.22
_ARCS, _FOOT, _SIDES = 0.75, 0.35, 0.45
_MOST = 6
_HEAD = 0.3
_BETWEEN_LABELS = 0.4


class PaddingVolumeBoard(Board):
    """`input` and `output` as stacks of slices. Positions `(depth, row, column)` count from the input's first cell."""

    def __init__(self, look: Look, trace: Trace) -> None:
        super().__init__(look, trace)
        module: Any = trace.module
        self.mode = mode_of(trace.name)
        self.cols, self.rows, self.deep = self.axes = axes_of(module.padding, trace.shape("input"))[:3]
        self._lay_out()
        inner = self._inner_path()
        self.rim = Shape(inner, stroke=look.theme.text, stroke_width=3.2, z_index=1)
        self.focus = self.frame(inner, z_index=3)

    @property
    def whole(self) -> bool:
        """Whether everything is drawn."""
        return not self.output.slices.cropped and not self.input.slices.cropped

    @property
    def has_numbers(self) -> bool:
        """Whether the cells are large enough for numbers."""
        return bool(self.output.slices.cells.text_size)

    def scenery(self) -> VGroup:
        """What stands from the first frame on."""
        heights = {"input": self.input.edges[3] + 0.08, "output": self.output.edges[1] - 0.3}
        names = (self.label(self.shape(name), (0, y), vertical="baseline") for name, y in heights.items())
        return VGroup(self.input, self.output, *names)

    def to_output(self, at: Position) -> Position:
        """A position as one of the output."""
        return at[0] + self.deep.before, at[1] + self.rows.before, at[2] + self.cols.before

    def write(self, at: Position, source: Position) -> list[Animation]:
        """One element of the output is written, flying from another element of the output."""
        there = self.to_output(at)
        start = self.to_output(source)
        return self.output.write(there, self.output.center(start) if self.output.shows(start) else None)

    def arrive(self) -> list[Animation]:
        """The kept part of the input flies into the output."""
        moves = []
        for at in self.block(*(range(axis.first, axis.end) for axis in (self.deep, self.rows, self.cols))):
            start = self.input.center(at) if self.input.shows(at) else None
            moves += self.output.write(self.to_output(at), start)
        return moves

    def block(self, deep: Iterable[int], rows: Iterable[int], cols: Iterable[int]) -> list[Position]:
        """The drawn positions of the output among some slices, rows and columns."""
        rows, cols = list(rows), list(cols)
        every = ((d, r, c) for d in deep for r in rows for c in cols)
        return [at for at in every if self.output.shows(self.to_output(at))]

    def source(self, axis: Axis, at: int) -> int:
        """The position along an axis that a position of the output copies."""
        if axis.place not in self.trace.tensors:
            return at
        return int(self.trace.value(axis.place, (at + axis.before,)))

    def side(self, number: int) -> tuple[Axis, int, range]:
        """The axis and the number of one side in torch's order, and the positions that it adds or cuts off."""
        axis = self.axes[number // 2]
        given = (axis.before, axis.after)[number % 2]
        count, span = abs(given), axis.span
        return axis, given, (span[:count] if number % 2 == 0 else span[len(span) - count :])

    def around(self, axis: Axis, positions: range, cut: bool) -> np.ndarray | None:
        """Frames round what a side adds to the slices, or what it cuts off the input; None if nothing is drawn."""
        stack = self.input if cut else self.output
        ranges = [
            range(one.size) if cut else range(one.first, one.end) for one in (self.deep, self.rows, self.cols)
        ]
        if axis is not self.cols and not cut:
            ranges[2] = self.cols.out_span
        if axis is self.deep and not cut:
            ranges[1] = self.rows.out_span
        ranges[2 - axis.number] = positions
        shift = (0, 0, 0) if cut else (self.deep.before, self.rows.before, self.cols.before)
        deep, rows, cols = (
            range(max(0, one.start + by), min(one.stop + by, most))
            for one, by, most in zip(ranges, shift, stack.shape, strict=True)
        )
        if not (deep and rows and cols):
            return None
        paths = [stack.grid(d).outline((rows[0], cols[0]), (rows[-1], cols[-1])) for d in deep]
        return np.concatenate(paths)

    def drop(self, axis: Axis, positions: range) -> list[Animation]:
        """The cells of the input that a negative side cuts off go pale."""
        theme, moves = self.look.theme, []
        for at in self.input.positions():
            if at[2 - axis.number] in positions:
                moves += self.input.paint(at, fill=theme.empty)
                number = self.input.grid(at[0]).numbers.get(at[1:])
                moves += [] if number is None else [Paint(number, fill=theme.muted)]
        return moves

    def side_label(self, number: int) -> Text:
        """The name and number of a side, in a row of all six below the slices."""
        texts = []
        for k in range(2 * len(self.axes)):
            axis, given, _ = self.side(k)
            texts.append(f"{ORDER[k]} {axis.sides[k % 2]}={given}".replace("-", "−"))
        widths = [measure(text, _LABEL) for text in texts]
        left = -(sum(widths) + _BETWEEN_LABELS * (len(texts) - 1)) / 2
        x = left + sum(widths[:number]) + _BETWEEN_LABELS * number
        return self.label(texts[number], (x, _LOW), _LABEL, self.look.theme.text, "sans", align="left")

    def marks(self) -> VGroup:
        """Where the slices turn round or begin again."""
        before, after = self.deep.borders()
        if self.mode == CONSTANT or not (before or after):
            return VGroup()
        edges = ([0] if before else []) + ([self.deep.size - 1] if after else [])
        if self.mode == CIRCULAR:
            paths = [self._seam(at) for at in (self.deep.first, self.deep.end)]
        else:
            paths = [path for at in edges if (path := self._edge(at)) is not None]
        return VGroup(*(self.frame(path, 4) for path in paths))

    def arc(self, at: int) -> VGroup:
        """An arrow over the slices from the source of a border slice to it."""
        source = self.source(self.deep, at)
        ends = [self._above(depth) for depth in (source, at)]
        if ends[0] is None or ends[1] is None or source == at:
            return VGroup()
        tip = np.array([0.0, 0.16, 0.0])
        reach = abs(ends[1][0] - ends[0][0]) / (2 * _ROOM)
        lift = np.array([0.0, (0.2 + 0.3 * reach) * 4 / 3, 0.0])
        path = np.array([ends[0], ends[0] + lift, ends[1] + tip + lift, ends[1] + tip])
        head = Arrow([ends[1] + tip, ends[1]], self.look.theme.accent, 3.5, 0.14)
        return VGroup(self.frame(path, 3.5, z_index=0), head)

    def _above(self, depth: int) -> np.ndarray | None:
        at = depth + self.deep.before
        if not 0 <= at < self.output.shape[0]:
            return None
        grid = self.output.grid(at)
        return np.array([grid.middle[0], grid.origin[1] + _HEAD + 0.04, 0.0])

    def _edge(self, depth: int) -> np.ndarray | None:
        """The outline of the slice that is the mirror or is repeated."""
        at = depth + self.deep.before
        if not 0 <= at < self.output.shape[0]:
            return None
        grid = self.output.grid(at)
        rows, cols = grid.shape
        return grid.outline((0, 0), (rows - 1, cols - 1), 0.03)

    def _seam(self, depth: int) -> np.ndarray:
        """A dashed line before a slice, where one copy of the input ends."""
        at = min(max(depth + self.deep.before, 0), self.output.shape[0])
        near = self.output.grid(min(at, self.output.shape[0] - 1))
        sign = -1 if at < self.output.shape[0] else 1
        x = near.middle[0] + sign * (near.cells.cols * near.cells.width / 2 + 0.12)
        top, low = near.origin[1] + 0.1, near.origin[1] - near.cells.rows * near.cells.height - 0.1
        cuts = np.linspace(top, low, 2 * max(1, round((top - low) / 0.3)))
        return np.concatenate(
            [polyline([(x, a), (x, b)]) for a, b in zip(cuts[::2], cuts[1::2], strict=True)]
        )

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
