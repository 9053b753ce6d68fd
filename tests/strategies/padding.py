"""Paddings whose sides add to the input and cut it off."""

from __future__ import annotations

import math
from functools import partial

import torch
from hypothesis import assume
from hypothesis import strategies as st
from torch import nn

from torchreel.tests.strategies.draws import SHORT, Call, Draw, Make, numbers, one, sizes, whole

MODES = ("Reflection", "Replication", "Zero", "Constant", "Circular")


def most(mode: str, size: int, other: int) -> int:
    """The largest side torch takes where the other one is `other`."""
    return {"Reflection": size - 1, "Circular": size + min(0, other)}.get(mode, 3)


def padded(draw: Draw, mode: str, dims: int) -> Call:
    given = sizes(draw, dims, 1, 5)
    sides: list[int] = []
    for size in reversed(given):
        before = draw(st.integers(1 - size, min(3, most(mode, size, 0))))
        after = draw(st.integers(max(1 - size, 1 - size - before), min(3, most(mode, size, before))))
        assume(before <= max(0, most(mode, size, after)) or mode != "Circular")
        sides += [before, after]
    dtype, shape = one(draw, *SHORT, torch.int64), (*one(draw, (2,), (1, 2), (2, 1), (0, 2)), *given)
    endless = (math.inf, math.nan) if dtype.is_floating_point else ()
    value = {"value": one(draw, 0.0, -99, 2.5, *endless)} if mode == "Constant" else {}
    x = numbers(draw, shape, dtype) if dtype.is_floating_point else whole(draw, shape, -9, 10)
    return Call(getattr(nn, f"{mode}Pad{dims}d")(tuple(sides), **value), (x,))


CALLS: dict[str, Make] = {
    f"{mode}Pad{dims}d": partial(padded, mode=mode, dims=dims) for mode in MODES for dims in (1, 2, 3)
}
