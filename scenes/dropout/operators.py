"""The dropouts, as torch declares them."""

from __future__ import annotations

from torch import nn

from torchreel.scenes.dropout.trace import dropout_facts, record_dropout
from torchreel.scenes.trace.operator import Operator

_NODES = "Hinton et al. 2012, Preventing co-adaptation of feature detectors, arXiv:1207.0580"
_MAPS = "Tompson et al. 2014, Efficient Object Localization Using Convolutional Networks, arXiv:1411.4280"
_ALPHA = "Klambauer et al. 2017, Self-Normalizing Neural Networks, arXiv:1706.02515"


def _dropout(module: type[nn.Module], source: str) -> Operator:
    symbols = {"mask": "m", "filled": "z"}
    return Operator(module, record_dropout, source=source, symbols=symbols, facts=dropout_facts)


Dropout = _dropout(nn.Dropout, _NODES)
Dropout1d = _dropout(nn.Dropout1d, _MAPS)
Dropout2d = _dropout(nn.Dropout2d, _MAPS)
Dropout3d = _dropout(nn.Dropout3d, _MAPS)
AlphaDropout = _dropout(nn.AlphaDropout, _ALPHA)
FeatureAlphaDropout = _dropout(nn.FeatureAlphaDropout, _ALPHA)
