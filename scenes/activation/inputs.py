"""The target that fits the input of an adaptive softmax, and the other way round."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from torch import Tensor

from torchreel.scenes.trace.fitting import Texts, drawn, made


def classified(settings: Mapping[str, Any], inputs: Mapping[str, Tensor], own: Collection[str]) -> Texts:
    """An input `(N, in_features)` or `(in_features,)` and as many targets, `(N,)` or `()`."""
    x, target = inputs["input"], inputs["target"]
    if x.shape[:-1] == target.shape:
        return {}
    if "input" in own and "target" not in own:
        return {"target": drawn(0, settings["n_classes"], x.shape[:-1])}
    if "target" in own and "input" not in own:
        return {"input": made("randn", (*target.shape, settings["in_features"]))}
    return {}
