"""What captions may claim of any loss of vectors."""

from __future__ import annotations

import math
from typing import Any

from torchreel.scenes.trace.proof import Trace


def reduction_facts(trace: Trace) -> dict[str, bool]:
    """Which reduction there is, and whether there are several samples."""
    module: Any = trace.module
    return {
        **{f"reduction_{name}": module.reduction == name for name in ("mean", "sum", "none")},
        "several_samples": math.prod(trace.shape("loss")) > 1,
        "two_samples": math.prod(trace.shape("loss")) == 2,
        "weighted": getattr(module, "weight", None) is not None,
        "squared": getattr(module, "p", 1) == 2,
    }
