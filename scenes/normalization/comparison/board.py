"""The board of the comparison: one input four times, and which of its elements share statistics in each layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.normalization.arrangement import Arrangement, arrangements
from torchreel.scenes.normalization.board import SetGrid
from torchreel.scenes.normalization.desk import NormDesk
from torchreel.scenes.normalization.sets_trace import Partition
from torchreel.scenes.parts.layout import STAGE, Placed, Room, fill, in_row
from torchreel.scenes.parts.look import MIN_NUMBER, MIN_TEXT, Look, Stroke
from torchreel.scenes.parts.mathtext import MathText
from torchreel.scenes.parts.motion import Appear, Drop, Paint, Vanish
from torchreel.scenes.parts.shapes import Box, Shape, box_points
from torchreel.scenes.parts.text import Text, fit, measure
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

_NAMES = {3: "ncl", 4: "nchw", 5: "ncdhw"}
_MOST = ((8, 4), (8, 3), (8, 2), (4, 2), (2, 2), (1, 1))
_MOST_SETS = 8
_HEAD, _FOOT, _CARD = 0.34, 0.3, 0.76
_TINT = 0.26
_LEAST = 1.75


class ComparisonBoard(NormDesk):
    """A panel a layer: its name, over what it averages, the input in the tints of its sets, the first set's statistics.

    `shares` says of each layer over which axes it averages; `note` is said where a corner is shown.
    """

    def __init__(
        self,
        look: Look,
        trace: Trace,
        partitions: Mapping[str, Partition],
        shares: Mapping[str, str],
        note: Callable[[Index, Index], str],
    ) -> None:
        super().__init__(look, trace)
        self.layers = list(partitions)
        shape = trace.shape("input")
        self.arrangement, self.placed = self._fitted(partitions["InstanceNorm"], _NAMES[len(shape)])
        shown = self.arrangement.shown
        self.sets = {
            layer: replace(self.arrangement, partition=one, shown=shown) for layer, one in partitions.items()
        }
        self.grids = {layer: self._grids(layer) for layer in self.layers}
        self.labels = VGroup()
        for layer in self.layers:
            self.labels.add(*self._headings(layer, shares[layer]), *self._feet(layer))
        self.labels.add(*self._sides())
        if not self.arrangement.is_whole:
            self.labels.add(self.note(note(shown, shape)))
        self.frames: list[Shape] = []

    def first(self, layer: str) -> Index:
        """The set whose statistics are shown."""
        return self.sets[layer].sets[0]

    def light(self, layer: str, owners: Sequence[Index] | None = None) -> list[Animation]:
        """The elements of some sets, by default of all, in their tints, the others grey."""
        theme, moves = self.look.theme, []
        for grid in self.grids[layer]:
            for cell in grid.positions():
                owner = self.sets[layer].owners[grid.index(cell)]
                lit = owners is None or owner in owners
                ground = self._tint(layer, owner) if lit else theme.empty
                moves.append(Paint(grid.boxes[cell], fill=ground))
                if cell in grid.numbers:
                    moves.append(Paint(grid.numbers[cell], fill=theme.ink(ground) if lit else theme.muted))
        return moves

    def card(self, layer: str) -> list[Animation]:
        """The card of the first set with empty lines."""
        theme, owner = self.look.theme, self.first(layer)
        color = theme.channel(0)
        ground, middle = theme.tint(color, _TINT), self._card_middle(layer)
        box = Box(self._width(layer), _CARD, middle, 0.07, fill=ground, stroke=color, stroke_width=1.6)
        card = VGroup(box)
        name = self.sets[layer].owner_name(owner)
        left = middle[0] - self._width(layer) / 2 + 0.12
        size = fit(name, self._width(layer) * 0.45, MIN_TEXT, MIN_TEXT, "mono")
        lines = name.split(" ")
        for number, line in enumerate(lines):
            y = middle[1] + 0.15 * (len(lines) - 1) - 0.3 * number
            card.add(self.label(line, (left, y), size, theme.ink(ground), align="left"))
        for symbol, y in (("μ", 0.17), ("σ²", -0.17)):
            at = (middle[0] - 0.02, middle[1] + y)
            card.add(MathText(symbol, 0.26, theme.ink(ground)).place(at, align="left"))
        return [Appear(card)]

    def statistics(self, layer: str) -> list[Animation]:
        """The first set's mean and variance."""
        theme, middle = self.look.theme, self._card_middle(layer)
        ink = theme.ink(theme.tint(theme.channel(0), _TINT))
        right = middle[0] + self._width(layer) / 2 - 0.1
        numbers = []
        for name, y in (("mean", 0.17), ("var", -0.17)):
            tensor, owner = f"{layer}.{name}", self.first(layer)
            text = self.shorter(tensor, self.trace.value(tensor, owner))
            number = self.number(tensor, owner, MIN_NUMBER, ink, text=text)
            numbers.append(number.place((right, middle[1] + y), align="right"))
        return [Drop(*numbers)]

    def around_mean(self, layer: str) -> np.ndarray:
        """The path round the mean of the first set."""
        x, y = self._card_middle(layer)
        left, right = x - 0.08, x + self._width(layer) / 2 - 0.03
        return box_points(right - left, 0.32, ((left + right) / 2, y + 0.18), 0.05)

    def around_set(self, layer: str, owner: Index) -> list[np.ndarray]:
        """Paths round the shown elements of a set, plane by plane."""
        paths = []
        for grid in self.grids[layer]:
            own = [cell for cell in grid.positions() if self.sets[layer].owners[grid.index(cell)] == owner]
            if own:
                paths.append(grid.outline(min(own), max(own), 0.02))
        return paths

    def mark(self, *paths: np.ndarray) -> list[Animation]:
        """Frames go out where they are and in round other things."""
        gone, self.frames = self.frames, [self.frame(path, Stroke.SOURCE, 3) for path in paths]
        return [*([Vanish(*gone)] if gone else []), *([Appear(*self.frames)] if self.frames else [])]

    def _fitted(self, partition: Partition, names: str) -> tuple[Arrangement, dict[str, Placed]]:
        """As much of the input as fits four times with numbers."""
        for most in _MOST:
            arrangement = arrangements(partition, names, most, _MOST_SETS)
            placed = self._placed(arrangement)
            cells = placed[self.layers[0]].cells
            if cells.text_size and (cells.rows, cells.cols) == arrangement.size:
                break
        return arrangement, placed

    def _placed(self, arrangement: Arrangement) -> dict[str, Placed]:
        rows, cols = arrangement.size
        down, across = arrangement.planes
        room = Room(rows, cols, self.texts("input"), down=down, across=across, between=0.1, name="name",
                    below=_FOOT + _CARD + 0.06)  # fmt: skip
        sides = [arrangement.side(number) for number in range(down)]
        rooms = dict.fromkeys(self.layers, room)
        rooms[self.layers[0]] = replace(room, sides=sides if any(sides) else arrangement.rows())
        return fill(STAGE.inset(top=_HEAD), in_row(rooms, gap=(0.3, 1.2)), same=[tuple(self.layers)])

    def _tint(self, layer: str, owner: Index) -> str:
        theme = self.look.theme
        return theme.tint(theme.channel(self.sets[layer].sets.index(owner)), _TINT)

    def _grids(self, layer: str) -> list[SetGrid]:
        placed, across = self.placed[layer], self.arrangement.planes[1]
        empty = self.look.theme.empty
        return [
            SetGrid(
                self.look, self.trace, "input", (), placed.cells, middle,
                index=self.arrangement.index(divmod(number, across)), tint=lambda index: empty,
                write=partial(self.shorter, "input"),
            )
            for number, middle in enumerate(placed.at)
        ]  # fmt: skip

    def _headings(self, layer: str, share: str) -> list[Text]:
        x, y = self.placed[layer].head
        return [
            self.label(layer, (x, y + _HEAD), 0.28, self.look.theme.text, "bold", vertical="baseline"),
            self.label(share, (x, y + 0.02), MIN_TEXT + 0.01, font="sans", vertical="baseline"),
        ]

    def _feet(self, layer: str) -> list[Text]:
        block, texts = self.placed[layer].block, []
        for number in range(self.arrangement.planes[1]):
            text = self.arrangement.foot(number)
            grid = self.grids[layer][number]
            if text and measure(text, MIN_TEXT, "mono") < grid.cells.cols * grid.cells.width:
                texts.append(self.label(text, (grid.middle[0], block.bottom - 0.17), MIN_TEXT))
        return texts

    def _sides(self) -> list[Text]:
        layer, arrangement = self.layers[0], self.arrangement
        left, (down, across) = self.placed[layer].block.left - 0.1, arrangement.planes
        grids = self.grids[layer]
        sides = [arrangement.side(number) for number in range(down)]
        if any(sides):
            heights = [grids[number * across].middle[1] for number in range(down)]
        else:
            sides = arrangement.rows()
            heights = [grids[0].center((row, 0))[1] for row in range(len(sides))]
        return [
            self.label(text, (left, y), MIN_TEXT, align="right")
            for text, y in zip(sides, heights, strict=True)
        ]

    def _width(self, layer: str) -> float:
        return max(_LEAST, self.placed[layer].block.width)

    def _card_middle(self, layer: str) -> tuple[float, float]:
        block = self.placed[layer].block
        return block.middle[0], block.bottom - _FOOT - 0.06 - _CARD / 2
