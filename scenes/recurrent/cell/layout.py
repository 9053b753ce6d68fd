"""Where the parts of a recurrent cell stand: computed once from the sizes of the tensors and of their texts.

Scene units. Inputs are at the top left, over the weight columns they multiply; every gate's chunk of rows, its sums,
its activation and its vector share one height, so that values flow straight to the right, where the states leave.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from torchreel.scenes.parts.desk import Desk
from torchreel.scenes.parts.gates import Slots, sample
from torchreel.scenes.parts.look import MIN_TEXT
from torchreel.scenes.parts.text import measure
from torchreel.scenes.recurrent.cell.trace import CellLaw
from torchreel.scenes.stage.bars import EDGE, MARGIN, STAGE_BOTTOM

LABEL_Y = 3.02
TOP = 2.92
WEIGHT_LABEL_Y = 1.6
WEIGHT_TOP, WEIGHT_BOTTOM = 1.5, STAGE_BOTTOM + 0.1
INPUT_ROW = 0.27
STATE_HEIGHT = 1.08
_LEFT = -6.28
_RIGHT = EDGE - MARGIN
_CHUNK_GAP = 0.11
_BLOCK_GAP = 0.22
_LARGEST_CELL, _TEXT = 0.75, 0.21
_LARGEST_VECTOR = 0.72
NAME_SIZE = 0.19
_AIR = 0.16
# By the number of gates: the room of the weights, the highest row, and how many units are shown.
_WEIGHTS_ROOM = {1: 8.6, 3: 4.75}
_ROW = {1: 0.5, 3: 0.27}
_MOST_UNITS = {1: 7}


@dataclass(frozen=True)
class WeightColumns:
    """Columns of the weights panel: which tensor, which positions are shown, where the first column begins."""

    tensor: str
    slots: Slots
    left: float
    width: float

    @property
    def middle(self) -> float:
        """The x of its middle."""
        return self.left + self.width * len(self.slots) / 2


@dataclass(frozen=True)
class CellLayout:
    """The measures of one clip.

    `cell` is the width and text size of weights, `vector` the width of all vectors, `names` the room of the gates'
    names, `label` that of a state's name and shape.
    """

    units: Slots
    times: Slots
    gates: int
    cell: tuple[float, float]
    vector: float
    blocks: tuple[WeightColumns, ...]
    names: float
    label: float

    @property
    def row(self) -> float:
        """The height of one weight row."""
        room = WEIGHT_TOP - WEIGHT_BOTTOM - (self.gates - 1) * _CHUNK_GAP
        return min(_ROW.get(self.gates, 0.3), room / (self.gates * max(1, len(self.units))))

    @property
    def state_row(self) -> float:
        """The height of one element of a state on the memory line."""
        return min(INPUT_ROW, STATE_HEIGHT / max(1, len(self.units)))

    @property
    def chunk_height(self) -> float:
        return self.row * len(self.units)

    def gate_y(self, number: int) -> float:
        """The middle of a gate's chunk of rows."""
        pitch = (WEIGHT_TOP - WEIGHT_BOTTOM + _CHUNK_GAP) / self.gates
        return WEIGHT_TOP - number * pitch - (pitch - _CHUNK_GAP) / 2

    @property
    def memory_y(self) -> float:
        """The height of the memory line."""
        return TOP - self.state_row * len(self.units) / 2

    @property
    def weights_right(self) -> float:
        last = self.blocks[-1]
        return last.left + last.width * len(last.slots)

    @property
    def pre_x(self) -> float:
        """The middle of the column of sums; the label of the state above it must clear the label of h."""
        half = self.vector / 2
        h_label = self.block("weight_hh").middle + self.label / 2
        return max(self.weights_right + 0.32 + half, h_label + 0.12 + self.label - half)

    @property
    def pill_x(self) -> float:
        return self.pre_x + self.vector / 2 + 0.42

    @property
    def gate_x(self) -> float:
        """The middle of the gates' vectors."""
        return self.pill_x + 0.42 + self.vector / 2

    @property
    def right(self) -> float:
        """The right edge of the states that leave."""
        return _RIGHT

    @property
    def panel_right(self) -> float:
        """The right edge of the cell's panel, left of the outgoing states and their labels."""
        return _RIGHT - max(self.vector, self.label) - 0.1

    def x(self, share: float) -> float:
        """A place for the wiring: 0 is right of the gates' names, 1 is where a vector still fits the panel."""
        left = self.gate_x + self.vector / 2 + self.names + 0.22
        right = self.panel_right - self.vector / 2 - 0.2
        return left + share * (right - left)

    def block(self, tensor: str) -> WeightColumns:
        return next(block for block in self.blocks if block.tensor == tensor)


