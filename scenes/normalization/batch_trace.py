"""BatchNorm in eval mode beside the same call without the other samples: the numbers do not depend on the batch."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from torchreel.assets.examples import Example
from torchreel.scenes.normalization.trace import is_frozen
from torchreel.scenes.trace.formula import Expr, Ref
from torchreel.scenes.trace.operator import Call, Operator
from torchreel.scenes.trace.proof import Rule, Trace

KEPT = {"running_mean": "μ", "running_var": "σ²"}
"""What the running statistics are called where they take the place of the input's own."""


class RunningOperator(Operator):
    """A layer that may have running statistics."""

    def _prove(self, call: Call, seed: int) -> Trace:
        symbols = {**self.symbols, **KEPT} if is_frozen(call.module) else self.symbols
        return Operator._prove(replace(self, symbols=symbols), call, seed)


class BatchNormOperator(RunningOperator):
    """BatchNorm; the trace of its example `eval` also holds what the module gives for the first sample alone."""

    def extended(self, trace: Trace, example: Example) -> Trace:
        alone = example.name == "eval" and is_frozen(trace.module) and trace.shape("input")[0] > 1
        return with_first_alone(trace) if alone else trace


def with_first_alone(trace: Trace) -> Trace:
    """The trace with `alone` `(1, C, *)`, the result for the first sample by itself, proved to be that in `output`."""
    module: Any = trace.module
    with torch.no_grad():
        alone = module(trace.inputs["input"][:1])

    def same(cells: Tensor) -> Expr:
        return Ref("output", cells)

    tensors = {**trace.tensors, "alone": alone}
    return replace(trace, tensors=tensors, rules=(*trace.rules, Rule("alone", same)))
