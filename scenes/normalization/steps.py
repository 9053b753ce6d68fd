"""The board of the normalization steps: a table with one band for each set of elements and one column a step.

An element keeps its place in every column, so a value can be followed along its row from input to output.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, product

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.normalization.numbered import NumberedBoard
from torchreel.scenes.normalization.plan import NormalizationPlanes, Plan, Planner
from torchreel.scenes.normalization.sets_trace import Partition
from torchreel.scenes.parts.grid import Cell, Grid
from torchreel.scenes.parts.look import MIN_TEXT, Look, Stroke
from torchreel.scenes.parts.motion import Appear, Fly
from torchreel.scenes.parts.shapes import Box, Disc, Shape, box_points
from torchreel.scenes.parts.text import Text, measure
from torchreel.scenes.stage.bars import EDGE, MARGIN, STAGE_BOTTOM, STAGE_TOP
from torchreel.scenes.trace.proof import Trace

_HEAD, _LABEL, _FOOT, _BOTTOM = 0.76, 0.34, 0.3, 0.16
_GAP, _BESIDE = 0.24, 0.45
_ONE, _TWO = 0.9, 1.42


@dataclass(frozen=True)
class StepColumn:
    """A step: its heading, the formula below it, and what it shows.

    That is the elements of the one tensor in `elements`, or for every band one or two `statistics`: tensors by the
    names they are drawn with.
    """

    heading: str
    below: str
    elements: str = ""
    statistics: tuple[tuple[str, str], ...] = ()

    @property
    def tensors(self) -> tuple[str, ...]:
        """The tensors that stand in the column."""
        return (self.elements,) if self.elements else tuple(tensor for tensor, _ in self.statistics)


class StepsBoard(NumberedBoard):
    """Everything that stands on the stage of the steps.

    `bands` are the shown sets of the partition; `grids[tensor][band]` their planes; `labels` what never changes.
    `shown` are statistics that are there from the start; `axes` has a letter for each axis of the input.
    """

    def __init__(
        self,
        look: Look,
        trace: Trace,
        partition: Partition,
        columns: Sequence[StepColumn],
        notes: Callable[[Planner, Plan], str],
        shown: Sequence[str] = (),
        axes: str = "",
    ) -> None:
        super().__init__(look, trace)
        self.partition, self.columns = partition, columns
        self.planes = NormalizationPlanes(partition)
        self.elements = [column.elements for column in columns if column.elements]
        self.axes, self.beside = axes, 0.0
        self.plan, note = self._plan(notes)
        self.bottom = STAGE_BOTTOM + _BOTTOM + (_FOOT if note else 0.0)
        self.bands = list(islice(product(*map(range, partition.sets)), self.plan.bands))
        self.x = self._columns()
        self.y = [self._middle(band) for band in range(len(self.bands))]
        self.grids = {
            tensor: [self._grids(tensor, band) for band in range(len(self.bands))] for tensor in self.elements
        }
        self.frames = [self._frame(band) for band in range(len(self.bands))]
        self.plane_names = {} if not self.beside else dict(self._plane_names())
        self.labels = VGroup(*self._headings(), *self.plane_names.values())
        self.labels.add(
            *(self._statistic(tensor, band) for band in range(len(self.bands)) for tensor in shown)
        )
        if note:
            self.labels.add(self.label(note, (0, STAGE_BOTTOM + 0.2), MIN_TEXT, font="sans"))
        start = self.around("input", 0) if self.bands else box_points(1, 1, radius=0.06)
        self.cursor = self.frame(start, Stroke.CURSOR)

    def color(self, band: int) -> str:
        """The identifying colour of a set."""
        return self.look.theme.channel(band)

    def cells(self, tensor: str, band: int) -> Iterator[tuple[Grid, Cell]]:
        """Every shown cell of one set."""
        return ((grid, cell) for grid in self.grids[tensor][band] for cell in grid.positions())

    def planes_of(self, *tensors: str) -> list[Grid]:
        """All shown planes of some columns."""
        return [grid for tensor in tensors for band in self.grids[tensor] for grid in band]

    def around(self, tensor: str, band: int) -> np.ndarray:
        """The path of the cursor round one set in a column."""
        if tensor not in self.grids:
            center, width, height = self._place(tensor, band)
            return box_points(width + 0.06, height + 0.06, center, 0.08)
        center = (self.x[tensor], self.y[band])
        return box_points(self.plan.width(tensor) + 0.1, self.plan.height + 0.1, center, 0.06)

    def around_first(self, tensor: str) -> np.ndarray:
        """The path of the cursor round the first element of the first set."""
        return self.grids[tensor][0][0].outline((0, 0), (0, 0))

    def write_statistic(self, tensor: str, band: int, start: str, run_time: float) -> Animation:
        """A set's statistic arrives from the middle of the column `start` it was computed from."""
        parts = self._statistic(tensor, band)
        return Fly(parts, start=(self.x[start], self.y[band], 0.0), run_time=run_time)

    def write_elements(self, tensor: str, bands: Sequence[int], run_time: float) -> list[Animation]:
        """All elements of some sets take their values; those already written stay."""
        written = (
            grid.write(cell, run_time=run_time)
            for band in bands
            for grid, cell in self.cells(tensor, band)
            if cell not in grid.numbers
        )
        return [animation for animations in written for animation in animations]

    def write_first(self, tensor: str, start: str) -> list[Animation]:
        """The first element of the first set, arriving from the same place in the column `start`."""
        return self.grids[tensor][0][0].write((0, 0), self.grids[start][0][0].center((0, 0)), 0.5)

    def appear(self) -> list[Animation]:
        """The frames of all sets."""
        return [Appear(frame) for frame in self.frames]

    def _plan(self, notes: Callable[[Planner, Plan], str]) -> tuple[Plan, str]:
        """What fits, and the note of what is left out; the note takes room itself."""
        drawn = sum(self._narrowest(column) for column in self.columns if column.statistics)
        width = 2 * (EDGE - MARGIN) - drawn - (len(self.columns) - 1) * _GAP
        for foot in (0.0, _FOOT):

            def height(bands: int, foot: float = foot) -> float:
                return (STAGE_TOP - STAGE_BOTTOM - _HEAD - _BOTTOM - foot) / max(bands, 1) - _LABEL

            planner, plan = self._fitted(width, height)
            if any(self._letters(plan)):
                self.beside = _BESIDE
                planner, plan = self._fitted(width - _BESIDE, height)
            note = notes(planner, plan) if plan.bands else ""
            if not note:
                break
        return plan, note

    def _fitted(self, width: float, height: Callable[[int], float]) -> tuple[Planner, Plan]:
        planner = Planner(self, self.partition, self.elements, width, height)
        return planner, planner.plan()

    def _letters(self, plan: Plan) -> list[str]:
        """What is written beside each plane of a set."""
        rows = range(0, plan.planes, plan.across) if self.axes and plan.planes > 1 else ()
        names = self.axes[-len(self.partition.shape) :]
        texts = [self.planes.letters(plane, plan.across, names) for plane in rows]
        return texts if all(measure(text, MIN_TEXT, "mono") < _BESIDE for text in texts) else []

    def _narrowest(self, column: StepColumn) -> float:
        """The least width of a column: that of its heading, and of its statistics."""
        head = max(self.heading_width(column.heading), measure(column.below, MIN_TEXT, "mono"))
        return max(head, _TWO if len(column.statistics) > 1 else _ONE) if column.statistics else head

    def _columns(self) -> dict[str, float]:
        """The middle of every tensor's column."""
        widths = [
            max(self.plan.width(column.elements) if column.elements else 0.0, self._narrowest(column))
            for column in self.columns
        ]
        used = sum(widths) + self.beside
        gap = min((2 * (EDGE - MARGIN) - used) / (len(self.columns) - 1), 0.6)
        left = -(used + gap * (len(self.columns) - 1)) / 2
        middles: dict[str, float] = {}
        for column, width in zip(self.columns, widths, strict=True):
            middles |= dict.fromkeys(column.tensors, left + width / 2)
            left += width + gap + (self.beside if column.elements == "input" else 0.0)
        return middles

    def _middle(self, band: int) -> float:
        top = STAGE_TOP - _HEAD
        pitch = min((top - self.bottom) / len(self.bands), 1.25 * (self.plan.height + _LABEL) + 0.2)
        first = (top + self.bottom) / 2 + pitch * (len(self.bands) - 1) / 2
        return first - band * pitch - _LABEL / 2

    def _statistic(self, tensor: str, band: int) -> VGroup:
        """A set's statistic in a box of its colour, with its name where there are two."""
        owner = self.bands[band]
        column = next(column for column in self.columns if tensor in column.tensors)
        center, width, height = self._place(tensor, band)
        fill = self.look.theme.tint(self.color(band), 0.22)
        ink = self.look.theme.ink(fill)
        parts = VGroup(Box(width, height, center, 0.07, fill=fill, stroke=self.color(band), stroke_width=1.6))
        name = dict(column.statistics)[tensor] if len(column.statistics) > 1 else ""
        room = width - 0.14 - (measure(name, MIN_TEXT) + 0.1 if name else 0.0)
        number = self.number(tensor, owner, 0.26, ink, width=room)
        if not name:
            return parts.add(number.place(center))
        left, right = center[0] - width / 2 + 0.08, center[0] + width / 2 - 0.08
        parts.add(self.label(name, (left, center[1]), MIN_TEXT, ink, "sans", align="left"))
        return parts.add(number.place((right, center[1]), align="right"))

    def _place(self, tensor: str, band: int) -> tuple[tuple[float, float], float, float]:
        """Centre, width and height of a statistic's box."""
        column = next(column for column in self.columns if tensor in column.tensors)
        half = max(min(self.plan.height / 2, 0.44), 0.3)
        if len(column.tensors) == 1:
            return (self.x[tensor], self.y[band]), _ONE, half
        side = 1 if tensor == column.tensors[0] else -1
        return (self.x[tensor], self.y[band] + side * (half / 2 + 0.02)), _TWO, half

    def _grids(self, tensor: str, band: int) -> list[Grid]:
        cells = self.plan.cells[tensor]
        grids = []
        for plane in range(self.plan.planes):
            x, y = self.plan.place(tensor, plane)
            index = self.planes.index(self.bands[band], plane)
            center = (self.x[tensor] + x, self.y[band] + y)
            grids.append(self.grid(tensor, (), cells, center, index=index, blank=tensor != "input"))
        return grids

    def _frame(self, band: int) -> VGroup:
        """The set's colour round its cells in every column, and its name."""
        parts = VGroup()
        for name in self.elements:
            path = box_points(
                self.plan.width(name) + 0.05, self.plan.height + 0.05, (self.x[name], self.y[band]), 0.05
            )
            parts.add(Shape(path, stroke=self.color(band), stroke_width=3.2))
        left = self.x["input"] - self.plan.width("input") / 2
        name, at = self.planes.name(self.bands[band]), (left, self.y[band] + self.plan.height / 2 + 0.1)
        return parts.add(self.label(name, at, MIN_TEXT, self.color(band), align="left", vertical="baseline"))

    def _plane_names(self) -> Iterator[tuple[tuple[int, int], Text]]:
        """What the planes of a row have in common, beside those of the input, by band and first plane."""
        left = self.x["input"] + self.plan.width("input") / 2 + 0.1
        for band in range(len(self.bands)):
            for row, text in enumerate(self._letters(self.plan)):
                plane = row * self.plan.across
                y = self.y[band] + self.plan.place("input", plane)[1]
                yield (band, plane), self.label(text, (left, y), MIN_TEXT, align="left")

    def _headings(self) -> Iterator[Text | Disc]:
        for number, column in enumerate(self.columns):
            x, y = self.x[column.tensors[0]], STAGE_TOP - 0.25
            yield from self.heading(number, column.heading, x, y)
            yield self.label(column.below, (x, y - 0.32), MIN_TEXT)
