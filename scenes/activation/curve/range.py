"""What torch's functions do to a formula: results too large for a type are infinite, and some take the place of x."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from torchreel.scenes.trace.formula import Expr, Func, Ref, Tensors, Token
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


@dataclass(frozen=True, eq=False)
class Given(Expr):
    """A result as torch gives it, written as its number: what a step that overflows makes of x has no symbols."""

    value: Ref
    x: Expr

    def bounded(self, tensors: Tensors) -> Bounded:
        return self.value.bounded(tensors)

    def at(self, position: Callable[[Tensor], Tensor]) -> Given:
        return Given(self.value.at(position), self.x.at(position))

    def tokens(self, draw: Callable[[Ref], Token], most: int) -> list[Token]:
        return [Token(draw(self.value).text)]

    def refs(self) -> Iterator[Ref]:
        return self.x.refs()

    def symbols(self) -> str:
        return ""


class Size(Func):
    """|x|, as a textbook writes it."""

    def __init__(self, arg: Expr) -> None:
        super().__init__("abs", arg)

    def at(self, position: Callable[[Tensor], Tensor]) -> Size:
        return Size(self.arg.at(position))

    def tokens(self, draw: Callable[[Ref], Token], most: int) -> list[Token]:
        return [Token("|"), *self.arg.tokens(draw, most), Token("|")]

    def symbols(self) -> str:
        return f"|{self.arg.symbols()}|"
