"""The nodes that all formulas are made of: what every node can do, references to elements, and constants."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from torchreel.scenes.trace.formula.tensors import Index, Tensors, Token, read


def number_text(number: float) -> str:
    """A setting as formulas and sentences write it: `0.5`, `−1e−05`, `∞`."""
    return f"{number:g}".replace("inf", "∞").replace("-", "−")


class Bounded(NamedTuple):
    """Values in float64 with an upper bound of the sizes that went into them, which rounding errors grow with."""

    value: Tensor
    size: Tensor


class Expr(ABC):
    """A node of a formula. Values are `(B,)`, inside a reduction `(B, T)`."""

    precedence = 4

    @abstractmethod
    def bounded(self, tensors: Tensors) -> Bounded:
        """The node's values and their sizes, in one walk through the tree."""

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

    def evaluate(self, tensors: Tensors) -> Tensor:
        """The node's values in float64."""
        return self.bounded(tensors).value

    def cell(self, number: int) -> Expr:
        """The tree of one cell of the batch (as a batch of one)."""
        return self.at(lambda index: index[number : number + 1])

    def term(self, number: int) -> Expr:
        """The tree of one term inside a reduction, as if it stood outside."""
        return self.at(lambda index: index[:, number])

    def shortened(self, most: int) -> Expr:
        """The tree of a single cell, its reductions cut to their first `most` terms and the last."""
        many = next((ref for ref in self.refs() if ref.index.ndim == 3), None)
        if many is None:
            return self
        live = torch.arange(many.index.shape[1]) if many.skip is None else (~many.skip[0]).nonzero()[:, 0]
        if len(live) <= most + 1:
            return self
        chosen = torch.cat([live[:most], live[-1:]])

        def cut(part: Tensor) -> Tensor:
            """Of index arrays (1, T, ndim) and masks (1, T) the chosen terms; what is one a cell stays."""
            return part[:, chosen] if part.ndim == 3 or part.dtype == torch.bool else part

        return self.at(cut)

    @property
    def terms(self) -> int:
        """The largest number of elements that one cell of the tree reads at one place."""
        return max((1, *(ref.each for ref in self.refs())))

    @property
    def width(self) -> int:
        """The largest number of elements that are held for each cell of a batch: what is `Shared` is not."""
        return max((1, *(ref.each for ref in self.refs() if not isinstance(ref, Shared))))

    @property
    def shares(self) -> bool:
        """Whether something in the tree is read by many cells together."""
        return any(isinstance(ref, Shared) for ref in self.refs())


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

    def bounded(self, tensors: Tensors) -> Bounded:
        value = self._values(tensors)
        return Bounded(value, value.abs())

    def _values(self, tensors: Tensors) -> Tensor:
        source = tensors[self.tensor]
        if self.fill is None:
            return read(source, self.index).to(torch.float64)
        size = torch.tensor(source.shape, dtype=torch.int64)
        inside = ((self.index >= 0) & (self.index < size)).all(-1)
        if self.skip is not None:
            inside &= ~self.skip
        if 0 in source.shape:
            return torch.full(inside.shape, self.fill, dtype=torch.float64)
        if bool(inside.all()):
            return read(source, self.index).to(torch.float64)
        values = read(source, torch.where(inside[..., None], self.index, 0)).to(torch.float64)
        return torch.where(inside, values, self.fill)

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
        return tuple(self.index.reshape(-1, self.index.shape[-1])[0].tolist()) if self.index.shape[-1] else ()

    @property
    def each(self) -> int:
        """How many elements are read for each cell."""
        return self.index[0].numel() // max(1, self.index.shape[-1])

    def is_inside(self, tensors: Tensors) -> bool:
        """Whether a single cell's reference falls on the tensor and not on padding."""
        inside = all(0 <= i < n for i, n in zip(self.element, tensors[self.tensor].shape, strict=True))
        return inside and not (self.skip is not None and bool(self.skip.reshape(-1)[0]))


class Shared(Ref):
    """A reference that a whole batch reads together, so that it costs a cell next to nothing."""


@dataclass(frozen=True, eq=False)
class Const(Expr):
    """A number that is a setting or a count, not a tensor element (`eps`, the size of a window).

    `text` is how it is written; where the tensors are as they are printed, so is the number.
    """

    value: float
    text: str = ""

    def bounded(self, tensors: Tensors) -> Bounded:
        number = self._written() if getattr(tensors, "as_printed", False) else self.value
        value = torch.tensor(number, dtype=torch.float64)
        return Bounded(value, value.abs())

    def _written(self) -> float:
        try:
            return float(self.text.strip("()").replace("−", "-"))
        except ValueError:
            return self.value

    def at(self, position: Callable[[Tensor], Tensor]) -> Const:
        return self

    def tokens(self, draw: Callable[[Ref], Token], most: int) -> list[Token]:
        return [Token(self.text or number_text(self.value))]

    def refs(self) -> Iterator[Ref]:
        return iter(())

    def symbols(self) -> str:
        return self.tokens(lambda ref: Token(ref.tensor), 0)[0].text


def joined(
    parts: Sequence[Expr], sign: str, level: int, draw: Callable[[Ref], Token], most: int
) -> list[Token]:
    """Parts with a sign between them; of more than `most` the middle is an ellipsis."""
    cut = len(parts) > most
    shown = [*parts[: most - 1], None, parts[-1]] if cut else [*parts]
    tokens: list[Token] = []
    for number, part in enumerate(shown):
        if number:
            tokens.append(Token(sign))
        tokens += [Token("…")] if part is None else grouped(part, level, draw, most, guard=bool(number))
    return tokens


def grouped(
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


def bracketed(part: Expr, level: int) -> str:
    """A part's symbols, in brackets where its precedence asks for them."""
    return f"({part.symbols()})" if part.precedence < level else part.symbols()
