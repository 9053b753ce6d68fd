"""Convolutions: one output element is one window times one kernel over all input channels, summed, plus bias."""

from __future__ import annotations

from torch import nn

from torchreel.scenes.families.convolution.layouts import PlanesBoard, RowsBoard
from torchreel.scenes.families.convolution.story import WindowStory
from torchreel.scenes.families.convolution.trace import record_convolution
from torchreel.scenes.families.convolution.volumes import VolumesBoard
from torchreel.scenes.operator import Inputs, Operator, Settings
from torchreel.scenes.windows import check_window


def _operator(module: type[nn.Module], dims: int) -> Operator:
    name = module.__name__

    def check(settings: Settings, inputs: Inputs) -> None:
        check_window(name, settings, inputs, dims)

    def infer(settings: Settings, inputs: Inputs) -> Settings:
        shape = inputs["input"].shape
        return {**settings, "in_channels": shape[-dims - 1]} if len(shape) > dims else settings

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
