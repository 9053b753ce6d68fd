"""Convolutions: one output element is one window times one kernel over all input channels, summed, plus bias."""

from __future__ import annotations

from functools import partial

from torch import nn

from torchreel.scenes.families.convolution.layouts import PlanesBoard, RowsBoard
from torchreel.scenes.families.convolution.story import WindowStory
from torchreel.scenes.families.convolution.trace import infer_in_channels, record_convolution
from torchreel.scenes.families.convolution.volumes import VolumesBoard
from torchreel.scenes.operator import Operator
from torchreel.scenes.windows import check_window


def _operator(module: type[nn.Module], dims: int) -> Operator:
    check, infer = partial(check_window, dims=dims), partial(infer_in_channels, dims=dims)
    return Operator(module, record_convolution, check, infer)


class Conv1d(WindowStory):
    operator = _operator(nn.Conv1d, 1)
    board_class = RowsBoard


class Conv2d(WindowStory):
    operator = _operator(nn.Conv2d, 2)
    board_class = PlanesBoard


class Conv3d(WindowStory):
    operator = _operator(nn.Conv3d, 3)
    board_class = VolumesBoard
