"""Losses with a margin: a right score has to lead every wrong one by the margin; what is lacking is lost."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from manim import VGroup

from torchreel.scenes.loss import operators
from torchreel.scenes.loss.vector.board import Column
from torchreel.scenes.loss.vector.chart import Chart
from torchreel.scenes.loss.vector.slots import shown_slots
from torchreel.scenes.loss.vector.story import LossAct, VectorLoss
from torchreel.scenes.trace.formula import Index, Token, number_text

RIGHT, WRONG = 0, 1
"""The identifying colours of what should be high and of what should be low."""
_STRONG = 0.5


class Fenced(VectorLoss):
    """Bars of scores, and a fence at the right score less the margin: what stands above it is lost."""

    height = 2.95

    def values(self) -> dict[str, object]:
        return {"margin": self.look.said(self.margin)}

    @property
    def margin(self) -> float:
        """The margin; a loss that has no setting for it takes 1."""
        return float(getattr(self.module, "margin", 1.0))

    @property
    def margin_text(self) -> str:
        """The margin as it is written."""
        return number_text(self.margin)

    def hue(self, number: int) -> str:
        """The fill of a bar."""
        theme = self.look.theme
        return theme.tint(theme.channel(number), _STRONG)

    def fence(self, chart: Chart, tensor: str, score: float) -> VGroup:
        """The fence and the zone below it where nothing is lost."""
        level = score - self.margin
        less = self.margin_text if self.margin >= 0 else f"({self.margin_text})"
        label = f"{self.text(tensor, score)} − {less}"
        return VGroup(chart.zone(level, self.words("zone")), chart.level(level, self.look.theme.good, label))

    def heights(self, sample: Index) -> list[float]:
        """What of a sample stands in its picture: bars and fences."""
        raise NotImplementedError

    def span(self) -> tuple[float, float]:
        """One span for the pictures of all samples, which has room for what stands in them and 0."""
        values = (value for sample in self.samples for value in self.heights(sample))
        finite = [value for value in (*values, 0.0) if math.isfinite(value)]
        low, high = min(finite), max(finite)
        return low - (0.12 * (high - low) if low < 0 else 0), high

    def bars(self, chart: Chart, values: Sequence[float], right: Sequence[int]) -> VGroup:
        """All scores; the right ones in the colour of what is right."""
        found = (
            chart.bar(k, value, self.hue(RIGHT if k in right else WRONG)) for k, value in enumerate(values)
        )
        return VGroup(*found, chart.base())

    def above(self, chart: Chart, slot: float, value: float, level: float, share: float = 0.56) -> VGroup:
        """The part of a bar over the fence."""
        color = self.look.theme.fill(1.0, 1.0, "result")
        return chart.bar(slot, value, color, level, share) if value > level else VGroup()


class ClassScores(Fenced):
    """Scores of classes."""

    def of_class(self, sample: Index, number: int) -> Index:
        """The index of a class's score."""
        return (
            (*sample, number)
            if len(self.trace.shape("input")) == 2
            else (number,)[: len(self.trace.shape("input"))]
        )

    def scores(self, sample: Index, classes: Sequence[int]) -> list[float]:
        """The scores of some classes."""
        return self.trace.values("input", [self.of_class(sample, c) for c in classes])

    @property
    def count(self) -> int:
        """How many classes there are."""
        return self.trace.shape("hinge")[-1]

    def named(self, chart: Chart, classes: Sequence[int]) -> VGroup:
        """The classes' numbers under their bars."""
        slot = self.words("slot")
        return VGroup(*(chart.name(k, f"{slot} {c}") for k, c in enumerate(classes)))


