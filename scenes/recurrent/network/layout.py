"""Where an unrolled network stands: time runs to the right, values rise from the input through layers to the output.

Scene units. Every pass (a direction of a layer) is a row of cells; its initial state stands where the pass begins, its
last state where it ends, so that a backward pass runs from right to left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torchreel.scenes.parts.desk import Desk
from torchreel.scenes.parts.gates import Slots, sample
from torchreel.scenes.parts.look import MIN_NUMBER, MIN_TEXT
from torchreel.scenes.parts.text import measure

TOP, BOTTOM = 3.18, -2.16
LEFT, RIGHT = -6.72, 6.72
_LABEL = 0.23
_GAP = 0.28
_PAD = 0.1
_ROW, _SMALLEST_ROW = 0.42, 0.25
_TEXT = 0.28
_MOST_TIMES, _MOST_PASSES = 4, 4
_STATE_GAP = 0.75
# As wide as the name of a state over it.
_LEAST_VECTOR = 0.72


@dataclass(frozen=True)
class NetworkRoom:
    """One row of cells: the middle of its vectors, the edges of its boxes."""

    middle: float
    bottom: float
    top: float


@dataclass(frozen=True)
class NetworkLayout:
    """The measures of one clip.

    `times` and `rows` are the steps and passes that are shown, `names` the vectors of a cell, from left to right. A
    vector's elements are `vector` wide and `row` high; `text` is 0 where numbers would not be readable.
    """

    times: Slots
    rows: Slots
    names: tuple[str, ...]
    states: tuple[str, ...]
    most: int
    vector: float
    row: float
    text: float
    box: float
    pitch: float
    input_y: float
    output_y: float
    rooms: tuple[NetworkRoom, ...]

    def units(self, size: int) -> Slots:
        """The elements of a vector that are shown."""
        return sample(size, self.most)

    def column(self, slot: int) -> float:
        """The middle of a time step's cells."""
        return (slot - (len(self.times) - 1) / 2) * self.pitch

    def vector_x(self, slot: int, name: str) -> float:
        """The middle of a vector in a cell."""
        return self.column(slot) + (self.names.index(name) - (len(self.names) - 1) / 2) * self.vector

    def side_x(self, right: bool, state: str) -> float:
        """The middle of a state that enters or leaves at one end of a row."""
        width = len(self.states) * self.vector
        start = RIGHT - width if right else LEFT
        return start + (self.order.index(state) + 0.5) * self.vector

    @property
    def order(self) -> tuple[str, ...]:
        """The states as they stand side by side, h last as in a cell."""
        return self.states[::-1]

    def side_edge(self, right: bool) -> float:
        """The inner edge of the states at one end."""
        width = len(self.states) * self.vector
        return RIGHT - width if right else LEFT + width


def arrange(desk: Desk, states: Sequence[str], said: Mapping[str, str], steps: int) -> NetworkLayout:
    """The layout for one call, with what its passes are called: fewer elements or steps where they would not fit."""
    suffixes, names = list(said), tuple(reversed(states))
    times, rows = sample(steps, _MOST_TIMES), sample(len(suffixes), _MOST_PASSES)
    texts = _texts(desk, states, suffixes)
    vector, text = _vector(texts)
    pitch = (RIGHT - LEFT - 2 * (len(states) * vector + _STATE_GAP)) / len(times)
    label = max(measure(name, MIN_TEXT, "sans") for name in said.values()) + 0.2
    box = max(label, len(names) * vector + 0.3)
    shape = desk.trace.shape
    sizes = [shape("input")[-1], shape("output")[-1]]
    inner = max(shape(f"{name}{suffixes[0]}")[-1] for name in names)
    fixed = len(rows) * (_LABEL * (1 + (len(names) > 1)) + 2 * _PAD) + (len(rows) + 1) * _GAP
    for most in (9, 7, 6, 5, 4, 3):
        shown = sum(len(sample(size, most)) for size in sizes) + len(rows) * len(sample(inner, most))
        row = min(_ROW, (TOP - BOTTOM - fixed) / shown)
        if row >= _SMALLEST_ROW:
            break
    text = min(text, max(MIN_NUMBER, 0.8 * row)) if row > MIN_NUMBER else 0.0
    inside = len(sample(inner, most)) * row
    heights = [len(sample(size, most)) * row for size in sizes]
    spare = TOP - BOTTOM - fixed - sum(heights) - len(rows) * inside
    gap = _GAP + min(0.4, spare / (len(rows) + 1))
    rooms, y = [], BOTTOM + heights[0] + gap
    head = _LABEL * (1 + (len(names) > 1)) + _PAD
    for _ in rows:
        rooms.append(NetworkRoom(y + _PAD + inside / 2, y, y + _PAD + inside + head))
        y = rooms[-1].top + gap
    return NetworkLayout(
        times, rows, names, tuple(states), most, vector, row, text, box, pitch,
        BOTTOM + heights[0] / 2, y + heights[1] / 2, tuple(rooms),
    )  # fmt: skip


def _texts(desk: Desk, states: Sequence[str], suffixes: Sequence[str]) -> list[str]:
    """Whatever is written in vectors."""
    tensors = [f"{state}{suffix}" for state in states for suffix in suffixes]
    tensors += ["input", *(f"{state}_0" for state in states)]
    return desk.texts(*dict.fromkeys(tensors))


def _vector(texts: Sequence[str]) -> tuple[float, float]:
    """The width of vectors and the size of their numbers, 0 if these would be too wide to read."""
    ems = max((measure(text, 1.0, "sans") for text in texts), default=1.0)
    size = max(MIN_NUMBER, min(_TEXT, 0.68 / ems))
    width = ems * size + 0.16
    width = max(width, _LEAST_VECTOR)
    return (width, size) if width <= 0.9 else (_LEAST_VECTOR, 0.0)
