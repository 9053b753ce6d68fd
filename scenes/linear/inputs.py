"""The second input of Bilinear that fits the first, and the other way round."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from torch import Tensor

from torchreel.scenes.trace.fitting import Texts, made


def bilinear(settings: Mapping[str, Any], inputs: Mapping[str, Tensor], own: Collection[str]) -> Texts:
    """`input1` `(*, in1_features)` and `input2` `(*, in2_features)` lead alike, as the user's own does."""
    features = {"input1": settings["in1_features"], "input2": settings["in2_features"]}
    first = next((name for name in inputs if name in own), "input1")
    lead = inputs[first].shape[:-1]
    wanted = {name: (*lead, count) for name, count in features.items()}
    return {
        name: made("randn", shape)
        for name, shape in wanted.items()
        if own and name not in own and tuple(inputs[name].shape) != shape
    }
