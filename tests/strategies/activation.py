"""Activations: element by element, along an axis, gated, and with clusters of classes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from hypothesis import strategies as st
from torch import nn

from torchreel.tests.strategies.draws import (
    FLOATS,
    SHORT,
    SPECIAL,
    Call,
    Draw,
    Make,
    filled,
    flag,
    numbers,
    one,
    whole,
)

EXTREME = (*SPECIAL, 0.5, -0.5, 0.1, 3.0, -3.0, 6.0, 20.0, 1e38, -1e38, 1e-40)


def _factor(draw: Draw) -> float:
    return one(draw, -2.0, -0.1, 0.0, 0.01, 0.5, 1.0, 3.0)


MODULES: dict[str, Callable[[Draw], nn.Module]] = {
    "CELU": lambda draw: nn.CELU(one(draw, -1.0, 0.5, 1.0, 2.0), flag(draw)),
    "ELU": lambda draw: nn.ELU(_factor(draw), flag(draw)),
    "GELU": lambda draw: nn.GELU(one(draw, "none", "tanh")),
    "Hardshrink": lambda draw: nn.Hardshrink(_factor(draw)),
    "Hardsigmoid": lambda draw: nn.Hardsigmoid(flag(draw)),
    "Hardswish": lambda draw: nn.Hardswish(flag(draw)),
    "Hardtanh": lambda draw: nn.Hardtanh(one(draw, -5, -1, 0.1), one(draw, 0.3, 1, 5), flag(draw)),
    "LeakyReLU": lambda draw: nn.LeakyReLU(_factor(draw), flag(draw)),
    "LogSigmoid": lambda draw: nn.LogSigmoid(),
    "Mish": lambda draw: nn.Mish(flag(draw)),
    "ReLU": lambda draw: nn.ReLU(flag(draw)),
    "ReLU6": lambda draw: nn.ReLU6(flag(draw)),
    "RReLU": lambda draw: nn.RReLU(one(draw, -0.1, 0.125), 0.5, flag(draw)).train(flag(draw)),
    "SELU": lambda draw: nn.SELU(flag(draw)),
    "SiLU": lambda draw: nn.SiLU(flag(draw)),
    "Sigmoid": lambda draw: nn.Sigmoid(),
    "Softplus": lambda draw: nn.Softplus(one(draw, -1, 0.5, 1, 3), one(draw, 1, 20, 500)),
    "Softshrink": lambda draw: nn.Softshrink(one(draw, 0.0, 0.1, 0.5, 3.0)),
    "Softsign": lambda draw: nn.Softsign(),
    "Tanh": lambda draw: nn.Tanh(),
    "Tanhshrink": lambda draw: nn.Tanhshrink(),
    "Threshold": lambda draw: nn.Threshold(_factor(draw), _factor(draw), flag(draw)),
}


def shape(draw: Draw, least: int = 0, most: int = 4) -> tuple[int, ...]:
    return tuple(draw(st.lists(st.integers(0, 4), min_size=least, max_size=most)))


def element_wise(draw: Draw, name: str) -> Call:
    kinds = FLOATS if name == "RReLU" else SHORT  # torch has no RReLU for float16
    return Call(
        MODULES[name](draw), (numbers(draw, shape(draw), one(draw, *kinds), (1.0, 3.0, 1e-9, 1e4), EXTREME),)
    )


def prelu(draw: Draw) -> Call:
    sizes, dtype = shape(draw), one(draw, *FLOATS)
    channels = sizes[1] if len(sizes) > 1 and sizes[1] else 1
    module = filled(draw, nn.PReLU(one(draw, 1, channels)))
    return Call(module.to(dtype), (numbers(draw, sizes, dtype, special=EXTREME),))


def along_an_axis(draw: Draw, kind: Any) -> Call:
    sizes = shape(draw)
    most = max(1, len(sizes))
    return Call(kind(dim=one(draw, None, *range(-most, most))), (numbers(draw, sizes, one(draw, *SHORT)),))


def softmax2d(draw: Draw) -> Call:
    return Call(nn.Softmax2d(), (numbers(draw, shape(draw, 3, 4), one(draw, *SHORT)),))


def glu(draw: Draw) -> Call:
    halves = draw(st.lists(st.integers(0, 3), min_size=1, max_size=4))
    dim = draw(st.integers(-len(halves), len(halves) - 1))
    halves[dim] *= 2
    return Call(nn.GLU(dim), (numbers(draw, tuple(halves), one(draw, *SHORT)),))


def adaptive(draw: Draw) -> Call:
    classes, features = draw(st.integers(2, 12)), draw(st.integers(4, 12))
    cutoffs = sorted(draw(st.sets(st.integers(1, classes - 1), min_size=1, max_size=3)))
    module = nn.AdaptiveLogSoftmaxWithLoss(features, classes, cutoffs, one(draw, 1.0, 1.5), flag(draw))
    dtype, lead = one(draw, *FLOATS), one(draw, (), (1,), (4,))
    return Call(
        filled(draw, module).to(dtype),
        (numbers(draw, (*lead, features), dtype), whole(draw, lead, 0, classes)),
    )


CALLS: dict[str, Make] = {
    **{name: partial(element_wise, name=name) for name in MODULES},
    **{kind.__name__: partial(along_an_axis, kind=kind) for kind in (nn.Softmax, nn.Softmin, nn.LogSoftmax)},
    "PReLU": prelu,
    "Softmax2d": softmax2d,
    "GLU": glu,
    "AdaptiveLogSoftmaxWithLoss": adaptive,
}
