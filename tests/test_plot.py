"""The plot part: numbers on the axes, curves cut at the frame and broken at jumps, dots that ride along them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from torchreel.assets.themes import theme
from torchreel.scenes.parts.axes import Frame, covering, labelled, ticks
from torchreel.scenes.parts.look import Look
from torchreel.scenes.parts.plot import Plot, Twin
from torchreel.scenes.parts.text import Text

LOOK = Look(theme("light"))
AREA = (-6.0, -2.0, 0.0, 2.0)
NUMBERS = st.floats(-1e6, 1e6, allow_nan=False)


def plot(x: tuple[float, float] = (-4, 4), y: tuple[float, float] = (0, 4)) -> Plot:
    return Plot(LOOK, x, y, AREA, "input", "output")


@given(NUMBERS, st.floats(1e-6, 1e6))
def test_ticks_are_a_few_round_numbers_inside_the_span(low: float, width: float) -> None:
    found = ticks((low, low + width))
    assert 1 <= len(found) <= 7
    assert all(low - 1e-6 * width <= tick <= low + width * (1 + 1e-6) for tick in found)
    steps = np.diff(found)
    assert len(steps) == 0 or np.allclose(steps, steps[0], rtol=1e-6)


@pytest.mark.parametrize(
    ("span", "texts"),
    [
        ((-4, 4), ["−4", "−2", "0", "2", "4"]),
        ((-0.2, 1.1), ["0.0", "0.5", "1.0"]),
        ((0, 3e6), ["0", "1e6", "2e6", "3e6"]),
        ((-1e-5, 1e-5), ["−1e-5", "−5e-6", "0", "5e-6", "1e-5"]),
    ],
)
def test_ticks_are_written_with_as_many_decimals_as_their_step(
    span: tuple[float, float], texts: list[str]
) -> None:
    assert [text.replace("e−", "e-") for _, text in labelled(span)] == texts


@given(st.lists(st.floats(), max_size=6), st.floats(0, 0.2))
def test_covering_ignores_what_is_not_finite(values: list[float], margin: float) -> None:
    low, high = covering([value for value in values if abs(value) < 1e300 or value != value], margin)
    assert math.isfinite(low) and math.isfinite(high) and low < high


def test_a_span_without_width_is_widened() -> None:
    assert Frame.of((2, 2), (0, 0), AREA).x == (1, 3)


@given(st.lists(st.one_of(st.just(math.nan), st.just(math.inf), st.floats(-20, 20)), min_size=2, max_size=12))
def test_a_curve_stays_in_the_frame_and_can_morph_whatever_its_values(ys: list[float]) -> None:
    xs = np.linspace(-8, 8, len(ys))
    curve = plot().curve(xs, ys, "#000000")
    points = curve.points
    assert len(points) in (0, 4 * (len(ys) - 1))
    if len(points):
        low, high = points.min(0), points.max(0)
        assert low[0] >= AREA[0] - 1e-9 and high[0] <= AREA[2] + 1e-9
        assert low[1] >= AREA[1] - 1e-9 and high[1] <= AREA[3] + 1e-9


def test_a_curve_breaks_where_its_value_is_nan() -> None:
    curve = plot().curve([-4, 0, 0, 0, 4], [1, 1, math.nan, 3, 3], "#000000")
    heights = {round(float(y), 6) for y in curve.points[:, 1]}
    assert heights == {round(float(plot().point(0, y)[1]), 6) for y in (1, 3)}


def test_a_part_ends_exactly_where_its_regime_does() -> None:
    xs = np.linspace(-4, 4, 33)
    part = plot().curve(xs, np.abs(xs), "#000000").part(-math.inf, 1.1, "#ff0000")
    assert part.points[-1] == pytest.approx(plot().point(1.1, 1.1))


def test_a_rider_goes_along_the_curve_to_torchs_value() -> None:
    axes = plot()
    xs = np.linspace(-4, 4, 81)
    rider = axes.rider(axes.curve(xs, np.abs(xs), "#000000"), -2.0, "#000000")
    ride = rider.ride(2.0, 2.5)
    ride.begin()
    ride.interpolate(0.5)
    assert rider.at == pytest.approx((0.0, 0.25), abs=0.06)
    ride.finish()
    assert rider.at == (2.0, 2.5)
    assert rider.disc.get_center() == pytest.approx(axes.point(2, 2.5))
    ends = {tuple(np.round(line.points[-1][:2], 6)) for line in rider.lines}
    assert ends == {(round(axes.point(2, 0)[0], 6), AREA[1]), (AREA[0], round(axes.point(0, 2.5)[1], 6))}


def test_a_rider_hides_for_nan_and_comes_back() -> None:
    axes = plot()
    rider = axes.rider(axes.curve([-4, 4], [1, 1], "#000000"), 0.0, "#000000")
    for x, seen in ((math.nan, 0.0), (1.0, 1.0), (math.inf, 1.0)):
        ride = rider.ride(x, x if math.isnan(x) else 1.0)
        ride.begin()
        ride.interpolate(0.3)
        ride.finish()
        assert rider.disc.fill_rgbas[0, 3] == seen
    assert rider.disc.get_center()[0] == pytest.approx(AREA[2])


def test_a_band_reaches_the_frame_for_infinities_and_vanishes_outside_it() -> None:
    band = plot().band(-math.inf, 0, "#0000ff", "zone")
    assert band[0].points[:, 0].min() == pytest.approx(AREA[0])
    assert [part.text for part in band.get_family() if isinstance(part, Text)] == ["zone"]
    assert len(plot().band(9, 12, "#0000ff", "zone")) == 0


def test_twins_share_their_x_axis() -> None:
    twin = Twin.over(LOOK, (-4, 4), (0, 4), (0, 1), AREA)
    assert twin.upper.point(1, 0)[0] == twin.lower.point(1, 0)[0]
    assert twin.lower.top < twin.upper.bottom
    assert (twin.lower.bottom, twin.upper.top) == (AREA[1], AREA[3])
