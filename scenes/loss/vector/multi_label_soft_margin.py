"""MultiLabelSoftMarginLoss: a binary cross entropy for each class of a sample, and their mean."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from manim import VGroup

from torchreel.scenes.loss import operators
from torchreel.scenes.loss.vector.chart import Chart, Strip, shown_slots
from torchreel.scenes.loss.vector.story import LossAct, VectorLoss
from torchreel.scenes.parts.plot import Plot, covering
from torchreel.scenes.trace.formula import Index

_PLOT = (-6.2, -2.1, -1.9, 2.5)
_STRIPS = (0.2, -1.2, 3.4, 2.0)
_LARGEST = 50.0


class MultiLabelSoftMarginLoss(VectorLoss):
    operator = operators.MultiLabelSoftMarginLoss

    def acts(self, sample: Index) -> Iterator[LossAct]:
        trace, theme = self.trace, self.look.theme
        whole = trace.shape("term")
        classes = shown_slots(whole[-1], [], 4)
        weighted = "weight" in trace.tensors
        chart = Chart(self.look, trace, max(2, len(classes)), 3 + weighted, (0, 1), _STRIPS)
        rows = {name: self._elements(name, sample, classes) for name in ("input", "target", "term")}
        top = 2 + weighted
        given = [chart.strip(top - k, Strip(name, rows[name])) for k, name in enumerate(("input", "target"))]
        if weighted:
            given.append(chart.strip(1, Strip("weight", self._elements("weight", sample, classes))))
        x, y = ([trace.value(name, at) for name, at in rows[name]] for name in ("input", "target"))
        reach = max([4.0, *(abs(value) for value in x if abs(value) <= _LARGEST)]) * 1.05
        xs = np.linspace(-reach, reach, 81)
        plot = Plot(self.look, (-reach, reach), (0, covering([reach + 0.2])[1]), _PLOT, "input", "term")
        curves = [
            plot.curve(xs, np.logaddexp(0, sign * xs), theme.channel(k)) for k, sign in ((0, 1), (1, -1))
        ]
        tags = [plot.tag(f"target = {k}", (0.62 if k == 0 else -0.62) * reach, 0.86 * reach, theme.channel(k))
                for k in (0, 1)]  # fmt: skip
        yield LossAct("scores", VGroup(plot, *curves, *tags, *given))
        dots = VGroup()
        for at, wanted in zip(x, y, strict=True):
            cost = wanted * np.logaddexp(0, -at) + (1 - wanted) * np.logaddexp(0, at)
            if math.isfinite(cost):
                dots.add(plot.drops(at, cost, theme.wire), plot.dot(at, cost, theme.accent, 0.11))
        yield LossAct("dots", dots, hold=1.3)
        yield LossAct(
            "terms", chart.strip(0, Strip("term", rows["term"])), trace.step("term", rows["term"][0][1])
        )

    def _elements(self, name: str, sample: Index, classes: list[int]) -> list[tuple[str, Index]]:
        return [(name, self.board.aligned(name, (*sample, c))) for c in classes]
