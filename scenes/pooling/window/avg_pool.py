"""Average pooling: each window's sum over a divisor, and which cells that divisor counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property, partial
from typing import Any

from manim import Animation

from torchreel.scenes.parts.sheet import Position
from torchreel.scenes.pooling import operators
from torchreel.scenes.pooling.window.average_board import OTHER, AverageBoard
from torchreel.scenes.pooling.window.board import appear
from torchreel.scenes.pooling.window.story import MOST_TERMS, PoolingScene
from torchreel.scenes.pooling.window.words import output, read, taps
from torchreel.scenes.stage.beats import Beat
from torchreel.scenes.trace.formula import Token


class _AvgPool(PoolingScene):
    """The window is added up, and the quotient of sum and divisor goes to the output."""

    board: AverageBoard | None = None

    def set_up(self) -> AverageBoard:
        contrast = self.told_as == "count_include_pad" and OTHER in self.trace.tensors
        return AverageBoard(self.look, self.trace, self.facts["windows_overlap"], contrast)

    def in_full(self, position: Position) -> Iterator[Beat]:
        """Sum and quotient; once more for the opposite setting where both are shown."""
        assert self.board is not None
        total = self.step("sum", position)
        mean = self.step("output", position)
        yield Beat("sum", partial(self._add_up, position), 0.4, 0.8, total, {"sum": self.text("sum", total.value)},
                   look=partial(self.point, position), focus=mean)  # fmt: skip
        yield Beat("divide", partial(self._divide, position), 0.4, 0.8, mean, self.result(position))
        if self.board.contrast:
            yield Beat("other", partial(self._compare, position), 0.4, 0.8, self.step(OTHER, position),
                       self.result(position, OTHER), look=partial(self.point, position, OTHER))  # fmt: skip

    def law(self) -> Sequence[Token]:
        if self.board is None:
            return super().law()
        size = self.board.size
        summed = [output(size), Token(f" = Σ_{{{taps(size)}}} "), read(size), Token(" / ")]
        if self._divisor is not None:
            return [*summed, Token(self.text("divisor", self._divisor))]
        places = {1: "i", 2: "i,j", 3: "d,i,j"}[size.dims]
        return [*summed, Token(f"n_{{{places}}}", "divisor")]

    @cached_property
    def _divisor(self) -> float | None:
        """The divisor, if all windows have the same."""
        if self.facts["divisors_differ"]:
            return None
        return self.trace.value("divisor", (0,) * len(self.trace.shape("divisor")))

    def result(self, position: Position, name: str = "output") -> dict[str, object]:
        assert self.board is not None
        tensor = self.board.divisor(name)
        divisor = self.trace.value(tensor, self.board.divisor_index(position))
        return {**super().result(position, name), "divisor": self.text(tensor, divisor)}

    def merit(self, position: Position, at_end: bool) -> tuple[Any, ...]:
        """A window that is cut off, whose padding matters, or with a rare divisor; its mean is none of its values."""
        assert self.board is not None
        size, step = self.board.size, self.step("output", position)
        cut = not all(map(size.exists, size.taps(position)))
        names = [self.board.divisor(name) for name in self.board.results]
        matters = len({self.trace.value(name, self.board.divisor_index(position)) for name in names}) > 1
        own = [self.trace.value(*one) for one in list(step.reads)[:MOST_TERMS]]
        rare = -self._counts[self._divided_by(position)]
        return cut, matters, rare, *super().merit(position, at_end), step.value not in own

    @cached_property
    def _counts(self) -> Counter[float]:
        assert self.board is not None
        return Counter(map(self._divided_by, self.board.positions()))

    def _divided_by(self, position: Position) -> float:
        assert self.board is not None
        return self.trace.value("divisor", self.board.divisor_index(position))

    def point(self, position: Position, name: str = "output") -> Iterable[Animation]:
        assert self.board is not None
        moves = list(super().point(position, name))
        if self.board.contrast and self.board.outputs["output"].number(position) is not None:
            self.marks.add(*self.board.beside(position, name))
        return moves

    def _add_up(self, position: Position) -> Iterable[Animation]:
        assert self.board is not None
        self.part = self.board.sum_sign(position)
        self.marks.add(*self.part)
        return appear(self.part)

    def _divide(self, position: Position) -> Iterable[Animation]:
        assert self.board is not None
        self.marks.remove(*self.part)
        self.remove(*self.part)
        return [*self.board.write("output", position), *self._sign(position, "output")]

    def _compare(self, position: Position) -> Iterable[Animation]:
        assert self.board is not None
        return [*self.board.write(OTHER, position), *self._sign(position, OTHER)]


class AvgPool1d(_AvgPool):
    operator = operators.AvgPool1d


class AvgPool2d(_AvgPool):
    operator = operators.AvgPool2d


class AvgPool3d(_AvgPool):
    operator = operators.AvgPool3d
