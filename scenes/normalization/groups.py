"""The board of GroupNorm's example `groups`: the channels of one sample, regrouped for one num_groups after another."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.normalization.plan import plane_index, plane_size
from torchreel.scenes.parts.grid import Cells, Grid
from torchreel.scenes.parts.look import MIN_TEXT, Look, Stroke
from torchreel.scenes.parts.motion import Fly, Morph
from torchreel.scenes.parts.shapes import Box, Shape, box_points
from torchreel.scenes.parts.text import Text, measure
from torchreel.scenes.stage.bars import EDGE, MARGIN, STAGE_BOTTOM, STAGE_TOP
from torchreel.scenes.stage.board import Board
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

_HEAD, _FOOT = 1.12, 0.32
_STATISTICS, _GAP, _ROW_GAP = 1.42, 0.34, 0.14
_MOST_ROWS, _LEAST_ROW, _SMALLEST_CELL = 8, 0.42, 0.1


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
        notes: Callable[[int], str],
    ) -> None:
        super().__init__(look, trace)
        self.settings = settings
        shape = trace.shape("input")
        self.spatial, self.channels = shape[2:], shape[1]
        self.rows = min(self.channels, _MOST_ROWS)
        note = notes(self.rows)
        self.foot = _FOOT if note else 0.12
        self.scale = max(trace.range(f"num_groups={setting}").scale for setting in settings)
        self.cells = self._fit()
        self.height = max(self.cells.rows * self.cells.height, _LEAST_ROW)
        self.top = self._top()
        self.x = self._columns()
        self.grids = [self._column(k) for k in range(len(settings) + 1)]
        self.labels = VGroup(*self._labels(headings))
        if note:
            self.labels.add(self.note(note))
        self.frames: list[list[Shape]] = [[Shape(self._span(0, 0, self.rows - 1), stroke=look.theme.wire)]]
        self.cursor = self.frame(self.around(0), Stroke.CURSOR)

    def around(self, column: int) -> np.ndarray:
        """The path of the cursor round the first element in a column."""
        return self.grids[column][0].outline((0, 0), (0, 0))

    def split(self, column: int) -> tuple[list[Shape], list[Animation]]:
        """The frames of a setting's groups, coming out of those of the column before, and their way."""
        previous = self.frames[-1]
        frames, moves = [], []
        for group in range(self._shown(column)):
            first, last = self._members(column, group)
            before = next(frame for frame in previous if _holds(frame, self._y(first)))
            frame = Shape(before.points.copy(), stroke=self.look.theme.channel(group), stroke_width=3.6)
            frames.append(frame)
            moves.append(Morph(frame, self._span(column, first, last)))
        self.frames.append(frames)
        return frames, moves

    def statistics(self, column: int) -> list[Animation]:
        """Mean and variance of every group of a setting, flying out of the group."""
        flights: list[Animation] = []
        for group in range(self._shown(column)):
            first, last = self._members(column, group)
            middle = (self._y(first) + self._y(last)) / 2
            flights.append(Fly(self._statistic(column, group), start=(self.x[column], middle)))
        return flights

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
        columns = len(self.settings) + 1
        rows, cols = plane_size(self.spatial)
        width = (2 * (EDGE - MARGIN) - 0.5 - (columns - 1) * (_STATISTICS + _GAP)) / columns
        height = (STAGE_TOP - STAGE_BOTTOM - _HEAD - self.foot) / self.rows - _ROW_GAP
        texts = self.texts("input", *(f"num_groups={setting}" for setting in self.settings))
        fitted = Cells.fit(rows, cols, width, height, texts, 1.0)
        if fitted.text_size or fitted.width >= _SMALLEST_CELL:
            return fitted
        return Cells(_SMALLEST_CELL, _SMALLEST_CELL, 0.0, fitted.rows, fitted.cols)

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
                scale=self.scale if column else None,
            )
            for channel in range(self.rows)
        ]  # fmt: skip

    def _span(self, column: int, first: int, last: int) -> np.ndarray:
        """The path round the rows of some channels."""
        height = self._y(first) - self._y(last) + self.height + 0.08
        middle = (self._y(first) + self._y(last)) / 2
        return box_points(self.cells.cols * self.cells.width + 0.08, height, (self.x[column], middle), 0.06)

    def _statistic(self, column: int, group: int) -> VGroup:
        first, last = self._members(column, group)
        theme, color = self.look.theme, self.look.theme.channel(group)
        left = self.x[column] + self.cells.cols * self.cells.width / 2 + 0.12
        middle = (self._y(first) + self._y(last)) / 2
        height = self._y(first) - self._y(last) + self.height + 0.08
        width = _STATISTICS - 0.12
        fill = theme.tint(color, 0.2)
        box = Box(width, height, (left + width / 2, middle), 0.07, fill=fill, stroke=color, stroke_width=1.6)
        lines = VGroup(box)
        apart = min(0.2, height / 4 + 0.005)
        room, size = width - 0.3 - measure("mean", MIN_TEXT), min(0.25, 0.45 * self.height)
        for name, y in (("mean", middle + apart), ("var", middle - apart)):
            lines.add(self.label(name, (left + 0.09, y), MIN_TEXT, theme.ink(fill), "sans", align="left"))
            tensor, right = f"{self.name(column)}.{name}", (left + width - 0.09, y)
            number = self.number(tensor, (0, group), size, theme.ink(fill), width=room)
            lines.add(number.place(right, align="right"))
        return lines

    def _labels(self, headings: list[Heading]) -> list[Text]:
        theme = self.look.theme
        labels = []
        for column, heading in enumerate(headings):
            x = self.x[column] + (_STATISTICS / 2 if column else 0)
            y = STAGE_TOP - 0.27
            lines = ((heading.title, 0.24, theme.text, "mono"), (heading.sizes, 0.2, theme.muted, "sans"),
                     (heading.twin, 0.2, theme.good, "bold"))  # fmt: skip
            for number, (text, size, color, font) in enumerate(lines):
                if text:
                    labels.append(self.label(text, (x, y - 0.31 * number), size, color, font))  # type: ignore[arg-type]
        left = self.x[0] - self.cells.cols * self.cells.width / 2 - 0.12
        for channel in range(self.rows):
            labels.append(self.label(f"c={channel}", (left, self._y(channel)), MIN_TEXT, align="right"))
        return labels


def _holds(frame: Shape, y: float) -> bool:
    """Whether a height lies within a frame."""
    return bool(frame.points[:, 1].min() <= y <= frame.points[:, 1].max())


def numbers_a_group(shape: Index, groups: int) -> int:
    """How many elements of one sample share statistics."""
    return math.prod(shape[1:]) // groups
