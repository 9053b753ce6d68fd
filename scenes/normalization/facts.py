"""What captions may claim of a normalization layer's call, computed from its values and shapes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from torchreel.scenes.normalization.sets_trace import Partition
from torchreel.scenes.normalization.trace import are_related, is_frozen, partition
from torchreel.scenes.trace.proof import Trace


def normalization_facts(trace: Trace) -> Mapping[str, bool]:
    """`frozen` statistics, sets that are `rows`, `single` elements or stand `apart`, and what the numbers bear out.

    `affine`: there are weight and bias, `scaled`: only a weight. `across_samples`: a sample's output depends on the
    other samples. `standardized`: every set of the output has mean 0 and variance 1. `equal`: no set has any variance;
    `zeros`: no set has any size. `fresh`: weight 1 and bias 0.
    `related`: twice a row gives the same result, a shifted row another. `stays`, `replaced` and `averaged` say what
    momentum makes of running statistics.
    """
    module, x = trace.module, _tensor(trace, "input")
    sets = partition(module, tuple(x.shape))
    frozen, count = is_frozen(module), math.prod(sets.sets)
    weight, bias = (trace.tensors.get(name) for name in ("weight", "bias"))
    own: Any = getattr(module, "normalized_shape", ())
    return {
        "frozen": frozen,
        "affine": weight is not None and bias is not None,
        "scaled": weight is not None and bias is None,
        "rows": len(own) == 1 and x.ndim > 1,
        "apart": count > 1 and not frozen,
        "across_samples": not frozen and 0 not in sets.parts and _reaches_others(trace, weight),
        "single": sets.size == 1 and not frozen and _is(trace, "normalized", 0.0),
        "standardized": not frozen and _is_standard(sets, _tensor(trace, "output")),
        "equal": not frozen and _is(trace, "var", 0.0) and bool((_tensor(trace, "std") > 0).all()),
        "zeros": _is(trace, "mean_square", 0.0) and bool((_tensor(trace, "rms") > 0).all()),
        "fresh": (weight is None or bool((weight == 1).all())) and (bias is None or bool((bias == 0).all())),  # type: ignore[union-attr]
        "related": _keeps_size_only(x, _tensor(trace, "output")),
        **_momentum(trace),
    }


def _tensor(trace: Trace, name: str) -> Tensor:
    found: Any = trace.tensors[name]
    return found.double()


def _is(trace: Trace, name: str, value: float) -> bool:
    """Whether there is such a tensor and all of it has this value."""
    if name not in trace.tensors:
        return False
    found = _tensor(trace, name)
    return found.numel() > 0 and bool((found == value).all())


def _reaches_others(trace: Trace, weight: Any) -> bool:
    """Whether another number in one sample changes the output of the others."""
    if trace.shape("input")[0] < 2 or (weight is not None and bool((weight == 0).any())):
        return False
    return bool(_tensor(trace, "output").isfinite().all()) and bool(_tensor(trace, "std").isfinite().all())


def _is_standard(sets: Partition, output: Tensor) -> bool:
    if not output.numel() or not bool(output.isfinite().all()):
        return False
    mean = sets.mean(output)
    var = sets.mean((output - sets.spread(mean)).square())
    return bool((mean.abs() < 1e-3).all()) and bool(((var - 1).abs() < 1e-2).all())


def _keeps_size_only(x: Tensor, output: Tensor) -> bool:
    if not are_related(x) or not bool(output.isfinite().all()):
        return False
    same = torch.allclose(output[0], output[1], 1e-4, 1e-4)
    return same and not torch.allclose(output[0], output[2], 1e-2, 1e-2)


def _momentum(trace: Trace) -> dict[str, bool]:
    """What becomes of the running statistics."""
    momentum, tensors = getattr(trace.module, "momentum", None), trace.tensors
    if "new_running_mean" not in tensors:
        return {"stays": False, "replaced": False, "averaged": False}
    pairs = [
        (_tensor(trace, name), _tensor(trace, f"new_{name}")) for name in ("running_mean", "running_var")
    ]
    kept = all(torch.equal(old, new) for old, new in pairs)
    counted = tensors.get("num_batches_tracked") is not None
    return {
        "stays": momentum == 0 and kept,
        "replaced": momentum == 1,
        "averaged": momentum is None and counted,
    }
