"""The figure that heads the normalization layers: one input, and which of its elements share a mean and a variance."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from manim import Animation

from torchreel.scenes.normalization import operators
from torchreel.scenes.normalization.blocks import LayerPanel
from torchreel.scenes.normalization.comparison.trace import (
    LAYERS,
    partitions,
)
from torchreel.scenes.parts.motion import Appear, Morph, Vanish
from torchreel.scenes.stage.beats import Beat, runs
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.trace.formula import Index

_SWEEPS = 3


class Normalization(OperatorScene):
    """One input, four layers: which elements share a mean and a variance."""

    operator = operators.Normalization

    def call(self) -> list[tuple[str, bool]]:
        pieces = [(f"input {self.trace.shape('input')}".replace("(", "(N, C, *) = (", 1), False)]
        return [*pieces, (f"  num_groups={self._groups}", True)]

    def story(self) -> Iterator[Beat]:
        shape = self.trace.shape("input")
        sets = partitions(shape, self._groups)
        self.panels = [
            LayerPanel(self.look, self.trace, layer, sets[layer], number)
            for number, layer in enumerate(LAYERS)
        ]
        self.frame = self.panels[0].frame(self.panels[0].outline(), 3.6, z_index=0)
        for panel in self.panels:
            self.add(panel.block, panel.labels, panel.values)
        key = "input_corner" if self.panels[0].cropped else "input"
        yield Beat(key, run_time=0.1, hold=1.0, values={"count": math.prod(shape)})
        for number, panel in enumerate(self.panels):
            yield from self._layer(panel, number)
        yield Beat("done", lambda: [Vanish(self.frame)], 0.4, values={"groups": self._groups})

    @property
    def _groups(self) -> int:
        return int(self.trace.call.get("num_groups", 1))

    def _layer(self, panel: LayerPanel, number: int) -> Iterator[Beat]:
        layer, values = panel.layer, self._facts(panel)
        mean = self.trace.step(f"{layer}.mean", panel.first)
        yield Beat(layer, partial(self._enter, panel, number), 0.6, 0.9, mean, values)
        rest = [owner for owner in panel.visible_sets() if owner != panel.first]
        variance = self.trace.step(f"{layer}.var", panel.first)
        for sets in runs(rest, _SWEEPS):
            yield Beat(layer, partial(self._sweep, panel, sets), 0.2, 0.0, variance, values)
        yield Beat(layer, run_time=0.1, hold=0.6, formula=variance, values=values)

    def _facts(self, panel: LayerPanel) -> dict[str, Any]:
        shape = self.trace.shape("input")
        axes = {3: "L", 4: "H, W", 5: "D, H, W"}[len(shape)]
        return {
            "axes": axes,
            "sets": math.prod(panel.partition.sets),
            "size": panel.partition.size,
            "groups": self._groups,
            "samples": shape[0],
            "channels": shape[1],
        }

    def _enter(self, panel: LayerPanel, number: int) -> list[Animation]:
        values = self._facts(panel)
        facts = panel.facts(self.words(f"share_{panel.layer}", **values), self.words("sets", **values))
        move = Morph(self.frame, panel.outline()) if number else Appear(self.frame)
        return [move, *panel.raise_name(), *panel.light([panel.first]), Appear(facts)]

    def _sweep(self, panel: LayerPanel, sets: Sequence[Index]) -> list[Animation]:
        return panel.light(sets)
