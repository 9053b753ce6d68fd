"""A stack draws every element of a volume once, knows the path round a window, and says what it leaves out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from torchreel.assets.themes import theme
from torchreel.scenes.convolution.conv import Conv3d
from torchreel.scenes.parts.grid import drawn_texts
from torchreel.scenes.parts.look import Look
from torchreel.scenes.parts.number import Number
from torchreel.scenes.parts.stack import NO_PAD, Pad, Position, Slices, Stack
from torchreel.scenes.parts.text import Text
from torchreel.scenes.trace.proof import Trace

LOOK = Look(theme("light"))


def volume(*sizes: int) -> Trace:
    torch.manual_seed(0)
    return Conv3d.operator.trace(nn.Conv3d(1, 1, 1), {"input": torch.randint(0, 9, (1, *sizes)).float()})


def stack(sizes: tuple[int, int, int], width: float = 6.0, height: float = 5.0, pad: Pad = NO_PAD) -> Stack:
    trace = volume(*sizes)
    texts = drawn_texts(LOOK, trace, "input")
    return Stack(LOOK, trace, "input", (0,), Slices.fit(sizes, width, height, texts, pad=pad), (1.0, -0.5))


def texts(drawn: Stack) -> list[str]:
    return [
        part.text for part in drawn.get_family() if isinstance(part, Text) and not isinstance(part, Number)
    ]


def test_every_element_is_drawn_once_under_its_own_index() -> None:
    drawn = stack((3, 2, 4))
    numbers = [part for part in drawn.get_family() if isinstance(part, Number)]
    assert sorted(number.index for number in numbers) == sorted((0, *at) for at in drawn.positions())
    for number in numbers:
        assert number.value == drawn.trace.value("input", number.index)
        center = drawn.center(number.index[1:])
        assert abs(number.box()[0] + number.box()[2] - 2 * center[0]) < 0.1


@pytest.mark.parametrize("sizes", [(1, 3, 3), (4, 2, 5), (6, 4, 4), (40, 60, 80)])
@pytest.mark.parametrize("room", [(6.0, 2.0), (2.5, 5.0), (12.0, 5.2)])
def test_all_that_is_drawn_stays_in_the_room_given(sizes: Position, room: tuple[float, float]) -> None:
    drawn = stack(sizes, *room)
    left, bottom, right, top = drawn.edges
    assert right - left <= room[0] + 1e-6
    assert top - bottom <= room[1] + 1e-6
    for part in drawn.get_family():
        if len(part.points):
            low, high = part.points.min(0), part.points.max(0)
            assert low[0] >= left - 1e-6 and high[0] <= right + 1e-6
            assert low[1] >= bottom - 1e-6 and high[1] <= top + 1e-6


def test_a_large_volume_says_that_it_goes_on() -> None:
    assert "…" in texts(stack((40, 60, 80)))
    assert "…" not in texts(stack((3, 2, 2)))


def test_padding_has_slices_of_its_own() -> None:
    drawn = stack((2, 2, 2), 12.0, 5.0, (1, 1, 1, 1, 1, 1))
    assert [text for text in texts(drawn) if text.startswith("d=")] == ["d=−1", "d=0", "d=1", "d=2"]
    assert texts(drawn).count("0") == 4 * 16 - 8


def test_the_window_stands_on_each_slice_it_covers() -> None:
    drawn = stack((3, 3, 3), 12.0, 5.0)
    pieces = drawn.window((0, 0, 0), (2, 2, 2), (1, 1, 1)).reshape(2, -1, 3)
    shift = drawn.center((1, 0, 0)) - drawn.center((0, 0, 0))
    np.testing.assert_allclose(pieces[1] - pieces[0], np.broadcast_to(shift, pieces[0].shape), atol=1e-9)


@pytest.mark.parametrize("dilation", [(1, 1, 1), (2, 1, 1), (1, 2, 2)])
def test_the_window_frames_the_cells_it_reads_and_stays_on_the_volume_where_it_leaves_it(
    dilation: Position,
) -> None:
    drawn = stack((3, 3, 3), 12.0, 5.0)
    path = drawn.window((0, 0, 0), (2, 2, 2), dilation)
    read = [drawn.outline(at, at) for at in ((0, 0, 0), dilation)]
    np.testing.assert_allclose(path.min(0), np.concatenate(read).min(0), atol=0.04)
    np.testing.assert_allclose(path.max(0), np.concatenate(read).max(0), atol=0.04)
    left, bottom, right, top = drawn.edges
    for first in [(0, 1, 1), (1, 0, 0), (-1, -1, -1), (9, 9, 9)]:
        moved = drawn.window(first, (2, 2, 2), dilation)
        assert len(moved) == len(path)
        assert left - 0.04 < moved[:, 0].min() and moved[:, 0].max() < right + 0.04
        assert bottom - 0.04 < moved[:, 1].min() and moved[:, 1].max() < top + 0.04


def test_a_blank_stack_is_written_cell_by_cell() -> None:
    trace = volume(2, 2, 2)
    slices = Slices.fit((2, 2, 2), 4.0, 4.0, drawn_texts(LOOK, trace, "input"))
    drawn = Stack(LOOK, trace, "input", (0,), slices, (0, 0), blank=True)
    assert not [part for part in drawn.get_family() if isinstance(part, Number)]
    assert len(drawn.write((1, 0, 1))) == 2
    assert drawn.write((5, 0, 0)) == []
    assert drawn.paint((-1, 0, 0), "#000000") == []
