"""Unfolding: every window becomes a column."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from manim import Animation, VGroup

from torchreel.scenes.folding import operators
from torchreel.scenes.folding.story import SLOW, BlocksScene, quickening, sampled
from torchreel.scenes.folding.unfolding_board import UnfoldBoard
from torchreel.scenes.parts.grid import Cell
from torchreel.scenes.parts.motion import FADE, Appear, Vanish
from torchreel.scenes.stage.beats import Beat
from torchreel.scenes.trace.formula import Token
from torchreel.scenes.trace.proof import Step

_MOST_VALUES = 12


class Unfold(BlocksScene):
    """A window takes its values to a column, one row each; the rest follows as a sweep; then one value's copies."""

    operator = operators.Unfold

    def story(self) -> Iterator[Beat]:
        if 0 in self.trace.shape("input"):
            yield Beat("empty", hold=2.0)
            return
        self.board = board = UnfoldBoard(self.look, self.trace)
        self.blocks = board.blocks
        self.add(*board.planes.values(), board.matrix, board.labels)
        self.tags = VGroup()
        columns = sampled(board.followed)
        yield Beat(self._opening(), run_time=0.4, hold=1.2, formula=self.counts(), values=self.sizes())
        yield from self._in_full(columns[0])
        for column in columns[1:SLOW]:
            yield Beat("slide", partial(self._slide, column), 0.6, 0.3, values=self.sizes(column))
            yield self._filling(column, 1.0, 0.4)
        for column, seconds in zip(columns[SLOW:], quickening(len(columns) - SLOW), strict=True):
            yield Beat(
                "sweep", partial(self._sweep, column), seconds, 0.0, self._step(column), self.sizes(column)
            )
        yield self._ending()

    def _opening(self) -> str:
        if self.board.is_cropped:
            return "sampled"
        return "start_padded" if any(self.blocks.padding) else "start"

    def formula_tokens(self, step: Step, most: int = 4) -> list[Token]:
        """A column by its first row: `output[0, :, 4] = input[0, 0, 1:3, 1:3].flatten() = [6, 7, 10, 11]`.

        The step of any other row stands for the copies of one value.
        """
        if step.index[-2]:
            return self._equal()
        column = step.index[-1]
        lead = "".join(f"{i}, " for i in step.index[:-2])
        head = f"output[{lead}:, {column}] = "
        rows = [(*step.index[:-2], row, column) for row in range(self.trace.shape("output")[-2])]
        for count in range(min(len(rows), _MOST_VALUES), 2, -1):
            tokens = [Token(head), Token(self._slices(lead, column)), *self._list(rows, count)]
            if self.formula_bar.width(tokens) <= 1:
                return tokens
        return [Token(head), *self._list(rows, 3)]

    def _list(self, rows: list[tuple[int, ...]], most: int) -> list[Token]:
        shown = rows if len(rows) <= most else [*rows[: most - 1], rows[-1]]
        tokens = [Token("[")]
        for number, index in enumerate(shown):
            if number:
                tokens.append(
                    Token(", … , " if len(shown) < len(rows) and number == len(shown) - 1 else ", ")
                )
            value = self.trace.value("output", index)
            tokens.append(Token(self.text("output", value), "output", index, value))
        return [*tokens, Token("]")]

    def _slices(self, lead: str, column: int) -> str:
        """The window as torch code: a slice with the dilation as its step."""
        blocks = self.blocks
        taps = blocks.window(column)
        spans = []
        for axis in (0, 1):
            first, last = (taps[k][axis] + blocks.padding[axis] for k in (0, -1))
            step = f":{blocks.dilation[axis]}" if blocks.dilation[axis] > 1 and first != last else ""
            spans.append(f"{first}:{last + 1}{step}")
        name = "padded" if any(blocks.padding) else "input"
        channel = "0" if blocks.channels == 1 else ":"
        return f"{name}[{lead}{channel}, {', '.join(spans)}].flatten() = "

    def _step(self, column: int) -> Step:
        return self.trace.step("output", (*self.board.matrix.lead, 0, column))

    def _in_full(self, column: int) -> Iterator[Beat]:
        window = "window" if self.blocks.dilation == (1, 1) else "window_dilated"
        flatten = "flatten" if self.blocks.channels == 1 else "flatten_channels"
        yield Beat(window, partial(self._open, column), 0.6, 0.8, values=self.sizes(column))
        yield Beat(
            flatten, partial(self._fill, column, 0.4), 2.2, 0.7, self._step(column), self.sizes(column)
        )

    def _filling(self, column: int, run_time: float, hold: float) -> Beat:
        return Beat(
            "again", partial(self._fill, column, 0.6), run_time, hold, self._step(column), self.sizes(column)
        )

    def _open(self, column: int) -> Iterable[Animation]:
        self.tags = self.board.tags(column)
        arrive = [Appear(self.tags)] if len(self.tags) else []
        board = self.board
        return [*board.show_window(column), *board.show_frame(column), *arrive, *self._mark(column)]

    def _mark(self, column: int) -> list[Animation]:
        self.remove(self.board.mark)
        mark = self.board.new_mark(column)
        return [Appear(mark)] if len(mark) else []

    def _fill(self, column: int, share: float) -> Iterable[Animation]:
        return self.board.fill(column, share)

    def _slide(self, column: int) -> Iterable[Animation]:
        leave = [Vanish(self.tags)] if len(self.tags) else []
        self.tags = VGroup()
        return [
            *leave,
            *self.board.show_window(column),
            *self.board.show_frame(column),
            *self._mark(column),
        ]

    def _sweep(self, column: int) -> Iterable[Animation]:
        self.board.frames.pace = FADE
        return [*self._slide(column), *self.board.fill(column)]

    def _ending(self) -> Beat:
        """Where one value of the input went."""
        source, cells = self.board.copies()
        value = self.text("input", self.trace.value("input", (*self.board.lead, 0, *source)))
        values = {**self.sizes(), "value": value, "count": len(cells)}
        if len(cells) < 2:
            return Beat("once", partial(self._finish, source, []), 0.6, 0.6, values=values)
        step = self.trace.step("output", (*self.board.matrix.lead, *max(cells)))
        return Beat("copies", partial(self._finish, source, cells), 0.6, 0.6, step, values)

    def _finish(self, source: Cell, cells: list[Cell]) -> Iterable[Animation]:
        self.remove(self.board.mark)
        return [
            *([Vanish(self.tags)] if len(self.tags) else ()),
            *self.board.leave(),
            *self.board.fill_rest(),
            *(self.board.mark_copies(source, cells) if cells else ()),
        ]

    def _equal(self) -> list[Token]:
        """`input[0, 0, 1, 1] = output[0, 3, 0] = output[0, 2, 1] = 6`, with the middle cut until it fits."""
        source, cells = self.board.copies()
        index = (*self.board.lead, 0, *source)
        value = self.trace.value("input", index)
        last = Token(self.text("input", value), "input", index, value)
        names = [f"output{[*self.board.matrix.lead, *cell]} = " for cell in cells]
        for count in range(len(names), 0, -1):
            cut = ["… = "] if count < len(names) else []
            tokens = [Token("".join([f"input{list(index)} = ", *names[:count], *cut])), last]
            if self.formula_bar.width(tokens) <= 1:
                break
        return tokens
