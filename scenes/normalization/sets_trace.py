"""Sets of elements that share one mean and one variance: what the normalization layers differ in.

BatchNorm keeps channels apart, LayerNorm the axes before the normalized ones, InstanceNorm samples and channels,
GroupNorm samples and groups of channels. Whatever is not kept apart is averaged over.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from torchreel.scenes.trace.formula import Add, Const, Div, Expr, Func, Mul, Ref, Sub, Sum
from torchreel.scenes.trace.formula import cells as grid_cells
from torchreel.scenes.trace.operator import Call
from torchreel.scenes.trace.proof import Rule

_TINY = 1e-4


@dataclass(frozen=True)
class Partition:
    """The sets of elements of an input that share statistics: equal boxes that tile it.

    `parts` says for each axis that is kept apart into how many parts it is cut; a set spans the other axes whole. The
    statistics have one axis for each kept one, in order: `sets` is their shape.
    """

    shape: tuple[int, ...]
    parts: Mapping[int, int]

    @property
    def sets(self) -> tuple[int, ...]:
        """The shape of a statistic."""
        return tuple(self.parts.values())

    @property
    def spans(self) -> tuple[int, ...]:
        """How far one set reaches along each axis of the input."""
        return tuple(size // max(1, self.parts.get(axis, 1)) for axis, size in enumerate(self.shape))

    @property
    def size(self) -> int:
        """How many elements share one mean and one variance."""
        return math.prod(self.spans)

    def members(self, cells: Tensor) -> Tensor:
        """The elements `(B, size, ndim)` of the sets `cells` `(B, len(sets))`, row-major."""
        return self.first(cells)[:, None, :] + grid_cells(self.spans, 0, self.size)

    def first(self, cells: Tensor) -> Tensor:
        """The first element `(B, ndim)` of each set."""
        corner = torch.zeros(len(cells), len(self.shape), dtype=torch.int64)
        for column, axis in enumerate(self.parts):
            corner[:, axis] = cells[:, column] * self.spans[axis]
        return corner

    def set_of(self, at: Tensor) -> Tensor:
        """The set `(B, len(sets))` that each element `(B, ndim)` belongs to."""
        return torch.stack([at[:, axis] // max(1, self.spans[axis]) for axis in self.parts], 1)

    def mean(self, x: Tensor) -> Tensor:
        """The mean of every set in float64, exact where all its elements are equal; NaN for sets without elements."""
        if not self.size:
            return torch.full(self.sets, math.nan, dtype=torch.float64)
        split, spanned = self._split(x.double())
        corner = split[tuple(slice(0, 1) if axis in spanned else slice(None) for axis in range(split.ndim))]
        anchor = corner.nan_to_num(0.0, 0.0, 0.0)
        return (anchor + (split - anchor).mean(spanned, keepdim=True)).reshape(self.sets)

    def any(self, x: Tensor) -> Tensor:
        """Whether a bool tensor of the input's shape holds anywhere in each set."""
        split, spanned = self._split(x)
        return split.sum(spanned).reshape(self.sets) > 0

    def spread(self, statistic: Tensor) -> Tensor:
        """A statistic repeated for every element: the shape of the input."""
        counts = [self.parts.get(axis, 1) for axis in range(len(self.shape))]
        pairs = [size for pair in zip(counts, self.spans, strict=True) for size in pair]
        ones = [size for count in counts for size in (count, 1)]
        return statistic.reshape(ones).expand(pairs).reshape(self.shape)

    def _split(self, x: Tensor) -> tuple[Tensor, tuple[int, ...]]:
        """The input with each axis as (parts, span), and which of these axes a set spans."""
        counts = [self.parts.get(axis, 1) for axis in range(len(self.shape))]
        pairs = [size for pair in zip(counts, self.spans, strict=True) for size in pair]
        return x.reshape(pairs), tuple(range(1, len(pairs), 2))


def given(call: Call) -> Tensor:
    """The one input of a call, whatever forward calls it and whether or not it was given by name."""
    x: Tensor = next(iter({**call.inputs, **call.call}.values()))
    return x


def mean_of(terms: Expr, count: int) -> Expr:
    """The mean of so many terms; that of none is NaN."""
    return Div(Sum(terms), Const(count)) if count else Const(math.nan, "NaN")


def epsilon(eps: float) -> Const:
    """What is added to a variance, by its letter where it is too small to matter in what is printed."""
    return Const(eps, "ε" if 0 < eps <= _TINY else f"{eps:g}")


@dataclass(frozen=True)
class Statistics:
    """Mean and variance of every set as tensors `<name>.mean` and `<name>.var`, and the rules that prove them."""

    name: str
    partition: Partition
    eps: float

    def tensors(self, x: Tensor) -> dict[str, Tensor]:
        mean = self.partition.mean(x)
        centered = x.double() - self.partition.spread(mean)
        return {f"{self.name}.mean": mean, f"{self.name}.var": self.partition.mean(centered.square())}

    def rules(self) -> tuple[Rule, ...]:
        return (
            Rule(f"{self.name}.mean", self._mean),
            Rule(f"{self.name}.var", self._var),
        )

    def proves(self, result: str, weighted: bool = False, biased: bool = False) -> Rule:
        """The rule that torch's `result` comes from these statistics, then `weight` and `bias` by channel."""
        return Rule(result, lambda cells: self._result(cells, weighted, biased))

    def _mean(self, cells: Tensor) -> Expr:
        return mean_of(Ref("input", self.partition.members(cells)), self.partition.size)

    def _var(self, cells: Tensor) -> Expr:
        members = self.partition.members(cells)
        mean = Ref(f"{self.name}.mean", cells[:, None, :].expand(-1, members.shape[1], -1))
        squares = Func("square", Sub(Ref("input", members), mean))
        return mean_of(squares, self.partition.size)

    def _result(self, cells: Tensor, weighted: bool, biased: bool) -> Expr:
        shared = self.partition.set_of(cells)
        std = Func("sqrt", Add((Ref(f"{self.name}.var", shared), epsilon(self.eps))))
        result: Expr = Div(Sub(Ref("input", cells), Ref(f"{self.name}.mean", shared)), std)
        if weighted:
            result = Mul((result, Ref("weight", cells[:, 1:2])))
        return Add((result, Ref("bias", cells[:, 1:2]))) if biased else result
