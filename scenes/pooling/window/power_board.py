"""What stands on the stage of a power-average pooling clip: the window, its powers, their sum, and its root."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from manim import Animation, Mobject, VGroup

from torchreel.scenes.parts.look import Look
from torchreel.scenes.parts.motion import Fly
from torchreel.scenes.parts.number import Number
from torchreel.scenes.parts.shapes import Arrow, Box
from torchreel.scenes.parts.sheet import Position
from torchreel.scenes.pooling.window.board import PoolingBoard
from torchreel.scenes.pooling.window.trace import pool_window
from torchreel.scenes.trace.proof import Trace

_WIDE, _HIGH, _TEXT = 1.15, 0.8, 0.36
_REACH, _DENIED = 0.55, 0.9


class PowerBoard(PoolingBoard):
    """A board whose window is raised to a power, added up, and the root taken.

    For p = 1 nothing is raised and a second row shows the average; for a large p one shows the largest size. For
    p = inf there is no sum: the largest size itself goes to the output.
    """

    def __init__(self, look: Look, trace: Trace, window_label: str, companions: dict[str, str]) -> None:
        module: Any = trace.module
        self.p = float(module.norm_type)
        self.companions = {name: text for name, text in companions.items() if name in trace.tensors}
        self.has_total = "total" in trace.tensors
        self.sign = "" if self.has_total else "max" if self.p > 0 else "min"
        self.lifts = ("input",) if self.p == 1 else ("input", "power")
        to_results = 0.3 if self.has_total else 1.1
        self.gaps = (0.5, to_results) if self.p == 1 else (0.4, 1.05, to_results)
        dims = len(pool_window(module).kernel)
        self.root_room = 0.35 + (_REACH if self.p in (1, 2) else 1.35)
        denied = _DENIED if dims == 1 and self.p != 1 else 0.0
        self.beside = _REACH + _WIDE + self.root_room + denied if self.has_total else 0.0
        super().__init__(look, trace, window_label)
        if self.has_total:
            self.tile_at = self._tile_place()

    @property
    def results(self) -> list[tuple[str, ...]]:
        return [("output", *self.companions)]

    def heading(self, name: str) -> str:
        return self.companions.get(name) or super().heading(name)

    def _label_width(self, name: str) -> float:
        return 0.0 if name in self.companions else super()._label_width(name)

    def raise_up(self, position: Position) -> tuple[list[Animation], VGroup]:
        """Each value flies from its slot to its power's; the powers are returned too."""
        powers = self.slots.filled(position, "power")
        starts = self.slots.middles["input"]
        moves = [Fly(group, start=at) for group, at in zip(powers, starts, strict=True) if len(group)]
        return list(moves), VGroup(*powers)

    def total(self, position: Position) -> Number:
        """The window's sum in its tile."""
        number = self.number("total", self.index(position), _TEXT, width=_WIDE - 0.2)
        number.place(self.tile_at)
        return number

    def add_up(self, position: Position) -> tuple[list[Animation], Number]:
        """The sum flies from the slots into its tile; it is returned too."""
        number = self.total(position)
        return [Fly(number, start=np.mean(self.slots.middles[self.lifts[-1]], axis=0))], number

    def denied(self, text: str) -> VGroup:
        """The division that does not happen, under the sum, or before it where there is no room below."""
        line = self.size.dims == 1
        off = (-_WIDE / 2 - 0.65, 0.0, 0.0) if line else (0.0, -_HIGH / 2 - 0.42, 0.0)
        return VGroup(self.label(text, self.tile_at + np.array(off), 0.3, self.look.theme.channel(0), "bold"))

    def _tile_place(self) -> np.ndarray:
        left, bottom, _, top = self.outputs["output"].edges
        return np.array([left - self.root_room - _WIDE / 2, (bottom + top) / 2, 0.0])

    def _signs(self) -> list[Mobject]:
        """The power, the sum and the root, each with its arrow, and the tile for the sum."""
        raising = self._raising() if self.p != 1 else []
        if not self.has_total:
            return [*raising, *super()._signs()]
        theme, at = self.look.theme, self._tile_place()
        tile = Box(_WIDE, _HIGH, at, 0.12, fill=theme.background, stroke=theme.wire, stroke_width=2.5)
        after = (at[0] + _WIDE / 2, at[1])
        end = (self.outputs["output"].edges[0], at[1])
        signs = [*raising, *self._adding(at), tile, *self.arrow(after, end, self._root_sign())]
        if "average" in self.companions:
            signs += self._dividing(at)
        return signs

    def _raising(self) -> list[Mobject]:
        sign = "|x|" if math.isinf(self.p) else "x²" if self.p == 2 else f"x^{self.p:g}".replace("-", "−")
        _, low, right, high = self.slots.edges("input")
        left, *_ = self.slots.edges("power")
        middle = (low + high) / 2
        return self.arrow((right, middle), (left, middle), sign)

    def _root_sign(self) -> str:
        if self.p in (1, 2):
            return "" if self.p == 1 else "√"
        return f"^(1/{self.p:g})".replace("-", "−")

    def _adding(self, at: np.ndarray) -> list[Mobject]:
        """The arrow from the slots to the tile: across, or in one dimension round the corner."""
        color = self.look.theme.wire
        left, low, right, high = self.slots.edges(self.lifts[-1])
        middle, near = (low + high) / 2, at[0] - _WIDE / 2 - 0.1
        if self.size.dims > 1 and abs(at[1] - middle) < 1e-6:
            return self.arrow((right, middle), (near + 0.1, middle), "Σ")
        if self.size.dims > 1:
            half = ((right + near) / 2 - 0.2, (middle + at[1]) / 2 + 0.3)
            arrow = Arrow([(right + 0.12, middle), (near, at[1])], color)
            return [arrow, self.sign_text("Σ", half)]
        top = at[1] + _HIGH / 2 + 0.1
        x = min(max(at[0], left), right)
        down = [(x, low - 0.1), (x, (low + top) / 2), (at[0], (low + top) / 2), (at[0], top)]
        return [Arrow(down, color), self.sign_text("Σ", (x + 0.24, low - 0.24))]

    def _dividing(self, at: np.ndarray) -> list[Mobject]:
        """The way to the average: the same sum, divided."""
        left, low, _, high = self.outputs["average"].edges
        y = (low + high) / 2
        path = [(at[0], at[1] - _HIGH / 2 - 0.1), (at[0], y), (left - 0.12, y)]
        over = ((at[0] + left) / 2, y + 0.16)
        sign = self.sign_text(f"÷ {math.prod(self.size.kernel)}", over, vertical="baseline")
        return [Arrow(path, self.look.theme.wire), sign]
