"""AdaptiveLogSoftmaxWithLoss: frequent classes take one small softmax, rare ones a second one inside their cluster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from manim import Animation

from torchreel.scenes.activation import operators
from torchreel.scenes.activation.adaptive.board import AdaptiveSoftmaxBoard
from torchreel.scenes.activation.adaptive.trace import Routes
from torchreel.scenes.parts.places import Places
from torchreel.scenes.parts.pointer import Pointer
from torchreel.scenes.stage.beats import Beat
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.trace.formula import Index, Token
from torchreel.scenes.trace.proof import Step

_LATER, _FEW = 0.4, 3


class AdaptiveLogSoftmaxWithLoss(OperatorScene):
    """A frequent and a rare target take their ways step by step, the others quickly; then the loss."""

    operator = operators.AdaptiveLogSoftmaxWithLoss

    def story(self) -> Iterator[Beat]:
        self.routes = Routes.of(self.trace.module, self.trace.tensors["target"].reshape(-1))  # type: ignore[union-attr]
        self.board = AdaptiveSoftmaxBoard(self.look, self.trace, self.routes)
        slow = self._slow()
        self.add(self.board.scenery(), *self.board.show(slow[0], whole=False))
        if self.board.is_partial:
            self.add(self.board.note(self.words("part")))
        yield Beat("start")
        for number in slow:
            yield from self._in_full(number)
        for number in self.board.samples:
            if number not in slow:
                step, look = self._output(number), partial(self._whole, number)
                write, swept = partial(self.board.write_output, number), len(self.board.samples) > _FEW
                key = "rare" if self.routes.cluster[number] and not swept else "loss"
                yield Beat(key, write, 0.3, _LATER, step, look=look, sweep=swept)
        loss = self.trace.step("loss", ())
        yield Beat("loss", partial(self.board.loss.write, (0, 0)), 0.4, 0.8, loss, look=self._at_loss)
        yield Beat("loss", self.leave, 0.1)

    def law(self) -> list[Token]:
        shortlist = self.routes.edges[1]
        cases = (
            f"head_logprob  (target < {shortlist}),   head_logprob + tail0_logprob  (target ≥ {shortlist})"
        )
        return [Token(f"output = {cases}")]

    def formula_tokens(self, step: Step, most: int = 9) -> list[Token]:
        """A log-probability by itself: the logits that it is made of do not stand on the stage."""
        tokens = super().formula_tokens(step, most)
        return [*tokens[:2], tokens[-1]] if step.tensor.endswith("_logprob") else tokens

    def figure(self) -> Step | None:
        return self._output(self._slow()[-1])

    def selects(self, tensor: str, index: Index) -> Iterator[tuple[str, Index]]:
        """A target says which class's value is taken."""
        number = self._sample(tensor, index)
        if number is not None:
            yield "target", self.board.output_index(number)

    def pointing_at(self, step: Step) -> Pointer | None:
        """A log-probability is made of a sample's whole input; the target says which one is taken."""
        number = self._sample(step.tensor, step.index)
        if number is None:
            return super().pointing_at(step)
        places = Places(self.staged)
        target = places[(step.tensor, step.index)]
        at = self.board.output_index(number)
        row = [("input", (*at, k)) for k in range(self._features(step.tensor))]
        terms = list(step.reads) if step.tensor == "output" else []
        sources = places.of([*terms, *row, ("target", at)])
        if target is None:
            return None
        pointer = Pointer(self.look, target, sources)
        read = [name for name, _ in terms] or [step.tensor]
        out = self.board.ways_out(number) if terms else []
        return pointer.add(*self.board.ways_in(number, read), *out)

    def _features(self, tensor: str) -> int:
        """How many features a log-probability is made of: none inside a cluster whose projection has no width."""
        hidden = tensor.replace("_logprob", "_hidden")
        narrow = hidden != tensor and hidden in self.trace.tensors and not self.trace.shape(hidden)[-1]
        return 0 if narrow else self.trace.shape("input")[-1]

    def _sample(self, tensor: str, index: Index) -> int | None:
        """The sample that an element of the head, a tail or the output belongs to."""
        if tensor == "output":
            return index[0] if index else 0
        if not tensor.endswith("_logprob"):
            return None
        if tensor == "head_logprob":
            return index[0]
        rows = tensor.replace("_logprob", "_rows")
        return int(self.trace.value(rows, (index[0],)))

    def _output(self, number: int) -> Step:
        return self.trace.step("output", self.board.output_index(number))

    def _slow(self) -> list[int]:
        """The first sample of each kind: with a frequent target, with a rare one."""
        first: dict[bool, int] = {}
        for number in self.board.samples:
            first.setdefault(bool(self.routes.cluster[number]), number)
        return [first[kind] for kind in sorted(first)]

    def _in_full(self, number: int) -> Iterator[Beat]:
        cluster, place = int(self.routes.cluster[number]), int(self.routes.place[number])
        values: dict[str, object] = {
            "target": int(self.trace.value("target", self.board.output_index(number)))
        }
        in_head = self.board.head_place(number)
        head = self.trace.step("head_logprob", (number, in_head))
        key = "cluster" if cluster else "frequent"
        yield Beat(
            key, partial(self._write, "head"), 0.4, 0.8, head, values, look=partial(self._begin, number, head)
        )
        if cluster:
            row = int((self.routes.cluster[:number] == cluster).sum())
            tail = self.trace.step(f"tail{cluster - 1}_logprob", (row, place))
            yield Beat(
                "tail", partial(self._write, f"tail{cluster - 1}"), 0.4, 0.8, tail, values,
                look=partial(self._enter, number, tail),
            )  # fmt: skip
        step = self._output(number)
        yield Beat(
            "rare" if cluster else "frequent", partial(self.board.write_output, number), 0.4, 0.8, step, values,
            look=partial(self.point_at, step),
        )  # fmt: skip

    def _begin(self, number: int, step: Step) -> Sequence[Animation]:
        """Another sample comes into the head, whose numbers are not there yet."""
        self._put(number, whole=False)
        return self.point_at(step)

    def _enter(self, number: int, step: Step) -> Sequence[Animation]:
        return [*self.board.light(number), *self.point_at(step)]

    def _whole(self, number: int) -> Sequence[Animation]:
        self._put(number, whole=True)
        return [*self.board.light(number), *self.point_at(self._output(number))]

    def _at_loss(self) -> Sequence[Animation]:
        """The sample of the last picture is on the stage again."""
        number = self._slow()[-1]
        self._put(number, whole=True)
        return [*self.board.light(number), *self.point_at(self.trace.step("loss", ()))]

    def _put(self, number: int, whole: bool) -> None:
        self.remove(*self.board.everything(), self.marked)
        self.add(*self.board.show(number, whole))

    def _write(self, name: str) -> Sequence[Animation]:
        grid = self.board.grids.get(name)
        return [] if grid is None else grid.write_all()
