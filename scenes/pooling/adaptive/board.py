"""What stands on the stage of an adaptive or fractional pooling: input, rulers, outputs, and what marks one output."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from manim import Animation, VGroup, VMobject

from torchreel.scenes.parts.family import bounds, family
from torchreel.scenes.parts.look import MIN_TEXT, NAME_TEXT, Look, Stroke
from torchreel.scenes.parts.mark import rgbas
from torchreel.scenes.parts.motion import Appear, Paint
from torchreel.scenes.parts.number import Number
from torchreel.scenes.parts.places import labels_of
from torchreel.scenes.parts.rooms import STAGE
from torchreel.scenes.parts.ruler import Rail, Ruler
from torchreel.scenes.parts.shapes import Shape
from torchreel.scenes.parts.sheet import Position
from torchreel.scenes.parts.slice_row import SliceRow
from torchreel.scenes.parts.text import Text, measure
from torchreel.scenes.pooling.adaptive.cover import Cover
from torchreel.scenes.pooling.adaptive.layout import SLICE_GAP, AdaptivePlaces, AdaptiveRoom, place
from torchreel.scenes.pooling.adaptive.sides import PlaneSides
from torchreel.scenes.pooling.window.beam import Beam, Rect, rect
from torchreel.scenes.stage import bars
from torchreel.scenes.stage.board import Board
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

_WASH, _LIT, _INWARDS = 0.07, 0.14, -0.06
_CALM_PART, _LIT_PART = 0.35, 0.45
_NOTE, _AIR, _LINE = 0.24, 0.3, 0.3
_SIGN = 0.3
_MIDDLE = np.array([0.0, (bars.STAGE_BOTTOM + bars.STAGE_TOP) / 2])
_BEHIND, _ABOVE, _HIGH = 0.5, 2, 3
_RESULTS: tuple[str, ...] = ("output", "indices")
Key = tuple[str, int]


class AdaptiveBoard(Board):
    """`input` with its `rulers`, and `outputs` by name.

    The rulers are those of the columns and rows; a volume has one along its depth, and `sides` that `words` name.
    """

    def __init__(self, look: Look, trace: Trace, words: Mapping[int, str]) -> None:
        super().__init__(look, trace)
        self.cover = cover = Cover.of(trace)
        self.sides = PlaneSides(look, trace, cover, words)
        self.results = [name for name in _RESULTS if name in trace.outputs]
        rooms = {name: AdaptiveRoom(self.texts(name), self._named(name)) for name in ("input", *self.results)}
        rooms["input"] = replace(rooms["input"], beside=self.sides.width if cover.is_volume else 0.0)
        for foot in (0.0, _NOTE):
            places = place(cover, rooms, foot)
            self.input = self._slices("input", places)
            self.outputs = {name: self._slices(name, places) for name in self.results}
            if not self.is_partial:
                break
        self.rulers = self._rulers()
        self.names = [self._name(grid) for grid in (self.input, *self.outputs.values())]
        self._bars: dict[Key, Shape] = {}
        self._parts: dict[Key, tuple[VMobject, str, str]] = {}
        self._values: dict[Key, Number] = {}
        self._lit: list[Key] = []

    @property
    def is_partial(self) -> bool:
        """Whether a note has to say what is not drawn."""
        planes = math.prod(self.trace.shape("input")[: len(self.cover.lead)])
        return planes != 1 or self.is_cropped or not self.has_numbers

    def positions(self) -> list[Position]:
        """The output positions that are drawn."""
        return list(self.outputs["output"].positions())

    def index(self, position: Position) -> Index:
        """An output position as torch's index."""
        return self.cover.index(position)

    def ruled(self, position: Position) -> list[Key]:
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
        """What stands from the first frame on: the grids and their names, and the rulers' cells, counted."""
        grids = [self.input, *self.outputs.values()]
        ticks = [ruler.ticks() for ruler in self.rulers]
        return VGroup(*grids, *self.names, *ticks)

    # Bars on the rulers.

    def bars(self, keys: Iterable[Key]) -> list[Animation]:
        """The bars of some windows with their intervals, those that do not stand yet."""
        fresh: list[Animation] = []
        rulers = {ruler.letter: ruler for ruler in self.rulers}
        for letter, number in keys:
            ruler = rulers[letter]
            if (letter, number) in self._bars or number not in ruler.visible():
                continue
            self._bars[letter, number] = bar = ruler.bar(number)
            label = ruler.interval(number)
            fresh.append(Appear(bar, *([label] if len(label) else [])))
        return fresh

    def show(self, keys: Sequence[Key]) -> list[Animation]:
        """The bars of these windows stand and are lit."""
        return [*self.bars(keys), *self.light(keys)]

    def all_bars(self) -> list[Animation]:
        """The bars of all windows."""
        return self.bars((ruler.letter, number) for ruler in self.rulers for number in ruler.visible())

    def room(self, scenery: VGroup) -> np.ndarray:
        """How far the scenery stands from the middle of the stage, which it leaves for the rulers."""
        boxes = np.array(bounds([part for part in family([scenery]) if len(part.points)]))
        middle = (boxes[:, :2].min(0) + boxes[:, 2:].max(0)) / 2
        return np.array([*(_MIDDLE - middle), 0.0])

    def parts(self, told: Key) -> list[Animation]:
        """The equal parts of every ruler; without cuts, the points that windows start from. One value is `told` of."""
        theme, fresh = self.look.theme, []
        calm, lit = theme.tint(theme.wire, _CALM_PART), theme.tint(theme.accent, _LIT_PART)
        for ruler in self.rulers:
            name = f"cut_{ruler.letter}"
            is_cut = name in self.trace.tensors
            name = name if is_cut else f"p_{ruler.letter}"
            count = self.trace.shape(name)[-1]
            lead = () if is_cut else ruler.lead
            places = self.trace.values(name, [(*lead, k) for k in range(count)])
            shown = ruler.parts(name, places) if is_cut else ruler.dots(name, places, int(places[0]))
            colors = (calm, lit) if is_cut else (theme.text, theme.accent)
            pieces = [one for one in shown if not isinstance(one, Number)]
            self._parts |= {(ruler.letter, k): (one, *colors) for k, one in enumerate(pieces)}
            values = [one for one in shown if isinstance(one, Number)]
            self._values |= {(ruler.letter, one.index[-1]): one for one in values}
            fresh.append(Appear(shown))
        if told in self._values:
            self._values[told].fill_rgbas = rgbas(theme.accent, 1.0)
        return fresh

    def ruler_names(self, head: Sequence[str], windows: str = "", number: int = 0) -> list[Text]:
        """What the first ruler's head is, in lines that begin at its numbers, and its windows, left of one of them.

        A line that has no room is left out.
        """
        ruler, x = self.rulers[0], self.input.left - _AIR
        lanes = sum(ruler.lane(number)) / 2
        told = [(text, ruler.head + 0.1 + _LINE * (len(head) - 1 - n)) for n, text in enumerate(head)]
        said = [*told, *([(windows, lanes)] if windows else [])]
        fitting = [one for one in said if one[0] and x - measure(one[0], MIN_TEXT) > STAGE.left]
        return [
            self.label(text, (x, float(ruler.at(0, out)[1])), MIN_TEXT, font="sans", align="right")
            for text, out in fitting
        ]

    def beside_name(self, text: str) -> list[Text]:
        """What the second ruler's head is, below it, where the input's name leaves room."""
        x, own = self.input.left - _AIR, measure(self._named("input"), NAME_TEXT)
        is_free = own <= self.input.right - self.input.left and x - measure(text, MIN_TEXT) > STAGE.left
        if len(self.rulers) < 2 or not is_free:
            return []
        return [self.label(text, (x, self.input.bottom - 0.22), MIN_TEXT, font="sans", align="right")]

    def light(self, keys: Sequence[Key]) -> list[Animation]:
        """The bars and parts of these windows are lit, and no others."""
        theme, moves = self.look.theme, []
        for key in {*self._lit, *keys}:
            is_lit = key in keys
            if key in self._bars:
                fill = theme.tint(theme.accent, _LIT) if is_lit else theme.background
                moves.append(Paint(self._bars[key], stroke=theme.accent if is_lit else theme.wire, fill=fill))
            if key in self._parts:
                part, calm, lit = self._parts[key]
                moves.append(Paint(part, fill=lit if is_lit else calm))
        self._lit = list(keys)
        ends = {(letter, number + more) for letter, number in keys for more in self._ends(letter)}
        for at, value in self._values.items():
            moves.append(Paint(value, fill=theme.accent if at in ends else theme.muted))
        return moves

    def _ends(self, letter: str) -> tuple[int, ...]:
        """Which values on a ruler, counted from that of a window's number, it is made of."""
        return (0, 1) if f"cut_{letter}" in self.trace.tensors else (0,)

    # What marks one output element.

    def marks(self, position: Position) -> VGroup:
        """The window, what leads from it to its result, and the result's frame."""
        accent, marks = self.look.theme.accent, VGroup()
        for path in self.paths(position):
            marks.add(Shape(path, fill=accent, opacity=_WASH, z_index=_BEHIND))
            marks.add(Shape(path, stroke=accent, stroke_width=Stroke.SOURCE, z_index=_ABOVE))
        if beam := self._beam(position):
            marks.add(*beam.drawn(self.look.theme, accent), *self._sign(position, beam))
        marks.add(*self._of_sides(position))
        return marks.add(self._target("output", position))

    def place_marks(self, position: Position) -> VGroup:
        """The frame of a window's index, and where in the input it points."""
        marks = VGroup(*self.crown(position, self.look.theme.text))
        return marks.add(self._target("indices", position))

    def paths(self, position: Position) -> list[np.ndarray]:
        """The window's outline in each slice, as far as it is drawn; none where nothing of it is."""
        window = self.cover.window(position)
        if not self.input.shows(tuple(start for start, _ in window)):
            return []
        if not self.cover.is_volume:
            return [self.input.outline(window)]
        (first, end), *rest = window
        slices = range(first, min(end, self.input.shape[0]))
        return [self.input.outline([(depth, depth + 1), *rest]) for depth in slices]

    def crown(self, position: Position, color: str | None = None) -> list[Shape]:
        """The frame of a window's winner, if there is one and it is drawn."""
        best = self.winner(position)
        if best is None or not self.input.shows(best) or not self.input.cells.text_size:
            return []
        path = self.input.grids[best[:-2]].outline(best[-2:], best[-2:], _INWARDS)  # type: ignore[arg-type]
        return [Shape(path, stroke=color or self.look.theme.accent, stroke_width=Stroke.FRAME, z_index=_HIGH)]

    def write(self, name: str, position: Position) -> list[Animation]:
        """A result is born in its cell."""
        return self.outputs[name].write(position)

    def winner(self, position: Position) -> Position | None:
        """The input position a maximum stood in; None for a mean."""
        if "column" not in self.trace.tensors:
            return None
        index = self.index(position)
        row = () if self.cover.is_line else ("row",)
        names = (*(("depth",) if self.cover.is_volume else ()), *row, "column")
        found = tuple(int(self.trace.value(name, index)) for name in names)
        return (0, *found) if self.cover.is_line else found

    def _target(self, name: str, position: Position) -> Shape:
        return self.frame(self.outputs[name].outline([(at, at + 1) for at in position]))

    def _beam(self, position: Position) -> Beam | None:
        """From a window that is drawn to its result, where no name stands in the way."""
        paths = self.paths(position)
        return self._way(position, paths).clear_of(labels_of(self.names)) if paths else None

    def _way(self, position: Position, paths: Sequence[np.ndarray]) -> Beam:
        output = self.outputs["output"]
        window = _round([rect(path) for path in paths])
        target = rect(output.outline([(at, at + 1) for at in position]))
        if self.cover.is_line or self.cover.is_volume:
            return Beam.down(window, target)
        # Lines that go up start beyond the last number over the ruler.
        over = self.rulers[0].overhang if target[3] > self.input.top else 0.0
        return Beam.across(window, target, self.input.right + over, output.left)

    def _sign(self, position: Position, beam: Beam) -> list[Text]:
        """What is done with a window, on the way to its result: the largest, or the sum over its number of cells."""
        is_max = "column" in self.trace.tensors
        count = math.prod(end - start for start, end in self.cover.window(position))
        text = "max" if is_max else f"Σ ÷ {count}"
        wide = measure(text, _SIGN)
        down = self.cover.is_line or self.cover.is_volume
        if self.cover.is_volume:  # Between the slices of input and output.
            beam = beam.lower(self.input.bottom, self.outputs["output"].top)
        at = beam.room_below(wide, _SIGN * 0.75) if down else beam.room_between(wide, _SIGN * 0.75, 0.5)
        return [] if at is None else [self.label(text, at[:2], _SIGN, self.look.theme.text, "sans")]

    def _of_sides(self, position: Position) -> list[VMobject]:
        """In a volume: which rows and columns the window takes, at its slices and in words."""
        if not self.cover.is_volume:
            return []
        output, (first, end) = self.outputs["output"], self.cover.window(position)[0]
        at = min(self.input.left, output.left) - _AIR, output.middle[1] + 0.17
        grids = [self.input.grids[depth,] for depth in range(first, end) if (depth,) in self.input.grids]
        rails = [rail for grid in grids for rail in self.sides.rails(position, grid)]
        return [*rails, *self.sides.lines(position, at)]

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

    def _named(self, name: str) -> str:
        """A grid's name with its symbol, as wide as it is drawn."""
        return f"{name} {self.trace.symbol(name)} {self.trace.shape(name)}"

    def _name(self, grid: SliceRow) -> VGroup:
        """A grid's name: below it, as rulers are above; left of a line or a volume; clear of what leads to it."""
        if self.cover.is_line or (self.cover.is_volume and grid is self.input):
            reach = self.cover.is_volume and min(one.left for one in self.outputs.values()) < grid.left
            y = grid.top - grid.cells.height / 2 if reach else grid.middle[1]
            return self.title(grid.tensor, (grid.left - _AIR, y - 0.08), align="right")
        y, is_wide = grid.bottom - 0.3, measure(self._named(grid.tensor), NAME_TEXT) > grid.right - grid.left
        if grid is self.input or self.cover.is_volume or not is_wide:
            return self.title(grid.tensor, (grid.middle[0], y))
        return self.title(grid.tensor, (grid.left, y), align="left")


def _round(parts: Sequence[Rect]) -> Rect:
    """The rectangle round some."""
    sides = np.array(parts)
    return (*sides[:, :2].min(0).tolist(), *sides[:, 2:].max(0).tolist())
