"""How a loss of vectors is told: one sample at a time from its picture to its loss, then the reduction.

A subclass says in `acts` what is drawn of a sample, act by act. The first sample is told act by act, the others at
once; each ends with its loss. What reduces the losses to torch's output is the last act.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from manim import Animation, VGroup

from torchreel.scenes.loss.story import LossScene
from torchreel.scenes.loss.vector.board import VectorBoard
from torchreel.scenes.loss.vector.chart import Bar
from torchreel.scenes.parts.family import family
from torchreel.scenes.parts.motion import Appear
from torchreel.scenes.stage.beats import Beat
from torchreel.scenes.trace.formula import Index, Token
from torchreel.scenes.trace.proof import Step

_MOST = 4


@dataclass(frozen=True)
class LossAct:
    """One act of a sample: the caption it speaks, what comes on stage, and the formula it shows."""

    key: str
    shown: VGroup
    formula: Step | Sequence[Token] | None = None
    hold: float = 0.9
    values: dict[str, object] = field(default_factory=dict)


class VectorLoss(LossScene):
    """The base of all clips of losses of vectors."""

    weights = ""
    """The tensor of weights that a weighted mean divides by, if the loss may have one."""

    def acts(self, sample: Index) -> Iterator[LossAct]:
        """What is drawn of one sample, from its data to what its loss is made of."""
        raise NotImplementedError

    def story(self) -> Iterator[Beat]:
        shape = self.trace.shape("loss")
        cells = list(itertools.islice(itertools.product(*map(range, shape)), _MOST))
        if not cells:
            yield from self._empty()
            return
        self.board = VectorBoard(self.look, self.trace, cells, self.weights)
        first = list(self.acts(cells[0]))
        self.picture = VGroup(first[0].shown)
        self.add(self.board.losses, self.picture, *self.board.columns[1:])
        also = ("cropped",) if math.prod(shape) > len(cells) else ()
        yield Beat("start", hold=2.0, formula=self.law(), also=also)
        for number, sample in enumerate(cells):
            yield from self._told(first, sample) if number == 0 else self._swept(sample)
        yield from self._reduced()

    def written(self, values: Sequence[float]) -> str:
        """`tensor([1., 2.5])`."""
        return f"tensor([{', '.join(f'{value:g}' + '.' * (value == int(value)) for value in values)}])"

    def outcome(self, sample: Index) -> str:
        """The caption that ends a sample: whether it costs anything."""
        return "zero" if self.trace.value("loss", sample) == 0 else "keep"

    def _told(self, acts: Sequence[LossAct], sample: Index) -> Iterator[Beat]:
        yield Beat(acts[0].key, hold=acts[0].hold + 0.5, formula=acts[0].formula, values=acts[0].values)
        for act in acts[1:]:
            yield Beat(act.key, partial(self._show, act), 0.5, act.hold, act.formula, act.values)
        yield self._kept(sample, 1.3)

    def _swept(self, sample: Index) -> Iterator[Beat]:
        acts = list(self.acts(sample))
        whole = VGroup(*(act.shown for act in acts))
        yield Beat("next", partial(self._replace, whole), 0.3, 0.7, self.law(), {"sample": _name(sample)})
        yield self._kept(sample, 1.1)

    def _kept(self, sample: Index, hold: float) -> Beat:
        step = self.trace.step("loss", sample)
        values: dict[str, object] = {"loss": self.text("loss", step.value)}
        return Beat(self.outcome(sample), partial(self.board.write, sample), 0.4, hold, step, values)

    def _show(self, act: LossAct) -> Iterable[Animation]:
        self.picture.add(act.shown)
        return [*_grown(act.shown), Appear(act.shown)] if act.shown.submobjects else []

    def _replace(self, whole: VGroup) -> Iterable[Animation]:
        self.remove(self.picture, *self.picture.submobjects)
        self.picture = whole
        self.add(whole)
        return [*self.board.leave(), *_grown(whole)]

    def _reduced(self) -> Iterator[Beat]:
        reduction: str = self.module.reduction
        whole = self.trace.shape("output")
        cell = self.board.losses.cells[0] if reduction == "none" else (0,) * len(whole)
        cell = cell[: len(whole)] or (0,) * len(whole)
        step = self.trace.step("output", cell)
        if reduction == "none":
            yield Beat("none", self.board.leave, 0.4, 1.2, step)
            return
        values: dict[str, object] = {
            "output": self.text("output", step.value),
            "count": math.prod(self.trace.shape("loss")),
        }
        yield Beat(self.divided(reduction), partial(self._fall, cell), 0.8, 1.8, step, values)

    def divided(self, reduction: str) -> str:
        """The caption of the reduction."""
        return "weighted" if reduction == "mean" and self.board.side else reduction

    def _fall(self, cell: Index) -> Iterable[Animation]:
        result, falling = self.board.result(cell), self.board.copies()
        self.add(result, *falling)
        return self.board.join(falling, result)


def _grown(shown: VGroup) -> list[Animation]:
    """The bars among what is shown rise."""
    return [part.grow() for part in family([shown]) if isinstance(part, Bar)]


def _name(sample: Index) -> str:
    return ", ".join(map(str, sample))
