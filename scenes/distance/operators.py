"""The distances, as torch declares them."""

from __future__ import annotations

from torch import nn

from torchreel.scenes.distance.trace import record_cosine, record_pairwise
from torchreel.scenes.trace.operator import Operator

CosineSimilarity = Operator(nn.CosineSimilarity, record_cosine)
PairwiseDistance = Operator(nn.PairwiseDistance, record_pairwise)
