"""What captions may claim of an unpooling, computed from the call that was made."""

from __future__ import annotations

import math
from collections.abc import Mapping

from torch import Tensor

from torchreel.scenes.pooling.window.trace import pool_window
from torchreel.scenes.trace.proof import Trace


def unpooling_facts(trace: Trace) -> Mapping[str, bool]:
    """Facts of an unpooling, of its first plane.

    `pooled_here`: the call pooled the values itself. `loses`: there are more elements than homes. `overwrites`: a
    value is not at its home, where another window wrote too.
    """
    dims = len(pool_window(trace.module).kernel)
    values, indices, output = (_plane(trace.tensors[name], dims) for name in ("input", "indices", "output"))
    homes, there = len(indices.unique()), output[indices]
    stays = (there == values) | (there.isnan() & values.isnan())
    return {
        "pooled_here": "source" in trace.tensors,
        "loses": homes < len(output),
        "overwrites": not bool(stays.all()),
    }


def _plane(tensor: object, dims: int) -> Tensor:
    """The first plane of a tensor as one row."""
    assert isinstance(tensor, Tensor)
    return tensor.reshape(-1, math.prod(tensor.shape[-dims:]))[0] if tensor.numel() else tensor.reshape(-1)
