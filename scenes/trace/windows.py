"""Sliding windows over the last dimensions of a tensor: what convolution, pooling and unfolding share.

Index tensors are int64: cells `(B, dims)`, taps `(B, K, dims)`; `K` is the number of kernel positions, row-major.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from torchreel.assets.errors import UserError
from torchreel.scenes.trace.operator import Inputs, Settings


@dataclass(frozen=True)
class Window:
    """The geometry of a window over the last `len(kernel)` dimensions.

    `taps(cells)` gives the input positions `(B, K, dims)` that each output position `(B, dims)` reads, row-major in the
    kernel; positions may lie outside the input, which is padding.
    """

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...] = field(default=())

    def offsets(self) -> Tensor:
        """Kernel positions `(K, dims)`, row-major."""
        axes = [torch.arange(size) for size in self.kernel]
        return torch.cartesian_prod(*axes).reshape(-1, len(axes))

    def origin(self, cells: Tensor) -> Tensor:
        """The input position of each window's first tap, `(B, dims)`."""
        return cells * torch.tensor(self.stride) - torch.tensor(self.padding)

    def reach(self) -> Tensor:
        """How far each tap lies from the first, `(K, dims)`."""
        return self.offsets() * torch.tensor(self.dilation or (1,) * len(self.kernel))

    def taps(self, cells: Tensor) -> Tensor:
        return self.origin(cells)[:, None, :] + self.reach()


def per_dimension(value: Any, dims: int, name: str = "value") -> tuple[int, ...]:
    """torch's `int or tuple` setting as a tuple of `dims` ints; anything else is a `UserError`."""
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,) * dims
    if len(values) != dims or not all(isinstance(n, int) and not isinstance(n, bool) for n in values):
        raise UserError(f"{name}={value!r} should be an int or a tuple of {dims} ints.")
    return values


def spread(columns: Tensor, count: int) -> Tensor:
    """Leading indices `(B, n)` repeated for `count` taps: `(B, count, n)`."""
    return columns[:, None, :].expand(-1, count, -1)


def with_leading(leading: list[Tensor], spatial: Tensor) -> Tensor:
    """Indices `(B, K, ndim)` from leading columns `(B,)` and spatial positions `(B, K, dims)`."""
    lead = torch.stack(leading, -1)
    return torch.cat([spread(lead, spatial.shape[1]), spatial], -1)


def border_source(at: Tensor, sizes: Tensor, mode: str) -> Tensor:
    """The input position whose value a padded position copies, for positions `(B, dims)` that may lie outside.

    `mode` is torch's: circular wraps, replicate clamps, reflect mirrors and skips the edge.
    """
    if mode == "circular":
        return at % sizes
    if mode == "replicate":
        return torch.minimum(at.clamp(min=0), sizes - 1)
    mirrored = at.abs()
    return torch.where(mirrored >= sizes, 2 * (sizes - 1) - mirrored, mirrored)


def check_window(name: str, settings: Settings, inputs: Inputs, dims: int) -> None:
    """Refuse a window that does not fit its padded input, in the words a reader can act on."""
    sizes = inputs["input"].shape[-dims:]
    if len(sizes) < dims:
        return  # torch says which shapes it takes
    if settings.get("stride") is not None:
        per_dimension(settings["stride"], dims, f"{name}: stride")
    if min(per_dimension(settings["kernel_size"], dims, f"{name}: kernel_size")) < 1:
        raise UserError(f"{name}: kernel_size={settings['kernel_size']} should be at least 1.")
    padding = settings.get("padding", 0)
    if isinstance(padding, str):
        return
    given = {
        "kernel_size": settings["kernel_size"],
        "dilation": settings.get("dilation", 1),
        "padding": padding,
    }
    kernel, dilation, pads = (per_dimension(value, dims, f"{name}: {key}") for key, value in given.items())
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    padded = [n + 2 * p for n, p in zip(sizes, pads, strict=True)]
    if all(span <= size for span, size in zip(spans, padded, strict=True)):
        return
    fits = min((size - 1) // d + 1 for size, d in zip(padded, dilation, strict=True))
    needed = max(math.ceil((span - n) / 2) for span, n in zip(spans, sizes, strict=True))
    raise UserError(
        f"{name}: kernel_size={settings['kernel_size']} does not fit the padded input "
        f"{' x '.join(map(str, padded))} (padding={padding}), so there is no output. "
        f"Use kernel_size <= {fits} or padding >= {needed}."
    )
