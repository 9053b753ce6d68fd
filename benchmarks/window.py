"""A scene of one window that moves over a grid with numbers, to see what a frame costs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from manim import Scene

from torchreel.assets.examples import example
from torchreel.assets.themes import theme
from torchreel.scenes import registry
from torchreel.scenes.parts.grid import Cells, Grid
from torchreel.scenes.parts.look import Look
from torchreel.scenes.parts.motion import Morph
from torchreel.scenes.parts.shapes import Shape
from torchreel.scenes.trace.proof import Trace

_SIDE = 0.2  # scene units of a cell: small enough for 32 of them


class Window(Scene):
    """A window of 3 x 3 cells moves on by one cell in `length` seconds, whatever the size of the grid."""

    def __init__(self, trace: Trace, cells: int, length: int, **manim: Any) -> None:
        self.trace, self.cells, self.length = trace, cells, length
        super().__init__(**manim)

    def construct(self) -> None:
        look = Look(theme("light"))
        cells = Cells(_SIDE, _SIDE, _SIDE * 0.3, self.cells, self.cells)
        grid = Grid(look, self.trace, "input", (0, 0), cells, (0, 0))
        stops = [grid.outline((1, column), (3, column + 2), 0.02) for column in (1, 2)]
        frame = Shape(stops[0], stroke=look.theme.accent, stroke_width=4, z_index=2)
        self.add(grid, frame)
        self.play(Morph(frame, stops[1], run_time=self.length))


def make_scene(cells: int, length: int) -> Callable[[Any], Window]:
    """What `render_scene` asks for; the grid shows a random input of `cells` x `cells`."""
    operator = registry.find("Conv2d").operator
    trace = operator.trace_example(example("Conv2d"), {}, f"torch.randn(1, 1, {cells}, {cells})")
    return lambda renderer: Window(trace, cells, length, renderer=renderer)
