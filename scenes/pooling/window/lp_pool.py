"""Lp-norm pooling: each value to the power p, the sum of the window, its p-th root; nothing is divided."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from manim import Animation, VGroup

from torchreel.scenes.parts.sheet import Position
from torchreel.scenes.pooling import operators
from torchreel.scenes.pooling.window.board import appear
from torchreel.scenes.pooling.window.power_board import PowerBoard
from torchreel.scenes.pooling.window.power_trace import root
from torchreel.scenes.pooling.window.story import MOST_TERMS, PoolingScene
from torchreel.scenes.pooling.window.words import output, read, taps
from torchreel.scenes.stage.beats import Beat
from torchreel.scenes.trace.formula import Case, Token, number_text
from torchreel.scenes.trace.proof import Step


class _LPPool(PoolingScene):
    """The window's values are raised to the power p and added up; the root of the sum goes to the output."""

    board: PowerBoard | None = None

    def set_up(self) -> PowerBoard:
        self.part = VGroup()
        companions = {"average": "AvgPool", "largest": "norm_type=inf"}
        return PowerBoard(self.look, self.trace, self.facts["windows_overlap"], companions)

    def in_full(self, position: Position) -> Iterator[Beat]:
        """Powers and their sum, the root, and what it is compared with."""
        assert self.board is not None
        step, look = self.step("output", position), partial(self.point, position)
        found = partial(self._find, position)
        if "total" in self.trace.tensors and self.board.p != 1:
            total = self.step("total", position)
            values: dict[str, object] = {"total": self.text("total", total.value)}
            yield Beat(
                "total", partial(self._add_up, position), 0.3, 0.6, total, values, look=look, focus=step
            )
            yield Beat("root", found, 0.4, 0.8, step, self.result(position))
        else:
            yield Beat("root", found, 0.4, 0.8, step, self.result(position), look=look)
        for name in self.board.companions:
            yield Beat(name, partial(self._compare, name, position), 0.4, 0.8, self.step(name, position),
                       self.result(position, name), look=partial(self.point, position, name))  # fmt: skip

    def law(self) -> Sequence[Token]:
        if self.board is None:
            return super().law()
        size, p = self.board.size, self.board.p
        x, every = read(size), taps(size)
        if math.isinf(p):
            most = "max" if p > 0 else "min"
            return [output(size), Token(f" = {most}_{{{every}}} |"), x, Token("|")]
        summed = [Token(f"Σ_{{{every}}} "), x]
        if p == 1:
            return [output(size), Token(" = "), *summed]
        power = self._p
        if p == 2:
            return [output(size), Token(" = √("), *summed, Token("^{2})")]
        return [output(size), Token(" = ("), *summed, Token(f"^{{{power}}})^{{1/{power}}}")]

    @property
    def _p(self) -> str:
        module: Any = self.trace.module
        return number_text(module.norm_type)

    def _opened(self, step: Step) -> Step:
        assert self.board is not None
        total = self.trace.step("total", step.index)
        dtype = self.trace.tensors["total"].dtype
        return replace(step, formula=root(total.formula, self.board.p, dtype))

    def step(self, name: str, position: Position) -> Step:
        """An output is explained by the powers of its window, not by their sum."""
        step = super().step(name, position)
        opens = name == "output" and "total" in self.trace.tensors and not isinstance(step.formula, Case)
        return self._opened(step) if opens else step

    def values(self) -> dict[str, object]:
        return {**super().values(), "p": self._p}

    def merit(self, position: Position, at_end: bool) -> tuple[Any, ...]:
        assert self.board is not None
        size = self.board.size
        cut = not all(map(size.exists, size.taps(position)))
        negative = any(
            self.trace.value(*one) < 0 for one in list(self.step("output", position).reads)[:MOST_TERMS]
        )
        return cut, negative, *super().merit(position, at_end)

    def _add_up(self, position: Position) -> Iterable[Animation]:
        assert self.board is not None
        self.part = self.board.total_sign(position)
        self.marks.add(*self.part)
        return appear(self.part)

    def _find(self, position: Position) -> Iterable[Animation]:
        assert self.board is not None
        sign, part = self.board.sign(position), self.part
        if len(part) and len(sign) > len(part):
            sign = VGroup(*sign[len(part) :])
        else:
            self.marks.remove(*part)
            self.remove(*part)
        self.marks.add(*sign)
        return [*self.board.write("output", position), *appear(sign)]

    def _compare(self, name: str, position: Position) -> Iterable[Animation]:
        assert self.board is not None
        return [*self.board.write(name, position), *self._sign(position, name)]


class LPPool1d(_LPPool):
    operator = operators.LPPool1d


class LPPool2d(_LPPool):
    operator = operators.LPPool2d


class LPPool3d(_LPPool):
    operator = operators.LPPool3d
