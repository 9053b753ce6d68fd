"""Sets of elements that share one mean and one variance: what the four normalization layers differ in.

All four look at the same `(N, C, *)` tensor. BatchNorm keeps channels apart, LayerNorm samples, InstanceNorm
both, GroupNorm samples and groups of channels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from torchreel.scenes.formula import Add, Const, Div, Expr, Func, Mul, Ref, Sub, Sum
from torchreel.scenes.trace import Rule


@dataclass(frozen=True)
class Partition:
    """The sets of elements of an input `(N, C, *)` that share statistics.

    A set spans all samples or, with `by_sample`, one; and all channels or, with `groups`, C / groups of them.
    The statistics have one axis for each of the two that is kept apart: `(N, groups)`, `(N,)` or `(groups,)`.
    """

    shape: tuple[int, ...]
    by_sample: bool
    groups: int | None

    @property
    def sets(self) -> tuple[int, ...]:
        """The shape of a statistic."""
        return (self.shape[0],) * self.by_sample + ((self.groups,) if self.groups is not None else ())

    @property
    def channels(self) -> int:
        """How many channels one set spans."""
        return self.shape[1] // (self.groups or 1)

    @property
    def size(self) -> int:
        """How many elements share one mean and one variance."""
        samples = 1 if self.by_sample else self.shape[0]
        return samples * self.channels * math.prod(self.shape[2:])

    def members(self, cells: Tensor) -> Tensor:
        """The elements `(B, size, ndim)` of the sets `cells` `(B, len(sets))`, row-major."""
        spans = [1 if self.by_sample else self.shape[0], self.channels, *self.shape[2:]]
        offsets = torch.cartesian_prod(*map(torch.arange, spans)).reshape(-1, len(spans))
        first = torch.zeros(len(cells), len(spans), dtype=torch.int64)
        if self.by_sample:
            first[:, 0] = cells[:, 0]
        if self.groups is not None:
            first[:, 1] = cells[:, -1] * self.channels
        return first[:, None, :] + offsets

    def set_of(self, at: Tensor) -> Tensor:
        """The set `(B, len(sets))` that each element `(B, ndim)` belongs to."""
        kept = [at[:, :1]] if self.by_sample else []
        if self.groups is not None:
            kept.append(at[:, 1:2] // self.channels)
        return torch.cat(kept, 1)

    def mean(self, x: Tensor) -> Tensor:
        """The mean of every set; added up in float64, rounded once to the dtype of `x`."""
        split = x.double().reshape(self.shape[0], self.groups or 1, self.channels, math.prod(self.shape[2:]))
        return split.mean((2, 3) if self.by_sample else (0, 2, 3)).reshape(self.sets).to(x.dtype)

    def spread(self, statistic: Tensor) -> Tensor:
        """A statistic repeated for every element: the shape of the input."""
        kept = (self.shape[0] if self.by_sample else 1, self.groups or 1)
        per_channel = statistic.reshape(kept).repeat_interleave(self.channels, 1)
        return per_channel.reshape(*per_channel.shape, *(1 for _ in self.shape[2:])).expand(self.shape)


def mean_of(partition: Partition, cells: Tensor) -> Expr:
    """The mean of the input over each set."""
    return Div(Sum(Ref("input", partition.members(cells))), Const(partition.size))


@dataclass(frozen=True)
class Statistics:
    """Mean and variance of every set as tensors `<name>.mean` and `<name>.var`, and the rules that prove them."""

    name: str
    partition: Partition
    eps: float

    def tensors(self, x: Tensor) -> dict[str, Tensor]:
        mean = self.partition.mean(x)
        centered = x.double() - self.partition.spread(mean)
        return {
            f"{self.name}.mean": mean,
            f"{self.name}.var": self.partition.mean(centered.square()).to(x.dtype),
        }

    def rules(self) -> tuple[Rule, ...]:
        return (
            Rule(f"{self.name}.mean", lambda cells: mean_of(self.partition, cells)),
            Rule(f"{self.name}.var", self._var),
        )

    def proves(self, result: str, weighted: bool = False, biased: bool = False) -> Rule:
        """The rule that torch's `result` comes from these statistics, then `weight` and `bias` by channel."""
        return Rule(result, lambda cells: self._result(cells, weighted, biased))

    def _var(self, cells: Tensor) -> Expr:
        members = self.partition.members(cells)
        mean = Ref(f"{self.name}.mean", cells[:, None, :].expand(-1, members.shape[1], -1))
        squares = Func("square", Sub(Ref("input", members), mean))
        return Div(Sum(squares), Const(self.partition.size))

    def _result(self, cells: Tensor, weighted: bool, biased: bool) -> Expr:
        shared = self.partition.set_of(cells)
        std = Func("sqrt", Add((Ref(f"{self.name}.var", shared), Const(self.eps))))
        result: Expr = Div(Sub(Ref("input", cells), Ref(f"{self.name}.mean", shared)), std)
        if weighted:
            result = Mul((result, Ref("weight", cells[:, 1:2])))
        return Add((result, Ref("bias", cells[:, 1:2]))) if biased else result
