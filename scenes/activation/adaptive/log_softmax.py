"""AdaptiveLogSoftmaxWithLoss: frequent classes take one small softmax, rare ones a second one inside their cluster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from manim import Animation

from torchreel.scenes.activation import operators
from torchreel.scenes.activation.adaptive.board import AdaptiveSoftmaxBoard
from torchreel.scenes.activation.adaptive.trace import Routes
from torchreel.scenes.parts.motion import Vanish, sweep_times
from torchreel.scenes.stage.beats import Beat
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.trace.formula import Token


class AdaptiveLogSoftmaxWithLoss(OperatorScene):
    """A frequent and a rare target take their routes step by step, the others quickly; then the loss."""

    operator = operators.AdaptiveLogSoftmaxWithLoss

    def story(self) -> Iterator[Beat]:
        self.routes = Routes.of(self.trace.module, self.trace.tensors["target"].reshape(-1))  # type: ignore[union-attr]
        self.board = AdaptiveSoftmaxBoard(self.look, self.trace, self.routes)
        slow = self._slow()
        self.add(self.board.scenery(), *self.board.show(slow[0], whole=False))
        law = [Token("output = log P(class)  =  log P(cluster) + log P(class | cluster)")]
        also = ("part",) if self.board.is_partial else ()
        yield Beat("start", run_time=1.9, formula=law, also=also)
        for number in slow:
            yield from self._in_full(number)
        rest = [number for number in self.board.samples if number not in slow]
        for number, seconds in zip(rest, sweep_times(len(rest), 0.9, 0.5), strict=True):
            step = self.trace.step("output", self.board.output_index(number))
            yield Beat("sweep", partial(self._sweep, number), 0.5, seconds, step)
        yield Beat("loss", self._loss, 0.5, 1.0, self.trace.step("loss", ()))
        yield Beat("done", self._finish, 0.4, 1.0)

    def values(self) -> dict[str, object]:
        module: Any = self.trace.module
        return {
            "shortlist": module.shortlist_size,
            "head": module.head_size,
            "classes": module.n_classes,
        }

    def call(self) -> list[tuple[str, bool]]:
        """The arguments alone: with the class's long name, which is the title, they would not fit."""
        return [("(", False), *super().call()[1:]]

    def _slow(self) -> list[int]:
        """The first sample of each kind: with a frequent target, with a rare one."""
        first: dict[bool, int] = {}
        for number in self.board.samples:
            first.setdefault(bool(self.routes.cluster[number]), number)
        return sorted(first.values())

    def _in_full(self, number: int) -> Iterator[Beat]:
        values, cluster = self._facts(number), int(self.routes.cluster[number])
        place = int(self.routes.place[number])
        step = self.trace.step("output", self.board.output_index(number))
        in_head = place if not cluster else self.routes.edges[1] + cluster - 1
        head = self.trace.step("head_logprob", (number, in_head))
        yield Beat("head", partial(self._head, number), 0.7, 0.8, head, values)
        if not cluster:
            yield Beat("frequent", partial(self._take, number, "head"), 0.6, 1.1, step, values)
            return
        row = int((self.routes.cluster[:number] == cluster).sum())
        tail = self.trace.step(f"tail{cluster - 1}_logprob", (row, place))
        yield Beat("cluster", partial(self._choose, number), 0.6, 0.8, head, values)
        yield Beat("tail", partial(self._tail, number), 0.7, 0.9, tail, values)
        yield Beat("rare", partial(self._take, number, "tail"), 0.6, 1.1, step, values)

    def _facts(self, number: int) -> dict[str, object]:
        module: Any = self.trace.module
        cluster, edges = int(self.routes.cluster[number]), self.routes.edges
        index = self.board.output_index(number)
        hidden = module.tail[cluster - 1][0].out_features if cluster else 0
        return {
            "sample": number,
            "target": int(self.trace.value("target", index)),
            "value": self.text("output", self.trace.value("output", index)),
            "low": edges[cluster],
            "high": edges[cluster + 1] - 1,
            "size": edges[cluster + 1] - edges[cluster],
            "hidden": hidden,
        }

    def _head(self, number: int) -> Iterable[Animation]:
        self.remove(*self.board.everything())
        self.add(*self.board.show(number, whole=False))
        cursors = self.board.cursors.on(*self.board.rings(number, "target"))
        calm = [move for wire in self.board.wires.values() for move in wire.rest()]
        return [*cursors, *calm, *self.board.grids["head"].write_all()]

    def _choose(self, number: int) -> Iterable[Animation]:
        return [
            *self.board.cursors.on(*self.board.rings(number, "target", "head")),
            *self.board.light(number),
        ]

    def _tail(self, number: int) -> Iterable[Animation]:
        grid = self.board.grids.get(f"tail{int(self.routes.cluster[number]) - 1}")
        frames = self.board.rings(number, "target", "head", "tail")
        return [*self.board.cursors.on(*frames), *(grid.write_all() if grid else [])]

    def _take(self, number: int, last: str) -> Iterable[Animation]:
        """The output is written, from the cell that completes it."""
        names = ("head",) if last == "head" else ("head", "tail")
        frames = self.board.rings(number, *names, "output")
        at = self.board.rings(number, last)
        start = (at[0].min(0) + at[0].max(0)) / 2 if at else None
        return [*self.board.cursors.on(*frames), *self.board.write_output(number, start)]

    def _sweep(self, number: int) -> Iterable[Animation]:
        self.remove(*self.board.everything())
        self.add(*self.board.show(number, whole=True))
        last = "tail" if self.routes.cluster[number] else "head"
        return [*self._take(number, last), *self.board.light(number)]

    def _loss(self) -> Iterable[Animation]:
        frames = [self.board.columns["output"].around(), self.board.loss.around()]
        return [*self.board.cursors.on(*frames), *self.board.loss.write((0, 0))]

    def _finish(self) -> Iterable[Animation]:
        return [Vanish(shape) for shape in self.board.cursors.shapes]
