"""What each element-wise activation function says, piece by piece: the spans of x, the formula that holds there.

A law is what both the proof and the picture of a function are made from. Formulas are those of torch's documentation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from torchreel.scenes.trace.formula import Const, Expr

Formula = Callable[[Expr, Tensor], Expr]
"""Of an element x of the input and the cells `(B, ndim)`, for functions that read another tensor too."""
Function = Callable[[Tensor], Tensor]
INF = math.inf
ZERO, ONE = Const(0), Const(1)


@dataclass(frozen=True)
class Piece:
    """A regime of a function: where it `holds` (asked in the input's own precision), over which `span` of x.

    `key` names its captions; `condition` is how the formula bar says it, with `{}` for x.
    """

    key: str
    span: tuple[float, float]
    condition: str
    holds: Callable[[Tensor], Tensor]
    formula: Formula


@dataclass(frozen=True)
class Law:
    """A function in pieces; the last holds wherever no other does, so it is the one that NaN goes through.

    `beside` are other functions to draw thinly, by name; `columns` more values of each element, by name, as torch
    computes them in the input's own precision, `learned` the derivatives of each element to a parameter; `levels` are
    limits on the y axis. `reach` is the span of x that makes the function recognisable. With `moments`, its effect on
    mean and variance is part of the story.
    """

    pieces: tuple[Piece, ...]
    beside: Mapping[str, Function] = field(default_factory=dict)
    columns: Mapping[str, Function] = field(default_factory=dict)
    learned: Mapping[str, Function] = field(default_factory=dict)
    levels: tuple[float, ...] = ()
    reach: float = 4.0
    moments: bool = False

    @property
    def breaks(self) -> list[float]:
        """Where one piece ends and another begins."""
        ends = {end for piece in self.pieces for end in piece.span}
        return sorted(end for end in ends if math.isfinite(end))

    def regime(self, x: Tensor) -> Tensor:
        """The number of the piece that holds for each element, int64."""
        which = torch.full(x.shape, len(self.pieces) - 1, dtype=torch.int64)
        for number in range(len(self.pieces) - 2, -1, -1):
            which[self.pieces[number].holds(x)] = number
        return which


def smooth(formula: Callable[[Expr], Expr], **more: Any) -> Law:
    """A function with one formula everywhere."""
    return Law((rest("ride", (-INF, INF), "", lambda x, _: formula(x)),), **more)


def rest(key: str, span: tuple[float, float], condition: str, formula: Formula) -> Piece:
    """The piece that holds where no other does."""
    return Piece(key, span, condition, lambda x: torch.ones_like(x, dtype=torch.bool), formula)


def below(key: str, bound: float, formula: Formula) -> Piece:
    """The piece for x up to and including a bound, as torch compares them: in the input's precision."""
    return Piece(
        key, (-INF, bound), f"{{}} ≤ {plain(bound)}", lambda x: wide(x) <= bound_as(bound, wide(x)), formula
    )


def above(key: str, bound: float, formula: Formula) -> Piece:
    return rest(key, (bound, INF), f"{{}} > {plain(bound)}", formula)


def bound_as(bound: float, x: Tensor) -> Tensor:
    """A bound in the type of x; torch cuts its decimals where x holds whole numbers."""
    exact = torch.tensor(bound, dtype=torch.float64)
    return exact.to(x.dtype) if x.is_floating_point() else exact.trunc().long().to(x.dtype)


def wide(x: Tensor) -> Tensor:
    """Half precision as float32, in which most kernels compare it."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def plain(value: float) -> str:
    """A setting as written in a formula."""
    return f"{value:.4g}".replace("-", "−")


def same(x: Expr, cells: Tensor) -> Expr:
    return x


def setting(value: float) -> Const:
    return Const(float(value), plain(float(value)))


def clamped(
    low: float, high: float, keys: tuple[str, str, str], formula: Callable[[Expr], Expr]
) -> tuple[Piece, ...]:
    """Three regimes that one formula with a minimum and a maximum describes."""

    def whole(x: Expr, cells: Tensor) -> Expr:
        return formula(x)

    return (
        Piece(keys[0], (-INF, low), "", lambda x: x <= bound_as(low, x), whole),
        Piece(keys[2], (high, INF), "", lambda x: x >= bound_as(high, x), whole),
        Piece(keys[1], (low, high), "", lambda x: torch.ones_like(x, dtype=torch.bool), whole),
    )
