"""The board of the normalization layers: the input, what becomes of it, and the output, each in the input's own shape.

Cells have the tint of the set they share statistics with. Between the blocks stand cards: a set's statistics, then a
channel's weight and bias. The block in the middle first shows what the variance is made of, then the normalized values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.normalization.cards import Card
from torchreel.scenes.normalization.cards import height as card_height
from torchreel.scenes.normalization.sets_trace import Partition
from torchreel.scenes.normalization.stations import CARD_GAP, NormalizationSteps, Stations
from torchreel.scenes.parts.grid import Cell, Grid
from torchreel.scenes.parts.layout import STAGE, Placed
from torchreel.scenes.parts.look import MIN_TEXT, NAME_TEXT, Look
from torchreel.scenes.parts.mathtext import MathText
from torchreel.scenes.parts.mathtext import width as math_width
from torchreel.scenes.parts.motion import Appear, Paint, Vanish
from torchreel.scenes.parts.shapes import Shape
from torchreel.scenes.parts.text import Text, measure
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

_TINT = 0.24


class SetGrid(Grid):
    """A plane whose cells have the tint of their set, where `tint` gives one, and shortened numbers."""

    def __init__(
        self, *args: Any, tint: Callable[[Index], str] | None, write: Callable[[float], str], **style: Any
    ) -> None:
        self.tint, self.writes = tint, write
        super().__init__(*args, **style)

    def fill(self, cell: Cell) -> str:
        """The tint of the cell's set, or the colour of its value."""
        return super().fill(cell) if self.tint is None else self.tint(self.index(cell))

    def text(self, cell: Cell) -> str:
        """The element as drawn."""
        return self.writes(self.value(cell))


