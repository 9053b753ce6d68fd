"""Where an open cell and the calls after it stand: computed once from the sizes of the tensors and of their texts.

Scene units. The first call is open: the rows of its weights, gate below gate, then sums, gates and wires. The calls
that follow are closed boxes, the states between them stand on the wires. Time runs to the right.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import product

from torchreel.scenes.parts.desk import Desk
from torchreel.scenes.parts.gates import Slots
from torchreel.scenes.parts.look import MIN_NUMBER, MIN_TEXT
from torchreel.scenes.parts.text import measure
from torchreel.scenes.recurrent.chain.steps_trace import NetworkSteps, Steps, few
from torchreel.scenes.recurrent.chain.vectors import shown_range
from torchreel.scenes.stage.bars import STAGE_BOTTOM, STAGE_TOP

LEFT, RIGHT = -6.9, 6.9
_MARGIN, _LEAST_WIDTHS = 0.16, (0.42,)
# A cell of one unit has few numbers, which may stand far apart.
_LEAST_ALONE = (1.6, 1.25, 0.9, 0.42)
_TEXTS = ((0.4, 0.36, 0.32, 0.29, 0.26), (0.25, 0.24, MIN_NUMBER))
# Whether sums and names are shown, from the best to the poorest.
_EXTRAS = ((True, True), (True, False), (False, True), (False, False))
_LETTERS, _PLAIN, _BLOCK_GAP, _SUM_GAP, _PILL = 0.56, 0.25, 0.22, 0.32, 0.84
_WITHOUT_SUMS = 0.2
_BEFORE_STATE, _AFTER_STATE = 0.2, 0.3
_CLOSED = 0.7
_GATE_GAP = 0.14
_LEAST_ROW, _STATE_ROW, _MOST_STATES = 0.25, 0.32, 4
_BESIDE_INPUT, _UNDER_OUTPUT = 0.45, 0.1
MOST_ROWS, _HEAD, _OVER = 7, 0.66, 0.3
_LARGEST_ROW = {1: 0.66, 3: 0.44, 4: 0.38}
# Room right of the gates' names for wires and nodes, by the number of gates, beside one more vector for three.
_WIRES = {1: 0.0, 3: 1.65, 4: 1.9}


@dataclass(frozen=True)
class Sizes:
    """What is shown and how large: `text` is 0 where no number would be readable."""

    text: float
    times: Slots
    features: Slots
    hidden: Slots
    cell: float
    gate: float
    vector: float
    total: float
    names: float


@dataclass(frozen=True)
class Heights:
    """The lines of the picture: `memory` runs over the gates, `bus` brings h in below them."""

    output: float
    memory: float
    top: float
    gates: tuple[float, float]
    bus: float
    bottom: float
    inputs: float


@dataclass(frozen=True)
class ChainLayout:
    """The measures of one clip."""

    sizes: Sizes
    heights: Heights
    units: Slots
    states: Slots
    gates: int
    biases: tuple[bool, bool]
    state_row: float
    rises: bool
    start: float = field(default=LEFT)

    @property
    def row(self) -> float:
        """The height of a weight row."""
        top, bottom = self.heights.gates
        room = top - bottom - (self.gates - 1) * _GATE_GAP
        return min(_LARGEST_ROW[self.gates], room / (self.gates * max(1, len(self.units))))

    @property
    def chunk(self) -> float:
        """The height of a gate."""
        return self.row * len(self.units)

    def gate_y(self, number: int) -> float:
        """The middle of a gate's rows."""
        top, bottom = self.heights.gates
        pitch = (top - bottom + _GATE_GAP) / self.gates
        return top - number * pitch - (pitch - _GATE_GAP) / 2

    @property
    def box_left(self) -> float:
        """The left edge of the open cell."""
        return self.start + self.sizes.vector + 0.3

    def block(self, kind: str) -> tuple[float, float]:
        """The edges of a weight's columns (`ih`, `hh`)."""
        left = self.box_left + (_LETTERS if self.gates > 1 else _PLAIN)
        size = self.sizes
        if kind == "ih":
            return left, left + size.cell * len(size.features)
        left += size.cell * (len(size.features) + self.biases[0]) + _BLOCK_GAP * (1 + self.biases[0] / 2)
        return left, left + size.cell * len(size.hidden)

    def bias_x(self, kind: str) -> float:
        """The middle of the column of a bias."""
        return self.block(kind)[1] + _BLOCK_GAP / 2 + self.sizes.cell / 2

    @property
    def weights_right(self) -> float:
        """The right edge of all weights."""
        return self.block("hh")[1] + (self.sizes.cell + _BLOCK_GAP / 2) * self.biases[1]

    @property
    def sum_x(self) -> float:
        """The middle of the sums."""
        return self.weights_right + _SUM_GAP + self.sizes.total / 2

    @property
    def pill_x(self) -> float:
        """The middle of the activations."""
        right = self.sum_x + self.sizes.total / 2 if self.sizes.total else self.weights_right
        return right + (_PILL if self.sizes.total else _PILL + _WITHOUT_SUMS) / 2

    @property
    def gate_x(self) -> float:
        """The middle of the gates."""
        wide = _PILL if self.sizes.total else _PILL + _WITHOUT_SUMS
        return self.pill_x + wide / 2 + self.sizes.gate / 2

    @property
    def wires_left(self) -> float:
        """Where there is room for upright wires: right of the gates' names."""
        return self.gate_x + self.sizes.gate / 2 + (self.sizes.names + 0.16 if self.sizes.names else 0.26)

    @property
    def box_right(self) -> float:
        """The right edge of the open cell."""
        if self.gates == 1:
            return self.pill_x + _PILL / 2
        return self.wires_left + _WIRES[self.gates] + self.sizes.vector * (self.gates == 3)

    def state_x(self, slot: int) -> float:
        """The middle of the states after a call."""
        pitch = _BEFORE_STATE + self.sizes.vector + _AFTER_STATE + _CLOSED
        return self.box_right + _BEFORE_STATE + self.sizes.vector / 2 + slot * pitch

    def closed(self, slot: int) -> tuple[float, float]:
        """The edges of a later call."""
        right = self.state_x(slot) - self.sizes.vector / 2 - _BEFORE_STATE
        return right - _CLOSED, right

    def riser_x(self, slot: int) -> float:
        """Where the state after a call rises to the output."""
        return self.state_x(slot) + self.sizes.vector / 2 + 0.15

    def input_x(self, slot: int) -> float:
        """The middle of what a call reads."""
        left, right = self.block("ih") if slot == 0 else self.closed(slot)
        return (left + right) / 2

    def features(self, slot: int) -> Slots:
        """The elements of an input that are shown: those of a later call where they fit between its neighbours."""
        shown = self.sizes.features
        pitch = _BEFORE_STATE + self.sizes.vector + _AFTER_STATE + _CLOSED
        fit = int((pitch - _BESIDE_INPUT) / self.sizes.cell)
        return shown if slot == 0 or len(shown) <= fit else few(len(shown), max(2, fit))

    @property
    def right(self) -> float:
        """The right edge of everything."""
        last = len(self.sizes.times) - 1
        return self.riser_x(last) if self.rises else self.state_x(last) + self.sizes.vector / 2


