"""GroupNorm's results for several values of num_groups, and those of its two limits: LayerNorm and InstanceNorm."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from torchreel.assets.examples import Example
from torchreel.scenes.normalization.comparison.trace import check_size
from torchreel.scenes.normalization.sets_trace import Partition, Statistics
from torchreel.scenes.trace.operator import Operator
from torchreel.scenes.trace.proof import Trace

_MOST_SETTINGS = 4


def group_settings(channels: int, own: int) -> list[int]:
    """The values of num_groups worth showing: from 1 to the number of channels, with the module's own."""
    divisors = [n for n in range(1, channels + 1) if channels % n == 0]
    while len(divisors) > _MOST_SETTINGS:
        spare = [n for n in divisors[1:-1] if n != own]
        divisors.remove(spare[len(spare) // 2])
    return divisors


class GroupNormOperator(Operator):
    """GroupNorm; the trace of its example `groups` also holds the same call for other values of num_groups."""

    def extended(self, trace: Trace, example: Example) -> Trace:
        return with_other_groups(trace) if example.name == "groups" else trace


def with_other_groups(trace: Trace) -> Trace:
    """The trace with the statistics and the result of every `group_settings` value, proved likewise.

    `num_groups=g.mean` and `num_groups=g.var` are `(N, g)`; `num_groups=g` is torch's result. With them stand
    the result of torch's `layer_norm` over each sample, which the statistics of one group prove too, and that
    of `instance_norm`, where torch takes it, which those of C groups prove.
    """
    module: Any = trace.module
    x = trace.inputs["input"]
    check_size(trace.name, x)
    tensors, rules = dict(trace.tensors), list(trace.rules)
    for groups in group_settings(module.num_channels, module.num_groups):
        sets = Partition(tuple(x.shape), {0: len(x), 1: groups})
        shared = Statistics(f"num_groups={groups}", sets, module.eps)
        if len(x) * shared.partition.size == 1:
            continue
        result = F.group_norm(x, groups, module.weight, module.bias, module.eps).detach()
        tensors |= {**shared.tensors(x), shared.name: result}
        rules += [
            *shared.rules(),
            shared.proves(shared.name, module.weight is not None, module.bias is not None),
        ]
        for name, twin in _twins(x, groups, module.eps).items():
            tensors[name] = twin
            rules.append(shared.proves(name))
    symbols = {**trace.symbols, **dict.fromkeys(tensors.keys() - trace.tensors.keys(), "y")}
    for name in tensors:
        symbols |= {f"{name}.mean": "μ", f"{name}.var": "σ²"}
    return replace(trace, tensors=tensors, rules=tuple(rules), symbols=symbols)


def _twins(x: Tensor, groups: int, eps: float) -> dict[str, Tensor]:
    """The results of the layers that share GroupNorm's statistics at this number of groups."""
    twins = {}
    if groups == 1:
        twins["layer_norm"] = F.layer_norm(x, x.shape[1:], eps=eps)
    if groups == x.shape[1] and math.prod(x.shape[2:]) > 1:
        twins["instance_norm"] = F.instance_norm(x, eps=eps)
    return twins
