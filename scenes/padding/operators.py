"""The paddings, as torch declares them."""

from __future__ import annotations

from functools import partial

from torch import nn

from torchreel.scenes.padding.trace import check_padding, padding_facts, record_padding
from torchreel.scenes.trace.operator import Operator


def _padding(module: type[nn.Module], dims: int) -> Operator:
    return Operator(module, record_padding, partial(check_padding, dims=dims), facts=padding_facts)


ReflectionPad1d = _padding(nn.ReflectionPad1d, 1)
ReflectionPad2d = _padding(nn.ReflectionPad2d, 2)
ReflectionPad3d = _padding(nn.ReflectionPad3d, 3)
ReplicationPad1d = _padding(nn.ReplicationPad1d, 1)
ReplicationPad2d = _padding(nn.ReplicationPad2d, 2)
ReplicationPad3d = _padding(nn.ReplicationPad3d, 3)
ZeroPad1d = _padding(nn.ZeroPad1d, 1)
ZeroPad2d = _padding(nn.ZeroPad2d, 2)
ZeroPad3d = _padding(nn.ZeroPad3d, 3)
ConstantPad1d = _padding(nn.ConstantPad1d, 1)
ConstantPad2d = _padding(nn.ConstantPad2d, 2)
ConstantPad3d = _padding(nn.ConstantPad3d, 3)
CircularPad1d = _padding(nn.CircularPad1d, 1)
CircularPad2d = _padding(nn.CircularPad2d, 2)
CircularPad3d = _padding(nn.CircularPad3d, 3)
