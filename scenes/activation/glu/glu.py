"""GLU: the input's second half decides how much of its first half passes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from manim import Animation

from torchreel.scenes.activation import operators
from torchreel.scenes.activation.glu.board import COLUMNS, GLUBoard
from torchreel.scenes.parts.motion import Appear, Vanish, sweep_times
from torchreel.scenes.stage.beats import Beat
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.trace.formula import Token

_MOST_SLOW = 2


class GLU(OperatorScene):
    """The halves part, b becomes a gate on the sigmoid's curve, and the gate multiplies a."""

    operator = operators.GLU

    def story(self) -> Iterator[Beat]:
        self.board = GLUBoard(self.look, self.trace, getattr(self.trace.module, "dim", -1))
        self.table = self.board.table
        self.add(*self.board.scenery())
        yield Beat(
            "start", run_time=1.5, formula=[Token("output = a·gate,  gate = σ(b)")], also=self._reading()
        )
        yield Beat("halves", self._part, 0.7, 1.2)
        rows = self.table.rows
        for row in rows[:_MOST_SLOW]:
            index = self.table.index(row)
            yield Beat(
                "gate",
                partial(self._open, row),
                0.7,
                0.6,
                self.trace.step("gate", index),
                self.numbers_of(row),
            )
            step = self.trace.step("output", index)
            yield Beat("multiply", partial(self._multiply, row), 0.5, 0.9, step, self.numbers_of(row))
        rest = rows[_MOST_SLOW:]
        for row, seconds in zip(rest, sweep_times(len(rest), 0.8, 0.4), strict=True):
            step = self.trace.step("output", self.table.index(row))
            yield Beat("sweep", partial(self._both, row), seconds, 0.2, step)
        yield Beat("done", self._finish, 0.4, 1.2)

    def values(self) -> dict[str, object]:
        dim = getattr(self.trace.module, "dim", -1)
        return {
            "dim": dim,
            "size": self.trace.shape("input")[dim],
            "half": self.trace.shape("output")[dim],
        }

    def numbers_of(self, row: int) -> dict[str, object]:
        index = self.table.index(row)
        return {name: self.text(name, self.trace.value(name, index)) for name in COLUMNS}

    def _reading(self) -> tuple[str, ...]:
        needed = {"sampled": self.table.is_sampled, "heat": not self.table.has_numbers}
        return tuple(key for key, needs in needed.items() if needs)

    def _part(self) -> Iterable[Animation]:
        """The halves are outlined and named, and become the columns a and b."""
        written = [
            move for row in self.table.rows for name in ("a", "b") for move in self.table.write(name, row)
        ]
        return [*(Appear(part) for part in self.board.halves()), *written]

    def _open(self, row: int) -> Iterable[Animation]:
        return [*self.table.point(row, "b", "gate"), *self.board.ride(row), *self.table.write("gate", row)]

    def _multiply(self, row: int) -> Iterable[Animation]:
        return [*self.table.point(row, "a", "gate", "output"), *self.table.write("output", row)]

    def _both(self, row: int) -> Iterable[Animation]:
        return [*self.board.ride(row), *self.table.write("gate", row), *self._multiply(row)]

    def _finish(self) -> Iterable[Animation]:
        cursors = [Vanish(shape) for shape in self.table.cursors.shapes]
        return [*cursors, *([Vanish(self.board.rider)] if self.board.rider else [])]
