"""What embeddings compute: rows of a table, copied one by one or brought together in bags.

`nn.Embedding` https://docs.pytorch.org/docs/stable/generated/torch.nn.Embedding.html and `nn.EmbeddingBag`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from torchreel.scenes.trace.formula import (
    Add,
    Case,
    Const,
    Div,
    Expr,
    Func,
    Max,
    Mul,
    Pow,
    Ref,
    Sum,
    as_held,
    held,
    norm_type,
)
from torchreel.scenes.trace.operator import Call, Recording
from torchreel.scenes.trace.proof import Rule, Trace

_MOST_GRADIENT = 4096
_MOST_RUNNING = 1 << 16
_TINY = 1e-7


def record_embedding(call: Call) -> Recording:
    """`output` `(*, D)` is `weight[input]`; with `padding_idx` also `grad` `(V, D)`, that of the output's sum."""
    module, ids = call.module, call.inputs["input"]
    table = _Table(call)
    tensors = {"input": ids, **table.tensors, "output": call.output}
    rules = [*table.rules, Rule("output", partial(_looked_up, table.name, ids))]
    if _shows_gradient(module):
        tensors["grad"] = _gradient(module, ids)
        rules.append(_gradient_rule(module, ids))
    return Recording(tensors, tuple(rules))


def _looked_up(table: str, ids: Tensor, cells: Tensor) -> Ref:
    rows = ids[tuple(cells[:, :-1].unbind(1))] if ids.ndim else ids.expand(len(cells))
    return Ref(table, torch.stack([rows.long(), cells[:, -1]], 1))


class _Table:
    """The rows that are looked up: `weight`, or `renormed` where `max_norm` shortens the rows used."""

    def __init__(self, call: Call) -> None:
        self.module = call.module
        weight = self.module.weight.detach()
        self.name = "weight" if self.module.max_norm is None else "renormed"
        self.tensors: dict[str, Tensor] = {"weight": weight}
        self.rules: tuple[Rule, ...] = ()
        if self.module.max_norm is not None:
            self.summed_in = norm_type(weight.dtype, weight.shape[1])
            self.tensors["norm"] = self._norms(weight.double().abs(), float(self.module.norm_type))
            self.tensors["renormed"] = call.after.weight.detach()
            used = torch.zeros(len(weight), dtype=torch.bool)
            used[call.inputs["input"].reshape(-1).long()] = True
            self.shortened = used & (self.tensors["norm"] > self.module.max_norm)
            self.rules = (Rule("norm", self._norm), Rule("renormed", self._renormed))

    def _norm(self, cells: Tensor) -> Expr:
        width, power = self.tensors["weight"].shape[1], float(self.module.norm_type)
        row = Ref("weight", _all_columns(cells[:, 0], width))
        if math.isinf(power):
            return Max(Func("abs", row))
        powers = held(Pow(Func("abs", row), Const(power)), self.tensors, self.summed_in)
        return Pow(held(Sum(powers), self.tensors, self.summed_in), Const(1 / power))

    def _norms(self, sizes: Tensor, power: float) -> Tensor:
        if math.isinf(power):
            return torch.linalg.vector_norm(sizes, power, -1)
        total = as_held(sizes**power, self.summed_in).sum(-1)
        return as_held(total, self.summed_in) ** (1 / power)

    def _renormed(self, cells: Tensor) -> Expr:
        whole = Ref("weight", cells)
        norm = Add((Ref("norm", cells[:, :1]), Const(_TINY, "1e−7")))
        return Case(
            self.shortened[cells[:, 0]].long(), (whole, Mul((whole, Div(Const(self.module.max_norm), norm))))
        )


def _all_columns(rows: Tensor, width: int) -> Tensor:
    return torch.stack([rows[:, None].expand(-1, width), torch.arange(width).expand(len(rows), -1)], -1)


def _shows_gradient(module: Any) -> bool:
    """Whether the gradient is small enough to look at, and simple: how often each row was used."""
    plain = module.max_norm is None and not module.scale_grad_by_freq
    return module.padding_idx is not None and plain and module.weight.numel() <= _MOST_GRADIENT


