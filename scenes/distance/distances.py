"""Distances of two vectors: the cosine of the angle between them, and the norm of their difference."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from manim import Animation, VGroup

from torchreel.scenes.distance import operators
from torchreel.scenes.distance.board import Dial, PairsBoard, Readings
from torchreel.scenes.distance.ladder import Ladder
from torchreel.scenes.distance.trace import VectorRows
from torchreel.scenes.parts.motion import Appear, Vanish, sweep_times
from torchreel.scenes.parts.number import Number
from torchreel.scenes.stage.beats import Beat
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.trace.formula import Token
from torchreel.scenes.trace.proof import Step


class _Distance(OperatorScene):
    """The first pair of vectors step by step, the others quicker."""

    def story(self) -> Iterator[Beat]:
        tensors: Any = self.trace.tensors
        self.board = PairsBoard(
            self.look, self.trace, VectorRows.of(tensors["x1"], tensors["x2"], self.dim())
        )
        self.add(self.board.scenery())
        yield Beat("start", run_time=1.6, formula=self.law(), also=self._reading())
        rows = range(len(self.board.results))
        yield from self.in_full(0)
        for row, seconds in zip(rows[1:], sweep_times(len(rows) - 1, 0.9, 0.6), strict=True):
            yield Beat("others", partial(self.in_brief, row), seconds, 0.4, self.step("output", row))
        yield Beat("done", self._clear, 0.3, 1.0)

    def dim(self) -> int:
        """The dimension that vectors lie along."""
        return -1

    def law(self) -> list[Token]:
        """The formula in symbols."""
        raise NotImplementedError

    def in_full(self, row: int) -> Iterator[Beat]:
        """A row step by step."""
        raise NotImplementedError

    def in_brief(self, row: int) -> Iterable[Animation]:
        """A row at once."""
        raise NotImplementedError

    def step(self, tensor: str, row: int) -> Step:
        """The step of a row's element of a tensor of the result's shape."""
        index = self.board.output_index(row) if tensor == "output" else self.board.results[row]
        return self.trace.step(tensor, index)

    def number(self, tensor: str, row: int, size: float, color: str) -> Number:
        """A row's element of a tensor as a number on stage."""
        step = self.step(tensor, row)
        return self.board.number(tensor, step.index, size, color, font="bold", value=step.value)

    def _reading(self) -> tuple[str, ...]:
        needed = {"cropped": self.board.is_cropped, "heat": not self.board.has_numbers}
        return tuple(key for key, needs in needed.items() if needs)

    def _clear(self) -> Iterable[Animation]:
        return [Vanish(*self.board.frames)]


class CosineSimilarity(_Distance):
    """Dot product and lengths give the cosine, which is the shadow of one direction on the other."""

    operator = operators.CosineSimilarity

    def dim(self) -> int:
        module: Any = self.trace.module
        return int(module.dim)

    def law(self) -> list[Token]:
        return [Token("output = Σ x1·x2 / (‖x1‖·‖x2‖)")]

    def in_full(self, row: int) -> Iterator[Beat]:
        self.dial, self.labels, self.read = Dial(self.look), VGroup(), VGroup()
        yield Beat("rows", partial(self._open, row), 0.5, 0.7)
        for place, (key, name) in enumerate((("dot", "dot"), ("norm", "norm_1"), ("norms", "norm_2"))):
            yield Beat(key, partial(self._read_off, name, row, place), 0.3, 1.1, self.step(name, row))
        yield Beat("divide", partial(self.board.write, row), 0.5, 1.2, self.step("output", row))
        yield Beat("angle", partial(self._turn_first, row), 0.6, 1.5, self.step("angle", row))

    def _degrees(self, row: int) -> float:
        value = self.step("angle", row).value
        return value if math.isfinite(value) else 0.0

    def _open(self, row: int) -> Iterable[Animation]:
        return [*self.board.point(row), Appear(self.dial, self.dial.base)]

    def _read_off(self, name: str, row: int, place: int) -> Iterable[Animation]:
        reading = self._reading_of(name, row, place)
        self.read.add(reading)
        return [Appear(reading)]

    def _reading_of(self, name: str, row: int, place: int) -> VGroup:
        sign = ("x1·x2", "‖x1‖", "‖x2‖")[place]
        return Readings.reading(self.look, sign, self.number(name, row, 0.26, self.look.theme.text), place)

    def _turn_first(self, row: int) -> Iterable[Animation]:
        dial = self.dial
        parts = [dial.drop, dial.shadow, dial.opening, dial.needle, dial.tip]
        self.labels = self._labels(row)
        return [*dial.show(self._degrees(row), parts), Appear(self.labels)]

    def _labels(self, row: int) -> VGroup:
        text = self.look.theme.text
        numbers = [self.number(name, row, 0.28, text) for name in ("angle", "output")]
        return self.dial.labels(self._degrees(row), numbers, ("θ° =", "cos θ ="))

    def in_brief(self, row: int) -> Iterable[Animation]:
        self.remove(self.labels, self.read)
        self.labels = self._labels(row)
        names = ("dot", "norm_1", "norm_2")
        self.read = VGroup(*(self._reading_of(name, row, place) for place, name in enumerate(names)))
        self.add(self.labels, self.read)
        return [*self.board.point(row), *self.board.write(row), *self.dial.turn(self._degrees(row))]


class PairwiseDistance(_Distance):
    """Differences, their powers, the sum and the root stand one under another beside the vectors."""

    operator = operators.PairwiseDistance

    def values(self) -> dict[str, object]:
        module: Any = self.trace.module
        return {
            "p": f"{float(module.norm):g}".replace("inf", "∞").replace("-", "−"),
            "eps": f"{module.eps:g}".replace("-", "−"),
        }

    def law(self) -> list[Token]:
        return [Token("output = (Σ |x1 − x2 + ε|^p)^(1/p)")]

    def in_full(self, row: int) -> Iterator[Beat]:
        self.ladder = Ladder(self.look, self.trace, self.board.rows)
        self.rungs = VGroup()
        yield Beat("rows", partial(self.board.point, row), 0.5, 0.8)
        first = self.ladder.first(self.board.results[row])
        yield Beat("diff", partial(self._rung, "diff", row), 0.4, 1.6, self.trace.step("diff", first))
        if "power" in self.trace.tensors:
            yield Beat("power", partial(self._rung, "power", row), 0.4, 1.4, self.trace.step("power", first))
            yield Beat("total", partial(self._rung, "total", row), 0.4, 1.2, self.step("total", row))
        yield Beat("root" if "power" in self.trace.tensors else "choose", partial(self._finish, row), 0.5, 1.4,
                   self.step("output", row))  # fmt: skip

    def _rung(self, name: str, row: int) -> Iterable[Animation]:
        rung = self.ladder.rung(name, self.board.results[row])
        self.rungs.add(rung)
        return [Appear(rung)]

    def _finish(self, row: int) -> Iterable[Animation]:
        return self.board.write(row, self.ladder.end() if "total" in self.trace.tensors else None)

    def in_brief(self, row: int) -> Iterable[Animation]:
        self.remove(self.rungs)
        names = [name for name in ("diff", "power", "total") if name in self.trace.tensors]
        self.rungs = VGroup(*(self.ladder.rung(name, self.board.results[row]) for name in names))
        self.add(self.rungs)
        return [*self.board.point(row), *self.board.write(row)]
