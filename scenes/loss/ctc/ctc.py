"""CTC loss: the probabilities of all ways to spell a target flow through a lattice and merge."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from manim import Animation, VGroup

from torchreel.scenes.loss import operators
from torchreel.scenes.loss.ctc.board import CTCBoard, Node
from torchreel.scenes.loss.ctc.trace import Lattice
from torchreel.scenes.parts.motion import Appear, sweep_times
from torchreel.scenes.parts.shapes import Arrow, Box, Path
from torchreel.scenes.stage.beats import Beat
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.trace.formula import Token
from torchreel.scenes.trace.operator import Call
from torchreel.scenes.trace.proof import Step

_RESULT_X = 5.0
_LINES = {"paths": 2.3, "nll": 0.75, "output": -0.85}


class CTCLoss(OperatorScene):
    """Two cells are worked out, the columns follow, the paths that spell the target are lit, the ends merge."""

    operator = operators.CTCLoss

    def story(self) -> Iterator[Beat]:
        self.lattice = self._lattice()
        self.board = board = CTCBoard(self.look, self.trace, self.lattice)
        self.edges: dict[tuple[Node, Node], Path] = {}
        self.passing = VGroup()
        self.add(board.scenery)
        yield Beat("start", run_time=1.6, also=self._reading())
        yield Beat("first", self._begin, 0.4, 1.0, self._step((0, min(1, board.places - 1))))
        yield from self._explained()
        rest = range(1, board.times)
        for time, seconds in zip(rest, sweep_times(len(rest), 0.6, 0.4), strict=True):
            node = (time, self._busiest(time))
            yield Beat("flow", partial(self._column, time), seconds, 0.2, self._step(node))
        yield Beat("spell", self._light, 0.5, 1.2, values={"paths": self._count()})
        yield Beat("end", partial(self._result, "nll"), 0.4, 1.2, self.trace.step("nll", (0,)))
        key = "reduce" if self.trace.module is not None and self.values()["reduction"] == "mean" else "whole"
        yield Beat(key, partial(self._result, "output"), 0.4, 1.2, self._output_step())

    def values(self) -> dict[str, object]:
        module: Any = self.trace.module
        targets: Any = self.trace.tensors["lengths"]
        return {
            "reduction": module.reduction,
            "length": int(targets[0]) if len(targets) else 0,
            "samples": len(targets),
            "blank": module.blank,
        }

    def _lattice(self) -> Lattice:
        trace = self.trace
        return Lattice.of(Call(trace.module, trace.inputs, trace.kwargs, trace.call, trace.output))

    def _reading(self) -> tuple[str, ...]:
        needed = {"one_sample": len(self.lattice.labels) > 1, "cropped": self.board.is_cropped}
        return tuple(key for key, needs in needed.items() if needs)

    def _step(self, node: Node) -> Step:
        return self.trace.step("alpha", (0, *node))

    def _output_step(self) -> Step:
        return self.trace.step("output", (0,) * len(self.trace.shape("output")))

    def _count(self) -> str:
        """How many paths spell the target."""
        last, places = int(self.lattice.input_lengths[0]) - 1, int(self.lattice.places[0])
        ends = [place for place in (places - 1, places - 2) if place >= 0]
        return self.look.number(sum(self.trace.value("paths", (0, last, place)) for place in ends), True)

    def _begin(self) -> Iterable[Animation]:
        return [move for place in range(min(2, self.board.places)) for move in self.board.write((0, place))]

    def _explained(self) -> Iterator[Beat]:
        """A place that may be skipped to, and a repeated label, before which the blank must not be skipped."""
        board, skips = self.board, self.lattice.skips()[0]
        labels = range(3, board.places, 2)
        allowed = next((place for place in labels if bool(skips[place])), None)
        forbidden = next((place for place in labels if not bool(skips[place])), None)
        for key, place, sources in (("skip", allowed, 3), ("repeat", forbidden, 2)):
            if place is not None and board.times > 1:
                yield Beat(
                    key,
                    partial(self._rule, place),
                    0.5,
                    1.5,
                    self._law(sources),
                    {"label": int(self.lattice.labels[0, place])},
                )

    def _law(self, sources: int) -> list[Token]:
        """The formula of a cell that so many cells of the step before lead to."""
        before = ", ".join(f"alpha[t−1, s{f'−{back}' if back else ''}]" for back in range(sources))
        return [Token(f"alpha[t, s] = logsumexp({before}) + log_probs[t, label]")]

    def _rule(self, place: int) -> Iterable[Animation]:
        """The steps into one place of the second column, whether or not anything comes that way."""
        self.remove(self.passing)
        node = (1, place)
        edges = [(source, node) for source in self.board.sources(node)]
        lines = self.board.lines(edges, self.look.theme.accent, 5.0)
        self.passing = VGroup(*lines, self.board.ring(node))
        return [Appear(self.passing)]

    def _busiest(self, time: int) -> int:
        """The place of a column that most steps lead to."""
        return max(range(self.board.places), key=lambda place: (len(self.board.live((time, place))), -place))

    def _column(self, time: int) -> Iterable[Animation]:
        """The steps into a column are drawn and its cells written; one cell is marked, whose formula is shown."""
        self.remove(self.passing)
        board = self.board
        edges = [edge for place in range(board.places) for edge in board.live((time, place))]
        lines = board.lines(edges, self.look.theme.wire, 2.0)
        self.edges |= dict(zip(edges, lines, strict=True))
        marked = (time, self._busiest(time))
        self.passing = VGroup(board.ring(marked), board.emission(marked))
        self.add(*lines, self.passing)
        return [move for place in range(board.places) for move in board.write((time, place))]

    def _light(self) -> Iterable[Animation]:
        self.remove(self.passing)
        lit = [] if self.board.is_cropped else self.board.on_target()
        self.remove(*(line for edge, line in self.edges.items() if edge in set(lit)))
        bright = VGroup(*self.board.lines(lit, self.look.theme.accent, 5.0))
        return [Appear(bright), *([] if self.board.is_cropped else self._result("paths"))]

    def _result(self, name: str) -> list[Animation]:
        """A value at the right, under its name; each comes from the one above it."""
        board, theme, y = self.board, self.look.theme, _LINES[name]
        if name == "paths":
            sign = board.label(self._count(), (_RESULT_X, y), 0.4, theme.accent, "bold")
            label = board.label(self.words("paths_label"), (_RESULT_X, y + 0.42), 0.22, font="sans")
            return [Appear(VGroup(sign, label))]
        step = self.trace.step("nll", (0,)) if name == "nll" else self._output_step()
        number = board.number(name, step.index, 0.36, font="bold", value=step.value)
        box = Box(1.9, 0.75, (_RESULT_X, y), 0.1, fill=theme.bar, stroke=theme.accent, stroke_width=3)
        label = board.label(name, (_RESULT_X, y + 0.56))
        parts = VGroup(box, number.place((_RESULT_X, y)), label)
        if name == "output":
            parts.add(Arrow([(_RESULT_X, _LINES["nll"] - 0.4), (_RESULT_X, y + 0.75)], theme.wire, head=0.16))
        return [Appear(parts)]
