"""Max pooling: of each window the largest value stays, and where it stood is its flat index."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from manim import Animation, VGroup

from torchreel.scenes.parts.motion import Appear
from torchreel.scenes.parts.sheet import Position
from torchreel.scenes.pooling import operators
from torchreel.scenes.pooling.window.story import PoolingScene
from torchreel.scenes.pooling.window.winners import MaxBoard
from torchreel.scenes.stage.beats import Beat
from torchreel.scenes.trace.formula import Token


class _MaxPool(PoolingScene):
    """The window's values are compared; the winner goes to the output."""

    board: MaxBoard

    def set_up(self) -> MaxBoard:
        return MaxBoard(self.look, self.trace, self.window_label())

    def in_full(self, position: Position, first: bool) -> Iterator[Beat]:
        """Comparison, winner, index."""
        step = self.step("output", position)
        if first and self._border_is_worth_showing(position):
            yield from self._with_zeros(position, step.value)
        yield Beat("compare", partial(self._judge, position), 0.4, 0.9 if first else 0.3)
        value: dict[str, object] = {"value": self.text("output", step.value)}
        yield Beat("keep", partial(self._write, "output", position), 0.6, 0.7 if first else 0.3, step, value)
        if self.board.returns_indices:
            index = self.step("indices", position)
            values: dict[str, object] = {"index": self.text("indices", index.value)}
            hold = 0.9 if first else 0.3
            yield Beat("index", partial(self._write, "indices", position), 0.6, hold, index, values)

    def in_brief(self, position: Position) -> VGroup:
        return self.board.judged(position)

    def kept(self, position: Position) -> Sequence[VGroup]:
        return [VGroup(mark) for mark in self.board.mark(position)]

    def end(self) -> str:
        return "done" if self.board.has_marks else "done_unmarked"

    def _border_is_worth_showing(self, position: Position) -> bool:
        """Whether zeros at the border would change this window's maximum, and the window is small enough to show."""
        slots = self.board.slots
        loses = self.trace.value("output", self.board.index(position)) < 0
        return loses and bool(slots.on_border(position)) and bool(slots.cells.text_size)

    def _with_zeros(self, position: Position, value: float) -> Iterator[Beat]:
        """What a border of zeros would do, and that it is -inf instead."""
        values: dict[str, object] = {"value": self.text("output", value)}
        zero = self.text("input", 0.0)
        wrong = [Token(f"max(…, 0, …) = {zero} ≠ {values['value']}")]
        yield Beat("zeros", partial(self._show_zeros, position), 0.4, 1.5, wrong, values)
        yield Beat("not_zeros", self._hide_zeros, 0.3, 0.9, self.law(), values)

    def _show_zeros(self, position: Position) -> Iterable[Animation]:
        self.hidden = [self.groups[k][1] for k in self.board.slots.on_border(position)]
        self.remove(*self.hidden)
        self.zeros = self.board.zeros(position)
        return [Appear(self.zeros)]

    def _hide_zeros(self) -> Iterable[Animation]:
        self.remove(self.zeros)
        return [Appear(text) for text in self.hidden]

    def _judge(self, position: Position) -> Iterable[Animation]:
        animations, crown = self.board.judge(position, self.groups)
        self.lifted.add(crown)
        return animations

    def _write(self, name: str, position: Position) -> Iterable[Animation]:
        marks = self.board.mark(position) if name == "output" else []
        start = self.board.winning_slot(position)
        return [*self.board.write(name, position, start), *map(Appear, marks)]


class MaxPool1d(_MaxPool):
    operator = operators.MaxPool1d


class MaxPool2d(_MaxPool):
    operator = operators.MaxPool2d


class MaxPool3d(_MaxPool):
    operator = operators.MaxPool3d
