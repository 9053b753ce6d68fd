"""Stations on the stage: none overlaps, all are as large as the others let them be, like cells are alike."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from torchreel.scenes.parts.fitting import Fit
from torchreel.scenes.parts.frame import STAGE_BOTTOM, STAGE_TOP, WIDTH, pixels
from torchreel.scenes.parts.layout import (
    STAGE,
    Area,
    Mosaic,
    Part,
    Placed,
    Room,
    fill,
    in_column,
    in_row,
    outlines,
)
from torchreel.scenes.parts.text import measure

NEAR = 1e-5
TEXTS = ["0.25", "−1.50"]

counts = st.integers(1, 6) | st.integers(1, 400)
pads = st.tuples(*[st.integers(0, 2)] * 4)
rooms = st.builds(
    Room,
    rows=counts,
    cols=counts,
    texts=st.lists(st.sampled_from(["0", "0.25", "−1.50", "−1234.50"]), max_size=3),
    down=st.integers(1, 2),
    across=st.integers(1, 2),
    pad=pads | st.just((0, 0, 0, 0)),
    name=st.sampled_from(["", "x", "input (1, 2, 5, 5)"]),
    sides=st.sampled_from([(), ("h0", "h1")]),
    below=st.sampled_from([0.0, 0.3]),
    weight=st.sampled_from([1.0, 1.5]),
    keep=st.none() | st.tuples(st.integers(1, 4), st.integers(1, 4)),
)
fixed = st.builds(Room, wide=st.floats(0.1, 0.8), high=st.floats(0.0, 0.5))


@st.composite
def figures(draw: st.DrawFn) -> Mosaic:
    """A row of stations and columns of stations, or the other way round; some in line."""
    outer, inner = draw(st.permutations([in_row, in_column]))
    parts: dict[str, Part] = {}
    for number in range(draw(st.integers(1, 3))):
        name = f"part {number}"
        if draw(st.booleans()):
            parts[name] = draw(rooms | fixed)
        else:
            some = draw(st.lists(rooms | fixed, min_size=1, max_size=2))
            parts[name] = inner(
                {f"{name}.{k}": room for k, room in enumerate(some)}, lined=draw(st.booleans())
            )
    return outer(parts, lined=draw(st.booleans()))


def same_of(figure: Mosaic) -> list[list[str]]:
    """The first two stations with cells, to be alike."""
    return [[name for name, room in figure.rooms() if room.has_cells][:2]]


def overlap(one: Area, other: Area) -> bool:
    across = min(one.right, other.right) - max(one.left, other.left)
    down = min(one.top, other.top) - max(one.bottom, other.bottom)
    return across > NEAR and down > NEAR


def inside(inner: Area, outer: Area) -> bool:
    return (
        inner.left >= outer.left - NEAR
        and inner.right <= outer.right + NEAR
        and inner.bottom >= outer.bottom - NEAR
        and inner.top <= outer.top + NEAR
    )


def first_cell(one: Placed) -> tuple[float, float]:
    """The left and the top of a station's first cell that is no padding."""
    (x, y), cells, (top, bottom, left, right) = one.at[0], one.cells, one.pad
    return (
        x - (cells.cols + left + right) * cells.width / 2 + left * cells.width,
        y + (cells.rows + top + bottom) * cells.height / 2 - top * cells.height,
    )


@settings(max_examples=40, deadline=None)
@given(figures())
def test_nothing_overlaps_and_everything_is_inside(figure: Mosaic) -> None:
    placed = fill(STAGE, figure, same_of(figure))
    assert placed.keys() == dict(figure.rooms()).keys()
    assert all(inside(one.block, one.area) and inside(one.area, STAGE) for one in placed.values())
    for one, other in combinations(placed.values(), 2):
        assert not overlap(one.area, other.area)


@settings(max_examples=40, deadline=None)
@given(figures())
def test_numbers_can_be_read(figure: Mosaic) -> None:
    for name, one in fill(STAGE, figure, same_of(figure)).items():
        room, cells = dict(figure.rooms())[name], one.cells
        if cells.text_size:
            widest = max((measure(text, cells.text_size) for text in room.texts), default=0.0)
            assert cells.text_size >= pixels(13) - NEAR
            assert cells.width >= widest + pixels(8) - NEAR
            assert cells.height > cells.text_size


