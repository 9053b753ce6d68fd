"""How a loss of vectors is told: one sample slowly from its picture to its loss, the others, then the reduction.

A subclass says which tensors stand in the table (`columns`) and in `acts` what is drawn of a sample, act by act. The
last picture is that of one sample: the one that costs most.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from manim import Animation, VGroup

from torchreel.scenes.loss.board import aligned_index
from torchreel.scenes.loss.story import LossScene
from torchreel.scenes.loss.vector.board import Column, VectorBoard
from torchreel.scenes.parts.mathtext import width
from torchreel.scenes.parts.motion import Appear
from torchreel.scenes.parts.pointer import Pointer
from torchreel.scenes.stage.beats import Beat
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.trace.formula import Index, Token
from torchreel.scenes.trace.proof import Step

_MOST = 4


@dataclass(frozen=True)
class LossAct:
    """One act of a sample: the caption it speaks, what comes on stage, the tensors it writes, and the formula it shows.

    `rows` are the samples of which `writes` are written, by default the one that is told.
    """

    key: str
    shown: VGroup = field(default_factory=VGroup)
    formula: Step | None = None
    writes: Sequence[str] = ()
    values: Mapping[str, object] = field(default_factory=dict)
    rows: Sequence[Index] | None = None


class VectorLoss(LossScene):
    """The base of all clips of losses of vectors."""

    height = 3.0
    """The height of the picture under the table."""
    keeps_pictures = False
    """Whether the pictures of the samples gather in one, such as dots on a curve."""

    @property
    def picture(self) -> float:
        """The height of the picture, less where a row stands under the table."""
        return max(0.0, self.height - (0.85 if self.under() else 0.0))

    def columns(self) -> list[Column]:
        """The tensors of the table in order; the last one is `loss`."""
        raise NotImplementedError

    def under(self) -> tuple[str, Column] | None:
        """A row under one of the columns."""
        return None

    def acts(self, sample: Index) -> Iterator[LossAct]:
        """What is drawn of one sample, from its data to what its loss is made of; the first act is there at once."""
        raise NotImplementedError

    def scenery(self) -> VGroup:
        """What stands in the picture whatever the sample is."""
        return VGroup()

    def story(self) -> Iterator[Beat]:
        shape = self.trace.shape("loss")
        self.samples = list(itertools.islice(itertools.product(*map(range, shape)), _MOST))
        if not self.samples:
            yield from self.without_losses()
            return
        self.board = VectorBoard(
            self.look,
            self.trace,
            self.samples,
            self.columns(),
            self.picture,
            self.under(),
            self.words("slot"),
            max(map(self.sign, self.samples), key=lambda sign: width(sign, 1.0)),
        )
        self.board.place_output(self._output_cell(), self._operation())
        backdrop = self.scenery()
        first = list(self.acts(self.samples[0]))
        self.shown = VGroup(first[0].shown)
        self.add(self.board.scenery, backdrop, self.shown, *self._note())
        yield Beat("start", values=dict(first[0].values))
        yield from self._told(first[1:], self.samples[0])
        for sample in self.samples[1:]:
            yield self._swept(sample)
        yield self._reduced()
        yield replace(self._reduced(), animate=self.leave, run_time=0.1, hold=0.0, formula=None, look=None)

    def figure(self) -> Step | None:
        """The sample that costs most."""
        tensor, index = ("loss", self._figure_sample()) if self.samples else ("output", ())
        return self.trace.step(tensor, index)

    def aligned(self, tensor: str, sample: Index) -> Index:
        """Where a broadcast tensor is read for a sample."""
        return aligned_index(sample, self.trace.shape(tensor))

    def outcome(self, sample: Index) -> str:
        """The caption that ends a sample: whether it costs anything."""
        return "zero" if self.trace.value("loss", sample) == 0 else "keep"

    def sign(self, sample: Index) -> str:
        """What is done with a sample's row to make its loss, as a sign that stands before it."""
        return ""

    def _operation(self) -> str:
        """What the reduction does with the losses, as a sign."""
        if self.module.reduction != "mean" or not self.samples:
            return "Σ" if self.module.reduction == "sum" else ""
        by = self.trace.step("output", ()).tokens(lambda name, value: "", 2)
        if any(token.tensor == "w" for token in by):
            return "Σ ÷ Σw"
        return f"Σ ÷ {by[-1].text}"

    def marks(self, step: Step) -> VGroup:
        """What belongs to the pointer of a loss beside the frames."""
        return VGroup()

    def pointing_at(self, step: Step) -> Pointer | None:
        pointer = super().pointing_at(step)
        if pointer is not None and step.tensor == "loss":
            pointer.add(*self.board.sign(self.sign(step.index), step.index), *self.marks(step))
        return pointer

    def formula_tokens(self, step: Step, most: int = 9) -> list[Token]:
        return OperatorScene.formula_tokens(self, step, most)

    def written(self, values: Sequence[float]) -> str:
        """`tensor([1., 2.5])`."""
        return f"tensor([{', '.join(f'{value:g}' + '.' * (value == int(value)) for value in values)}])"

    def _told(self, acts: Sequence[LossAct], sample: Index) -> Iterator[Beat]:
        for act in acts:
            look = self.leave if act.formula is None else partial(self.point_at, act.formula)
            yield Beat(
                act.key, partial(self._show, act, sample), 0.5, 0.5, act.formula, dict(act.values), look=look
            )
        step = self.trace.step("loss", sample)
        yield Beat(
            self.outcome(sample),
            partial(self.board.row, "loss", sample),
            0.4,
            0.8,
            step,
            look=partial(self.point_at, step),
        )

    def _swept(self, sample: Index) -> Beat:
        step = self.trace.step("loss", sample)
        return Beat(
            self._swept_key(sample),
            partial(self.board.row, "loss", sample),
            0.4,
            0.8,
            step,
            look=partial(self._turn, sample, step),
        )

    def _swept_key(self, sample: Index) -> str:
        """The caption of a further sample: what is new of it, if there are but two kinds of them in a row."""
        kinds = [kind for kind, _ in itertools.groupby(map(self.outcome, self.samples))]
        return self.outcome(sample) if len(kinds) == 2 else "next"

    def _turn(self, sample: Index, step: Step) -> list[Animation]:
        """To another sample: its picture, what its loss is made of, the pointer."""
        return [*self._picture(sample), *self.point_at(step)]

    def _picture(self, sample: Index) -> list[Animation]:
        acts = list(self.acts(sample))
        if not self.keeps_pictures:
            self.remove(self.shown, *self.shown.submobjects)
            self.shown = VGroup()
        fresh = VGroup(*(act.shown for act in acts))
        self.shown.add(fresh)
        self.add(fresh)
        written = dict.fromkeys(name for act in acts for name in act.writes)
        return [move for name in written for move in self._fill(name, sample)]

    def _fill(self, tensor: str, sample: Index) -> list[Animation]:
        grid, row = self.board.grids[tensor], self.samples.index(sample)
        return [] if (row, 0) in grid.numbers else self.board.row(tensor, sample)

    def _show(self, act: LossAct, sample: Index) -> Iterable[Animation]:
        self.shown.add(act.shown)
        rows = [sample] if act.rows is None else act.rows
        cells = [move for name in act.writes for row in rows for move in self.board.row(name, row)]
        return [*cells, *([Appear(act.shown)] if act.shown.submobjects else [])]

    def _note(self) -> list[VGroup]:
        count = math.prod(self.trace.shape("loss"))
        cropped = count > len(self.samples) or any(
            math.prod(self.trace.shape(one.tensor)) > len(one.slots) * count for one in self.board.columns
        )
        return [VGroup(self.board.note(self.words("cropped")))] if cropped else []

    def _output_cell(self) -> Index:
        whole, shown = self.trace.shape("output"), self._figure_sample()
        return (*shown[: len(whole)], *(0,) * (len(whole) - len(shown)))

    def _figure_sample(self) -> Index:
        losses = {sample: self.trace.value("loss", sample) for sample in self.samples}
        known = {sample: loss for sample, loss in losses.items() if math.isfinite(loss)}
        return max(known, key=lambda sample: (known[sample], sample)) if known else self.samples[-1]

    def _reduced(self) -> Beat:
        step = self.trace.step("output", self._output_cell())
        values: dict[str, object] = {"count": math.prod(self.trace.shape("loss"))}
        return Beat("reduce", self._result, 0.5, 1.0, step, values, look=partial(self._gather, step))

    def _gather(self, step: Step) -> list[Animation]:
        """The picture is that of the sample that the last frame explains."""
        sample = self._figure_sample()
        moves = [] if self.keeps_pictures or sample == self.samples[-1] else self._picture(sample)
        return [*moves, *self.point_at(step)]

    def _result(self) -> list[Animation]:
        return self.board.grids["output"].write((0, 0))
