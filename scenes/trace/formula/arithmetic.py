"""Sums, differences, products, quotients and powers of a fixed number of parts."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce

import torch
from torch import Tensor

from torchreel.scenes.trace.formula.tensors import Tensors, Token
from torchreel.scenes.trace.formula.tree import Bounded, Expr, Ref, bracketed, grouped, joined

Draw = Callable[[Ref], Token]
Position = Callable[[Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class Parts(Expr):
    """What has several parts of equal standing."""

    parts: tuple[Expr, ...]

    def at(self, position: Position) -> Parts:
        return type(self)(tuple(part.at(position) for part in self.parts))

    def refs(self) -> Iterator[Ref]:
        return (ref for part in self.parts for ref in part.refs())

    def all_bounded(self, tensors: Tensors) -> Bounded:
        """The values and sizes of all parts, each as a list."""
        found = [part.bounded(tensors) for part in self.parts]
        return Bounded([one.value for one in found], [one.size for one in found])  # type: ignore[arg-type]


@dataclass(frozen=True, eq=False)
class Sides(Expr):
    """What has a left and a right side."""

    left: Expr
    right: Expr

    def at(self, position: Position) -> Sides:
        return type(self)(self.left.at(position), self.right.at(position))

    def refs(self) -> Iterator[Ref]:
        yield from self.left.refs()
        yield from self.right.refs()


class Add(Parts):
    """Terms added up; a negative sign is a factor of the term."""

    precedence = 1

    def bounded(self, tensors: Tensors) -> Bounded:
        values, sizes = self.all_bounded(tensors)
        return Bounded(reduce(operator.add, values), reduce(operator.add, sizes))

    def tokens(self, draw: Draw, most: int) -> list[Token]:
        return joined(self.parts, " + ", 1, draw, most)

    def symbols(self) -> str:
        return " + ".join(part.symbols() for part in self.parts)


class Mul(Parts):
    """Factors multiplied."""

    precedence = 2

    def bounded(self, tensors: Tensors) -> Bounded:
        values, sizes = self.all_bounded(tensors)
        return Bounded(reduce(operator.mul, values), reduce(operator.mul, sizes))

    def tokens(self, draw: Draw, most: int) -> list[Token]:
        return joined(self.parts, "·", 2, draw, most)

    def symbols(self) -> str:
        return "·".join(bracketed(part, 2) for part in self.parts)


class Sub(Sides):
    """Left minus right."""

    precedence = 1

    def bounded(self, tensors: Tensors) -> Bounded:
        left, right = self.left.bounded(tensors), self.right.bounded(tensors)
        return Bounded(left.value - right.value, left.size + right.size)

    def tokens(self, draw: Draw, most: int) -> list[Token]:
        return [*self.left.tokens(draw, most), Token(" − "), *grouped(self.right, 2, draw, most, True)]

    def symbols(self) -> str:
        return f"{self.left.symbols()} − {bracketed(self.right, 2)}"


class Div(Sides):
    """Left divided by right."""

    precedence = 2

    def bounded(self, tensors: Tensors) -> Bounded:
        left, right = self.left.bounded(tensors), self.right.bounded(tensors)
        return Bounded(left.value / right.value, left.size / right.value.abs())

    def tokens(self, draw: Draw, most: int) -> list[Token]:
        left, right = (grouped(side, level, draw, most) for side, level in ((self.left, 2), (self.right, 3)))
        return [*left, Token(" / "), *right]

    def symbols(self) -> str:
        return f"{bracketed(self.left, 2)} / {bracketed(self.right, 3)}"


@dataclass(frozen=True, eq=False)
class Neg(Expr):
    """The opposite of a value."""

    arg: Expr
    precedence = 1

    def bounded(self, tensors: Tensors) -> Bounded:
        value, size = self.arg.bounded(tensors)
        return Bounded(-value, size)

    def at(self, position: Position) -> Neg:
        return Neg(self.arg.at(position))

    def tokens(self, draw: Draw, most: int) -> list[Token]:
        return [Token("−"), *grouped(self.arg, 2, draw, most, True)]

    def refs(self) -> Iterator[Ref]:
        return self.arg.refs()

    def symbols(self) -> str:
        return f"−{bracketed(self.arg, 2)}"


@dataclass(frozen=True, eq=False)
class Pow(Expr):
    """A base to a power."""

    base: Expr
    exponent: Expr
    precedence = 3

    def bounded(self, tensors: Tensors) -> Bounded:
        base, exponent = self.base.bounded(tensors), self.exponent.bounded(tensors)
        return Bounded(torch.pow(base.value, exponent.value), torch.pow(base.size, exponent.value))

    def at(self, position: Position) -> Pow:
        return Pow(self.base.at(position), self.exponent.at(position))

    def tokens(self, draw: Draw, most: int) -> list[Token]:
        exponent = self.exponent.tokens(draw, most)
        raised = "".join(token.text for token in exponent).removeprefix("(").removesuffix(")")
        return [*grouped(self.base, 4, draw, most, True), Token(f"^{{{raised}}}")]

    def refs(self) -> Iterator[Ref]:
        yield from self.base.refs()
        yield from self.exponent.refs()

    def symbols(self) -> str:
        raised = self.exponent.symbols().removeprefix("(").removesuffix(")")
        return f"{bracketed(self.base, 4)}^{{{raised}}}"