def arrange(desk: Desk, steps: Steps, names: Iterable[str]) -> ChainLayout:
    """The layout for one call: what does not fit is sampled, then the names go, then sums, then numbers."""
    wide = max((measure(name, MIN_TEXT, "bold") for name in names), default=0.0)
    every = list(_sizes(desk, steps, wide))
    tried = (_arranged(steps, every, most) for most in range(_MOST_STATES, 1, -1))
    found = next((one for one in tried if one.sizes.text), None) or _arranged(steps, every, _MOST_STATES)
    return replace(found, start=LEFT + (RIGHT - found.right) / 2)


def _arranged(steps: Steps, every: Iterable[Sizes], most: int) -> ChainLayout:
    """The best of some sizes that fit with so many elements of a state, or the poorest."""
    gates, hidden = len(steps.law.gates), steps.hidden
    biases = (steps.bias("ih") is not None, steps.bias("hh") is not None)
    states, rises = few(hidden, most), isinstance(steps, NetworkSteps)
    row = _STATE_ROW if gates > 1 else 0.5 if len(states) < 3 else 0.36
    heights = _heights(steps, row * len(states))
    top, bottom = heights.gates
    room = top - bottom - (gates - 1) * _GATE_GAP
    units = few(hidden, min(MOST_ROWS, max(2, int(room / (gates * _LEAST_ROW) + 1e-6))))
    for sizes in every:
        found = ChainLayout(sizes, heights, units, states, gates, biases, row, rises)
        if found.right <= RIGHT and sizes.text * 0.9 <= found.row:
            break
    return found


