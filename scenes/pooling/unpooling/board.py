"""What stands in an unpooling clip, source, values, indices and output, and what moves between them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.parts.channel import Channel, PlanePad
from torchreel.scenes.parts.grid import dashes
from torchreel.scenes.parts.look import MIN_TEXT, NAME_TEXT, Look
from torchreel.scenes.parts.mark import rgbas
from torchreel.scenes.parts.motion import Appear, Paint
from torchreel.scenes.parts.shapes import Arrow, Box, Shape
from torchreel.scenes.parts.sheet import Position, Sheet
from torchreel.scenes.parts.sliding import SlidingWindow
from torchreel.scenes.parts.text import Text, measure
from torchreel.scenes.pooling.unpooling.journeys import Journeys
from torchreel.scenes.pooling.unpooling.layout import NARROWEST, WIDTH, UnpoolingLayout
from torchreel.scenes.stage.board import Board
from torchreel.scenes.trace.proof import Trace

_INSET = -0.045
_FLAT_HEIGHT = 0.9
_POINTER = 6


class UnpoolingBoard(Board):
    """All objects of the clip, and the two journeys of a value: into the notes, and home."""

    def __init__(self, look: Look, trace: Trace) -> None:
        super().__init__(look, trace)
        self.journeys = Journeys(trace)
        self.layout = UnpoolingLayout(self, self.journeys)
        self.pad, self.cells = self.layout.pad, self.layout.places["source"].sheet.cells
        self.source = self._channel("source", self.pad, blank=False)
        self.values, self.indices = self._channel("input"), self._channel("indices")
        self.output = self._channel("output")
        self.source_flat, self.output_flat = self._flat(self.source), self._flat(self.output)
        self.window: SlidingWindow | None = None
        self.frames: dict[tuple[int, Position], Shape] = {}
        self.arrived: set[Position] = set()

    def _channel(self, tensor: str, pad: PlanePad = (0, 0, 0, 0), blank: bool = True) -> Channel:
        placed = self.layout.places[tensor]
        return Channel(
            self, tensor, self.journeys.lead, placed.room, placed.center, placed.sheet.cells,
            blank=blank, plain=bool(placed.sheet.cells.text_size), pad=pad, pad_text="−∞",
        )  # fmt: skip

    @property
    def is_whole(self) -> bool:
        """Whether every element of the plane is drawn with its number."""
        return bool(self.cells.text_size) and bool(self.values.cells.text_size)

    def windows(self) -> list[Position]:
        """The windows that are drawn, with what they cover."""
        shown = self.source.shows
        return [window for window in self.values.positions() if shown(self.journeys.home(window))]

    def color(self, window: Position) -> str:
        """The identifying colour of a window, its values and its home."""
        return self.look.theme.channel(self.journeys.number(window))

    def heading(self, grid: Channel, name: str) -> Text:
        """A tensor's name and shape above its grid, with the plane that is drawn if there are several."""
        shape = self.trace.shape(grid.tensor)
        plane = str(list(self.journeys.lead)).replace(" ", "") if self.journeys.channels > 1 else ""
        text = f"{name}{plane} {shape}"
        size = max(MIN_TEXT, min(NAME_TEXT, self._label_room(grid) / measure(text, 1.0, "mono")))
        if measure(text, size, "mono") > self._label_room(grid):
            text = f"{name}{plane}"
        return grid.caption(text, size)

    def _label_room(self, grid: Channel) -> float:
        if self.layout.in_lines:
            return WIDTH if grid in (self.source, self.output) else 3.0
        left, _, right, _ = grid.edges
        return max(NARROWEST, right - left + (grid.pad[2] + grid.pad[3]) * grid.cells.width) + 0.1

    def arrow(self, number: int, name: str) -> VGroup:
        """The operator between two stations, 0 or 1."""
        start, end = self.layout.gaps[number]
        theme, length = self.look.theme, float(np.linalg.norm(end - start))
        arrow, middle = Arrow([start, end], theme.wire, 4, 0.2), (start + end) / 2
        if self.layout.in_lines:
            beside = middle + np.array([0.2, 0.0, 0.0])
            return VGroup(arrow, self.label(name, beside, NAME_TEXT, theme.text, "bold", align="left"))
        size = max(MIN_TEXT, min(NAME_TEXT, (length + 0.2) / measure(name, 1.0, "bold")))
        over = middle + np.array([0.0, 0.24, 0.0])
        return VGroup(arrow, self.label(name, over, size, theme.text, "bold"))

    def _flat(self, grid: Channel, size: Position | None = None) -> dict[Position, Text]:
        """The flat index in the corner of each cell, if there is room for it."""
        size, cells = size or self.journeys.size, grid.cells
        widest = measure(str(math.prod(size) - 1), MIN_TEXT, "mono")
        if not cells.text_size or cells.height < _FLAT_HEIGHT or cells.width < widest + 0.24:
            return {}
        corner = np.array([cells.width / 2 - 0.12, -cells.height / 2 + 0.13, 0.0])
        return {
            at: self.label(
                str(np.ravel_multi_index(at, size)), grid.center(at) + corner, MIN_TEXT,
                align="right", vertical="baseline",
            )
            for at in grid.positions()
        }  # fmt: skip

    def slide(self, window: Position) -> list[Animation]:
        """The window goes to its place in its colour."""
        origin, color = self.journeys.geometry.origin(window), self.color(window)
        if self.window is None:
            geometry = self.journeys.geometry
            self.window = SlidingWindow(
                self.source, geometry.kernel, geometry.dilation, origin, color, _INSET / 2, _POINTER
            )
            return [Appear(self.window.drawn)]
        return [*self.window.move(origin), Paint(self.window.drawn, stroke=color)]

    def write_down(self, window: Position, flying: bool) -> list[Animation]:
        """Value and flat index of a window's largest element are written down; its window takes the colour."""
        home = self.journeys.home(window)
        tint = self._tint(window)
        animations = self._mark(self.source, home, window)
        if self.source.plain:
            covered = [home] if self.journeys.overlaps else self.journeys.geometry.taps(window)
            animations += [move for tap in covered for move in self.source.paint(tap, tint)]
        label = self.source_flat.get(home)
        start = self.source.center(home) if flying else None
        animations += self._arrive(self.values, window, tint, start)
        start = label.get_center() if flying and label else start
        return [*animations, *self._arrive(self.indices, window, tint, start)]

    def send(self, window: Position, flying: bool) -> list[Animation]:
        """A value goes along its index to its home in the output, unless another window's brought it there."""
        home = self.journeys.home(window)
        if home in self.arrived:
            return []
        self.arrived.add(home)
        start = self.values.center(window) if flying and self.values.shows(window) else None
        return [
            *self._mark(self.output, home, window),
            *self._arrive(self.output, home, self._tint(window), start),
        ]

    def rest(self) -> list[Animation]:
        """Cells that nothing was sent to become 0; sent values that were not followed are filled in."""
        animations: list[Animation] = []
        for at in self.output.positions():
            if at not in self.arrived:
                animations += self.output.write(at)
                number = self.output.number(at)
                if number is not None and self.output.value(at) == 0:
                    number.fill_rgbas = rgbas(self.look.theme.muted, 1.0)
        return animations

    def fill_notes(self) -> list[Animation]:
        """Values and indices of windows that were not followed."""
        done = set(self.windows())
        left = [window for window in self.values.positions() if window not in done]
        return [move for at in left for grid in (self.values, self.indices) for move in grid.write(at)]

    def lose(self) -> list[Animation]:
        """What was not a maximum fades in the source."""
        theme = self.look.theme
        animations: list[Animation] = []
        for at in self.source.positions():
            if at not in self.arrived:
                animations += self.source.paint(at, theme.empty)
                number = self.source.number(at)
                if number is not None:
                    animations.append(Paint(number, fill=theme.muted))
        return animations

    def unknown(self) -> VGroup:
        """The output as a question: its outline without a size."""
        left, low, right, high = self.output.edges
        corners = np.array([(left, high, 0.0), (right, high, 0.0), (right, low, 0.0), (left, low, 0.0)])
        outline = Shape(dashes(corners, 0.12), stroke=self.look.theme.wire, stroke_width=2)
        size = max(MIN_TEXT, min(0.9, 0.7 * (high - low)))
        return VGroup(outline, self.label("?", self.output.middle, size, font="bold"))

    def wrong_size(self, size: Position) -> tuple[Channel, dict[Position, Text]]:
        """An empty output of another size with its flat indices, in the output's place."""
        placed = self.layout.places["output"]
        shown = [min(n, most) for n, most in zip(size, self.output.shape, strict=True)]
        cells = replace(placed.sheet.cells, rows=shown[-2], cols=shown[-1])
        sheet = Sheet(
            cells, placed.sheet.slices and replace(placed.sheet.slices, cells=cells, depth=shown[0])
        )
        left, _, _, high = self.output.edges
        at = np.array([left + sheet.width / 2, high - sheet.height / 2, 0.0])
        grid = Channel(self, "output", self.journeys.lead, sheet, at, blank=True)
        return grid, self._flat(grid, size)

    def lands(self, grid: Channel, cells: Sequence[tuple[Position, Position]]) -> list[Animation]:
        """Frames in the windows' colours at cells where their indices would land."""
        return [move for window, at in cells for move in self._mark(grid, at, window)]

    def pointer(self, window: Position) -> Shape:
        """The accent frame round the index that is spoken of."""
        return self.frame(self.indices.outline(window, window, _INSET), _POINTER, 3)

    def _tint(self, window: Position) -> str:
        return self.look.theme.tint(self.color(window), 0.2)

    def _mark(self, grid: Channel, at: Position, window: Position) -> list[Animation]:
        """The frame of a window's colour round one cell, kept for good."""
        if not grid.shows(at) or (id(grid), at) in self.frames or not grid.cells.text_size:
            return []
        width, height = (side + 2 * _INSET for side in (grid.cells.width, grid.cells.height))
        frame = Box(
            width, height, grid.center(at), 0.06, stroke=self.color(window), stroke_width=4, z_index=2
        )
        self.frames[id(grid), at] = frame
        return [Appear(frame)]

    def _arrive(self, grid: Channel, at: Position, tint: str, start: np.ndarray | None) -> list[Animation]:
        moves = grid.write(at, start)
        if not grid.plain or not moves:
            return moves
        return [*grid.paint(at, tint), *moves[1:]]
