"""What captions may claim of an Unfold or a Fold, computed from the call that was made."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from torchreel.scenes.folding.blocks import Blocks
from torchreel.scenes.folding.trace import fold_blocks, unfold_blocks
from torchreel.scenes.trace.proof import Trace


def unfold_facts(trace: Trace) -> Mapping[str, bool]:
    """Facts of a call of Unfold."""
    return _facts(unfold_blocks(trace))


def fold_facts(trace: Trace) -> Mapping[str, bool]:
    """Facts of a call of Fold."""
    blocks, values = fold_blocks(trace), trace.tensors["input"]
    counts = trace.tensors["overlap"]
    (height, width), (down, across) = blocks.plane, blocks.padding
    inside = counts[down : down + height, across : across + width]  # type: ignore[index]
    return {
        **_facts(blocks),
        "ones": bool((values == 1).all()),  # type: ignore[union-attr]
        "holes": bool((inside == 0).any()),
        "restored": bool((inside == 1).all()),
        "unfolded": "x" in trace.tensors and isinstance(trace.tensors["x"], torch.Tensor),
    }


def _facts(blocks: Blocks) -> Mapping[str, bool]:
    return {
        "overlap": blocks.overlaps,
        "padded": any(blocks.padding),
        "one_padding": len(set(blocks.padding)) == 1,
        "dilated": any(d > 1 and k > 1 for d, k in zip(blocks.dilation, blocks.kernel, strict=True)),
        "strided": blocks.counts[1] > 1 and blocks.stride[1] > 1,
        "several_columns": blocks.columns > 1,
        "several_channels": blocks.channels > 1,
    }
