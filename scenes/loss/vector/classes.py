"""CrossEntropyLoss and NLLLoss: what the probability given to the right class costs, minus its logarithm."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from manim import VGroup

from torchreel.scenes.loss import operators
from torchreel.scenes.loss.vector.chart import Chart, Strip, shown_slots
from torchreel.scenes.loss.vector.story import LossAct, VectorLoss
from torchreel.scenes.parts.plot import Plot
from torchreel.scenes.trace.formula import Index

_BARS = (-5.75, -2.62, -1.05, 2.6)
_WIDE = (-5.2, -2.55, 2.6, 2.5)
_PLOT = (0.15, -1.6, 3.2, 2.45)
_LARGEST_LOSS = 5.0


class _Classes(VectorLoss):
    """What both losses know of a sample: its classes that are drawn, and its target."""

    weights = "w"

    def values(self) -> dict[str, object]:
        module = self.module
        smoothing = getattr(module, "label_smoothing", 0.0)
        return {"smoothing": f"{smoothing:g}", "ignored": module.ignore_index}

    def outcome(self, sample: Index) -> str:
        return "ignored" if self.is_ignored(sample) else "keep"

    @property
    def soft(self) -> bool:
        """Whether the targets are probabilities."""
        return self.trace.name != "NLLLoss" and self.trace.shape("target") == self.trace.shape("input")

    def is_ignored(self, sample: Index) -> bool:
        """Whether a sample does not count."""
        ignored = self.module.ignore_index
        return not self.soft and self.target(sample) == ignored

    def target(self, sample: Index) -> int:
        """The class number of a sample."""
        shape = self.trace.shape("target")
        return int(self.trace.value("target", sample[: len(shape)]))

    def of_class(self, sample: Index, number: int) -> Index:
        """The index of one class in the input."""
        axis = min(1, len(self.trace.shape("input")) - 1)
        return (*sample[:axis], number, *sample[axis:])

    def shown(self, sample: Index) -> list[int]:
        """The classes that are drawn."""
        shape = self.trace.shape("input")
        wanted = [] if self.soft or self.is_ignored(sample) else [self.target(sample)]
        return shown_slots(shape[min(1, len(shape) - 1)], wanted, 6)

    def strip(self, chart: Chart, row: int, name: str, sample: Index, classes: Sequence[int]) -> VGroup:
        """One tensor's row under the bars."""
        own = len(self.trace.shape(name)) == 1 and name == "weight"
        cells = [(name, (c,) if own else self.of_class(sample, c)) for c in classes]
        return chart.strip(row, Strip(name, cells))


class CrossEntropyLoss(_Classes):
    operator = operators.CrossEntropyLoss

    def acts(self, sample: Index) -> Iterator[LossAct]:
        classes, theme, trace = self.shown(sample), self.look.theme, self.trace
        weighted = "weight" in trace.tensors
        rows = 3 + weighted
        chart = Chart(self.look, trace, len(classes), rows, (0.0, 1.0), _BARS)
        ignored = self.is_ignored(sample)
        values: dict[str, object] = {"target": "" if self.soft else self.target(sample)}
        asked = trace.values("q", [self.of_class(sample, c) for c in classes])
        given = trace.values("p", [self.of_class(sample, c) for c in classes])
        right = [k for k, q in enumerate(asked) if q > 0]
        plot = Plot(self.look, (0, 1), (0, _LARGEST_LOSS), _PLOT, "p", "−log p")
        xs = np.linspace(math.exp(-_LARGEST_LOSS), 1, 80)
        curve = plot.curve(xs, -np.log(xs), theme.channel(1))
        logits = self.strip(chart, rows - 1, "input", sample, classes)
        numbers = [chart.name(k, str(c), theme.muted) for k, c in enumerate(classes)]
        yield LossAct("logits", VGroup(logits, chart.base(), *numbers, plot, curve), values=values)
        first = self.of_class(sample, classes[right[0] if right else 0])
        colors = [theme.tint(theme.good, 0.7) if k in right else theme.tint(theme.wire, 0.45)
                  for k in range(len(classes))]  # fmt: skip
        plain = [chart.bar(k, p, theme.tint(theme.wire, 0.45)) for k, p in enumerate(given)]
        softmax = VGroup(*plain, self.strip(chart, rows - 2, "p", sample, classes))
        yield LossAct("softmax", softmax, trace.step("p", first), values=values)
        wanted = VGroup(self.strip(chart, rows - 3, "q", sample, classes))
        wanted.add(*(chart.bar(k, p, colors[k]) for k, p in enumerate(given) if k in right))
        if weighted:
            wanted.add(self.strip(chart, 0, "weight", sample, classes))
        smooth = self.soft or self.module.label_smoothing
        formula = trace.step("q", first) if smooth else self.law()
        yield LossAct("off" if ignored else "asked", wanted, formula, values=values)
        if not ignored:
            yield LossAct("curve", self._costs(plot, given, right), values=values)

    def _costs(self, plot: Plot, given: Sequence[float], right: Sequence[int]) -> VGroup:
        """The probabilities that the target asks for, on the curve."""
        theme, group = self.look.theme, VGroup()
        for k in right:
            if not given[k] > 0:
                continue
            cost = -math.log(given[k])
            if len(right) == 1:
                group.add(plot.drops(given[k], cost, theme.accent))
            group.add(plot.dot(given[k], cost, theme.accent, 0.11))
        return group

    def divided(self, reduction: str) -> str:
        if reduction == "mean" and self.soft:
            return "mean"
        return super().divided(reduction)


class NLLLoss(_Classes):
    operator = operators.NLLLoss

    def acts(self, sample: Index) -> Iterator[LossAct]:
        classes, theme, trace = self.shown(sample), self.look.theme, self.trace
        weighted, ignored = "weight" in trace.tensors, self.is_ignored(sample)
        logs = trace.values("input", [self.of_class(sample, c) for c in classes])
        finite = [value for value in logs if math.isfinite(value)] or [0.0]
        chart = Chart(self.look, trace, len(classes), 1 + weighted, self._span(finite), _WIDE)
        values: dict[str, object] = {"target": self.target(sample)}
        bars = [chart.bar(k, value, theme.tint(theme.wire, 0.45)) for k, value in enumerate(logs)]
        rows = self.strip(chart, int(weighted), "input", sample, classes)
        numbers = [chart.name(k, str(c), theme.muted) for k, c in enumerate(classes)]
        yield LossAct("logs", VGroup(*bars, chart.base(), *numbers, rows), values=values)
        if ignored:
            yield LossAct("off", VGroup(), values=values)
            return
        slot = classes.index(self.target(sample))
        marked = chart.bar(slot, logs[slot], theme.tint(theme.good, 0.7))
        picked = VGroup(marked, chart.ring(int(weighted), slot, theme.accent))
        if weighted:
            picked.add(self.strip(chart, 0, "weight", sample, classes), chart.ring(0, slot, theme.accent))
        yield LossAct("pick", picked, values=values)
        yield LossAct("flip", VGroup(chart.bar(slot, -logs[slot], theme.accent)), values=values)

    def _span(self, logs: Sequence[float]) -> tuple[float, float]:
        """Room for every logarithm below 0 and for its opposite above."""
        size = max(map(abs, logs)) or 1.0
        return -size, size
