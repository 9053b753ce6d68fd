"""The board of LocalResponseNorm: one grid a step, a row for each channel and a column for each place."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.normalization.arrangement import unraveled
from torchreel.scenes.normalization.response.trace import channel_window
from torchreel.scenes.parts.grid import Cell, Grid
from torchreel.scenes.parts.layout import STAGE, Placed, Room, fill, in_row
from torchreel.scenes.parts.look import MIN_TEXT, NAME_TEXT, Look, Stroke
from torchreel.scenes.parts.mathtext import MathText, fitted
from torchreel.scenes.parts.mathtext import width as math_width
from torchreel.scenes.parts.motion import Appear, Vanish
from torchreel.scenes.parts.shapes import Point, Shape
from torchreel.scenes.parts.text import Text, measure
from torchreel.scenes.stage.board import Board
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

STEPS = ("input", "square", "mean_square", "base", "divisor", "output")
_MOST_RING = 3
_MOST = ((9, 4), (9, 3), (9, 2), (9, 1), (6, 1), (3, 1), (1, 1))


class ResponseBoard(Board):
    """Grids of the first sample; outside the channels, the squares count as 0 and stand in a dashed ring.

    `note` says what is left out, from the shown and the whole rows and columns.
    """

    def __init__(self, look: Look, trace: Trace, note: Callable[[Cell, Cell], str]) -> None:
        super().__init__(look, trace)
        module: Any = trace.module
        self.module, self.size = module, int(module.size)
        shape = trace.shape("input")
        self.spatial = shape[2:]
        self.whole = (shape[1], math.prod(self.spatial))
        self.pad, self.placed = self._fitted()
        cells = self.placed["input"].cells
        self.shown = (cells.rows, cells.cols)
        self.grids = {tensor: self._grid(tensor) for tensor in STEPS}
        self.labels = VGroup(*self._headings(), *self._channels())
        if said := note(self.shown, self.whole):
            self.labels.add(self.note(said))
        self.frames: list[Shape] = []

    def index(self, cell: Cell) -> Index:
        """The element of channel and place `cell` in the first sample."""
        return (0, cell[0], *unraveled(cell[1], self.spatial))

    def order(self) -> list[Cell]:
        """The shown cells place by place, so that the window goes down the channels."""
        places = product(range(self.shown[1]), range(self.shown[0]))
        return [(channel, place) for place, channel in places]

    def around(self, tensor: str, cell: Cell) -> np.ndarray:
        """The path round one cell of a step."""
        return self.grids[tensor].outline(cell, cell, 0.02)

    def around_window(self, tensor: str, cell: Cell) -> np.ndarray:
        """The path round the cells of a step that damp a cell, with the zeros outside where these are drawn."""
        channel, place = cell
        window = channel_window(self.size, self.shown[0], channel)
        first, last = window[0], window[-1]
        if tensor == "square" and any(self.pad):
            first, last = channel - self.pad[0], channel + self.pad[1]
        return self.grids[tensor].outline((first, place), (last, place), 0.02)

    def mark(self, *paths: np.ndarray) -> list[Animation]:
        """Frames go out where they are and in round other things."""
        gone, self.frames = self.frames, [self.frame(path, Stroke.SOURCE, 3) for path in paths]
        return [*([Vanish(*gone)] if gone else []), *([Appear(*self.frames)] if self.frames else [])]

    def write(self, tensor: str, cell: Cell) -> list[Animation]:
        """A cell takes its value, unless it has it."""
        grid = self.grids[tensor]
        return [] if cell in grid.numbers else grid.write(cell)

    def _fitted(self) -> tuple[tuple[int, int], dict[str, Placed]]:
        """As many channels and places as fit with numbers, with the ring of zeros where it fits."""
        ring = (self.size // 2, (self.size - 1) // 2)
        rings = [ring, (0, 0)] if 0 < max(ring) <= _MOST_RING else [(0, 0)]
        for most in _MOST:
            rows, cols = (min(count, limit) for count, limit in zip(self.whole, most, strict=True))
            for pad in rings if rows == self.whole[0] else [(0, 0)]:
                try:
                    placed = self._placed(rows, cols, pad)
                except ValueError:
                    continue
                shown = [placed[tensor].cells for tensor in STEPS]
                if all(one.text_size and (one.rows, one.cols) == (rows, cols) for one in shown):
                    return pad, placed
        return (0, 0), self._placed(1, 1, (0, 0))

    def _placed(self, rows: int, cols: int, pad: tuple[int, int]) -> dict[str, Placed]:
        rooms = {
            tensor: Room(
                rows, cols, self.texts(tensor), name="name",
                pad=(*pad, 0, 0) if tensor == "square" else (0, 0, 0, 0),
                sides=[f"c={row}" for row in range(rows)] if tensor == "input" else (),
            )
            for tensor in STEPS
        }  # fmt: skip
        return fill(STAGE, in_row(rooms, gap=(0.3, 0.9), lined=True), same=[STEPS])

    def _grid(self, tensor: str) -> Grid:
        placed = self.placed[tensor]
        return self.grid(
            tensor, (), placed.cells, placed.at[0], index=self.index, blank=tensor != "input",
            pad=placed.pad, plain=tensor not in ("input", "output"),
        )  # fmt: skip

    def _channels(self) -> list[Text]:
        """The channels' numbers beside the input."""
        grid, left = self.grids["input"], self.placed["input"].block.left - 0.1
        return [
            self.label(f"c={channel}", (left, grid.center((channel, 0))[1]), MIN_TEXT, align="right")
            for channel in range(self.shown[0])
        ]

    def _headings(self) -> list[Any]:
        """The names of input and output, and what each step is in symbols."""
        module = self.module
        said = {
            "square": "x²",
            "mean_square": f"q = Σ x² / {self.size}",
            "base": f"a = {module.k:g} + {module.alpha:g}·q",
            "divisor": f"d = a^{{{module.beta:g}}}",
        }
        headings: list[Any] = []
        tops = {tensor: self.placed[tensor].head for tensor in STEPS}
        for tensor, text in said.items():
            room = max(self.placed[tensor].block.width + 0.55, 0.9)
            size = fitted(text, room, 0.29, MIN_TEXT)
            headings.append(
                MathText(text, size, self.look.theme.text).place(tops[tensor], vertical="baseline")
            )
        room = self.placed["input"].block.width + 0.4
        fits = measure(self.shape("input"), NAME_TEXT) + 0.2 <= room
        return [*headings, self.title("input", tops["input"], shape=fits), self._output(tops["output"])]

    def _output(self, at: Point) -> VGroup:
        """The output's name, and what it is made of where there is room."""
        name = self.title("output", at, shape=False)
        wide = float(name.get_right()[0] - name.get_left()[0])
        law = MathText(" = x / d", NAME_TEXT, self.look.theme.text)
        more = math_width("= x / d", NAME_TEXT) + measure(" ", NAME_TEXT)
        if wide + more > self.placed["output"].block.width + 0.4:
            return name
        right = at[0] + (wide + more) / 2
        return VGroup(
            name.shift((-more / 2, 0, 0)), law.place((right, at[1]), align="right", vertical="baseline")
        )