class NormBoard(Stations):
    """Everything that stands on the stage of the steps.

    `blocks[tensor]` are the planes of a tensor, `cards[set]` the statistics, `scenery` what never changes. `note` says
    what stands at the foot, from the shown and the whole shape.
    """

    def __init__(
        self,
        look: Look,
        trace: Trace,
        partition: Partition,
        steps: NormalizationSteps,
        note: Callable[[Index, Index], str],
    ) -> None:
        super().__init__(look, trace, partition, steps)
        places = {"input": "input", steps.first: "middle", steps.normalized: "middle", "output": "output"}
        self.blocks = {name: list(self._block(name, place)) for name, place in places.items() if name}
        self.cards = dict(self._cards())
        self.scenery = VGroup(*self._titles(), *self._labels())
        self.parameters = list(self._parameters())
        self.first_title = self._title(steps.first, "middle")
        self.frames: list[Shape] = []
        if said := note(self.arrangement.shown, partition.shape):
            self.scenery.add(self.note(said))

    def objects(self) -> list[Any]:
        """What stands on the stage at first; under the middle block's cells lie those of what comes later."""
        steps = self.steps
        order = [name for name in ("input", steps.normalized, steps.first, "output") if name]
        grids = [grid for tensor in order for grid in self.blocks[tensor]]
        return [self.scenery, self.first_title, *grids, *self.cards.values(), *self.parameters]

    def color(self, owner: Index) -> str:
        """The identifying colour of a set."""
        return self.look.theme.channel(self.arrangement.sets.index(owner))

    def tint(self, index: Index) -> str:
        """The fill of an element: its set's."""
        return self.look.theme.tint(self.color(self.arrangement.owners[tuple(index)]), _TINT)

    def light(self, tensor: str, owners: Sequence[Index] | None = None) -> list[Animation]:
        """The cells of some sets (by default of all) in their tints, all others grey."""
        theme, moves = self.look.theme, []
        for grid, cell in self.cells(tensor):
            index = grid.index(cell)
            lit = owners is None or self.arrangement.owners[index] in owners
            ground = self.tint(index) if lit else theme.empty
            moves.append(Paint(grid.boxes[cell], fill=ground))
            if cell in grid.numbers:
                moves.append(Paint(grid.numbers[cell], fill=theme.ink(ground) if lit else theme.muted))
        return moves

    def cells(self, tensor: str, owner: Index | None = None) -> Iterator[tuple[Grid, Cell]]:
        """The shown cells of a tensor, of one set where it is given."""
        return (
            (grid, cell)
            for grid in self.blocks[tensor]
            for cell in grid.positions()
            if owner is None or self.arrangement.owners[grid.index(cell)] == owner
        )

    def find(self, tensor: str, index: Index) -> tuple[Grid, Cell]:
        """Where an element is drawn."""
        return next((grid, cell) for grid, cell in self.cells(tensor) if grid.index(cell) == index)

    def around(self, tensor: str, index: Index) -> np.ndarray:
        """The path round an element's cell."""
        grid, cell = self.find(tensor, index)
        return grid.outline(cell, cell, 0.02)

    def around_set(self, tensor: str, owner: Index, sample: int | None = None) -> list[np.ndarray]:
        """Paths round the cells of a set, of one sample where it is given, plane by plane."""
        paths = []
        for grid in self.blocks[tensor]:
            own = [
                cell
                for cell in grid.positions()
                if self.arrangement.owners[grid.index(cell)] == owner
                and sample in (None, grid.index(cell)[0])
            ]
            if own:
                paths.append(grid.outline(min(own), max(own), 0.02))
        return paths

    def write(self, tensor: str, owner: Index, index: Index | None = None) -> list[Animation]:
        """The elements of a set, or one of them, take their values; those already written stay."""
        return [
            move
            for grid, cell in self.cells(tensor, owner)
            if cell not in grid.numbers and index in (None, grid.index(cell))
            for move in grid.write(cell)
        ]

    def covers(self) -> list[Any]:
        """What has to leave the middle block so that the normalized values can stand there."""
        gone: list[Any] = []
        for grid, cell in self.cells(self.steps.first):
            gone += [grid.boxes[cell], grid.numbers.pop(cell)]
        return gone

    def card_of_parameters(self, index: Index) -> Card | None:
        """The card of an element's weight and bias."""
        cards = [card for card in self.parameters if isinstance(card, Card)]
        own = tuple(index[axis] for axis in self.steps.axes)
        return next((card for card in cards if card.index == own), None)

    def around_parameters(self, index: Index) -> list[np.ndarray]:
        """Paths round an element's weight and bias."""
        if (card := self.card_of_parameters(index)) is not None:
            return [card.outline()]
        own = tuple(index[axis] for axis in self.steps.axes)
        grids = [grid for grid in self.parameters if isinstance(grid, Grid)]
        found = ((grid, cell) for grid in grids for cell in grid.positions() if grid.index(cell) == own)
        return [grid.outline(cell, cell, 0.02) for grid, cell in found]

    def mark(self, *paths: np.ndarray) -> list[Animation]:
        """Frames go out where they are and in round other things."""
        gone, self.frames = self.frames, [self.frame(path, 3.8) for path in paths]
        moves: list[Animation] = [Vanish(*gone)] if gone else []
        return [*moves, *([Appear(*self.frames)] if self.frames else [])]

    def title_of(self, tensor: str) -> VGroup:
        """The name above the middle block."""
        return self._title(tensor, "middle")

    def _block(self, tensor: str, place: str) -> Iterator[SetGrid]:
        placed, arrangement = self.placed[place], self.arrangement
        down, across = arrangement.planes
        for number, middle in enumerate(placed.at):
            plane = divmod(number, across)
            assert plane[0] < down
            yield SetGrid(
                self.look, self.trace, tensor, (), placed.cells, middle,
                index=arrangement.index(plane), blank=tensor != "input",
                tint=None if tensor == "output" else self.tint,
                write=partial(self.shorter, tensor),
            )  # fmt: skip

    def _cards(self) -> Iterator[tuple[Index, Card]]:
        steps, (x, y) = self.steps, self.placed["statistics"].block.middle
        sets = self.arrangement.sets
        pitch, y = self._pitch(len(sets), len(steps.statistics), y)
        for number, owner in enumerate(sets):
            middle = (x, y + ((len(sets) - 1) / 2 - number) * pitch)
            name, color = self.arrangement.owner_name(owner), self.color(owner)
            wide, high = self._statistics_width(), pitch - CARD_GAP
            if self._lined:
                low, top = self._heights(owner)
                middle, high = (x, (low + top) / 2), min(top - low, 1.6) - 0.03
                name = name if high > card_height(len(steps.statistics)) else ""
            yield owner, Card(self, name, steps.statistics, owner, wide, middle, color, steps.given, high)

    def _pitch(self, count: int, lines: int, middle: float) -> tuple[float, float]:
        """How far cards below each other are apart, larger ones where they are few, and the height of their middle.

        That is the given one, or as much higher as keeps the lowest card on the stage.
        """
        least = card_height(lines) + CARD_GAP
        pitch = max(least, min(1.3 * least, (STAGE.height - CARD_GAP) / count))
        return pitch, max(middle, STAGE.bottom + (count * pitch - CARD_GAP) / 2)

    def _heights(self, owner: Index) -> tuple[float, float]:
        """Foot and top of a set's cells."""
        places = [(grid.center(cell)[1], grid.cells.height / 2) for grid, cell in self.cells("input", owner)]
        return min(y - half for y, half in places), max(y + half for y, half in places)

    def _parameters(self) -> Iterator[Any]:
        """Weight and bias: a card for each channel, or grids where every place has its own."""
        if self.affine and self.by_place:
            yield from self._places()
        elif self.affine:
            x, y = self.placed["parameters"].block.middle
            channels = self._channels
            pitch, y = self._pitch(len(channels), len(self.affine), y)
            color = self.look.theme.role("parameter")
            for channel in channels:
                middle = (x, y + ((len(channels) - 1) / 2 - channel) * pitch)
                name = f"c={channel}" if self.steps.names else f"[{channel}]"
                wide = self._parameter_width()
                high = pitch - CARD_GAP
                yield Card(self, name, self.affine, (channel,), wide, middle, color, self.affine, high)

    def _places(self) -> Iterator[Any]:
        own, _, across = self._place_shape()
        arrangement = self.arrangement
        for name in self.affine:
            placed = self.placed[name]
            yield self.title(name, placed.head)
            for number, middle in enumerate(placed.at):
                corner = arrangement.corner(divmod(number, across))
                lead = tuple(corner[axis] for axis in own)
                yield SetGrid(
                    self.look, self.trace, name, lead, placed.cells, middle, tint=None,
                    write=partial(self.shorter, name),
                )  # fmt: skip

    def _titles(self) -> list[VGroup]:
        return [self._title("input", "input"), self._title("output", "output")]

    def _title(self, tensor: str, place: str) -> VGroup:
        placed: Placed = self.placed[place]
        if place == "output" and (law := self._law_of_output(placed)):
            return law
        if place != "middle":
            fits = measure(self.shape(tensor), NAME_TEXT) < placed.block.width + 0.3
            return self.title(tensor, placed.head, shape=fits)
        said = self.steps.said.get(tensor, self.trace.symbol(tensor).strip("()"))
        return VGroup(MathText(said, 0.29, self.look.theme.text).place(placed.head, vertical="baseline"))

    def _law_of_output(self, placed: Placed) -> VGroup | None:
        """The output's name with what it is made of, where that is not too wide."""
        symbol = self.trace.symbol("output")
        said = f"= {self.steps.said.get('output', '')}"
        widths = [measure("output", NAME_TEXT), math_width(symbol, NAME_TEXT), math_width(said, NAME_TEXT)]
        whole = sum(widths) + 2 * measure(" ", NAME_TEXT)
        room = placed.block.width + 0.5
        if "output" not in self.steps.said or whole > room:
            return None
        left, y = placed.head[0] - whole / 2, placed.head[1]
        name = self.title("output", (left, y), align="left", shape=False)
        at = (left + whole - widths[-1], y)
        law = MathText(said, NAME_TEXT, self.look.theme.text)
        return VGroup(name, law.place(at, align="left", vertical="baseline"))

    def _labels(self) -> Iterator[Text]:
        """Samples and channels beside and below the input, channels below the other blocks too."""
        grids, across = self.blocks["input"], self.arrangement.planes[1]
        left = self.placed["input"].block.left - 0.1
        sides = self._sides()
        for number, text in enumerate(sides):
            if len(sides) == self.arrangement.planes[0]:
                y = grids[number * across].middle[1]
            else:
                y = grids[0].center((number, 0))[1]
            yield self.label(text, (left, y), MIN_TEXT, align="right")
        for place in ("input", "middle", "output"):
            placed, own = self.placed[place], self.blocks[{"middle": self.steps.first}.get(place, place)]
            feet = self._feet()
            for number, text in enumerate(feet):
                by_plane = len(feet) == across and across > 1
                x = own[number].middle[0] if by_plane or len(feet) == 1 else own[0].center((0, number))[0]
                if measure(text, MIN_TEXT, "mono") < placed.cells.width * (
                    placed.cells.cols if by_plane else 1
                ):
                    yield self.label(text, (x, placed.block.bottom - 0.17), MIN_TEXT)
