"""What the triplet losses compute: how much nearer the negative is than the positive's distance plus the margin.

Inputs `anchor`, `positive`, `negative` are `(…, D)`; distances and losses have the leading dimensions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from torchreel.scenes.loss.trace import aligned, along, computed, reduced
from torchreel.scenes.trace.calling import bare
from torchreel.scenes.trace.formula import (
    Add,
    Const,
    Expr,
    Func,
    Largest,
    Least,
    Max,
    Min,
    Pow,
    Ref,
    Sub,
    Sum,
    held,
    norm_type,
)
from torchreel.scenes.trace.operator import Call, Recording
from torchreel.scenes.trace.proof import Rule

_PAIRS = {
    "to_positive": ("anchor", "positive"),
    "to_negative": ("anchor", "negative"),
    "between": ("positive", "negative"),
}


def record_triplet(call: Call) -> Recording:
    """The two distances from the anchor, with `swap` also that between positive and negative, and the loss."""
    module: Any = call.module
    return _Triplet(call, nn.PairwiseDistance(module.p, module.eps)).recording()


def record_triplet_with_distance(call: Call) -> Recording:
    """The same with the module's own distance. One that is not torch's pairwise distance is noted down as it answers.

    It is called on a copy, in forward's order and with the random numbers of the call.
    """
    return _Triplet(call, _known(bare(call.module).distance_function)).recording()


def _known(distance: Callable[..., Tensor]) -> Callable[..., Tensor]:
    plain = (torch.pairwise_distance, nn.functional.pairwise_distance)
    return nn.PairwiseDistance() if any(distance is one for one in plain) else distance


class _Triplet:
    """One call with one distance function."""

    def __init__(self, call: Call, distance: Callable[..., Tensor]) -> None:
        self.call, self.distance = call, distance
        self.module: Any = call.module
        self.tensors: dict[str, Any] = dict(call.inputs)

    def recording(self) -> Recording:
        rules = list(self._distances())
        self.names = [name for name in _PAIRS if name in self.tensors]
        shapes = [self.tensors[name].shape for name in self.names if name != "between" or self.module.swap]
        self.tensors["loss"] = computed(self.loss, tuple(np.broadcast_shapes(*shapes)), self.tensors)
        self.tensors["output"] = self.call.output
        rules.append(Rule("loss", self.loss))
        rules.append(reduced(self.module.reduction, self.loss, self.tensors))
        return Recording(self.tensors, tuple(rules), ("output",))

    def loss(self, cells: Tensor) -> Expr:
        """loss: what the negative lacks to be `margin` further away than the positive."""
        near, far = self._ref("to_positive", cells), self._ref("to_negative", cells)
        if self.module.swap:
            far = Least((far, self._ref("between", cells)))
        return Largest((Const(0), Sub(Add((near, Const(self.module.margin))), far)))

    def _ref(self, name: str, cells: Tensor) -> Expr:
        return Ref(name, aligned(cells, self.tensors[name].shape))

    def _distances(self) -> Iterator[Rule]:
        if type(self.distance) is nn.PairwiseDistance:
            for name, (one, other) in _PAIRS.items():
                formula = self._norm(one, other)
                shape = np.broadcast_shapes(*(self.call.inputs[part].shape for part in (one, other)))
                keep = (*shape[:-1], 1) if self.distance.keepdim else shape[:-1]
                self.tensors[name] = computed(formula, keep, self.tensors)
                yield Rule(name, formula)
            return
        pairs = list(_PAIRS.items())[: 3 if self.module.swap else 2]
        answers = self.call.replay(
            lambda: [self.distance(*(self.call.inputs[part] for part in pair)) for _, pair in pairs]
        )
        for (name, _), answer in zip(pairs, answers, strict=True):
            self.tensors[name] = answer

    def _norm(self, one: str, other: str) -> Callable[[Tensor], Expr]:
        """The distance of torch: the p-norm of the difference, to which eps is added first."""
        p, eps = float(self.distance.norm), self.distance.eps  # type: ignore[attr-defined]
        shapes = [self.call.inputs[part].shape for part in (one, other)]
        ndim, size = max(map(len, shapes)), max(shape[-1] for shape in shapes)

        def formula(cells: Tensor) -> Expr:
            at = along(cells[:, : ndim - 1], ndim - 1, size)
            left, right = (
                Ref(part, aligned(at, shape)) for part, shape in zip((one, other), shapes, strict=True)
            )
            gap = Sub(left, right)
            dtype = norm_type(self.call.inputs["anchor"].dtype, size)
            return self._p_norm(Add((gap, Const(eps, "ε"))) if eps else gap, p, dtype)

        return formula

    def _p_norm(self, body: Expr, p: float, dtype: torch.dtype) -> Expr:
        """The norm of order `p` of the terms of `body`, any order torch takes, as far as torch's type holds it."""
        if p == 2:
            return Func("sqrt", self._added(Func("square", body), dtype))
        size = Func("abs", body)
        if math.isinf(p):
            return Max(size) if p > 0 else Min(size)
        if p == 1:
            return self._added(size, dtype)
        if p == 0:
            return Sum(Func("sign", size))
        root = Pow(self._added(Pow(size, Const(p)), dtype), Const(1 / p, f"(1/{p:g})"))
        return held(root, self.tensors, dtype)

    def _added(self, terms: Expr, dtype: torch.dtype) -> Expr:
        """Terms added up in a type."""
        return held(Sum(held(terms, self.tensors, dtype)), self.tensors, dtype)
