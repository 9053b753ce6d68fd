"""Channels that become pixels and pixels that become channels."""

from __future__ import annotations

from hypothesis import strategies as st
from torch import nn

from torchreel.tests.strategies.draws import FLOATS, Call, Draw, Make, numbers, one, sizes

LEADS = ((), (1,), (2,), (2, 2))


def shuffle(draw: Draw) -> Call:
    factor = draw(st.integers(1, 3))
    channels, *plane = sizes(draw, 3, 1, 3)
    shape = (*one(draw, *LEADS), channels * factor**2, *plane)
    return Call(nn.PixelShuffle(factor), (numbers(draw, shape, one(draw, *FLOATS)),))


def unshuffle(draw: Draw) -> Call:
    factor = draw(st.integers(1, 3))
    channels, *plane = sizes(draw, 3, 1, 3)
    shape = (*one(draw, *LEADS), channels, *(size * factor for size in plane))
    return Call(nn.PixelUnshuffle(factor), (numbers(draw, shape, one(draw, *FLOATS)),))


def channel_shuffle(draw: Draw) -> Call:
    groups, size, batch = sizes(draw, 3, 1, 3)
    plane = draw(st.lists(st.integers(0, 3), min_size=1, max_size=3))
    shape = (batch, groups * size, *plane)
    return Call(nn.ChannelShuffle(groups), (numbers(draw, shape, one(draw, *FLOATS)),))


CALLS: dict[str, Make] = {
    "PixelShuffle": shuffle,
    "PixelUnshuffle": unshuffle,
    "ChannelShuffle": channel_shuffle,
}
