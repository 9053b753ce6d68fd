"""The range of a floating-point type in a formula: a result too large for it is infinite, as it is in torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from torchreel.scenes.trace.formula import Expr, Ref, Tensors, Token
from torchreel.scenes.trace.formula.tree import Bounded


@dataclass(frozen=True, eq=False)
class Stored(Expr):
    """A value as torch holds it on its way to `output`: infinite if too large, without decimals if an integer.

    In between, torch computes half precision in float32; `narrow` is a result, in the type of `output` itself.
    """

    arg: Expr
    narrow: bool = False

    @property
    def precedence(self) -> int:  # type: ignore[override]
        """That of the value."""
        return self.arg.precedence

    def bounded(self, tensors: Tensors) -> Bounded:
        value, size = self.arg.bounded(tensors)
        kind = tensors["output"].dtype
        if not kind.is_floating_point:
            return Bounded(value.trunc(), size)
        kept = value.to(kind if self.narrow else torch.promote_types(kind, torch.float32)).double()
        return Bounded(torch.where(kept.isinf(), kept, value), size)

    def at(self, position: Callable[[Tensor], Tensor]) -> Stored:
        return Stored(self.arg.at(position), self.narrow)

    def tokens(self, draw: Callable[[Ref], Token], most: int) -> list[Token]:
        return self.arg.tokens(draw, most)

    def refs(self) -> Iterator[Ref]:
        return self.arg.refs()

    def symbols(self) -> str:
        return self.arg.symbols()
