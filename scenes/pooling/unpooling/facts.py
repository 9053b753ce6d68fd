"""What captions may claim of an unpooling, computed from the call that was made."""

from __future__ import annotations

import math
from collections.abc import Mapping

from torch import Tensor

from torchreel.scenes.pooling.unpooling.trace import own_size
from torchreel.scenes.pooling.window.trace import pool_window
from torchreel.scenes.trace.proof import Trace


def unpooling_facts(trace: Trace) -> Mapping[str, bool]:
    """Facts of an unpooling, of its first plane.

    `pooled_here`: the call pooled the values itself. `loses`: there are more elements than homes. `shared_homes`:
    several windows name one home; `overwrites`: and a value of one of them is not there.
    """
    dims = len(pool_window(trace.module).kernel)
    values, indices, output = (_plane(trace.tensors[name], dims) for name in ("input", "indices", "output"))
    homes, there = len(indices.unique()), output[indices]
    stays = (there == values) | (there.isnan() & values.isnan())
    return {
        "pooled_here": "source" in trace.tensors,
        "loses": homes < len(output),
        "one_value": len(values) == 1,
        "shared_homes": homes < len(values),
        "overwrites": not bool(stays.all()),
        "needs_size": own_size(trace.module, trace.shape("input")[-dims:]) != trace.shape("output")[-dims:],
    }


def _plane(tensor: object, dims: int) -> Tensor:
    """The first plane of a tensor as one row."""
    assert isinstance(tensor, Tensor)
    return tensor.reshape(-1, math.prod(tensor.shape[-dims:]))[0] if tensor.numel() else tensor.reshape(-1)
