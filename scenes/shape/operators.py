"""The operators that change a shape, and the one that changes nothing, as torch declares them."""

from __future__ import annotations

from torch import nn

from torchreel.scenes.shape.trace import flatten_facts, record_reshape, unflatten_facts
from torchreel.scenes.trace.operator import Operator

Flatten = Operator(nn.Flatten, record_reshape, facts=flatten_facts)
Unflatten = Operator(nn.Unflatten, record_reshape, facts=unflatten_facts)
Identity = Operator(nn.Identity, record_reshape)
