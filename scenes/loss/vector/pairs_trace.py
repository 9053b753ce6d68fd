"""What MarginRankingLoss and CosineEmbeddingLoss compute from two inputs and a target of 1 or −1."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from torchreel.scenes.loss.trace import aligned, along, computed, reduced
from torchreel.scenes.trace.formula import (
    Add,
    Case,
    Const,
    Div,
    Expr,
    Func,
    Instead,
    Largest,
    Mul,
    Ref,
    Sub,
    Sum,
    Tensors,
    as_held,
    held,
)
from torchreel.scenes.trace.operator import Call, Recording
from torchreel.scenes.trace.proof import Rule

_EPS = 1e-12


def record_margin_ranking(call: Call) -> Recording:
    """`lead`: by how much the one that should be higher is, target·(input1 − input2); `loss`: what the margin lacks.

    `difference` is torch's own, in the type that the two inputs have without the target.
    """
    module: Any = call.module
    first, second, target = call.inputs.values()
    tensors = dict(call.inputs)
    shape = tuple(np.broadcast_shapes(first.shape, second.shape, target.shape))

    def ref(name: str, cells: Tensor) -> Ref:
        return Ref(name, aligned(cells, tensors[name].shape))

    def difference(cells: Tensor) -> Expr:
        return Sub(ref("input1", cells), ref("input2", cells))

    def lead(cells: Tensor) -> Expr:
        gap = difference(cells) if plain else ref("difference", cells)
        return Mul((ref("target", cells), gap))

    def loss(cells: Tensor) -> Expr:
        return Largest((Const(0), Sub(Const(module.margin), Ref("lead", cells))))

    tensors["difference"] = first - second
    plain = _is_exact(tensors["difference"])
    tensors["lead"] = computed(lead, shape, tensors)
    tensors["loss"] = computed(loss, shape, tensors)
    tensors["output"] = call.output
    rules = (
        Rule("difference", difference),
        Rule("lead", lead),
        Rule("loss", loss),
        reduced(module.reduction, loss, tensors),
    )
    return Recording(tensors, rules, ("output",))


def _is_exact(difference: Tensor) -> bool:
    """Whether the difference of two tensors is that of their values: integers of a few bits wrap around."""
    return difference.is_floating_point() and bool(difference.isfinite().all())


def record_cosine_embedding(call: Call) -> Recording:
    """`cos` of the angle between the two inputs; `loss`: 1 − cos for a target of 1, what exceeds the margin for −1."""
    module: Any = call.module
    tensors = dict(call.inputs)
    first, second, target = call.inputs.values()
    pair = tuple(np.broadcast_shapes(first.shape, second.shape))
    shape, dtype = tuple(np.broadcast_shapes(pair[:-1], target.shape)), torch.result_type(first, second)

    def dot(cells: Tensor, left: str, right: str) -> Sum:
        at = along(cells, cells.shape[1], pair[-1])
        product = Mul(tuple(Ref(name, aligned(at, tensors[name].shape)) for name in (left, right)))
        return Sum(held(product, tensors, dtype))

    def squared(name: str) -> Any:
        def formula(cells: Tensor) -> Expr:
            size = call.inputs[name].shape[-1]
            at = Ref(name, along(cells, cells.shape[1], size))
            total = held(Sum(held(Func("square", at), tensors, dtype)), tensors, dtype)
            return Add((total, Const(_EPS, "ε")))

        return formula

    def cos(cells: Tensor) -> Expr:
        sides = (Ref(f"norm{number}", aligned(cells, tensors[f"norm{number}"].shape)) for number in (1, 2))
        return Div(dot(cells, "input1", "input2"), _root_held(Mul(tuple(sides)), tensors, dtype))

    def norm(number: int) -> Any:
        inner = squared(f"input{number}")
        return lambda cells: Func("sqrt", inner(cells))

    def loss(cells: Tensor) -> Expr:
        value = Ref("cos", aligned(cells, pair[:-1]))
        y = Ref("target", aligned(cells, target.shape)).evaluate(tensors)
        which = torch.where(y == 1, 0, torch.where(y == -1, 1, 2)).expand(len(cells))
        beyond = Largest((Const(0), Sub(value, Const(module.margin))))
        return Case(which, (Sub(Const(1), value), beyond, Const(0)))

    rules = []
    for number in (1, 2):
        name = f"norm{number}"
        tensors[name] = computed(norm(number), call.inputs[f"input{number}"].shape[:-1], tensors)
        rules.append(Rule(name, norm(number)))
    tensors["cos"] = computed(cos, pair[:-1], tensors)
    tensors["loss"] = computed(loss, shape, tensors)
    tensors["output"] = call.output
    rules += [Rule("cos", cos), Rule("loss", loss), reduced(module.reduction, loss, tensors)]
    return Recording(tensors, tuple(rules), ("output",))


def _root_held(lengths: Expr, tensors: Tensors, dtype: torch.dtype) -> Expr:
    """A product of lengths, infinite where its square is: torch takes the root of the product of the squares."""
    square = Func("square", lengths).evaluate(tensors)
    lost = as_held(square, dtype).isinf() & square.isfinite()
    return (
        Case(lost.long(), (lengths, Instead(Const(math.inf, "∞"), lengths))) if bool(lost.any()) else lengths
    )
