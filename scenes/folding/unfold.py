"""Unfolding: every window becomes a column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from manim import Animation, VGroup

from torchreel.scenes.folding import operators
from torchreel.scenes.folding.story import SLOW, BlocksScene, places, row_and_column, sampled, seconds
from torchreel.scenes.folding.unfolding_board import UnfoldBoard
from torchreel.scenes.parts.motion import Appear
from torchreel.scenes.parts.places import Places
from torchreel.scenes.parts.pointer import Pointer
from torchreel.scenes.stage.beats import Beat
from torchreel.scenes.stage.left_out import Size, left_out
from torchreel.scenes.trace import notation
from torchreel.scenes.trace.formula import Token
from torchreel.scenes.trace.proof import Step


class Unfold(BlocksScene):
    """A window takes its values to a column; the rest follows as a sweep; then one value's copies."""

    operator = operators.Unfold
    board: UnfoldBoard

    def story(self) -> Iterator[Beat]:
        if 0 in self.trace.shape("input"):
            yield Beat("empty", hold=4.0)
            return
        board = self.board = UnfoldBoard(self.look, self.trace)
        self.blocks, self.marks, self.written = board.blocks, VGroup(), set[int]()
        counts: dict[str, tuple[Size, Size]] = {
            "cut_batch": (1, board.batch_size),
            "cut_channels": (len(board.channels), board.blocks.channels),
            "cut_plane": (board.planes[0].shape, board.blocks.plane),
            "cut_matrix": (board.matrix.shape, (board.rows, board.columns)),
        }
        if note := left_out(self, counts, [] if board.has_numbers else [self.words("colours")]):
            self.add(board.note(note))
        self.add(board.scenery)
        yield Beat("start")
        columns = sampled(board.followed)
        for number, column in enumerate(columns[:SLOW]):
            yield Beat(
                "next" if number else "window", partial(self._write, [column]), 0.5, 1.2, self._step(column),
                look=partial(self._point, column),
            )  # fmt: skip
        rest = columns[SLOW:]
        for column in rest:
            yield Beat(
                "next", partial(self._write, [column]), seconds(len(rest)), 0.0, self._step(column),
                look=partial(self._point, column), sweep=True,
            )  # fmt: skip
        source, cells = board.copies()
        value = self.text("input", self.trace.value("input", (*board.lead, 0, *source)))
        key = "copies" if len(cells) > 1 else "once"
        yield Beat(key, self._write_rest, 0.4, values={"value": value, "count": len(cells)}, look=self._leave)

    def law(self) -> Sequence[Token]:
        if self.blocks is None:
            return super().law()
        channel = "c," if self.blocks.channels > 1 else ""
        return [
            Token(f"y_{{{row_and_column(self.blocks)}}}", "output"),
            Token(" = "),
            Token(f"x_{{{channel}{','.join(places(self.blocks, True))}}}", "input"),
        ]

    def figure(self) -> Step | None:
        """The first copy of the value that most windows cover."""
        if self.blocks is None:
            return None
        _, cells = self.board.copies()
        return self.trace.step("output", (*self.board.lead, *(cells[-1] if cells else (0, 0))))

    def formula_tokens(self, step: Step, most: int = 9) -> list[Token]:
        """`y_{3,0} = x_{1,1} = 6`; in the last picture with every copy."""
        tokens, read = super().formula_tokens(step, most), list(step.reads)
        if not read:
            return tokens
        name = notation.head(self.trace, *read[0])
        short = [tokens[0], Token(" = "), name, Token(" = "), tokens[-1]]
        _, cells = self.board.copies()
        if step.index[-2:] not in cells or not self.is_ending:
            return short
        others = [notation.head(self.trace, "output", (*self.board.lead, *cell)) for cell in cells]
        whole = [token for one in others for token in (one, Token(" = "))]
        whole = [*whole, name, Token(" = "), tokens[-1]]
        return whole if self.formula_bar.width(whole) <= 1 else short

    is_ending = False

    def pointing_at(self, step: Step) -> Pointer | None:
        """One input cell and all its copies."""
        places = Places(self.mobjects)
        target = places[(step.tensor, step.index)]
        _, cells = self.board.copies()
        if target is None or not list(step.reads):
            return super().pointing_at(step)
        copies = [
            place
            for cell in cells
            if (place := places[("output", (*self.board.lead, *cell))]) and place != target
        ]
        sources = {**places.of(step.reads), **{f"copy {k}": [one] for k, one in enumerate(copies)}}
        return Pointer(self.look, target, sources, "input", self._standing_texts())

    def _step(self, column: int) -> Step:
        """The last row of a column that comes from a drawn cell of the input."""
        board, taps = self.board, self.board.blocks.taps
        window = board.blocks.window(column)
        rows = range(min(board.matrix.cells.rows, len(board.channels) * taps))
        drawn = [row for row in rows if board.planes[0].shows(window[row % taps])]
        return self.trace.step("output", (*board.lead, max(drawn, default=0), column))

    def _point(self, column: int) -> list[Animation]:
        """The window and its column, as a cut."""
        self.remove(self.marks)
        self.marks = self.board.mark(column)
        return [Appear(self.marks)]

    def _write(self, columns: Sequence[int]) -> list[Animation]:
        self.written.update(columns)
        return [move for column in columns for move in self.board.write(column)]

    def _leave(self) -> list[Animation]:
        self.remove(self.marks)
        self.is_ending = True
        return []

    def _write_rest(self) -> list[Animation]:
        return self._write(
            [column for column in range(self.board.matrix.cells.cols) if column not in self.written]
        )