@settings(max_examples=40, deadline=None)
@given(figures())
def test_no_cells_can_grow_without_others_shrinking(figure: Mosaic) -> None:
    fit = Fit(STAGE, figure, same_of(figure))
    for axis in (0, 1):
        for group in fit.alike[axis]:
            size = fit.sizes[axis][next(iter(group))]
            assert all(fit.sizes[axis][name] == size for name in group)
            shape = [1.0 if not fit.numbered[name] else (1.8, fit.rooms[name].tall)[axis] for name in group]
            limits = [k * fit.sizes[1 - axis][name] for k, name in zip(shape, group, strict=True)]
            if 1.01 * size > min(*limits, *(fit.rooms[name].largest for name in group)):
                continue
            kept = dict(fit.sizes[axis])
            fit.sizes[axis].update(dict.fromkeys(group, 1.01 * size))
            assert fit.length(axis) > (STAGE.width, STAGE.height)[axis]
            fit.sizes[axis] = kept


@settings(max_examples=40, deadline=None)
@given(figures())
def test_cells_are_the_same_where_asked(figure: Mosaic) -> None:
    placed = fill(STAGE, figure, same_of(figure))
    for names in same_of(figure):
        assert len({(c.width, c.height, c.text_size) for c in (placed[name].cells for name in names)}) <= 1


@settings(max_examples=40, deadline=None)
@given(st.lists(rooms, min_size=2, max_size=3), st.booleans())
def test_what_is_in_line_stands_under_its_cause(stations: list[Room], below: bool) -> None:
    parts = {str(k): room for k, room in enumerate(stations)}
    placed = fill(STAGE, (in_column if below else in_row)(parts, lined=True))
    for one, other in pairwise(placed.values()):
        if below:
            assert one.cells.width == other.cells.width
            assert first_cell(one)[0] == pytest.approx(first_cell(other)[0])
        else:
            assert one.cells.height == other.cells.height
            assert first_cell(one)[1] == pytest.approx(first_cell(other)[1])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.builds(Room, rows=st.integers(1, 9), cols=st.integers(1, 9), texts=st.just(TEXTS)), min_size=1,
                max_size=3))  # fmt: skip
def test_a_figure_fills_three_fifths_of_the_stage(stations: list[Room]) -> None:
    placed = fill(STAGE, in_row({str(k): room for k, room in enumerate(stations)})).values()
    width = max(one.area.right for one in placed) - min(one.area.left for one in placed)
    height = max(one.area.top for one in placed) - min(one.area.bottom for one in placed)
    assert width >= 0.6 * WIDTH or height >= 0.6 * (STAGE_TOP - STAGE_BOTTOM)


def linear() -> Mapping[str, Placed]:
    """The figure of a Linear: products under weights under inputs, each result beside what it comes of."""
    parts = {
        "input": Room(2, 4, TEXTS, name="input (2, 4)"),
        "output": Room(2, 3, TEXTS, name="output (2, 3)"),
        "weight": Room(3, 4, TEXTS, name="weight (3, 4)"),
        "bias": Room(1, 3, TEXTS, name="bias (3)"),
        "product": Room(1, 4, TEXTS, name="product"),
        "sum": Room(wide=1.2, high=0.5),
    }
    rows = [["input", "output"], ["weight", "bias"], ["product", "sum"]]
    return fill(STAGE, Mosaic(rows, parts, lined=(True, True)))


def test_a_mosaic_is_in_line_both_ways() -> None:
    placed = linear()
    lefts = {name: first_cell(one)[0] for name, one in placed.items()}
    tops = {name: first_cell(one)[1] for name, one in placed.items()}
    assert lefts["input"] == pytest.approx(lefts["weight"]) == pytest.approx(lefts["product"])
    assert lefts["output"] == pytest.approx(lefts["bias"])
    assert tops["input"] == pytest.approx(tops["output"])
    assert placed["sum"].block.middle[0] == pytest.approx(placed["output"].block.middle[0])


def test_an_empty_place_of_a_mosaic_stays_empty() -> None:
    parts = {name: Room(2, 2, TEXTS) for name in ("weight", "input", "output")}
    placed = fill(STAGE, Mosaic([["", "weight"], ["input", "output"]], parts, lined=(True, True)))
    assert first_cell(placed["weight"])[0] == pytest.approx(first_cell(placed["output"])[0])
    assert first_cell(placed["input"])[1] == pytest.approx(first_cell(placed["output"])[1])


def test_what_does_not_fit_is_shown_in_colours_and_what_still_does_not_is_cut() -> None:
    small, large = (fill(STAGE, in_row({"x": Room(n, n, TEXTS)}))["x"].cells for n in (30, 1000))
    assert (small.rows, small.cols, small.text_size) == (30, 30, 0.0)
    assert 30 < large.rows < 1000
    assert 30 < large.cols < 1000


