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

from torchreel.scenes.trace.formula import Const, Expr, Ref

Formula = Callable[[Expr, Tensor], Expr]
"""Of an element x of the input and the cells `(B, ndim)`, for functions that read another tensor too."""
Function = Callable[[Tensor], Tensor]
INF = math.inf
ZERO, ONE = Const(0), Const(1)


@dataclass(frozen=True)
class Piece:
    """A regime of a function: where it `holds` (asked in the input's own precision), over which `span` of x.

    `key` names its captions; `condition` is how the formula bar says it, with `{}` for x. `says` is its label on the
    graph; none where the formula bar is enough.
    """

    key: str
    span: tuple[float, float]
    condition: str
    holds: Callable[[Tensor], Tensor]
    formula: Formula
    says: str = ""


@dataclass(frozen=True)
class GateRule:
    """A function of x that is read off a curve of its own before the output is made from it, with its formula.

    `join` makes the output from x and what was read; `word` says what that is, where it has a role. `says` is what its
    curve is called after its symbol, where its formula is long; it has corners at `corners`.
    """

    function: Function
    formula: Callable[[Expr], Expr]
    join: Callable[[Expr, Expr], Expr]
    word: str = "gate"
    says: str = ""
    corners: tuple[float, ...] = ()


@dataclass(frozen=True)
class Law:
    """A function in pieces; the last holds wherever no other does, so it is the one that NaN goes through.

    `beside` are other functions to draw dashed, by name; `levels` are limits on the y axis, by name; `marks` are x at
    which pieces meet, by the name of the setting that says so. Where there is a
    `gate`, formulas read the tensor `gate`. `reach` is the span of x that makes the function recognisable. With
    `moments`, its effect on mean and variance is part of the story.
    """

    pieces: tuple[Piece, ...]
    beside: Mapping[str, Function] = field(default_factory=dict)
    gate: GateRule | None = None
    levels: Mapping[str, float] = field(default_factory=dict)
    marks: Mapping[str, float] = field(default_factory=dict)
    reach: float = 4.0
    moments: bool = False

    @property
    def breaks(self) -> list[float]:
        """Where one piece ends and another begins."""
        ends = {end for piece in self.pieces for end in piece.span}
        return sorted(end for end in ends if math.isfinite(end))

    @property
    def bounds(self) -> list[float]:
        """Where pieces meet, of the function or of its gate."""
        return [*self.breaks, *(self.gate.corners if self.gate else ())]

    @property
    def keys(self) -> list[str]:
        """The names of its regimes, from left to right, each once."""
        return list(dict.fromkeys(piece.key for piece in sorted(self.pieces, key=lambda one: one.span)))

    def symbols(self) -> str:
        """The formula of its first piece, which is the only one of a law with a gate."""
        at = torch.zeros(1, 1, dtype=torch.int64)
        return self.pieces[0].formula(Ref("input", at), at).symbols()

    def regime(self, x: Tensor) -> Tensor:
        """The number of the piece that holds for each element, int64."""
        which = torch.full(x.shape, len(self.pieces) - 1, dtype=torch.int64)
        for number in range(len(self.pieces) - 2, -1, -1):
            which[self.pieces[number].holds(x)] = number
        return which


def smooth(formula: Callable[[Expr], Expr], **more: Any) -> Law:
    """A function with one formula everywhere."""
    return Law((rest("ride", (-INF, INF), "", lambda x, _: formula(x)),), **more)


def gated(
    function: Function,
    gate: Callable[[Expr], Expr],
    join: Callable[[Expr, Expr], Expr],
    word: str = "gate",
    says: str = "",
    corners: tuple[float, ...] = (),
    **more: Any,
) -> Law:
    """A function that joins x with what its gate makes of x, with one formula everywhere."""

    def whole(x: Expr, cells: Tensor) -> Expr:
        return join(x, Ref("gate", cells))

    return Law(
        (rest("ride", (-INF, INF), "", whole),),
        gate=GateRule(function, gate, join, word, says, corners),
        **more,
    )


def rest(key: str, span: tuple[float, float], condition: str, formula: Formula, says: str = "") -> Piece:
    """The piece that holds where no other does."""
    return Piece(key, span, condition, lambda x: torch.ones_like(x, dtype=torch.bool), formula, says)


def below(key: str, bound: float, formula: Formula, says: str = "") -> Piece:
    """The piece for x up to and including a bound, as torch compares them: in the input's precision."""
    condition = f"{{}} ≤ {plain(bound)}"
    return Piece(key, (-INF, bound), condition, lambda x: wide(x) <= bound_as(bound, wide(x)), formula, says)


def above(key: str, bound: float, formula: Formula, says: str = "") -> Piece:
    return rest(key, (bound, INF), f"{{}} > {plain(bound)}", formula, says)


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
    low: float,
    high: float,
    keys: tuple[str, str, str],
    formula: Callable[[Expr], Expr],
    says: tuple[str, str, str],
) -> tuple[Piece, ...]:
    """Three regimes that one formula with a minimum and a maximum describes."""

    def whole(x: Expr, cells: Tensor) -> Expr:
        return formula(x)

    return (
        Piece(keys[0], (-INF, low), "", lambda x: x <= bound_as(low, x), whole, says[0]),
        Piece(keys[2], (high, INF), "", lambda x: x >= bound_as(high, x), whole, says[2]),
        Piece(keys[1], (low, high), "", lambda x: torch.ones_like(x, dtype=torch.bool), whole, says[1]),
    )
