"""A plane and a volume are asked alike; windows, rulers and lines of grids stand where their cells do."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from manim import VMobject
from torch import nn

from torchreel.assets.themes import theme
from torchreel.scenes.parts.channel import Channel
from torchreel.scenes.parts.desk import Desk
from torchreel.scenes.parts.family import family
from torchreel.scenes.parts.look import Look
from torchreel.scenes.parts.number import Number
from torchreel.scenes.parts.ruler import Rail, Ruler, depth, lanes
from torchreel.scenes.parts.sheet import Position
from torchreel.scenes.parts.slice_row import SliceRow
from torchreel.scenes.parts.width import Claim, in_line
from torchreel.scenes.pooling import operators

LOOK = Look(theme("light"))
SIZES: list[Position] = [(3, 4), (1, 5), (2, 3, 4)]


def desk(size: Position) -> Desk:
    values = torch.arange(float(np.prod(size))).reshape(1, 1, *size)
    kind, declared = (
        (nn.MaxPool3d, operators.MaxPool3d) if len(size) == 3 else (nn.MaxPool2d, operators.MaxPool2d)
    )
    return Desk(LOOK, declared.trace(kind(1), {"input": values}))


def channel(size: Position) -> Channel:
    own = desk(size)
    sheet = Claim(size, own.texts("input"), 4.0).fit(8.0)
    return Channel(own, "input", (0, 0), sheet, np.array([1.0, -0.5, 0.0]))


def box(drawn: VMobject) -> tuple[np.ndarray, np.ndarray]:
    return drawn.points.min(0), drawn.points.max(0)


@pytest.mark.parametrize("size", SIZES)
def test_a_channel_draws_each_element_once_where_it_says(size: Position) -> None:
    drawn = channel(size)
    assert drawn.shape == size
    assert list(drawn.positions()) == list(np.ndindex(*size))
    for number, at in enumerate(drawn.positions()):
        assert drawn.value(at) == number
        shown = drawn.number(at)
        assert shown is not None and shown.index == (0, 0, *at)
        left, bottom, right, top = shown.box()
        low, high = box(drawn_outline(drawn, at))
        assert low[0] < left < right < high[0] and low[1] < bottom < top < high[1]


def drawn_outline(drawn: Channel, at: Position) -> VMobject:
    outline = VMobject()
    outline.points = drawn.outline(at, at)
    return outline


@pytest.mark.parametrize("size", SIZES)
def test_a_channel_has_a_place_for_positions_beyond_its_edge(size: Position) -> None:
    drawn = channel(size)
    last = tuple(side - 1 for side in size)
    assert drawn.clamped(tuple(side + 3 for side in size)) == last
    assert drawn.clamped((-2,) * len(size)) == (0,) * len(size)
    assert not drawn.shows(tuple(side + 3 for side in size))


@pytest.mark.parametrize("size", SIZES)
def test_the_box_of_a_channel_is_that_of_its_cells(size: Position) -> None:
    drawn = channel(size)
    left, bottom, right, top = drawn.edges
    for at in drawn.positions():
        x, y, _ = drawn.center(at)
        assert left < x < right and bottom < y < top
    np.testing.assert_allclose(drawn.middle[:2], [(left + right) / 2, (bottom + top) / 2])


def row(volume: bool) -> SliceRow:
    own = desk((2, 3, 4))
    cells = Claim((3, 4), own.texts("input"), 2.0).fit(3.0).cells
    lead = (0, 0) if volume else (0, 0, 1)
    centers = [(-2.0, 0.0), (2.0, 0.0)] if volume else [(0.0, 0.0)]
    return SliceRow(own, "input", lead, cells, centers, volume=volume)


def test_slices_in_a_row_are_asked_as_the_plane_is() -> None:
    assert row(True).shape == (2, 3, 4) and row(False).shape == (3, 4)
    for drawn in (row(True), row(False)):
        assert list(drawn.positions()) == list(np.ndindex(*drawn.shape))
        assert not drawn.shows((0,) * (len(drawn.shape) - 1) + (4,))
        for at in drawn.positions():
            middle = drawn.outline([(one, one + 1) for one in at])
            np.testing.assert_allclose((middle.min(0) + middle.max(0)) / 2, drawn.center(at), atol=1e-9)


def test_a_window_over_slices_keeps_its_number_of_points_where_fewer_are_drawn() -> None:
    drawn = row(True)
    whole = drawn.outline([(0, 2), (0, 2), (0, 2)], 2)
    cut = drawn.outline([(1, 3), (2, 5), (3, 9)], 2)
    assert whole.shape == cut.shape
    assert cut.max(0)[0] <= drawn.right + 0.02 + 1e-9


def ruler(size: int, out: int, vertical: bool = False) -> Ruler:
    values = torch.arange(float(size)).reshape(1, 1, size)
    trace = operators.AdaptiveMaxPool1d.trace(nn.AdaptiveMaxPool1d(out), {"input": values})
    ends = [trace.values(f"{end}_L", [(k,) for k in range(out)]) for end in ("start", "end")]
    windows = [(int(start), int(end)) for start, end in zip(*ends, strict=True)]
    return Ruler(Desk(LOOK, trace), Rail((-2.0, 1.0), 0.8, size, vertical), "L", (0, 0), windows)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 5)), max_size=12))
def test_bars_in_one_lane_do_not_touch(starts: list[tuple[int, int]]) -> None:
    windows = [(start, start + length) for start, length in sorted(starts)]
    for lane in set(found := lanes(windows)):
        own = [window for window, at in zip(windows, found, strict=True) if at == lane]
        assert all(end <= start for (_, end), (start, _) in pairwise(own))


@pytest.mark.parametrize("vertical", [False, True])
def test_a_bar_lies_along_the_cells_of_its_window(vertical: bool) -> None:
    drawn = ruler(5, 3, vertical)
    for number, (start, end) in enumerate(drawn.windows):
        low, high = box(drawn.bar(number))
        along, across = (1, 0) if vertical else (0, 1)
        ends = sorted(drawn.at(at, 0.0)[along] for at in (start, end))
        assert ends[0] <= low[along] < high[along] <= ends[1]
        reach = depth(drawn.windows, 5, vertical)
        edge = drawn.rail.start[across]
        nearest, farthest = sorted(abs(side[across] - edge) for side in (low, high))
        assert 0 < nearest < farthest < reach


def test_a_rulers_numbers_are_elements_of_the_trace() -> None:
    drawn = ruler(5, 3)
    cuts = drawn.desk.trace.values("cut_L", [(k,) for k in range(4)])
    marked = [drawn.parts("cut_L", cuts), *(drawn.interval(number) for number in range(3))]
    numbers = [part for part in family(marked) if isinstance(part, Number)]
    assert {number.tensor for number in numbers} == {"cut_L", "start_L", "end_L"}
    for number in numbers:
        assert number.value == drawn.desk.trace.value(number.tensor, number.index)
        assert number.text == drawn.desk.text(number.tensor, number.value)


@given(
    st.lists(st.tuples(st.integers(1, 12), st.integers(1, 12), st.floats(0, 2)), min_size=1, max_size=4),
    st.floats(0.2, 1.0),
)
def test_grids_in_a_line_neither_overlap_nor_leave_it(
    sizes: list[tuple[int, int, float]], gap: float
) -> None:
    claims = [Claim((rows, cols), ["−0.25"], 3.0, beside=beside) for rows, cols, beside in sizes]
    placed = in_line(14.0, claims, [gap] * (len(claims) - 1), 0.5)
    right = -7.0 - gap
    for claim, (sheet, (x, y, _)) in zip(claims, placed, strict=True):
        assert y == 0.5 and sheet.height <= 3.0 + 1e-9
        assert x - sheet.width / 2 - claim.beside >= right + gap - 1e-6
        right = x + sheet.width / 2
    assert right <= 7.0 + 1e-6


def test_a_label_wider_than_its_grid_takes_the_room_it_needs() -> None:
    claims = [Claim((2, 2), ["0.25"], 3.0, label) for label in (0.0, 6.0)]
    (_, first), (_, second) = in_line(12.0, claims, [0.5], 0.0)
    assert second[0] + 3.0 <= 6.0 + 1e-9
    assert first[0] < second[0] - 3.0


def test_a_grid_has_numbers_where_its_label_takes_the_room_for_them_anyway() -> None:
    claims = [Claim((1, 1, 1), ["10.25"], 3.0, 2.0), Claim((3, 3, 5), ["0.25"], 4.0, 2.0)]
    (first, _), (second, _) = in_line(10.0, claims, [1.5], 0.0)
    assert first.cells.text_size and second.cells.text_size
