"""The poolings and the way back, as torch declares them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import nn

from torchreel.scenes.pooling.adaptive.fractional_trace import check_fractional, record_fractional_max_pool
from torchreel.scenes.pooling.adaptive.trace import (
    check_adaptive,
    record_adaptive_average_pool,
    record_adaptive_max_pool,
)
from torchreel.scenes.pooling.unpooling.trace import (
    UnpoolOperator,
    check_unpooling,
    record_unpooling,
    run_unpooling,
)
from torchreel.scenes.pooling.window.average_trace import record_average_pool
from torchreel.scenes.pooling.window.power_trace import check_power_pool, record_power_pool
from torchreel.scenes.pooling.window.trace import check_pooling, record_max_pool
from torchreel.scenes.trace.operator import Call, Operator, Recording

Record = Callable[[Call], Recording]
Check = Callable[..., None]

_FRACTIONAL = "Graham 2014, Fractional Max-Pooling, arXiv:1412.6071"
_SWITCHES = "Zeiler and Fergus 2013, Visualizing and Understanding Convolutional Networks, arXiv:1311.2901"


def _declared(module: type[nn.Module], record: Record, check: Check, source: str = "") -> Operator:
    """The name of a class ends in the number of its dimensions, as in `MaxPool2d`."""
    return Operator(module, record, partial(check, dims=int(module.__name__[-2])), source=source)


def _unpooling(module: type[nn.Module]) -> UnpoolOperator:
    check = partial(check_unpooling, dims=int(module.__name__[-2]))
    return UnpoolOperator(module, record_unpooling, check, run=run_unpooling, source=_SWITCHES)


MaxPool1d = _declared(nn.MaxPool1d, record_max_pool, check_pooling)
MaxPool2d = _declared(nn.MaxPool2d, record_max_pool, check_pooling)
MaxPool3d = _declared(nn.MaxPool3d, record_max_pool, check_pooling)

AvgPool1d = _declared(nn.AvgPool1d, record_average_pool, check_pooling)
AvgPool2d = _declared(nn.AvgPool2d, record_average_pool, check_pooling)
AvgPool3d = _declared(nn.AvgPool3d, record_average_pool, check_pooling)

LPPool1d = _declared(nn.LPPool1d, record_power_pool, check_power_pool)
LPPool2d = _declared(nn.LPPool2d, record_power_pool, check_power_pool)
LPPool3d = _declared(nn.LPPool3d, record_power_pool, check_power_pool)

AdaptiveMaxPool1d = _declared(nn.AdaptiveMaxPool1d, record_adaptive_max_pool, check_adaptive)
AdaptiveMaxPool2d = _declared(nn.AdaptiveMaxPool2d, record_adaptive_max_pool, check_adaptive)
AdaptiveMaxPool3d = _declared(nn.AdaptiveMaxPool3d, record_adaptive_max_pool, check_adaptive)

AdaptiveAvgPool1d = _declared(nn.AdaptiveAvgPool1d, record_adaptive_average_pool, check_adaptive)
AdaptiveAvgPool2d = _declared(nn.AdaptiveAvgPool2d, record_adaptive_average_pool, check_adaptive)
AdaptiveAvgPool3d = _declared(nn.AdaptiveAvgPool3d, record_adaptive_average_pool, check_adaptive)

FractionalMaxPool2d = _declared(
    nn.FractionalMaxPool2d, record_fractional_max_pool, check_fractional, _FRACTIONAL
)
FractionalMaxPool3d = _declared(
    nn.FractionalMaxPool3d, record_fractional_max_pool, check_fractional, _FRACTIONAL
)

MaxUnpool1d = _unpooling(nn.MaxUnpool1d)
MaxUnpool2d = _unpooling(nn.MaxUnpool2d)
MaxUnpool3d = _unpooling(nn.MaxUnpool3d)
