"""Dropouts, drawing and at rest."""

from __future__ import annotations

from functools import partial
from typing import Any

from torch import nn

from torchreel.tests.strategies.draws import FLOATS, Call, Draw, Make, Shape, flag, numbers, one

SHAPES: dict[Any, tuple[Shape, ...]] = {
    nn.Dropout: ((), (5,), (2, 3), (2, 3, 2, 2, 2), (0, 3)),
    nn.AlphaDropout: ((7,), (2, 3), (2, 2, 3), (0, 3)),
    nn.Dropout1d: ((3, 4), (2, 3, 4), (0, 3, 4)),
    nn.Dropout2d: ((2, 3, 4), (2, 3, 2, 2), (0, 2, 2, 2)),
    nn.Dropout3d: ((3, 2, 2, 2), (2, 3, 2, 2, 2)),
    nn.FeatureAlphaDropout: ((2, 3), (2, 3, 4), (2, 3, 2, 2), (1, 2, 2, 2, 2)),
}


def dropped(draw: Draw, kind: Any) -> Call:
    module = kind(p=one(draw, 0.0, 0.2, 0.5, 0.9, 1.0), inplace=flag(draw)).train(flag(draw))
    return Call(module, (numbers(draw, one(draw, *SHAPES[kind]), one(draw, *FLOATS)),))


CALLS: dict[str, Make] = {kind.__name__: partial(dropped, kind=kind) for kind in SHAPES}
