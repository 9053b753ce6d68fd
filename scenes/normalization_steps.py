"""The board of GroupNorm's five steps: a table with one band a group and one column a step.

An element keeps its place in every column, so a value can be followed along its row from input to output.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.normalization_plan import TENSORS, Plan, Planner, plane_index
from torchreel.scenes.parts.bars import EDGE, MARGIN, STAGE_BOTTOM, STAGE_TOP
from torchreel.scenes.parts.grid import Cell, Grid
from torchreel.scenes.parts.look import MIN_TEXT, Look
from torchreel.scenes.parts.motion import Fly, Paint
from torchreel.scenes.parts.number import Number
from torchreel.scenes.parts.shapes import Box, Disc, Shape, box_points
from torchreel.scenes.parts.text import Text, measure
from torchreel.scenes.trace import Trace

COLUMNS = ("input", "mean", "centered", "var", "normalized", "output")
_HEAD, _LABEL, _FOOT, _BOTTOM = 0.76, 0.34, 0.3, 0.16
_GAP = 0.24
_MEAN, _VAR = 0.9, 1.42


class StepsBoard:
    """Everything that stands on the stage of the five steps.

    `bands` are the shown groups `(n, g)`; `grids[tensor][band]` their channels; `labels` what never changes.
    """

    def __init__(
        self, look: Look, trace: Trace, headings: dict[str, str], notes: Callable[[Planner, Plan], str]
    ) -> None:
        self.look, self.trace = look, trace
        self.samples, self.groups = trace.shape("mean")
        self.per_group = trace.shape("input")[1] // self.groups
        self.plan, note = self._plan(notes)
        self.bottom = STAGE_BOTTOM + _BOTTOM + (_FOOT if note else 0.0)
        self.bands = list(product(range(self.samples), range(self.groups)))[: self.plan.bands]
        self.x = self._columns(headings)
        self.y = [self._middle(band) for band in range(len(self.bands))]
        self.grids = {name: [self._grids(name, band) for band in range(len(self.bands))] for name in TENSORS}
        self.frames = [self._frame(band) for band in range(len(self.bands))]
        self.discs: list[Disc] = []
        self.labels = VGroup(*self._headings(headings))
        if note:
            self.labels.add(Text(note, MIN_TEXT, look.theme.muted).place((0, STAGE_BOTTOM + 0.2)))
        start = self.around("input", 0) if self.bands else box_points(1, 1, radius=0.06)
        self.cursor = Shape(start, stroke=look.theme.accent, stroke_width=4.5, z_index=2)

    def _plan(self, notes: Callable[[Planner, Plan], str]) -> tuple[Plan, str]:
        """What fits, and the note of what is left out; the note takes room itself."""
        width = 2 * (EDGE - MARGIN) - _MEAN - _VAR - (len(COLUMNS) - 1) * _GAP
        for foot in (0.0, _FOOT):

            def height(bands: int, foot: float = foot) -> float:
                return (STAGE_TOP - STAGE_BOTTOM - _HEAD - _BOTTOM - foot) / max(bands, 1) - _LABEL

            planner = Planner(self.look, self.trace, width, height)
            plan = planner.plan()
            note = notes(planner, plan) if plan.bands else ""
            if not note:
                break
        return plan, note

    def color(self, band: int) -> str:
        """The identifying colour of a group."""
        return self.look.theme.channel(band)

    def cells(self, tensor: str, band: int) -> Iterator[tuple[Grid, Cell]]:
        """Every shown cell of one group."""
        return ((grid, cell) for grid in self.grids[tensor][band] for cell in grid.positions())

    def around(self, tensor: str, band: int) -> np.ndarray:
        """The path of the cursor round one group in a column."""
        if tensor in ("mean", "var", "std"):
            center, width, height = self._place(tensor, band)
            return box_points(width + 0.06, height + 0.06, center, 0.08)
        center = (self.x[tensor], self.y[band])
        return box_points(self.plan.width(tensor) + 0.1, self.plan.height + 0.1, center, 0.06)

    def around_first(self, tensor: str) -> np.ndarray:
        """The path of the cursor round the first element of the first group."""
        return self.grids[tensor][0][0].outline((0, 0), (0, 0))

    def write_statistic(self, tensor: str, band: int, start: str, run_time: float) -> Animation:
        """A group's statistic arrives from the middle of the column `start` it was computed from."""
        index = self.bands[band]
        value = self.trace.value(tensor, index)
        center, width, height = self._place(tensor, band)
        fill = self.look.theme.tint(self.color(band), 0.22)
        ink = self.look.theme.ink(fill)
        box = Box(width, height, center, 0.07, fill=fill, stroke=self.color(band), stroke_width=1.6)
        parts = VGroup(box)
        known = self.trace.range(tensor)
        text = self.look.number(value, known.integer, known.scale)
        number = Number(text, tensor, index, value, self._statistic_size(text, width, tensor), ink)
        if tensor == "mean":
            number.place(center)
        else:
            left, right = center[0] - width / 2 + 0.08, center[0] + width / 2 - 0.08
            parts.add(Text(tensor, MIN_TEXT, ink, "sans").place((left, center[1]), align="left"))
            number.place((right, center[1]), align="right")
        parts.add(number)
        at = (self.x[start], self.y[band], 0.0)
        return Fly(parts, start=at, run_time=run_time)

    def write_elements(self, tensor: str, bands: Sequence[int], run_time: float) -> list[Animation]:
        """All elements of some groups take their values; those already written stay."""
        written = (
            grid.write(cell, run_time=run_time)
            for band in bands
            for grid, cell in self.cells(tensor, band)
            if cell not in grid.numbers
        )
        return [animation for animations in written for animation in animations]

    def write_first(self, tensor: str, start: str) -> list[Animation]:
        """The first element of the first group, arriving from the same place in the column `start`."""
        return self.grids[tensor][0][0].write((0, 0), self.grids[start][0][0].center((0, 0)), 0.5)

    def light(self, step: int) -> list[Animation]:
        """The number of a step in accent, all others calm; 0 lights none."""
        theme = self.look.theme
        return [
            Paint(disc, fill=theme.accent if number == step else theme.muted, run_time=0.3)
            for number, disc in enumerate(self.discs, 1)
        ]

    def _statistic_size(self, text: str, width: float, tensor: str) -> float:
        room = width - 0.14 - (0 if tensor == "mean" else measure("std", MIN_TEXT) + 0.1)
        return max(MIN_TEXT, min(0.26, room / measure(text, 1.0)))

    def _columns(self, headings: dict[str, str]) -> dict[str, float]:
        drawn = {name: self.plan.width(name) for name in TENSORS} | {"mean": _MEAN, "var": _VAR}
        heads = {
            name: max(measure(name, 0.22, "mono") + 0.4, measure(headings[name], MIN_TEXT, "mono"))
            for name in TENSORS
        }
        widths = {name: max(drawn[name], heads.get(name, 0.0)) for name in COLUMNS}
        gap = (2 * (EDGE - MARGIN) - sum(widths.values())) / (len(COLUMNS) - 1)
        gap = min(gap, 0.6)
        left = -(sum(widths.values()) + gap * (len(COLUMNS) - 1)) / 2
        middles = {}
        for name in COLUMNS:
            middles[name] = left + widths[name] / 2
            left += widths[name] + gap
        return {**middles, "std": middles["var"]}

    def _middle(self, band: int) -> float:
        top = STAGE_TOP - _HEAD
        pitch = min((top - self.bottom) / len(self.bands), 1.25 * (self.plan.height + _LABEL) + 0.2)
        first = (top + self.bottom) / 2 + pitch * (len(self.bands) - 1) / 2
        return first - band * pitch - _LABEL / 2

    def _place(self, tensor: str, band: int) -> tuple[tuple[float, float], float, float]:
        """Centre, width and height of a statistic's box."""
        half = max(min(self.plan.height / 2, 0.44), 0.3)
        if tensor == "mean":
            return (self.x["mean"], self.y[band]), _MEAN, half
        side = 1 if tensor == "var" else -1
        return (self.x["var"], self.y[band] + side * (half / 2 + 0.02)), _VAR, half

    def _grids(self, tensor: str, band: int) -> list[Grid]:
        sample, group = self.bands[band]
        cells = self.plan.cells[tensor]
        spatial = self.trace.shape("input")[2:]
        grids = []
        for k in range(self.plan.channels):
            x, y = self.plan.place(tensor, k)
            index = plane_index((sample, group * self.per_group + k), spatial)
            center = (self.x[tensor] + x, self.y[band] + y)
            grids.append(
                Grid(self.look, self.trace, tensor, (), cells, center, index=index, blank=tensor != "input")
            )
        return grids

    def _frame(self, band: int) -> VGroup:
        """The group's colour round its cells in every column, and its name."""
        parts = VGroup()
        for name in TENSORS:
            path = box_points(
                self.plan.width(name) + 0.05, self.plan.height + 0.05, (self.x[name], self.y[band]), 0.05
            )
            parts.add(Shape(path, stroke=self.color(band), stroke_width=3.2))
        sample, group = self.bands[band]
        left = self.x["input"] - self.plan.width("input") / 2
        label = Text(f"n={sample}  group {group}", MIN_TEXT, self.color(band), "mono")
        label.place((left, self.y[band] + self.plan.height / 2 + 0.1), align="left", vertical="baseline")
        return VGroup(*parts, label)

    def _headings(self, below: dict[str, str]) -> Iterator[Text | Disc]:
        theme = self.look.theme
        for number, name in enumerate(COLUMNS):
            shown = "var → std" if name == "var" else name
            width = measure(shown, 0.22, "mono")
            left = self.x[name] - (width + (0.4 if number else 0)) / 2
            y = STAGE_TOP - 0.25
            if number:
                disc = Disc(0.15, (left + 0.15, y), fill=theme.muted)
                self.discs.append(disc)
                yield disc
                yield Text(str(number), MIN_TEXT, theme.background, "bold").place((left + 0.15, y))
                left += 0.4
            yield Text(shown, 0.22, theme.text, "mono").place((left, y), align="left")
            yield Text(below[name], MIN_TEXT, theme.muted, "mono").place((self.x[name], y - 0.32))
