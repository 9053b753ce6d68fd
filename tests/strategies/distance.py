"""Distances of two tensors that broadcast."""

from __future__ import annotations

import math

from hypothesis import strategies as st
from torch import Tensor, nn

from torchreel.tests.strategies.draws import FLOATS, Call, Draw, Make, Shape, flag, numbers, one

SHAPES: tuple[tuple[Shape, Shape], ...] = (
    ((4,), (4,)),
    ((5, 3), (5, 3)),
    ((5, 3), (3,)),
    ((2, 1, 4), (3, 1)),
    ((0, 3), (0, 3)),
    ((2, 3, 4, 2), (2, 3, 4, 2)),
)


def pair(draw: Draw) -> tuple[Tensor, Tensor]:
    (first, second), dtype = one(draw, *SHAPES), one(draw, *FLOATS)
    return numbers(draw, first, dtype), numbers(draw, second, dtype)


def cosine(draw: Draw) -> Call:
    x1, x2 = pair(draw)
    axes = max(x1.ndim, x2.ndim)
    return Call(nn.CosineSimilarity(draw(st.integers(-axes, axes - 1)), one(draw, 1e-8, 0.1)), (x1, x2))


def pairwise(draw: Draw) -> Call:
    x1, x2 = pair(draw)
    # torch has no largest of no differences
    orders = (2, 1, 3, 1.5, 0, *(() if 0 in x1.shape else (math.inf, -math.inf)))
    return Call(nn.PairwiseDistance(one(draw, *orders), keepdim=flag(draw)), (x1, x2))


CALLS: dict[str, Make] = {"CosineSimilarity": cosine, "PairwiseDistance": pairwise}
