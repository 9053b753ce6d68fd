"""Valid calls of every operator, for tests of what holds for all of them.

A module of this package is a family's: its `CALLS` says by the operators' names how a `Call` is drawn, with settings,
shapes, types and special values that torch takes. A further family, or a further operator of one, is found where it is.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from hypothesis import strategies as st

from torchreel.tests.strategies.draws import Call, Draw, Make


@cache
def makers() -> dict[str, Make]:
    """How a call of each operator is drawn, by the operator's name."""
    found: dict[str, Make] = {}
    for info in pkgutil.iter_modules(__path__):
        made = getattr(importlib.import_module(f"{__name__}.{info.name}"), "CALLS", {})
        twice = found.keys() & made.keys()
        assert not twice, f"{info.name}: {twice} are drawn elsewhere too"
        found |= made
    return found


def calls(name: str) -> st.SearchStrategy[Call]:
    """Calls of one operator."""
    make = makers()[name]

    @st.composite
    def called(draw: Draw) -> Call:
        return make(draw)

    return called()
