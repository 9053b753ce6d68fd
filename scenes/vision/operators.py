"""The operators that move pixels between channels and places, as torch declares them."""

from __future__ import annotations

from torch import nn

from torchreel.scenes.trace.operator import Operator
from torchreel.scenes.vision.trace import (
    channel_facts,
    check_channel_shuffle,
    check_shuffle,
    check_unshuffle,
    record_channel_shuffle,
    record_shuffle,
    record_unshuffle,
)

_SOURCE = (
    "Shi et al. 2016, Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel CNN, "
    "arXiv:1609.05158"
)

PixelShuffle = Operator(nn.PixelShuffle, record_shuffle, check_shuffle, source=_SOURCE)
PixelUnshuffle = Operator(nn.PixelUnshuffle, record_unshuffle, check_unshuffle, source=_SOURCE)
ChannelShuffle = Operator(
    nn.ChannelShuffle,
    record_channel_shuffle,
    check_channel_shuffle,
    source="Zhang et al. 2017, ShuffleNet, arXiv:1707.01083",
    facts=channel_facts,
)
