"""The traces of GroupNorm and of the comparison of the four normalization layers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from torchreel.assets.errors import UserError
from torchreel.scenes.formula import Add, Const, Div, Expr, Func, Lazy, Mul, Ref, Rounded, Sub, Sum
from torchreel.scenes.normalization_sets import Partition, Statistics, mean_of
from torchreel.scenes.operator import Call, Inputs, Operator, Recording, Settings
from torchreel.scenes.trace import Rule, Trace

LAYERS = ("BatchNorm", "LayerNorm", "InstanceNorm", "GroupNorm")
_MOST_SETTINGS = 4
_LARGEST = 1e16


def record_group_norm(call: Call) -> Recording:
    """The five steps of GroupNorm on input `(N, C, *)`.

    `mean`, `var` and `std` are `(N, num_groups)`; `centered`, `normalized`, `output` have the input's shape.
    """
    return _GroupNorm(call.module, call.inputs["input"]).recording(call.output)


class _GroupNorm:
    """The tensors and rules of one call."""

    def __init__(self, module: nn.GroupNorm, x: Tensor) -> None:
        self.module, self.input = module, x
        self.partition = Partition(tuple(x.shape), True, module.num_groups)

    def recording(self, output: Tensor) -> Recording:
        affine = {
            name: value.detach()
            for name, value in (("weight", self.module.weight), ("bias", self.module.bias))
            if value is not None
        }
        rules = (
            Rule("mean", lambda cells: mean_of(self.partition, cells)),
            Rule("centered", self._centered),
            Rule("var", self._var),
            Rule("std", self._std),
            Rule("normalized", self._normalized),
            Rule("output", self._affine),
        )
        return Recording({**self._steps(), **affine, "output": output}, rules)

    def _steps(self) -> dict[str, Tensor | Lazy]:
        x, spread = self.input, self.partition.spread
        mean = self.partition.mean(x)
        centered = x - spread(mean)
        var = self.partition.mean(centered.double().square()).to(x.dtype)
        std = (var.double() + self.module.eps).sqrt().to(x.dtype)
        return {
            "input": x,
            "mean": mean,
            "centered": centered,
            "var": var,
            "std": std,
            "normalized": centered / spread(std),
        }

    def _centered(self, cells: Tensor) -> Expr:
        return Sub(Ref("input", cells), Ref("mean", self.partition.set_of(cells)))

    def _var(self, cells: Tensor) -> Expr:
        squares = Func("square", Ref("centered", self.partition.members(cells)))
        return Div(Sum(squares), Const(self.partition.size))

    def _std(self, cells: Tensor) -> Expr:
        return Func("sqrt", Add((Ref("var", cells), Const(self.module.eps))))

    def _normalized(self, cells: Tensor) -> Expr:
        return Div(Ref("centered", cells), Ref("std", self.partition.set_of(cells)))

    def _affine(self, cells: Tensor) -> Expr:
        """normalized times weight plus bias, as far as the module has them."""
        fused = Div(self._centered(cells), Ref("std", self.partition.set_of(cells)))
        result: Expr = Rounded(Ref("normalized", cells), fused)
        if self.module.weight is not None:
            result = Mul((result, Ref("weight", cells[:, 1:2])))
        return result if self.module.bias is None else Add((result, Ref("bias", cells[:, 1:2])))


def group_settings(channels: int, own: int) -> list[int]:
    """The values of num_groups worth showing: from 1 to the number of channels, with the module's own."""
    divisors = [n for n in range(1, channels + 1) if channels % n == 0]
    while len(divisors) > _MOST_SETTINGS:
        spare = [n for n in divisors[1:-1] if n != own]
        divisors.remove(spare[len(spare) // 2])
    return divisors


class GroupNormOperator(Operator):
    """GroupNorm; the trace of its example `groups` also holds the same call for other values of num_groups."""

    def trace_example(self, example: Any, *args: Any, **kwargs: Any) -> Trace:
        trace = super().trace_example(example, *args, **kwargs)
        return with_other_groups(trace) if example.name == "groups" else trace


def with_other_groups(trace: Trace) -> Trace:
    """The trace with the statistics and the result of every `group_settings` value, proved likewise.

    `num_groups=g.mean` and `num_groups=g.var` are `(N, g)`; `num_groups=g` is torch's result. With them stand
    the result of torch's `layer_norm` over each sample, which the statistics of one group prove too, and that
    of `instance_norm`, where torch takes it, which those of C groups prove.
    """
    module: Any = trace.module
    x = trace.inputs["input"]
    tensors, rules = dict(trace.tensors), list(trace.rules)
    for groups in group_settings(module.num_channels, module.num_groups):
        shared = Statistics(f"num_groups={groups}", Partition(tuple(x.shape), True, groups), module.eps)
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
    return replace(trace, tensors=tensors, rules=tuple(rules))


def _twins(x: Tensor, groups: int, eps: float) -> dict[str, Tensor]:
    """The results of the layers that share GroupNorm's statistics at this number of groups."""
    twins = {}
    if groups == 1:
        twins["layer_norm"] = F.layer_norm(x, x.shape[1:], eps=eps)
    if groups == x.shape[1] and math.prod(x.shape[2:]) > 1:
        twins["instance_norm"] = F.instance_norm(x, eps=eps)
    return twins


def infer_group_norm(settings: Settings, inputs: Inputs) -> Settings:
    """A new input brings its own number of channels; num_groups stays as far as it divides them."""
    shape = inputs["input"].shape
    if len(shape) > 1:
        settings["num_channels"] = shape[1]
    return infer_groups(settings, inputs)


def infer_groups(settings: Settings, inputs: Inputs) -> Settings:
    """num_groups stays as far as it divides the new input's channels."""
    shape = inputs["input"].shape
    if len(shape) > 1 and isinstance(settings.get("num_groups"), int):
        settings["num_groups"] = math.gcd(settings["num_groups"], shape[1]) or 1
    return settings


def check_group_norm(settings: Settings, inputs: Inputs) -> None:
    """Refuse channels that do not divide into groups, or that the input does not have."""
    groups, channels = settings.get("num_groups"), settings.get("num_channels")
    shape = tuple(inputs["input"].shape)
    _check_groups("GroupNorm", groups, channels, "num_channels")
    if len(shape) < 2:
        raise UserError(f"GroupNorm: expected an input (N, C, *) of at least 2 dimensions, got {shape}.")
    if shape[1] != channels:
        raise UserError(
            f"GroupNorm: num_channels={channels}, but the input {shape} has {shape[1]} channels. "
            f"Use num_channels={shape[1]}, or an input with {channels} channels."
        )
    _check_size("GroupNorm", inputs["input"])


def _check_size(name: str, x: Tensor) -> None:
    """Refuse values whose squares torch cannot add up: all it gives for them is NaN or 0."""
    largest = float(x.abs().nan_to_num(posinf=0.0).max()) if x.numel() else 0.0
    if largest > _LARGEST and x.dtype == torch.float32:
        raise UserError(
            f"{name}: the variance of values as large as {largest:g} does not fit torch.float32. "
            f"Use values up to {_LARGEST:g}."
        )


def _check_groups(name: str, groups: Any, channels: Any, called: str) -> None:
    for label, value in (("num_groups", groups), (called, channels)):
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise UserError(f"{name}: {label} should be an integer of at least 1, got {value!r}.")
    if channels % groups:
        near = sorted((n for n in range(1, channels + 1) if channels % n == 0), key=lambda n: abs(n - groups))
        raise UserError(
            f"{name}: {called}={channels} is not divisible by num_groups={groups}. "
            f"Use num_groups={' or '.join(map(str, sorted(near[:2])))}."
        )


class ComparisonOperator(Operator):
    """Four layers on one input. There is no module to set up, so the settings go to the call."""

    def trace(
        self,
        module: nn.Module | None,
        inputs: Inputs,
        call: Mapping[str, Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        seed: int = 0,
    ) -> Trace:
        return super().trace(module, inputs, {**(call or {}), **(kwargs or {})}, kwargs, seed)


def check_comparison(settings: Settings, inputs: Inputs) -> None:
    """The figure takes num_groups and eps, and an input that all four layers accept."""
    for name in settings:
        if name not in ("num_groups", "eps"):
            raise UserError(f"Normalization has no argument {name!r}. It takes num_groups, eps.")
    shape = tuple(inputs["input"].shape)
    if not 3 <= len(shape) <= 5 or 0 in shape:
        raise UserError(
            f"Normalization: expected an input (N, C, *) of 3 to 5 dimensions, none empty, got {shape}."
        )
    if not isinstance(settings.get("eps", 1e-5), (int, float)):
        raise UserError(f"Normalization: eps should be a number, got {settings['eps']!r}.")
    _check_groups("Normalization", settings.get("num_groups", 1), shape[1], "C")
    _check_size("Normalization", inputs["input"])


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
    return {
        "BatchNorm": Partition(shape, False, shape[1]),
        "LayerNorm": Partition(shape, True, None),
        "InstanceNorm": Partition(shape, True, shape[1]),
        "GroupNorm": Partition(shape, True, groups),
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


_DOCS = "https://docs.pytorch.org/docs/stable"

GROUP_NORM = GroupNormOperator(
    nn.GroupNorm,
    record_group_norm,
    family="normalization",
    source=f"{_DOCS}/generated/torch.nn.GroupNorm.html",
    check=check_group_norm,
    infer=infer_group_norm,
)
COMPARISON = ComparisonOperator(
    None,
    record_comparison,
    family="normalization",
    source=f"{_DOCS}/nn.html#normalization-layers",
    check=check_comparison,
    infer=infer_groups,
    run=run_comparison,
    label="Normalization",
)
