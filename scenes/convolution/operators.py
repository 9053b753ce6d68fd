"""The convolutions and their transposes, as torch declares them."""

from __future__ import annotations

from functools import partial

from torch import nn

from torchreel.scenes.convolution.facts import convolution_facts
from torchreel.scenes.convolution.trace import infer_in_channels, record_convolution
from torchreel.scenes.convolution.transposed.facts import transposed_facts
from torchreel.scenes.convolution.transposed.trace import record_transposed
from torchreel.scenes.trace.operator import Operator
from torchreel.scenes.trace.windows import check_window

_ARITHMETIC = "Dumoulin and Visin 2016, A guide to convolution arithmetic for deep learning, arXiv:1603.07285"
_SYMBOLS = {
    "partial": "s",
    "product": "p",
    **dict.fromkeys(("zeros", "reflect", "replicate", "circular"), "x"),
}

_STAMPS = {"stuffed": "x", "flipped": "w", "as_conv": "y", "stamp": "s", "running": "y", **_SYMBOLS}


def _convolution(module: type[nn.Module], dims: int) -> Operator:
    check, infer = partial(check_window, dims=dims), partial(infer_in_channels, dims=dims)
    return Operator(
        module,
        record_convolution,
        check,
        infer,
        source=_ARITHMETIC,
        symbols=_SYMBOLS,
        facts=convolution_facts,
    )


def _transposed(module: type[nn.Module], dims: int) -> Operator:
    infer = partial(infer_in_channels, dims=dims)
    return Operator(
        module,
        record_transposed,
        infer=infer,
        source=_ARITHMETIC,
        symbols=_STAMPS,
        facts=transposed_facts,
    )


Conv1d = _convolution(nn.Conv1d, 1)
Conv2d = _convolution(nn.Conv2d, 2)
Conv3d = _convolution(nn.Conv3d, 3)

ConvTranspose1d = _transposed(nn.ConvTranspose1d, 1)
ConvTranspose2d = _transposed(nn.ConvTranspose2d, 2)
ConvTranspose3d = _transposed(nn.ConvTranspose3d, 3)
