"""The losses, as torch declares them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from torch import nn

from torchreel.scenes.loss.ctc.trace import ctc_facts, record_ctc
from torchreel.scenes.loss.elementwise.facts import facts
from torchreel.scenes.loss.elementwise.laws_trace import LAWS
from torchreel.scenes.loss.inputs import fitting_of
from torchreel.scenes.loss.operator import LossOperator, distance_facts
from torchreel.scenes.loss.vector.classes_trace import class_facts, record_cross_entropy, record_nll
from torchreel.scenes.loss.vector.facts import reduction_facts
from torchreel.scenes.loss.vector.margin_trace import (
    record_multi_label_margin,
    record_multi_label_soft_margin,
    record_multi_margin,
)
from torchreel.scenes.loss.vector.pairs_trace import record_cosine_embedding, record_margin_ranking
from torchreel.scenes.loss.vector.triplet_trace import record_triplet, record_triplet_with_distance
from torchreel.scenes.trace.operator import Call, Operator, Recording
from torchreel.scenes.trace.proof import Trace

_TRIPLET = "Balntas et al. 2016, Learning shallow convolutional feature descriptors with triplet losses, BMVC"


_ELEMENTWISE = {
    "target": "y",
    "output": "L",
    "loss": "ℓ",
    "total": "Σ ℓ",
    "difference": "d",
    "spread": "a",
    "miss": "b",
    "log_y": "a",
    "ratio": "b",
    "agreement": "z",
    "unweighted": "h",
    "pos_weight": "p",
    "var": "σ²",
}


def _elementwise(module: type[nn.Module], source: str = "") -> LossOperator:
    return LossOperator(
        module,
        LAWS[module.__name__].record,
        source=source,
        symbols=_ELEMENTWISE,
        facts=facts,
        fitting=fitting_of(module.__name__),
    )


L1Loss = _elementwise(nn.L1Loss)
MSELoss = _elementwise(nn.MSELoss)
SmoothL1Loss = _elementwise(nn.SmoothL1Loss, "Girshick 2015, Fast R-CNN, arXiv:1504.08083")
HuberLoss = _elementwise(
    nn.HuberLoss,
    "Huber 1964, Robust Estimation of a Location Parameter, Annals of Mathematical Statistics 35",
)
BCELoss = _elementwise(nn.BCELoss)
BCEWithLogitsLoss = _elementwise(nn.BCEWithLogitsLoss)
PoissonNLLLoss = _elementwise(nn.PoissonNLLLoss)
GaussianNLLLoss = _elementwise(
    nn.GaussianNLLLoss,
    "Nix and Weigend 1994, Estimating the mean and variance of the target probability distribution, ICNN",
)
SoftMarginLoss = _elementwise(nn.SoftMarginLoss)
HingeEmbeddingLoss = _elementwise(nn.HingeEmbeddingLoss)
KLDivLoss = _elementwise(nn.KLDivLoss)

_VECTOR = {"loss": "ℓ", "output": "L", "target": "t"}


def _vector(
    module: type[nn.Module],
    record: Callable[[Call], Recording],
    facts: Callable[[Trace], Mapping[str, bool]] = reduction_facts,
    symbols: Mapping[str, str] = MappingProxyType({}),
    source: str = "",
) -> LossOperator:
    return LossOperator(
        module,
        record,
        source=source,
        symbols={**_VECTOR, **symbols},
        facts=facts,
        fitting=fitting_of(module.__name__),
        either=("target",) if module is nn.CrossEntropyLoss else (),
    )


CrossEntropyLoss = _vector(
    nn.CrossEntropyLoss, record_cross_entropy, class_facts, {"logsumexp": "s", "exp": "e", "sum": "Σe"}
)
NLLLoss = _vector(nn.NLLLoss, record_nll, class_facts)
MultiLabelSoftMarginLoss = _vector(
    nn.MultiLabelSoftMarginLoss, record_multi_label_soft_margin, symbols={"term": "e"}
)
MultiMarginLoss = _vector(nn.MultiMarginLoss, record_multi_margin, symbols={"hinge": "h"})
MultiLabelMarginLoss = _vector(nn.MultiLabelMarginLoss, record_multi_label_margin, symbols={"hinge": "h"})
MarginRankingLoss = _vector(
    nn.MarginRankingLoss,
    record_margin_ranking,
    symbols={"input1": "u", "input2": "v", "difference": "g", "lead": "d"},
)
CosineEmbeddingLoss = _vector(
    nn.CosineEmbeddingLoss,
    record_cosine_embedding,
    symbols={"input1": "u", "input2": "v", "norm1": "a", "norm2": "b", "cos": "c"},
)
_TRIPLES = {
    "anchor": "a",
    "positive": "p",
    "negative": "n",
    "to_positive": "d_{p}",
    "to_negative": "d_{n}",
    "between": "d_{pn}",
    "anchor_length": "‖a‖",
    "positive_length": "‖p‖",
    "negative_length": "‖n‖",
}
TripletMarginLoss = _vector(nn.TripletMarginLoss, record_triplet, symbols=_TRIPLES, source=_TRIPLET)
TripletMarginWithDistanceLoss = _vector(
    nn.TripletMarginWithDistanceLoss, record_triplet_with_distance, distance_facts, _TRIPLES, _TRIPLET
)
CTCLoss = Operator(
    nn.CTCLoss,
    record_ctc,
    source="Graves et al. 2006, Connectionist Temporal Classification, ICML",
    symbols={
        "alpha": "α",
        "log_alpha": "α",
        "loss": "ℓ",
        "nll": "ℓ",
        "output": "L",
        "paths": "n",
        "log_probs": "x",
    },
    facts=ctc_facts,
    fitting=fitting_of("CTCLoss"),
)