def arrange(desk: Desk, law: CellLaw, steps: int, names: Iterable[str]) -> CellLayout:
    """The layout for one call, with the gates' names.

    What would not fit is sampled, and numbers that would be too small to read are left out.
    """
    trace = desk.trace
    features, hidden = (trace.shape(name)[1] for name in ("weight_ih", "weight_hh"))
    bias = [name for name in ("bias_ih", "bias_hh") if name in trace.tensors]
    weights = desk.texts("weight_ih", "weight_hh", "input", *bias)
    texts = weights + desk.texts(*(name for name in trace.tensors if name[-1:].isdigit()))
    gates = len(law.gates)
    most, room = _MOST_UNITS.get(gates, 4), _columns_room(gates, len(bias))
    count = min(features, most) + min(hidden, most) + len(bias)
    width, size = _cell(weights, max(0.55, min(_LARGEST_CELL, room / count)))
    slots = int(room / width + 1e-6) - len(bias)
    columns = _columns(features, hidden, slots, most)
    return CellLayout(
        units=sample(hidden, most),
        times=sample(steps, 3),
        gates=gates,
        cell=(width, size),
        vector=_vector_width(texts),
        blocks=_blocks(desk, bias, columns, width),
        label=measure(desk.shape(f"h_{steps}"), MIN_TEXT, "mono"),
        names=max(measure(name, NAME_SIZE, "bold") for name in names),
    )


def _columns_room(gates: int, biases: int) -> float:
    return _WEIGHTS_ROOM.get(gates, 5.6) - (1 + biases / 2) * _BLOCK_GAP


def _cell(texts: list[str], room: float) -> tuple[float, float]:
    """Width and text size of cells for these texts, at most `room` wide; the size is 0 where they would not fit."""
    size = text_size(texts, room)
    if not size:
        return min(room, 0.6), 0.0
    return max(0.5, min(room, _longest(texts) * size + _AIR)), size


def text_size(texts: list[str], width: float) -> float:
    """The text size at which all texts fit cells of this width, 0 if that is too small to read."""
    size = min(_TEXT, (width - 0.07) / _longest(texts))
    return 0.0 if size < MIN_TEXT - 1e-9 else max(size, MIN_TEXT)


def _vector_width(texts: list[str]) -> float:
    return max(0.5, min(_LARGEST_VECTOR, _longest(texts) * _TEXT + _AIR))


def _longest(texts: list[str]) -> float:
    return max((measure(text, 1.0, "sans") for text in texts), default=1.0)


def _columns(features: int, hidden: int, slots: int, most: int) -> tuple[Slots, Slots]:
    """How the columns that fit are shared between the two weights."""
    most = max(3, min(hidden, most, slots - min(features, 3)))
    first = max(3, slots - min(hidden, most))
    return sample(features, min(first, 6)), sample(hidden, most)


def _blocks(
    desk: Desk, bias: list[str], columns: tuple[Slots, Slots], width: float
) -> tuple[WeightColumns, ...]:
    blocks = []
    left = _LEFT
    for kind, slots in zip(("ih", "hh"), columns, strict=True):
        name = f"weight_{kind}"
        label = measure(desk.shape(name), MIN_TEXT, "mono")
        spare = max(0.0, label - len(slots) * width)
        blocks.append(WeightColumns(name, slots, left + spare / 2, width))
        left += len(slots) * width + spare
        if f"bias_{kind}" in bias:
            blocks.append(WeightColumns(f"bias_{kind}", (0,), left + _BLOCK_GAP / 2, width))
            left += _BLOCK_GAP / 2 + width
        left += _BLOCK_GAP
    return tuple(blocks)