def test_planes_that_may_be_cut_keep_their_numbers() -> None:
    cells = fill(STAGE, in_row({"x": Room(100, 1000, TEXTS, keep=(4, 5))}))["x"].cells
    assert cells.text_size >= pixels(13)
    assert 4 <= cells.rows < 100
    assert 5 <= cells.cols < 1000


def test_planes_in_line_are_cut_alike() -> None:
    parts = {name: Room(2, 500, TEXTS) for name in ("input", "weight")}
    placed = fill(STAGE, in_column(parts, lined=True))
    assert placed["input"].cells.cols == placed["weight"].cells.cols < 500


def test_the_far_padding_of_a_cut_plane_is_not_drawn() -> None:
    whole, cut = (fill(STAGE, in_row({"x": Room(3, n, TEXTS, pad=(1, 1, 1, 1))}))["x"] for n in (3, 1000))
    assert (whole.pad, cut.pad) == ((1, 1, 1, 1), (1, 1, 1, 0))


def test_planes_stand_row_by_row_at_equal_distances() -> None:
    one = fill(STAGE, in_row({"x": Room(2, 3, TEXTS, down=2, across=2, between=0.4)}))["x"]
    (a, b, c, d), cells = one.at, one.cells
    assert b[0] - a[0] == pytest.approx(3 * cells.width + 0.4) == pytest.approx(d[0] - c[0])
    assert a[1] - c[1] == pytest.approx(2 * cells.height + 0.4) == pytest.approx(b[1] - d[1])


def test_a_heavier_station_has_larger_cells() -> None:
    a, b = Room(4, 6, TEXTS, largest=2.0), Room(4, 6, TEXTS, largest=2.0, weight=1.3)
    placed = fill(STAGE, in_row({"a": a, "b": b}))
    assert placed["b"].cells.width == pytest.approx(1.3 * placed["a"].cells.width, rel=0.01)


def test_a_station_without_room_does_not_hold_up_the_others() -> None:
    placed = fill(STAGE, in_row({"long": Room(30, 1, TEXTS), "small": Room(3, 3, TEXTS, largest=1.7)}))
    assert placed["long"].cells.height < 0.2
    assert (placed["small"].cells.width, placed["small"].cells.height) == (1.7, 1.7)


def test_names_and_sides_have_room() -> None:
    one = fill(STAGE, in_row({"x": Room(2, 1, TEXTS, name="a name wider than its cells", sides=["row 0"])}))[
        "x"
    ]
    name = measure("a name wider than its cells", pixels(12), "mono")
    assert one.area.width >= name
    assert one.area.top > one.head[1] > one.block.top
    assert one.block.left - one.area.left > measure("row 0", pixels(12), "mono")


def test_a_name_that_is_wider_than_the_stage_does_not_stop_a_figure() -> None:
    assert inside(fill(STAGE, in_row({"x": Room(2, 2, TEXTS, name="x" * 500)}))["x"].block, STAGE)


def test_what_cannot_fit_says_how_much_it_needs() -> None:
    with pytest.raises(ValueError, match=r"sum, x need a width of 20\.\d\d at least where there is 13\.50"):
        fill(STAGE, in_row({"sum": Room(wide=20.0), "x": Room(2, 2, TEXTS)}))


@given(st.lists(st.floats(0.1, 5), min_size=1, max_size=4), st.floats(0, 0.2))
def test_an_area_is_cut_by_shares(shares: list[float], gap: float) -> None:
    area = STAGE.inset(bottom=1.0, top=0.5)
    for parts, length in ((area.columns(*shares, gap=gap), "width"), (area.rows(*shares, gap=gap), "height")):
        lengths = [getattr(part, length) for part in parts]
        assert sum(lengths) + gap * (len(shares) - 1) == pytest.approx(getattr(area, length))
        assert [one / lengths[0] for one in lengths] == pytest.approx([one / shares[0] for one in shares])
        assert all(inside(part, area) for part in parts)
        assert not any(overlap(one, other) for one, other in combinations(parts, 2))


def test_outlines_show_every_station() -> None:
    placed = linear()
    boxes = outlines(placed).submobjects
    assert len(boxes) == 3 * len(placed)
    for number, one in enumerate(placed.values()):
        assert boxes[3 * number].points[:, 0].max() == pytest.approx(one.area.right)
