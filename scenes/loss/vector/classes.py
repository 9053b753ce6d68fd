"""CrossEntropyLoss and NLLLoss: what the probability given to the right class costs, minus its logarithm."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from manim import VGroup

from torchreel.scenes.loss import operators
from torchreel.scenes.loss.vector.board import Column
from torchreel.scenes.loss.vector.slots import shown_slots
from torchreel.scenes.loss.vector.story import LossAct, VectorLoss
from torchreel.scenes.parts.look import MIN_TEXT
from torchreel.scenes.parts.plot import Plot
from torchreel.scenes.parts.text import measure
from torchreel.scenes.trace.formula import Index, Token
from torchreel.scenes.trace.proof import Step

_LARGEST_LOSS = 3.0
_MOST_CLASSES = 5
_LARGEST_DOT = 5.0


class _Classes(VectorLoss):
    """What both losses know of a sample: its classes that are drawn, and its target."""

    def values(self) -> dict[str, object]:
        module = self.module
        smoothing = getattr(module, "label_smoothing", 0.0)
        return {"smoothing": self.look.said(smoothing), "ignored": module.ignore_index}

    def outcome(self, sample: Index) -> str:
        return "ignored" if self.is_ignored(sample) else "keep"

    @property
    def soft(self) -> bool:
        """Whether the targets are probabilities."""
        return self.facts["soft"]

    def is_ignored(self, sample: Index) -> bool:
        """Whether a sample does not count."""
        return not self.soft and self.target(sample) == self.module.ignore_index

    def target(self, sample: Index) -> int:
        """The class number of a sample."""
        return int(self.trace.value("target", self.of_target(sample, 0)))

    def of_target(self, sample: Index, slot: int) -> Index:
        """The index of a sample's class number."""
        return sample[: len(self.trace.shape("target"))]

    def of_class(self, sample: Index, number: int) -> Index:
        """The index of one class in the input."""
        axis = min(1, len(self.trace.shape("input")) - 1)
        return (*sample[:axis], number, *sample[axis:])

    @property
    def classes(self) -> list[int]:
        """The classes that are drawn."""
        shape = self.trace.shape("input")
        wanted = [] if self.soft else [self.target(one) for one in self.samples if not self.is_ignored(one)]
        most = _MOST_CLASSES if "q" in self.drawn else 7
        return shown_slots(shape[min(1, len(shape) - 1)], wanted, most)

    @property
    def drawn(self) -> tuple[str, ...]:
        """The tensors of the table that stand between input and loss."""
        return ("target", "w") if "w" in self.trace.tensors else ("target",)

    def columns(self) -> list[Column]:
        """The target stands first, so that what is computed of the scores stands beside them and the loss."""
        first, *others = sorted(self.drawn, key=lambda name: name != "target")
        return [
            self._column(first),
            Column("input", self.of_class, self.classes, numbered=True),
            *map(self._column, others),
            Column("loss", lambda sample, _: sample, blank=True),
        ]

    def _column(self, name: str) -> Column:
        if name == "target" and not self.soft:
            return Column("target", self.of_target, plain=True)
        if name in ("w", "sum"):
            return Column(name, lambda sample, _: sample, blank=True)
        return Column(name, self.of_class, self.classes, blank=name != "target", numbered=True,
                      name="softmax" if name == "p" else "")  # fmt: skip

    def under(self) -> tuple[str, Column] | None:
        if "weight" not in self.trace.tensors:
            return None
        above = "p" if "p" in self.drawn else "input"
        return above, Column("weight", lambda _, number: (number,), self.classes)

    def picked(self, tensor: str, sample: Index) -> VGroup:
        """Dark frames round a class number and the element that it picks."""
        if self.soft or self.is_ignored(sample):
            return VGroup()
        frames = (
            self.board.outline("target", sample, 0),
            self.board.outline(tensor, sample, self.target(sample)),
        )
        return VGroup(*(frame for frame in frames if frame is not None))

    def ignored_label(self, sample: Index) -> VGroup:
        """The word beside an ignored sample's target."""
        if not self.is_ignored(sample):
            return VGroup()
        grid, text = self.board.grids["target"], self.words("skipped")
        x, y = grid.center((self.board.samples.index(sample), 0))[:2]
        half = grid.cells.width / 2
        if measure(text, MIN_TEXT, "sans") + 0.3 < self.board.gap + self.board.margin("target"):
            label = self.board.label(text, (x + half + 0.1, y), MIN_TEXT, font="sans", align="left")
        else:
            y = grid.center((len(self.board.samples) - 1, 0))[1] - grid.cells.height / 2 - 0.2
            label = self.board.label(f"{self.module.ignore_index}: {text}", (x, y), MIN_TEXT, font="sans")
        return VGroup(label)


