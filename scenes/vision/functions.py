"""The functions that move pixels between channels and places."""

from __future__ import annotations

from torchreel.scenes.trace.functions import Function

FUNCTIONS = (
    Function("PixelShuffle", ("pixel_shuffle",)),
    Function("PixelUnshuffle", ("pixel_unshuffle",)),
    Function("ChannelShuffle", ("channel_shuffle", "native_channel_shuffle")),
)
