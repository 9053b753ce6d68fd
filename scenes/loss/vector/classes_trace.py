"""What CrossEntropyLoss and NLLLoss compute: minus the logarithm of the probability of each sample's class.

Shapes: input `(N, C, d1, …)` or `(C)`; target class numbers `(N, d1, …)` or `()`, for CrossEntropyLoss also
probabilities of the input's shape.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from torchreel.scenes.loss.trace import along, computed, everything, reduced
from torchreel.scenes.loss.vector.facts import reduction_facts
from torchreel.scenes.trace.formula import (
    Add,
    Case,
    Const,
    Div,
    Expr,
    Func,
    LogSumExp,
    Mul,
    Neg,
    Ref,
    Rounded,
    Sub,
    Sum,
    read,
)
from torchreel.scenes.trace.operator import Call, Recording
from torchreel.scenes.trace.proof import Rule, Trace

_MOST_TERMS = 1 << 20
_LARGEST_EXPONENT = 500.0
_SMALLEST = 1e-200
_FEW, _SHORT = 3, 9.0


def record_cross_entropy(call: Call) -> Recording:
    """The softmax of the input, the distribution that the target asks for, and minus their cross product.

    `p` and `log_p` are the input's softmax and its logarithm, `q` is the target as a distribution: one-hot, smoothed or
    given; `w` is the weight of each sample's class, by whose sum the weighted mean divides. Of few classes the softmax
    is there step by step: `exp` of each score and the `sum` of each row.
    """
    return _CrossEntropy(call).recording()


def class_facts(trace: Trace) -> dict[str, bool]:
    """What captions may claim of a loss of classes."""
    module: Any = trace.module
    target, scores, losses = (trace.tensors[name] for name in ("target", "input", "loss"))
    assert isinstance(target, Tensor) and isinstance(scores, Tensor) and isinstance(losses, Tensor)
    soft = trace.name != "NLLLoss" and target.shape == scores.shape
    return reduction_facts(trace) | {
        "soft": soft,
        "smoothed": getattr(module, "label_smoothing", 0.0) > 0,
        "weighted": module.weight is not None,
        "ignores_some": not soft and bool((target == module.ignore_index).any()),
    }


def record_nll(call: Call) -> Recording:
    """One cell of each row of log-probabilities, negated, times the weight `w` of its class."""
    return _Picked(call).recording()


class _Picked:
    """The loss of class numbers: one element of each sample's vector."""

    def __init__(self, call: Call) -> None:
        module: Any = call.module
        self.input: Tensor = call.inputs["input"]
        self.target: Tensor = call.inputs["target"]
        self.output: Tensor = call.output
        self.weight: Tensor | None = module.weight
        self.ignored, self.reduction = module.ignore_index, module.reduction
        self.axis = min(1, self.input.ndim - 1)
        self.classes = self.input.shape[self.axis]
        self.shape = self.input.shape[: self.axis] + self.input.shape[self.axis + 1 :]
        self.soft = False

    def recording(self) -> Recording:
        tensors: dict[str, Tensor] = {"input": self.input, "target": self.target}
        if self.weight is not None:
            tensors["weight"] = self.weight
        rules = self.fill(tensors)
        return Recording(tensors, tuple(rules), ("output",))

    def fill(self, tensors: dict[str, Tensor]) -> list[Rule]:
        """Add the intermediate tensors and the output; the rules of all of them."""
        rules = []
        if self.weight is not None and not self.soft:
            rules.append(self._ruled(tensors, "w", self.shape, self._weight_of_target))
        rules.append(self._ruled(tensors, "loss", self.shape, self.loss))
        tensors["output"] = self.output
        return [*rules, reduced(self.reduction, self.loss, tensors, self._divisor())]

    def loss(self, cells: Tensor) -> Expr:
        """loss: minus the logarithm at the target's class, weighted; 0 for an ignored target."""
        picked = self.log(self._with_class(cells, self._class(cells)))
        weighted = picked if self.weight is None else Mul((Ref("w", cells), picked))
        return Case(self._is_ignored(cells).long(), (Neg(weighted), Const(0)))

    def log(self, index: Tensor) -> Expr:
        """A logarithm of a probability; torch's rounding is that of numbers around 1 at least."""
        shown = Ref("input", index)
        return Rounded(shown, Sub(shown, Const(1)))

    def _divisor(self) -> Expr:
        """What the mean divides by: the weights of the targets that count, or their number."""
        if self.soft:
            return Const(math.prod(self.shape))
        if self.weight is not None:
            return Sum(Ref("w", everything(self.shape)))
        return Const(int((self.target != self.ignored).sum()))

    def _weight_of_target(self, cells: Tensor) -> Expr:
        own = Ref("weight", self._class(cells)[:, None])
        return Case(self._is_ignored(cells).long(), (own, Const(0)))

    def _class(self, cells: Tensor) -> Tensor:
        """The target's class; 0 where it is ignored, since it need not be one."""
        return torch.where(self._is_ignored(cells), 0, self._given(cells))

    def _is_ignored(self, cells: Tensor) -> Tensor:
        return self._given(cells) == self.ignored

    def _given(self, cells: Tensor) -> Tensor:
        given = self.target.reshape(self.shape).long()
        return given[tuple(cells.unbind(-1))] if cells.shape[-1] else given.expand(len(cells))

    def _with_class(self, cells: Tensor, place: Tensor) -> Tensor:
        """The input's element of class `place` `(B,)` for samples `(B, ndim - 1)`."""
        return torch.cat([cells[:, : self.axis], place[:, None], cells[:, self.axis :]], -1)

    def _ruled(self, tensors: dict[str, Tensor], name: str, shape: tuple[int, ...], formula: Any) -> Rule:
        """Compute a tensor by its own formula, in float64, and add it."""
        tensors[name] = computed(formula, shape, tensors)
        return Rule(name, formula)


