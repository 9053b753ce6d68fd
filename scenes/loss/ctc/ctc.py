"""CTC loss: the probabilities of all ways to spell a target flow through a lattice and merge."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from manim import Animation, VGroup

from torchreel.scenes.loss import operators
from torchreel.scenes.loss.ctc.board import CTCBoard, Node
from torchreel.scenes.loss.ctc.trace import Lattice
from torchreel.scenes.parts.motion import Appear
from torchreel.scenes.stage.beats import Beat
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.trace.formula import Token
from torchreel.scenes.trace.operator import Call
from torchreel.scenes.trace.proof import Step

_MANY = 10000


class CTCLoss(OperatorScene):
    """A sum of two cells, a blank that must not and one that may be skipped, one path, the ends, the result."""

    operator = operators.CTCLoss

    def story(self) -> Iterator[Beat]:
        self.lattice = self._lattice()
        self.board = board = CTCBoard(self.look, self.trace, self.lattice)
        self.add(board.scenery, board.place_output(self._output_step().cell), *self._notes())
        yield Beat("start")
        yield from self._column(0, "start", [min(1, board.places - 1)])
        key = "sum"
        for time in range(1, board.times):
            told = [node for node in self._told() if node[0] == time]
            key = "skip" if any(node in self._rules() for node in told) else key
            yield from self._column(time, key, [place for _, place in told])
        if path := board.likeliest():
            product = board.product(path)
            yield Beat("spell", partial(self._spell, path), 0.5, 1.5, product, look=self.leave)
        yield self._result("end", self._loss_step())
        yield self._result("reduce", self._output_step())
        yield Beat("reduce", self.leave, 0.1)

    def figure(self) -> Step | None:
        """The loss, from the cells that a path may end in."""
        return self._loss_step()

    def main_source(self, step: Step) -> str:
        return "alpha" if step.tensor in ("alpha", "loss") else super().main_source(step)

    def law(self) -> Sequence[Token]:
        return [Token("alpha_{t,s} = (alpha_{t−1,s} + alpha_{t−1,s−1} + alpha_{t−1,s−2}) · p_{t,s}")]

    def values(self) -> dict[str, object]:
        module: Any = self.trace.module
        lengths: Any = self.trace.tensors["lengths"]
        steps = self.lattice.input_lengths
        return {
            "length": int(lengths[0]) if len(lengths) else 0,
            "paths": self._count(),
            "blank": module.blank,
            "steps": int(steps[0]) if len(steps) else 0,
        }

    def _lattice(self) -> Lattice:
        trace = self.trace
        return Lattice.of(Call(trace.module, trace.inputs, trace.kwargs, trace.call, trace.output))

    def _notes(self) -> list[VGroup]:
        """What is left out, if anything."""
        shorter = int(self.lattice.input_lengths[0]) < self.lattice.log_probs.shape[0]
        needed = {
            "one_sample": len(self.lattice.labels) > 1,
            "cropped": self.board.is_cropped,
            "shorter": shorter,
        }
        steps = int(self.lattice.input_lengths[0])
        said = [self.words(key, steps=steps) for key, needs in needed.items() if needs]
        return [VGroup(self.board.note("; ".join(said)))] if said else []

    def _step(self, node: Node) -> Step:
        return self.trace.step("alpha", (0, *node))

    def _loss_step(self) -> Step:
        return self.trace.step("loss", (0,))

    def _output_step(self) -> Step:
        return self.trace.step("output", (0,) * len(self.trace.shape("output")))

    def _count(self) -> str:
        """How many paths spell the target."""
        last, places = int(self.lattice.input_lengths[0]) - 1, int(self.lattice.places[0])
        ends = [place for place in (places - 1, places - 2) if place >= 0]
        count = sum(self.trace.value("paths", (0, last, place)) for place in ends) if last >= 0 else 0
        return self.look.number(count, integer=count < _MANY)

    def _rules(self) -> list[Node]:
        """The first cell before which the blank must not be skipped, and one to which it is skipped."""
        board, skips = self.board, self.lattice.skips()[0]
        nodes = [(time, place) for time in range(1, board.times) for place in range(3, board.places, 2)]
        kept = (node for node in nodes if not bool(skips[node[1]]) and board.live(node))
        skipped = [
            node for node in nodes if bool(skips[node[1]]) and board.reached((node[0] - 1, node[1] - 2))
        ]
        fullest = max(skipped, key=lambda node: len(board.live(node)), default=None)
        return [node for node in (next(kept, None), fullest) if node is not None]

    def _told(self) -> list[Node]:
        """The cells that are told slowly."""
        board = self.board
        second = next((place for place in range(1, board.places) if len(board.live((1, place))) > 1), 0)
        first = [(1, second)] if board.times > 1 else []
        return list(dict.fromkeys([*first, *self._rules()]))

    def _column(self, time: int, key: str, told: Sequence[int]) -> Iterator[Beat]:
        """A column: the cells that are told, one after the other, then the rest of it at once."""
        for place in told:
            step = self._step((time, place))
            yield Beat(
                key,
                partial(self.board.write, [(time, place)]),
                0.4,
                1.0,
                step,
                look=partial(self.point_at, step),
            )
        rest = [(time, place) for place in range(self.board.places) if place not in told]
        if not rest:
            return
        if time == 0:
            yield Beat(key, partial(self.board.write, rest), 0.3, 0.3)
            return
        busiest = max(rest, key=lambda node: len(self.board.live(node)))
        step = self._step(busiest)
        yield Beat(
            key,
            partial(self.board.write, rest),
            0.6,
            0.2,
            step,
            look=partial(self.point_at, step),
            sweep=True,
        )

    def _result(self, key: str, step: Step) -> Beat:
        grid = self.board.loss if step.tensor == "loss" else self.board.output
        return Beat(key, partial(grid.write, (0, 0)), 0.4, 1.2, step, look=partial(self.point_at, step))

    def _spell(self, path: Sequence[Node]) -> Iterable[Animation]:
        self.marked = self.board.steps(path, self.look.theme.accent)
        self.spelt = self.board.spelt(path, self.words("paths_label", paths=self._count()))
        return [Appear(self.marked), Appear(self.spelt)]
