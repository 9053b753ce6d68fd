"""The board of a recurrent cell: weights with the lit gate's rows, gates, and the wiring after them, step by step.

What every cell shares is here; a cell's own wiring is a `Wiring`, which a family file writes down.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from manim import Animation, Mobject, VGroup

from torchreel.scenes.parts.gates import Cursors, Node, Pill, Route, Sampled, Wire, paced
from torchreel.scenes.parts.look import Look
from torchreel.scenes.parts.motion import Appear, Vanish
from torchreel.scenes.recurrent.cell.layout import (
    INPUT_ROW,
    TOP,
    CellLayout,
    WeightColumns,
    arrange,
    text_size,
)
from torchreel.scenes.recurrent.cell.scenery import Scenery
from torchreel.scenes.recurrent.cell.trace import CellLaw
from torchreel.scenes.recurrent.cell.wiring import Wiring
from torchreel.scenes.stage.board import Board
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

_SIGNS = {"sigmoid": "σ", "tanh": "tanh"}
_PALE = 3.0


class CellBoard(Board):
    """Everything that stands on the stage for one trace, and the animations that move it on."""

    def __init__(
        self,
        look: Look,
        trace: Trace,
        law: CellLaw,
        colors: Mapping[str, str],
        wiring: Callable[[CellLayout, Mapping[str, str]], Wiring],
        words: Callable[[str], str],
    ) -> None:
        super().__init__(look, trace)
        self.law, self.colors = law, colors
        self.hidden = trace.shape("weight_hh")[1]
        self.sequence = len(trace.shape("input")) == 3
        self.batched = len(trace.shape("input")) > 1
        steps = trace.shape("input")[0] if self.sequence else 1
        names = {
            gate.name: "" if gate.name in law.states else f"{gate.name} {words('gate_' + gate.name)}"
            for gate in law.gates
        }
        self.layout = arrange(self, law, steps, names.values())
        self.wiring = wiring(self.layout, colors)
        self.cursors = Cursors(look)
        self.wires = {name: Wire(look, route) for name, route in self._routes().items()}
        self.lit: list[Mobject] = []
        self.scales = self._scales()
        self.inputs = {time: self._input_rows(time) for time in self.times}
        self.chunks = [self._chunk(number) for number in range(len(law.gates))]
        self.vectors = {time: dict(self._vectors(time)) for time in self.times}
        self.scenery = Scenery(look, trace, self.layout, self.wiring)
        self.names = self.scenery.names(names, colors)
        self.labels = {time: self.scenery.labels(time) for time in self.times}

    @property
    def times(self) -> list[int]:
        """The time steps that are played, counted from 1."""
        return [time + 1 for time in self.layout.times if time is not None]

    @property
    def is_empty(self) -> bool:
        """Whether there is no element to follow (an empty batch)."""
        return 0 in self.trace.shape(f"h_{self.times[0]}") or 0 in self.trace.shape("input")

    def base(self) -> VGroup:
        """What stands from the beginning: the panel, calm wires, pale weights, the inputs of all steps."""
        group = VGroup(self.scenery.panel(), *self.wires.values())
        group.add(*(Node(self.look, sign, (x, y)) for sign, x, y in self.wiring.nodes))
        group.add(*(Pill(self.look, name, (x, y)) for name, x, y in self._pills()))
        group.add(*self._weights(), self.scenery.fixed(), self.names)
        for time in self.times:
            group.add(*self.inputs[time].values())
        return group

    def enter(self, time: int) -> VGroup:
        """The blank vectors and the labels of a time step; the states it starts from are filled."""
        return VGroup(*self.vectors[time].values(), self.labels[time])

    def light_chunk(self, number: int) -> list[Animation]:
        """The rows of one gate light up with their numbers; those of the gate before calm down."""
        before, self.lit = self.lit, list(self.chunks[number].values())
        return paced([Vanish(*before)] if before else [], 0, 0.4) + paced([Appear(*self.lit)], 0, 0.5)

    def focus_row(self, time: int, number: int, kind: str) -> list[Animation]:
        """Cursors on the first row of a gate in one weight, and on what it multiplies."""
        weight = self.chunks[number][f"weight_{kind}"]
        last = (0, weight.cells.cols - 1)
        return self.cursors.glide(self.inputs[time][kind].around(), weight.outline((0, 0), last, 0, 0.05))

    def focus_chunk(self, time: int, number: int) -> list[Animation]:
        """Cursors on all rows of a gate, on x and on h."""
        grids = [self.inputs[time][kind] for kind in ("ih", "hh")]
        grids += [self.chunks[number][f"weight_{kind}"] for kind in ("ih", "hh")]
        return self.cursors.glide(*(grid.around() for grid in grids))

    def focus_first(self, time: int, names: tuple[str, ...]) -> list[Animation]:
        """Cursors on the first element of these vectors."""
        return self.cursors.on(*(self.vectors[time][name].around((0, 0)) for name in names))

    def fill(self, time: int, *names: str) -> list[Animation]:
        """These vectors take their values."""
        written = (move for name in names for move in self.vectors[time][name].write_all())
        return paced(written, 0.4, 1)

    def light(self, *names: str) -> list[Animation]:
        return [animation for name in names for animation in self.wires[name].light()]

    def leave(self, time: int) -> list[Mobject]:
        """What a time step takes away with it when the next one begins."""
        lit, self.lit = self.lit, []
        vectors = [part for grid in self.vectors[time].values() for part in grid.everything()]
        return [*vectors, self.labels[time], *lit]

    def hand_over(self, before: int, time: int) -> list[Animation]:
        """The next step begins: wires calm down, and the new states fly to where states enter."""
        old = self.vectors[before]
        follows = time == before + 1
        calm = paced((move for wire in self.wires.values() for move in wire.rest()), 0, 0.2)
        flights = self.inputs[time]["hh"].write_all(old["h"] if follows else None)
        for name in self.wiring.enters:
            flights += self.vectors[time][f"{name} before"].write_all(old[name] if follows else None)
        return [*calm, *self.cursors.on(), *flights]

    @property
    def has_numbers(self) -> bool:
        """Whether every cell is large enough for its number."""
        grids = [*self.chunks[0].values(), *self.vectors[self.times[0]].values()]
        return all(grid.cells.text_size for grid in grids)

    @property
    def batch(self) -> int:
        """How many samples there are."""
        return self.trace.shape("h_0")[0] if self.batched else 1

    def left_out(self) -> Iterator[str]:
        """What a reader has to be told of: the other samples, the other elements."""
        if self.batch > 1:
            yield "sample"
        if None in self.layout.units or any(None in block.slots for block in self.layout.blocks):
            yield "left_out"

    def _index(self, unit: int) -> Index:
        return (0, unit) if self.batched else (unit,)

    def _scales(self) -> dict[str, float]:
        """One colour scale for each kind of vector, the same in every step."""
        scales: dict[str, float] = {}
        for name in self.trace.tensors:
            kind, _, number = name.rpartition("_")
            if number.isdigit():
                kind = "pre" if kind.startswith("pre_") else kind
                scales[kind] = max(scales.get(kind, 0.0), self.trace.range(name).scale)
        bounded = [gate.name for gate in self.law.gates if gate.name not in self.law.states]
        return {**scales, **dict.fromkeys(bounded, 1.0)}

    def _column(
        self, tensor: str, x: float, y: float, row: float, blank: bool = True, chunk: int = 0
    ) -> Sampled:
        kind = tensor.rpartition("_")[0]
        start = chunk * self.hidden
        return Sampled(
            self.look, self.trace, tensor, self.layout.units, (0,), lambda unit, _: self._index(start + unit),
            (self.layout.vector, row, self._text_size(tensor, row)), (x, y),
            blank=blank, scale=self.scales["pre" if kind.startswith("pre_") else kind],
        )  # fmt: skip

    def _text_size(self, tensor: str, row: float) -> float:
        """The text size of a vector, 0 where its numbers would not be readable."""
        size = text_size(self.texts(tensor), self.layout.vector)
        return size if row > 0.95 * size else 0.0

    def _vectors(self, time: int) -> Iterator[tuple[str, Sampled]]:
        first = time == self.times[0]
        for number, gate in enumerate(self.law.gates):
            y, row = self.layout.gate_y(number), self.layout.row
            if gate.name in self.wiring.inner:
                continue
            yield f"pre_{gate.name}", self._column(f"pre_{gate.name}_{time}", self.layout.pre_x, y, row)
            yield gate.name, self._column(f"{gate.name}_{time}", self.layout.gate_x, y, row)
        for name in self.wiring.enters:
            blank = not first or self.is_empty
            at = (self.layout.pre_x, self.layout.memory_y, self.layout.state_row)
            yield f"{name} before", self._column(f"{name}_{time - 1}", *at, blank=blank)
        for name, spot in self.wiring.spots.items():
            row = spot.height / max(1, len(self.layout.units))
            tensor, chunk = spot.part or (name, 0)
            yield name, self._column(f"{tensor}_{time}", spot.x, spot.y, row, chunk=chunk)

    def _input_rows(self, time: int) -> dict[str, Sampled]:
        """x and h of one time step, each over the weight columns it multiplies."""
        slot = self.layout.times.index(time - 1)
        y = TOP - (slot + 0.5) * INPUT_ROW
        x_block, h_block = self.layout.block("weight_ih"), self.layout.block("weight_hh")
        first = time == self.times[0]
        return {
            "ih": self._row("input", x_block, y, lambda _, k: self._feature(time, k), self.is_empty),
            "hh": self._row(
                f"h_{time - 1}", h_block, y, lambda _, k: self._index(k), not first or self.is_empty
            ),
        }

    def _feature(self, time: int, number: int) -> Index:
        lead = (0, number) if self.batched else (number,)
        return (time - 1, *lead) if self.sequence else lead

    def _row(
        self, tensor: str, block: WeightColumns, y: float, element: Callable[[int, int], Index], blank: bool
    ) -> Sampled:
        scale = self.scales["h"] if tensor != "input" else None
        size = (block.width, INPUT_ROW, self.layout.cell[1])
        return Sampled(
            self.look, self.trace, tensor, (0,), block.slots, element, size, (block.middle, y),
            blank=blank, scale=scale,
        )  # fmt: skip

    def _block(self, block: WeightColumns, number: int, pale: bool) -> Sampled:
        """One gate's rows of a weight or a bias: pale and without numbers, or lit."""
        lay = self.layout
        matrix = block.tensor.startswith("weight")
        scale = self.trace.range(block.tensor).scale * (_PALE if pale else 1.0)
        size = lay.cell[1] if not pale and lay.row > lay.cell[1] * 0.95 else 0.0
        return Sampled(
            self.look, self.trace, block.tensor, lay.units, block.slots,
            lambda unit, k: (number * self.hidden + unit, k) if matrix else (number * self.hidden + unit,),
            (block.width, lay.row, size), (block.middle, lay.gate_y(number)), scale=scale,
        )  # fmt: skip

    def _chunk(self, number: int) -> dict[str, Sampled]:
        return {block.tensor: self._block(block, number, pale=False) for block in self.layout.blocks}

    def _weights(self) -> Iterator[Mobject]:
        for number in range(len(self.law.gates)):
            yield from (self._block(block, number, pale=True) for block in self.layout.blocks)

    def _routes(self) -> dict[str, Route]:
        """The wires before the gates, the same for every cell, and the cell's own."""
        lay, routes = self.layout, dict(self.wiring.routes)
        half = lay.vector / 2
        for number, gate in enumerate(self.law.gates):
            y, color = lay.gate_y(number), self.colors[gate.name]
            ends = ((lay.weights_right + 0.05, y), (lay.pre_x - half - 0.03, y))
            routes.setdefault(f"sum {gate.name}", Route(ends, color, head=True))
            if gate.name in self.wiring.inner:
                continue
            routes.setdefault(
                f"act {gate.name}", Route(((lay.pre_x + half, y), (lay.gate_x - half, y)), color)
            )
        return routes

    def _pills(self) -> Iterator[tuple[str, float, float]]:
        for number, gate in enumerate(self.law.gates):
            if gate.name not in self.wiring.spots:
                yield _SIGNS[gate.activation], self.layout.pill_x, self.layout.gate_y(number)
        yield from self.wiring.pills
