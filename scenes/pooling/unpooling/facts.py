"""What captions may claim of an unpooling, computed from the call that was made."""

from __future__ import annotations

import math
from collections.abc import Mapping

from torch import Tensor

from torchreel.scenes.pooling.unpooling.trace import own_size
from torchreel.scenes.pooling.window.trace import pool_window
from torchreel.scenes.trace.proof import Trace


def unpooling_facts(trace: Trace) -> Mapping[str, bool]:
    """Facts of an unpooling: `loses` where the first plane has more elements than homes."""
    dims = len(pool_window(trace.module).kernel)
    indices = trace.tensors["indices"]
    assert isinstance(indices, Tensor)
    size = trace.shape("output")[-dims:]
    plane = indices.reshape(-1, *indices.shape[-dims:])[:1]
    homes = len(plane.unique())
    return {
        "loses": homes < math.prod(size),
        "one_value": plane.numel() == 1,
        "shared_homes": homes < plane.numel(),
        "needs_size": own_size(trace.module, tuple(size)) != tuple(size),
    }
