"""The element-wise losses: each element has its own place on a curve, its height there is the loss."""

from __future__ import annotations

import math

from torch import nn

from torchreel.scenes.families.loss.elementwise_graph import Band
from torchreel.scenes.families.loss.elementwise_laws_trace import LAWS
from torchreel.scenes.families.loss.elementwise_scene import CurvedLoss
from torchreel.scenes.families.loss.operator import LossOperator
from torchreel.scenes.operator import Operator
from torchreel.scenes.parts.grid import Cell


def _operator(module: type[nn.Module]) -> Operator:
    return LossOperator(module, LAWS[module.__name__].record)


class L1Loss(CurvedLoss):
    operator = _operator(nn.L1Loss)


class MSELoss(CurvedLoss):
    operator = _operator(nn.MSELoss)

    def moment(self, cell: Cell) -> str:
        return "small" if abs(self.panel.value("difference", cell)) < 1 else "large"


class _Switching(CurvedLoss):
    """A square near 0 and a straight line beyond a switch, which the setting `switch` places."""

    switch = ""

    @property
    def limit(self) -> float:
        """Where the square becomes a line."""
        return float(getattr(self.trace.module, self.switch))

    def bands(self) -> list[Band]:
        return [(-self.limit, self.limit, "")] if math.isfinite(self.limit) else []

    def markers(self) -> list[tuple[float, str]]:
        return [(-self.limit, f"−{self.switch}"), (self.limit, self.switch)]

    def moment(self, cell: Cell) -> str:
        return "inside" if abs(self.panel.value("difference", cell)) <= self.limit else "outside"

    def slow(self) -> list[Cell]:
        """The first element of each regime."""
        cells = self.panel.positions
        firsts = {self.moment(cell): cell for cell in reversed(cells)}
        return sorted(firsts.values())


class SmoothL1Loss(_Switching):
    operator = _operator(nn.SmoothL1Loss)
    switch = "beta"


class HuberLoss(_Switching):
    operator = _operator(nn.HuberLoss)
    switch = "delta"


class _Labelled(CurvedLoss):
    """Two curves: the target decides which."""

    most_told = 2

    def moment(self, cell: Cell) -> str:
        target = self.panel.value("target", cell)
        one, other = (curve["target"] for curve in self.span.curves)
        return "one" if target == one else "other" if target == other else "between"

    def slow(self) -> list[Cell]:
        """The first element on each curve."""
        firsts = {self.moment(cell): cell for cell in reversed(self.panel.positions)}
        return sorted(firsts.values())[: self.most_told]


class BCELoss(_Labelled):
    operator = _operator(nn.BCELoss)


class BCEWithLogitsLoss(_Labelled):
    operator = _operator(nn.BCEWithLogitsLoss)


class PoissonNLLLoss(CurvedLoss):
    operator = _operator(nn.PoissonNLLLoss)


class GaussianNLLLoss(CurvedLoss):
    operator = _operator(nn.GaussianNLLLoss)


class SoftMarginLoss(CurvedLoss):
    operator = _operator(nn.SoftMarginLoss)

    def moment(self, cell: Cell) -> str:
        return "right" if self.panel.value("agreement", cell) > 0 else "wrong"


class HingeEmbeddingLoss(_Labelled):
    operator = _operator(nn.HingeEmbeddingLoss)
    most_told = 3

    def bands(self) -> list[Band]:
        return [(float(self.trace.module.margin), math.inf, "band")]  # type: ignore[arg-type, union-attr]

    def markers(self) -> list[tuple[float, str]]:
        return [(float(self.trace.module.margin), "margin")]  # type: ignore[arg-type, union-attr]

    def moment(self, cell: Cell) -> str:
        dead = self.panel.value("loss", cell) == 0 and self.panel.value("target", cell) == -1
        return "dead" if dead else super().moment(cell)
