"""The functions that unfold and fold."""

from __future__ import annotations

from torchreel.scenes.trace.functions import Function

FUNCTIONS = (
    Function("Fold", ("fold",)),
    Function("Unfold", ("unfold",), but=("Tensor.unfold",)),
)
