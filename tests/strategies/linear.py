"""Linear maps of one tensor and of two."""

from __future__ import annotations

from hypothesis import strategies as st
from torch import nn

from torchreel.tests.strategies.draws import SHORT, Call, Draw, Make, Shape, filled, flag, numbers, one

SCALES = (1.0, 1.0, 1e-9, 1e4, 1e30, 1e38)


def lead(draw: Draw) -> Shape:
    return tuple(draw(st.lists(st.integers(0, 3), max_size=3)))


def linear(draw: Draw) -> Call:
    features, dtype = draw(st.integers(1, 9)), one(draw, *SHORT)
    module = filled(draw, nn.Linear(features, draw(st.integers(1, 5)), flag(draw), dtype=dtype))
    return Call(module, (numbers(draw, (*lead(draw), features), dtype, SCALES),))


def bilinear(draw: Draw) -> Call:
    first, second, out = (draw(st.integers(1, 5)) for _ in range(3))
    before, dtype = tuple(draw(st.lists(st.integers(1, 3), max_size=3))), one(draw, *SHORT)
    module = filled(draw, nn.Bilinear(first, second, out, flag(draw), dtype=dtype))
    inputs = (numbers(draw, (*before, size), dtype, SCALES) for size in (first, second))
    return Call(module, tuple(inputs))


CALLS: dict[str, Make] = {"Linear": linear, "Bilinear": bilinear}
