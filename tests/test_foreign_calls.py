"""Calls that are unlike the examples: the words and places that examples never needed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import torchreel
from torchreel.render.check.check import faults_of
from torchreel.render.check.laws import _is_closed
from torchreel.render.ledger import captions
from torchreel.scenes.api import called
from torchreel.scenes.parts.shapes import box_points
from torchreel.scenes.trace.printed import _rounded


def numbers(*shape: int, scale: float = 1.0) -> torch.Tensor:
    return scale * torch.randn(shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("module", "inputs"),
    [
        # Shapes of empty outputs are on the stage, whatever their length.
        (nn.Unflatten(5, (2, 1, 1, 3, 1)), (torch.zeros(2, 1, 1, 3, 1, 6, 2, 0, 1, 3, 1),)),
        (nn.Bilinear(2, 3, 4), (torch.zeros(0, 2), torch.zeros(0, 3))),
        # Sums of channels are wider than their usual cells.
        (nn.Conv2d(4, 2, 3, padding="same", dilation=2, groups=2), (numbers(1, 4, 5, 5, scale=1e4),)),
        (nn.Conv2d(4, 2, (3, 1), 2, (1, 1), 2, 2, False, "reflect"), (numbers(1, 4, 5, 6),)),
        # Lines run behind the names of channels.
        (nn.Conv3d(2, 2, 1, groups=2, bias=False), (numbers(2, 5, 5, 5),)),
        (
            nn.Conv3d(1, 2, (2, 2, 1), padding="same", bias=False, padding_mode="circular"),
            (numbers(1, 1, 5, 5, 5),),
        ),
        (nn.ConvTranspose1d(4, 2, 3, 3, 2, groups=2, dilation=3), (numbers(1, 4, 2),)),
        (nn.ConvTranspose2d(4, 2, 3, (3, 2), (0, 2), (2, 1), 2, dilation=(3, 1)), (numbers(4, 2, 2),)),
        (nn.ConvTranspose3d(1, 2, 2, (3, 3, 1), (0, 0, 1), dilation=(1, 1, 2)), (numbers(1, 1, 1, 3, 3),)),
        # A sweep frames the cells of a dilated window.
        (nn.Fold((4, 5), (2, 1), 2, (2, 0), (2, 3)), (numbers(2, 6),)),
        # A sign stands where all of it is clear of its lines.
        (nn.Bilinear(1, 2, 5), (numbers(2, 3, 3, 1), numbers(2, 3, 3, 2))),
        (nn.LPPool3d(-2, 2, ceil_mode=True), (numbers(1, 6, 5, 7),)),
        (nn.AvgPool2d((1, 4), 3, (0, 2), count_include_pad=False), (numbers(2, 7, 4),)),
        (nn.AvgPool1d(1, 1), (numbers(1, 5, scale=1e36),)),
        (nn.FractionalMaxPool2d(2, output_ratio=(0.401, 0.301)), (numbers(2, 5, 10),)),
        # Of a plane that is cut only the windows in its drawn part have results.
        (nn.FractionalMaxPool2d(3, output_ratio=0.7), (numbers(1, 2, 224, 224),)),
        # A window beyond what is drawn has no frame.
        (nn.FractionalMaxPool3d(1, output_size=(1, 1, 1)), (numbers(1, 1, 8, 9, 9),)),
        (nn.FractionalMaxPool2d(1, output_size=(1, 1)), (numbers(1, 1, 60, 60),)),
        # Channels by the hundred in a first sentence.
        (nn.PixelShuffle(2), (numbers(1, 1200, 1, 1),)),
        (nn.PixelUnshuffle(2), (numbers(1, 300, 2, 2),)),
        (nn.ChannelShuffle(3), (numbers(1, 300, 2, 2),)),
        # Results are narrower than their numbers' cells.
        (nn.AdaptiveMaxPool1d(4), (torch.tensor([[[-100.0, 2.25, -100.0], [1.0, 2.0, 3.0]]]),)),
        (nn.AdaptiveAvgPool1d(6), (torch.tensor([[30.0, 1.25, 30.0]]),)),
        (nn.AdaptiveMaxPool1d(5, return_indices=True), (torch.tensor([[1.5, -0.25], [2.0, 3.0]]),)),
        # Lines that go up pass the last number over the ruler.
        (nn.AdaptiveMaxPool2d((3, None)), (torch.tensor([[[1.0, -2.0, 3.0]]]),)),
        # Lines begin beyond the name of an input that is lower than its outputs.
        (nn.AdaptiveMaxPool2d(3), (numbers(1, 2, 1, 1),)),
        (nn.AdaptiveMaxPool2d(5, return_indices=True), (numbers(2, 1, 2, 2),)),
        # The air above a name does not fill the stage.
        (nn.Unfold((2, 1), dilation=(1, 2), stride=2), (numbers(1, 3, 3),)),
        # An infinity comes of the window that overflows.
        (nn.LPPool2d(1, 2, 1), (torch.full((1, 3, 4), 3e38),)),
        (nn.AvgPool2d(2, 1), (torch.full((1, 3, 4), 3e38),)),
        # Where output_padding is marked, and where factors have no room.
        (
            nn.ConvTranspose2d(1, 2, (3, 1), (3, 2), (2, 0), (1, 1), dilation=(3, 2)),
            (numbers(1, 3, 2),),
        ),
        (nn.ConvTranspose2d(2, 2, (3, 1), (3, 1), (2, 0), (0, 2), 2, dilation=(1, 3)), (numbers(2, 2, 1),)),
        (
            nn.ConvTranspose3d(1, 1, (3, 3, 1), (3, 2, 3), (2, 1, 0), dilation=(1, 2, 1), bias=False),
            (numbers(1, 3, 2, 1, scale=1e-9),),
        ),
        # Slices beside one another leave room for what output_padding adds, and names for each other.
        (nn.ConvTranspose3d(1, 2, (2, 1, 1), (3, 2, 2), 0, (2, 0, 0), bias=False), (numbers(1, 1, 2, 1),)),
        (nn.ConvTranspose3d(1, 1, (2, 1, 1), (3, 2, 2), 0, (2, 1, 0), bias=False), (numbers(1, 1, 4, 1),)),
        (nn.Threshold(-0.1, -0.1), (torch.tensor([-1.0, -0.1, 0.5]).bfloat16(),)),
        (nn.Hardswish(), (numbers(2, 3).half(),)),
        # Long numbers in short sentences, and names of sides above a note.
        (nn.PReLU(), (torch.tensor(-8325.65),)),
        (nn.Softshrink(0.1), (torch.tensor([-1416.65, 3.0]),)),
        (nn.MaxPool2d((2, 3), 2, (0, 1)), (numbers(2, 8, 8),)),
        (nn.ConvTranspose2d(1, 1, 2, 2, output_padding=(0, 1), dilation=(1, 3)), (numbers(2, 1, 2, 1),)),
        (nn.ReflectionPad2d((0, 0, 1, 1)), (numbers(2, 5, 1, scale=1e3),)),
        # At the end of a type's range torch's own result stands for the formula.
        (nn.Hardswish(), (torch.tensor([1.0, 3e38, -3e38, -1.0]),)),
        (nn.GELU("tanh"), (torch.tensor([1e38, -1e38]),)),
        (nn.Softshrink(0.1), (torch.full((2, 2), 3e38),)),
        # The slope stands where no path runs.
        (nn.PReLU(), (torch.tensor(-1e4),)),
        (nn.PReLU(init=-0.25), (torch.tensor(-1e4),)),
        # What leads from a long kernel runs behind the names; the bias belongs to many products too.
        (nn.Conv1d(1, 64, 80, 4), (numbers(1, 1, 1600),)),
        (nn.Conv2d(512, 8, 3, padding=1), (numbers(1, 512, 4, 4),)),
        # Of a slice that is drawn in part the columns are framed; small cells leave room for the size.
        (nn.Softmax(-1), (numbers(1, 2, 197, 197),)),
        (nn.LogSoftmax(1), (numbers(4, 1000),)),
        (nn.GLU(1), (numbers(1, 64, 100),)),
        # A matrix that is cut: what is in focus comes from a row and a channel that are drawn.
        (nn.Unfold(16, stride=16), (numbers(1, 3, 64, 64),)),
        (nn.Fold((64, 64), 16, stride=16), (numbers(1, 768, 16),)),
        (nn.AdaptiveAvgPool1d(1), (numbers(1, 2, 1600),)),
        (nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)), (numbers(1, 2, 16, 56, 56),)),
        (nn.Unfold(3), (torch.zeros(0, 2, 5, 5),)),
        (nn.Fold((4, 5), 2), (torch.zeros(0, 4, 12),)),
        (nn.ReflectionPad2d((1, -3, -3, 1)), (numbers(2, 4, 4, scale=1e4),)),
    ],
    ids=lambda one: type(one).__name__,
)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_call_unlike_the_examples_is_drawn_without_a_breach(
    module: nn.Module, inputs: tuple[Any, ...], lang: str
) -> None:
    assert faults_of(called(module, inputs, {}).trace, lang=lang) == []


def test_frames_round_cells_that_lie_apart_are_a_frame() -> None:
    apart = np.concatenate([box_points(1, 1, (x, 0)) for x in (0, 2)])
    assert _is_closed(apart)
    assert not _is_closed(apart[:-4])
    assert not _is_closed(np.zeros((0, 3)))


def test_the_largest_numbers_are_rounded_like_others() -> None:
    assert float(_rounded(3e38, 2)) == 3e38


def test_a_border_of_zero_wins_only_where_the_maximum_is_below_it() -> None:
    """Some window far away has negative numbers only; the last caption is about the one that is framed."""
    x = torch.ones(1, 1, 40, 40)
    x[..., -2:, -2:] = -1.0
    for source, wins in ((x, False), (-x, True)):
        ledger = torchreel.explain(nn.MaxPool2d(2, 2, 1), source, lang="en").ledger
        assert any("border of 0 would win" in one["caption"]["en"] for one in captions(ledger)) is wins
