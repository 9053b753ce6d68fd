"""The values of a trace's tensor as nested lists, for readers that do not have torch."""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor

from torchreel.scenes.trace.formula import Lazy, cells, read

MOST = 1 << 20


def nested(source: Tensor | Lazy) -> Any:
    """All values of a tensor, exactly, as nested lists; None if there are more than MOST.

    A tensor that is computed on demand is computed here, so it too has its values in the ledger while it is small.
    """
    count = math.prod(source.shape)
    if count > MOST:
        return None
    if isinstance(source, Tensor):
        return source.tolist()
    return read(source, cells(source.shape, 0, count)).reshape(source.shape).tolist()
