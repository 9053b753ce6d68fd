"""Named tensors and their elements: what a formula refers to, and the pieces it is drawn with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

Index = tuple[int, ...]


@dataclass(frozen=True)
class Lazy:
    """A tensor that is computed element by element when asked for, because all of it would not fit.

    `gather` takes indices `(..., ndim)` and returns the values `(...)`; it reads `reads` elements for each of them.
    """

    shape: tuple[int, ...]
    gather: Callable[[Tensor], Tensor]
    dtype: torch.dtype = torch.float32
    reads: int = 1


Tensors = Mapping[str, Tensor | Lazy]


def read(source: Tensor | Lazy, index: Tensor) -> Tensor:
    """The elements of `source` at `index` `(..., ndim)`; the result is `(...)`, in the source's dtype."""
    if isinstance(source, Lazy):
        return source.gather(index)
    if source.ndim == 0:
        return source.expand(index.shape[:-1])
    return source[tuple(index.unbind(-1))]


def unravelled(flat: Tensor, shape: Sequence[int]) -> Tensor:
    """The cells `(B, len(shape))` of places `(B,)` of a grid in row-major order.

    (`torch.unravel_index` would import a symbolic algebra system for this, which takes half a second.)
    """
    axes: list[Tensor] = []
    for size in reversed(shape):
        axes.append(flat % size)
        flat = flat // size
    return torch.stack(axes[::-1], -1) if axes else flat.reshape(-1, 1)[:, :0]


def ravelled(index: Tensor, shape: Sequence[int]) -> Tensor:
    """The places `(B,)` of cells `(B, len(shape))` of a grid in row-major order."""
    flat = torch.zeros(len(index), dtype=torch.int64)
    for axis, size in enumerate(shape):
        flat = flat * size + index[:, axis]
    return flat


def cells(shape: Sequence[int], start: int, stop: int) -> Tensor:
    """The cells `start` to `stop` of a grid in row-major order, `(stop - start, len(shape))`."""
    return unravelled(torch.arange(start, stop), shape)


def box(start: Sequence[int], stop: Sequence[int]) -> Tensor:
    """The cells of a box of a grid in row-major order, from its first corner to before its last, `(B, ndim)`."""
    sizes = [last - first for first, last in zip(start, stop, strict=True)]
    if not sizes:
        return torch.zeros(1, 0, dtype=torch.int64)
    axes = torch.meshgrid(*(torch.arange(*ends) for ends in zip(start, stop, strict=True)), indexing="ij")
    return torch.stack(axes, -1).reshape(-1, len(sizes))


@dataclass(frozen=True)
class Token:
    """One piece of a drawn formula: plain text, or the number at `index` of `tensor`."""

    text: str
    tensor: str | None = None
    index: Index = ()
    value: float | None = None