class _CrossEntropy(_Picked):
    """The same after a softmax; the target may be smoothed or a distribution of its own."""

    def __init__(self, call: Call) -> None:
        super().__init__(call)
        self.p = torch.softmax(self.input.double(), self.axis)
        self.log_p = torch.log_softmax(self.input, self.axis)
        self.smoothing: float = max(call.module.label_smoothing, 0.0)  # torch smooths only above 0
        self.soft = self.target.shape == self.input.shape

    def fill(self, tensors: dict[str, Tensor]) -> list[Rule]:
        whole = self.input.shape
        tensors["logsumexp"] = computed(self._logsumexp, self.shape, tensors)
        tensors["log_p"] = self.log_p
        tensors["p"] = self.p
        steps = (
            [
                self._ruled(tensors, "exp", whole, self._exp),
                self._ruled(tensors, "sum", self.shape, self._sum),
            ]
            if self._is_short
            else []
        )
        rules = [
            *steps,
            Rule("logsumexp", self._logsumexp),
            Rule("log_p", self._log_softmax),
            Rule("p", self._softmax),
            self._ruled(tensors, "q", whole, self._asked),
        ]
        *others, result = super().fill(tensors)
        return [*rules, *others, self._in_parts(result) if self._weighs_nothing(tensors) else result]

    def _weighs_nothing(self, tensors: dict[str, Tensor]) -> bool:
        """Whether a mean divides by weights that are all 0."""
        plain = self.reduction != "mean" or self.weight is None or self.soft or not self.smoothing
        return not plain and not bool(tensors["w"].any())

    def _in_parts(self, mean: Rule) -> Rule:
        """torch divides the part of the targets, which is 0 then, by itself: a mean that is no number."""
        picked = Div(Const(0), self._divisor())
        return Rule("output", lambda cells: Add((picked, mean.formula(cells))))

    def loss(self, cells: Tensor) -> Expr:
        """loss: the cross entropy of q and p. Of a one-hot target one term is left, which is picked."""
        if not self.soft and not self.smoothing:
            return super().loss(cells)
        places = along(cells, self.axis, self.classes)
        factors: tuple[Expr, ...] = (Ref("q", places), self.log(places))
        if self.weight is not None:
            factors = (Ref("weight", places[..., self.axis, None]), *factors)
        whole = Neg(Sum(Mul(factors)))
        if self.soft:
            return whole
        picked = Mul((Const(1 - self.smoothing), self.log(self._with_class(cells, self._class(cells)))))
        which = torch.where(self._is_lost(cells), 2, self._is_ignored(cells).long())
        return Case(which, (whole, Const(0), Sub(whole, picked)))

    def _is_lost(self, cells: Tensor) -> Tensor:
        """Samples whose target has no part in a wholly smoothed loss, but is impossible: torch adds 0 times ∞."""
        target = self._with_class(cells, self._class(cells))
        return (read(self.log_p, target) == -math.inf) & (self.smoothing == 1) & ~self._is_ignored(cells)

    def log(self, index: Tensor) -> Expr:
        """log p, which torch rounds as it does input − logsumexp; from that where p itself is too small to be told."""
        p, log_p = Ref("p", index), Ref("log_p", index)
        known = p.evaluate({"p": self.p}) > _SMALLEST
        size = Sub(Sub(Ref("input", index), Ref("logsumexp", self._sample(index))), Const(1))
        return Case((~known).long(), (Rounded(Func("log", p), size), Rounded(log_p, Sub(log_p, Const(1)))))

    def _logsumexp(self, cells: Tensor) -> Expr:
        """logsumexp of each sample; torch subtracts the largest element first, which is NaN if that is infinite."""
        every = Ref("input", along(cells, self.axis, self.classes))
        endless = (every.evaluate({"input": self.input}) == math.inf).any(-1)
        return Case(endless.long(), (LogSumExp(every), Const(math.nan)))

    def _log_softmax(self, cells: Tensor) -> Expr:
        """log_p, in the input's own type as torch rounds it: only so does an infinite target meet the same 0."""
        return Sub(Ref("input", cells), Ref("logsumexp", self._sample(cells)))

    @property
    def _is_short(self) -> bool:
        """Whether a row is so short, and its exponentials so small, that they can be written one by one."""
        plain = not (self.soft or self.smoothing or self.weight is not None)
        return plain and self.classes <= _FEW and bool((self.input.double().abs() <= _SHORT).all())

    def _exp(self, cells: Tensor) -> Expr:
        return Func("exp", Ref("input", cells))

    def _sum(self, cells: Tensor) -> Expr:
        return Sum(Ref("exp", along(cells, self.axis, self.classes)))

    def _softmax(self, cells: Tensor) -> Expr:
        """p: exponentials as shares of their sum, or in one exponential where they would overflow."""
        if self._is_short:
            return Div(Ref("exp", cells), Ref("sum", self._sample(cells)))
        small = self.input.numel() * self.classes <= _MOST_TERMS
        if not small or float(self.input.double().nan_to_num(0.0).abs().amax()) > _LARGEST_EXPONENT:
            return Func("exp", self._log_softmax(cells))
        every = Ref("input", along(self._sample(cells), self.axis, self.classes))
        return Div(Func("exp", Ref("input", cells)), Sum(Func("exp", every)))

    def _asked(self, cells: Tensor) -> Expr:
        """q: 1 at the target's class and 0 elsewhere, or the given distribution; smoothing takes a share of it."""
        share = Const(self.smoothing / max(1, self.classes))
        keep = Const(1 - self.smoothing)
        if self.soft:
            given: Expr = Ref("target", cells)
            return Add((Mul((keep, given)), share)) if self.smoothing else given
        sample = self._sample(cells)
        right = (cells[:, self.axis] == self._given(sample)).long()
        which = torch.where(self._is_ignored(sample), 2, right)
        chosen = Add((keep, share)) if self.smoothing else Const(1)
        return Case(which, (share if self.smoothing else Const(0), chosen, Const(0)))

    def _sample(self, cells: Tensor) -> Tensor:
        """The sample that an element of the input belongs to."""
        return torch.cat([cells[..., : self.axis], cells[..., self.axis + 1 :]], -1)
