"""The arguments of a call, however they were given: in order or by name."""

from __future__ import annotations

from typing import Any

from torchreel.scenes.trace.operator import Call


def argument(call: Call, *names: str) -> Any:
    """The argument that is called by (one of) the names that forward's signature and the examples use for it."""
    given = {**call.call, **call.inputs}
    return next(given[name] for name in names if name in given)
