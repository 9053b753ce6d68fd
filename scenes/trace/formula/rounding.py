"""A value that is as exact as another computation of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from torch import Tensor

from torchreel.scenes.trace.formula.tensors import Tensors, Token
from torchreel.scenes.trace.formula.tree import Bounded, Expr, Ref


@dataclass(frozen=True, eq=False)
class Rounded(Expr):
    """`shown`, whose value carries the rounding of `origin`, the computation that torch fuses it with.

    Torch subtracts a mean and divides in one go, so its result is as exact as `x - mean` for the size of `x`, however
    small the difference.
    """

    shown: Expr
    origin: Expr

    @property
    def precedence(self) -> int:  # type: ignore[override]
        """That of what is shown."""
        return self.shown.precedence

    def bounded(self, tensors: Tensors) -> Bounded:
        return Bounded(self.shown.bounded(tensors).value, self.origin.bounded(tensors).size)

    def at(self, position: Callable[[Tensor], Tensor]) -> Rounded:
        return Rounded(self.shown.at(position), self.origin.at(position))

    def tokens(self, draw: Callable[[Ref], Token], most: int) -> list[Token]:
        return self.shown.tokens(draw, most)

    def refs(self) -> Iterator[Ref]:
        return self.shown.refs()

    def symbols(self) -> str:
        return self.shown.symbols()
