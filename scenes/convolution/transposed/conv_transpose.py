"""Transposed convolutions: each input element stamps the scaled kernel into the output, and overlaps add."""

from __future__ import annotations

from torchreel.scenes.convolution import operators
from torchreel.scenes.convolution.planes import PlanesBoard
from torchreel.scenes.convolution.rows import RowsBoard
from torchreel.scenes.convolution.transposed.story import StampStory
from torchreel.scenes.convolution.volumes import VolumesBoard


class ConvTranspose1d(StampStory):
    operator = operators.ConvTranspose1d
    board_class = RowsBoard


class ConvTranspose2d(StampStory):
    operator = operators.ConvTranspose2d
    board_class = PlanesBoard


class ConvTranspose3d(StampStory):
    operator = operators.ConvTranspose3d
    board_class = VolumesBoard
