"""What the margin losses of several classes compute: by how much a wrong score comes too near to the right one.

Shapes: input `(N, C)` or `(C)`. MultiMarginLoss has one target class a sample, MultiLabelMarginLoss a list of them that
ends at the first negative number, MultiLabelSoftMarginLoss a 0 or 1 for each class and any leading dimensions.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from torchreel.scenes.loss.elementwise.written import Picked
from torchreel.scenes.loss.trace import aligned, along, computed, reduced
from torchreel.scenes.trace.formula import (
    Add,
    Case,
    Const,
    Div,
    Expr,
    Func,
    Lazy,
    Mul,
    Neg,
    Ref,
    Sub,
    Sum,
)
from torchreel.scenes.trace.operator import Call, Recording
from torchreel.scenes.trace.proof import Rule

_MOST_HINGES = 1 << 20


def record_multi_margin(call: Call) -> Recording:
    """`hinge`: how far each wrong class is inside the margin, to the power p, weighted; `loss`: their sum over C."""
    module: Any = call.module
    scores, target = call.inputs["input"], call.inputs["target"]
    shape = tuple(target.shape)
    hinges = _Hinges(scores, target.reshape(-1, 1), module.margin, module.p, module.weight)
    tensors: dict[str, Any] = {"input": scores, "target": target}
    if module.weight is not None:
        tensors["weight"] = module.weight

    def hinge(cells: Tensor) -> Expr:
        return hinges.hinge(cells[:, 0], torch.zeros_like(cells[:, 0]), cells[:, 1])

    def loss(cells: Tensor) -> Expr:
        at = along(_sample(cells), 1, hinges.classes)
        own = hinges.is_target[at[..., 0], at[..., 1]]
        return Div(Sum(Ref("hinge", at, fill=0.0, skip=own)), Const(hinges.classes))

    whole = (hinges.samples, hinges.classes)
    tensors["hinge"] = computed(hinge, whole, tensors)
    tensors["loss"] = computed(loss, shape, tensors)
    tensors["output"] = call.output
    rules = Rule("hinge", hinge), Rule("loss", loss), reduced(module.reduction, loss, tensors, unset=True)
    return Recording(tensors, rules, ("output",))


def record_multi_label_margin(call: Call) -> Recording:
    """`hinge[n, j, i]`: how far class i, which is no target, comes near the j-th target; `loss`: their sum over C."""
    module: Any = call.module
    scores, target = call.inputs["input"], call.inputs["target"]
    listed = target.reshape(-1, scores.shape[-1] if scores.ndim else 1)
    hinges = _Hinges(scores, listed, 1.0, 1, None)
    size = hinges.classes
    tensors: dict[str, Any] = {"input": scores, "target": target}

    def hinge(cells: Tensor) -> Expr:
        return hinges.hinge(cells[..., 0], cells[..., 1], cells[..., 2])

    def loss(cells: Tensor) -> Expr:
        pairs = along(along(_sample(cells), 1, size).reshape(-1, 2), 2, size).reshape(len(cells), -1, 3)
        if not ruled:
            return Div(Sum(hinge(pairs)), Const(size))
        return Div(Sum(Ref("hinge", pairs, fill=0.0, skip=~hinges.compares(pairs))), Const(size))

    whole = (hinges.samples, size, size)
    ruled = math.prod(whole) <= _MOST_HINGES
    tensors["hinge"] = (
        computed(hinge, whole, tensors)
        if ruled
        else Lazy(whole, lambda at: hinge(at).evaluate(tensors), torch.float64)
    )
    tensors["loss"] = computed(loss, tuple(scores.shape[:-1]), tensors)
    tensors["output"] = call.output
    rules = [Rule("loss", loss), reduced(module.reduction, loss, tensors, unset=True)]
    return Recording(tensors, (*([Rule("hinge", hinge)] if ruled else []), *rules), ("output",))


def record_multi_label_soft_margin(call: Call) -> Recording:
    """`term`: the binary cross entropy of each class with its target; `loss`: their mean over the classes."""
    module: Any = call.module
    scores, target, weight = call.inputs["input"], call.inputs["target"], module.weight
    tensors: dict[str, Any] = {"input": scores, "target": target}
    given = [scores, target]
    if weight is not None:
        tensors["weight"] = weight
        given.append(weight)
    whole = tuple(np.broadcast_shapes(*(part.shape for part in given)))
    classes = scores.shape[-1]

    def term(cells: Tensor) -> Expr:
        x, y = Ref("input", aligned(cells, scores.shape)), Ref("target", aligned(cells, target.shape))
        log_yes, log_no = Func("logsigmoid", x), Func("logsigmoid", Neg(x))
        yes = Mul((y, log_yes))
        no = Mul((Sub(Const(1), y), log_no))
        chosen = _which(y.evaluate(tensors), (1.0, 0.0))
        exact = chosen if bool(scores.isfinite().all()) else torch.full_like(chosen, 2)
        body = Neg(Picked(exact, (log_yes, log_no, Add((yes, no))), (y,)))
        return body if weight is None else Mul((Ref("weight", aligned(cells, weight.shape)), body))

    def loss(cells: Tensor) -> Expr:
        return Div(Sum(Ref("term", along(cells, len(whole) - 1, whole[-1]))), Const(classes))

    tensors["term"] = computed(term, whole, tensors)
    tensors["loss"] = computed(loss, whole[:-1], tensors)
    tensors["output"] = call.output
    return Recording(
        tensors,
        (Rule("term", term), Rule("loss", loss), reduced(module.reduction, loss, tensors)),
        ("output",),
    )


class _Hinges:
    """max(0, margin − x[target] + x[i])^p for scores `(N, C)` or less, targets `(N, J)`."""

    def __init__(
        self, scores: Tensor, target: Tensor, margin: float, power: int, weight: Tensor | None
    ) -> None:
        self.scores, self.ndim = scores, scores.ndim
        self.classes = scores.shape[-1] if scores.ndim else 1
        self.samples = len(target)
        self.target, self.margin, self.power, self.weight = target, margin, power, weight
        ended = (target < 0).long().cumsum(-1) > 0
        self.live = ~ended
        self.is_target = torch.zeros(self.samples, self.classes, dtype=torch.bool)
        rows = torch.arange(self.samples)[:, None].expand_as(target)[self.live]
        self.is_target[rows, target[self.live]] = True

    def compares(self, pairs: Tensor) -> Tensor:
        """Whether `(sample, slot, class)` are a right class and a wrong one."""
        sample, slot, other = pairs.unbind(-1)
        return self.live[sample, slot] & ~self.is_target[sample, other]

    def hinge(self, sample: Tensor, slot: Tensor, other: Tensor) -> Expr:
        """What class `other` adds because of the target in `slot`; NaN adds nothing, as in torch."""
        live = self.live[sample, slot]
        right = torch.where(live, self.target[sample, slot], 0)
        x, y = Ref("input", self._at(sample, other)), Ref("input", self._at(sample, right))
        inside = Add((Sub(Const(self.margin), y), x))
        counts = live & ~self.is_target[sample, other] & (inside.evaluate({"input": self.scores}) > 0)
        whole: Expr = inside if self.power == 1 else Func("square", inside)
        if self.weight is not None:
            whole = Mul((Ref("weight", right[..., None]), whole))
        return Case(counts.long(), (Const(0), whole))

    def _at(self, sample: Tensor, place: Tensor) -> Tensor:
        index = torch.stack([sample, place], -1)
        return index[..., 2 - self.ndim :]


def _sample(cells: Tensor) -> Tensor:
    """The sample's number as the only axis, also where torch has no batch."""
    return cells if cells.shape[-1] else torch.zeros(len(cells), 1, dtype=torch.int64)


def _which(values: Tensor, known: tuple[float, ...]) -> Tensor:
    """The place of each value among the known ones; their number for any other."""
    found = torch.full(values.shape, len(known))
    for number, value in enumerate(known):
        found = torch.where(values == value, number, found)
    return found
