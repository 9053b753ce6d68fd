"""The poolings and the way back, as torch declares them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from torch import nn

from torchreel.scenes.pooling.adaptive.facts import adaptive_facts, fractional_facts
from torchreel.scenes.pooling.adaptive.fractional_trace import check_fractional, record_fractional_max_pool
from torchreel.scenes.pooling.adaptive.trace import (
    check_adaptive,
    record_adaptive_average_pool,
    record_adaptive_max_pool,
)
from torchreel.scenes.pooling.unpooling.facts import unpooling_facts
from torchreel.scenes.pooling.unpooling.trace import (
    UnpoolOperator,
    check_unpooling,
    record_unpooling,
    run_unpooling,
    unpooled,
)
from torchreel.scenes.pooling.window.average_trace import record_average_pool
from torchreel.scenes.pooling.window.facts import average_facts, max_facts, power_facts
from torchreel.scenes.pooling.window.power_trace import check_power_pool, record_power_pool
from torchreel.scenes.pooling.window.trace import check_pooling, record_max_pool
from torchreel.scenes.trace.operator import Call, Operator, Recording
from torchreel.scenes.trace.proof import Trace

Record = Callable[[Call], Recording]
Check = Callable[..., None]

_FRACTIONAL = "Graham 2014, Fractional Max-Pooling, arXiv:1412.6071"
_SWITCHES = "Zeiler and Fergus 2013, Visualizing and Understanding Convolutional Networks, arXiv:1311.2901"


_PLACES = {"depth": "d", "row": "r", "column": "c", "indices": "k"}
_CUT = {"L": ("a", "b", "t"), "W": ("a", "b", "t"), "H": ("a′", "b′", "t′"), "D": ("a", "b", "t")}


def _adaptive(module: type[nn.Module], record: Record) -> Operator:
    """A pooling whose windows start at `a` and end at `b`; those of a volume are counted along its depth first."""
    dims = int(module.__name__[-2])
    symbols = {**_PLACES, "i": "i", "count": "n"}
    for letter in {1: "L", 2: "HW", 3: "D"}[dims]:
        names = (f"start_{letter}", f"end_{letter}", f"cut_{letter}")
        symbols |= dict(zip(names, _CUT[letter], strict=True))
    return Operator(module, record, partial(check_adaptive, dims=dims), symbols=symbols, facts=adaptive_facts)


def _fractional(module: type[nn.Module]) -> Operator:
    """A pooling whose windows start at `a`, where points `p` were rounded down."""
    dims = int(module.__name__[-2])
    symbols = {**_PLACES, "i": "i", "u": "u"}
    for letter, mark in {2: {"W": "", "H": "′"}, 3: {"D": ""}}[dims].items():
        symbols |= {f"start_{letter}": f"a{mark}", f"p_{letter}": f"p{mark}", f"alpha_{letter}": f"α{mark}"}
        symbols[f"p0_{letter}"] = f"p{mark}_{{0}}"
    check = partial(check_fractional, dims=dims)
    return Operator(
        module, record_fractional_max_pool, check, source=_FRACTIONAL, symbols=symbols, facts=fractional_facts
    )


def _windowed(
    module: type[nn.Module],
    record: Record,
    check: Check,
    facts: Callable[[Trace], Mapping[str, bool]],
    **symbols: str,
) -> Operator:
    """A pooling whose windows have one size, with what captions may claim of it."""
    checked = partial(check, dims=int(module.__name__[-2]))
    return Operator(module, record, checked, symbols=symbols, facts=facts)


def _max(module: type[nn.Module]) -> Operator:
    return _windowed(
        module, record_max_pool, check_pooling, max_facts, indices="k", depth="d", row="r", column="c"
    )


def _average(module: type[nn.Module]) -> Operator:
    symbols = {"sum": "s", "divisor": "n", "other": "y′", "other_divisor": "n′"}
    return _windowed(module, record_average_pool, check_pooling, average_facts, **symbols)


def _power(module: type[nn.Module]) -> Operator:
    symbols = {"power": "q", "total": "s", "average": "a", "largest": "m", "count": "n"}
    return _windowed(module, record_power_pool, check_power_pool, power_facts, **symbols)


def _unpooling(module: type[nn.Module]) -> UnpoolOperator:
    dims = int(module.__name__[-2])
    check = partial(check_unpooling, dims=dims)
    return UnpoolOperator(
        module,
        record_unpooling,
        check,
        run=run_unpooling,
        source=_SWITCHES,
        symbols={"indices": "k"},
        facts=unpooling_facts,
        fitting=partial(unpooled, dims=dims),
    )


MaxPool1d = _max(nn.MaxPool1d)
MaxPool2d = _max(nn.MaxPool2d)
MaxPool3d = _max(nn.MaxPool3d)

AvgPool1d = _average(nn.AvgPool1d)
AvgPool2d = _average(nn.AvgPool2d)
AvgPool3d = _average(nn.AvgPool3d)

LPPool1d = _power(nn.LPPool1d)
LPPool2d = _power(nn.LPPool2d)
LPPool3d = _power(nn.LPPool3d)

AdaptiveMaxPool1d = _adaptive(nn.AdaptiveMaxPool1d, record_adaptive_max_pool)
AdaptiveMaxPool2d = _adaptive(nn.AdaptiveMaxPool2d, record_adaptive_max_pool)
AdaptiveMaxPool3d = _adaptive(nn.AdaptiveMaxPool3d, record_adaptive_max_pool)

AdaptiveAvgPool1d = _adaptive(nn.AdaptiveAvgPool1d, record_adaptive_average_pool)
AdaptiveAvgPool2d = _adaptive(nn.AdaptiveAvgPool2d, record_adaptive_average_pool)
AdaptiveAvgPool3d = _adaptive(nn.AdaptiveAvgPool3d, record_adaptive_average_pool)

FractionalMaxPool2d = _fractional(nn.FractionalMaxPool2d)
FractionalMaxPool3d = _fractional(nn.FractionalMaxPool3d)

MaxUnpool1d = _unpooling(nn.MaxUnpool1d)
MaxUnpool2d = _unpooling(nn.MaxUnpool2d)
MaxUnpool3d = _unpooling(nn.MaxUnpool3d)
