"""The input as it comes, sample by sample and channel by channel, before its sets are gathered in the table's bands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from manim import Animation, VMobject

from torchreel.scenes.normalization.steps import StepsBoard
from torchreel.scenes.parts.look import Stroke
from torchreel.scenes.parts.motion import Appear, Morph, Vanish
from torchreel.scenes.parts.shapes import Shape, box_points
from torchreel.scenes.parts.text import Text
from torchreel.scenes.stage.bars import STAGE_BOTTOM, STAGE_TOP
from torchreel.scenes.trace.formula import Index

# Which axes run across and which down, the outer before the inner ones, by the number of axes.
_ACROSS = {2: (1,), 3: (1, 2), 4: (1, 3), 5: (1, 2, 4)}
_DOWN = {2: (0,), 3: (0,), 4: (0, 2), 5: (0, 3)}
_GAPS = (0.7, 0.25, 0.0)
_ROOM = (9.5, 4.4)
_LARGEST, _MOST = 2.0, 96


class Spread:
    """The cells of a board's input, moved to where the axes put them and drawn larger; `frames` are the sets' colours.

    Take it only where `fits` says so: for inputs `(N, C, *)` that are drawn whole, with numbers.
    """

    def __init__(self, board: StepsBoard) -> None:
        self.board = board
        shape = board.partition.shape
        self.shape = (1, *shape) if len(shape) == len(board.axes) - 1 else shape
        cells = board.plan.cells["input"]
        self.across = _offsets(self.shape, _ACROSS[len(self.shape)])
        self.down = _offsets(self.shape, _DOWN[len(self.shape)])
        size = np.array([cells.width * (self.across[1] + 1), cells.height * (self.down[1] + 1)])
        self.scale = min(_LARGEST, *(np.array(_ROOM) / size))
        self.cell = np.array([cells.width, cells.height]) * self.scale
        self.corner = np.array([0.0, (STAGE_TOP + STAGE_BOTTOM) / 2 - 0.15]) + [-1, 1] * size * self.scale / 2
        self.ends: dict[VMobject, np.ndarray] = {}
        self.frames = [frame for band in range(len(board.bands)) for frame in self._place(band)]
        self.labels = list(self._labels())

    @staticmethod
    def fits(board: StepsBoard) -> bool:
        """Whether the input has axes with names, and all of it stands in the table with numbers."""
        shape, cells = board.partition.shape, board.plan.cells.get("input")
        shown = len(board.bands) * board.plan.planes * cells.rows * cells.cols if cells else 0
        named = len(board.axes) - len(shape) in (0, 1) and len(board.axes) in _ACROSS
        return named and shown == int(np.prod(shape)) <= _MOST and board.plan.has_numbers

    def appear(self) -> list[Animation]:
        """The frames come up."""
        return [Appear(frame) for frame in self.frames]

    def gather(self) -> list[Animation]:
        """Every cell goes to its place in the table; frames and labels leave."""
        return [*(Morph(part, end) for part, end in self.ends.items()), Vanish(*self.frames, *self.labels)]

    def _place(self, band: int) -> Iterator[Shape]:
        """Move a band's cells to where the axes put them; the frames round its planes there."""
        for grid in self.board.grids["input"][band]:
            centers = []
            for cell in grid.positions():
                center, home = self._center(grid.index(cell)), grid.center(cell)
                centers.append(center)
                for part in (grid.boxes[cell], grid.numbers[cell]):
                    self.ends[part] = part.points.copy()
                    part.points = center + (part.points - home) * self.scale
            low, high = np.min(centers, 0), np.max(centers, 0)
            width, height = (high - low)[:2] + self.cell + 0.06
            path = box_points(width, height, (low + high) / 2, 0.06)
            yield Shape(path, stroke=self.board.color(band), stroke_width=Stroke.CURSOR)

    def _center(self, index: Index) -> np.ndarray:
        full = (0,) * (len(self.shape) - len(index)) + index
        x, y = (
            sum(full[axis] * step for axis, step in steps.items()) for steps in (self.across[0], self.down[0])
        )
        at = self.corner + self.cell * [x + 0.5, -y - 0.5]
        return np.array([*at, 0.0])

    def _labels(self) -> Iterator[Text]:
        """The samples down the left side, the channels along the top."""
        shape, last, names = self.shape, tuple(size - 1 for size in self.shape), self.board.axes
        for channel in range(shape[1]):
            ends = self._center((0, channel, *(0 for _ in shape[2:]))), self._center((0, channel, *last[2:]))
            at = ((ends[0][0] + ends[1][0]) / 2, self.corner[1] + 0.3)
            yield self.board.label(f"{names[1]}={channel}", at, 0.22)
        for sample in range(shape[0]) if len(self.board.partition.shape) == len(shape) else ():
            ends = self._center((sample, *(0 for _ in shape[1:]))), self._center((sample, *last[1:]))
            at = (self.corner[0] - 0.3, (ends[0][1] + ends[1][1]) / 2)
            yield self.board.label(f"{names[0]}={sample}", at, 0.22, align="right")


def _offsets(shape: Sequence[int], axes: Sequence[int]) -> tuple[dict[int, float], float]:
    """How many cells a step along each axis is, and where the last cell is, with gaps between the outer ones."""
    steps: dict[int, float] = {}
    extent = 1.0
    for level, axis in enumerate(reversed(axes)):
        outer = len(axes) - 1 - level
        gap = 0.4 if len(axes) == 1 else _GAPS[outer] if level else 0.0
        steps[axis] = extent + gap
        extent += (shape[axis] - 1) * steps[axis]
    return steps, extent - 1
