"""Convolutions and transposed ones, in one to three dimensions."""

from __future__ import annotations

from functools import partial
from typing import Any

from hypothesis import strategies as st
from torch import nn

from torchreel.tests.strategies.draws import FLOATS, Call, Draw, Make, filled, flag, numbers, one, sizes

CONV: dict[int, Any] = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
TRANSPOSED: dict[int, Any] = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
BATCHES = ((), (0,), (1,), (2,))


def conv(draw: Draw, dims: int) -> Call:
    groups, padding = draw(st.integers(1, 2)), one(draw, 0, 1, 2, "same", "valid")
    channels, outs = (groups * draw(st.integers(1, 2)) for _ in range(2))
    module = CONV[dims](
        channels,
        outs,
        sizes(draw, dims, 1, 3),
        stride=1 if padding == "same" else draw(st.integers(1, 3)),
        padding=padding,
        dilation=draw(st.integers(1, 2)),
        groups=groups,
        bias=flag(draw),
        padding_mode=one(draw, "zeros", "reflect", "replicate", "circular"),
        dtype=(dtype := one(draw, *FLOATS)),
    )
    shape = (*one(draw, *BATCHES), channels, *sizes(draw, dims, 5, 6))
    return Call(filled(draw, module), (numbers(draw, shape, dtype),))


def transposed(draw: Draw, dims: int) -> Call:
    groups, stride, dilation = draw(st.integers(1, 2)), sizes(draw, dims, 1, 3), sizes(draw, dims, 1, 3)
    kernel, given = sizes(draw, dims, 1, 3), sizes(draw, dims, 1, 3)
    full = [(n - 1) * s + d * (k - 1) for n, s, d, k in zip(given, stride, dilation, kernel, strict=True)]
    padding = tuple(draw(st.integers(0, min(2, size // 2))) for size in full)
    growth = tuple(draw(st.integers(0, max(s, d) - 1)) for s, d in zip(stride, dilation, strict=True))
    channels, outs = (groups * draw(st.integers(1, 2)) for _ in range(2))
    dtype = one(draw, *FLOATS)
    module = TRANSPOSED[dims](
        channels, outs, kernel, stride, padding, growth, groups, flag(draw), dilation, dtype=dtype
    )
    return Call(filled(draw, module), (numbers(draw, (*one(draw, *BATCHES), channels, *given), dtype),))


CALLS: dict[str, Make] = {
    **{kind.__name__: partial(conv, dims=dims) for dims, kind in CONV.items()},
    **{kind.__name__: partial(transposed, dims=dims) for dims, kind in TRANSPOSED.items()},
}
