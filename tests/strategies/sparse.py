"""Embeddings looked up one by one and in bags."""

from __future__ import annotations

import math
from typing import Any

import torch
from hypothesis import strategies as st
from torch import nn

from torchreel.tests.strategies.draws import FLOATS, Call, Draw, Make, Shape, flag, numbers, one, whole


def lookup(draw: Draw) -> Call:
    rows = draw(st.integers(1, 6))
    module = nn.Embedding(
        rows,
        draw(st.integers(1, 4)),
        padding_idx=draw(st.none() | st.integers(-rows, rows - 1)),
        max_norm=one(draw, None, 0.5, 2.0),
        norm_type=one(draw, 1.0, 2.0, 2.5, math.inf),
        scale_grad_by_freq=flag(draw),
        dtype=one(draw, *FLOATS),
    )
    ids = whole(draw, one(draw, (), (4,), (2, 3), (0,), (2, 1, 2)), 0, rows)
    return Call(module, (ids.to(one(draw, torch.int64, torch.int32)),))


def bag(draw: Draw) -> Call:
    """Flat with offsets or two-dimensional, with weights for sums, with special values in the table."""
    rows, mode, last = draw(st.integers(1, 5)), one(draw, "sum", "mean", "max"), flag(draw)
    dtype, padding = one(draw, *FLOATS), draw(st.none() | st.integers(0, rows - 1))
    module = nn.EmbeddingBag(rows, 2, mode=mode, padding_idx=padding, include_last_offset=last, dtype=dtype)
    with torch.no_grad():
        module.weight.copy_(numbers(draw, (rows, 2), dtype))
    count = draw(st.integers(0, 5))
    shape: Shape = one(draw, (count,), (draw(st.integers(0, 3)), draw(st.integers(1, 3))))
    inputs = [whole(draw, shape, 0, rows)]
    if len(shape) == 1:
        inner = sorted(draw(st.lists(st.integers(0, count), max_size=3)))
        inputs.append(torch.tensor([0, *inner, *([count] if last else [])]))
    kwargs: dict[str, Any] = {}
    if mode == "sum" and flag(draw):
        kwargs["per_sample_weights"] = numbers(draw, shape, dtype)
    return Call(module, tuple(inputs), kwargs)


CALLS: dict[str, Make] = {"Embedding": lookup, "EmbeddingBag": bag}
