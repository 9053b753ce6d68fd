"""What an embedding cannot look up, said in torch's words."""

from __future__ import annotations

from torch import Tensor

from torchreel.assets.errors import UserError
from torchreel.scenes.trace.lookup import shown
from torchreel.scenes.trace.operator import Inputs, Settings


def check_embedding(name: str, settings: Settings, inputs: Inputs) -> None:
    """Refuse sizes below 1 and ids outside the table."""
    _check_ids(name, settings, inputs["input"])


def check_bag(name: str, settings: Settings, inputs: Inputs) -> None:
    """The same for bags, whose ids are in one or two dimensions."""
    ids = inputs["input"]
    if ids.ndim not in (1, 2):
        raise UserError(
            f"{name}: input has to be a 1D or 2D Tensor, but got Tensor of dimension {ids.ndim}. "
            "Give ids of shape (bags, length), or flat ids."
        )
    _check_ids(name, settings, ids)
    offsets = inputs.get("offsets")
    if offsets is not None and offsets.ndim == 1 and bool((offsets.diff() < 0).any()):
        raise UserError(
            f"{name}: offsets are where bags begin, so none is smaller than the one before it; "
            f"got {shown(offsets.tolist())}. Sort them."
        )


def _check_ids(name: str, settings: Settings, ids: Tensor) -> None:
    for size in ("num_embeddings", "embedding_dim"):
        if not isinstance(settings[size], int) or settings[size] < 1:
            raise UserError(f"{name}: {size}={settings[size]!r} should be a positive integer.")
    rows = settings["num_embeddings"]
    if ids.numel() and not 0 <= int(ids.min()) <= int(ids.max()) < rows:
        worst = int(ids.min()) if int(ids.min()) < 0 else int(ids.max())
        raise UserError(
            f"{name}: index {worst} is out of range for num_embeddings={rows}. Use ids from 0 to {rows - 1}."
        )