def _gradient(module: Any, ids: Tensor) -> Tensor:
    with torch.enable_grad():
        weight = module.weight.detach().double().requires_grad_()
        total = torch.nn.functional.embedding(ids, weight, module.padding_idx).sum()
        return torch.autograd.grad(total, weight)[0]


def _gradient_rule(module: Any, ids: Tensor) -> Rule:
    """Each use of a row adds 1, those of the padding row nothing."""
    flat = ids.reshape(-1).long()

    def target(cells: Tensor) -> Tensor:
        return torch.stack([flat[cells[:, 0]], cells[:, 1]], 1)

    def one(cells: Tensor) -> Expr:
        return Case((flat[cells[:, 0]] == module.padding_idx).long(), (Const(1), Const(0)))

    return Rule(
        "grad", one, over=(len(flat), module.weight.shape[1]), target=target, accumulate=True, rest=0.0
    )


@dataclass(frozen=True)
class Bags:
    """Which positions of the flat `ids` each bag holds: `members` `(bags, T)`, with `absent` where a bag has fewer.

    `count` `(bags,)` is how many there are. Ids equal to `padding_idx` count in no bag; `owners` `(len(ids),)` says in
    which bag each id stands, counted or not, -1 for ids after the last bag.
    """

    ids: Tensor
    members: Tensor
    absent: Tensor
    count: Tensor
    owners: Tensor

    @classmethod
    def of(cls, module: Any, ids: Tensor, offsets: Tensor | None) -> Bags:
        """The bags of a call: rows of two-dimensional ids, or runs of flat ones that begin at `offsets`."""
        flat = ids.reshape(-1).long()
        if ids.ndim == 2:
            starts = torch.arange(len(ids)) * ids.shape[1]
        else:
            starts = torch.as_tensor(offsets).long()
            starts = starts[:-1] if module.include_last_offset else starts
        owners = torch.searchsorted(starts, torch.arange(len(flat)), right=True) - 1
        kept = (
            torch.ones(len(flat), dtype=torch.bool)
            if module.padding_idx is None
            else flat != module.padding_idx
        )
        if module.include_last_offset and ids.ndim == 1 and len(torch.as_tensor(offsets)):
            inside = torch.arange(len(flat)) < torch.as_tensor(offsets)[-1]
            kept, owners = kept & inside, torch.where(inside, owners, -1)
        positions = kept.nonzero()[:, 0]
        bags = owners[positions]
        count = torch.bincount(bags, minlength=len(starts)) if len(starts) else bags[:0]
        place = torch.arange(len(positions)) - (count.cumsum(0) - count)[bags]
        most = max(1, int(count.max()) if len(count) else 1)
        members = torch.zeros((len(starts), most), dtype=torch.int64)
        members[bags, place] = positions
        return cls(flat, members, torch.arange(most) >= count[:, None], count, owners)

    def contents(self) -> list[list[int]]:
        """The positions of each bag's ids, counted or not."""
        found: list[list[int]] = [[] for _ in range(len(self.count))]
        for position, owner in enumerate(self.owners.tolist()):
            if owner >= 0:
                found[owner].append(position)
        return found


def record_bag(call: Call) -> Recording:
    """`output` `(bags, D)`: the sum, mean or maximum of the rows of each bag, of an empty one zeros.

    `running` `(bags, T, D)` is what has come together after each of a bag's rows, as long as it is not too large.
    """
    ids, offsets = call.inputs["input"], _argument(call, "offsets")
    table = _Table(call)
    bags = Bags.of(call.module, ids, offsets)
    reduction = _Reduction(call.module.mode, table, bags, _argument(call, "per_sample_weights"))
    tensors: dict[str, Tensor] = {"input": ids, **table.tensors, "count": bags.count}
    rules = [*table.rules, Rule("count", partial(_counted, bags))]
    if offsets is not None:
        tensors["offsets"] = torch.as_tensor(offsets)
    if reduction.weights is not None:
        tensors["per_sample_weights"] = reduction.weights
    if bags.members.numel() * call.module.weight.shape[1] <= _MOST_RUNNING:
        rows = tensors[table.name][bags.ids[bags.members]] if len(bags.ids) else None
        if rows is not None:
            tensors["running"] = reduction.running(rows)
            rules.append(Rule("running", reduction.so_far))
    tensors["output"] = call.output
    rules.append(Rule("output", reduction.result))
    return Recording(tensors, tuple(rules))


