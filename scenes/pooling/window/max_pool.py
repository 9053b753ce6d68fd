"""Max pooling: of each window the largest value stays, and where it stood is its flat index."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from manim import Animation

from torchreel.scenes.parts.motion import Appear
from torchreel.scenes.parts.sheet import Position
from torchreel.scenes.pooling import operators
from torchreel.scenes.pooling.window.max_board import MaxBoard
from torchreel.scenes.pooling.window.story import PoolingScene
from torchreel.scenes.pooling.window.words import output, read, taps
from torchreel.scenes.stage.beats import Beat
from torchreel.scenes.trace.formula import Token


class _MaxPool(PoolingScene):
    """The window's values are compared; the winner goes to the output."""

    board: MaxBoard | None = None
    slow = 3

    def set_up(self) -> MaxBoard:
        return MaxBoard(self.look, self.trace, self.facts["windows_overlap"])

    @property
    def facts(self) -> Mapping[str, bool]:
        """What a border of 0 would change is said of the element in the last picture."""
        found = super().facts
        if self.board is None:
            return found
        return {**found, "zero_would_win": found["zero_would_win"] and self._zero_would_win(self._chosen)}

    def in_full(self, position: Position) -> Iterator[Beat]:
        """The comparison, and the winner's place where that is kept too."""
        assert self.board is not None
        step, values = self.step("output", position), self.result(position)
        found = partial(self._find, position)
        yield Beat("window", found, 0.4, 0.8, step, values, look=partial(self.point, position))
        if self.board.returns_indices:
            index = self.step("indices", position)
            place: dict[str, object] = {"index": self.text("indices", index.value)}
            noted = partial(self.board.write, "indices", position)
            yield Beat("index", noted, 0.4, 0.8, index, place, look=partial(self._point_index, position))

    def law(self) -> Sequence[Token]:
        if self.board is None:
            return super().law()
        size = self.board.size
        return [output(size), Token(f" = max_{{{taps(size)}}} "), read(size)]

    def merit(self, position: Position, at_end: bool) -> tuple[Any, ...]:
        """On the border where a border of 0 would win; else a winner that is not at an end of its window."""
        assert self.board is not None
        size, best = self.board.size, self.board.winner(position)
        held = size.taps(position)
        padded = not all(map(size.holds, held))
        cut = not all(map(size.exists, held))
        inside = best in held[1:-1]
        return self._zero_would_win(position), cut, padded, *super().merit(position, at_end), inside

    def _zero_would_win(self, position: Position) -> bool:
        """Whether a window reads padding, and would not give a number below 0 if that were 0."""
        assert self.board is not None
        size = self.board.size
        reads = any(size.exists(tap) and not size.holds(tap) for tap in size.taps(position))
        return reads and self.trace.value("output", self.board.index(position)) < 0

    def write(self, position: Position) -> Iterable[Animation]:
        return [*super().write(position), *self._crown(position)]

    def point(self, position: Position, name: str = "output") -> Iterable[Animation]:
        assert self.board is not None
        moves = list(super().point(position, name))
        if not self._is_written(position):
            return moves
        crown = self.board.crown(position)
        self.marks.add(*crown)
        return [*moves, *self.board.keep(position)]

    def _is_written(self, position: Position) -> bool:
        assert self.board is not None
        return self.board.outputs["output"].number(position) is not None

    def _find(self, position: Position) -> Iterable[Animation]:
        """The winner is found and born in the output."""
        assert self.board is not None
        return [
            *self.board.write("output", position),
            *self._sign(position, "output"),
            *self._crown(position),
        ]

    def _point_index(self, position: Position) -> Iterable[Animation]:
        assert self.board is not None
        self.remove(self.marks)
        self.marks = self.board.place_marks(position)
        return [Appear(self.marks)]

    def _crown(self, position: Position) -> Iterable[Animation]:
        assert self.board is not None
        crown = self.board.crown(position)
        self.marks.add(*crown)
        return [*self.board.keep(position), *map(Appear, crown)]


class MaxPool1d(_MaxPool):
    operator = operators.MaxPool1d


class MaxPool2d(_MaxPool):
    operator = operators.MaxPool2d


class MaxPool3d(_MaxPool):
    operator = operators.MaxPool3d
