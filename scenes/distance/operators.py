"""The distances, as torch declares them."""

from __future__ import annotations

from torch import nn

from torchreel.scenes.distance.trace import distance_facts, record_cosine, record_pairwise
from torchreel.scenes.trace.fitting import same_shape
from torchreel.scenes.trace.operator import Operator

_VECTORS = {"x1": "u", "x2": "v"}

CosineSimilarity = Operator(
    nn.CosineSimilarity,
    record_cosine,
    symbols={**_VECTORS, "dot": "u·v", "norm_1": "‖u‖", "norm_2": "‖v‖", "angle": "θ"},
    facts=distance_facts,
    fitting=same_shape,
)
PairwiseDistance = Operator(
    nn.PairwiseDistance,
    record_pairwise,
    symbols={**_VECTORS, "diff": "d", "power": "q", "total": "s"},
    facts=distance_facts,
    fitting=same_shape,
)
