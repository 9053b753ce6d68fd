"""Which elements of many are listed beside a graph, and which channels have a curve of their own."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def spread(count: int, most: int) -> list[int]:
    """At most `most` of `count` places, from the first to the last, evenly apart."""
    if count <= most:
        return list(range(count))
    return [round(step * (count - 1) / (most - 1)) for step in range(most)]


def listed(x: Tensor, most: int, channels: Sequence[int] | None = None) -> list[int]:
    """The flat places, in order, of at most `most` elements of `x` `(N, C, *)` whose values cover its range.

    Of many, from the smallest to the largest, as many elements lie between one and the next; NaN counts as largest.
    With `channels`, of those alone.
    """
    places = torch.arange(x.numel())
    if channels is not None and x.ndim > 1 and len(channels) < x.shape[1]:
        places = places.reshape(x.shape)[:, list(channels)].reshape(-1)
    if x.numel() > most:
        order = places[x.reshape(-1)[places].argsort(stable=True)]
        places = order[spread(len(order), most)].sort().values
    found: list[int] = places.tolist()
    return found
