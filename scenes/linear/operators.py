"""The linear layers, as torch declares them."""

from __future__ import annotations

from torch import nn

from torchreel.scenes.linear.inputs import bilinear
from torchreel.scenes.linear.trace import (
    dense_facts,
    infer_bilinear,
    infer_linear,
    record_bilinear,
    record_linear,
)
from torchreel.scenes.trace.operator import Operator

Linear = Operator(
    nn.Linear, record_linear, infer=infer_linear, symbols={"sum": "s", "product": "p"}, facts=dense_facts
)
Bilinear = Operator(
    nn.Bilinear,
    record_bilinear,
    infer=infer_bilinear,
    symbols={"input1": "u", "input2": "v", "outer": "p", "sum": "s", "product": "q"},
    facts=dense_facts,
    fitting=bilinear,
)
