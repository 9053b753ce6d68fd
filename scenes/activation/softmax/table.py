"""One slice of a softmax as a table: an element a row, from logits to exponentials with their bars to shares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from manim import Animation, Mobject, VGroup, VMobject

from torchreel.scenes.activation.curve.table import Columns
from torchreel.scenes.parts.gates import Sampled, sample
from torchreel.scenes.parts.look import Look
from torchreel.scenes.parts.motion import Morph
from torchreel.scenes.parts.shapes import Shape, box_points, polyline
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

MOST_ROWS = 6
_WIDTH, _HEIGHT, _TALL, _MIDDLE = 1.14, 0.72, 3.4, 0.12
_AFTER, _BAR_GAP = 0.42, 0.1
_FOOT = 0.52
_FEET = {"sum": "exp", "total": "output", "logsumexp": "output"}
_BELOW = 1.06


@dataclass(frozen=True)
class SliceColumns:
    """Where the columns of a table stand: `names` in order, `barred` those with bars, between `left` and `right`."""

    names: tuple[str, ...]
    barred: tuple[str, ...]
    left: float
    right: float

    @property
    def bar(self) -> float:
        """The length of a bar for 1."""
        cells = len(self.names) * _WIDTH + (len(self.names) - 1) * _AFTER
        room = self.right - self.left - cells - len(self.barred) * _BAR_GAP
        return max(0.4, room / max(1, len(self.barred)))

    def x(self, name: str) -> float:
        """The middle of a column's cells."""
        before = self.names[: self.names.index(name)]
        bars = sum(self.bar + _BAR_GAP for other in before if other in self.barred)
        return self.left + len(before) * (_WIDTH + _AFTER) + bars + _WIDTH / 2


class SliceTable(Columns):
    """The slice along `dim` through the element `owner`; blank where values are still to come, unless `whole`.

    `headings` name the columns. Of a long slice, the first elements and the last are shown.
    """

    def __init__(
        self,
        look: Look,
        trace: Trace,
        dim: int,
        owner: Index,
        layout: SliceColumns,
        headings: Sequence[str],
        whole: bool,
    ) -> None:
        super().__init__(look, trace)
        self.dim, self.owner, self.layout = dim, owner, layout
        shape = trace.shape("input")
        self.size = shape[dim] if shape else 1
        self.slots = sample(self.size, MOST_ROWS)
        self.height = min(_HEIGHT, _TALL / len(self.slots))
        self.top = _MIDDLE + (self.height * len(self.slots) + _BELOW) / 2
        self.columns = {name: self._column(name, whole) for name in layout.names}
        self.over = {"max": layout.names[layout.names.index("shifted") - 1], **_FEET}
        self.bars = {name: self._bars(name, whole) for name in layout.barred}
        self.feet = {
            name: self._foot(name, whole)
            for name, column in self.over.items()
            if name in trace.tensors and column in layout.names
        }
        heads = [column.caption(text) for column, text in zip(self.columns.values(), headings, strict=True)]
        self.stands = {name: self._standing(name) for name in self.feet}
        self.scenery = VGroup(*self.columns.values(), *heads)
        if whole:
            self.scenery.add(*self._later())

    def index(self, row: int) -> Index:
        """The tensor index of a row's element."""
        return self._element(self.slots[row] or 0)

    def largest(self) -> int:
        """The row with the largest share."""
        return max(self.rows, key=lambda row: self.trace.value("exp", self.index(row)))

    def write(self, name: str) -> list[Animation]:
        """A column's values come in from the column before, and its bars grow."""
        column = self.columns[name]
        before = self.columns[self.layout.names[self.layout.names.index(name) - 1]]
        moves = [move for row in self.rows for move in column.write((row, 0), before.center((row, 0)))]
        grow = [
            Morph(bar, self._bar_points(name, row))
            for row, bar in zip(self.rows, self.bars.get(name, []), strict=False)
        ]
        return [*moves, *grow]

    def stand(self, name: str) -> list[Animation]:
        """The slice's own value comes in from the column above it."""
        return self.feet[name].write((0, 0), self.columns[self.over[name]].middle)

    def everything(self) -> list[Mobject]:
        """The table with all that came on stage since, which the scene holds beside it."""
        cells = [*self.columns.values(), *self.feet.values()]
        return [self.scenery, *self._later(), *(number for cell in cells for number in cell.numbers.values())]

    def _later(self) -> list[VMobject]:
        """What comes on stage with a column or a sum."""
        bars = [bar for bars in self.bars.values() for bar in bars]
        return [*bars, *(part for parts in self.stands.values() for part in parts)]

    def frame_all(self, name: str) -> np.ndarray:
        """The outline of a whole column."""
        return self.columns[name].around()

    def foot_frame(self, name: str) -> np.ndarray:
        """The outline of the slice's own value."""
        return self.feet[name].around()

    def _standing(self, name: str) -> list[VMobject]:
        foot, theme = self.feet[name], self.look.theme
        x, y = foot.middle[:2]
        line = polyline([(x - _WIDTH / 2, y + 0.36), (x + _WIDTH / 2, y + 0.36)])
        label = self.label(name, (x, y - 0.47))
        return [Shape(line, stroke=theme.wire, stroke_width=2.0), foot, label]

    def _element(self, slot: int) -> Index:
        return (*self.owner[: self.dim], slot, *self.owner[self.dim + 1 :]) if self.owner else ()

    def _column(self, name: str, whole: bool) -> Sampled:
        middle = self.top - self.height * len(self.slots) / 2
        size = (_WIDTH, self.height, self.text_size(name, _WIDTH))
        at = (self.layout.x(name), middle)
        blank = not whole and name != "input"
        return Sampled(
            self.look,
            self.trace,
            name,
            self.slots,
            (0,),
            lambda slot, _: self._element(slot),
            size,
            at,
            blank=blank,
        )

    def _foot(self, name: str, whole: bool) -> Sampled:
        y = self.top - self.height * len(self.slots) - 0.48
        size = (_WIDTH, _FOOT, self.text_size(name, _WIDTH))
        at = (self.layout.x(self.over[name]), y)
        return Sampled(
            self.look, self.trace, name, (0,), (0,), lambda *_: self.owner, size, at, blank=not whole
        )

    def _bars(self, name: str, whole: bool) -> list[Shape]:
        theme = self.look.theme
        return [
            Shape(
                self._bar_points(name, row) if whole else self._bar_points(name, row, 0.0),
                fill=theme.tint(theme.channel(row), 0.75),
            )
            for row in self.rows
        ]

    def _bar_points(self, name: str, row: int, grown: float = 1.0) -> np.ndarray:
        value = self.trace.value(name, self.index(row))
        share = min(1.0, max(0.0, value)) if value == value else 0.0
        width = max(0.02, share * self.layout.bar * grown)
        left = self.layout.x(name) + _WIDTH / 2 + _BAR_GAP
        y = self.columns[name].center((row, 0))[1]
        return box_points(width, self.height * 0.6, (left + width / 2, y))
