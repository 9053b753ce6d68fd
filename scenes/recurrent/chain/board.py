"""The board of a cell in time: the first call open, with its weights, gates and wires; the later calls closed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.parts.gates import Cursors, Wire, paced
from torchreel.scenes.parts.look import MIN_NUMBER, Look
from torchreel.scenes.recurrent.chain.layout import ChainLayout, arrange
from torchreel.scenes.recurrent.chain.routes import routes
from torchreel.scenes.recurrent.chain.scenery import Scenery
from torchreel.scenes.recurrent.chain.steps_trace import NetworkSteps, Steps
from torchreel.scenes.recurrent.chain.vectors import Tinted, across, column
from torchreel.scenes.recurrent.chain.wiring import Wiring
from torchreel.scenes.stage.board import Board
from torchreel.scenes.trace.proof import Trace

Words = Callable[[str], str]


class ChainBoard(Board):
    """Everything on the stage for one trace, and the animations that move it on. A slot is a place for a step."""

    def __init__(
        self,
        look: Look,
        trace: Trace,
        steps: Steps,
        hues: Mapping[str, str],
        wiring: Callable[[ChainLayout, Mapping[str, str]], Wiring],
        words: Words,
    ) -> None:
        super().__init__(look, trace)
        self.steps, self.hues, self.words = steps, hues, words
        self.law = steps.law
        self.gates = [gate.name for gate in self.law.gates]
        self.said = {name: words(f"gate_{name}") for name in self.gates if name not in self.law.states}
        self.layout = lay = arrange(self, steps, self.said.values())
        self.wiring = wiring(lay, hues)
        self.cursors = Cursors(look)
        self.weights = {
            (kind, number): self._chunk(kind, number) for kind in ("ih", "hh") for number in range(lay.gates)
        }
        self.biases = {
            (kind, number): self._bias(kind, number)
            for place, kind in enumerate(("ih", "hh"))
            if lay.biases[place]
            for number in range(lay.gates)
        }
        self.inputs = {slot: self._input(slot) for slot in self.slots}
        self.before = {state: self._before(state) for state in self.law.states}
        self.after = {
            slot: {state: self._after(state, slot) for state in self.law.states} for slot in self.slots
        }
        self.vectors = dict(self._vectors())
        self.outputs = {slot: self._output(slot) for slot in self.slots} if self.has_output else {}
        self.wires = {name: Wire(look, route) for name, route in routes(self).items()}
        self.lit: tuple[str, ...] = ()

    @property
    def has_output(self) -> bool:
        """Whether the call returns its states at every step as one tensor."""
        return isinstance(self.steps, NetworkSteps)

    @property
    def slots(self) -> list[int]:
        """The places of the steps that are shown."""
        return [slot for slot, time in enumerate(self.layout.sizes.times) if time is not None]

    def time(self, slot: int) -> int:
        """The step at a place."""
        found = self.layout.sizes.times[slot]
        assert found is not None
        return found

    def state_y(self, state: str) -> float:
        """The height at which a state leaves a call."""
        return self.wiring.spots[state][1]

    def entry_y(self, state: str) -> float:
        """The height at which a state enters the open call."""
        heights = self.layout.heights
        return heights.bus if self.layout.gates != 3 and state == "h" else heights.memory

    def base(self) -> VGroup:
        """What stands from the beginning: boxes, calm wires, weights, inputs, the first states, empty vectors."""
        scenery = Scenery(self)
        group = VGroup(*scenery.boxes(), *self.wires.values(), *scenery.signs())
        group.add(*self.weights.values(), *self.biases.values(), *self.inputs.values(), *self.before.values())
        group.add(*self.vectors.values(), *self.outputs.values())
        for states in self.after.values():
            group.add(*states.values())
        group.add(*scenery.labels())
        return group

    def path(self, *names: str) -> list[Animation]:
        """These wires light up, those lit before calm down; what brings h in lights up with its branch."""
        names = ("enter", *names) if "h in" in names else names
        rest = [move for name in self.lit if name not in names for move in self.wires[name].rest()]
        self.lit = tuple(name for name in names if name in self.wires)
        return [*rest, *(move for name in self.lit for move in self.wires[name].light())]

    def frames(self, *outlines: np.ndarray) -> list[Animation]:
        """Frames round these places and no others."""
        return self.cursors.on(*outlines)

    def sources(self, number: int, row: int | None = None) -> list[np.ndarray]:
        """The outlines of a gate's rows (or one of them), of what they multiply, x and h, and of what is added."""
        found = []
        for grids in (self.weights, self.biases):
            for grid in (grids[kind, number] for kind in ("ih", "hh") if (kind, number) in grids):
                last = (grid.cells.rows - 1, grid.cells.cols - 1)
                first = (0, 0) if row is None else (row, 0)
                found.append(grid.outline(first, last if row is None else (row, last[1]), 0.0, 0.05))
        return [*found, self.inputs[0].around(), self.before["h"].around()]

    def cell(self, name: str) -> np.ndarray:
        """The outline of the first element of a vector of the open call."""
        return self.vectors[name].around((0, 0), 0.02)

    def write(self, name: str, *rows: int) -> list[Animation]:
        """Elements of a vector are born, all that are missing if none are named."""
        grid = self.vectors.get(name)
        if grid is None:
            return []
        if rows:
            return [move for row in rows for move in grid.write((row, 0))]
        return paced(grid.write_all(), 0, 0.5)

    def write_after(self, slot: int) -> list[Animation]:
        """The states that a call leaves, and what it puts out."""
        found = [move for grid in self.after[slot].values() for move in grid.write_all()]
        return [*found, *self.write_output(slot)]

    def write_output(self, slot: int) -> list[Animation]:
        """What a step puts out."""
        return self.outputs[slot].write_all() if self.outputs else []

    def left_out(self) -> Iterator[str]:
        """What a reader has to be told of."""
        lay = self.layout
        if self.steps.batch > 1:
            yield "sample"
        shown = (lay.units, lay.states, lay.sizes.times, lay.sizes.hidden, *map(lay.features, self.slots))
        if any(None in slots for slots in shown):
            yield "left_out"
        if not lay.sizes.text:
            yield "shades"

    def _size(self, width: float, height: float) -> tuple[float, float, float]:
        """A cell whose number is low enough for a frame round the cell above."""
        text = min(self.layout.sizes.text, max(MIN_NUMBER, 0.84 * height))
        return width, height, text

    def _scale(self, name: str) -> float:
        if name in self.said:
            return 1.0
        names = [self.steps.vector(name, self.time(slot))[0] for slot in self.slots]
        names += [f"{name}_0"] if name in self.law.states else []
        return max(self.trace.range(one).scale for one in names)

    def _chunk(self, kind: str, number: int) -> Tinted:
        lay, tensor = self.layout, self.steps.weight(kind)
        slots = lay.sizes.features if kind == "ih" else lay.sizes.hidden
        at = (sum(lay.block(kind)) / 2, lay.gate_y(number))
        first = number * self.steps.hidden
        return Tinted(
            self.look, self.trace, tensor, lay.units, slots, lambda unit, place: (first + unit, place),
            self._size(lay.sizes.cell, lay.row), at, hue=self.hues.get(self.gates[number]),
        )  # fmt: skip

    def _bias(self, kind: str, number: int) -> Tinted:
        lay, tensor = self.layout, self.steps.bias(kind)
        assert tensor is not None
        at, size = (lay.bias_x(kind), lay.gate_y(number)), self._size(lay.sizes.cell, lay.row)
        first, hue = number * self.steps.hidden, self.hues.get(self.gates[number])
        return column(self, (tensor, ()), lay.units, size, at, first=first, hue=hue)

    def _input(self, slot: int) -> Tinted:
        lay = self.layout
        at = (lay.input_x(slot), lay.heights.inputs)
        size = self._size(lay.sizes.cell, min(lay.row, 0.36))
        return across(self, self.steps.x(self.time(slot)), lay.features(slot), size, at)

    def _state(self, vector: tuple[str, tuple[int, ...]], x: float, y: float, **style: object) -> Tinted:
        lay = self.layout
        return column(self, vector, lay.states, self._size(lay.sizes.vector, lay.state_row), (x, y), **style)

    def _before(self, state: str) -> Tinted:
        x = self.layout.start + self.layout.sizes.vector / 2
        return self._state(self.steps.before(state, 0), x, self.entry_y(state), scale=self._scale(state))

    def _after(self, state: str, slot: int) -> Tinted:
        vector = self.steps.after(state, self.time(slot))
        at = (self.layout.state_x(slot), self.wiring.spots[state][1])
        return self._state(vector, *at, blank=True, scale=self._scale(state))

    def _output(self, slot: int) -> Tinted:
        assert isinstance(self.steps, NetworkSteps)
        vector = self.steps.output(self.time(slot))
        at = (self.layout.state_x(slot), self.layout.heights.output)
        return self._state(vector, *at, blank=True, scale=self._scale("h"))

    def _vectors(self) -> Iterator[tuple[str, Tinted]]:
        lay = self.layout
        for number, gate in enumerate(self.law.gates):
            y, hue = lay.gate_y(number), self.hues.get(gate.name)
            size = self._size(lay.sizes.gate, lay.row)
            if gate.reset:
                narrow = self._size(lay.sizes.total, lay.row)
                first = number * self.steps.hidden
                for name, wide in (("ih", narrow), ("hh", size)):
                    at = self.wiring.spots[name]
                    yield (
                        name,
                        column(
                            self,
                            self.steps.vector(name, 0),
                            lay.units,
                            wide,
                            at,
                            blank=True,
                            first=first,
                            hue=hue,
                        ),
                    )
            elif lay.sizes.total:
                narrow = self._size(lay.sizes.total, lay.row)
                vector = self.steps.vector(f"pre_{gate.name}", 0)
                yield (
                    f"pre_{gate.name}",
                    column(self, vector, lay.units, narrow, (lay.sum_x, y), blank=True, hue=hue),
                )
            if gate.name not in self.law.states:
                at = self.wiring.spots.get(gate.name, (lay.gate_x, y))
                vector = self.steps.vector(gate.name, 0)
                wide = self._size(lay.sizes.vector, lay.row) if gate.reset else size
                yield gate.name, column(self, vector, lay.units, wide, at, blank=True, hue=hue, scale=1.0)
        yield from self.after[0].items()
