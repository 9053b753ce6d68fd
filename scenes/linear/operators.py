"""The linear layers, as torch declares them."""

from __future__ import annotations

from torch import nn

from torchreel.scenes.linear.trace import infer_bilinear, infer_linear, record_bilinear, record_linear
from torchreel.scenes.trace.operator import Operator

Linear = Operator(nn.Linear, record_linear, infer=infer_linear)
Bilinear = Operator(nn.Bilinear, record_bilinear, infer=infer_bilinear)
