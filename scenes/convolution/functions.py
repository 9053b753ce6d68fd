"""The functions that are convolutions."""

from __future__ import annotations

from functools import partial

from torchreel.scenes.trace.functions import Arguments, Function, shaped, single

_SIDES = {1: "L", 2: "kH, kW", 3: "kD, kH, kW"}
_PER_AXIS = ("stride", "padding", "output_padding", "dilation")


def _convolution(arguments: Arguments, dims: int) -> Arguments:
    out, per_group, *kernel = shaped(
        arguments, "weight", f"out_channels, in_channels / groups, {_SIDES[dims]}"
    )
    channels = {"in_channels": per_group * arguments["groups"], "out_channels": out}
    return {**channels, "kernel_size": tuple(kernel), **single(arguments, *_PER_AXIS)}


def _transposed(arguments: Arguments, dims: int) -> Arguments:
    channels, per_group, *kernel = shaped(
        arguments, "weight", f"in_channels, out_channels / groups, {_SIDES[dims]}"
    )
    sizes = {"in_channels": channels, "out_channels": per_group * arguments["groups"]}
    return {**sizes, "kernel_size": tuple(kernel), **single(arguments, *_PER_AXIS)}


_HELD = ("weight", "bias")
FUNCTIONS = tuple(
    Function(f"{operator}{dims}d", (f"{name}{dims}d",), partial(settings, dims=dims), state=_HELD)
    for operator, name, settings in (
        ("Conv", "conv", _convolution),
        ("ConvTranspose", "conv_transpose", _transposed),
    )
    for dims in _SIDES
)
