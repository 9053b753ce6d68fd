"""LayerNorm and RMSNorm: sets span the last axes, and every place in them has a weight of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from torchreel.assets.examples import DEFAULT
from torchreel.scenes.normalization import operators
from torchreel.scenes.normalization.five_steps import FiveSteps
from torchreel.scenes.normalization.stations import NormalizationSteps
from torchreel.scenes.stage.beats import Beat
from torchreel.scenes.trace.formula import Token


class LayerNorm(FiveSteps):
    kind = "layer"
    operator = operators.LayerNorm

    @cached_property
    def told_as(self) -> str:
        """Of tokens only where the last dimension alone is normalized."""
        module: Any = self.trace.module
        told = super().told_as
        return DEFAULT if told == "last_dim" and len(module.normalized_shape) > 1 else told

    @property
    def axes(self) -> str:
        """The axes of images have names; those of anything shorter may be anything."""
        return super().axes if len(self.trace.shape("input")) > 3 else ""

    def steps(self) -> NormalizationSteps:
        module: Any = self.trace.module
        ndim = len(self.trace.shape("input"))
        statistics = tuple(n for n in ("mean", "var", "std", "mean_square", "rms") if n in self.trace.tensors)
        own = tuple(range(ndim - len(module.normalized_shape), ndim))
        return replace(self._steps(statistics, (), own, True), rows=self.row_names)

    @property
    def row_names(self) -> tuple[str, ...]:
        """The names of the rows, where they say more than numbers."""
        return ()

    def values(self) -> dict[str, Any]:
        module: Any = self.trace.module
        return {**super().values(), "shape": " × ".join(map(str, module.normalized_shape))}


class RMSNorm(LayerNorm):
    """Squares, their mean and its root, quotient, weight: no mean is subtracted."""

    kind = "rms"
    quotient = "x̂ = x / r"
    first = "square"
    operator = operators.RMSNorm

    @property
    def row_names(self) -> tuple[str, ...]:
        """How rows come from the first, where the last words are about that."""
        return ("[0]", "[0]·2", "[0]+10") if self.facts["related"] else ()

    def tell(self) -> Iterator[Beat]:
        yield from self.elements("square", "square")
        yield from self.statistic("mean_square", ("mean_square", "rms"), "square")
        yield from self.outputs()

    def law(self) -> Sequence[Token]:
        return self._law(f"input / √(mean_square + {self._eps})")

    def definitions(self) -> list[str]:
        if "noise" in self.trace.tensors:
            return []
        return [f"q = Σ x² / {self.sets.size}", f"r = √(q + {self._eps})"]

    @property
    def _dividend(self) -> str:
        return "input"
