"""The story of padding a volume: every slice gets its border, then whole slices are copied in front and behind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from manim import Animation, VGroup

from torchreel.scenes.padding.axes import CONSTANT, Axis
from torchreel.scenes.padding.scene import PaddingScene
from torchreel.scenes.padding.volume import PaddingVolumeBoard
from torchreel.scenes.parts.motion import Appear
from torchreel.scenes.stage.beats import Beat

_MOST_SLOW = 3


class BlockPadding(PaddingScene):
    """The sides in order, the input put into its slices, then left and right, top and bottom, front and back."""

    def story(self) -> Iterator[Beat]:
        self.board = board = PaddingVolumeBoard(self.look, self.trace)
        self.focus, self.arcs = board.focus, VGroup()
        self.add(board.scenery())
        one = ("one_volume",) if self.hidden_planes(3) else ()
        yield Beat("start_block", run_time=1.3, formula=self.law(), also=one)
        yield from self.sides_in_order()
        yield Beat("place_block", self._arrive, 0.8, 0.3, also=self._small())
        yield from self._copied() if self.mode != CONSTANT else self._filled()
        yield Beat(f"{self.mode}_done", self._rest, 0.4, 0.4)

    def name_side(self, number: int) -> list[Animation]:
        board = self.board
        axis, given, positions = board.side(number)
        path = board.around(axis, positions, cut=given < 0) if given else None
        named: list[Animation] = [Appear(board.side_label(number))]
        if given < 0:
            named += board.drop(axis, positions)
        return [*named, *(self.unfocus() if path is None else self.focused(path))]

    def _small(self) -> tuple[str, ...]:
        """Which sentences a large volume needs."""
        needed = {"cropped": not self.board.whole, "heat": not self.board.has_numbers}
        return tuple(key for key, needs in needed.items() if needs)

    def _arrive(self) -> Iterable[Animation]:
        return [*self.unfocus(), *self.board.arrive(), Appear(self.board.rim)]

    def _copied(self) -> Iterator[Beat]:
        """Columns, then rows of every slice of the input; then whole slices."""
        board = self.board
        deep, rows = range(board.deep.first, board.deep.end), range(board.rows.first, board.rows.end)
        for axis, across in ((board.cols, rows), (board.rows, board.cols.out_span)):
            border = [at for side in axis.borders() for at in side]
            if border:
                step = self.trace.step(axis.place, (border[0] + axis.before,))
                yield Beat(
                    f"block_{axis.place}",
                    partial(self._in_slices, axis, border, deep, across),
                    0.8,
                    0.5,
                    step,
                )
        yield from self._whole_slices()

    def _in_slices(
        self, axis: Axis, border: Sequence[int], deep: range, across: range
    ) -> Iterable[Animation]:
        """The border of every slice along one axis."""
        board, moves = self.board, []
        for at in border:
            source = board.source(axis, at)
            for d, r, c in board.block(deep, *((across, [at]) if axis is board.cols else ([at], across))):
                moves += board.write((d, r, c), (d, r, source) if axis is board.cols else (d, source, c))
        return moves

    def _whole_slices(self) -> Iterator[Beat]:
        """The slices in front and behind, the nearest first, each with the border it has by now."""
        board, axis = self.board, self.board.deep
        border = [at for side in axis.borders() for at in side if at + axis.before < board.output.shape[0]]
        if not border:
            return
        yield Beat(
            f"{self.mode}_slices", lambda: [Appear(marks)] if len(marks := board.marks()) else [], 0.4, 1.2
        )
        slow = border if len(border) <= _MOST_SLOW else border[:1]
        for at in slow:
            step = self.trace.step(axis.place, (at + axis.before,))
            values: dict[str, object] = {
                "depth": at + axis.before, "source": board.source(axis, at),
            }  # fmt: skip
            yield Beat("slice", partial(self._slices, [at]), 0.9, 0.7, step, values)
        if rest := border[len(slow) :]:
            step = self.trace.step(axis.place, (rest[-1] + axis.before,))
            yield Beat("all_slices", partial(self._slices, rest), 0.8, 0.4, step)

    def _slices(self, depths: Sequence[int]) -> Iterable[Animation]:
        board = self.board
        self.remove(self.arcs)
        self.arcs = board.arc(depths[0]) if len(depths) == 1 else VGroup()
        moves = [Appear(self.arcs)] if len(self.arcs) else []
        for d, r, c in board.block(depths, board.rows.out_span, board.cols.out_span):
            moves += board.write((d, r, c), (board.source(board.deep, d), r, c))
        return moves

    def _filled(self) -> Iterator[Beat]:
        """The same value on every side, in torch's order."""
        board = self.board
        for number in range(2 * len(board.axes)):
            axis, given, positions = board.side(number)
            ranges = [board.deep.out_span, board.rows.out_span, board.cols.out_span]
            for inner in board.axes[axis.number + 1 :]:
                ranges[2 - inner.number] = range(inner.first, inner.end)
            ranges[2 - axis.number] = positions
            cells = board.block(*ranges) if given > 0 else []
            if cells:
                lead = (0,) * (len(self.trace.shape("input")) - 3)
                step = self.trace.step("output", (*lead, *board.to_output(cells[0])))
                yield Beat(f"{CONSTANT}_fill", partial(self._fill, axis, positions, cells), 0.6, 0.3, step)

    def _fill(
        self, axis: Axis, positions: range, cells: Sequence[tuple[int, int, int]]
    ) -> Iterable[Animation]:
        path = self.board.around(axis, positions, cut=False)
        moves = [move for at in cells for move in self.board.output.write(self.board.to_output(at))]
        return [*(self.unfocus() if path is None else self.focused(path)), *moves]

    def _rest(self) -> Iterable[Animation]:
        self.remove(self.arcs)
        return self.unfocus()
