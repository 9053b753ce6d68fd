"""The stations of a convolution clip, whatever the layout: what of a call is drawn, its planes, names and beams.

The layouts decide where. Large calls show the first channels and a corner of their planes.
"""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from manim import VGroup

from torchreel.scenes.convolution.geometry import ConvolutionGeometry, Cut
from torchreel.scenes.convolution.trace import Names
from torchreel.scenes.parts.funnel import Funnel, across
from torchreel.scenes.parts.grid import Cells, Grid
from torchreel.scenes.parts.look import NAME_TEXT, Look
from torchreel.scenes.parts.mathtext import MathText
from torchreel.scenes.parts.shapes import Box, Point, Shape, polyline
from torchreel.scenes.parts.text import Text
from torchreel.scenes.parts.views import Place, View
from torchreel.scenes.stage import bars
from torchreel.scenes.stage.board import Board
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

OWN = Names()
MOST_CHANNELS = 3
MOST_OUTPUTS = 4
TOP, BOTTOM = bars.STAGE_TOP - 0.1, bars.STAGE_BOTTOM + 0.14
LEFT, RIGHT = -bars.EDGE + bars.MARGIN, bars.EDGE - bars.MARGIN
HEAD, NOTE = 0.42, 0.26
TAG_CELL = 0.56
_LEAST_HEAT = 0.12
_HUE, _TICK = 3.4, 3.0
_BACKED, _ABOVE = -0.5, 1


class Edge(NamedTuple):
    """An upright side of something: where it stands and how far it reaches (scene units)."""

    x: float
    top: float
    bottom: float


