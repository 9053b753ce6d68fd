"""The stage of the losses of vectors: a picture for one sample at a time, the column of losses, and the reduction.

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

from torchreel.scenes.loss.vector.parts import Bar, Column
from torchreel.scenes.parts.family import family
from torchreel.scenes.parts.motion import Appear, Move, Vanish
from torchreel.scenes.parts.shapes import Arrow
from torchreel.scenes.stage.beats import Beat
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.trace.formula import Index, Token
from torchreel.scenes.trace.proof import Step

_MOST = 4
_COLUMN_X, _TOP, _BOTTOM = 5.55, 2.35, -0.35
_OUTPUT_Y = -1.75
_COLUMN = (_COLUMN_X, _TOP, _BOTTOM)


@dataclass(frozen=True)
class Act:
    """One act of a sample: the caption it speaks, what comes on stage, and the formula it shows."""

    key: str
    shown: VGroup
    formula: Step | Sequence[Token] | None = None
    hold: float = 0.9
    values: dict[str, object] = field(default_factory=dict)


class VectorLoss(OperatorScene):
    """The base of all clips of losses of vectors."""

    weights = ""

    def acts(self, sample: Index) -> Iterator[Act]:
        """What is drawn of one sample, from its data to what its loss is made of."""
        raise NotImplementedError

    def story(self) -> Iterator[Beat]:
        shape = self.trace.shape("loss")
        cells = list(itertools.islice(itertools.product(*map(range, shape)), _MOST))
        if not cells:
            yield from self._empty()
            return
        self.side = self._side(cells)
        self.column = Column(self.look, self.trace, "loss", cells, _COLUMN, indexed=self.side is None)
        first = list(self.acts(cells[0]))
        self.picture = VGroup(first[0].shown)
        self.add(self.column, self.picture, *([self.side] if self.side else []))
        also = ("cropped",) if math.prod(shape) > len(cells) else ()
        yield Beat("start", hold=2.0, formula=self.law(), also=also)
        for number, sample in enumerate(cells):
            yield from self._told(first, sample) if number == 0 else self._swept(sample)
        yield from self._reduced()

    def law(self) -> Sequence[Token] | None:
        """The loss as torch defines it, in symbols."""
        return [Token(self.words("law"))]

    def call(self) -> list[tuple[str, bool]]:
        """Tensors among the arguments are written as torch does."""
        pieces = super().call()
        shown = {
            f"{name}={value!r}": f"{name}={_tensor(value)}"
            for name, value in self.trace.kwargs.items()
            if isinstance(value, (tuple, list))
        }
        return [(shown.get(text, text), focus) for text, focus in pieces]

    def formula_tokens(self, step: Step, most: int = 4) -> list[Token]:
        """A result without dimensions is named without an index."""
        tokens = super().formula_tokens(step, most)
        return tokens if step.index else [Token(f"{step.tensor} = "), *tokens[1:]]

    def outcome(self, sample: Index) -> str:
        """The caption that ends a sample: whether it costs anything."""
        return "zero" if self.trace.value("loss", sample) == 0 else "keep"

    def _told(self, acts: Sequence[Act], sample: Index) -> Iterator[Beat]:
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
        return Beat(self.outcome(sample), partial(self._write, sample), 0.4, hold, step, values)

    def _show(self, act: Act) -> Iterable[Animation]:
        self.picture.add(act.shown)
        return [*_grown(act.shown), Appear(act.shown)] if act.shown.submobjects else []

    def _replace(self, whole: VGroup) -> Iterable[Animation]:
        self.remove(self.picture, *self.picture.submobjects)
        self.picture = whole
        self.add(whole)
        return [*self._left(), *_grown(whole)]

    def _write(self, sample: Index) -> Iterable[Animation]:
        moves = self.column.write(sample)
        return [*moves, *(self.side.write(sample) if self.side else [])]

    def _side(self, cells: list[Index]) -> Column | None:
        """The weights that a weighted mean divides by, beside the losses."""
        if not self.weights or self.weights not in self.trace.tensors:
            return None
        place = (_COLUMN_X - 1.35, _TOP, _BOTTOM)
        return Column(self.look, self.trace, self.weights, cells, place)

    def _reduced(self) -> Iterator[Beat]:
        reduction: str = self.trace.module.reduction  # type: ignore[union-attr, assignment]
        whole = self.trace.shape("output")
        cell = self.column.cells[0] if reduction == "none" else (0,) * len(whole)
        cell = cell[: len(whole)] or (0,) * len(whole)
        step = self.trace.step("output", cell)
        if reduction == "none":
            yield Beat("none", self._finish, 0.4, 1.2, step)
            return
        self.result = Column(self.look, self.trace, "output", [cell], (_COLUMN_X, _OUTPUT_Y + 0.35, _OUTPUT_Y - 0.35),
                             indexed=False)  # fmt: skip
        values: dict[str, object] = {
            "output": self.text("output", step.value),
            "count": math.prod(self.trace.shape("loss")),
        }
        yield Beat(self.divided(reduction), partial(self._fall, cell), 0.8, 1.8, step, values)

    def divided(self, reduction: str) -> str:
        """The caption of the reduction."""
        return "weighted" if reduction == "mean" and self.side else reduction

    def _finish(self) -> Iterable[Animation]:
        return self._left()

    def _left(self) -> list[Animation]:
        """The frames leave the columns."""
        return [column.leave() for column in (self.column, self.side) if column is not None]

    def _fall(self, cell: Index) -> Iterable[Animation]:
        """The losses are joined into one number below them."""
        theme = self.look.theme
        arrow = Arrow([(_COLUMN_X, self.column.bottom - 0.12), (_COLUMN_X, _OUTPUT_Y + 0.75)], theme.wire)
        falling = [number.copy() for number in self.column.grid.numbers.values()]
        center = self.result.grid.center((0, 0))
        self.add(self.result, *falling)
        moves = [move for one in falling for move in (Move(one, to=tuple(center)), Vanish(one, quick=0.8))]
        return [*self._left(), *moves, Appear(arrow), *self.result.write(cell)]


def _grown(shown: VGroup) -> list[Animation]:
    """The bars among what is shown rise."""
    return [part.grow() for part in family([shown]) if isinstance(part, Bar)]


def _tensor(values: Sequence[float]) -> str:
    """`tensor([1., 2.5])`."""
    return f"tensor([{', '.join(f'{value:g}' + '.' * (value == int(value)) for value in values)}])"


def _name(sample: Index) -> str:
    return ", ".join(map(str, sample))
