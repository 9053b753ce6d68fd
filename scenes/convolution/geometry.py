"""The sizes of one convolution call, which cells its windows cover, and what of a large call is drawn."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from torchreel.scenes.convolution.trace import Names, padding_sides
from torchreel.scenes.parts.views import Place
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace


class Cut(NamedTuple):
    """What of a call is drawn, from its first output on, so that every drawn window has its place in the drawn input.

    Cells of a plane, taps of a kernel, positions of an output, and the padding, as in `ConvolutionGeometry`.
    """

    plane: Place
    kernel: Place
    out: Place
    pad: tuple[int, ...]


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

    @property
    def groups(self) -> int:
        """How many groups the channels fall into."""
        return self.channels // self.per_group

    @property
    def outs_per_group(self) -> int:
        """How many kernels read one group."""
        return self.outs // self.groups

    def group_channels(self, out: int) -> list[int]:
        """The input channels that output channel `out` reads."""
        group = out // self.outs_per_group
        return list(range(group * self.per_group, (group + 1) * self.per_group))

    def spatial(self, cell: Place) -> Index:
        """A plane's cell as torch's trailing indices."""
        return cell[-self.dims :]

    def first(self, cell: Place) -> Place:
        """The input cell under the first tap of an output cell's window."""
        return tuple(at * by - pad for at, by, pad in zip(cell, self.stride, self.pad[::2], strict=True))

    def taps(self, cell: Place) -> list[Place]:
        """The input cells under the window of an output cell; those outside the input are padding."""
        return [at for _, at in self.pairs(cell, self.kernel)]

    def pairs(self, cell: Place, kernel: Place) -> list[tuple[Place, Place]]:
        """The taps of a kernel of a size, each with the input cell it meets in the window of an output cell."""
        taps = itertools.product(*map(range, kernel))
        start = self.first(cell)
        return [
            (tap, tuple(at + k * by for at, k, by in zip(start, tap, self.dilation, strict=True)))
            for tap in taps
        ]

    def spread(self, kernel: Place) -> Place:
        """How many cells a kernel of a size spans, axis by axis."""
        return tuple((size - 1) * by + 1 for size, by in zip(kernel, self.dilation, strict=True))

    def cut(self, most: Place) -> Cut:
        """The call with at most so many cells of the padded input along each axis."""
        axes = list(map(self._cut_axis, range(len(self.plane)), most))
        plane, kernel, out = (tuple(axis[k] for axis in axes) for k in range(3))
        return Cut(plane, kernel, out, tuple(n for axis in axes for n in axis[3:]))

    def _cut_axis(self, axis: int, most: int) -> tuple[int, int, int, int, int]:
        size, kernel, out = self.plane[axis], self.kernel[axis], self.out[axis]
        before, after = self.pad[2 * axis : 2 * axis + 2]
        if before + size + after <= most:
            return size, kernel, out, before, after
        by, stride = self.dilation[axis], self.stride[axis]
        most = max(
            most, before + 1
        )  # the first window starts at the rim, and some of the input has to be there
        kernel = min(kernel, (most - 1) // by + 1)
        span = (kernel - 1) * by + 1
        out = max(1, min(out, (most - span) // stride + 1))
        extent = (out - 1) * stride + span
        cells = max(1, min(size, extent - before))
        return cells, kernel, out, before, max(0, min(after, extent - before - cells))

    def is_whole(self, cut: Cut) -> bool:
        """Whether all of a plane, a kernel and an output is drawn."""
        return (cut.plane, cut.kernel, cut.out) == (self.plane, self.kernel, self.out)

    def outside(self, cut: Cut) -> Iterator[Place]:
        """The cells of the drawn padding."""
        sides = zip(cut.pad[::2], cut.plane, cut.pad[1::2], strict=True)
        for at in itertools.product(*(range(-before, size + after) for before, size, after in sides)):
            if not all(0 <= k < size for k, size in zip(at, cut.plane, strict=True)):
                yield at


def _plane(sizes: Sequence[int]) -> Place:
    return (1, sizes[0]) if len(sizes) == 1 else tuple(sizes)
