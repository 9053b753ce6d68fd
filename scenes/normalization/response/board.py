"""The board of LocalResponseNorm: one grid a step, a row for each channel and a column for each place."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.normalization.numbered import NumberedBoard
from torchreel.scenes.normalization.plan import unraveled
from torchreel.scenes.normalization.response.trace import channel_window
from torchreel.scenes.parts.grid import Cell, Cells, Grid
from torchreel.scenes.parts.look import MIN_TEXT, NAME_TEXT, Look, Stroke
from torchreel.scenes.parts.shapes import Disc
from torchreel.scenes.parts.text import Text, fit
from torchreel.scenes.stage.bars import EDGE, MARGIN, STAGE_BOTTOM, STAGE_TOP
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

STEPS = ("input", "square", "mean_square", "divisor", "output")
_HEAD, _FOOT, _SIDE = 0.82, 0.36, 0.6
_PITCH = (2 * (EDGE - MARGIN) - _SIDE) / len(STEPS)
_LARGEST = 0.78
_MOST_RING = 3


class ResponseBoard(NumberedBoard):
    """Grids of the first sample; outside the channels, the squares count as 0 and stand in a dashed ring."""

    def __init__(self, look: Look, trace: Trace, note: Callable[[Cell, Cell, bool], str]) -> None:
        super().__init__(look, trace)
        module: Any = trace.module
        self.size = int(module.size)
        shape = trace.shape("input")
        self.spatial = shape[2:]
        self.whole = (shape[1], math.prod(self.spatial))
        self.pad = (self.size // 2, (self.size - 1) // 2)
        if max(self.pad) > _MOST_RING:
            self.pad = (0, 0)
        self.cells = self._fit()
        if not self.cells.text_size or self.cells.rows < self.whole[0]:
            self.pad = (0, 0)
        said = note((self.cells.rows, self.cells.cols), self.whole, bool(self.cells.text_size))
        self.grids = {tensor: self._grid(number, tensor) for number, tensor in enumerate(STEPS)}
        self.labels = VGroup(*self._headings(module), *self._channels())
        if said:
            self.labels.add(self.note(said))
        self.window = self.frame(self.around_window((0, 0)), Stroke.CURSOR)
        self.target = self.frame(self.around("mean_square", (0, 0)), 3.6)

    def index(self, cell: Cell) -> Index:
        """The element of channel and place `cell` in the first sample."""
        return (0, cell[0], *unraveled(cell[1], self.spatial))

    def order(self) -> list[Cell]:
        """The shown cells place by place, so that the window slides over the channels."""
        places = product(range(self.cells.cols), range(self.cells.rows))
        return [(channel, place) for place, channel in places]

    def around(self, tensor: str, cell: Cell) -> np.ndarray:
        """The path round one cell of a step."""
        return self.grids[tensor].outline(cell, cell)

    def around_window(self, cell: Cell) -> np.ndarray:
        """The path round the squares that damp a cell, with those outside the channels where these are drawn."""
        channel, place = cell
        if not any(self.pad):
            return self.around_neighbours("square", cell)
        first, last = channel - self.pad[0], channel + self.pad[1]
        return self.grids["square"].outline((first, place), (last, place), 0.03)

    def around_neighbours(self, tensor: str, cell: Cell) -> np.ndarray:
        """The path round the channels of a step that damp a cell."""
        channel, place = cell
        window = channel_window(self.size, self.cells.rows, channel)
        return self.grids[tensor].outline((window[0], place), (window[-1], place), 0.03)

    def write(self, tensor: str, cell: Cell, start: str = "") -> list[Animation]:
        """A cell takes its value, flying in from the same cell of the step `start`."""
        grid = self.grids[tensor]
        if cell in grid.numbers:
            return []
        return grid.write(cell, self.grids[start].center(cell) if start else None)

    def _fit(self) -> Cells:
        rows = self.whole[0] + sum(self.pad)
        height = STAGE_TOP - STAGE_BOTTOM - _HEAD - _FOOT
        fitted = Cells.fit(rows, self.whole[1], _PITCH - 0.25, height, self.texts(*STEPS), _LARGEST)
        return Cells(
            fitted.width, fitted.height, fitted.text_size, min(fitted.rows, self.whole[0]), fitted.cols
        )

    def _grid(self, number: int, tensor: str) -> Grid:
        pad = self.pad if tensor == "square" else (0, 0)
        return self.grid(
            tensor, (), self.cells, (self._x(number), self._y),
            index=self.index, blank=tensor != "input", pad=(*pad, 0, 0),
        )  # fmt: skip

    def _x(self, number: int) -> float:
        return -EDGE + MARGIN + _SIDE + (number + 0.5) * _PITCH

    @property
    def _y(self) -> float:
        """The middle of the grids without the ring."""
        top, bottom = self.pad
        return (STAGE_TOP - _HEAD + STAGE_BOTTOM + _FOOT) / 2 + (bottom - top) * self.cells.height / 2

    def _channels(self) -> list[Text]:
        """The channels' numbers, as far as there is room for them."""
        if self.cells.height < 0.24:
            return []
        grid = self.grids["input"]
        left = grid.center((0, 0))[0] - self.cells.width / 2 - 0.12
        return [
            self.label(f"c={channel}", (left, grid.center((channel, 0))[1]), MIN_TEXT, align="right")
            for channel in range(self.cells.rows)
        ]

    def _headings(self, module: Any) -> Iterator[Text | Disc]:
        below = {
            "input": str(self.trace.shape("input")).replace(" ", ""),
            "square": "input²",
            "mean_square": f"Σ / {self.size}",
            "divisor": f"({module.k:g} + {module.alpha:g}·mean)^{module.beta:g}",
            "output": "input / divisor",
        }
        for number, tensor in enumerate(STEPS):
            x, y = self._x(number), STAGE_TOP - 0.27
            yield from self.heading(number, "mean" if tensor == "mean_square" else tensor, x, y)
            size = fit(below[tensor], _PITCH - 0.1, NAME_TEXT, MIN_TEXT, "mono")
            yield self.label(below[tensor], (x, y - 0.33), size)
