"""Transposed convolutions: each input element stamps the scaled kernel into the output, and overlaps add."""

from __future__ import annotations

from functools import partial

from torch import nn

from torchreel.scenes.families.convolution.layouts import PlanesBoard, RowsBoard
from torchreel.scenes.families.convolution.trace import infer_in_channels
from torchreel.scenes.families.convolution.transposed_story import StampStory
from torchreel.scenes.families.convolution.transposed_trace import record_transposed
from torchreel.scenes.families.convolution.volumes import VolumesBoard
from torchreel.scenes.operator import Operator


def _operator(module: type[nn.Module], dims: int) -> Operator:
    return Operator(module, record_transposed, infer=partial(infer_in_channels, dims=dims))


class ConvTranspose1d(StampStory):
    operator = _operator(nn.ConvTranspose1d, 1)
    board_class = RowsBoard


class ConvTranspose2d(StampStory):
    operator = _operator(nn.ConvTranspose2d, 2)
    board_class = PlanesBoard


class ConvTranspose3d(StampStory):
    operator = _operator(nn.ConvTranspose3d, 3)
    board_class = VolumesBoard
