"""Convolutions: one output element is one window times one kernel over all input channels, summed, plus bias."""

from __future__ import annotations

from torchreel.scenes.convolution import operators
from torchreel.scenes.convolution.planes import PlanesBoard
from torchreel.scenes.convolution.rows import RowsBoard
from torchreel.scenes.convolution.story import WindowStory
from torchreel.scenes.convolution.volumes import VolumesBoard


class Conv1d(WindowStory):
    operator = operators.Conv1d
    board_class = RowsBoard


class Conv2d(WindowStory):
    operator = operators.Conv2d
    board_class = PlanesBoard


class Conv3d(WindowStory):
    operator = operators.Conv3d
    board_class = VolumesBoard
