"""CTC loss: the probabilities of all ways to spell a target flow through a lattice and merge."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from manim import Animation, VGroup

from torchreel.scenes.loss import operators
from torchreel.scenes.loss.ctc.board import CTCBoard, Node, small
from torchreel.scenes.loss.ctc.trace import Lattice
from torchreel.scenes.parts.motion import Appear
from torchreel.scenes.parts.pointer import Pointer
from torchreel.scenes.stage.beats import Beat
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.trace.formula import Token
from torchreel.scenes.trace.operator import Call
from torchreel.scenes.trace.proof import Step

_MANY, _TINY = 10000, 0.005
_LAW = 1.8
"""How long the law stands before the first number takes its place."""


class CTCLoss(OperatorScene):
    """A sum of two cells, a blank that must not and one that may be skipped, one path, the ends, the result."""

    operator = operators.CTCLoss

    def story(self) -> Iterator[Beat]:
        self.lattice = self._lattice()
        self.board = board = CTCBoard(self.look, self.trace, self.lattice)
        self.add(board.scenery, board.place_output(self._output_step().cell), *self._notes())
        yield Beat("start", hold=_LAW)
        yield from self._column(0, "start", [min(1, board.places - 1)])
        key = "sum"
        for time in range(1, board.times):
            told = [node for node in self._told() if node[0] == time]
            key = "skip" if any(node in self._rules() for node in told) else key
            yield from self._column(time, key, [place for _, place in told])
        if path := board.likeliest():
            spell = partial(self._spell, path)
            yield Beat("spell", spell, 0.5, 1.5, self._probability(path), look=self.leave)
        yield self._result("end", self._loss_step())
        yield self._result("reduce", self._output_step())
        yield Beat("reduce", self.leave, 0.1)

    def figure(self) -> Step | None:
        """The loss, from the cells that a path may end in."""
        return self._loss_step()

    def pointing_at(self, step: Step) -> Pointer | None:
        pointer = super().pointing_at(step)
        if pointer is not None and step.tensor == "alpha":
            pointer.add(*self.board.made((step.index[1], step.index[2])))
        return pointer

    def main_source(self, step: Step) -> str:
        return (
            "alpha" if step.tensor == "loss" else "" if step.tensor == "alpha" else super().main_source(step)
        )

    def law(self) -> Sequence[Token]:
        """In square brackets what leads here only where a blank may be skipped."""
        before = "alpha_{t−1,s} + alpha_{t−1,s−1}"
        if bool(self.lattice.skips().any()):
            before += " [+ alpha_{t−1,s−2}]"
        return [Token(f"alpha_{{t,s}} = ({before}) · p_{{t,s}}")]

    def text(self, tensor: str, value: float) -> str:
        """Probabilities that round to 0 keep a digit, since the logarithm of 0 is another one."""
        if tensor in ("alpha", "p") and 0 < value < _TINY:
            return small(self.look, value)
        return super().text(tensor, value)

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
        board, lattice = self.board, self.lattice
        steps, classes = int(lattice.input_lengths[0]), lattice.log_probs.shape[-1]
        labels = int(lattice.target_lengths[0])
        needed = {
            "one_sample": len(lattice.labels) > 1,
            "some_classes": classes > len(board.classes),
            "some_steps": steps > board.times,
            "some_labels": int(lattice.places[0]) > board.places,
            "shorter": shorter,
        }
        counts = {"steps": steps, "classes": classes, "labels": labels, "samples": len(lattice.labels),
                  "drawn_steps": board.times, "drawn_labels": board.places // 2}  # fmt: skip
        said = [self.words(key, None, **counts) for key, needs in needed.items() if needs]
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
                partial(self._write, [(time, place)]),
                0.4,
                1.0,
                step,
                look=partial(self.point_at, step),
            )
        rest = [(time, place) for place in range(self.board.places) if place not in told]
        if not rest:
            return
        if time == 0:
            yield Beat(key, partial(self._write, rest), 0.3, 0.3)
            return
        busiest = max(rest, key=lambda node: len(self.board.live(node)))
        step = self._step(busiest)
        yield Beat(
            key,
            partial(self._write, rest),
            0.6,
            0.2,
            step,
            look=partial(self.point_at, step),
            sweep=True,
        )

    def _write(self, nodes: Sequence[Node]) -> list[Animation]:
        """Cells take their values, and the wires of what led to them stay."""
        wires = self.board.arrivals(nodes)
        return [*self.board.write(nodes), *([] if wires is None else [Appear(wires)])]

    def _result(self, key: str, step: Step) -> Beat:
        grid = self.board.loss if step.tensor == "loss" else self.board.output
        sign = self.board.sign(step.tensor, self._operation(step))

        def written() -> list[Animation]:
            return [*grid.write((0, 0)), *([Appear(sign)] if len(sign) else [])]

        return Beat(key, written, 0.4, 1.2, step, look=partial(self.point_at, step))

    def _operation(self, step: Step) -> str:
        """What stands before a result: how it is made of what is left of it."""
        if step.tensor == "loss":
            ends = len({index for _, index in step.reads})
            return "" if not math.isfinite(step.value) or not ends else "−log Σ" if ends > 1 else "−log"
        module: Any = self.trace.module
        one = len(self.lattice.labels) == 1
        return f"÷ {self.values()['length']}" if one and module.reduction == "mean" else ""

    def _probability(self, path: Sequence[Node]) -> list[Token]:
        """The probability of a path, by what it spells where the bar has the room."""
        product, spelt = self.board.product(path), " ".join(map(self.board.called, path))
        whole = [Token(f"P( {spelt} ) = "), *product]
        return whole if self.formula_bar.width(whole) <= 1 else [Token("P = "), *product]

    def _spell(self, path: Sequence[Node]) -> Iterable[Animation]:
        self.marked = self.board.steps(path, self.look.theme.accent)
        self.spelt = self.board.spelt(path, self.words("paths_label", paths=self._count()))
        return [Appear(self.marked), Appear(self.spelt)]
