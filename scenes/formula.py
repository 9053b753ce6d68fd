"""Formulas as data: one small tree over tensor elements that is both drawn and evaluated.

A tree describes a whole batch of cells at once, so that the proof of a trace is a handful of vectorised torch calls;
`at(i)` cuts out the tree of one cell, which a scene draws with the numbers substituted. Since the drawn tree is the
evaluated one, a formula on screen cannot lie.

Shapes: `B` cells a batch, `T` terms of a sum. Outside a reduction a node's value is `(B,)`, inside it is `(B, T)`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import overload

import torch
from torch import Tensor

Index = tuple[int, ...]


@dataclass(frozen=True)
class Lazy:
    """A tensor that is computed element by element when asked for, because all of it would not fit.

    `gather` takes indices `(..., ndim)` and returns the values `(...)`.
    """

    shape: tuple[int, ...]
    gather: Callable[[Tensor], Tensor]
    dtype: torch.dtype = torch.float32


Tensors = Mapping[str, Tensor | Lazy]


def read(source: Tensor | Lazy, index: Tensor) -> Tensor:
    """The elements of `source` at `index` `(..., ndim)`; the result is `(...)`, in the source's dtype."""
    if isinstance(source, Lazy):
        return source.gather(index)
    if source.ndim == 0:
        return source.expand(index.shape[:-1])
    return source[tuple(index.unbind(-1))]


def cells(shape: Sequence[int], start: int, stop: int) -> Tensor:
    """The cells `start` to `stop` of a grid in row-major order, `(stop - start, len(shape))`.

    (`torch.unravel_index` would import a symbolic algebra system for this, which takes half a second.)
    """
    rest = torch.arange(start, stop)
    axes: list[Tensor] = []
    for size in reversed(shape):
        axes.append(rest % size)
        rest = rest // size
    return torch.stack(axes[::-1], -1) if axes else rest.reshape(-1, 1)[:, :0]


@dataclass(frozen=True)
class Token:
    """One piece of a drawn formula: plain text, or the number at `index` of `tensor`."""

    text: str
    tensor: str | None = None
    index: Index = ()
    value: float | None = None


