"""The element-wise losses: each element has its own place on a curve, its height there is the loss."""

from __future__ import annotations

import math

from torchreel.scenes.loss import operators
from torchreel.scenes.loss.elementwise.graph import Band
from torchreel.scenes.loss.elementwise.story import CurvedLoss
from torchreel.scenes.parts.grid import Cell


class L1Loss(CurvedLoss):
    operator = operators.L1Loss


class MSELoss(CurvedLoss):
    operator = operators.MSELoss

    def moment(self, cell: Cell) -> str:
        return "small" if abs(self.panel.value("difference", cell)) < 1 else "large"


class _Switching(CurvedLoss):
    """A square near 0 and a straight line beyond a switch, which the setting `switch` places."""

    switch = ""

    @property
    def limit(self) -> float:
        """Where the square becomes a line."""
        return float(getattr(self.module, self.switch))

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
    operator = operators.SmoothL1Loss
    switch = "beta"


class HuberLoss(_Switching):
    operator = operators.HuberLoss
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
    operator = operators.BCELoss


class BCEWithLogitsLoss(_Labelled):
    operator = operators.BCEWithLogitsLoss


class PoissonNLLLoss(CurvedLoss):
    operator = operators.PoissonNLLLoss


class GaussianNLLLoss(CurvedLoss):
    operator = operators.GaussianNLLLoss


class SoftMarginLoss(CurvedLoss):
    operator = operators.SoftMarginLoss

    def moment(self, cell: Cell) -> str:
        return "right" if self.panel.value("agreement", cell) > 0 else "wrong"


class HingeEmbeddingLoss(_Labelled):
    operator = operators.HingeEmbeddingLoss
    most_told = 3

    def bands(self) -> list[Band]:
        return [(float(self.module.margin), math.inf, "band")]

    def markers(self) -> list[tuple[float, str]]:
        return [(float(self.module.margin), "margin")]

    def moment(self, cell: Cell) -> str:
        dead = self.panel.value("loss", cell) == 0 and self.panel.value("target", cell) == -1
        return "dead" if dead else super().moment(cell)
