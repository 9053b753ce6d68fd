"""How a recurrent cell is told: the first gate row by row, the others faster, the states, then the next step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import ClassVar

from manim import Animation

from torchreel.scenes.recurrent.cell.board import CellBoard
from torchreel.scenes.recurrent.cell.layout import CellLayout
from torchreel.scenes.recurrent.cell.trace import CellLaw
from torchreel.scenes.recurrent.cell.wiring import Moment, Wiring
from torchreel.scenes.stage.beats import Beat
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.trace.proof import Step

Values = dict[str, object]


class CellScene(OperatorScene):
    """A recurrent cell over one or more time steps. Subclasses declare the cell, its wiring, its colours."""

    palette: ClassVar[Mapping[str, int]]

    @property
    def law(self) -> CellLaw:
        """The cell as the traced module has it."""
        raise NotImplementedError

    def wiring(self, layout: CellLayout, colors: Mapping[str, str]) -> Wiring:
        """The cell's diagram right of its gates."""
        raise NotImplementedError

    def story(self) -> Iterator[Beat]:
        colors = {name: self.look.theme.channel(number) for name, number in self.palette.items()}
        self.board = CellBoard(self.look, self.trace, self.law, colors, self.wiring, self.words)
        times = self.board.times
        self.add(self.board.base(), self.board.enter(times[0]))
        if self.board.is_empty:
            yield Beat("empty", run_time=1.0, hold=3.0)
            return
        yield from self._first_gate(times[0])
        for number in range(1, len(self.law.gates)):
            yield self._gate(times[0], number, 0.4, 0.2)
        for act in self.board.wiring.acts:
            yield self._act(times[0], act, 0.5, 0.4)
        for before, time in pairwise(times):
            yield from self._next_step(before, time, brief=len(times) > 2)
        yield Beat("done", self.board.cursors.on, run_time=0.1, values={"steps": times[-1]})

    def _first_gate(self, time: int) -> Iterator[Beat]:
        """One row with all its products, then its activation, then the other rows."""
        gate = self.law.gates[0].name
        board = self.board
        values: Values = {"gate": gate, "rows": f"0:{board.hidden}", "batch": board.batch}
        also, missing = () if board.has_numbers else ("heat",), tuple(board.left_out())

        def light() -> list[Animation]:
            return [*board.light_chunk(0), *board.focus_row(time, 0, "ih")]

        def write() -> list[Animation]:
            wires = board.light(f"sum {gate}", f"act {gate}")
            cursors = board.focus_first(time, (f"pre_{gate}", gate))
            vectors = board.vectors[time]
            return [*wires, *cursors, *vectors[f"pre_{gate}"].write((0, 0)), *vectors[gate].write((0, 0))]

        yield Beat("rows", run_time=0.1, hold=0.4, values=values, also=also)
        yield Beat("rows", light, 0.4, 0.7, self._step(f"ih_{time}"), values, also)
        hidden = self._step(f"hh_{time}")
        yield Beat("rows", lambda: board.focus_row(time, 0, "hh"), 0.4, 0.5, hidden, values, also)
        yield Beat("activate", write, 0.4, 0.6, self._step(f"{gate}_{time}"), values, missing)
        yield Beat("activate", lambda: self._all_rows(time, 0), 0.4, 0.2, None, values, missing)

    def _gate(self, time: int, number: int, run_time: float, hold: float, key: str = "") -> Beat:
        """All rows of one gate at once."""
        inner = self.board.wiring.inner.get(self.law.gates[number].name)
        if not key and inner is not None:
            key, hold = inner.caption, 3 * hold + 0.6

        def play() -> list[Animation]:
            return [*self.board.light_chunk(number), *self._all_rows(time, number)]

        step = self._step(f"{self.law.gates[number].name}_{time}")
        values: Values = {"now": time, "before": time - 1}
        return Beat(key or "gates", play, run_time, hold, step, values)

    def _all_rows(self, time: int, number: int) -> list[Animation]:
        return [*self.board.focus_chunk(time, number), *self._fill_gate(time, number)]

    def _fill_gate(self, time: int, number: int) -> list[Animation]:
        gate, board = self.law.gates[number].name, self.board
        if gate in board.wiring.inner:
            act = board.wiring.inner[gate]
            return [*board.light(f"sum {gate}", *act.lights), *board.fill(time, *act.fills)]
        wires = board.light(f"sum {gate}", f"act {gate}")
        return [*wires, *board.fill(time, f"pre_{gate}", gate)]

    def _act(self, time: int, act: Moment, run_time: float, hold: float, key: str = "") -> Beat:
        board = self.board

        def play() -> list[Animation]:
            return [
                *board.light(*act.lights),
                *board.focus_first(time, act.reads),
                *board.fill(time, *act.fills),
            ]

        step = self._step(f"{act.fills[-1]}_{time}")
        values: Values = {"now": time, "before": time - 1}
        return Beat(key or act.caption, play, run_time, hold, step, values)

    def _next_step(self, before: int, time: int, brief: bool) -> Iterator[Beat]:
        """The states are handed on, and everything runs again, faster; `brief` has all gates at once."""
        key = "again" if time == before + 1 else "jump"
        values: Values = {"now": time, "before": time - 1}

        def hand_over() -> list[Animation]:
            self.remove(*self.board.leave(before))
            self.add(self.board.enter(time))
            return self.board.hand_over(before, time)

        yield Beat(key, hand_over, 0.7, 0.1 if brief else 0.2, (), values)
        if brief:
            yield from self._at_once(time, key)
            return
        for number in range(len(self.law.gates)):
            yield self._gate(time, number, 0.3, 0.0, key)
        for act in self.board.wiring.acts:
            yield self._act(time, act, 0.3, 0.0, key)

    def _at_once(self, time: int, key: str) -> Iterator[Beat]:
        board, acts = self.board, self.board.wiring.acts

        def gates() -> list[Animation]:
            return [move for number in range(len(self.law.gates)) for move in self._fill_gate(time, number)]

        def states() -> list[Animation]:
            lights = [move for act in acts for move in board.light(*act.lights)]
            return [*lights, *(move for act in acts for move in board.fill(time, *act.fills))]

        values: Values = {"now": time, "before": time - 1}
        yield Beat(key, gates, 0.4, 0.0, None, values)
        last = acts[-1].fills[-1] if acts else self.law.gates[-1].name
        yield Beat(key, states, 0.4, 0.0, self._step(f"{last}_{time}"), values)

    def _step(self, tensor: str) -> Step:
        """The step of the first element."""
        return self.trace.step(tensor, (0,) * len(self.trace.shape(tensor)))
