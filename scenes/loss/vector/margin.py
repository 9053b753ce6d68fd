"""Losses with a margin: a right score has to lead every wrong one by the margin; only what lacks is lost."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from manim import VGroup

from torchreel.scenes.loss import operators
from torchreel.scenes.loss.vector.chart import Chart, Strip, shown_slots
from torchreel.scenes.loss.vector.story import LossAct, VectorLoss
from torchreel.scenes.trace.formula import Index

AREA = (-5.6, -2.55, 2.0, 2.55)


class _Fence(VectorLoss):
    """Bars of scores, and a fence at the right score less the margin: what stands above it is lost."""

    def fence(self, chart: Chart, level: float, label: str) -> VGroup:
        """The fence and the zone below it where nothing is lost."""
        return VGroup(chart.zone(level, self.words("zone")), chart.level(level, self.look.theme.good, label))

    def span(self, values: Sequence[float]) -> tuple[float, float]:
        """A span that has room for all values and 0."""
        finite = [value for value in (*values, 0.0) if math.isfinite(value)]
        low, high = min(finite), max(finite)
        room = 0.12 * (high - low)
        return low - (room if low < 0 else 0), high + room / 2

    def bars(self, chart: Chart, values: Sequence[float], right: Sequence[int]) -> VGroup:
        """All scores; the right ones in the colour of what is right."""
        theme = self.look.theme
        colors = (theme.tint(theme.wire, 0.45), theme.tint(theme.good, 0.7))
        return VGroup(
            *(chart.bar(slot, value, colors[slot in right]) for slot, value in enumerate(values)),
            chart.base(),
        )

    def above(self, chart: Chart, slot: float, value: float, fence: float, share: float = 0.62) -> VGroup:
        """The part of a bar over the fence."""
        bar = chart.bar(slot, value, self.look.theme.accent, fence, share)
        return VGroup(bar) if value > fence else VGroup()


class MultiMarginLoss(_Fence):
    operator = operators.MultiMarginLoss

    def acts(self, sample: Index) -> Iterator[LossAct]:
        trace, number = self.trace, sample[0] if sample else 0
        row = (number,) if len(trace.shape("input")) == 2 else ()
        target = int(trace.value("target", sample))
        count = trace.shape("hinge")[1]
        classes = shown_slots(count, [target])
        at = [(*row, c)[-len(trace.shape("input")) :] if trace.shape("input") else () for c in classes]
        scores = trace.values("input", at)
        right = classes.index(target)
        margin = float(self.module.margin)
        level = scores[right] - margin
        chart = Chart(self.look, trace, len(classes), 2, self.span([*scores, level]), AREA)
        values: dict[str, object] = {"target": target, "margin": f"{margin:g}"}
        names = VGroup(chart.name(right, self.words("right", target=target), self.look.theme.good))
        strip = chart.strip(1, Strip("input", [("input", index) for index in at]))
        yield LossAct("scores", VGroup(self.bars(chart, scores, [right]), names, strip), values=values)
        label = f"input[{target}] − {margin:g}"
        yield LossAct("fence", self.fence(chart, level, label), values=values, hold=1.4)
        over = [self.above(chart, k, value, level) for k, value in enumerate(scores) if k != right]
        hinges = [None if c == target else ("hinge", (number, c)) for c in classes]
        yield LossAct("over", VGroup(*over, chart.strip(0, Strip("hinge", hinges))), values=values)


class MultiLabelMarginLoss(_Fence):
    operator = operators.MultiLabelMarginLoss

    def acts(self, sample: Index) -> Iterator[LossAct]:
        trace, number = self.trace, sample[0] if sample else 0
        count = trace.shape("hinge")[1]
        ndim = len(trace.shape("input"))
        listed = [
            int(value) for value in trace.values("target", [(number, c)[2 - ndim :] for c in range(count)])
        ]
        stop = next((k for k, value in enumerate(listed) if value < 0), count)
        targets = listed[:stop]
        classes = shown_slots(count, targets)
        at = [(number, c)[2 - ndim :] for c in classes]
        scores = trace.values("input", at)
        known = dict(zip(classes, scores, strict=True))
        drawn = [target for target in targets if target in known][:2]
        levels = [known[target] - 1 for target in drawn]
        chart = Chart(self.look, trace, len(classes), 2 + len(drawn), self.span([*scores, *levels]), AREA)
        right = [k for k, c in enumerate(classes) if c in targets]
        values: dict[str, object] = {"targets": ", ".join(map(str, targets)), "stop": stop}
        names = [chart.name(k, str(classes[k]), self.look.theme.good) for k in right]
        rows = 2 + len(drawn)
        asked = Strip("target", [("target", (number, c)[2 - ndim :]) for c in range(len(classes))])
        strips = [
            chart.strip(rows - 1, asked),
            chart.strip(rows - 2, Strip("input", [("input", i) for i in at])),
        ]
        frames = [chart.ring(rows - 1, k, self.look.theme.good) for k in range(min(stop, len(classes)))]
        yield LossAct(
            "scores", VGroup(self.bars(chart, scores, right), *names, *strips, *frames), values=values
        )
        for slot, (target, level) in enumerate(zip(drawn, levels, strict=True)):
            share, shift = 0.62 / len(drawn), (slot - (len(drawn) - 1) / 2) * 0.62 / len(drawn)
            over = [
                self.above(chart, k + shift, value, level, share - 0.04)
                for k, value in enumerate(scores)
                if k not in right
            ]
            cells = [None if c in targets else ("hinge", (number, slot, c)) for c in classes]
            strip = chart.strip(len(drawn) - 1 - slot, Strip(f"over {target}", cells))
            line = chart.level(level, self.look.theme.good, f"input[{target}] − 1")
            yield LossAct(
                "fence" if slot == 0 else "again",
                VGroup(line, *over, strip),
                values={**values, "target": target},
            )


class MarginRankingLoss(_Fence):
    operator = operators.MarginRankingLoss

    def acts(self, sample: Index) -> Iterator[LossAct]:
        trace = self.trace
        at = {name: self.board.aligned(name, sample) for name in ("input1", "input2", "target")}
        sign = trace.value("target", at["target"])
        scores = [abs(sign) * trace.value(name, at[name]) for name in ("input1", "input2")]
        margin = float(self.module.margin)
        right = 0 if sign >= 0 else 1
        level = scores[right] - margin
        chart = Chart(self.look, trace, 2, 2, self.span([*scores, level]), AREA)
        order = ("input1", "input2")
        values: dict[str, object] = {
            "better": order[right], "worse": order[1 - right], "margin": f"{margin:g}",
            "target": self.text("target", sign),
        }  # fmt: skip
        scale = max(trace.range(name).scale for name in order)
        both = Strip("input", [(name, at[name]) for name in order], scale)
        wanted = Strip("target", [("target", at["target"]), None])
        names = [chart.name(k, name, self.look.theme.text) for k, name in enumerate(order)]
        strips = VGroup(chart.strip(1, both), chart.strip(0, wanted))
        yield LossAct("scores", VGroup(self.bars(chart, scores, [right]), *names, strips), values=values)
        yield LossAct(
            "fence", self.fence(chart, level, f"{order[right]} − {margin:g}"), values=values, hold=1.3
        )
        yield LossAct("over", self.above(chart, 1 - right, scores[1 - right], level), values=values)
