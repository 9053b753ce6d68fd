"""The vectors and weights of a cell as grids: gates in their own hue, which the rows that make them carry."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import torch

from torchreel.assets.themes import blend
from torchreel.scenes.parts.gates import Sampled, Slots
from torchreel.scenes.parts.grid import Cell
from torchreel.scenes.parts.shapes import Point
from torchreel.scenes.recurrent.chain.steps_trace import Vector
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Range, Trace, decimals_of

_PALEST, _FULL = 0.08, 0.5


class Tinted(Sampled):
    """A sampled grid whose values above zero have the hue of their gate, if there is one."""

    def __init__(self, *args: Any, hue: str | None = None, **style: Any) -> None:
        self.hue = hue
        super().__init__(*args, **style)

    def text(self, cell: Cell) -> str:
        """Exact where few decimals write all that is drawn, whatever else the tensor holds."""
        return self.look.written(self.value(cell), self._known)

    @cached_property
    def _known(self) -> Range:
        return shown_range(self.trace, self.tensor, [self.index(cell) for cell in self.positions()])

    def fill(self, cell: Cell) -> str:
        value = self.value(cell)
        if self.hue is None or not value > 0:
            return super().fill(cell)
        share = min(1.0, value / self.scale)
        return blend(self.look.theme.zero, self.hue, _PALEST + (_FULL - _PALEST) * share**0.8)


def shown_range(trace: Trace, tensor: str, indices: Sequence[Index]) -> Range:
    """The range of some elements of a tensor; in powers of ten as the whole tensor is."""
    values = torch.tensor(trace.values(tensor, indices), dtype=torch.float64)
    whole, finite = trace.range(tensor), values[values.isfinite()]
    decimals = decimals_of(finite, trace.tensors[tensor].dtype)
    return Range(bool((finite == finite.round()).all()), whole.scale, decimals)


def column(
    desk: Any, vector: Vector, units: Slots, size: tuple[float, float, float], at: Point, **style: Any
) -> Tinted:
    """A vector as a column of some of its elements."""
    tensor, lead = vector
    first = style.pop("first", 0)
    return Tinted(
        desk.look, desk.trace, tensor, units, (0,), lambda unit, _: (*lead, first + unit), size, at, **style
    )


def across(
    desk: Any, vector: Vector, slots: Slots, size: tuple[float, float, float], at: Point, **style: Any
) -> Tinted:
    """A vector as a row of some of its elements."""
    tensor, lead = vector
    return Tinted(
        desk.look, desk.trace, tensor, (0,), slots, lambda _, place: (*lead, place), size, at, **style
    )
