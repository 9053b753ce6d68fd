"""The frame and its stage in scene units: 14.22 x 8, the stage between title bar and formula bar."""

from __future__ import annotations

WIDTH, HEIGHT = 128 / 9, 8.0
EDGE = WIDTH / 2
MARGIN = 0.36
STAGE_TOP, STAGE_BOTTOM = 3.28, -2.5


def pixels(count: float) -> float:
    """Pixels of a clip that is shown 800 px wide, in scene units."""
    return count * WIDTH / 800
