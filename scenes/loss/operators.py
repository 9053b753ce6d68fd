"""The losses, as torch declares them."""

from __future__ import annotations

from torch import nn

from torchreel.scenes.loss.ctc.trace import record_ctc
from torchreel.scenes.loss.elementwise.facts import facts
from torchreel.scenes.loss.elementwise.laws_trace import LAWS
from torchreel.scenes.loss.operator import LossOperator
from torchreel.scenes.loss.vector.classes_trace import record_cross_entropy, record_nll
from torchreel.scenes.loss.vector.margin_trace import (
    record_multi_label_margin,
    record_multi_label_soft_margin,
    record_multi_margin,
)
from torchreel.scenes.loss.vector.pairs_trace import record_cosine_embedding, record_margin_ranking
from torchreel.scenes.loss.vector.triplet_trace import record_triplet, record_triplet_with_distance
from torchreel.scenes.trace.operator import Operator

_TRIPLET = "Balntas et al. 2016, Learning shallow convolutional feature descriptors with triplet losses, BMVC"


_ELEMENTWISE = {
    "target": "y",
    "output": "L",
    "loss": "ℓ",
    "total": "Σ ℓ",
    "difference": "d",
    "agreement": "z",
    "unweighted": "h",
    "pos_weight": "p",
    "var": "σ²",
}


def _elementwise(module: type[nn.Module], source: str = "") -> LossOperator:
    return LossOperator(
        module, LAWS[module.__name__].record, source=source, symbols=_ELEMENTWISE, facts=facts
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

CrossEntropyLoss = LossOperator(nn.CrossEntropyLoss, record_cross_entropy)
NLLLoss = LossOperator(nn.NLLLoss, record_nll)
MultiLabelSoftMarginLoss = LossOperator(nn.MultiLabelSoftMarginLoss, record_multi_label_soft_margin)
MultiMarginLoss = LossOperator(nn.MultiMarginLoss, record_multi_margin)
MultiLabelMarginLoss = LossOperator(nn.MultiLabelMarginLoss, record_multi_label_margin)
MarginRankingLoss = LossOperator(nn.MarginRankingLoss, record_margin_ranking)
CosineEmbeddingLoss = LossOperator(nn.CosineEmbeddingLoss, record_cosine_embedding)
TripletMarginLoss = LossOperator(nn.TripletMarginLoss, record_triplet, source=_TRIPLET)
TripletMarginWithDistanceLoss = LossOperator(
    nn.TripletMarginWithDistanceLoss, record_triplet_with_distance, source=_TRIPLET
)
CTCLoss = Operator(
    nn.CTCLoss, record_ctc, source="Graves et al. 2006, Connectionist Temporal Classification, ICML"
)