def _sizes(desk: Desk, steps: Steps, names: float) -> Iterator[Sizes]:
    """From the best to the poorest."""
    ems = [
        max((measure(text, 1.0, "sans") for text in set(part)), default=0.0) for part in _texts(desk, steps)
    ]
    features, hidden = (desk.trace.shape(steps.weight(kind))[1] for kind in ("ih", "hh"))
    # A network has less room: its sums are worth more than large numbers, since gates are computed from them.
    texts = (_TEXTS[0] + _TEXTS[1],) if isinstance(steps, NetworkSteps) else _TEXTS
    must = any(gate.reset for gate in steps.law.gates)
    least_widths = _LEAST_ALONE if hidden == len(steps.law.gates) == 1 else _LEAST_WIDTHS
    for most, columns, sizes, (sums, named), place, least in product(
        (4, 3), (7, 5, 4, 3, 2), texts, _EXTRAS, range(max(map(len, texts))), least_widths
    ):
        text = sizes[min(place, len(sizes) - 1)]
        cell, gate, vector, total = (max(least, one * text + _MARGIN) for one in ems)
        yield Sizes(
            text, few(steps.count, most), few(features, columns), few(hidden, columns),
            cell, gate, vector, total if sums or must else 0.0, names + 0.1 if named else 0.0,
        )  # fmt: skip
    times = few(steps.count, 3)
    for columns, side in ((3, 0.42), (2, 0.36)):
        shown = few(features, columns), few(hidden, columns)
        yield Sizes(0.0, times, *shown, side, 0.5, 0.5, 0.5, 0.0)


def _texts(desk: Desk, steps: Steps) -> Iterator[list[str]]:
    """What is written in weights and inputs, in gates, in states, in sums."""
    biases = [name for kind in ("ih", "hh") if (name := steps.bias(kind))]
    yield desk.texts(steps.weight("ih"), steps.weight("hh"), "input", *biases)
    law = steps.law
    inner = [gate.name for gate in law.gates if gate.reset]
    parts = [one for one in ("ih", "hh") if inner]
    yield _first(desk, steps, [gate.name for gate in law.gates if not gate.reset] + parts)
    states = [steps.before(state, time)[0] for state in law.states for time in range(steps.count)]
    states += [steps.after(state, steps.count - 1)[0] for state in law.states]
    yield desk.texts(*dict.fromkeys(states)) + _first(desk, steps, inner)
    yield _first(desk, steps, [f"pre_{gate.name}" for gate in law.gates if not gate.reset] + parts)


def _first(desk: Desk, steps: Steps, names: list[str]) -> list[str]:
    """How the vectors of the first step are written."""
    found = []
    for name in names:
        tensor, lead = steps.vector(name, 0)
        size = desk.trace.shape(tensor)[-1]
        indices = [(*lead, unit) for unit in range(min(size, 64))]
        known = shown_range(desk.trace, tensor, indices)
        found += [desk.look.written(value, known) for value in desk.trace.values(tensor, indices)]
    return found


def _heights(steps: Steps, state: float) -> Heights:
    """The lines from the top: output, memory, gates, the way of h, the input."""
    top, gates = STAGE_TOP - 0.1, len(steps.law.gates)
    output = top - state / 2
    if isinstance(steps, NetworkSteps):
        top -= state + 0.12
    if gates == 1:
        return _plain_heights(steps.hidden, state, top, output)
    over = _UNDER_OUTPUT if names_below(steps) else 0.34
    memory = top - over - max(state, 2 * _STATE_ROW) / 2
    # A state of many elements, with its name below it, needs room at the foot.
    bottom = max(-1.86, STAGE_BOTTOM + 0.12 + state / 2)
    bus = bottom + 0.22
    low = bus + 0.24 if gates == 4 else bottom + 0.5
    return Heights(output, memory, memory + 0.3, (memory - 0.55, low), bus, bottom, bottom - 0.3)


def names_below(steps: Steps) -> bool:
    """Whether the memory's names stand below it: the output above it leaves its gates no other room."""
    return len(steps.law.gates) == 4 and isinstance(steps, NetworkSteps)


def _plain_heights(hidden: int, state: float, top: float, output: float) -> Heights:
    """Those of a cell of one gate, whose rows stand in the middle of the room there is."""
    foot = max(1.4, 0.78 + state / 2)
    room = top - STAGE_BOTTOM - _HEAD - _OVER - foot
    rows = min(room, min(MOST_ROWS, hidden) * _LARGEST_ROW[1])
    middle = STAGE_BOTTOM + foot + room / 2
    high, low = middle + rows / 2, middle - rows / 2
    return Heights(output, middle, high + _HEAD, (high, low), low - 0.45, low - 0.8, low - 1.15)
