"""How a network is told: one pass as a cell in time; several as rows of closed cells; then what torch returns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from manim import Animation

from torchreel.scenes.recurrent.chain.steps_trace import NetworkSteps, Steps
from torchreel.scenes.recurrent.chain.story import ChainScene
from torchreel.scenes.recurrent.chain.wiring import Moment
from torchreel.scenes.recurrent.network.board import NetworkBoard
from torchreel.scenes.recurrent.network.layers_trace import Pass, passes
from torchreel.scenes.recurrent.network.rows_trace import first_sample
from torchreel.scenes.stage.beats import Beat
from torchreel.scenes.trace.formula import Token
from torchreel.scenes.trace.proof import Step


class NetworkScene(ChainScene):
    """A network of one pass opens its first cell. Rows of cells show several passes, or states that are projected."""

    rows: NetworkBoard

    @property
    def is_chain(self) -> bool:
        """Whether there is one pass, whose states are as wide as its gates."""
        module: Any = self.trace.module
        return len(passes(module)) == 1 and not getattr(module, "proj_size", 0)

    @property
    def steps(self) -> Steps:
        return NetworkSteps(self.trace, self.cell)

    def values(self) -> dict[str, object]:
        module: Any = self.trace.module
        return {**super().values(), "layers": module.num_layers}

    def caption_of(self, moment: Moment) -> str:
        return "gate" if moment.caption in ("gates", "update") else moment.caption

    def story(self) -> Iterator[Beat]:
        yield from super().story() if self.is_chain else self._rows()

    def figure(self) -> Step | None:
        if not self.has_values():
            return None
        if self.is_chain:
            tensor, lead = self._vector(self.explained)
            if self.steps.count == 1:
                tensor, lead = self.steps.after(self.explained, 0)
            return self.trace.step(tensor, (*lead, self.row))
        row, slot = self._last()
        return self.trace.step("output", self.rows.first_output(row, slot))

    def _last(self) -> tuple[int, int]:
        """The last pass that is shown, which is in the top layer, and the step where it ends."""
        row = self.rows.rows[-1]
        return row, self.rows.order(row)[-1]

    def formula_tokens(self, step: Step, most: int = 9) -> list[Token]:
        tokens = super().formula_tokens(step, most)
        if self.is_chain or step.tensor != "output":
            return tokens
        tensor, index = next(iter(step.reads))
        time = Token(self._symbol("y", step.index), "output", step.index)
        return [time, Token(" = "), Token(self._row_symbol(tensor, index), tensor, index), *tokens[-2:]]

    def _symbol(self, letter: str, index: tuple[int, ...]) -> str:
        return f"{letter}_{{{self._time(index)}}}"

    def _time(self, index: tuple[int, ...]) -> int:
        """The step that an element of a sequence belongs to, counted from 1."""
        return first_sample(self.trace).index(tuple(index[:-1])) + 1

    def _row_symbol(self, tensor: str, index: tuple[int, ...]) -> str:
        """A state with its layer and direction, which are counted from 1 and drawn as arrows."""
        one = next(one for one in passes(self.trace.module) if tensor == f"h{one.suffix}")
        return f"h{self._mark(one)}_{{{self._time(index)}}}"

    def _mark(self, one: Pass) -> str:
        """The layer and direction of a pass, where there are several, raised."""
        module: Any = self.trace.module
        layer = f"({one.layer + 1})" if module.num_layers > 1 else ""
        arrow = ("←" if one.reverse else "→") if module.bidirectional else ""
        return f"^{{{layer}{arrow}}}" if layer or arrow else ""

    def _end(self) -> Iterator[Beat]:
        """What torch returns: every step of h, and the last states."""
        board = self.board

        def look() -> list[Animation]:
            outputs = [grid.around() for grid in board.outputs.values()]
            last = [grid.around() for grid in board.after[board.slots[-1]].values()]
            return [*board.path(), *board.frames(*outputs, *last)]

        yield Beat("last", hold=0.8, look=look)
        yield self._rest("last")

    def _rows(self) -> Iterator[Beat]:
        self.rows = NetworkBoard(self.look, self.trace, self.cell, self._note, self._row_name)
        self.add(self.rows.base())
        yield Beat("rows", run_time=0.1)
        for row in self.rows.rows:
            yield from self._row(row)
        yield from self._results()

    def _row_name(self, one: Pass) -> str:
        """What a pass is called."""
        module: Any = self.trace.module
        ways = ("backward" if one.reverse else "forward",) if module.bidirectional else ()
        layers = ("layer",) if module.num_layers > 1 or not ways else ()
        between = "" if self.request.lang == "zh" else ", "
        return between.join(self.words(f"row_{name}", number=one.layer + 1) for name in (*layers, *ways))

    def _row(self, row: int) -> Iterator[Beat]:
        """One pass, step by step."""
        board, one = self.rows, self.rows.one(row)
        first = row == board.rows[0]
        key = "rows" if first else "layer" if one.layer else "reverse"
        for place, slot in enumerate(board.order(row)):
            step = self.trace.step(f"h{one.suffix}", (*board.lead(slot), 0))

            def look(slot: int = slot) -> list[Animation]:
                return [*board.light(row, slot), *board.focus(row, slot)]

            def compute(slot: int = slot) -> list[Animation]:
                return board.compute(row, slot)

            hold = 0.7 if place == 0 else 0.3
            yield Beat(key, compute, 0.4, hold, look=look, sweep=True, focus=step)

    def _results(self) -> Iterator[Beat]:
        """The output, the last states, and what stands in both."""
        board = self.rows
        yield Beat("output", hold=1.0, look=board.frame_output)
        yield Beat("last", board.finish, 0.4, 0.8, look=board.frame_ends)
        if board.is_shared:
            yield Beat("shared", hold=1.0, look=board.frame_shared)
        yield Beat("shared" if board.is_shared else "last", lambda: board.rest(*self._last()), 0.2, 0.1)

    def equations(self) -> Sequence[str | tuple[str, str]]:
        if self.is_chain:
            return super().equations()
        module: Any = self.trace.module
        top = [one for one in passes(module) if one.layer == module.num_layers - 1]
        states: list[str | tuple[str, str]] = []
        for one in top:
            states += [" | "] if states else []
            states.append((f"h{self._mark(one)}_{{t}}", f"h{one.suffix}"))
        return [("y_{t}", "output"), " = ", *(states if len(top) == 1 else ["[", *states, "]"])]
