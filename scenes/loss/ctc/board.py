"""The table of CTC drawn as a lattice: places down, time across, and the steps between cells as lines.

Above it stand the class probabilities of each time step, in the same columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.loss.ctc.trace import Lattice
from torchreel.scenes.parts.grid import Cells, Grid
from torchreel.scenes.parts.look import MIN_TEXT, Look
from torchreel.scenes.parts.motion import Appear, Paint
from torchreel.scenes.parts.shapes import Box, Path, Shape, box_points
from torchreel.scenes.parts.text import Text
from torchreel.scenes.stage.board import Board
from torchreel.scenes.trace.proof import Trace

Node = tuple[int, int]
"""Time and place."""
Edge = tuple[Node, Node]

_LEFT, _RIGHT, _TOP, _BOTTOM = -5.95, 3.05, 2.8, -2.62
_MOST_TIMES, _MOST_PLACES, _MOST_CLASSES = 8, 9, 5
_BETWEEN = 0.3
_CLASS = 0.24
_BLANK = "–"


class CTCBoard(Board):
    """One sample's lattice, with the log probabilities of the classes above it."""

    def __init__(self, look: Look, trace: Trace, lattice: Lattice, sample: int = 0) -> None:
        super().__init__(look, trace)
        self.lattice, self.sample = lattice, sample
        length = int(lattice.input_lengths[sample])
        self.times = min(max(length, 1), _MOST_TIMES)
        self.places = min(int(lattice.places[sample]), _MOST_PLACES)
        self.classes = min(lattice.log_probs.shape[-1], _MOST_CLASSES)
        self.is_cropped = (
            length > self.times
            or int(lattice.places[sample]) > self.places
            or lattice.log_probs.shape[-1] > self.classes
        )
        self.column = min(1.9, (_RIGHT - _LEFT) / self.times)
        self.row = min(0.6, (_TOP - _BOTTOM - _BETWEEN) / (self.classes + self.places))
        self.probabilities = self._grid()
        self.boxes = {node: self._box(node) for node in self.nodes()}

    def nodes(self) -> Iterator[Node]:
        """Every drawn cell, one time step after the other."""
        return ((time, place) for time in range(self.times) for place in range(self.places))

    @property
    def scenery(self) -> VGroup:
        """Probabilities, empty cells, and the names of classes and places."""
        return VGroup(self.probabilities, *self.boxes.values(), *self._names())

    def value(self, node: Node) -> float:
        """alpha at a cell."""
        return self.trace.value("alpha", (self.sample, *node))

    def reached(self, node: Node) -> bool:
        """Whether anything leads to a cell."""
        return self.trace.value("paths", (self.sample, *node)) > 0

    def center(self, node: Node) -> np.ndarray:
        """The middle of a cell."""
        time, place = node
        top = _TOP - self.row * self.classes - _BETWEEN
        return np.array([_LEFT + self.column * (time + 0.5), top - self.row * (place + 0.5), 0.0])

    def sources(self, node: Node) -> list[Node]:
        """The cells of the step before that lead to a cell: stay, next, and skip where it is allowed."""
        time, place = node
        if time == 0:
            return []
        back = [0, 1, *([2] if place > 1 and bool(self.lattice.skips()[self.sample, place]) else [])]
        return [(time - 1, place - step) for step in back if place >= step]

    def live(self, node: Node) -> list[Edge]:
        """The steps into a cell that carry something."""
        return [(source, node) for source in self.sources(node) if self.reached(source)]

    def lines(self, edges: Sequence[Edge], color: str, width: float) -> list[Path]:
        """Steps as lines from edge to edge of their cells."""
        side = np.array([self._width() / 2, 0, 0])
        found = []
        for start, end in edges:
            ends = [self.center(start) + side, self.center(end) - side]
            found.append(Path(ends, color, width))
        return found

    def write(self, node: Node) -> list[Animation]:
        """A cell takes its value, and the colour of how likely it is."""
        if not self.reached(node):
            return []
        number = self.number("alpha", (self.sample, *node), self.text_size)
        number.place(self.center(node))
        color = self.color(node[1])
        fill = self.look.theme.tint(color, 0.22)
        return [Paint(self.boxes[node], fill=fill, stroke=color), Appear(number)]

    @property
    def text_size(self) -> float:
        """The type of the numbers in cells."""
        return min(0.24, max(MIN_TEXT, self.row * 0.42))

    def color(self, place: int) -> str:
        """The identifying colour of a place's class; blanks are grey."""
        label = int(self.lattice.labels[self.sample, place])
        return self.look.theme.wire if label == self.lattice.blank else self.look.theme.channel(label)

    def ring(self, node: Node) -> Shape:
        """The accent frame round a cell."""
        path = box_points(self._width() + 0.06, self.row * 0.8 + 0.06, self.center(node), 0.08)
        return self.frame(path, z_index=0)

    def emission(self, node: Node) -> Shape:
        """The frame round the probability that a cell emits at its time; none if that class is not drawn."""
        label = int(self.lattice.labels[self.sample, node[1]])
        cell = (min(label, self.classes - 1), node[0])
        return self.frame(self.probabilities.outline(cell, cell, 0.01), 4, z_index=0)

    def on_target(self) -> list[Edge]:
        """Every step of every path that spells the target, found by going back from where it may end."""
        last = self.times - 1
        wanted = {
            (last, place)
            for place in (self.places - 1, self.places - 2)
            if place >= 0 and self.reached((last, place))
        }
        found: list[Edge] = []
        for time in range(last, 0, -1):
            steps = [edge for node in sorted(wanted) if node[0] == time for edge in self.live(node)]
            found += steps
            wanted |= {start for start, _ in steps}
        return found

    def _width(self) -> float:
        return min(self.column * 0.62, 1.25)

    def _box(self, node: Node) -> Box:
        theme = self.look.theme
        return Box(self._width(), self.row * 0.8, self.center(node), 0.07, fill=theme.background, stroke=theme.line,
                   stroke_width=1.6)  # fmt: skip

    def _grid(self) -> Grid:
        cells = Cells.fit(1, 1, self.column, self.row, self.texts("log_probs"), largest=self.column)
        cells = Cells(
            self.column,
            self.row,
            max(min(cells.text_size or MIN_TEXT, 0.24), MIN_TEXT),
            self.classes,
            self.times,
        )
        middle = (_LEFT + self.column * self.times / 2, _TOP - self.row * self.classes / 2)
        batch = (self.sample,) if self.lattice.batched else ()
        return self.grid("log_probs", (), cells, middle, index=lambda cell: (cell[1], *batch, cell[0]))

    def _names(self) -> Iterator[Text]:
        """Of the classes, the places, both tensors and the time steps."""
        for label in range(self.classes):
            yield self._class_name(label, self.probabilities.center((label, 0))[1])
        for place in range(self.places):
            label = int(self.lattice.labels[self.sample, place])
            yield self._class_name(label, self.center((0, place))[1])
        beside = _LEFT - 0.05
        heads = (("log_probs", _TOP), ("alpha", self.center((0, 0))[1] + self.row / 2))
        for name, y in heads:
            yield self.label(name, (beside, y + 0.16), MIN_TEXT, align="right")
        for time in range(self.times):
            x = self.probabilities.center((0, time))[0]
            yield self.label(f"t = {time}", (x, _TOP + 0.2), MIN_TEXT)

    def _class_name(self, label: int, y: float) -> Text:
        is_blank = label == self.lattice.blank
        text, color = (_BLANK, None) if is_blank else (str(label), self.look.theme.channel(label))
        return self.label(text, (_LEFT - 0.2, y), _CLASS, color, "bold", align="right")
