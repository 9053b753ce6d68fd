"""What captions may claim of a call of an element-wise loss, from its tensors and from what the module was told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from torchreel.scenes.trace.proof import Trace

_ONE = 0.01
PLAIN_EPS = 1e-4
"""Up to here an eps changes no digit of a formula."""


def facts(trace: Trace) -> Mapping[str, bool]:
    """All facts of all element-wise losses; those of settings that a loss does not have are false."""
    module: Any = trace.module
    switch = getattr(module, "beta", getattr(module, "delta", 0.0))
    factors = _all(trace, "pos_weight")
    shape = trace.shape("loss")
    return {
        "weighted": "weight" in trace.tensors,
        "pos_weighted": "pos_weight" in trace.tensors,
        "single_factor": len(factors.unique()) == 1,
        "hard_targets": _are_labels(_all(trace, "target")),
        "has_parabola": switch > 0,
        "has_line": switch < float("inf"),
        "log_target": bool(getattr(module, "log_target", False)),
        "log_input": bool(getattr(module, "log_input", False)),
        "full": bool(getattr(module, "full", False)),
        "eps_counts": getattr(module, "eps", 0.0) > PLAIN_EPS,
        "eps_used": bool((_all(trace, "var") < getattr(module, "eps", 0.0)).any()),
        "several_columns": bool(shape) and shape[-1] > 1,
        "distributions": _are_distributions(trace),
    }


def _all(trace: Trace, name: str) -> Tensor:
    """All values of a tensor, flat and in float64; none where there is no such tensor."""
    if name not in trace.tensors:
        return torch.zeros(0, dtype=torch.float64)
    return trace.sample(name, trace.tensors[name].numel())  # type: ignore[union-attr]


def _are_labels(targets: Tensor) -> bool:
    """Whether all targets are 0 or 1."""
    return bool(((targets == 0) | (targets == 1)).all())


def _are_distributions(trace: Trace) -> bool:
    """Whether rows of exp(input) and of the target add up to 1, and no row's losses to less than 0."""
    shape = trace.shape("loss")
    if trace.name != "KLDivLoss" or not shape or 0 in shape or trace.shape("target") != shape:
        return False
    loss, q = (_all(trace, name).reshape(shape) for name in ("loss", "q"))
    p = _all(trace, "p" if "p" in trace.tensors else "target").reshape(shape)
    sums = all(bool(((one.sum(-1) - 1).abs() < _ONE).all() and (one >= 0).all()) for one in (p, q))
    return sums and bool((loss.sum(-1) >= 0).all())
