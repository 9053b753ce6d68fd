"""The functions that change a shape."""

from __future__ import annotations

from torchreel.scenes.trace.functions import Function

FUNCTIONS = (
    Function("Flatten", ("flatten",)),
    Function("Unflatten", ("unflatten",), renamed={"sizes": "unflattened_size"}),
)
