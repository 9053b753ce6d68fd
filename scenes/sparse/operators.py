"""The embeddings, as torch declares them."""

from __future__ import annotations

from torch import nn

from torchreel.scenes.sparse.checks import check_bag, check_embedding
from torchreel.scenes.sparse.inputs import bag
from torchreel.scenes.sparse.trace import record_bag, record_embedding, sparse_facts
from torchreel.scenes.trace.calling import by_name
from torchreel.scenes.trace.operator import Operator

_SYMBOLS = {
    "renormed": "w",
    "per_sample_weights": "a",
    "count": "n",
    "grad": "g",
    "running": "r",
    "norm": "‖w‖",
}

Embedding = Operator(nn.Embedding, record_embedding, check_embedding, symbols=_SYMBOLS, facts=sparse_facts)
EmbeddingBag = Operator(
    nn.EmbeddingBag,
    record_bag,
    check_bag,
    run=by_name,
    symbols=_SYMBOLS,
    facts=sparse_facts,
    fitting=bag,
)
