"""Declaring a loss: what its constructor takes as tensors and functions, an example writes as lists and names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from torchreel.assets.errors import UserError
from torchreel.scenes.loss.vector.facts import reduction_facts
from torchreel.scenes.trace.lookup import shown
from torchreel.scenes.trace.operator import Operator
from torchreel.scenes.trace.proof import Trace

DISTANCES = {"cos": lambda x, y: 1 - nn.functional.cosine_similarity(x, y)}
"""Distance functions by the names that examples give them."""


def distance_facts(trace: Trace) -> dict[str, bool]:
    """What captions may claim of a triplet loss with a distance of its own, of which only known ones have a name."""
    module: Any = trace.module
    function = module.distance_function
    plain = (torch.pairwise_distance, nn.functional.pairwise_distance)
    return reduction_facts(trace) | {
        "cosine_distance": function is DISTANCES["cos"] and len(trace.shape("anchor")) == 2,
        "pairwise_distance": type(function) is nn.PairwiseDistance or any(function is one for one in plain),
    }


@dataclass(frozen=True)
class LossOperator(Operator):
    """An operator whose constructor takes tensors, which examples and the command line write as lists."""

    def build(self, kwargs: Mapping[str, Any]) -> nn.Module | None:
        function = kwargs.get("distance_function")
        if isinstance(function, str) and function not in DISTANCES:
            known = ", ".join(map(repr, DISTANCES))
            raise UserError(f"{self.name}: distance_function={shown(function)} should be None or {known}.")
        return super().build({name: _built(name, value) for name, value in kwargs.items()})


def _built(name: str, value: Any) -> Any:
    if name == "distance_function":
        return DISTANCES[value] if isinstance(value, str) else value
    return torch.tensor(value, dtype=torch.float32) if isinstance(value, (list, tuple)) else value
