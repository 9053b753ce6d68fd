"""Formulas that choose: the larger or smaller of a few values, and the piece of a function that holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce

import torch
from torch import Tensor

from torchreel.scenes.trace.formula.arithmetic import Parts
from torchreel.scenes.trace.formula.tensors import Tensors, Token
from torchreel.scenes.trace.formula.tree import Bounded, Expr, Ref, joined


class _Extreme(Parts):
    """One of a few values, by size."""

    sign = ""
    pick: Callable[[Tensor, Tensor], Tensor]

    def bounded(self, tensors: Tensors) -> Bounded:
        values, sizes = self.all_bounded(tensors)
        return Bounded(reduce(type(self).pick, values), reduce(torch.maximum, sizes))

    def tokens(self, draw: Callable[[Ref], Token], most: int) -> list[Token]:
        return [Token(f"{self.sign}("), *joined(self.parts, ", ", 0, draw, most), Token(")")]

    def symbols(self) -> str:
        return f"{self.sign}({', '.join(part.symbols() for part in self.parts)})"


class Largest(_Extreme):
    """The largest of a few values, such as `max(0, x)`; NaN wins, as in torch."""

    sign = "max"
    pick = staticmethod(torch.maximum)


class Least(_Extreme):
    """The smallest of a few values; NaN wins, as in torch."""

    sign = "min"
    pick = staticmethod(torch.minimum)


@dataclass(frozen=True, eq=False)
class Case(Expr):
    """One of several formulas for each cell: a function in pieces, drawn as the piece that holds.

    `which` is the number of the branch, int64, `(B,)` or inside a reduction `(B, T)`.
    """

    which: Tensor
    branches: tuple[Expr, ...]

    @property
    def precedence(self) -> int:  # type: ignore[override]
        """That of the branch that holds; of several cells' the weakest, which is bracketed most."""
        return min(branch.precedence for branch in self._live())

    def bounded(self, tensors: Tensors) -> Bounded:
        found = [branch.bounded(tensors) for branch in self.branches]
        value, size = found[0]
        for number, other in enumerate(found[1:], 1):
            value = torch.where(self.which == number, other.value, value)
            size = torch.where(self.which == number, other.size, size)
        return Bounded(value.expand(self.which.shape), size.expand(self.which.shape))

    def at(self, position: Callable[[Tensor], Tensor]) -> Case:
        return Case(position(self.which), tuple(branch.at(position) for branch in self.branches))

    def tokens(self, draw: Callable[[Ref], Token], most: int) -> list[Token]:
        return self.holding.tokens(draw, most)

    def refs(self) -> Iterator[Ref]:
        return (ref for branch in self._live() for ref in branch.refs())

    def symbols(self) -> str:
        return self.holding.symbols()

    @property
    def holding(self) -> Expr:
        """The branch that holds for the (first) cell."""
        return self.branches[int(self.which.reshape(-1)[0])]

    def _live(self) -> tuple[Expr, ...]:
        return (self.holding,) if self.which.numel() == 1 else self.branches


@dataclass(frozen=True, eq=False)
class Instead(Expr):
    """A constant, or one of several, in the place of `x`, which decides on it, is read for it, and does not enter it.

    It is a branch of a `Case`, and has the shape of that one's cells, or holds one.
    """

    value: Expr
    x: Expr

    @property
    def precedence(self) -> int:  # type: ignore[override]
        """That of the constant."""
        return self.value.precedence

    def bounded(self, tensors: Tensors) -> Bounded:
        return self.value.bounded(tensors)

    def at(self, position: Callable[[Tensor], Tensor]) -> Instead:
        return Instead(self.value.at(position), self.x.at(position))

    def tokens(self, draw: Callable[[Ref], Token], most: int) -> list[Token]:
        return self.value.tokens(draw, most)

    def refs(self) -> Iterator[Ref]:
        return self.x.refs()

    def symbols(self) -> str:
        return self.value.symbols()
