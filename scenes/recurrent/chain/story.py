"""How a cell in time is told: one element slowly, then gate after gate, the states, and the later calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from manim import Animation

from torchreel.scenes.recurrent.cell.trace import CellLaw
from torchreel.scenes.recurrent.chain.board import ChainBoard
from torchreel.scenes.recurrent.chain.layout import ChainLayout
from torchreel.scenes.recurrent.chain.steps_trace import Steps, Vector
from torchreel.scenes.recurrent.chain.wiring import Moment, Wiring
from torchreel.scenes.stage.beats import Beat
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.trace.formula import Func, Token
from torchreel.scenes.trace.proof import Step

HUES = {"i": 5, "f": 0, "g": 3, "o": 6, "r": 6, "z": 5, "n": 3}


class ChainScene(OperatorScene):
    """A recurrent cell over one or more time steps. Subclasses say which cell, and how it is wired."""

    explained: ClassVar[str] = "h"
    """The state of which the last picture explains an element."""

    @property
    def row(self) -> int:
        """The element of that state."""
        return 0

    @property
    def cell(self) -> CellLaw:
        """The cell as the traced module has it."""
        raise NotImplementedError

    def wiring(self, layout: ChainLayout, hues: Mapping[str, str]) -> Wiring:
        """The cell's diagram right of its weights."""
        raise NotImplementedError

    def equations(self) -> Sequence[str | tuple[str, str]]:
        """The law: plain text, and `(symbol, name)` for what has the colour of a vector."""
        raise NotImplementedError

    def plus_bias(self, kind: str, mark: str = "") -> list[str | tuple[str, str]]:
        """What the law adds to a product: the bias beside its weight, by a name of its own, if there is one."""
        bias = self.steps.bias(kind)
        return [" + ", (f"b_{{{mark or kind}}}", bias)] if bias else []

    @property
    def steps(self) -> Steps:
        """Where the vectors of each step are."""
        return Steps(self.trace, self.cell)

    @property
    def hues(self) -> dict[str, str]:
        """The colour of each gate, of states, of inputs, of plain wires."""
        theme = self.look.theme
        gates = {name: theme.channel(number) for name, number in HUES.items()}
        return {**gates, "state": theme.role("result"), "input": theme.role("input"), "text": theme.text}

    def law(self) -> Sequence[Token]:
        return [
            Token(one) if isinstance(one, str) else Token(one[0], self._named(one[1]))
            for one in self.equations()
        ]

    def _named(self, name: str) -> str:
        """The tensor of a vector of the first step, or of an input."""
        return name if name in self.trace.tensors else self.steps.vector(name, 0)[0]

    def ink(self, piece: Token) -> str:
        """Gates, and the rows of the weights that make them, have their own colours."""
        if piece.tensor is None:
            return super().ink(piece)
        index = piece.index or (0,) * max(1, len(self.trace.shape(piece.tensor)))
        gate = (
            ""
            if not piece.index and piece.tensor.startswith(("weight", "bias"))
            else self.steps.gate_of(piece.tensor, index)
        )
        return self.hues.get(gate) or super().ink(piece)

    def formula_tokens(self, step: Step, most: int = 9) -> list[Token]:
        head, *rest = super().formula_tokens(step, most)
        symbol = self.steps.symbol(step.tensor, step.index)
        return [Token(symbol, step.tensor, step.index) if symbol else head, *rest]

    def values(self) -> dict[str, object]:
        return {"steps": self.steps.count, "batch": self.steps.batch}

    def caption_of(self, moment: Moment) -> str:
        """The key of what is said at a moment."""
        return moment.caption

    def story(self) -> Iterator[Beat]:
        self.board = ChainBoard(self.look, self.trace, self.steps, self.hues, self.wiring, self._note)
        self.add(self.board.base())
        yield Beat("start", run_time=0.1)
        yield from self._first_gate()
        for moment in self.board.wiring.moments:
            yield self._moment(moment)
        yield from self._put_out()
        for slot in self.board.slots[1:]:
            yield self._later(slot)
        yield from self._end()

    def figure(self) -> Step | None:
        return self._step(self.explained, self.row) if self.has_values() else None

    def main_source(self, step: Step) -> str:
        """The lit wires lead to the result; no line of the pointer does."""
        return ""

    def _note(self, key: str) -> str:
        return self.words(key, None, **self.values())

    def _vector(self, name: str) -> Vector:
        return self.steps.vector(name, 0)

    def _step(self, name: str, row: int = 0) -> Step:
        """The step of one element of a vector of the first call."""
        tensor, lead = self._vector(name)
        return self.trace.step(tensor, (*lead, row))

    def _first_gate(self) -> Iterator[Beat]:
        """One row with its products and their sum, its activation, then the other rows."""
        board, gate = self.board, self.cell.gates[0].name
        total, wires = f"pre_{gate}", ("x", "h in", f"sum {gate}")

        def look() -> list[Animation]:
            shown = board.cell(total if total in board.vectors else gate)
            return [*board.path(*wires), *board.frames(*board.sources(0, 0), shown)]

        def activate() -> list[Animation]:
            shown = [board.cell(total)] if total in board.vectors else []
            if gate in self.cell.states or not shown:
                return [
                    *board.path(*wires, f"act {gate}"),
                    *board.frames(*board.sources(0, 0), board.cell(gate)),
                ]
            return [*board.path(f"act {gate}"), *board.frames(*shown, board.cell(gate))]

        def rest() -> list[Animation]:
            return [*board.write(total), *board.write(gate)]

        focus = None if total in board.vectors else self._step(gate)
        yield Beat("gate", lambda: board.write(total, 0), 0.4, 0.5, self._step(total), look=look, focus=focus)
        yield Beat("gate", lambda: board.write(gate, 0), 0.4, 0.6, self._step(gate), look=activate)
        if len(board.layout.units) > 1:
            yield Beat("gate", rest, 0.4, 0.4, look=lambda: self._whole_gate(0))

    def _whole_gate(self, number: int) -> list[Animation]:
        board, gate = self.board, self.cell.gates[number].name
        shown = [board.vectors[name].around() for name in (f"pre_{gate}", gate) if name in board.vectors]
        wires = ("x", "h in", f"sum {gate}", f"act {gate}")
        return [*board.path(*wires), *board.frames(*board.sources(number), *shown)]

    def _moment(self, moment: Moment) -> Beat:
        """A gate at once, or the states: the lit path, the formula of its first element, then all of them."""
        board, name = self.board, moment.explains
        gates = [gate.name for gate in self.cell.gates]

        def look() -> list[Animation]:
            if name in gates and not self.cell.gates[gates.index(name)].reset:
                return self._whole_gate(gates.index(name))
            if not name:
                filled = (board.vectors[one].around() for one in moment.fills)
                return [*board.path(*moment.lights), *board.frames(*board.sources(len(gates) - 1), *filled)]
            found, given = self._read(moment)
            marked = [
                board.cell(one) for one in dict.fromkeys((*found, *moment.fills)) if one in board.vectors
            ]
            states = [board.before[state].around((0, 0), 0.02) for state in given]
            return [*board.path(*moment.lights), *board.frames(*marked, *states)]

        def fill() -> list[Animation]:
            sums = [move for one in moment.fills for move in board.write(f"pre_{one}")]
            return [*sums, *(move for one in moment.fills for move in board.write(one))]

        step = self._in_sight(name) if name else None
        return Beat(self.caption_of(moment), fill, 0.5, 0.5, step, look=look)

    def _in_sight(self, name: str) -> Step:
        """The step of a vector's first element; a gate whose sums have no place on the board is made of products."""
        step = self._step(name)
        gate = next((gate for gate in self.cell.gates if gate.name == name and not gate.reset), None)
        if gate is None or f"pre_{name}" in self.board.vectors:
            return step
        return replace(step, formula=Func(gate.activation, self._step(f"pre_{name}").formula))

    def _read(self, moment: Moment) -> tuple[set[str], set[str]]:
        """The vectors of the step that the explained element reads, and the states that it reads as they come in."""
        found, given = set[str](), set[str]()
        for tensor, index in self._step(moment.explains).reads if moment.explains else ():
            if tensor.endswith("_0"):
                given.add(tensor.removesuffix("_0"))
            else:
                found.add(self.steps.split(tensor, index)[0])
        return found, given

    def _put_out(self) -> Iterator[Beat]:
        """Where states go into an output, the first one does."""
        if self.board.outputs:
            marks = [self.board.after[0]["h"].around(), self.board.outputs[0].around()]
            yield Beat(
                "again", lambda: self.board.write_output(0), 0.4, 0.6,
                look=lambda: [*self.board.path("rise 0"), *self.board.frames(*marks)],
            )  # fmt: skip

    def _later(self, slot: int) -> Beat:
        """A later call: what it reads, and the states that it leaves."""
        board, states = self.board, self.cell.states
        wires = [
            f"x {slot}",
            *(f"{state} {way} {slot}" for state in states for way in ("to", "of")),
            f"rise {slot}",
        ]
        tensor, lead = self.steps.after("h", board.time(slot))
        step = self.trace.step(tensor, (*lead, 0))

        def look() -> list[Animation]:
            marks = [board.after[slot]["h"].around()]
            return [*board.path(*wires), *board.frames(board.inputs[slot].around(), *marks)]

        return Beat(
            "again", lambda: board.write_after(slot), 0.4, 0.6, look=look, sweep=True, focus=step
        )  # fmt: skip

    def _end(self) -> Iterator[Beat]:
        """The path of the element that stays explained."""
        yield self._rest("again" if len(self.board.slots) > 1 else self._last_caption())

    def _rest(self, name: str) -> Beat:
        moments = [one for one in self.board.wiring.moments if one.explains == self.explained]
        gate = self.cell.gates[0].name
        wires = moments[0].lights if moments else ("x", "h in", f"sum {gate}", f"act {gate}")
        return Beat(name, lambda: [*self.board.path(*wires), *self.board.frames()], 0.3, 0.2)

    def _last_caption(self) -> str:
        moments = self.board.wiring.moments
        return self.caption_of(moments[-1]) if moments else "gate"
