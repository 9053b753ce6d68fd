"""Average pooling: each window's sum over a divisor, and which cells that divisor counts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from manim import Animation, VGroup

from torchreel.scenes.parts.sheet import Position
from torchreel.scenes.pooling import operators
from torchreel.scenes.pooling.window.average_board import AverageBoard
from torchreel.scenes.pooling.window.story import MOST_TERMS, PoolingScene
from torchreel.scenes.stage.beats import Beat
from torchreel.scenes.trace.formula import Token
from torchreel.scenes.trace.proof import Step


class _AvgPool(PoolingScene):
    """The window is added up, the cells that count are counted, and the quotient goes to the output."""

    board: AverageBoard

    def set_up(self) -> AverageBoard:
        self.frames = VGroup()
        contrast = self.told_as == "count_include_pad" and "other" in self.trace.tensors
        return AverageBoard(self.look, self.trace, self.window_label(), contrast)

    def chosen(self, positions: Sequence[Position]) -> list[Position]:
        """The first window, and the next one with another divisor: there the divisor is seen to follow the window."""
        divisors = [self._divisor("output", position) for position in positions]
        odd = (at for at, divisor in zip(positions, divisors, strict=True) if divisor != divisors[0])
        return [positions[0], *([next(odd, positions[1])] if len(positions) > 1 else [])]

    def formula_tokens(self, step: Step, most: int = MOST_TERMS) -> list[Token]:
        """What the opposite setting gives is an output too; the label of its row says which."""
        tokens = super().formula_tokens(step, most)
        return [
            replace(one, text=one.text.replace("other_", "").replace("other", "output")) for one in tokens
        ]

    def in_full(self, position: Position, first: bool) -> Iterator[Beat]:
        """Sum, count and quotient; once more for the opposite setting where both are shown."""
        total = self.step("sum", position)
        yield Beat("sum", partial(self._add_up, position), 0.6, 0.7 if first else 0.2, total,
                   {"sum": self.text("sum", total.value)})  # fmt: skip
        for name in self.board.names:
            values = self._values(name, position)
            yield Beat(self._counting(name, position), partial(self._count, name, position), 0.4, 1.0 if first else 0.4,
                       self._divisor_tokens(name, position), values)  # fmt: skip
            yield Beat("keep", partial(self._write, name, position), 0.6, 0.6 if first else 0.2,
                       self.step(name, position), values)  # fmt: skip

    def in_brief(self, position: Position) -> VGroup:
        board = self.board
        groups = board.slots.filled(position)
        for animation in board.pale(position, "output", groups):
            animation.begin()
            animation.finish()
        fractions = [board.fraction(position, name) for name in board.names]
        return VGroup(*groups, board.frames(position, "output"), *fractions)

    def _counting(self, name: str, position: Position) -> str:
        """Which sentence explains the divisor."""
        if getattr(self.trace.module, "divisor_override", None) is not None:
            return "override"
        if not self.board.contrast:
            return "count"
        if not self.board.slots.on_border(position):
            return "inside"
        return "included" if self.board.includes == (name == "output") else "excluded"

    def _values(self, name: str, position: Position) -> dict[str, object]:
        return {
            "divisor": self.text(self.board.divisor(name), self._divisor(name, position)),
            "value": self.text(name, self.trace.value(name, self.board.index(position))),
        }

    def _divisor(self, name: str, position: Position) -> float:
        return self.trace.value(self.board.divisor(name), self.board.divisor_index(position))

    def _divisor_tokens(self, name: str, position: Position) -> Step | list[Token]:
        """The count as a formula; a divisor that is given is only named."""
        if self._counting(name, position) != "override":
            return self.trace.step(self.board.divisor(name), self.board.divisor_index(position))
        return [Token(f"divisor = divisor_override = {self._values(name, position)['divisor']}")]

    def _add_up(self, position: Position) -> Iterable[Animation]:
        moves = [move for name in self.board.names for move in self.board.add_up(position, name)]
        self.lifted.add(*(self.board.fractions[name] for name in self.board.names))
        return moves

    def _count(self, name: str, position: Position) -> Iterable[Animation]:
        self.remove(self.frames)
        moves = self.board.count(position, name)
        self.frames = VGroup(*(move.mobject for move in moves[1:]))
        self.lifted.add(self.frames, self.board.fractions[name])
        return [*moves, *self.board.pale(position, name, self.groups)]

    def _write(self, name: str, position: Position) -> Iterable[Animation]:
        return self.board.write(name, position, self.board.at[name])


class AvgPool1d(_AvgPool):
    operator = operators.AvgPool1d


class AvgPool2d(_AvgPool):
    operator = operators.AvgPool2d


class AvgPool3d(_AvgPool):
    operator = operators.AvgPool3d
