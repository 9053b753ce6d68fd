"""InstanceNorm: every channel of every sample is normalized by itself."""

from __future__ import annotations

from torchreel.scenes.normalization import operators
from torchreel.scenes.normalization.five_steps import FiveSteps


class _InstanceNorm(FiveSteps):
    kind = "instance"

    @property
    def axes(self) -> str:
        """Those with a batch, also where the input has none."""
        return {"1": "ncl", "2": "nchw", "3": "ncdhw"}[self.operator.name[-2]]


class InstanceNorm1d(_InstanceNorm):
    operator = operators.InstanceNorm1d


class InstanceNorm2d(_InstanceNorm):
    operator = operators.InstanceNorm2d


class InstanceNorm3d(_InstanceNorm):
    operator = operators.InstanceNorm3d
