"""Padding: a border round the input, and where each of its values comes from."""

from __future__ import annotations

from functools import partial

from torch import nn

from torchreel.scenes.families.padding.block import BlockPadding
from torchreel.scenes.families.padding.story import PlanePadding
from torchreel.scenes.families.padding.trace import check_padding, record_padding
from torchreel.scenes.operator import Operator


def _operator(module: type[nn.Module], dims: int) -> Operator:
    return Operator(module, record_padding, partial(check_padding, dims=dims))


class ReflectionPad1d(PlanePadding):
    operator = _operator(nn.ReflectionPad1d, 1)


class ReflectionPad2d(PlanePadding):
    operator = _operator(nn.ReflectionPad2d, 2)


class ReflectionPad3d(BlockPadding):
    operator = _operator(nn.ReflectionPad3d, 3)


class ReplicationPad1d(PlanePadding):
    operator = _operator(nn.ReplicationPad1d, 1)


class ReplicationPad2d(PlanePadding):
    operator = _operator(nn.ReplicationPad2d, 2)


class ReplicationPad3d(BlockPadding):
    operator = _operator(nn.ReplicationPad3d, 3)


class ZeroPad1d(PlanePadding):
    operator = _operator(nn.ZeroPad1d, 1)


class ZeroPad2d(PlanePadding):
    operator = _operator(nn.ZeroPad2d, 2)


class ZeroPad3d(BlockPadding):
    operator = _operator(nn.ZeroPad3d, 3)


class ConstantPad1d(PlanePadding):
    operator = _operator(nn.ConstantPad1d, 1)


class ConstantPad2d(PlanePadding):
    operator = _operator(nn.ConstantPad2d, 2)


class ConstantPad3d(BlockPadding):
    operator = _operator(nn.ConstantPad3d, 3)


class CircularPad1d(PlanePadding):
    operator = _operator(nn.CircularPad1d, 1)


class CircularPad2d(PlanePadding):
    operator = _operator(nn.CircularPad2d, 2)


class CircularPad3d(BlockPadding):
    operator = _operator(nn.CircularPad3d, 3)
