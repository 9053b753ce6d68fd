"""What stands in an unpooling clip: the pooled source, values and indices, the output, and what marks a value."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.parts.channel import Channel, PlanePad
from torchreel.scenes.parts.grid import dashes
from torchreel.scenes.parts.look import MIN_TEXT, NAME_TEXT, Look, Stroke
from torchreel.scenes.parts.mark import rgbas
from torchreel.scenes.parts.motion import Appear
from torchreel.scenes.parts.places import labels_of
from torchreel.scenes.parts.shapes import Arrow, Shape
from torchreel.scenes.parts.sheet import Position, Sheet
from torchreel.scenes.parts.text import Text, measure
from torchreel.scenes.pooling.unpooling.journeys import Journeys
from torchreel.scenes.pooling.unpooling.layout import FLAT_HEIGHT, WIDTH, UnpoolingLayout
from torchreel.scenes.pooling.window.beam import Beam, rect
from torchreel.scenes.stage.board import Board
from torchreel.scenes.trace.proof import Trace

_INSET = -0.045
_TINT, _WON = 0.22, 0.5
_NAME_GAP = 0.17
_LEAST_ARROW = 0.7


class UnpoolingBoard(Board):
    """All objects of the clip; the window, the values and the homes of one maximum share a tint."""

    def __init__(self, look: Look, trace: Trace) -> None:
        super().__init__(look, trace)
        self.journeys = Journeys(trace)
        named = (name for name in ("source", "input", "indices", "output") if name in trace.tensors)
        names = {name: self.shape(name) for name in named}
        self.layout = UnpoolingLayout(self, self.journeys, names)
        has_source = self.journeys.has_source
        self.source = self._channel("source", self.layout.pad) if has_source else None
        self.output = self._channel("output", blank=True)
        self.values, self.indices = self._channel("input"), self._channel("indices")
        self.output_flat = self._flat(self.output, self.journeys.size)
        self.names = [self.name(part) for part in self._parts()]
        self.arrived: set[Position] = set()
        _now(self._tinted())

    def _channel(self, tensor: str, pad: PlanePad = (0, 0, 0, 0), blank: bool = False) -> Channel:
        placed, style = self.layout.places[tensor], {}
        at = placed.center
        if self.layout.in_lines and tensor in ("input", "indices"):
            at, step = self._under_windows(at, placed.sheet.cells.cols)
            style = {"step": (1, step)} if step > 1 else {}
        return Channel(
            self, tensor, self.journeys.lead, placed.room, at, placed.sheet.cells,
            blank=blank, plain=bool(placed.sheet.cells.text_size), pad=pad, pad_text="−∞", **style,
        )  # fmt: skip

    def _under_windows(self, at: np.ndarray, count: int) -> tuple[np.ndarray, int]:
        """The middle of a line of notes that stand under the middles of their windows, and how far apart they are."""
        geometry, line = self.journeys.geometry, self.source or self.output
        ends = [line.center(tap)[0] for k in (0, count - 1) for tap in geometry.corners((0, k))]
        left, _, right, _ = line.edges
        wide = ((count - 1) * geometry.stride[-1] + 1) * line.cells.width
        middle = min(max(sum(ends) / 4, left + wide / 2), max(right, left + wide) - wide / 2)
        return np.array([middle, at[1], 0.0]), geometry.stride[-1]

    @property
    def is_whole(self) -> bool:
        """Whether every element of the plane is drawn with its number."""
        return all(grid.cells.text_size for grid in (self._large, self.values))

    @property
    def _large(self) -> Channel:
        """What has the size of a plane: the source, or the output where there is none."""
        return self.source or self.output

    @property
    def shown(self) -> dict[str, tuple[Position, Position]]:
        """How much is drawn of the values and of the output, and how much there is."""
        return {
            "output": (self.output.shape, self.journeys.size),
            "input": (self.values.shape, self.journeys.pooled),
        }

    def windows(self) -> list[Position]:
        """The windows that are told: those that are drawn with their home, each its home's writer; all without one."""
        writers = [window for window in self.values.positions() if self.journeys.writes(window)]
        return [one for one in writers if self._large.shows(self.journeys.home(one))] or writers

    def color(self, window: Position) -> str:
        """The identifying colour of a window, its values and its home."""
        return self.look.theme.channel(self.journeys.number(window))

    def scenery(self) -> VGroup:
        """What stands from the first frame on, without the output and its name, which is the last."""
        return VGroup(*self._parts()[:-1], *self.names[:-1], *self._pooled())

    def _parts(self) -> list[Channel]:
        """The tensors that are drawn, the output last."""
        return [one for one in (self.source, self.values, self.indices, self.output) if one is not None]

    def name(self, part: Channel) -> VGroup:
        """What a tensor is called: above it, the indices below, in one dimension at the left."""
        left, bottom, right, top = part.edges
        pad, tensor = part.pad, part.tensor
        symbol = None if tensor != "source" else "source"
        if part.sheet.slices:
            left, bottom, right, top = part.drawn.edges
        else:
            top += pad[0] * part.cells.height
        if self.layout.in_lines:
            return self.title(
                tensor, (self.layout.left - 0.2, (bottom + top) / 2 - 0.08), name=symbol, align="right"
            )
        y = bottom - _NAME_GAP - 0.16 if tensor == "indices" else top + _NAME_GAP
        wide = measure(self.shape(tensor), NAME_TEXT, "mono")
        x = max(min((left + right) / 2, WIDTH / 2 - wide / 2), wide / 2 - WIDTH / 2)
        return self.title(tensor, (x, y), name=symbol)

    def _pooled(self) -> list[Arrow | Text]:
        """That the notes were taken by pooling the source."""
        if self.source is None:
            return []
        name = f"MaxPool{self.journeys.dims}d"
        theme = self.look.theme
        if self.layout.in_lines:
            left, bottom, *_ = self.source.edges
            _, _, _, top = self.values.edges
            x = self.layout.left - 0.9
            if bottom - top < 0.5 or not self.source.cells.text_size:
                return []
            arrow = Arrow([(x, bottom - 0.02), (x, top + 0.04)], theme.wire, Stroke.WIRE)
            return [arrow, self.label(name, (x - 0.16, (bottom + top) / 2), MIN_TEXT, align="right")]
        right = self.source.drawn.edges[2] if self.source.sheet.slices else self.source.edges[2]
        right += 0.0 if self.source.sheet.slices else self.source.pad[3] * self.source.cells.width
        left = self.values.drawn.edges[0] if self.values.sheet.slices else self.values.edges[0]
        y = (self.source.edges[1] + self.source.edges[3]) / 2
        near, far = right + 0.16, left - 0.16
        if far - near < max(_LEAST_ARROW, measure(name, MIN_TEXT, "mono")):
            return []
        arrow = Arrow([(near, y), (far, y)], theme.wire, Stroke.WIRE)
        return [arrow, self.label(name, ((near + far) / 2, y + 0.16), MIN_TEXT, vertical="baseline")]

    def _flat(self, grid: Channel, size: Position) -> dict[Position, Text]:
        """The flat index in the corner of each cell, if there is room for it."""
        cells = grid.cells
        widest = measure(str(math.prod(size) - 1), MIN_TEXT, "mono")
        if not cells.text_size or cells.height < FLAT_HEIGHT or cells.width < widest + 0.24:
            return {}
        corner = np.array([cells.width / 2 - 0.12, -cells.height / 2 + 0.13, 0.0])
        return {
            at: self.label(
                str(np.ravel_multi_index(at, size)), grid.center(at) + corner, MIN_TEXT, self.look.theme.text,
                align="right", vertical="baseline",
            )
            for at in grid.positions()
        }  # fmt: skip

    def counted_rows(self) -> list[Text]:
        """Which flat indices each row of a column of slices counts, if cells do not say them and there is room."""
        sheet, shape = self.output.sheet, self.output.shape
        if (
            sheet.slices is None
            or sheet.slices.across > 1
            or self.output_flat
            or not self.output.cells.text_size
        ):
            return []
        last, found = self.journeys.size[-1] - 1, []
        for depth, row in itertools.product(*map(range, shape[:2])):
            first = int(np.ravel_multi_index((depth, row, 0), self.journeys.size))
            x, y, _ = self.output.center((depth, row, shape[-1] - 1))
            said = f"{first}–{first + last}" if last else str(first)
            at = (float(x) + self.output.cells.width / 2 + 0.14, float(y))
            found.append(self.label(said, at, MIN_TEXT, align="left"))
        return found if all(one.box()[2] < WIDTH / 2 for one in found) else []

    def _tinted(self) -> Iterable[Animation]:
        """Each window in its tint with its maximum in full, and its notes alike."""
        moves: list[Animation] = []
        for window in self.values.positions():
            home, tint, full = self.journeys.home(window), self._tint(window, _TINT), self._tint(window, _WON)
            if self.source is not None and self.source.plain and self.source.shows(home):
                covered = [] if self.journeys.overlaps else self.journeys.geometry.taps(window)
                moves += [move for tap in covered for move in self.source.paint(tap, tint)]
                moves += self.source.paint(home, full)
            for grid in (self.values, self.indices):
                moves += grid.paint(window, full) if grid.plain else []
        return moves

    # One value on its way.

    def marks(self, window: Position, grid: Channel | None = None, home: Position | None = None) -> VGroup:
        """A value and its index in the colour of their window, two lines from the index to its home, and the home."""
        grid, home = grid or self.output, home or self.journeys.home(window)
        color, marks = self.color(window), VGroup()
        for note in (self.values, self.indices):
            path = note.outline(window, window, _INSET)
            marks.add(Shape(path, stroke=color, stroke_width=Stroke.CURSOR, z_index=2))
        if grid.shows(home):
            beam = self._beam(window, grid, home)
            marks.add(*(beam.drawn(self.look.theme, color) if beam else []))
            marks.add(self.frame(grid.outline(home, home, 0.02)))
        return marks

    def _beam(self, window: Position, grid: Channel, home: Position) -> Beam | None:
        """From the index of a window to its home, where no name stands in the way."""
        return self._way(window, grid, home).clear_of(labels_of(self.names))

    def _way(self, window: Position, grid: Channel, home: Position) -> Beam:
        note = rect(self.indices.outline(window, window))
        target = rect(grid.outline(home, home))
        if self.layout.in_lines:
            return Beam.down(note, target)
        edge = grid.drawn.edges[0] if grid.sheet.slices else grid.edges[0]
        clear = self.indices.drawn.edges[2] if self.indices.sheet.slices else self.indices.edges[2]
        return Beam.across((note[0], note[1], clear, note[3]), target, clear, edge)

    def send(self, window: Position) -> list[Animation]:
        """A value is in its home in the output."""
        home = self.journeys.home(window)
        self.arrived.add(home)
        moves = self.output.write(home)
        if not self.output.plain or not moves:
            return moves
        return [*self.output.paint(home, self._tint(window, _WON)), *moves[1:]]

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

    # The output without its size.

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

    def lands(self, grid: Channel, window: Position, at: Position) -> tuple[list[Animation], Text]:
        """A window's value in a cell where its index would land; the value is returned too."""
        value = self.values.value(window)
        text = self.label(self.text("input", value), grid.center(at), self.output.cells.text_size,
                          self.look.theme.text, "sans")  # fmt: skip
        return [*grid.paint(at, self._tint(window, _WON)), Appear(text)], text

    def _tint(self, window: Position, strength: float) -> str:
        return self.look.theme.tint(self.color(window), strength)


def appear(*parts: VGroup | Channel | Text) -> list[Animation]:
    """Everything comes into sight, if there is anything."""
    return [Appear(*parts)] if parts else []


def _now(moves: Iterable[Animation]) -> None:
    """Animations as if they had been played."""
    for move in moves:
        move.begin()
        move.finish()
