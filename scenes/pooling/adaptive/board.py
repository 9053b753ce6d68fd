"""What stands on the stage of an adaptive or fractional pooling clip: input, rulers, outputs, frames."""

from __future__ import annotations

from typing import Any

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.parts.look import Look
from torchreel.scenes.parts.motion import Morph
from torchreel.scenes.parts.ruler import Rail, Ruler
from torchreel.scenes.parts.shapes import Arrow, Disc, Point, Shape, polyline
from torchreel.scenes.parts.sheet import Position
from torchreel.scenes.parts.slice_row import SliceRow
from torchreel.scenes.parts.text import Text
from torchreel.scenes.pooling.adaptive.cover import Cover
from torchreel.scenes.pooling.adaptive.layout import SLICE_GAP, AdaptivePlaces, AdaptiveRoom, place
from torchreel.scenes.stage.board import Board
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

_DOT, _SMALLEST_DOT, _DOT_CELL = 0.08, 0.05, 0.34
_SIGN = 0.24
_RESULTS: tuple[str, ...] = ("output", "indices")


class AdaptiveBoard(Board):
    """`input` with its rulers, `outputs` by name, the frame of the `window` and the outputs' frames, `targets`.

    The rulers are those of the columns and rows; a volume has one along its depth.
    """

    def __init__(self, look: Look, trace: Trace, sign: str) -> None:
        super().__init__(look, trace)
        self.sign, self.cover = sign, Cover.of(trace)
        cover, results = self.cover, [name for name in _RESULTS if name in trace.outputs]
        rooms = {name: AdaptiveRoom(self.texts(name), self.shape(name)) for name in ("input", *results)}
        places = place(cover, rooms)
        self.input = self._slices("input", places)
        self.outputs = {name: self._slices(name, places) for name in results}
        self.rulers = self._rulers()
        first = (0,) * len(cover.axes)
        self.rounds = max((end - start for start, end in cover.axes[0]), default=1) if cover.is_volume else 1
        self.window = self.frame(self.path(first))
        self.targets = {name: self.frame(self._around(name, first)) for name in results}
        self.funnel = self._funnel(first) if cover.is_line else None

    def positions(self) -> list[Position]:
        """The output positions that are drawn."""
        return list(self.outputs["output"].positions())

    def index(self, position: Position) -> Index:
        """An output position as torch's index."""
        return self.cover.index(position)

    def ruled(self, position: Position) -> list[tuple[str, int]]:
        """Which window of which ruler, by its letter, an output belongs to."""
        last = len(position) - 1
        axes = [0] if self.cover.is_volume else [last, last - 1]
        return [(ruler.letter, position[axis]) for ruler, axis in zip(self.rulers, axes, strict=False)]

    @property
    def is_cropped(self) -> bool:
        """Whether a part of the planes only is drawn."""
        drawn = self.input.shape, self.outputs["output"].shape
        return drawn != (self.cover.sizes, self.cover.counts)

    @property
    def has_numbers(self) -> bool:
        """Whether the cells of all planes are large enough for numbers."""
        return all(grids.cells.text_size for grids in (self.input, *self.outputs.values()))

    def scenery(self) -> VGroup:
        """What stands from the first frame on: the grids, their names, and what is done between them."""
        grids = [self.input, *self.outputs.values()]
        return VGroup(*grids, *map(self._name, grids), *self._between())

    def path(self, position: Position) -> np.ndarray:
        """The window's outline, as far as it is drawn."""
        return self.input.outline(self.cover.window(position), self.rounds)

    def move(self, position: Position, quick: float | None = None) -> list[Animation]:
        """The frames go to an output position and its window."""
        moves: list[Animation] = [Morph(self.window, self.path(position), quick=quick)]
        for name, frame in self.targets.items():
            moves.append(Morph(frame, self._around(name, position), quick=quick))
        if self.funnel is not None:
            moves.append(Morph(self.funnel, self.fan(position), quick=quick))
        return moves

    def frames(self) -> list[Shape]:
        """Everything that marks the active window."""
        return [self.window, *self.targets.values(), *([] if self.funnel is None else [self.funnel])]

    def fan(self, position: Position) -> np.ndarray:
        """On a line: the area between a window and its output cell, below it."""
        cells, output = self.input.cells, self.outputs["output"]
        ends = [self.input.left + min(at, cells.cols) * cells.width for at in self.cover.window(position)[-1]]
        x, half = output.center(position)[0], output.cells.width / 2
        high, low = self.input.bottom, output.top
        corners = [(ends[0], high), (ends[1], high), (x + half, low), (x - half, low)]
        return polyline([*corners, corners[0]])

    def write(self, name: str, position: Position, fly: bool = False) -> list[Animation]:
        """An output is written; in a slow step it flies from the winner, or from the middle of the window."""
        return self.outputs[name].write(position, self._start(position) if fly else None)

    def winner(self, position: Position) -> Position | None:
        """The input position a maximum stood in; None for a mean."""
        if "column" not in self.trace.tensors:
            return None
        index = self.index(position)
        row = () if self.cover.is_line else ("row",)
        names = (*(("depth",) if self.cover.is_volume else ()), *row, "column")
        found = tuple(int(self.trace.value(name, index)) for name in names)
        return (0, *found) if self.cover.is_line else found

    def mark(self, position: Position) -> list[Shape]:
        """The dot that stays on a winner, where cells have room for one."""
        best, cells = self.winner(position), self.input.cells
        radius = min(_DOT, (cells.height / 2 - 0.4 * cells.text_size) / 3)
        if best is None or not self.input.shows(best) or cells.width < _DOT_CELL or radius < _SMALLEST_DOT:
            return []
        corner = np.array([cells.width / 2 - 2 * radius, cells.height / 2 - 2 * radius, 0.0])
        theme, at = self.look.theme, self.input.center(best) + corner
        return [Disc(radius, at, fill=theme.accent, stroke=theme.background, stroke_width=2, z_index=3)]

    def _start(self, position: Position) -> np.ndarray:
        best = self.winner(position)
        if best is not None and self.input.shows(best):
            return self.input.center(best)
        path = self.path(position)
        middle: np.ndarray = (path.min(0) + path.max(0)) / 2
        return middle

    def _around(self, name: str, position: Position) -> np.ndarray:
        return self.outputs[name].outline([(at, at + 1) for at in position])

    def _rulers(self) -> list[Ruler]:
        grid, cells, cover = self.input, self.input.cells, self.cover
        corner = (grid.left, grid.top)
        if cover.is_volume:
            pitch = cells.cols * cells.width + SLICE_GAP
            rails = [(0, Rail((grid.left - SLICE_GAP / 2, grid.top), pitch, grid.shape[0]))]
        else:
            rails = [(-1, Rail(corner, cells.width, cells.cols))]
            if not cover.is_line:
                rails.append((-2, Rail(corner, cells.height, cells.rows, vertical=True)))
        letters = cover.letters
        return [Ruler(self, rail, letters[axis], cover.lead, cover.axes[axis]) for axis, rail in rails]

    def _slices(self, name: str, places: AdaptivePlaces) -> SliceRow:
        """A tensor where it belongs; values are coloured as the input's are, indices are plain."""
        cells, is_indices = places.cells[name], name == "indices"
        return SliceRow(
            self, name, self.cover.lead, cells, places.centers[name], volume=self.cover.is_volume,
            blank=name != "input", plain=is_indices and bool(cells.text_size),
            scale=self.trace.range(name if is_indices else "input").scale,
        )  # fmt: skip

    def _funnel(self, position: Position) -> Shape:
        return Shape(self.fan(position), fill=self.look.theme.accent, opacity=0.14, z_index=-1)

    def _name(self, grid: SliceRow) -> Text:
        """A grid's name: below it, as rulers are above; left of a line."""
        name = self.shape(grid.tensor)
        if self.cover.is_line:
            return self.label(name, (grid.left - 0.14, grid.middle[1]), align="right")
        return self.label(name, (grid.middle[0], grid.bottom - 0.3))

    def _between(self) -> list[Arrow | Text]:
        """What is done with a window, and on a plane an arrow below it, in a volume one beside it."""
        given, first, wire = self.input, self.outputs["output"], self.look.theme.wire
        if self.cover.is_line:
            return [self._sign((given.left - 0.14, (given.bottom + first.top) / 2), align="right")]
        if self.cover.is_volume:
            x, ends = given.left + 0.15, (given.bottom - 0.2, first.top + 0.12)
            return [
                Arrow([(x, ends[0]), (x, ends[1])], wire),
                self._sign((x + 0.2, sum(ends) / 2), align="left"),
            ]
        x, y = (given.right + first.left) / 2, first.middle[1]
        reach = min(0.5, (first.left - given.right) / 2 - 0.15)
        return [
            Arrow([(x - reach, y), (x + reach, y)], wire),
            self._sign((x, y + 0.16), vertical="baseline"),
        ]

    def _sign(self, at: Point, **place: Any) -> Text:
        return self.label(self.sign, at, _SIGN, self.look.theme.text, **place)
