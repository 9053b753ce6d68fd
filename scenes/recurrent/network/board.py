"""The board of an unrolled network: rows of cells, the states between them, the input below and the output above."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from manim import Animation, Mobject, VGroup

from torchreel.scenes.parts.gates import Cursors, Route, Sampled, Slots, Wire
from torchreel.scenes.parts.look import MIN_TEXT, Look
from torchreel.scenes.parts.shapes import Box, box_points
from torchreel.scenes.recurrent.cell.trace import CellLaw
from torchreel.scenes.recurrent.network.layers_trace import Pass, passes
from torchreel.scenes.recurrent.network.layout import arrange
from torchreel.scenes.recurrent.network.names import NetworkNames
from torchreel.scenes.recurrent.network.rows_trace import first_sample
from torchreel.scenes.recurrent.network.ways import Ends, Way, ways
from torchreel.scenes.stage.board import Board
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

_FRAME = 0.09


class NetworkBoard(Board):
    """Everything that stands on the stage for one trace, whose cells follow `law`, and the animations that fill it.

    A node is `(row, slot)`: a pass and a time step that are shown, by their places in the layout.
    """

    def __init__(
        self,
        look: Look,
        trace: Trace,
        law: CellLaw,
        words: Callable[[str], str],
        name: Callable[[Pass], str],
    ) -> None:
        super().__init__(look, trace)
        self.words = words
        module: Any = trace.module
        every, self.leads = passes(module), first_sample(trace)
        self.batched = len(trace.shape("h_0")) == 3
        self.said = {one.suffix: name(one) for one in every}
        self.layout = layout = arrange(self, law.states, self.said, len(self.leads))
        self.passes = [None if row is None else every[row] for row in layout.rows]
        self.directions = 2 if every[-1].reverse else 1
        self.layers = every[-1].layer + 1
        self.cursors = Cursors(look)
        self.inputs = {slot: self._sequence("input", slot, layout.input_y, False) for slot in self.slots}
        self.outputs = {slot: self._sequence("output", slot, layout.output_y, True) for slot in self.slots}
        self.nodes = {
            (row, slot): {name: self._vector(row, slot, name) for name in layout.names}
            for row in self.rows
            for slot in self.slots
        }
        self.starts = {row: self._ends(row, "0") for row in self.rows}
        self.ends = {row: self._ends(row, "n") for row in self.rows}
        self.wires = dict(self._wires())
        self.lit: list[Way] = []

    @property
    def slots(self) -> list[int]:
        """The places of the time steps that are shown."""
        return [slot for slot, time in enumerate(self.layout.times) if time is not None]

    @property
    def rows(self) -> list[int]:
        """The places of the passes that are shown, from the bottom."""
        return [row for row, one in enumerate(self.passes) if one is not None]

    def one(self, row: int) -> Pass:
        """The pass that a row shows."""
        found = self.passes[row]
        assert found is not None
        return found

    def order(self, row: int) -> list[int]:
        """The places of the time steps in the order in which a row computes them."""
        return self.slots[::-1] if self.one(row).reverse else self.slots

    def is_top(self, row: int) -> bool:
        """Whether a row's states are in the output."""
        return self.one(row).layer == self.layers - 1

    def lead(self, slot: int) -> Index:
        """The leading indices of a time step of sample 0."""
        time = self.layout.times[slot]
        assert time is not None
        return self.leads[time]

    def base(self) -> VGroup:
        """What stands from the beginning: boxes, calm wires, the input, the initial states, empty vectors."""
        group = VGroup(*self.wires.values())
        group.add(*(self._box(row, slot) for row, slot in self.nodes), *NetworkNames(self).all())
        group.add(*self.inputs.values(), *self.outputs.values())
        for vectors in (*self.nodes.values(), *self.starts.values(), *self.ends.values()):
            group.add(*vectors.values())
        return group

    def focus(self, row: int, slot: int) -> list[Animation]:
        """The cursor on the cell that is computed."""
        return self.cursors.on(self._box_points(row, slot, 0.05))

    def rest(self, row: int, slot: int) -> list[Animation]:
        """No cursor, and the way of one state to the output."""
        return [*self.cursors.on(), *self._light(("out", row, slot))]

    def light(self, row: int, slot: int) -> list[Animation]:
        """What a cell reads and puts out lights up, what was lit before calms down."""
        names: list[Way] = [("in", row, slot), ("state", row, slot)]
        names += [("join", row - back, slot) for back in (1, 2, 3)] if self.one(row).layer else []
        names.append(("out", row, slot))
        return self._light(*names)

    def compute(self, row: int, slot: int) -> list[Animation]:
        """The vectors of a cell are born, and its part of the output if it is in the top layer."""
        fills = [move for grid in self.nodes[row, slot].values() for move in grid.write_all()]
        if self.is_top(row):
            output = self.outputs[slot]
            width = self.trace.shape(self.nodes[row, slot]["h"].tensor)[-1]
            for cell in _part(output, width, int(self.one(row).reverse)):
                fills += output.write(cell)
        return fills

    def first_output(self, row: int, slot: int) -> Index:
        """The first element of the output at a step that comes from a row, if it is shown, else the first shown."""
        output, width = self.outputs[slot], self.trace.shape("h_n")[-1]
        own = _part(output, width, int(self.one(row).reverse))
        return output.index((own or list(output.positions()))[0])

    def finish(self) -> list[Animation]:
        """The last states of all rows are born where they leave."""
        wires = self._light(*(("end", row, 0) for row in self.rows))
        return [
            *wires,
            *(move for row in self.rows for grid in self.ends[row].values() for move in grid.write_all()),
        ]

    def _light(self, *names: Way) -> list[Animation]:
        rest = [move for name in self.lit if name not in names for move in self.wires[name].rest()]
        self.lit = [name for name in names if name in self.wires]
        return [*rest, *(move for name in self.lit for move in self.wires[name].light())]

    @property
    def is_shared(self) -> bool:
        """Whether the places where the last states stand in the output are shown."""
        return bool(self.trace.shape("h_n")[-1]) and None not in self.layout.rows

    def frame_output(self) -> list[Animation]:
        """An outline round the whole output."""
        return self.cursors.on(_around([*self.outputs.values()]))

    def frame_ends(self) -> list[Animation]:
        """An outline round the last states, those of the backward passes on their own."""
        frames = []
        for reverse in (False, True):
            rows = [row for row in self.rows if self.one(row).reverse == reverse]
            grids = [grid for row in rows for grid in self.ends[row].values()]
            if grids:
                frames.append(_around(grids, 0.28))
        return self.cursors.on(*frames)

    def frame_shared(self) -> list[Animation]:
        """Outlines round the parts of the output that are last states too, and round these."""
        frames = []
        for row in (row for row in self.rows if self.is_top(row)):
            output, end = self.outputs[self.order(row)[-1]], self.ends[row]["h"]
            width = self.trace.shape(end.tensor)[-1]
            part = _part(output, width, int(self.one(row).reverse))
            frames += [output.outline(part[0], part[-1], 0.02, 0.05)] if part else []
            frames.append(end.around())
        return self.cursors.on(*frames)

    def _grid(
        self,
        tensor: str,
        slots: Slots,
        lead: Index,
        at: tuple[float, float],
        blank: bool,
        scale: float | None = None,
    ) -> Sampled:
        lay = self.layout
        size = (lay.vector, lay.row, lay.text)
        return Sampled(
            self.look, self.trace, tensor, slots, (0,), lambda unit, _: (*lead, unit), size, at,
            blank=blank, scale=scale,
        )  # fmt: skip

    def _sequence(self, tensor: str, slot: int, y: float, blank: bool) -> Sampled:
        units = self.layout.units(self.trace.shape(tensor)[-1])
        scale = None if tensor == "input" else self._scale("h")
        return self._grid(tensor, units, self.lead(slot), (self.layout.column(slot), y), blank, scale)

    def _vector(self, row: int, slot: int, name: str) -> Sampled:
        tensor = f"{name}{self.one(row).suffix}"
        units = self.layout.units(self.trace.shape(tensor)[-1])
        at = (self.layout.vector_x(slot, name), self.layout.rooms[row].middle)
        return self._grid(tensor, units, self.lead(slot), at, True, self._scale(name))

    def _ends(self, row: int, which: str) -> dict[str, Sampled]:
        """The initial (`0`) or last (`n`) states of a row, where its pass begins or ends."""
        one, found = self.one(row), {}
        right = one.reverse == (which == "0")
        for state in self.layout.states:
            tensor = f"{state}_{which}"
            units = self.layout.units(self.trace.shape(tensor)[-1])
            lead = (one.number, 0) if self.batched else (one.number,)
            at = (self.layout.side_x(right, state), self.layout.rooms[row].middle)
            found[state] = self._grid(tensor, units, lead, at, which == "n", self._scale(state))
        return found

    def _scale(self, state: str) -> float:
        """One colour scale for a state wherever it stands."""
        names = [f"{state}_0", *(f"{state}{self.one(row).suffix}" for row in self.rows)]
        return max(self.trace.range(name).scale for name in names)

    def _box_points(self, row: int, slot: int, grow: float = 0.0) -> np.ndarray:
        room = self.layout.rooms[row]
        size = (self.layout.box + 2 * grow, room.top - room.bottom + 2 * grow)
        return box_points(*size, (self.layout.column(slot), (room.top + room.bottom) / 2), 0.14)

    def _box(self, row: int, slot: int) -> Mobject:
        theme, room, lay = self.look.theme, self.layout.rooms[row], self.layout
        center = (lay.column(slot), (room.top + room.bottom) / 2)
        color = theme.channel(row)
        group = VGroup(
            Box(
                lay.box, room.top - room.bottom, center, 0.14, fill=theme.bar, stroke=color, stroke_width=1.6
            ),
            self.label(
                self.said[self.one(row).suffix], (center[0], room.top - 0.16), MIN_TEXT, color, "sans"
            ),
        )
        if len(lay.names) > 1:
            top = max(float(grid.around()[:, 1].max()) for grid in self.nodes[row, slot].values())
            for name in lay.names:
                at = (lay.vector_x(slot, name), top + 0.07)
                group.add(self.label(name, at, MIN_TEXT, font="sans", vertical="baseline"))
        return group

    @property
    def _ends_of_wires(self) -> Ends:
        """Where wires meet input and output."""
        bottom = self.inputs[self.slots[0]].around()[:, 1].max()
        top = self.outputs[self.slots[0]].around()[:, 1].min() - 0.03
        share = len(self.layout.units(self.trace.shape("output")[-1])) * self.layout.row / 4
        return Ends(bottom, top, self.layout.output_y + share, self.directions, self.layers)

    def left_out(self) -> Iterator[str]:
        """What a reader has to be told of."""
        lay = self.layout
        sizes = [self.trace.shape("input")[-1], *(self.trace.shape(name)[-1] for name in ("output", "h_0"))]
        if self.batched and self.trace.shape("h_0")[1] > 1:
            yield "sample"
        if None in (*lay.times, *lay.rows) or any(None in lay.units(size) for size in sizes):
            yield "left_out"
        if not lay.text:
            yield "shades"

    def _wires(self) -> Iterator[tuple[Way, Wire]]:
        for row in self.rows:
            color = self.look.theme.channel(row)
            for name, corners in ways(self.layout, row, self.one(row), self.order(row), self._ends_of_wires):
                yield name, Wire(self.look, Route(corners, color, head=name[0] != "join"))


def _around(grids: Sequence[Sampled], head: float = 0.0) -> np.ndarray:
    """A frame round grids and the labels over them, which are `head` high."""
    points = np.concatenate([grid.around() for grid in grids])
    left, bottom, _ = points.min(0) - _FRAME
    right, top, _ = points.max(0) + _FRAME
    top += head
    return box_points(right - left, top - bottom, ((left + right) / 2, (bottom + top) / 2), 0.1)


def _part(output: Sampled, width: int, number: int) -> list[tuple[int, int]]:
    """The cells of an output that belong to one direction."""
    return [cell for cell in output.positions() if output.index(cell)[-1] // width == number]
