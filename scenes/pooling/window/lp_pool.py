"""Power-average pooling: each value to the power p, the sum of the window, its p-th root; nothing is divided."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from manim import Animation, VGroup

from torchreel.scenes.parts.motion import Appear
from torchreel.scenes.parts.sheet import Position
from torchreel.scenes.pooling import operators
from torchreel.scenes.pooling.window.power_board import PowerBoard
from torchreel.scenes.pooling.window.story import PoolingScene
from torchreel.scenes.pooling.window.trace import pool_window
from torchreel.scenes.stage.beats import Beat
from torchreel.scenes.trace.formula import Token
from torchreel.scenes.trace.proof import Step


class _LPPool(PoolingScene):
    """The window's values are raised to the power p and added up; the root of the sum goes to the output."""

    board: PowerBoard

    def set_up(self) -> PowerBoard:
        companions = {"average": "AvgPool", "largest": "norm_type=inf"}
        return PowerBoard(self.look, self.trace, self.window_label(), companions)

    def in_full(self, position: Position, first: bool) -> Iterator[Beat]:
        """Powers, sum, root; the first window also shows which division does not happen."""
        hold = 0.8 if first else 0.2
        if "power" in self.board.lifts:
            yield Beat("power", partial(self._raise, position), 0.7, hold, self._power_tokens(position))
        if self.board.has_total:
            total = self.step("total", position)
            values: dict[str, object] = {"total": self.text("total", total.value)}
            yield Beat("total", partial(self._add_up, position), 0.6, hold, total, values)
            if first and self.board.p not in (1, math.inf):
                yield Beat("undivided", self._deny, 0.3, 1.2, values=values)
        for name in reversed(self.board.names):
            step = self.step(name, position)
            yield Beat("keep" if name == "output" else name, partial(self._write, name, position), 0.6, hold,
                       step, {"value": self.text(name, step.value)})  # fmt: skip

    def in_brief(self, position: Position) -> VGroup:
        board = self.board
        groups = [group for name in board.lifts for group in board.slots.filled(position, name)]
        return VGroup(*groups, *([board.total(position)] if board.has_total else []))

    def values(self) -> dict[str, object]:
        module: Any = self.trace.module
        size = math.prod(pool_window(module).kernel)
        return {**super().values(), "p": f"{module.norm_type:g}".replace("-", "−"), "size": size}

    def end(self) -> str:
        if math.isinf(self.board.p):
            return "done_infinite"
        return "done" if self.board.p == self.example.kwargs["norm_type"] else "done_plain"

    def _power_tokens(self, position: Position) -> Step | list[Token]:
        """The power of the window's first value that is not padding."""
        size = self.board.size
        tap = next((tap for tap in self.board.slots.taps(position) if size.holds(tap)), None)
        return [] if tap is None else self.trace.step("power", (*size.lead, *size.spatial(tap)))

    def _raise(self, position: Position) -> Iterable[Animation]:
        moves, powers = self.board.raise_up(position)
        self.lifted.add(powers)
        return moves

    def _add_up(self, position: Position) -> Iterable[Animation]:
        moves, number = self.board.add_up(position)
        self.lifted.add(number)
        return moves

    def _deny(self) -> Iterable[Animation]:
        denied = self.board.denied(f"✗ ÷ {self.values()['size']}")
        self.lifted.add(denied)
        return [Appear(denied)]

    def _write(self, name: str, position: Position) -> Iterable[Animation]:
        start = self.board.tile_at if self.board.has_total and name != "largest" else None
        return self.board.write(name, position, start)


class LPPool1d(_LPPool):
    operator = operators.LPPool1d


class LPPool2d(_LPPool):
    operator = operators.LPPool2d


class LPPool3d(_LPPool):
    operator = operators.LPPool3d