class ConvolutionStations(Board, ABC):
    """Planes and kernels of a call, as much of them as is drawn, and their names."""

    inputs: dict[int, View]
    outputs: dict[int, View]
    cells: dict[str, Cells]
    cut: Cut
    sums_channels = False
    tags = False

    def __init__(self, look: Look, trace: Trace, module: Any = None, names: Names = OWN) -> None:
        super().__init__(look, trace)
        self.names = names
        self.size = ConvolutionGeometry.of(trace, module or trace.module, names)
        self.channels = list(range(min(self.size.channels, MOST_CHANNELS)))
        self.outs = [out for out in range(self.size.outs) if self.rows_of(out)][:MOST_OUTPUTS]
        read = {channel for out in self.outs for channel in self.rows_of(out)}
        self.channels = [channel for channel in self.channels if channel in read]
        self.scenery = VGroup()
        self.lay_out()
        if len(self.outs) > 1:
            self.scenery.add(*(self.hue(view, out) for out, view in self.outputs.items()))

    @abstractmethod
    def lay_out(self) -> None:
        """Set `inputs`, `outputs`, `cells` and `cut`, and add labels to `scenery`."""

    @abstractmethod
    def kernel(self, out: int, cell: Place) -> dict[int, View]:
        """The kernel planes of one output channel while it makes a cell, by the input channel each reads."""

    @abstractmethod
    def paths(self, out: int, cell: Place) -> Iterator[Shape | Text | Funnel]:
        """What leads from the windows of an output element to its cell, behind everything, and what is done there."""

    def kernel_marks(self, out: int, cell: Place) -> Sequence[Shape]:
        """What shows which of several kernels is used."""
        return []

    def kernel_parts(self, out: int, cell: Place, planes: dict[int, View]) -> VGroup:
        """The planes of a kernel and what names them, as far as they are not on stage all the time."""
        return VGroup(*planes.values())

    @property
    def is_still(self) -> bool:
        """Whether all kernels are on stage from the beginning and stay where they are."""
        return False

    @property
    def is_whole(self) -> bool:
        """Whether nothing of the call is left out."""
        return self.has_all(self.cut)

    def has_all(self, cut: Cut) -> bool:
        """Whether a cut and the shown channels leave nothing out."""
        channels = (len(self.channels), len(self.outs)) == (self.size.channels, self.size.outs)
        return self.batch == 1 and channels and self.size.is_whole(cut)

    def fitting(
        self, fit: Callable[[Cut, float], Cells], numbered: Sequence[Place], heat: Sequence[Place]
    ) -> Cells:
        """The largest part of the call that can be drawn with numbers, else in colours that can be told apart.

        `fit` gives the cells of a cut, where a note takes some height; the cut is kept.
        """
        for most in numbered:
            self.cut = self.size.cut(most)
            cells = fit(self.cut, 0.0 if self.has_all(self.cut) else NOTE)
            if cells.text_size:
                return cells
        for most in heat:
            self.cut = self.size.cut(most)
            cells = fit(self.cut, NOTE)
            if cells.width >= _LEAST_HEAT:
                break
        return Cells(cells.width, cells.height, 0.0, 1, 1)

    @property
    def batch(self) -> int:
        """How many samples torch was given; the first is drawn."""
        return self.trace.shape(self.names.input)[0] if self.size.lead else 1

    @property
    def is_noted(self) -> bool:
        """Whether a note at the foot of the stage is needed."""
        return not self.is_whole or self.is_heat

    @property
    def is_heat(self) -> bool:
        """Whether colours take the place of numbers."""
        return not all(cells.text_size for cells in self.cells.values())

    def tensor(self, station: str) -> str:
        """The trace's name of what stands at a station (`input`, `weight`, `product`, `output`)."""
        return getattr(self.names, station, station)

    def rows_of(self, out: int) -> list[int]:
        """The shown input channels that an output channel reads."""
        return [c for c in self.size.group_channels(out) if c in self.channels]

    def in_group(self, out: int, channel: int) -> int:
        """The position of an input channel among those that `out` reads."""
        return channel - self.size.group_channels(out)[0]

    def index(self, out: int, cell: Place) -> Index:
        """An output element's index in torch's output."""
        return (*self.size.lead, out, *self.size.spatial(cell))

    def plane(self, station: str, lead: Index, at: Point, **style: Any) -> View:
        """One plane of a station's tensor round `at`."""
        return self.grid(self.tensor(station), lead, self.cells[station], at, **style)

    def input_plane(self, channel: int, at: Point) -> View:
        """An input plane with its padding ring."""
        text = "0" if self.size.pad_mode == "zeros" else ""
        self.back(at)
        return self.plane("input", (*self.size.lead, channel), at, pad=self.cut.pad, pad_text=text)

    def back(self, at: Point) -> None:
        """Hide the lines that run behind a plane's ring of padding."""
        if not any(self.cut.pad):
            return
        cells, pad = self.cells["input"], self.cut.pad[-4:]
        rows, cols = cells.rows + sum(pad[:2]), cells.cols + sum(pad[2:])
        background = self.look.theme.background
        self.scenery.add(Box(cols * cells.width, rows * cells.height, at, fill=background, z_index=_BACKED))

    def backing(self, at: Point) -> Box:
        """What keeps lines away from a short label."""
        return Box(0.5, 0.38, (at[0], at[1] - 0.03), fill=self.look.theme.background, z_index=_BACKED)

    # What an output element is made of, beside its windows.

    def results(self, out: int, cell: Place) -> VGroup:
        """Products or channel sums, where the layout has a place for them."""
        return VGroup()

    def bias_cell(self, out: int, at: Point) -> Grid:
        """The bias of an output channel as a cell."""
        cells = self.cells["weight"]
        one = Cells(cells.width, cells.height, cells.text_size, 1, 1)
        return self.grid("bias", (), one, at, index=lambda _: (out,))

    def beam(self, start: Edge, end: Edge) -> Funnel:
        """From one side to another, behind all cells."""
        return Funnel(self.look, start, end)

    def fall(self, start: tuple[float, float, float], end: tuple[float, float, float]) -> list[Shape]:
        """The same downwards, from `(y, left, right)` to `(y, left, right)`."""
        corners = [(start[1], start[0]), (end[1], end[0]), (end[2], end[0]), (start[2], start[0])]
        return across(self.look, corners)

    # Labels.

    def heading(self, station: str, at: Point, room: float, **place: Any) -> VGroup:
        """What a station is called, with its shape where there is room for it."""
        tensor, name = self.tensor(station), None
        if station == "output":
            name = "output"
        for shape in (True, False):
            line = self.title(tensor, at, name=name, shape=shape, **place)
            left, right = (
                pick(float(one) for part in line for one in part.points[:, 0]) for pick in (min, max)
            )
            if right - left <= room:
                break
        # Over planes as narrow as one cell it may be wider than what is free.
        aside = max(0.0, LEFT - left) - max(0.0, right - RIGHT)
        for part in line if aside else ():
            part.points = part.points + np.array([aside, 0.0, 0.0])
        return line

    def symbol(
        self, station: str, number: int, at: Point, color: str | None = None, **place: Any
    ) -> MathText:
        """A channel's name as in formulas: `x_0`, `w_1`."""
        symbol = self.trace.symbol(self.tensor(station)).split("_")[0]
        return MathText(f"{symbol}_{{{number}}}", NAME_TEXT * 1.15, color or self.look.theme.muted).place(
            at, **place
        )

    def hue(self, view: View, out: int) -> Shape:
        """An outline in the colour of an output channel: its kernel and its plane wear it."""
        start = (0,) * len(self.cut.out)
        end = tuple(size - 1 for size in view.shape)
        path = view.outline(start[: len(end)], end, 0.05)
        return Shape(path, stroke=self.look.theme.channel(out), stroke_width=_HUE, z_index=_ABOVE)

    def starts(self, view: View) -> Shape | None:
        """A corner at every place where a window starts, where windows move by several cells."""
        size, paths = self.size, []
        if not any(step > 1 and count > 1 for step, count in zip(size.stride, size.out, strict=True)):
            return None
        long = 0.3 * min(view.cells.width, view.cells.height)
        for cell in itertools.product(*map(range, self.cut.out)):
            at = size.first(cell)
            path = view.outline(at, at, 0.0)
            x, y = float(path[:, 0].min()), float(path[:, 1].max())
            paths.append(polyline([(x, y - long), (x, y), (x + long, y)]))
        return Shape(np.concatenate(paths), stroke=self.look.theme.text, stroke_width=_TICK, z_index=_ABOVE)
