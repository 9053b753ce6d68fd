"""The sizes of one convolution call, and which cells its windows cover."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torchreel.scenes.convolution.trace import Names, padding_sides
from torchreel.scenes.parts.views import Place
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace


@dataclass(frozen=True)
class ConvolutionGeometry:
    """Sizes of one call, with one-dimensional planes as a single row.

    `pad` is (top, bottom, left, right), headed by (front, back) in three dimensions.
    """

    dims: int
    lead: tuple[int, ...]
    channels: int
    outs: int
    per_group: int
    plane: Place
    out: Place
    kernel: Place
    stride: Place
    dilation: Place
    pad: tuple[int, ...]
    pad_mode: str
    bias: bool

    @classmethod
    def of(cls, trace: Trace, module: Any, names: Names) -> ConvolutionGeometry:
        dims = len(module.kernel_size)
        sides = [(0, 0)] * (2 - dims) + padding_sides(module)
        shape, out = trace.shape(names.input), trace.shape(names.output)
        return cls(
            dims,
            (0,) * (len(shape) - dims - 1),
            shape[-dims - 1],
            out[-dims - 1],
            trace.shape(names.weight)[1],
            _plane(shape[-dims:]),
            _plane(out[-dims:]),
            _plane(module.kernel_size),
            _plane(module.stride),
            _plane(module.dilation),
            tuple(itertools.chain(*sides)),
            module.padding_mode,
            module.bias is not None,
        )

    def group_channels(self, out: int) -> list[int]:
        """The input channels that output channel `out` reads."""
        group = out // (self.outs // (self.channels // self.per_group))
        return list(range(group * self.per_group, (group + 1) * self.per_group))

    def spatial(self, cell: Place) -> Index:
        """A plane's cell as torch's trailing indices."""
        return cell[-self.dims :]

    def first(self, cell: Place) -> Place:
        """The input cell under the first tap of an output cell's window."""
        return tuple(at * by - pad for at, by, pad in zip(cell, self.stride, self.pad[::2], strict=True))

    def taps(self, cell: Place) -> list[Place]:
        """The input cells under the window of an output cell; those outside the input are padding."""
        axes = zip(self.first(cell), self.kernel, self.dilation, strict=True)
        return list(itertools.product(*([at + k * by for k in range(size)] for at, size, by in axes)))


def _plane(sizes: Sequence[int]) -> Place:
    return (1, sizes[0]) if len(sizes) == 1 else tuple(sizes)
