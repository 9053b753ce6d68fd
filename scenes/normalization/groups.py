"""The board of GroupNorm's example `groups`: the channels of one sample, regrouped for one num_groups after another."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.normalization.planes import plane_index, plane_size
from torchreel.scenes.parts.grid import Cells, Grid
from torchreel.scenes.parts.look import MIN_NUMBER, MIN_TEXT, Look, Stroke
from torchreel.scenes.parts.mathtext import MathText
from torchreel.scenes.parts.motion import Appear, Drop, Paint, Vanish
from torchreel.scenes.parts.number import Number
from torchreel.scenes.parts.shapes import Box, Shape, box_points
from torchreel.scenes.parts.text import Text
from torchreel.scenes.stage.bars import EDGE, MARGIN, STAGE_BOTTOM, STAGE_TOP
from torchreel.scenes.stage.board import Board
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

_HEAD, _FOOT = 1.12, 0.32
_STATISTICS, _GAP, _ROW_GAP = 1.42, 0.34, 0.14
_MOST_ROWS, _LEAST_ROW = 6, 0.58
_LEAST_APART = 0.15


@dataclass(frozen=True)
class Heading:
    """What stands above a column: the setting, how many numbers a group has, which other layer it equals."""

    title: str
    sizes: str
    twin: str = ""


class GroupsBoard(Board):
    """One row a channel; one column for the input, then one for each setting with its groups framed.

    `settings` are the shown values of num_groups; only sample 0 is drawn, and of many channels the first.
    """

    def __init__(
        self,
        look: Look,
        trace: Trace,
        settings: list[int],
        headings: list[Heading],
        notes: Callable[[Index], str],
    ) -> None:
        super().__init__(look, trace)
        self.settings = settings
        shape = trace.shape("input")
        self.spatial, self.channels = shape[2:], shape[1]
        self.rows = min(self.channels, _MOST_ROWS)
        self.foot = _FOOT
        self.scale = max(trace.range(f"num_groups={setting}").scale for setting in settings)
        self.cells = self._fit()
        self.height = max(self.cells.rows * self.cells.height, _LEAST_ROW)
        self.top = self._top()
        self.x = self._columns()
        self.grids = [self._column(k) for k in range(len(settings) + 1)]
        self.labels = VGroup(*self._labels(headings))
        if note := notes((1, self.rows, *self._shown_places())):
            self.labels.add(self.note(note))
        self.cursors: list[Shape] = []

    def around(self, column: int) -> np.ndarray:
        """The path round the first element of a column."""
        return self.grids[column][0].outline((0, 0), (0, 0), 0.02)

    def around_group(self, column: int, group: int, statistic: str = "") -> np.ndarray:
        """The path round the shown cells of a group in the input, or round one of its statistics in a column."""
        first, last = self._members(column, group)
        if not statistic:
            return self._span(0, first, last)
        left, (y, apart) = self._beside(column), self._lines(column, group)
        side = apart if statistic == "mean" else -apart
        return box_points(
            _STATISTICS - 0.18, min(0.32, 2 * apart - 0.02), (left + _STATISTICS / 2 - 0.06, y + side), 0.06
        )

    def mark(self, *paths: np.ndarray) -> list[Animation]:
        """Frames go out where they are and in round other things."""
        gone, self.cursors = self.cursors, [self.frame(path, Stroke.SOURCE, 3) for path in paths]
        return [*([Vanish(*gone)] if gone else []), *([Appear(*self.cursors)] if self.cursors else [])]

    def split(self, column: int) -> list[Animation]:
        """The cells of a setting take the tints of their groups, in the input and where the results will be."""
        moves: list[Animation] = []
        theme = self.look.theme
        for group in range(self._shown(column)):
            first, last = self._members(column, group)
            ground = theme.tint(theme.channel(group), 0.24)
            for channel in range(first, last + 1):
                cells = [*self.grids[0][channel].boxes.values(), *self.grids[column][channel].boxes.values()]
                moves += [Paint(cell, fill=ground) for cell in cells]
                numbers = self.grids[0][channel].numbers.values()
                moves += [Paint(number, fill=theme.ink(ground)) for number in numbers]
            path = self._span(column, first, last)
            moves.append(Appear(Shape(path, stroke=theme.channel(group), stroke_width=3.0)))
        return moves

    def statistics(self, column: int, group: int) -> list[Animation]:
        """Mean and variance of a group of a setting, born beside it."""
        return [Drop(self._statistic(column, group, name)) for name in ("mean", "var")]

    def cards(self, column: int) -> list[Animation]:
        """Empty cards beside the groups of a setting."""
        return [Appear(self._card(column, group)) for group in range(self._shown(column))]

    def groups(self, column: int) -> range:
        """The shown groups of a setting."""
        return range(self._shown(column))

    def write(self, column: int) -> list[Animation]:
        """All results of a setting."""
        return [
            animation
            for grid in self.grids[column]
            for cell in grid.positions()
            for animation in grid.write(cell)
        ]

    def name(self, column: int) -> str:
        """The tensor of a column."""
        return f"num_groups={self.settings[column - 1]}" if column else "input"

    def _per_group(self, column: int) -> int:
        return self.channels // self.settings[column - 1]

    def _shown(self, column: int) -> int:
        """How many groups of a setting have a channel that is drawn."""
        return -(-self.rows // self._per_group(column))

    def _members(self, column: int, group: int) -> tuple[int, int]:
        """First and last drawn channel of a group."""
        per_group = self._per_group(column)
        return group * per_group, min((group + 1) * per_group, self.rows) - 1

    def _fit(self) -> Cells:
        """The cells of a channel, as many as can be read."""
        columns = len(self.settings) + 1
        width = (2 * (EDGE - MARGIN) - 0.5 - (columns - 1) * (_STATISTICS + _GAP)) / columns
        height = (STAGE_TOP - STAGE_BOTTOM - _HEAD - self.foot) / self.rows - _ROW_GAP
        texts = self.texts("input", *(f"num_groups={setting}" for setting in self.settings))
        rows, cols = plane_size(self.spatial)
        while True:
            cells = Cells.fit(rows, cols, width, height, texts, 1.0)
            if cells.text_size or rows == cols == 1:
                return replace(cells, rows=rows, cols=cols)
            if (rows > 1 and cells.height * 2.0 < cells.width) or cols == 1 or rows > height / 0.4:
                rows -= 1
            else:
                cols -= 1

    def _shown_places(self) -> Index:
        """As much of the last axes as is drawn."""
        if len(self.spatial) < 2:
            return (self.cells.cols,) * len(self.spatial)
        return (*self.spatial[:-2], min(self.spatial[-2], self.cells.rows), self.cells.cols)

    def _top(self) -> float:
        used = self.rows * (self.height + _ROW_GAP) - _ROW_GAP
        middle = (STAGE_TOP - _HEAD + STAGE_BOTTOM + self.foot) / 2
        return middle + used / 2

    def _y(self, channel: int) -> float:
        """The middle of a channel's row."""
        return self.top - self.height / 2 - channel * (self.height + _ROW_GAP)

    def _columns(self) -> list[float]:
        width = self.cells.cols * self.cells.width
        count = len(self.settings)
        used = (count + 1) * width + count * _STATISTICS
        gap = min((2 * (EDGE - MARGIN) - 0.5 - used) / max(count, 1), 0.9)
        left = -(used + gap * count - 0.5) / 2
        first = left + width / 2
        return [first, *(first + width + gap + k * (width + _STATISTICS + gap) for k in range(count))]

    def _column(self, column: int) -> list[Grid]:
        return [
            self.grid(
                self.name(column), (), self.cells, (self.x[column], self._y(channel)),
                index=plane_index((0, channel), self.spatial), blank=column > 0,
                scale=self.scale if column else None, plain=column == 0,
            )
            for channel in range(self.rows)
        ]  # fmt: skip

    def _span(self, column: int, first: int, last: int) -> np.ndarray:
        """The path round the rows of some channels."""
        height = self._y(first) - self._y(last) + self.height + 0.08
        middle = (self._y(first) + self._y(last)) / 2
        return box_points(self.cells.cols * self.cells.width + 0.08, height, (self.x[column], middle), 0.06)

    def _beside(self, column: int) -> float:
        """Where the cards of a setting begin."""
        return self.x[column] + self.cells.cols * self.cells.width / 2 + 0.12

    def _lines(self, column: int, group: int) -> tuple[float, float]:
        """The middle of a group's card, and how far its two lines are from it."""
        first, last = self._members(column, group)
        return (self._y(first) + self._y(last)) / 2, max(_LEAST_APART, min(0.2, self.height / 4 + 0.005))

    def _card(self, column: int, group: int) -> VGroup:
        """A card with the symbols of a group's statistics."""
        first, last = self._members(column, group)
        theme, color = self.look.theme, self.look.theme.channel(group)
        left, (middle, apart) = self._beside(column), self._lines(column, group)
        height, width = self._y(first) - self._y(last) + self.height + 0.08, _STATISTICS - 0.12
        fill = theme.tint(color, 0.2)
        box = Box(width, height, (left + width / 2, middle), 0.07, fill=fill, stroke=color, stroke_width=1.6)
        card = VGroup(box)
        for symbol, y in (("μ", middle + apart), ("σ²", middle - apart)):
            card.add(MathText(symbol, 0.25, theme.ink(fill)).place((left + 0.12, y + 0.025), align="left"))
        return card

    def _statistic(self, column: int, group: int, name: str) -> Number:
        theme, (middle, apart) = self.look.theme, self._lines(column, group)
        ink = theme.ink(theme.tint(theme.channel(group), 0.2))
        side = apart if name == "mean" else -apart
        number = self.number(f"{self.name(column)}.{name}", (0, group), MIN_NUMBER, ink)
        number.place((self._beside(column) + _STATISTICS - 0.24, middle + side), align="right")
        return number

    def _labels(self, headings: list[Heading]) -> list[Text]:
        theme = self.look.theme
        labels = []
        for column, heading in enumerate(headings):
            x = self.x[column] + (_STATISTICS / 2 if column else 0)
            y = STAGE_TOP - 0.27
            lines = ((heading.title, 0.24, theme.text, "mono"), (heading.sizes, MIN_TEXT, theme.muted, "sans"),
                     (heading.twin, MIN_TEXT, theme.good, "bold"))  # fmt: skip
            for number, (text, size, color, font) in enumerate(lines):
                if text:
                    labels.append(self.label(text, (x, y - 0.31 * number), size, color, font))  # type: ignore[arg-type]
        left = self.x[0] - self.cells.cols * self.cells.width / 2 - 0.12
        for channel in range(self.rows):
            labels.append(self.label(f"c={channel}", (left, self._y(channel)), MIN_TEXT, align="right"))
        return labels


def numbers_a_group(shape: Index, groups: int) -> int:
    """How many elements of one sample share statistics."""
    return math.prod(shape[1:]) // groups
