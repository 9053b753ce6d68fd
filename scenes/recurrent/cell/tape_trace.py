"""How a recurrent computation is recorded: named tensors, their rules, and the rounding that they carry."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

from torchreel.scenes.trace.formula import Add, Case, Expr, Mul, Ref, Sum, Token, cells
from torchreel.scenes.trace.formula.tree import Bounded
from torchreel.scenes.trace.proof import Rule
from torchreel.scenes.trace.windows import spread


@dataclass(frozen=True, eq=False)
class Carried(Ref):
    """An element that was computed in float64 and stands for one that torch rounded: `size` `(B,)` went into it."""

    size: Tensor = field(default_factory=lambda: torch.zeros(1))

    def bounded(self, tensors: Mapping[str, Tensor]) -> Bounded:  # type: ignore[override]
        return Bounded(super().bounded(tensors).value, self.size)

    def at(self, position: Callable[[Tensor], Tensor]) -> Carried:
        return Carried(self.tensor, position(self.index), self.fill, None, position(self.size))


@dataclass(frozen=True)
class VectorPlaces:
    """Where vectors stand: leading indices `(B, n)` of one tensor or, by `which` `(B,)`, of one of several."""

    sources: tuple[tuple[str, Tensor], ...]
    which: Tensor

    @classmethod
    def one(cls, tensor: str, lead: Tensor) -> VectorPlaces:
        """All in one tensor."""
        return cls(((tensor, lead),), torch.zeros(len(lead), dtype=torch.int64))

    @property
    def names(self) -> tuple[str, ...]:
        """The tensors."""
        return tuple(name for name, _ in self.sources)

    def refs(self, last: Tensor) -> Expr:
        """Their elements at the positions `last` `(B, T, 1)`; one cell reads one tensor."""
        parts = tuple(
            Ref(name, torch.cat([spread(lead, last.shape[1]), last], -1)) for name, lead in self.sources
        )
        if len(parts) == 1 or len(self.which) == 1:
            return parts[int(self.which[0])]
        return Case(self.which[:, None].expand(last.shape[:2]), parts)

    def vectors(self, tensors: Mapping[str, Tensor]) -> Tensor:
        """All their elements in float64, `(B, T)`."""
        found = [tensors[name][tuple(lead.unbind(-1))].double() for name, lead in self.sources]
        vectors = found[0].expand(len(self.which), found[0].shape[-1])
        for number, other in enumerate(found[1:], 1):
            vectors = torch.where((self.which == number)[:, None], other, vectors)
        return vectors

    def at(self, position: Callable[[Tensor], Tensor]) -> VectorPlaces:
        """The same for chosen cells."""
        return VectorPlaces(
            tuple((name, position(lead)) for name, lead in self.sources), position(self.which)
        )


@dataclass(frozen=True, eq=False)
class RowDot(Expr):
    """A row of a weight times a vector of `count` elements, summed: read row by row, drawn product by product."""

    weight: str
    rows: Tensor
    places: VectorPlaces
    count: int
    precedence = 1

    @property
    def as_sum(self) -> Sum:
        """The same as a sum over elements."""
        columns = torch.arange(self.count).expand(len(self.rows), -1)[..., None]
        rows = self.rows[:, None, None].expand_as(columns)
        return Sum(Mul((Ref(self.weight, torch.cat([rows, columns], -1)), self.places.refs(columns))))

    def bounded(self, tensors: Mapping[str, Tensor]) -> Bounded:  # type: ignore[override]
        if any(not isinstance(tensors[name], Tensor) for name in (self.weight, *self.places.names)):
            return self.as_sum.bounded(tensors)
        products = tensors[self.weight][self.rows].double() * self.places.vectors(tensors)
        return Bounded(products.sum(-1), products.abs().sum(-1))

    def at(self, position: Callable[[Tensor], Tensor]) -> RowDot:
        return RowDot(self.weight, position(self.rows), self.places.at(position), self.count)

    def tokens(self, draw: Callable[[Ref], Token], most: int) -> list[Token]:
        return self.as_sum.tokens(draw, most)

    def refs(self) -> Iterator[Ref]:
        return self.as_sum.refs()

    def symbols(self) -> str:
        return self.as_sum.symbols()


class Tape:
    """Named tensors and the rules that fill them, as they are recorded.

    What torch returned is kept as it is; all else is computed in float64, with the sizes that went into it, which its
    rounding in torch's own precision grows with.
    """

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        self.tensors = dict(tensors)
        self.sizes: dict[str, Tensor] = {}
        self.rules: list[Rule] = []

    def ref(self, tensor: str, index: Tensor) -> Ref:
        """An element with what is known of its rounding."""
        if tensor not in self.sizes:
            return Ref(tensor, index)
        return Carried(tensor, index, size=self.sizes[tensor][tuple(index.unbind(-1))])

    def keep(self, name: str, bounded: Bounded, formula: Callable[[Tensor], Expr]) -> None:
        """A computed tensor, its sizes and its rule; a gate that infinity drives to its limit is exact."""
        value, size = bounded
        self.tensors[name] = value
        self.sizes[name] = torch.where(size.isfinite(), size, value.abs())
        self.rule(name, formula)

    def rule(self, name: str, formula: Callable[[Tensor], Expr]) -> None:
        """How a tensor that is known comes about."""
        self.rules.append(Rule(name, formula))

    def formula(self, name: str, at: Tensor) -> Expr:
        """The formula of a tensor that is recorded already, at some of its cells."""
        return next(rule for rule in self.rules if rule.tensor == name).formula(at)

    def fill(self, name: str, shape: tuple[int, ...], formula: Callable[[Tensor], Expr]) -> None:
        """A tensor as its formula says, unless torch returned it, and its rule."""
        if name in self.tensors:
            self.rule(name, formula)
            return
        value, size = formula(cells(shape, 0, torch.Size(shape).numel())).bounded(self.tensors)
        self.keep(name, Bounded(value.reshape(shape), size.reshape(shape)), formula)

    def linear(
        self, name: str, kind: str, source: Tensor, places: Callable[[Tensor], VectorPlaces], suffix: str = ""
    ) -> None:
        """`source W^T + b` of the weight of that kind; `places(lead)` says where a row of the source stands."""
        weight, bias = f"weight_{kind}{suffix}", f"bias_{kind}{suffix}"
        x, w = source.double(), self.tensors[weight].double()
        b = self.tensors[bias].double() if bias in self.tensors else None
        size = F.linear(x.abs(), w.abs(), None if b is None else b.abs())

        def row(at: Tensor) -> Expr:
            product = RowDot(weight, at[:, -1], places(at[:, :-1]), w.shape[1])
            return product if b is None else Add((product, Ref(bias, at[:, -1:])))

        self.keep(name, Bounded(F.linear(x, w, b), size), row)
