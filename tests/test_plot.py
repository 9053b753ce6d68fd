"""The plot part: numbers on the axes, curves cut at the frame and broken at jumps, round spans."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from torchreel.assets.themes import theme
from torchreel.scenes.parts.axes import Frame, covering, labelled, ticks
from torchreel.scenes.parts.look import Look
from torchreel.scenes.parts.plot import Plot

LOOK = Look(theme("light"))
AREA = (-6.0, -2.0, 0.0, 2.0)
NUMBERS = st.floats(-1e6, 1e6, allow_nan=False)


def plot(x: tuple[float, float] = (-4, 4), y: tuple[float, float] = (0, 4)) -> Plot:
    return Plot(LOOK, x, y, AREA)


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


@given(st.lists(st.floats(), max_size=6))
def test_covering_ignores_what_is_not_finite(values: list[float]) -> None:
    low, high = covering([value for value in values if abs(value) < 1e300 or value != value])
    assert math.isfinite(low) and math.isfinite(high) and low < high


def test_a_span_without_width_is_widened() -> None:
    assert Frame.of((2, 2), (0, 0), AREA).x == (1, 3)


@given(st.lists(st.one_of(st.just(math.nan), st.just(math.inf), st.floats(-20, 20)), min_size=2, max_size=12))
def test_a_curve_stays_in_the_frame_whatever_its_values(ys: list[float]) -> None:
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