class Expr(ABC):
    """A node of a formula."""

    precedence = 4

    @abstractmethod
    def evaluate(self, tensors: Tensors) -> Tensor:
        """The node's value in float64, `(B,)` or `(B, T)`."""

    @abstractmethod
    def magnitude(self, tensors: Tensors) -> Tensor:
        """An upper bound of the sizes that were added up: what rounding errors are measured against."""

    @abstractmethod
    def at(self, position: Callable[[Tensor], Tensor]) -> Expr:
        """The same tree with `position` applied to every index array."""

    @abstractmethod
    def tokens(self, draw: Callable[[Ref], Token], most: int) -> list[Token]:
        """The tree as text with numbers substituted; a sum of more than `most` terms is cut by an ellipsis."""

    @abstractmethod
    def refs(self) -> Iterator[Ref]:
        """Every reference to a tensor in the tree."""

    @abstractmethod
    def symbols(self) -> str:
        """The tree with tensor names in the place of numbers."""

    def cell(self, number: int) -> Expr:
        """The tree of one cell of the batch (as a batch of one)."""
        return self.at(lambda index: index[number : number + 1])

    def term(self, number: int) -> Expr:
        """The tree of one term inside a reduction, as if it stood outside."""
        return self.at(lambda index: index[:, number])

    @property
    def terms(self) -> int:
        """The largest number of elements that one cell of the tree reads at one place."""
        return max((ref.index[0].numel() // max(1, ref.index.shape[-1]) for ref in self.refs()), default=1)


@dataclass(frozen=True, eq=False)
class Ref(Expr):
    """An element of a named tensor; `index` is `(B, ndim)`, or `(B, T, ndim)` inside a reduction.

    Positions outside the tensor count as `fill`, which is how padding is read. `skip` marks positions that do not
    exist at all (ragged sums); they count as `fill` too, and are not drawn.
    """

    tensor: str
    index: Tensor
    fill: float | None = None
    skip: Tensor | None = field(default=None)

    def evaluate(self, tensors: Tensors) -> Tensor:
        source = tensors[self.tensor]
        if self.fill is None:
            return read(source, self.index).to(torch.float64)
        size = torch.tensor(source.shape, dtype=torch.int64)
        inside = ((self.index >= 0) & (self.index < size)).all(-1)
        if self.skip is not None:
            inside &= ~self.skip
        if 0 in source.shape:
            return torch.full(inside.shape, self.fill, dtype=torch.float64)
        values = read(source, torch.where(inside[..., None], self.index, 0)).to(torch.float64)
        return torch.where(inside, values, self.fill)

    def magnitude(self, tensors: Tensors) -> Tensor:
        return self.evaluate(tensors).abs()

    def at(self, position: Callable[[Tensor], Tensor]) -> Ref:
        skip = None if self.skip is None else position(self.skip)
        return Ref(self.tensor, position(self.index), self.fill, skip)

    def tokens(self, draw: Callable[[Ref], Token], most: int) -> list[Token]:
        return [draw(self)]

    def refs(self) -> Iterator[Ref]:
        yield self

    def symbols(self) -> str:
        return self.tensor

    @property
    def element(self) -> Index:
        """The index of a single cell's reference."""
        return tuple(self.index.reshape(-1, self.index.shape[-1])[0].tolist())

    def is_inside(self, tensors: Tensors) -> bool:
        """Whether a single cell's reference falls on the tensor and not on padding."""
        inside = all(0 <= i < n for i, n in zip(self.element, tensors[self.tensor].shape, strict=True))
        return inside and not (self.skip is not None and bool(self.skip.reshape(-1)[0]))


@dataclass(frozen=True, eq=False)
class Const(Expr):
    """A number that is a setting or a count, not a tensor element (`eps`, the size of a window)."""

    value: float
    text: str = ""

    def evaluate(self, tensors: Tensors) -> Tensor:
        return torch.tensor(self.value, dtype=torch.float64)

    def magnitude(self, tensors: Tensors) -> Tensor:
        return torch.tensor(abs(self.value), dtype=torch.float64)

    def at(self, position: Callable[[Tensor], Tensor]) -> Const:
        return self

    def tokens(self, draw: Callable[[Ref], Token], most: int) -> list[Token]:
        return [Token(self.text or f"{self.value:g}".replace("-", "−"))]

    def refs(self) -> Iterator[Ref]:
        return iter(())

    def symbols(self) -> str:
        return self.tokens(lambda ref: Token(ref.tensor), 0)[0].text


@dataclass(frozen=True, eq=False)
class Add(Expr):
    """Terms added up; a negative sign is a factor of the term."""

    parts: tuple[Expr, ...]
    precedence = 1

    def evaluate(self, tensors: Tensors) -> Tensor:
        return sum((part.evaluate(tensors) for part in self.parts[1:]), self.parts[0].evaluate(tensors))

    def magnitude(self, tensors: Tensors) -> Tensor:
        return sum((part.magnitude(tensors) for part in self.parts[1:]), self.parts[0].magnitude(tensors))

    def at(self, position: Callable[[Tensor], Tensor]) -> Add:
        return Add(tuple(part.at(position) for part in self.parts))

    def tokens(self, draw: Callable[[Ref], Token], most: int) -> list[Token]:
        return _joined(self.parts, " + ", 1, draw, most)

    def refs(self) -> Iterator[Ref]:
        return (ref for part in self.parts for ref in part.refs())

    def symbols(self) -> str:
        return " + ".join(part.symbols() for part in self.parts)


@dataclass(frozen=True, eq=False)
class Mul(Expr):
    """Factors multiplied."""

    parts: tuple[Expr, ...]
    precedence = 2

    def evaluate(self, tensors: Tensors) -> Tensor:
        return _product([part.evaluate(tensors) for part in self.parts])

    def magnitude(self, tensors: Tensors) -> Tensor:
        return _product([part.magnitude(tensors) for part in self.parts])

    def at(self, position: Callable[[Tensor], Tensor]) -> Mul:
        return Mul(tuple(part.at(position) for part in self.parts))

    def tokens(self, draw: Callable[[Ref], Token], most: int) -> list[Token]:
        return _joined(self.parts, "·", 2, draw, most)

    def refs(self) -> Iterator[Ref]:
        return (ref for part in self.parts for ref in part.refs())

    def symbols(self) -> str:
        return "·".join(_bracketed(part, 2) for part in self.parts)


@dataclass(frozen=True, eq=False)
class Sub(Expr):
    """Left minus right."""

    left: Expr
    right: Expr
    precedence = 1

    def evaluate(self, tensors: Tensors) -> Tensor:
        return self.left.evaluate(tensors) - self.right.evaluate(tensors)

    def magnitude(self, tensors: Tensors) -> Tensor:
        return self.left.magnitude(tensors) + self.right.magnitude(tensors)

    def at(self, position: Callable[[Tensor], Tensor]) -> Sub:
        return Sub(self.left.at(position), self.right.at(position))

    def tokens(self, draw: Callable[[Ref], Token], most: int) -> list[Token]:
        return [*self.left.tokens(draw, most), Token(" − "), *_grouped(self.right, 2, draw, most, True)]

    def refs(self) -> Iterator[Ref]:
        yield from self.left.refs()
        yield from self.right.refs()

    def symbols(self) -> str:
        return f"{self.left.symbols()} − {_bracketed(self.right, 2)}"


@dataclass(frozen=True, eq=False)
class Div(Expr):
    """Left divided by right."""

    left: Expr
    right: Expr
    precedence = 2

    def evaluate(self, tensors: Tensors) -> Tensor:
        return self.left.evaluate(tensors) / self.right.evaluate(tensors)

    def magnitude(self, tensors: Tensors) -> Tensor:
        return self.left.magnitude(tensors) / self.right.evaluate(tensors).abs()

    def at(self, position: Callable[[Tensor], Tensor]) -> Div:
        return Div(self.left.at(position), self.right.at(position))

    def tokens(self, draw: Callable[[Ref], Token], most: int) -> list[Token]:
        left, right = (_grouped(side, level, draw, most) for side, level in ((self.left, 2), (self.right, 3)))
        return [*left, Token(" / "), *right]

    def refs(self) -> Iterator[Ref]:
        yield from self.left.refs()
        yield from self.right.refs()

    def symbols(self) -> str:
        return f"{_bracketed(self.left, 2)} / {_bracketed(self.right, 3)}"


_FUNCTIONS: dict[str, tuple[Callable[[Tensor], Tensor], str]] = {
    "sqrt": (torch.sqrt, "√"),
    "square": (torch.square, "²"),
    "exp": (torch.exp, "exp"),
    "log": (torch.log, "log"),
    "abs": (torch.abs, "abs"),
    "sigmoid": (torch.sigmoid, "σ"),
    "tanh": (torch.tanh, "tanh"),
}


@dataclass(frozen=True, eq=False)
class Func(Expr):
    """A named function of one value: sqrt, square, exp, log, abs, sigmoid, tanh."""

    name: str
    arg: Expr
    precedence = 3

    def evaluate(self, tensors: Tensors) -> Tensor:
        return _FUNCTIONS[self.name][0](self.arg.evaluate(tensors))

    def magnitude(self, tensors: Tensors) -> Tensor:
        if self.name == "square":
            return self.arg.magnitude(tensors).square()
        return self.evaluate(tensors).abs() + (0 if self.name == "sqrt" else self.arg.magnitude(tensors))

    def at(self, position: Callable[[Tensor], Tensor]) -> Func:
        return Func(self.name, self.arg.at(position))

    def tokens(self, draw: Callable[[Ref], Token], most: int) -> list[Token]:
        sign = _FUNCTIONS[self.name][1]
        if self.name == "square":
            return [*_grouped(self.arg, 4, draw, most, True), Token(sign)]
        return [Token(f"{sign}("), *self.arg.tokens(draw, most), Token(")")]

    def refs(self) -> Iterator[Ref]:
        return self.arg.refs()

    def symbols(self) -> str:
        sign = _FUNCTIONS[self.name][1]
        return (
            f"{_bracketed(self.arg, 4)}{sign}" if self.name == "square" else f"{sign}({self.arg.symbols()})"
        )


@dataclass(frozen=True, eq=False)
class Sum(Expr):
    """The sum of `body` over its terms, `(B, T) -> (B,)`."""

    body: Expr
    precedence = 1

    def evaluate(self, tensors: Tensors) -> Tensor:
        return self.body.evaluate(tensors).sum(-1)

    def magnitude(self, tensors: Tensors) -> Tensor:
        return self.body.magnitude(tensors).sum(-1)

    def at(self, position: Callable[[Tensor], Tensor]) -> Sum:
        return Sum(self.body.at(position))

    def tokens(self, draw: Callable[[Ref], Token], most: int) -> list[Token]:
        return _joined(_Terms(self.body), " + ", 1, draw, most)

    def refs(self) -> Iterator[Ref]:
        return self.body.refs()

    def symbols(self) -> str:
        return f"Σ {_bracketed(self.body, 2)}"


@dataclass(frozen=True, eq=False)
class Max(Expr):
    """The largest of `body`'s terms, `(B, T) -> (B,)`; NaN wins, as in torch."""

    body: Expr

    def evaluate(self, tensors: Tensors) -> Tensor:
        return self.body.evaluate(tensors).amax(-1)

    def magnitude(self, tensors: Tensors) -> Tensor:
        return self.evaluate(tensors).abs()

    def at(self, position: Callable[[Tensor], Tensor]) -> Max:
        return Max(self.body.at(position))

    def tokens(self, draw: Callable[[Ref], Token], most: int) -> list[Token]:
        return [Token("max("), *_joined(_Terms(self.body), ", ", 0, draw, most), Token(")")]

    def refs(self) -> Iterator[Ref]:
        return self.body.refs()

    def symbols(self) -> str:
        return f"max({self.body.symbols()})"


def _product(values: list[Tensor]) -> Tensor:
    result = values[0]
    for value in values[1:]:
        result = result * value
    return result


class _Terms(Sequence[Expr]):
    """The terms of a reduction's body for one cell, without those a ragged sum skips; each is made when asked for."""

    def __init__(self, body: Expr) -> None:
        first = next(body.refs())
        self.body = body
        self.live = list(range(first.index.shape[1]))
        if first.skip is not None:
            self.live = [k for k in self.live if not bool(first.skip[0, k])]

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


def _joined(
    parts: Sequence[Expr], sign: str, level: int, draw: Callable[[Ref], Token], most: int
) -> list[Token]:
    cut = len(parts) > most
    shown = [*parts[: most - 1], None, parts[-1]] if cut else [*parts]
    tokens: list[Token] = []
    for number, part in enumerate(shown):
        if number:
            tokens.append(Token(sign))
        tokens += [Token("…")] if part is None else _grouped(part, level, draw, most, guard=bool(number))
    return tokens


def _grouped(
    part: Expr, level: int, draw: Callable[[Ref], Token], most: int, guard: bool = False
) -> list[Token]:
    """A part in brackets where its precedence asks for them, or where a minus would follow another sign."""
    tokens = part.tokens(draw, most)
    negative = guard and level > 0 and bool(tokens) and tokens[0].text.startswith("−")
    if part.precedence < level or (negative and len(tokens) == 1):
        return [Token("("), *tokens, Token(")")]
    if negative:
        return [Token("("), tokens[0], Token(")"), *tokens[1:]]
    return tokens


def _bracketed(part: Expr, level: int) -> str:
    return f"({part.symbols()})" if part.precedence < level else part.symbols()
