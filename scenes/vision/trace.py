"""What shuffling pixels does: every element of the output is one element of the input.

One of the two tensors is coarse, `(*, C·r², H, W)`, the other fine, `(*, C, H·r, W·r)`. The `r²` channels of a group
have one place each in the `r × r` block that a coarse pixel becomes, row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import torch
from torch import Tensor

from torchreel.assets.errors import UserError
from torchreel.scenes.trace.formula import Ref
from torchreel.scenes.trace.operator import Call, Inputs, Recording, Settings
from torchreel.scenes.trace.proof import Rule, Trace

Number = TypeVar("Number", int, Tensor)


@dataclass(frozen=True)
class PixelBlocks:
    """Where an element `(channel, row, column)` of one tensor stands in the other, for numbers and for index arrays."""

    factor: int

    def coarse(self, channel: Number, row: Number, col: Number) -> tuple[Number, Number, Number]:
        """The coarse element that is this one of the fine tensor."""
        r = self.factor
        return channel * r**2 + row % r * r + col % r, row // r, col // r

    def fine(self, channel: Number, row: Number, col: Number) -> tuple[Number, Number, Number]:
        """The fine element that is this one of the coarse tensor."""
        r = self.factor
        place = channel % r**2
        return channel // r**2, row * r + place // r, col * r + place % r


def record_shuffle(call: Call) -> Recording:
    """input `(*, C·r², H, W)`, output `(*, C, H·r, W·r)`."""
    return _recording(call, PixelBlocks(call.module.upscale_factor).coarse)


def record_unshuffle(call: Call) -> Recording:
    """input `(*, C, H·r, W·r)`, output `(*, C·r², H, W)`."""
    return _recording(call, PixelBlocks(call.module.downscale_factor).fine)


@dataclass(frozen=True)
class ChannelGroups:
    """Channels written as `groups × size`, row by row, and read column by column."""

    groups: int
    size: int

    def source(self, channel: Number) -> Number:
        """The input's channel that is this one of the output."""
        return channel % self.groups * self.size + channel // self.groups

    @classmethod
    def of(cls, groups: int, shape: Sequence[int]) -> ChannelGroups:
        """Those of an input `(N, C, *)`."""
        return cls(groups, shape[1] // groups)


def record_channel_shuffle(call: Call) -> Recording:
    """input and output `(N, C, *)`."""
    tensors = {"input": call.inputs["input"], "output": call.output}
    groups = ChannelGroups.of(call.module.groups, tensors["input"].shape)
    return Recording(tensors, (Rule("output", partial(_of_channel, groups)),))


def _of_channel(groups: ChannelGroups, cells: Tensor) -> Ref:
    channel = groups.source(cells[:, 1:2])
    return Ref("input", torch.cat([cells[:, :1], channel, cells[:, 2:]], 1))


def channel_facts(trace: Trace) -> Mapping[str, bool]:
    """`mixes`: some channel changes its place."""
    module: Any = trace.module
    groups = ChannelGroups.of(module.groups, trace.shape("input"))
    return {"mixes": groups.groups > 1 and groups.size > 1}


def check_channel_shuffle(name: str, settings: Settings, inputs: Inputs) -> None:
    """Refuse groups that are none, and channels that do not make up whole groups."""
    groups, shape = settings["groups"], tuple(inputs["input"].shape)
    if type(groups) is not int or groups < 1:
        raise UserError(f"{name}: groups should be an integer of at least 1, got {groups!r}.")
    if len(shape) < 3:
        raise UserError(f"{name}: expected an input (N, C, *) of at least 3 dimensions, got shape {shape}.")
    if shape[1] % groups:
        raise UserError(
            f"{name}: number of channels must be divisible by groups, but input.size(1)={shape[1]} is not divisible "
            f"by {groups}. Use a number of channels that is a multiple of {groups}."
        )


def _recording(call: Call, source: Callable[..., tuple[Tensor, ...]]) -> Recording:
    tensors = {"input": call.inputs["input"], "output": call.output}
    return Recording(tensors, (Rule("output", partial(_element, source)),))


def _element(source: Callable[..., tuple[Tensor, ...]], cells: Tensor) -> Ref:
    place = torch.stack(source(*cells[:, -3:].unbind(1)), 1)
    return Ref("input", torch.cat([cells[:, :-3], place], 1))


def check_shuffle(name: str, settings: Settings, inputs: Inputs) -> None:
    """Refuse a factor that is none, and channels that do not make up whole blocks."""
    shape = tuple(inputs["input"].shape)
    factor = _factor(name, "upscale_factor", settings, shape, "(*, C * upscale_factor ** 2, H, W)")
    if shape[-3] % factor**2:
        raise UserError(
            f"{name}: expected an input whose number of channels is divisible by the square of upscale_factor, but "
            f"input.size(-3)={shape[-3]} is not divisible by {factor**2}. "
            f"Give {factor**2} channels for each of the output."
        )


def check_unshuffle(name: str, settings: Settings, inputs: Inputs) -> None:
    """Refuse a factor that is none, and a height or width that is not cut into whole blocks."""
    shape = tuple(inputs["input"].shape)
    factor = _factor(name, "downscale_factor", settings, shape, "(*, C, H, W)")
    for side, axis in (("height", -2), ("width", -1)):
        if shape[axis] % factor:
            raise UserError(
                f"{name}: expected {side} to be divisible by downscale_factor, but input.size({axis})={shape[axis]} "
                f"is not divisible by {factor}. Use a {side} that is a multiple of {factor}."
            )


def _factor(name: str, argument: str, settings: Settings, shape: tuple[int, ...], expected: str) -> int:
    factor = settings[argument]
    if type(factor) is not int or factor < 1:
        raise UserError(f"{name}: {argument} should be an integer of at least 1, got {factor!r}.")
    if len(shape) < 3:
        raise UserError(f"{name}: expected an input {expected} of at least 3 dimensions, got shape {shape}.")
    return factor
