"""Unfolding cuts windows into columns; folding puts columns back and adds where they overlap."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from manim import Animation, VGroup

from torchreel.scenes.folding_trace import UNFOLD
from torchreel.scenes.folding_unfold import UnfoldStage
from torchreel.scenes.formula import Index, Token
from torchreel.scenes.parts.grid import Cell
from torchreel.scenes.parts.motion import Appear, Vanish, sweep_times
from torchreel.scenes.stage import Beat, OperatorScene
from torchreel.scenes.trace import Step

_SLOW = 2
_MOST_COLUMNS = 20


def _times(sizes: Iterable[int]) -> str:
    return " × ".join(map(str, sizes))


def sampled(shown: range) -> list[int]:
    """The columns that get a step: all, or the first few and then every so many."""
    if len(shown) <= _MOST_COLUMNS:
        return list(shown)
    return [*shown[: _SLOW + 1], *shown[_SLOW + 1 :: -(-len(shown) // _MOST_COLUMNS)]]


def quickening(count: int) -> Sequence[float]:
    """Seconds for the steps of a sweep: the more there are, the quicker it gets."""
    return sweep_times(count, 0.6, 0.3 if count <= 8 else 0.1)


class Unfold(OperatorScene):
    """A window takes its values to a column, one row each; the rest follows as a sweep; then one value's copies."""

    operator = UNFOLD

    def story(self) -> Iterator[Beat]:
        if 0 in self.trace.shape("input"):
            yield Beat("empty", hold=2.0)
            return
        self.board = board = UnfoldStage(self.look, self.trace)
        self.add(*board.planes.values(), board.matrix, board.labels)
        self.tags, self.formula_of_copies = VGroup(), []
        columns = sampled(board.shown)
        yield Beat("sampled" if board.is_cropped else "start", run_time=0.4, hold=1.2, formula=self._counts(),
                   values=self._sizes())  # fmt: skip
        yield from self._in_full(columns[0])
        for column in columns[1:_SLOW]:
            yield Beat("slide", partial(self._slide, column), 0.6, 0.3, values=self._sizes(column))
            yield self._filling(column, 1.0, 0.4)
        for column, seconds in zip(columns[_SLOW:], quickening(len(columns) - _SLOW), strict=True):
            yield Beat("sweep", partial(self._sweep, column), seconds, 0.0, self._step(column), self._sizes(column))
        yield self._ending()

    def formula_tokens(self, step: Step, most: int = 4) -> list[Token]:
        """A whole column: `output[0, :, 4] = input[0, 0, 1:3, 1:3].flatten() = [6, 7, 10, 11]`."""
        if self.formula_of_copies:
            return self.formula_of_copies
        column = step.index[-1]
        lead = "".join(f"{i}, " for i in step.index[:-2])
        head = f"output[{lead}:, {column}] = "
        rows = [(*step.index[:-2], row, column) for row in range(self.trace.shape("output")[-2])]
        for count in range(len(rows), 2, -1):
            tokens = [Token(head), Token(self._slices(lead, column)), *self._list(rows, count)]
            if self.formula_bar.width(tokens) <= 1:
                return tokens
        return [Token(head), *self._list(rows, 3)]

    def _list(self, rows: list[tuple[int, ...]], most: int) -> list[Token]:
        shown = rows if len(rows) <= most else [*rows[: most - 1], rows[-1]]
        tokens = [Token("[")]
        for number, index in enumerate(shown):
            if number:
                tokens.append(Token(", … , " if len(shown) < len(rows) and number == len(shown) - 1 else ", "))
            value = self.trace.value("output", index)
            tokens.append(Token(self.text("output", value), "output", index, value))
        return [*tokens, Token("]")]

    def _slices(self, lead: str, column: int) -> str:
        """The window as torch code: a slice with the dilation as its step."""
        blocks = self.board.blocks
        taps = blocks.window(column)
        spans = []
        for axis in (0, 1):
            first, last = (taps[k][axis] + blocks.padding[axis] for k in (0, -1))
            step = f":{blocks.dilation[axis]}" if blocks.dilation[axis] > 1 and first != last else ""
            spans.append(f"{first}:{last + 1}{step}")
        name = "padded" if any(blocks.padding) else "input"
        channel = "0" if blocks.channels == 1 else ":"
        return f"{name}[{lead}{channel}, {', '.join(spans)}].flatten() = "

    def _counts(self) -> list[Token]:
        """What the output's shape comes from."""
        blocks = self.board.blocks
        rows = f"{blocks.channels}·{'·'.join(map(str, blocks.kernel))} = {blocks.channels * blocks.taps}"
        columns = f"{'·'.join(map(str, blocks.counts))} = {blocks.columns}"
        return [Token(f"C·kH·kW = {rows}        L = {columns}")]

    def _sizes(self, column: int = 0) -> dict[str, object]:
        blocks = self.board.blocks
        return {
            "column": column,
            "kernel": _times(blocks.kernel),
            "stride": blocks.stride[1],
            "padding": blocks.padding[1],
            "dilation": blocks.dilation[1],
            "channels": blocks.channels,
            "rows": blocks.channels * blocks.taps,
            "taps": blocks.taps,
            "down": blocks.counts[0],
            "across": blocks.counts[1],
            "columns": blocks.columns,
        }

    def _step(self, column: int) -> Step:
        return self.trace.step("output", (*self.board.matrix.lead, 0, column))

    def _in_full(self, column: int) -> Iterator[Beat]:
        yield Beat("window", partial(self._open, column), 0.6, 0.8, values=self._sizes(column))
        yield Beat("flatten", partial(self._fill, column, 0.4), 2.2, 0.7, self._step(column), self._sizes(column))

    def _filling(self, column: int, run_time: float, hold: float) -> Beat:
        return Beat("again", partial(self._fill, column, 0.6), run_time, hold, self._step(column), self._sizes(column))

    def _open(self, column: int) -> Iterable[Animation]:
        self.tags = self.board.tags(column)
        arrive = [Appear(self.tags)] if len(self.tags) else []
        return [*self.board.show_window(column), *arrive, *self._mark(column)]

    def _mark(self, column: int) -> list[Animation]:
        self.remove(self.board.marks)
        marks = self.board.new_marks(column)
        return [Appear(marks)] if len(marks) else []

    def _fill(self, column: int, share: float) -> Iterable[Animation]:
        return [*self.board.show_frame(column), *self.board.fill(column, share)]

    def _slide(self, column: int) -> Iterable[Animation]:
        leave = [Vanish(self.tags)] if len(self.tags) else []
        self.tags = VGroup()
        return [*leave, *self.board.show_window(column), *self._mark(column)]

    def _sweep(self, column: int) -> Iterable[Animation]:
        return [*self._slide(column), *self.board.show_frame(column), *self.board.fill(column)]

    def _ending(self) -> Beat:
        """Where one value of the input went."""
        source, cells = self.board.copies()
        index = (*self.board.lead, 0, *source)
        value = self.trace.value("input", index)
        copies = [(*self.board.matrix.lead, *cell) for cell in cells]
        self.formula_of_copies = self._equal(index, value, copies)
        name = "copies" if len(cells) > 1 else "once"
        values = {**self._sizes(), "value": self.text("input", value), "count": len(cells)}
        step = self.trace.step("output", copies[-1]) if len(cells) > 1 else None
        return Beat(name, partial(self._finish, source, cells), 0.6, 0.6, step, values)

    def _finish(self, source: Cell, cells: list[Cell]) -> Iterable[Animation]:
        self.remove(self.board.marks)
        return [
            *self.board.leave(),
            *self.board.fill_rest(),
            *(self.board.mark_copies(source, cells) if len(cells) > 1 else ()),
        ]

    def _equal(self, index: Index, value: float, copies: list[Index]) -> list[Token]:
        """`input[0, 0, 1, 1] = output[0, 3, 0] = output[0, 2, 1] = 6`, with the middle cut until it fits."""
        last = Token(self.text("input", value), "input", index, value)
        names = [f"output{list(copy)} = " for copy in copies]
        for count in range(len(names), 0, -1):
            cut = ["… = "] if count < len(names) else []
            tokens = [Token("".join([f"input{list(index)} = ", *names[:count], *cut])), last]
            if self.formula_bar.width(tokens) <= 1:
                break
        return tokens
