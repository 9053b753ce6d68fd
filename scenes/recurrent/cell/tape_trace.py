"""How a recurrent computation is recorded: named tensors, their rules, and the rounding that they carry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

from torchreel.scenes.trace.formula import Add, Dot, Expr, Factor, Ref, Strip
from torchreel.scenes.trace.formula.tree import Bounded
from torchreel.scenes.trace.rules import Rule, evaluated


@dataclass(frozen=True, eq=False)
class Carried(Ref):
    """An element that was computed in float64 and stands for one that torch rounded: `size` `(B,)` went into it."""

    size: Tensor = field(default_factory=lambda: torch.zeros(1))

    def bounded(self, tensors: Mapping[str, Tensor]) -> Bounded:  # type: ignore[override]
        return Bounded(super().bounded(tensors).value, self.size)

    def at(self, position: Callable[[Tensor], Tensor]) -> Carried:
        return Carried(self.tensor, position(self.index), self.fill, None, position(self.size))


@dataclass(frozen=True, eq=False)
class CarriedDot(Dot):
    """A sum of products of elements that stand for ones that torch rounded: `size` `(B,)` went into it."""

    size: Tensor = field(default_factory=lambda: torch.zeros(1))

    def bounded(self, tensors: Mapping[str, Tensor]) -> Bounded:  # type: ignore[override]
        return Bounded(super().bounded(tensors).value, self.size)


def vector(tensor: str, count: int, lead: Tensor) -> Strip:
    """Vectors of `count` elements of a tensor, by their leading indices `(B, n)`."""
    return Strip(tensor, F.pad(lead, (0, 1)), F.pad(torch.arange(count)[:, None], (lead.shape[1], 0)))


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
        self.keep(name, evaluated(formula, shape, self.tensors), formula)

    def linear(
        self, name: str, kind: str, source: Tensor, vectors: Callable[[Tensor], Factor], suffix: str = ""
    ) -> None:
        """`source W^T + b` of the weight of that kind; `vectors(lead)` says where a row of the source stands."""
        weight, bias = f"weight_{kind}{suffix}", f"bias_{kind}{suffix}"
        x, w = source.double(), self.tensors[weight].double()
        b = self.tensors[bias].double() if bias in self.tensors else None
        size = F.linear(x.abs(), w.abs(), None if b is None else b.abs())

        def row(at: Tensor) -> Expr:
            product = Dot((vector(weight, w.shape[1], at[:, -1:]), vectors(at[:, :-1])), columns=(0,))
            return product if b is None else Add((product, Ref(bias, at[:, -1:])))

        self.keep(name, Bounded(F.linear(x, w, b), size), row)
