"""Offsets and weights of bags that fit the ids a user gives."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from torch import Tensor

from torchreel.scenes.trace.fitting import Texts, drawn, made


def bag(settings: Mapping[str, Any], inputs: Mapping[str, Tensor], own: Collection[str]) -> Texts:
    """Flat ids have offsets from 0 up to their number, ids `(bags, length)` have none; weights are one for each id."""
    texts: Texts = {}
    ids, offsets, weights = inputs["input"], inputs.get("offsets"), inputs.get("per_sample_weights")
    shape = ids.shape
    if "input" not in own and weights is not None and "per_sample_weights" in own:
        shape = weights.shape
        if shape != ids.shape:
            texts["input"] = drawn(0, settings["num_embeddings"], shape)
    if "input" not in own and "offsets" in own and offsets is not None and offsets.numel():
        least = int(offsets.max()) + 1
        if len(shape) == 1 and shape[0] < least and "per_sample_weights" not in own:
            shape = ids.new_empty(least).shape
            texts["input"] = drawn(0, settings["num_embeddings"], shape)
    if "offsets" not in own:
        if len(shape) == 2 and offsets is not None:
            texts["offsets"] = None
        if len(shape) == 1 and (offsets is None or (offsets.numel() and int(offsets.max()) > shape[0])):
            ends = f", {shape[0]}" if settings.get("include_last_offset") else ""
            texts["offsets"] = f"[0, {shape[0] // 2}{ends}]"
    if weights is not None and "per_sample_weights" not in own and weights.shape != shape:
        texts["per_sample_weights"] = made("rand", shape)
    return texts
