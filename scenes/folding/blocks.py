"""A picture cut into windows: the geometry that Unfold and Fold share."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from torchreel.scenes.trace.windows import per_dimension

Cell = tuple[int, int]


@dataclass(frozen=True)
class Blocks:
    """A plane `(H, W)` of `channels` channels cut into windows.

    Window `l` is column `l` of the matrix, counted row by row; row `r` of a column is channel `r // taps` and kernel
    position `r % taps`, row by row. Positions are those of the plane, so padding lies outside it.
    """

    channels: int
    plane: Cell
    kernel: Cell
    stride: Cell
    padding: Cell
    dilation: Cell

    @classmethod
    def of(cls, module: Any, plane: Cell, channels: int) -> Blocks:
        """The windows of an `nn.Unfold` or `nn.Fold` over a plane."""
        sizes = (module.kernel_size, module.stride, module.padding, module.dilation)
        kernel, stride, padding, dilation = (per_dimension(size, 2) for size in sizes)
        return cls(channels, plane, kernel, stride, padding, dilation)  # type: ignore[arg-type]

    @property
    def counts(self) -> Cell:
        """How many windows there are downwards and across."""
        sizes = zip(self.plane, self.kernel, self.stride, self.padding, self.dilation, strict=True)
        down, across = ((n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in sizes)
        return down, across

    @property
    def columns(self) -> int:
        """The number of windows."""
        return math.prod(self.counts)

    @property
    def taps(self) -> int:
        """The number of kernel positions."""
        return math.prod(self.kernel)

    def tap(self, number: int) -> Cell:
        """Kernel row and kernel column of kernel position `number`."""
        return divmod(number, self.kernel[1])

    def window(self, column: int) -> list[Cell]:
        """The positions under window `column`, in the order of its column's rows."""
        block = divmod(column, self.counts[1])
        origin = [b * s - p for b, s, p in zip(block, self.stride, self.padding, strict=True)]
        taps = (self.tap(k) for k in range(self.taps))
        return [(origin[0] + u * self.dilation[0], origin[1] + v * self.dilation[1]) for u, v in taps]

    def followed(self, columns: Iterable[int], shows: Callable[[Cell], bool]) -> list[int]:
        """Of some columns those whose windows are drawn: if there is none, those whose windows begin in the picture."""
        drawn = list(columns)
        whole = [column for column in drawn if all(shows(at) for at in self.window(column))]
        return whole or [column for column in drawn if shows(self.window(column)[0])] or drawn

    def holds(self, at: Cell) -> bool:
        """Whether a position lies on the plane and not on its padding."""
        return 0 <= at[0] < self.plane[0] and 0 <= at[1] < self.plane[1]

    @property
    def overlaps(self) -> bool:
        """Whether windows share positions: whether some of their kernel positions are whole strides apart."""
        sizes = zip(self.kernel, self.stride, self.dilation, self.counts, strict=True)
        return any(u * d % s == 0 and u * d // s < count for k, s, d, count in sizes for u in range(1, k))

    @property
    def kept(self) -> int:
        """How many of a channel's elements lie on the plane and not on its padding."""
        inside = [
            sum(0 <= b * s - p + u * d < n for b in range(count) for u in range(k))
            for n, k, s, p, d, count in zip(
                self.plane, self.kernel, self.stride, self.padding, self.dilation, self.counts, strict=True
            )
        ]
        return math.prod(inside)

    def position(self, taps: Tensor, columns: Tensor) -> Tensor:
        """Positions `(B, 2)` of kernel positions `(B,)` of windows `(B,)`."""
        across, width = self.counts[1], self.kernel[1]
        block = torch.stack([columns // across, columns % across], -1)
        tap = torch.stack([taps // width, taps % width], -1)
        return block * pair(self.stride) - pair(self.padding) + tap * pair(self.dilation)

    def covering(self, at: Tensor, taps: Tensor) -> tuple[Tensor, Tensor]:
        """For positions `(..., 2)` and kernel positions `(...)`: the window that has them there, if there is one."""
        tap = torch.stack([taps // self.kernel[1], taps % self.kernel[1]], -1)
        start = at + pair(self.padding) - tap * pair(self.dilation)
        block = torch.div(start, pair(self.stride), rounding_mode="floor")
        exists = (start % pair(self.stride) == 0) & (block >= 0) & (block < pair(self.counts))
        return block[..., 0] * self.counts[1] + block[..., 1], exists.all(-1)


def pair(sizes: Cell) -> Tensor:
    """Two sizes as a tensor."""
    return torch.tensor(sizes)


def off_middle(plane: Cell, at: Cell) -> float:
    """How many steps a position is from the middle of a plane; of two equally near the upper left is nearer."""
    return sum(abs(place - (size - 1) / 2 + 0.1) for place, size in zip(at, plane, strict=True))
