"""MultiLabelSoftMarginLoss: a binary cross entropy for each class of a sample, and their mean."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from manim import VGroup

from torchreel.scenes.loss import operators
from torchreel.scenes.loss.elementwise.labels import SIZE, CurveLabel
from torchreel.scenes.loss.vector.board import Column
from torchreel.scenes.loss.vector.slots import shown_slots
from torchreel.scenes.loss.vector.story import LossAct, VectorLoss
from torchreel.scenes.parts.mathtext import width
from torchreel.scenes.parts.plot import Plot
from torchreel.scenes.parts.pointer import Pointer
from torchreel.scenes.trace.formula import Index, Token
from torchreel.scenes.trace.proof import Step

_LARGEST = 50.0
_ONE, _ZERO = 0, 1
"""The identifying colours of target 1 and target 0."""


class MultiLabelSoftMarginLoss(VectorLoss):
    operator = operators.MultiLabelSoftMarginLoss
    height = 2.95
    keeps_pictures = True

    def law(self) -> list[Token]:
        weight = "weight_{c}·" if self.facts["weighted"] else ""
        count = self.trace.shape("input")[-1]
        inner = "target·log σ(input) + (1 − target)·log σ(−input)"
        return [Token(f"loss = −Σ_{{c}} {weight}({inner}) / {count}")]

    @property
    def classes(self) -> list[int]:
        """The classes that are drawn."""
        return shown_slots(self.trace.shape("term")[-1], [], 4)

    def of_class(self, tensor: str, sample: Index, number: int) -> Index:
        """Where a tensor is read for a class of a sample."""
        return self.aligned(tensor, (*sample, number))

    def columns(self) -> list[Column]:
        return [
            self._column("input"),
            self._column("target", plain=True),
            self._column("term", blank=True, name=self.words("term")),
            Column("loss", lambda sample, _: sample, blank=True),
        ]

    def _column(self, tensor: str, plain: bool = False, blank: bool = False, name: str = "") -> Column:
        def at(sample: Index, number: int) -> Index:
            return self.of_class(tensor, sample, number)

        return Column(tensor, at, self.classes, blank, plain, numbered=True, name=name)

    def under(self) -> tuple[str, Column] | None:
        shape = self.trace.shape("weight") if "weight" in self.trace.tensors else ()
        if not shape:
            return None
        return "term", Column(
            "weight", lambda _, c: self.aligned("weight", (*self.samples[0], c)), self.classes
        )

    def scenery(self) -> VGroup:
        theme, area = self.look.theme, self.board.area
        scores = [x for sample in self.samples for x, _, _ in self._points(sample)]
        reach = max([4.0, *(abs(x) for x in scores)]) * 1.05
        frame = (area.left + 0.8, area.bottom + 0.36, area.right - 1.0, area.top - 0.32)
        self.plot = Plot(self.look, (-reach, reach), (0, reach), frame)
        xs = np.linspace(-reach, reach, 81)
        hues = {1: theme.channel(_ONE), 0: theme.channel(_ZERO)}
        curves = [self.plot.curve(xs, np.logaddexp(0, (1 - 2 * k) * xs), hue) for k, hue in hues.items()]
        laws = {1: "t = 1:  −log σ(x)", 0: "t = 0:  −log σ(−x)"}
        tags = [
            self._law(laws[k], self.plot.point((0.62 if k == 0 else -0.62) * reach, 0.9 * reach), hue, k)
            for k, hue in hues.items()
        ]
        return VGroup(self.plot, *curves, *tags, self.board.axes(self.plot, "x", "e"))

    def _law(self, text: str, at: np.ndarray, hue: str, target: int) -> CurveLabel:
        """The law of a curve, on the side where the curve is not."""
        side = 1 if target else -1
        return CurveLabel(self.look, text, hue, at + np.array([side * width(text, SIZE) / 2, 0.0, 0.0]))

    def acts(self, sample: Index) -> Iterator[LossAct]:
        theme = self.look.theme
        yield LossAct("scores")
        dots = VGroup()
        for x, y, wanted in self._points(sample):
            hue = (
                theme.channel(_ONE if wanted == 1 else _ZERO)
                if wanted in (0.0, 1.0)
                else theme.role("result")
            )
            dots.add(self.plot.dot(x, y, hue, 0.1))
        first = (*sample, self.classes[0])
        yield LossAct("dots", dots, self.trace.step("term", first), writes=["term"])

    def sign(self, sample: Index) -> str:
        return f"Σ ÷ {self.trace.shape('term')[-1]}"

    def pointing_at(self, step: Step) -> Pointer | None:
        """Of one cost also the lines from its dot to the axes; a loss is made of several."""
        pointer = super().pointing_at(step)
        if pointer is not None and step.tensor == "term":
            *sample, number = step.index
            found = self._points(tuple(sample), [number])
            pointer.add(*(self.plot.drops(x, cost, self.look.theme.accent) for x, cost, _ in found))
        return pointer

    def _points(
        self, sample: Index, classes: Sequence[int] | None = None
    ) -> list[tuple[float, float, float]]:
        """Score, cost and target of some classes, by default of each that is drawn."""
        found = []
        for c in self.classes if classes is None else classes:
            x, y = (self.trace.value(name, self.of_class(name, sample, c)) for name in ("input", "target"))
            if not (math.isfinite(x) and math.isfinite(y)):
                continue
            cost = float(y * np.logaddexp(0, -x) + (1 - y) * np.logaddexp(0, x))
            if math.isfinite(cost) and abs(x) <= _LARGEST and 0 <= cost <= _LARGEST:
                found.append((x, cost, y))
        return found
