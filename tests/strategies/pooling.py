"""Poolings over windows, adaptive and fractional ones, and the way back."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import torch
from hypothesis import assume
from hypothesis import strategies as st
from torch import Tensor, nn

from torchreel.tests.strategies.draws import SHORT, Call, Draw, Make, Shape, flag, numbers, one, sizes, whole

BATCHES = ((), (0,), (2,))
EXTREME = (math.nan, math.inf, -math.inf, 3e38, -3e38, 1e-30, 0.0, -2.0, 5.0)
EXPONENTS = (1, 2, 2.0, 3, 2.5, 0.5, 12, -1, -2, math.inf, -math.inf)


def planes(draw: Draw, spatial: Shape, batches: tuple[Shape, ...] = BATCHES) -> Shape:
    return (*one(draw, *batches), draw(st.integers(1, 2)), *spatial)


def largest(draw: Draw, dims: int) -> Call:
    kernel, dtype = sizes(draw, dims, 1, 3), one(draw, *SHORT, torch.int64)
    module = getattr(nn, f"MaxPool{dims}d")(
        kernel,
        stride=draw(st.integers(1, 3)),
        padding=tuple(draw(st.integers(0, size // 2)) for size in kernel),
        dilation=draw(st.integers(1, 3)),
        ceil_mode=flag(draw),
        return_indices=flag(draw) or not dtype.is_floating_point,  # torch has whole numbers with indices only
    )
    shape = planes(draw, sizes(draw, dims, 7, 8))
    x = numbers(draw, shape, dtype) if dtype.is_floating_point else whole(draw, shape, -9, 10)
    return Call(module, (x,))


def average(draw: Draw, dims: int) -> Call:
    kernel = sizes(draw, dims, 1, 4)
    divisor = {"divisor_override": one(draw, None, None, 3, -2)} if dims > 1 else {}
    module = getattr(nn, f"AvgPool{dims}d")(
        kernel,
        stride=one(draw, None, 1, 2, 3),
        padding=tuple(draw(st.integers(0, size // 2)) for size in kernel),
        ceil_mode=flag(draw),
        count_include_pad=flag(draw),
        **divisor,
    )
    dtype = one(draw, *((*SHORT, torch.int64) if dims < 3 else SHORT[:2]))  # torch has no shorter ones in 3d
    shape = planes(draw, sizes(draw, dims, 4, 7))
    x = (
        numbers(draw, shape, dtype, special=EXTREME)
        if dtype.is_floating_point
        else whole(draw, shape, -9, 10)
    )
    return Call(module, (x,))


def power(draw: Draw, dims: int) -> Call:
    module = getattr(nn, f"LPPool{dims}d")(
        one(draw, *EXPONENTS), draw(st.integers(1, 3)), stride=one(draw, None, 1, 2, 3), ceil_mode=flag(draw)
    )
    shape, dtype = planes(draw, sizes(draw, dims, 4, 7)), one(draw, *(SHORT if dims < 3 else SHORT[:2]))
    return Call(module, (numbers(draw, shape, dtype, special=EXTREME),))


def adaptive(draw: Draw, kind: str, dims: int) -> Call:
    each: Any = st.integers(1, 9) if dims == 1 else st.none() | st.integers(1, 9)
    asked = draw(st.integers(0, 4) | st.lists(each, min_size=dims, max_size=dims).map(tuple))
    indices = {"return_indices": flag(draw)} if kind == "Max" else {}
    module = getattr(nn, f"Adaptive{kind}Pool{dims}d")(asked, **indices)
    shape = (*one(draw, (2,), (1, 2), (2, 1), (0, 2)), *sizes(draw, dims, 1, 7))
    return Call(module, (numbers(draw, shape, one(draw, *SHORT)),))


def fractional(draw: Draw, dims: int) -> Call:
    kernel, outs = sizes(draw, dims, 1, 3), sizes(draw, dims, 1, 4)
    given = tuple(k + o + draw(st.integers(0, 4)) for k, o in zip(kernel, outs, strict=True))
    asked: dict[str, Any] = {"output_size": outs}
    if flag(draw):
        ratio = tuple(o / n + 0.001 for o, n in zip(outs, given, strict=True))
        assume(all(0 < part < 1 for part in ratio))
        asked = {"output_ratio": ratio}
    lead, dtype = one(draw, (2,), (1, 2), (0, 2)), one(draw, *SHORT)
    samples: Tensor | None = None
    if flag(draw):
        samples = torch.rand(lead[0] if len(lead) > 1 else 1, 2, dims).to(dtype)
    module = getattr(nn, f"FractionalMaxPool{dims}d")(
        kernel, **asked, return_indices=flag(draw), _random_samples=samples
    )
    return Call(module, (numbers(draw, (*lead, *given), dtype),))


def unpooled(draw: Draw, dims: int) -> Call:
    """Values and indices of any origin, several to one home, and an output size torch takes."""
    module: Any = getattr(nn, f"MaxUnpool{dims}d")(draw(st.integers(2, 3)), one(draw, None, 2, 3))
    pooled = sizes(draw, dims, 1, 3)
    own = [(n - 1) * module.stride[0] + module.kernel_size[0] for n in pooled]
    size = [n + draw(st.integers(0, module.stride[0] - 1)) for n in own]
    shape, dtype = planes(draw, pooled), one(draw, *SHORT[:3])
    inputs = numbers(draw, shape, dtype), whole(draw, shape, 0, math.prod(size))
    return Call(module, inputs, {"output_size": size})


CALLS: dict[str, Make] = {
    **{f"MaxPool{dims}d": partial(largest, dims=dims) for dims in (1, 2, 3)},
    **{f"AvgPool{dims}d": partial(average, dims=dims) for dims in (1, 2, 3)},
    **{f"LPPool{dims}d": partial(power, dims=dims) for dims in (1, 2, 3)},
    **{
        f"Adaptive{kind}Pool{dims}d": partial(adaptive, kind=kind, dims=dims)
        for kind in ("Max", "Avg")
        for dims in (1, 2, 3)
    },
    **{f"FractionalMaxPool{dims}d": partial(fractional, dims=dims) for dims in (2, 3)},
    **{f"MaxUnpool{dims}d": partial(unpooled, dims=dims) for dims in (1, 2, 3)},
}
