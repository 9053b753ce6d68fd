"""The dropouts, as torch declares them."""

from __future__ import annotations

from torch import nn

from torchreel.scenes.dropout.trace import record_dropout
from torchreel.scenes.trace.operator import Operator

_NODES = "Hinton et al. 2012, Preventing co-adaptation of feature detectors, arXiv:1207.0580"
_MAPS = "Tompson et al. 2014, Efficient Object Localization Using Convolutional Networks, arXiv:1411.4280"
_ALPHA = "Klambauer et al. 2017, Self-Normalizing Neural Networks, arXiv:1706.02515"

Dropout = Operator(nn.Dropout, record_dropout, source=_NODES)
Dropout1d = Operator(nn.Dropout1d, record_dropout, source=_MAPS)
Dropout2d = Operator(nn.Dropout2d, record_dropout, source=_MAPS)
Dropout3d = Operator(nn.Dropout3d, record_dropout, source=_MAPS)
AlphaDropout = Operator(nn.AlphaDropout, record_dropout, source=_ALPHA)
FeatureAlphaDropout = Operator(nn.FeatureAlphaDropout, record_dropout, source=_ALPHA)
