"""Normalizations over batches, channels, groups, the last axes and neighbouring channels."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor, nn

from torchreel.tests.strategies.draws import (
    SHORT,
    Call,
    Draw,
    Make,
    Shape,
    filled,
    flag,
    generator,
    numbers,
    one,
)

EPS = (1e-5, 1e-3, 1.0)
EXTREME = (math.nan, math.inf, -math.inf, 1e16)


def values(draw: Draw, shape: Shape, dtype: torch.dtype) -> Tensor:
    """An input of any size, constant or offset, or with special values in it."""
    if draw(st.integers(0, 3)) == 0:
        return torch.full(shape, 0.1).to(dtype)
    x = numbers(draw, shape, torch.float64, (1.0, 1.0, 1e-9, 1e3, 1e20, 1e30), EXTREME)
    return (x + one(draw, 0.0, 0.0, 123456.789)).to(dtype)


def shaped(draw: Draw, dims: int) -> Shape:
    """A shape `(N, C, *)` with so many more axes, sometimes an empty one; always several values a channel."""
    spatial = [draw(st.integers(2, 4)) for _ in range(dims)]
    if spatial and draw(st.integers(0, 9)) == 0:
        spatial[0] = 0
    return (one(draw, *((0, 1, 2, 3) if dims else (0, 2, 3))), draw(st.integers(1, 4)), *spatial)


def settled(draw: Draw, module: nn.Module, dtype: torch.dtype) -> nn.Module:
    """The module with parameters, buffers and mode of its own; short types may have float32 parameters."""
    random = generator(draw)
    for name, buffer in filled(draw, module).named_buffers():
        if name == "num_batches_tracked":
            buffer.fill_(draw(st.integers(0, 9)))
        else:
            buffer.uniform_(0.1, 3.0, generator=random)
    wide = flag(draw) and dtype in (torch.bfloat16, torch.float16)
    return module.to(torch.float32 if wide else dtype).train(flag(draw))


def batch_norm(draw: Draw, dims: int) -> Call:
    shape, dtype = shaped(draw, draw(st.integers(0, 1)) if dims == 1 else dims), one(draw, *SHORT)
    module = getattr(nn, f"BatchNorm{dims}d")(
        shape[1], one(draw, *EPS), one(draw, 0.1, None, 1.0, 0.0), flag(draw), flag(draw)
    )
    return Call(settled(draw, module, dtype), (values(draw, shape, dtype),))


def instance_norm(draw: Draw, dims: int) -> Call:
    shape, dtype = shaped(draw, dims), one(draw, *SHORT)
    module = getattr(nn, f"InstanceNorm{dims}d")(
        shape[1], one(draw, *EPS, 0.0), one(draw, 0.1, None, 1.0), flag(draw), flag(draw)
    )
    given = shape[1:] if flag(draw) else (max(1, shape[0]), *shape[1:])
    return Call(settled(draw, module, dtype), (values(draw, given, dtype),))


def last_axes(draw: Draw, kind: Any) -> Call:
    shape = tuple(draw(st.lists(st.integers(0, 4), min_size=1, max_size=4)))
    count, dtype = draw(st.integers(1, len(shape))), one(draw, *SHORT)
    eps = one(draw, *EPS, 0.0, *((None,) if kind is nn.RMSNorm else ()))
    module = kind(shape[-count:], eps=eps, elementwise_affine=flag(draw))
    return Call(settled(draw, module, dtype), (values(draw, shape, dtype),))


def group_norm(draw: Draw) -> Call:
    groups, dtype = draw(st.integers(1, 3)), one(draw, *SHORT)
    samples, _, *spatial = shaped(draw, draw(st.integers(0, 3)))
    shape = (samples, 2 * groups, *spatial)
    module = settled(draw, nn.GroupNorm(groups, shape[1], one(draw, *EPS, 0.0), flag(draw)), dtype)
    x = values(draw, shape, dtype)
    return Call(
        module, (x.contiguous(memory_format=torch.channels_last) if x.ndim == 4 and flag(draw) else x,)
    )


def response_norm(draw: Draw) -> Call:
    dims = draw(st.integers(1, 3))
    dtype = one(draw, *(SHORT if dims == 1 else SHORT[:2]))  # torch pools no shorter type in 3d
    alpha, beta, k = one(draw, 1e-4, 1.0, 0.0), one(draw, 0.75, 2, 0.5), one(draw, 1.0, 2.0, 0.0)
    module = nn.LocalResponseNorm(draw(st.integers(1, 7)), alpha, beta, k)
    return Call(module, (values(draw, shaped(draw, dims), dtype).contiguous(),))  # torch views it, in 3d


CALLS: dict[str, Make] = {
    **{f"BatchNorm{dims}d": partial(batch_norm, dims=dims) for dims in (1, 2, 3)},
    **{f"InstanceNorm{dims}d": partial(instance_norm, dims=dims) for dims in (1, 2, 3)},
    "LayerNorm": partial(last_axes, kind=nn.LayerNorm),
    "RMSNorm": partial(last_axes, kind=nn.RMSNorm),
    "GroupNorm": group_norm,
    "LocalResponseNorm": response_norm,
}
