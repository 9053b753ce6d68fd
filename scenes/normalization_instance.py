"""InstanceNorm: every channel of every sample is normalized by itself."""

from __future__ import annotations

from functools import partial

from torch import nn

from torchreel.scenes.families.normalization.checks import infer_features
from torchreel.scenes.families.normalization.trace import record_instance_norm
from torchreel.scenes.normalization import FiveSteps, declared
from torchreel.scenes.operator import Operator


class _InstanceNorm(FiveSteps):
    kind = "instance"

    @property
    def axes(self) -> str:
        """Those with a batch, also where the input has none."""
        return {"1": "ncl", "2": "nchw", "3": "ncdhw"}[self.operator.name[-2]]


def _instance_norm(module: type[nn.Module], dims: int) -> Operator:
    return declared(module, record_instance_norm, partial(infer_features, axis=-1 - dims))


class InstanceNorm1d(_InstanceNorm):
    operator = _instance_norm(nn.InstanceNorm1d, 1)


class InstanceNorm2d(_InstanceNorm):
    operator = _instance_norm(nn.InstanceNorm2d, 2)


class InstanceNorm3d(_InstanceNorm):
    operator = _instance_norm(nn.InstanceNorm3d, 3)
