"""Windows cut out of a plane and put back into one."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from torch import nn

from torchreel.tests.strategies.draws import FLOATS, Call, Draw, Make, Shape, numbers, one, sizes

LEADS = ((1,), (2,), (1, 1), (2, 3))


def windows(draw: Draw) -> tuple[Shape, dict[str, Any]]:
    """A plane `(H, W)` and settings whose window fits it."""
    kernel, dilation, padding = sizes(draw, 2, 1, 3), sizes(draw, 2, 1, 2), sizes(draw, 2, 0, 2)
    spans = [d * (k - 1) + 1 - 2 * p for k, d, p in zip(kernel, dilation, padding, strict=True)]
    plane = tuple(max(1, span) + draw(st.integers(0, 4)) for span in spans)
    return plane, {
        "kernel_size": kernel,
        "dilation": dilation,
        "padding": padding,
        "stride": sizes(draw, 2, 1, 3),
    }


def unfold(draw: Draw) -> Call:
    plane, settings = windows(draw)
    return Call(nn.Unfold(**settings), (numbers(draw, (*one(draw, *LEADS), *plane), one(draw, *FLOATS)),))


def fold(draw: Draw) -> Call:
    plane, settings = windows(draw)
    *batch, channels = one(draw, *LEADS)
    columns = 1
    for axis, size in enumerate(plane):
        kernel, dilation, padding, stride = (
            settings[name][axis] for name in ("kernel_size", "dilation", "padding", "stride")
        )
        columns *= (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
    rows = channels * settings["kernel_size"][0] * settings["kernel_size"][1]
    return Call(nn.Fold(plane, **settings), (numbers(draw, (*batch, rows, columns), one(draw, *FLOATS)),))


CALLS: dict[str, Make] = {"Unfold": unfold, "Fold": fold}
