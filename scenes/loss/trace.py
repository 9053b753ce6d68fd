"""What the traces of all losses share: broadcast arguments, tensors that a formula fills, and the reduction.

A loss trace holds its inputs, the intermediate tensors in float64 (the last one is `loss`, one value for each element
or row), and `output`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from torchreel.scenes.trace.formula import Const, Div, Expr, Ref, Rounded, Sum, Tensors, cells
from torchreel.scenes.trace.formula.tree import Bounded
from torchreel.scenes.trace.operator import Recording
from torchreel.scenes.trace.proof import Rule

Formula = Callable[[Tensor], Expr]
_AT_ONCE = 1 << 17


def aligned(index: Tensor, shape: Sequence[int]) -> Tensor:
    """Where a broadcast tensor of `shape` is read for cells `(…, ndim)` of the result."""
    own = index[..., index.shape[-1] - len(shape) :]
    return own * torch.tensor([size > 1 for size in shape], dtype=torch.int64)


def along(index: Tensor, axis: int, size: int) -> Tensor:
    """All `size` places along a new `axis` for each of the cells `(B, ndim)`: `(B, size, ndim + 1)`."""
    places = torch.arange(size).expand(len(index), size)
    rest = [index[:, k : k + 1].expand(-1, size) for k in range(index.shape[1])]
    return torch.stack([*rest[:axis], places, *rest[axis:]], -1)


def everything(shape: Sequence[int]) -> Tensor:
    """All cells of a tensor as the terms of one sum, `(1, T, ndim)`."""
    return cells(shape, 0, math.prod(shape))[None]


def computed(formula: Formula, shape: Sequence[int], tensors: Tensors) -> Tensor:
    """The float64 tensor that a formula fills."""
    parts = [one.value.expand(len(batch)) for batch, one in _batches(formula, shape, tensors)]
    return torch.cat([torch.zeros(0, dtype=torch.float64), *parts]).reshape(tuple(shape))


def size_of(formula: Formula, shape: Sequence[int], tensors: Tensors) -> float:
    """What the values of a formula over `shape` are made of, added up: the measure of their rounding errors."""
    sizes = (one.size.expand(len(batch)) for batch, one in _batches(formula, shape, tensors))
    return sum(float(size.nan_to_num(0.0, 0.0, 0.0).sum()) for size in sizes)


def _batches(formula: Formula, shape: Sequence[int], tensors: Tensors) -> Iterator[tuple[Tensor, Bounded]]:
    """A formula's values over all cells, as many at a time as keep the terms bounded."""
    count = math.prod(shape)
    step = max(1, _AT_ONCE // formula(cells(shape, 0, 1)).terms) if count else 1
    for start in range(0, count, step):
        batch = cells(shape, start, min(start + step, count))
        yield batch, formula(batch).bounded(tensors)


def reduced(
    reduction: str, loss: Formula, tensors: Tensors, divisor: Expr | None = None, unset: bool = False
) -> Rule:
    """How `output` comes from the tensor "loss", which `loss` fills.

    A mean divides by `divisor`, by default the number of losses. `unset` says that torch writes nothing at all where
    there is no loss, and returns what stood in memory.
    """
    shape = tuple(tensors["loss"].shape)
    if reduction == "none":
        return Rule("output", lambda at: Rounded(Ref("loss", at), loss(at)))
    if unset and not math.prod(shape):
        found = Const(float(tensors["output"]))  # type: ignore[arg-type]
        return Rule("output", lambda _: found)
    total, origin = Sum(Ref("loss", everything(shape))), Const(size_of(loss, shape, tensors))
    if reduction == "sum":
        return Rule("output", lambda _: Rounded(total, origin))
    by = divisor or Const(math.prod(shape))
    return Rule("output", lambda _: Rounded(Div(total, by), Div(origin, by)))


def concluded(
    reduction: str,
    formula: Formula,
    tensors: dict[str, Tensor],
    rules: tuple[Rule, ...],
    divisor: Expr | None = None,
) -> Recording:
    """The recording of a loss whose `tensors` hold `loss` (filled by `formula`) and `output` already.

    `reduction` is "none", "sum", or "mean", which divides by `divisor`, by default the number of losses. Adds the rules
    of both, and for a mean `total`, the sum, so that a clip can show sum and divisor apart.
    """
    known: Tensors = tensors
    if reduction != "mean":
        return Recording(tensors, (*rules, reduced(reduction, formula, known)))
    shape = tuple(tensors["loss"].shape)
    total, size = tensors["loss"].sum(dtype=torch.float64), Const(size_of(formula, shape, known))
    by = divisor or Const(math.prod(shape))
    added = replace(reduced("sum", formula, known), tensor="total")
    mean = Rule("output", lambda at: Rounded(Div(Ref("total", at), by), Div(size, by)))
    return Recording({**tensors, "total": total}, (*rules, added, mean))
