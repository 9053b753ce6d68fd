"""The functions that are distances."""

from __future__ import annotations

from torchreel.scenes.trace.functions import Function

FUNCTIONS = (
    Function("CosineSimilarity", ("cosine_similarity",)),
    Function("PairwiseDistance", ("pairwise_distance",)),
)
