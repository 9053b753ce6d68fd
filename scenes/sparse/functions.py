"""The functions that look rows up."""

from __future__ import annotations

from torchreel.scenes.trace.functions import Arguments, Function, shaped


def _table(arguments: Arguments) -> Arguments:
    rows, features = shaped(arguments, "weight", "num_embeddings, embedding_dim")
    return {"num_embeddings": rows, "embedding_dim": features}


def _plain_table(arguments: Arguments) -> Arguments:
    """A padding index below zero is none here, and the last row elsewhere."""
    padding = arguments["padding_idx"]
    return {**_table(arguments), "padding_idx": None if padding < 0 else padding}


FUNCTIONS = (
    Function("Embedding", ("F.embedding",), _table, state=("weight",)),
    Function("Embedding", ("torch.embedding",), _plain_table, {"indices": "input"}, state=("weight",)),
    Function("EmbeddingBag", ("F.embedding_bag",), _table, state=("weight",)),
)