def _argument(call: Call, name: str) -> Any:
    return call.inputs.get(name, call.call.get(name))


def _counted(bags: Bags, cells: Tensor) -> Expr:
    present = (~bags.absent).sum(1)
    return Case(present[cells[:, 0]], tuple(Const(number) for number in range(bags.members.shape[1] + 1)))


class _Reduction:
    """How the rows of a bag become one."""

    def __init__(self, mode: str, table: _Table, bags: Bags, weights: Tensor | None) -> None:
        self.mode, self.table, self.bags = mode, table.name, bags
        self.nan = table.tensors[table.name].isnan()
        self.weights = None if weights is None else weights.detach()

    def running(self, rows: Tensor) -> Tensor:
        """What has come together after each row `(bags, T, D)`, in float64; where a bag has ended it stays."""
        rows, absent = rows.double(), self.bags.absent[..., None]
        if self.mode == "max":
            later = torch.arange(rows.shape[1])[:, None] > 0
            largest = rows.masked_fill(absent | rows.isnan() & later, -math.inf).cummax(1).values
            return largest.masked_fill((self.bags.count == 0)[:, None, None], 0)
        if self.weights is not None:
            rows = rows * self.weights.reshape(-1)[self.bags.members].double()[..., None]
        return torch.where(absent, 0, rows).cumsum(1)

    def so_far(self, cells: Tensor) -> Expr:
        """running: the rows of a bag up to one of them, added up or compared."""
        bag, last = cells[:, 0], cells[:, 1]
        skip = self.bags.absent[bag] | (torch.arange(self.bags.members.shape[1]) > last[:, None])
        return self._together(bag, cells[:, 2], skip)

    def result(self, cells: Tensor) -> Expr:
        """output: all rows of a bag, divided by their number for the mean."""
        bag = cells[:, 0]
        whole = self._together(bag, cells[:, 1], self.bags.absent[bag])
        if self.mode != "mean":
            return whole
        mean = Div(whole, Ref("count", bag[:, None]))
        return Case((self.bags.count[bag] == 0).long(), (mean, Const(0)))

    def _together(self, bag: Tensor, column: Tensor, skip: Tensor) -> Expr:
        members = self.bags.members[bag]
        rows = self.bags.ids[members] if len(self.bags.ids) else members
        index = torch.stack([rows, column[:, None].expand_as(rows)], -1)
        if self.mode == "max":
            # Torch keeps what came first unless something is larger, so only a NaN that comes first stays.
            skip = skip | self.nan[rows, index[..., 1]] & (torch.arange(rows.shape[1]) > 0)
            largest = Max(Ref(self.table, index, fill=-math.inf, skip=skip))
            return Case((self.bags.count[bag] == 0).long(), (largest, Const(0)))
        row: Expr = Ref(self.table, index, fill=0.0, skip=skip)
        if self.weights is not None:
            place = members[..., None] if self.weights.ndim == 1 else _places(members, self.weights.shape[1])
            row = Mul((row, Ref("per_sample_weights", place, fill=0.0, skip=skip)))
        return Sum(row)


def _places(members: Tensor, width: int) -> Tensor:
    return torch.stack([members // width, members % width], -1)


def sparse_facts(trace: Trace) -> dict[str, bool]:
    """What captions may claim of lookups and bags.

    `padding_used`: an id is the padding row's. `graded`: the gradient is shown. Of bags, how their rows come together:
    `weighted`, `mean`, or `largest`, where no NaN makes that doubtful.
    """
    module: Any = trace.module
    padding, ids = module.padding_idx, trace.tensors["input"]
    mode, weight = getattr(module, "mode", ""), trace.tensors["weight"]
    assert isinstance(ids, Tensor) and isinstance(weight, Tensor)
    return {
        "padding_used": padding is not None and bool((ids == padding).any()),
        "graded": "grad" in trace.tensors,
        "weighted": "per_sample_weights" in trace.tensors,
        "mean": mode == "mean",
        "largest": mode == "max" and not bool(weight.isnan().any()),
        "max": mode == "max",
    }
