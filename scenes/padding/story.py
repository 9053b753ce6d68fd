"""The story of padding a line or a plane: the canvas, the sides in order, then where their values come from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from manim import Animation, VGroup

from torchreel.scenes.padding.axes import CONSTANT, Axis
from torchreel.scenes.padding.board import PaddingBoard, Position
from torchreel.scenes.padding.scene import PaddingScene
from torchreel.scenes.parts.motion import Appear
from torchreel.scenes.stage.beats import Beat

_MOST_SLOW, _MOST_ROWS = 4, 4


class PlanePadding(PaddingScene):
    """The input is put on a larger canvas; then the sides are filled in torch's order."""

    def story(self) -> Iterator[Beat]:
        self.board = board = PaddingBoard(self.look, self.trace)
        self.focus = board.focus
        self.arcs = VGroup()
        self.add(board.scenery())
        yield Beat(f"start_{self.kind}", run_time=1.5, formula=self.law(), also=self._reading())
        yield Beat("place", self._arrive, 0.9, 0.2)
        yield from self.sides_in_order()
        yield from self._copied() if board.size.copies else self._filled()
        yield Beat(f"{board.size.mode}_done", self._rest, 0.4, 0.4)

    def _reading(self) -> tuple[str, ...]:
        """Which sentences a large call needs."""
        ndim = len(self.trace.shape("input"))
        needed = {
            "one_plane": self.hidden_planes(min(2, ndim)),
            "left_out_middle": not self.board.layout.whole,
        }
        return tuple(key for key, needs in needed.items() if needs)

    def _arrive(self) -> Iterable[Animation]:
        board, rows, cols = self.board, *self.board.inner
        ruler = [
            *board.ruler_names(),
            *board.ruler(board.size.rows, rows),
            *board.ruler(board.size.cols, cols),
        ]
        return [*board.arrive(), *([Appear(*ruler)] if ruler else [])]

    def name_side(self, number: int) -> list[Animation]:
        board = self.board
        rows, cols = board.side(number)
        _, given = board.given(number)
        named = [Appear(board.side_label(number))]
        if given < 0:
            named += board.drop(rows, cols)
        if not given or not rows or not cols:
            return [*named, *self.unfocus()]
        return [*named, *self.focused(board.canvas.block(rows, cols))]

    def _copied(self) -> Iterator[Beat]:
        """Left and right in every row, then whole rows above and below."""
        size, mode = self.board.size, self.board.size.mode
        cols = [at for side in size.cols.borders() for at in side]
        if cols and self.board.inner[0]:
            yield Beat(f"{mode}_law", partial(self._mark, size.cols), 0.4, 1.2)
            yield from self._one_row(cols)
            yield from self._other_rows(cols)
        yield from self._whole_rows()

    def _mark(self, axis: Axis) -> Iterable[Animation]:
        marks = self.board.marks(axis)
        return [*self.unfocus(), *([Appear(marks)] if len(marks) else [])]

    def _one_row(self, cols: Sequence[int]) -> Iterator[Beat]:
        """The border of one row, cell by cell, with an arrow from each source."""
        board, size = self.board, self.board.size
        row = self._slow_row
        for at in self._slow_cols(cols):
            source = board.source(size.cols, at)
            step = self.trace.step(size.cols.place, (at + size.cols.before,))
            value = self.trace.value("output", size.of_output(row, at))
            values: dict[str, object] = {
                "distance": self.distance(size.cols, at),
                "source": source,
                "side": size.cols.sides[int(at >= 0)],
                "copied": self.text("output", value),
            }
            yield Beat(f"{size.mode}_near", partial(self._copy, (row, at)), 0.7, 0.5, step, values)

    @property
    def _slow_row(self) -> int:
        """The row whose border is filled slowly: one beside which arrows have room."""
        found = self.board.arc_row()
        return self.board.inner[0].start if found is None else found[0]

    def _slow_cols(self, cols: Sequence[int]) -> Sequence[int]:
        seen = [at for at in cols if at in self.board.canvas.col_slots]
        return seen if len(seen) <= _MOST_SLOW else seen[:1] + seen[-1:]

    def _copy(self, at: Position) -> Iterable[Animation]:
        """One border element: its arrow, and its value flying along."""
        board, (row, col) = self.board, at
        found, ruler = board.arc_row(), self._new_ruler(board.size.cols, [col])
        self.remove(self.arcs)
        if found is None:
            start = board.canvas.place(row, board.source(board.size.cols, col))
            return [*board.write(at, start), *ruler]
        self.arcs = board.arc(row, col, found[1])
        shown = [Appear(self.arcs)] if len(self.arcs) else []
        return [*shown, *board.hop(at, found[1]), *ruler]

    def _other_rows(self, cols: Sequence[int]) -> Iterator[Beat]:
        slow = set(self._slow_cols(cols))
        rest = [
            (row, at)
            for row in self.board.inner[0]
            for at in cols
            if (row != self._slow_row or at not in slow) and self.board.canvas.cell(row, at) is not None
        ]
        if rest:
            step = self.trace.step("output", self.board.size.of_output(*rest[-1]))
            yield Beat("sides", partial(self._copy_across, rest), 0.8, 0.5, step)

    def _copy_across(self, positions: Sequence[Position]) -> Iterable[Animation]:
        board, cols = self.board, self.board.size.cols
        self.remove(self.arcs)
        moves = [
            move
            for row, at in positions
            for move in board.write((row, at), board.canvas.place(row, board.source(cols, at)))
        ]
        return [*moves, *self._new_ruler(cols, [at for _, at in positions])]

    def _whole_rows(self) -> Iterator[Beat]:
        """The rows above and below the input, each copied with the sides it has by now."""
        axis = self.board.size.rows
        rows = [row for side in axis.borders() for row in side if row in self.board.canvas.row_slots]
        groups = [[row] for row in rows] if len(rows) <= _MOST_ROWS else [rows]
        for number, group in enumerate(groups):
            step = self.trace.step(axis.place, (group[-1] + axis.before,))
            yield Beat("rows", partial(self._copy_down, group, number == 0), 0.7, 0.3, step)

    def _copy_down(self, rows: Sequence[int], first: bool) -> Iterable[Animation]:
        board, axis, cols = self.board, self.board.size.rows, self.board.size.cols.out_span
        self.remove(self.arcs)
        marks = self._mark(axis) if first else []
        moves = [
            move
            for row, at in (place for row in rows for place in board.canvas.shown(range(row, row + 1), cols))
            for move in board.write((row, at), board.canvas.place(board.source(axis, row), at))
        ]
        return [*marks, *moves, *self._new_ruler(axis, rows)]

    def _new_ruler(self, axis: Axis, positions: Iterable[int]) -> list[Animation]:
        """The ruler's numbers of some border positions that are not yet there."""
        numbers = self.board.ruler(axis, positions)
        return [Appear(*numbers)] if numbers else []

    def _filled(self) -> Iterator[Beat]:
        """The same value on every side, in torch's order."""
        for number in range(2 * len(self.board.size.axes)):
            rows, cols = self.board.side(number)
            cells = self.board.canvas.shown(rows, cols)
            if self.board.given(number)[1] > 0 and cells:
                step = self.trace.step("output", self.board.size.of_output(*cells[0]))
                yield Beat(f"{CONSTANT}_fill", partial(self._fill, rows, cols), 0.6, 0.4, step)

    def _fill(self, rows: range, cols: range) -> Iterable[Animation]:
        moves = [move for at in self.board.canvas.shown(rows, cols) for move in self.board.write(at, None)]
        return [*self.focused(self.board.canvas.block(rows, cols)), *moves]

    def _rest(self) -> Iterable[Animation]:
        self.remove(self.arcs)
        return self.unfocus()