class MultiMarginLoss(ClassScores):
    operator = operators.MultiMarginLoss

    def sign(self, sample: Index) -> str:
        return f"Σ ÷ {self.count}"

    def law(self) -> list[Token]:
        weight = "weight_{t}·" if self.facts["weighted"] else ""
        power = f"^{{{self.module.p}}}" if self.module.p != 1 else ""
        inner = f"max(0, {self.margin_text} − input_{{t}} + input_{{i}}){power}"
        return [Token(f"loss = Σ_{{i≠t}} {weight}{inner} / {self.count}")]

    @property
    def classes(self) -> list[int]:
        """The classes that are drawn."""
        return shown_slots(self.count, [self.target(one) for one in self.samples], 5)

    def target(self, sample: Index) -> int:
        """The class number of a sample."""
        return int(self.trace.value("target", self.of_target(sample, 0)))

    def of_target(self, sample: Index, _: int) -> Index:
        """The index of a sample's class number."""
        shape = self.trace.shape("target")
        return sample[: len(shape)] or (0,) * len(shape)

    def of_hinge(self, sample: Index, number: int) -> Index:
        """The index of what a class adds."""
        return (sample[0] if sample else 0, number)

    def columns(self) -> list[Column]:
        return [
            Column("input", self.of_class, self.classes, numbered=True),
            Column("target", self.of_target, plain=True),
            Column(
                "hinge",
                self.of_hinge,
                self.classes,
                blank=True,
                numbered=True,
                name=self.words("hinge"),
                absent=lambda sample, number: number == self.target(sample),
            ),
            Column("loss", lambda sample, _: sample, blank=True),
        ]

    def under(self) -> tuple[str, Column] | None:
        if "weight" not in self.trace.tensors:
            return None
        return "input", Column("weight", lambda _, number: (number,), self.classes)

    def heights(self, sample: Index) -> list[float]:
        (right,) = self.scores(sample, [self.target(sample)])
        return [*self.scores(sample, self.classes), right - self.margin]

    def acts(self, sample: Index) -> Iterator[LossAct]:
        classes, target = self.classes, self.target(sample)
        scores = self.scores(sample, classes)
        right = classes.index(target)
        level = scores[right] - self.margin
        chart = Chart(self.look, self.trace, len(classes), self.span(), self.board.area)
        picked = [self.board.outline("target", sample, 0), self.board.outline("input", sample, target)]
        frames = VGroup(*(one for one in picked if one is not None))
        yield LossAct("scores", VGroup(self.bars(chart, scores, [right]), self.named(chart, classes), frames))
        yield LossAct("fence", self.fence(chart, "input", scores[right]))
        over = VGroup()
        for k, value in enumerate(scores):
            if k != right and value > level:
                over.add(self.above(chart, k, value, level), self._head(chart, k, value, level, target))
        shown = next((c for k, c in enumerate(classes) if k != right and scores[k] > level), None)
        step = None if shown is None else self.trace.step("hinge", self.of_hinge(sample, shown))
        yield LossAct("over", over, step, writes=["hinge"])

    def _head(self, chart: Chart, slot: int, value: float, level: float, target: int) -> VGroup:
        """How far a bar reaches over the fence, and what is done with it."""
        weight = (
            f"{self.text('weight', self.trace.value('weight', (target,)))}·" if self.facts["weighted"] else ""
        )
        power = "²" if self.module.p == 2 else ""
        text = f"{weight}{self.text('input', value - level)}{power}"
        return chart.head(slot, value, text, self.look.theme.role("result"))


class MarginRankingLoss(Fenced):
    operator = operators.MarginRankingLoss

    def law(self) -> list[Token]:
        return [Token(f"loss = max(0, {self.margin_text} − lead)        lead = target·(input1 − input2)")]

    def sign(self, sample: Index) -> str:
        return f"max(0, {self.margin_text} − d)"

    def columns(self) -> list[Column]:
        return [
            *(self._column(name) for name in ("input1", "input2")),
            Column("target", lambda sample, _: self.aligned("target", sample), plain=True),
            Column("lead", lambda sample, _: sample, blank=True, name=self.words("head")),
            Column("loss", lambda sample, _: sample, blank=True),
        ]

    def _column(self, name: str) -> Column:
        return Column(name, lambda sample, _: self.aligned(name, sample))

    def heights(self, sample: Index) -> list[float]:
        scores = self._scores(sample)
        return [*scores, scores[self._right(sample)] - self.margin]

    def _scores(self, sample: Index) -> list[float]:
        return [self.trace.value(name, self.aligned(name, sample)) for name in ("input1", "input2")]

    def _right(self, sample: Index) -> int:
        """The number of the input that should be higher."""
        return 0 if self.trace.value("target", self.aligned("target", sample)) >= 0 else 1

    def acts(self, sample: Index) -> Iterator[LossAct]:
        trace, order = self.trace, ("input1", "input2")
        sign = trace.value("target", self.aligned("target", sample))
        scores, right = self._scores(sample), self._right(sample)
        level = scores[right] - self.margin
        chart = Chart(self.look, trace, 2, self.span(), self.board.area)
        names = VGroup(*(chart.name(k, name) for k, name in enumerate(order)))
        values: dict[str, Any] = {
            "better": order[right],
            "worse": order[1 - right],
            "target": self.text("target", sign),
        }
        yield LossAct("scores", VGroup(self.bars(chart, scores, [right]), names), values=values)
        yield LossAct("lead", VGroup(), trace.step("lead", sample), writes=["lead"], values=values)
        over = VGroup()
        if abs(sign) == 1:
            over.add(self.fence(chart, order[right], scores[right]))
            over.add(self.above(chart, 1 - right, scores[1 - right], level))
        yield LossAct("over", over, values=values)
