"""The embeddings, as torch declares them."""

from __future__ import annotations

from torch import nn

from torchreel.scenes.sparse.checks import check_bag, check_embedding
from torchreel.scenes.sparse.trace import record_bag, record_embedding
from torchreel.scenes.trace.operator import Operator

Embedding = Operator(nn.Embedding, record_embedding, check_embedding)
EmbeddingBag = Operator(nn.EmbeddingBag, record_bag, check_bag)
