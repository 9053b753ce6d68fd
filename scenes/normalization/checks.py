"""Settings of normalization layers that cannot work, refused in one line, and those that a new input brings along."""

from __future__ import annotations

import math
from typing import Any

from torchreel.assets.errors import UserError
from torchreel.scenes.trace.operator import Inputs, Settings

_NUMBERS = ("eps", "momentum", "alpha", "beta", "k")
_MAY_BE_NONE = ("momentum", "eps")


def check_numbers(name: str, settings: Settings) -> None:
    """Refuse words where torch computes with a number, and counts that are no whole numbers."""
    for key in _NUMBERS:
        value = settings.get(key, 0.0)
        if value is None and key in _MAY_BE_NONE:
            continue
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            raise UserError(f"{name}: {key} should be a number, got {value!r}.")
    for key in ("num_features", "size"):
        if key in settings:
            check_count(name, key, settings[key])


def check_layer(name: str, settings: Settings, inputs: Inputs) -> None:
    """Refuse settings that are no numbers; what else does not fit, torch says itself."""
    check_numbers(name, settings)


def check_count(name: str, key: str, value: Any) -> None:
    """Refuse what is no whole number of at least 1."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise UserError(f"{name}: {key} should be an integer of at least 1, got {value!r}.")


def check_groups(name: str, groups: Any, channels: Any, called: str) -> None:
    """Refuse a number of groups that does not divide the channels, which the setting `called` counts."""
    check_count(name, "num_groups", groups)
    check_count(name, called, channels)
    if channels % groups:
        small = [n for n in range(1, math.isqrt(channels) + 1) if channels % n == 0]
        near = sorted({*small, *(channels // n for n in small)}, key=lambda n: (abs(n - groups), n))
        raise UserError(
            f"{name}: {called}={channels} is not divisible by num_groups={groups}. "
            f"Use num_groups={' or '.join(map(str, sorted(near[:2])))}."
        )


def check_group_norm(name: str, settings: Settings, inputs: Inputs) -> None:
    """Refuse channels that do not divide into groups, or that the input does not have."""
    channels, shape = settings.get("num_channels"), tuple(inputs["input"].shape)
    check_numbers(name, settings)
    check_groups(name, settings.get("num_groups"), channels, "num_channels")
    if len(shape) < 2:
        raise UserError(
            f"{name}: Expected at least 2 dimensions for input tensor (N, C, *) but received {len(shape)}."
        )
    if shape[1] != channels:
        raise UserError(
            f"{name}: num_channels={channels}, but the input {shape} has {shape[1]} channels. "
            f"Use num_channels={shape[1]}, or an input with {channels} channels."
        )


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


def infer_features(settings: Settings, inputs: Inputs, axis: int) -> Settings:
    """A new input brings its own channels, on `axis`."""
    shape = inputs["input"].shape
    return settings | ({"num_features": shape[axis]} if -len(shape) <= axis < len(shape) else {})


def infer_shape(settings: Settings, inputs: Inputs) -> Settings:
    """A new input brings its own last axes, as many as normalized_shape had."""
    shape, given = tuple(next(iter(inputs.values())).shape), settings.get("normalized_shape", 1)
    count = len(given) if isinstance(given, (tuple, list)) else 1
    return settings | {"normalized_shape": shape[-count:] if count > 1 else shape[-1:][0] if shape else given}
