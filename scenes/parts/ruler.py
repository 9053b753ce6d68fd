"""A ruler along one axis: its cells counted, and the windows that cover them as bars in lanes.

Offsets count outwards from the rail, in scene units; positions along it count in cells.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from manim import VGroup

from torchreel.scenes.parts.desk import Desk
from torchreel.scenes.parts.look import MIN_NUMBER, MIN_TEXT
from torchreel.scenes.parts.number import Number
from torchreel.scenes.parts.shapes import Disc, Shape, box_points
from torchreel.scenes.parts.sheet import Interval
from torchreel.scenes.parts.text import Align, Text, measure
from torchreel.scenes.trace.formula import Index, Token

MOST_LANES = 3
_TICK, _BETWEEN = (0.17, 0.1), 0.07
_FIRST_LANE = (0.34, 0.2)
_THICK, _AIR = 0.34, 0.08
_PART, _HEAD_GAP = 0.2, 0.12
_LABEL = (0.16, 0.1)
_SPACING = (0.36, 0.26)
_DOT = 0.07
_INSET = 0.035
_LABEL_HIGH = 0.31


def lanes(windows: Sequence[Interval]) -> list[int]:
    """For every window the first lane in which it touches none of those before it."""
    ends: list[int] = []
    found = []
    for start, end in windows:
        lane = next((k for k, last in enumerate(ends) if last <= start), len(ends))
        ends[lane : lane + 1] = [end]
        found.append(lane)
    return found


def depth(windows: Sequence[Interval], size: int, vertical: bool) -> float:
    """How far a ruler with its head reaches out of a grid of `size` cells."""
    count = min(MOST_LANES, max(lanes(windows), default=0) + 1)
    label = 0.66 if vertical else 0.38
    thick = _thick(windows, vertical)
    return _first_lane(size, vertical) + count * (thick + _BETWEEN) + _HEAD_GAP + _PART + label


def _thick(windows: Sequence[Interval], vertical: bool) -> float:
    """How thick bars are: beside a grid as wide as their longest label."""
    if not vertical:
        return _THICK
    return max((measure(_said(*one), MIN_NUMBER, "mono") for one in windows), default=0.0) + 2 * _AIR


def _said(start: int, end: int) -> str:
    return f"[{start}, {end})"


def _first_lane(size: int, vertical: bool) -> float:
    """Where lanes begin: beyond the counted cells, whose numbers stand beside a vertical ruler."""
    return _FIRST_LANE[vertical] + (measure(str(size), MIN_TEXT, "mono") if vertical else 0.0)


@dataclass(frozen=True)
class Rail:
    """A line along which `count` cells of length `step` are counted, from `start`: to the right, or downwards."""

    start: tuple[float, float]
    step: float
    count: int
    vertical: bool = False


class Ruler:
    """The ruler along `rail`: above what it counts, or left of it where that is vertical.

    `windows` are intervals of cells. `letter` names the axis, as torch names its size: the tensors `start_<letter>`
    and, if there is one, `end_<letter>` hold the windows' ends. `lead` is the channel's index, of which as much is used
    as these tensors have axes in front of their own.
    """

    def __init__(self, desk: Desk, rail: Rail, letter: str, lead: Index, windows: Sequence[Interval]) -> None:
        self.desk, self.rail, self.letter = desk, rail, letter
        planes = len(desk.trace.shape(f"start_{letter}")) - 1
        self.lead = lead[len(lead) - planes :]
        self.windows, self.lanes = windows, lanes(windows)
        self.vertical, self.shown, self.step = rail.vertical, rail.count, rail.step
        self.first, self.thick = _first_lane(self.shown, self.vertical), _thick(windows, rail.vertical)

    def visible(self) -> list[int]:
        """The windows of which something is drawn."""
        return [k for k, (start, end) in enumerate(self.windows) if start < self.shown and end > start]

    def box(self, start: float, end: float, near: float, far: float) -> np.ndarray:
        """The outline of the cells from `start` to `end`, from `near` to `far` outwards; cut at what is drawn."""
        low, high = (self.at(min(p, self.shown), near) for p in (start, end))
        middle, out = (low + high) / 2, (far - near) / 2
        length = abs(high - low).max()
        if self.vertical:
            return box_points(far - near, length, (middle[0] - out, middle[1]), 0.05)
        return box_points(length, far - near, (middle[0], middle[1] + out), 0.05)

    def at(self, position: float, out: float) -> np.ndarray:
        """A point at a position along the rail, so far outside it."""
        left, top = self.rail.start
        if self.vertical:
            return np.array([left - out, top - position * self.step, 0.0])
        return np.array([left + position * self.step, top + out, 0.0])

    def ticks(self) -> VGroup:
        """The edges of the cells, counted."""
        apart = max(1, int(np.ceil(_SPACING[self.vertical] / self.step)))
        texts = [
            self.desk.label(str(k), self.at(k, _TICK[self.vertical]), MIN_TEXT, align=self._align)
            for k in range(0, self.shown + 1, apart)
        ]
        return VGroup(*texts)

    @property
    def overhang(self) -> float:
        """How far the last of the counts may reach beyond what is counted."""
        return 0.0 if self.vertical else measure(str(self.shown), MIN_TEXT, "mono") / 2 + _AIR

    @property
    def _align(self) -> Align:
        """Numbers stand over a ruler, or end at a vertical one."""
        return "right" if self.vertical else "center"

    def lane(self, number: int) -> tuple[float, float]:
        """Where a window's lane begins and ends; those beyond the last one share it."""
        near = self.first + min(self.lanes[number], MOST_LANES - 1) * (self.thick + _BETWEEN)
        return near, near + self.thick

    def bar(self, number: int) -> Shape:
        """A window's bar in its lane, calm."""
        return self.calm(self.lane_box(number, *self.windows[number]))

    def calm(self, points: np.ndarray) -> Shape:
        """A bar that is not the active one."""
        theme = self.desk.look.theme
        return Shape(points, fill=theme.background, stroke=theme.wire, stroke_width=3)

    def lane_box(self, number: int, start: float, end: float) -> np.ndarray:
        """The outline of a bar."""
        near, far = self.lane(number)
        inset = min(_INSET / self.step, (end - start) / 4)
        return self.box(start + inset, end - inset, near, far)

    def interval(self, number: int) -> VGroup:
        """`[start, end)` as a label inside a window's bar; nothing where it has no room."""
        start, end = self.windows[number]
        width = measure(_said(start, end), MIN_NUMBER, "mono")
        near, far = self.lane(number)
        room = (far - near, (end - start) * self.step)[:: 1 if self.vertical else -1]
        if width > room[0] - _AIR or room[1] < _LABEL_HIGH or end > self.shown or self._is_covered(number):
            return VGroup()
        middle = self.at((start + end) / 2, (near + far) / 2)
        x, label = middle[0] - width / 2, VGroup()
        for piece in (
            Token("["),
            self._end("start", number, start),
            Token(", "),
            self._end("end", number, end),
            Token(")"),
        ):
            label.add(self._drawn(piece).place((x, middle[1]), "left"))
            x += measure(piece.text, MIN_NUMBER, "mono")
        return label

    def _is_covered(self, number: int) -> bool:
        """Whether its lane is the last one and holds windows that overlap with this one."""
        start, end = self.windows[number]
        lane = self.lanes[number]
        return lane >= MOST_LANES - 1 and any(
            k != number and other >= MOST_LANES - 1 and a < end and b > start
            for k, (other, (a, b)) in enumerate(zip(self.lanes, self.windows, strict=True))
        )

    def _end(self, name: str, number: int, value: int) -> Token:
        tensor = f"{name}_{self.letter}"
        known = tensor in self.desk.trace.tensors
        return Token(str(value), tensor, (*self.lead, number), value) if known else Token(str(value))

    def _drawn(self, piece: Token) -> Text:
        color = self.desk.look.theme.text
        if piece.tensor is None or piece.value is None:
            return Text(piece.text, MIN_NUMBER, color, "mono")
        return self.desk.number(
            piece.tensor, piece.index, MIN_NUMBER, color, font="mono", text=piece.text, value=piece.value
        )

    @property
    def head(self) -> float:
        """Where the part beyond the lanes begins."""
        count = min(MOST_LANES, max(self.lanes, default=0) + 1)
        return self.first + count * (self.thick + _BETWEEN) + _HEAD_GAP

    def part(self, start: float, end: float) -> np.ndarray:
        """The outline of a part of the length, beyond the lanes."""
        inset = min(_INSET / self.step, (end - start) / 4)
        return self.box(start + inset, end - inset, self.head, self.head + _PART)

    def parts(self, tensor: str, cuts: Sequence[float]) -> VGroup:
        """The length cut into parts, and the values of the cuts, elements of `tensor`, where they have room."""
        theme = self.desk.look.theme
        shown = [cut for cut in cuts if cut <= self.shown + 1e-9]
        bars = [
            Shape(self.part(a, b), fill=theme.tint(theme.wire, 0.35), stroke=theme.wire, stroke_width=1.6)
            for a, b in pairwise(shown)
        ]
        return VGroup(*bars, *self._values(tensor, (), shown, self.head + _PART))

    def dots(self, tensor: str, places: Sequence[float], shift: float = 0.0) -> VGroup:
        """Points at some places, elements of `tensor`, with their values; `shift` moves them so many cells back.

        (A moved point stands at no value of its own, so that it says none.)
        """
        shown = [place for place in places if place - shift <= self.shown]
        out = self.head + _PART / 2
        discs = [Disc(_DOT, self.at(p - shift, out), fill=self.desk.look.theme.text) for p in shown]
        values = [] if shift else self._values(tensor, self.lead, shown, self.head + _PART)
        return VGroup(*discs, *values)

    def _values(self, tensor: str, lead: Index, values: Iterable[float], out: float) -> list[Number]:
        values = list(values)
        texts = [self.desk.text(tensor, value) for value in values]
        widest = max((measure(text, MIN_NUMBER, "mono") for text in texts), default=0.0)
        apart = (values[1] - values[0]) * self.step if len(values) > 1 else 1.0
        if apart < (0.26 if self.vertical else widest + 0.08):
            return []
        muted, found = self.desk.look.theme.muted, []
        for number, value in enumerate(values):
            label = self.desk.number(tensor, (*lead, number), MIN_NUMBER, muted, font="mono", value=value)
            label.place(self.at(value, out + _LABEL[self.vertical]), self._align)
            found.append(label)
        return found
