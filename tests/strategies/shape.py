"""Shapes that change: axes laid end to end, an axis cut into several, and nothing at all."""

from __future__ import annotations

import math

import torch
from hypothesis import strategies as st
from torch import nn

from torchreel.tests.strategies.draws import SHORT, Call, Draw, Make, Shape, flag, numbers, one, whole


def shape(draw: Draw, least: int, low: int = 0) -> Shape:
    return tuple(draw(st.lists(st.integers(low, 3), min_size=least, max_size=5)))


def given(draw: Draw, sizes: Shape) -> torch.Tensor:
    return whole(draw, sizes, -9, 10) if flag(draw) else numbers(draw, sizes, one(draw, *SHORT))


def flatten(draw: Draw) -> Call:
    sizes = shape(draw, 1)
    start = draw(st.integers(0, len(sizes) - 1))
    end = draw(st.integers(start, len(sizes) - 1))
    module = nn.Flatten(start - len(sizes) * flag(draw), end - len(sizes) * flag(draw))
    return Call(module, (given(draw, sizes),))


def unflatten(draw: Draw) -> Call:
    before, behind, parts = shape(draw, 0), shape(draw, 0), shape(draw, 1, 1)
    axes = len(before) + 1 + len(behind)
    module = nn.Unflatten(len(before) - axes * flag(draw), parts)
    return Call(module, (given(draw, (*before, math.prod(parts), *behind)),))


def identity(draw: Draw) -> Call:
    return Call(nn.Identity(*([54] if flag(draw) else [])), (given(draw, shape(draw, 0)),))


CALLS: dict[str, Make] = {"Flatten": flatten, "Unflatten": unflatten, "Identity": identity}
