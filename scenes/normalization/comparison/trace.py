"""The trace of the figure that compares four normalization layers on one input."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from torchreel.assets.errors import UserError
from torchreel.scenes.normalization.checks import check_groups, check_numbers
from torchreel.scenes.normalization.sets_trace import Partition, Statistics
from torchreel.scenes.trace.formula import Lazy
from torchreel.scenes.trace.operator import Call, Inputs, Operator, Recording, Settings
from torchreel.scenes.trace.proof import Rule, Trace

LAYERS = ("BatchNorm", "LayerNorm", "InstanceNorm", "GroupNorm")
_LARGEST = 1e18


class ComparisonOperator(Operator):
    """Four layers on one input. There is no module to set up, so the settings go to the call."""

    def trace(
        self,
        module: nn.Module | None,
        inputs: Inputs,
        call: Mapping[str, Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        seed: int = 0,
        prove_all: bool = False,
    ) -> Trace:
        return super().trace(module, inputs, {**(call or {}), **(kwargs or {})}, kwargs, seed, prove_all)


def check_comparison(name: str, settings: Settings, inputs: Inputs) -> None:
    """The figure takes num_groups and eps, and an input that all four layers accept."""
    for key in settings:
        if key not in ("num_groups", "eps"):
            raise UserError(f"{name} has no argument {key!r}. It takes num_groups, eps.")
    shape = tuple(inputs["input"].shape)
    if not 3 <= len(shape) <= 5 or 0 in shape:
        raise UserError(f"{name}: expected an input (N, C, *) of 3 to 5 dimensions, none empty, got {shape}.")
    check_numbers(name, settings)
    check_groups(name, settings.get("num_groups", 1), shape[1], "C")
    check_size(name, inputs["input"])


def check_size(name: str, x: Tensor) -> None:
    """Refuse values whose squares torch cannot add up: all it gives for them is NaN or 0, which compares nothing."""
    largest = float(x.abs().nan_to_num(posinf=0.0).max()) if x.numel() else 0.0
    if largest > _LARGEST and x.dtype == torch.float32:
        raise UserError(
            f"{name}: the variance of values as large as {largest:g} does not fit torch.float32. "
            f"Use values up to {_LARGEST:g}."
        )


def run_comparison(module: None, inputs: Inputs, call: Mapping[str, Any]) -> tuple[Tensor, ...]:
    """The results of BatchNorm, LayerNorm, InstanceNorm and GroupNorm, fresh from their constructors."""
    x = inputs["input"]
    channels, eps, dims = x.shape[1], call.get("eps", 1e-5), x.ndim - 3
    layers = (
        (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)[dims](channels, eps=eps),
        nn.LayerNorm(x.shape[1:], eps=eps),
        (nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)[dims](channels, eps=eps),
        nn.GroupNorm(call.get("num_groups", 1), channels, eps=eps),
    )
    return tuple(layer.to(x.dtype)(x).detach() for layer in layers)


def partitions(shape: tuple[int, ...], groups: int) -> dict[str, Partition]:
    """Which elements of an input `(N, C, *)` share statistics, by layer."""
    samples, channels = shape[:2]
    return {
        "BatchNorm": Partition(shape, {1: channels}),
        "LayerNorm": Partition(shape, {0: samples}),
        "InstanceNorm": Partition(shape, {0: samples, 1: channels}),
        "GroupNorm": Partition(shape, {0: samples, 1: groups}),
    }


def record_comparison(call: Call) -> Recording:
    """Mean and variance of every set of the four layers on input `(N, C, *)`, proved by the layers' results.

    `BatchNorm.mean` is `(C,)`, `LayerNorm.mean` `(N,)`, `InstanceNorm.mean` `(N, C)` and `GroupNorm.mean`
    `(N, num_groups)`, `.var` likewise; `BatchNorm` and so on are the results, of the input's shape.
    """
    x = call.inputs["input"]
    tensors: dict[str, Tensor | Lazy] = {"input": x}
    rules: list[Rule] = []
    parts = partitions(tuple(x.shape), call.call.get("num_groups", 1))
    for (name, partition), result in zip(parts.items(), call.output, strict=True):
        shared = Statistics(name, partition, call.call.get("eps", 1e-5))
        tensors |= {**shared.tensors(x), name: result}
        rules += [*shared.rules(), shared.proves(name)]
    return Recording(tensors, tuple(rules), LAYERS)