class CrossEntropyLoss(_Classes):
    operator = operators.CrossEntropyLoss
    height = 2.9
    keeps_pictures = True

    @property
    def drawn(self) -> tuple[str, ...]:
        between = ["target", *(["exp", "sum"] if self.in_steps else []), "p"]
        if self.facts["smoothed"]:
            between.append("q")
        return (*between, *(["w"] if "w" in self.trace.tensors and not self.facts["smoothed"] else []))

    @property
    def in_steps(self) -> bool:
        """Whether the softmax is written step by step."""
        return "exp" in self.trace.tensors

    def sign(self, sample: Index) -> str:
        weight = "" if not self.facts["weighted"] else "w·"
        if self.asks_all:
            return f"−Σ {weight}{'q' if self.facts['smoothed'] else 't'}·log p"
        return "" if self.is_ignored(sample) else f"−{weight}log p"

    @property
    def asks_all(self) -> bool:
        """Whether every class has a part in the loss."""
        return self.soft or self.facts["smoothed"]

    def law(self) -> list[Token]:
        weight = ("weight_{c}·" if self.asks_all else "weight_{t}·") if self.facts["weighted"] else ""
        if not self.asks_all:
            return [Token(f"loss = −{weight}log p_{{t}}        p = exp(input) / Σ exp(input)")]
        share = f"{self.module.label_smoothing:g}"
        count = self.trace.shape("input")[min(1, len(self.trace.shape("input")) - 1)]
        if not self.facts["smoothed"]:
            return [Token(f"loss = −Σ_{{c}} {weight}target_{{c}}·log p_{{c}}")]
        asked = f"(1 − {share})·target_{{c}}" if self.soft else f"1 − {share}"
        name = "q_{c}" if self.soft else "q_{t}"
        return [
            Token(f"loss = −Σ_{{c}} {weight}q_{{c}}·log p_{{c}}        {name} = {asked} + {share}/{count}")
        ]

    def acts(self, sample: Index) -> Iterator[LossAct]:
        yield LossAct("logits", self.ignored_label(sample))
        first = self.of_class(sample, self.classes[0])
        for name, at in (("exp", first), ("sum", sample), ("p", first)):
            if name in self.drawn:
                step = self.trace.step(name, at)
                signs = self._division() if name == "p" and self.in_steps else VGroup()
                yield LossAct("softmax", signs, step, writes=[name], rows=self.samples)
        if self.facts["smoothed"]:
            chosen = self.classes[0] if self.soft or self.is_ignored(sample) else self.target(sample)
            step = self.trace.step("q", self.of_class(sample, chosen))
            yield LossAct("smooth", self.picked("p", sample), step, writes=["q"])
        elif not self.soft:
            writes = ["w"] if "w" in self.drawn else []
            yield LossAct(
                "asked", self.picked("p", sample), writes=writes, values={"target": self.target(sample)}
            )
        if not self.is_ignored(sample):
            yield LossAct("curve", self._dots(sample))

    def _division(self) -> VGroup:
        """The rows read as what they are: exponentials, over their sum, are the softmax."""
        return VGroup(self.board.signs("÷", "exp", "sum"), self.board.signs("=", "sum", "p"))

    def scenery(self) -> VGroup:
        area = self.board.area
        reach = max([_LARGEST_LOSS, *(cost + 0.3 for one in self.samples for _, cost in self._costs(one))])
        frame = (area.left + 0.8, area.bottom + 0.36, area.right - 0.6, area.top - 0.32)
        self.plot = Plot(self.look, (0, 1), (0, reach), frame)
        xs = np.linspace(math.exp(-reach), 1, 80)
        curve = self.plot.curve(xs, -np.log(xs), self.look.theme.wire)
        return VGroup(self.plot, curve, self.board.axes(self.plot, "p", "−log p"))

    def marks(self, step: Step) -> VGroup:
        """Lines from the dots of a sample to the axes."""
        costs = self._costs(step.index)
        accent = self.look.theme.accent
        return VGroup(*(self.plot.drops(p, cost, accent) for p, cost in costs if len(costs) == 1))

    def _costs(self, sample: Index) -> list[tuple[float, float]]:
        """Where the probabilities that the target asks for stand on the curve."""
        if self.is_ignored(sample):
            return []
        index = [self.of_class(sample, c) for c in self.classes]
        asked, given = self.trace.values("q", index), self.trace.values("p", index)
        found = [(p, -math.log(p)) for p, q in zip(given, asked, strict=True) if q > 0 and p > 0]
        return [(p, cost) for p, cost in found if cost <= _LARGEST_DOT]

    def _dots(self, sample: Index) -> VGroup:
        color = self.look.theme.role("result")
        return VGroup(*(self.plot.dot(p, cost, color, 0.1) for p, cost in self._costs(sample)))


class NLLLoss(_Classes):
    operator = operators.NLLLoss
    height = 0.0
    keeps_pictures = True

    def law(self) -> list[Token]:
        weight = "weight_{t}·" if self.facts["weighted"] else ""
        return [Token(f"loss = −{weight}input_{{t}}        input = log p")]

    def sign(self, sample: Index) -> str:
        return "" if self.is_ignored(sample) else "−w·x" if self.facts["weighted"] else "× (−1)"

    def acts(self, sample: Index) -> Iterator[LossAct]:
        yield LossAct("logs", self.ignored_label(sample))
        yield LossAct(
            "off" if self.is_ignored(sample) else "pick",
            self.picked("input", sample),
            writes=["w"] if "w" in self.drawn else [],
            values={"target": self.target(sample)},
        )
