"""A formula that is written as a textbook has it, and computed as torch does: without overflow, to the last bit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from torch import Tensor

from torchreel.scenes.trace.formula import Case, Const, Expr, Func, Ref, Tensors, Token
from torchreel.scenes.trace.formula.tree import Bounded


@dataclass(frozen=True, eq=False)
class Written(Expr):
    """`shown`, with the value of `computed`, which is the same function in a form that is safe for large numbers."""

    shown: Expr
    computed: Expr

    @property
    def precedence(self) -> int:  # type: ignore[override]
        """That of what is shown."""
        return self.shown.precedence

    def bounded(self, tensors: Tensors) -> Bounded:
        return self.computed.bounded(tensors)

    def at(self, position: Callable[[Tensor], Tensor]) -> Written:
        return Written(self.shown.at(position), self.computed.at(position))

    def tokens(self, draw: Callable[[Ref], Token], most: int) -> list[Token]:
        return self.shown.tokens(draw, most)

    def refs(self) -> Iterator[Ref]:
        return self.shown.refs()

    def symbols(self) -> str:
        return self.shown.symbols()


class NumberSize(Func):
    """|x|, between bars."""

    def __init__(self, arg: Expr) -> None:
        super().__init__("abs", arg)

    def at(self, position: Callable[[Tensor], Tensor]) -> NumberSize:
        return NumberSize(self.arg.at(position))

    def tokens(self, draw: Callable[[Ref], Token], most: int) -> list[Token]:
        return [Token("|"), *self.arg.tokens(draw, most), Token("|")]

    def symbols(self) -> str:
        return f"|{self.arg.symbols()}|"


@dataclass(frozen=True, eq=False)
class Picked(Case):
    """The piece that holds, together with the elements `by` which it is picked or placed: these are read too."""

    by: tuple[Ref, ...] = ()

    def at(self, position: Callable[[Tensor], Tensor]) -> Picked:
        branches = tuple(branch.at(position) for branch in self.branches)
        return Picked(position(self.which), branches, tuple(one.at(position) for one in self.by))

    def refs(self) -> Iterator[Ref]:
        yield from super().refs()
        yield from self.by


class Setting(Const):
    """A number that the law calls by a name, such as δ."""

    def symbols(self) -> str:
        return self.text

    def tokens(self, draw: Callable[[Ref], Token], most: int) -> list[Token]:
        return Const(self.value).tokens(draw, most)
