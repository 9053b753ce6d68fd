"""The area of the stage that the grids of a pooling clip share, and its lines."""

from __future__ import annotations

from torchreel.scenes.stage import bars

TOP, BOTTOM = bars.STAGE_TOP - 0.7, bars.STAGE_BOTTOM + 0.25
MIDDLE = (TOP + BOTTOM) / 2
WIDTH = bars.WIDTH - 2 * bars.MARGIN
_LINE_GAP, _ARROW_GAP = 0.62, 1.0


def line_heights(count: int) -> list[tuple[float, float]]:
    """The middle and the height of each of `count` lines, one under the other, with room for an arrow to the third."""
    gaps = [0.0, *(_ARROW_GAP if number == 2 else _LINE_GAP for number in range(1, count))]
    height = (TOP - BOTTOM - sum(gaps)) / count
    tops = [TOP - number * height - sum(gaps[: number + 1]) for number in range(count)]
    return [(top - height / 2, height) for top in tops]
