"""The figure that heads the normalization layers: one input, and which of its elements share a mean and a variance."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from manim import Animation

from torchreel.scenes.normalization import operators
from torchreel.scenes.normalization.comparison.board import ComparisonBoard
from torchreel.scenes.normalization.comparison.trace import LAYERS, partitions
from torchreel.scenes.normalization.sets_trace import epsilon
from torchreel.scenes.parts.look import Stroke
from torchreel.scenes.parts.places import Place
from torchreel.scenes.parts.pointer import Pointer
from torchreel.scenes.stage.beats import Beat
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.trace.formula import Index, Token
from torchreel.scenes.trace.proof import Step


class Normalization(OperatorScene):
    """One input, four layers: which elements share a mean and a variance."""

    operator = operators.Normalization

    def call(self) -> list[tuple[str, bool]]:
        pieces = [(f"input {self.trace.shape('input')}".replace("(", "(N, C, *) = (", 1), False)]
        return [*pieces, (f"  num_groups={self._groups}", True)]

    def law(self) -> Sequence[Token]:
        """What the four layers have in common."""
        return [Token(f"y = (input − μ) / √(σ² + {epsilon(self.trace.call.get('eps', 1e-5)).text})")]

    def story(self) -> Iterator[Beat]:
        sets = partitions(self.trace.shape("input"), self._groups)
        shares = {layer: self.words(f"share_{layer}", **self._sizes(sets[layer].size)) for layer in LAYERS}
        self.board = board = ComparisonBoard(self.look, self.trace, sets, shares, self._note)
        self.add(board.labels, *(grid for layer in LAYERS for grid in board.grids[layer]))
        yield Beat("input", run_time=0.1)
        for layer in LAYERS:
            yield from self._layer(layer)
        yield Beat("done", run_time=0.3, look=board.mark)

    def figure(self) -> Step | None:
        """The mean of BatchNorm's first set."""
        return self._mean("BatchNorm") if hasattr(self, "board") else None

    def pointing_at(self, step: Step) -> Pointer | None:
        """The mean, and the elements of its set in the layer's own panel."""
        board = self.board
        path = board.around_mean("BatchNorm")
        (left, bottom, _), (right, top, _) = path.min(0).tolist(), path.max(0).tolist()
        pointer = Pointer(self.look, Place(left, bottom, right, top), {})
        return pointer.add(
            *(board.frame(one, Stroke.SOURCE, 3) for one in board.around_set("BatchNorm", step.index))
        )

    @property
    def _groups(self) -> int:
        return int(self.trace.call.get("num_groups", 1))

    def _mean(self, layer: str) -> Step:
        return self.trace.step(f"{layer}.mean", self.board.first(layer))

    def _layer(self, layer: str) -> Iterator[Beat]:
        """One set lit and the others grey, its statistics, then all sets in their tints."""
        board = self.board
        yield Beat(layer, partial(board.card, layer), 0.2, 0.2, look=partial(self._enter, layer))
        yield Beat(
            layer, partial(board.statistics, layer), 0.3, 0.5, self._mean(layer),
            look=partial(board.mark, board.around_mean(layer)),
        )  # fmt: skip
        yield Beat(layer, partial(board.light, layer), 0.3, 0.3, look=board.mark)

    def _enter(self, layer: str) -> list[Animation]:
        board = self.board
        return [*board.mark(), *board.light(layer, [board.first(layer)])]

    def _sizes(self, size: int) -> dict[str, Any]:
        shape = self.trace.shape("input")
        axes = {3: "L", 4: "H, W", 5: "D, H, W"}[len(shape)]
        return {"axes": axes, "sets": math.prod(shape) // size, "size": size, "groups": self._groups}

    def _note(self, shown: Index, whole: Index) -> str:
        return self.words("corner", shown=shown, whole=whole)
