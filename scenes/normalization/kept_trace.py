"""Layers with running statistics: in eval mode these take the place of the input's own, and their symbols."""

from __future__ import annotations

from dataclasses import replace

from torchreel.scenes.normalization.trace import is_frozen
from torchreel.scenes.trace.operator import Call, Operator
from torchreel.scenes.trace.proof import Trace

KEPT = {"running_mean": "μ", "running_var": "σ²"}


class RunningOperator(Operator):
    """A layer that may have running statistics."""

    def _prove(self, call: Call, seed: int, prove_all: bool) -> Trace:
        symbols = {**self.symbols, **KEPT} if is_frozen(call.module) else self.symbols
        return Operator._prove(replace(self, symbols=symbols), call, seed, prove_all)
