"""What makes one value of many terms: `(B, T) -> (B,)`."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import torch
from torch import Tensor

from torchreel.scenes.trace.formula.tensors import Tensors, Token
from torchreel.scenes.trace.formula.tree import Bounded, Expr, Ref, bracketed, joined


@dataclass(frozen=True, eq=False)
class Reduction(Expr):
    """One value from the terms of `body`; what a ragged body skips has to be neutral, by its references' `fill`."""

    body: Expr

    @abstractmethod
    def reduce(self, body: Bounded) -> Bounded:
        """Values and sizes `(B,)` of those of the terms, `(B, T)`."""

    def bounded(self, tensors: Tensors) -> Bounded:
        return self.reduce(self.body.bounded(tensors))

    def at(self, position: Callable[[Tensor], Tensor]) -> Reduction:
        return type(self)(self.body.at(position))

    def refs(self) -> Iterator[Ref]:
        return self.body.refs()


class Sum(Reduction):
    """The sum of the terms."""

    precedence = 1

    def reduce(self, body: Bounded) -> Bounded:
        return Bounded(body.value.sum(-1), body.size.sum(-1))

    def tokens(self, draw: Callable[[Ref], Token], most: int) -> list[Token]:
        return joined(_Terms(self.body), " + ", 1, draw, most) or [Token("0")]

    def symbols(self) -> str:
        return f"Σ {bracketed(self.body, 2)}"


class _Called(Reduction):
    """A reduction written as a function of its terms."""

    sign = ""

    def tokens(self, draw: Callable[[Ref], Token], most: int) -> list[Token]:
        return [Token(f"{self.sign}("), *joined(_Terms(self.body), ", ", 0, draw, most), Token(")")]

    def symbols(self) -> str:
        return f"{self.sign}({self.body.symbols()})"


class Max(_Called):
    """The largest of the terms; NaN wins, as in torch."""

    sign = "max"

    def reduce(self, body: Bounded) -> Bounded:
        value = body.value.amax(-1)
        return Bounded(value, value.abs())


class Min(_Called):
    """The smallest of the terms; NaN wins, as in torch."""

    sign = "min"

    def reduce(self, body: Bounded) -> Bounded:
        value = body.value.amin(-1)
        return Bounded(value, value.abs())


class LogSumExp(_Called):
    """The logarithm of the sum of the terms' exponentials, without overflow."""

    sign = "logsumexp"

    def reduce(self, body: Bounded) -> Bounded:
        sizes = body.size.nan_to_num(0.0, 0.0, 0.0)
        return Bounded(torch.logsumexp(body.value, -1), sizes.amax(-1))


class _Terms(Sequence[Expr]):
    """The terms of a reduction's body for one cell, without those a ragged sum skips; each is made when asked for."""

    def __init__(self, body: Expr) -> None:
        many = [ref for ref in body.refs() if ref.index.ndim == 3]
        self.body = body
        self.live = list(range(many[0].index.shape[1] if many else 1))
        if many and many[0].skip is not None:
            self.live = [k for k in self.live if not bool(many[0].skip[0, k])]

    def __len__(self) -> int:
        return len(self.live)

    @overload
    def __getitem__(self, number: int) -> Expr: ...

    @overload
    def __getitem__(self, number: slice) -> list[Expr]: ...

    def __getitem__(self, number: int | slice) -> Expr | list[Expr]:
        if isinstance(number, slice):
            return [self.body.term(k) for k in self.live[number]]
        return self.body.term(self.live[number])
