"""The sizes of one transposed convolution, always with three dimensions; missing leading ones have size 1."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from torchreel.scenes.convolution.transposed.trace import canvas_sizes
from torchreel.scenes.parts.stack import Position, Sizes
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace


@dataclass(frozen=True)
class Stamp:
    """One input element at work: its number among those an output channel reads, its channel and its position."""

    number: int
    channel: int
    at: Position


@dataclass(frozen=True)
class StampGeometry:
    """`full` is how far the stamps reach; `padding` cells of it are cropped before the `out` cells of the output.
    `growth` is how much longer `output_padding` makes the output at its far end.

    Positions of the canvas count from the first stamp's first cell.
    """

    dims: int
    lead: Index
    channels: int
    outs: int
    per_group: int
    groups: int
    sizes: Sizes
    kernel: Sizes
    stride: Sizes
    dilation: Sizes
    padding: Sizes
    full: Sizes
    out: Sizes
    growth: Sizes
    bias: bool

    @classmethod
    def of(cls, trace: Trace) -> StampGeometry:
        module: Any = trace.module
        dims = len(module.kernel_size)
        shape, out = trace.shape("input"), trace.shape("output")
        full = canvas_sizes(shape[-dims:], module.kernel_size, module.stride, module.dilation)
        per_group = shape[-dims - 1] // module.groups
        grown = tuple(o + 2 * p - f for o, p, f in zip(out[-dims:], module.padding, full, strict=True))

        def three(sizes: tuple[int, ...], fill: int = 1) -> Sizes:
            return cast(Sizes, (fill,) * (3 - dims) + tuple(sizes))

        return cls(
            dims, (0,) * (len(shape) - dims - 1), shape[-dims - 1], out[-dims - 1], per_group, module.groups,
            three(shape[-dims:]), three(module.kernel_size), three(module.stride), three(module.dilation),
            three(module.padding, 0), three(full), three(out[-dims:]), three(grown, 0), module.bias is not None,
        )  # fmt: skip

    @property
    def canvas(self) -> Sizes:
        """How much is drawn: everything that a stamp reaches or that belongs to the output."""
        return cast(Sizes, tuple(max(f, p + o) for f, p, o in zip(*self._reach(), strict=True)))

    @property
    def is_cropped(self) -> bool:
        """Whether some of what the stamps leave is cut off."""
        return any(p > 0 or p + o < f for f, p, o in zip(*self._reach(), strict=True))

    def spatial(self, at: Position) -> Index:
        """A position as torch's trailing indices."""
        return at[3 - self.dims :]

    def stamps(self, out: int) -> list[Stamp]:
        """The stamps on an output channel in the trace's order."""
        first = out // (self.outs // self.groups) * self.per_group
        places = itertools.product(range(first, first + self.per_group), *map(range, self.sizes))
        return [Stamp(number, c, (d, i, j)) for number, (c, d, i, j) in enumerate(places)]

    def first(self, stamp: Stamp) -> Position:
        """The canvas position of a stamp's first cell."""
        return cast(Position, tuple(at * by for at, by in zip(stamp.at, self.stride, strict=True)))

    def taps(self, stamp: Stamp) -> Iterator[tuple[Position, Position]]:
        """Each kernel position with the canvas position that it falls on."""
        for tap in itertools.product(*map(range, self.kernel)):
            at = np.array(self.first(stamp)) + np.array(tap) * np.array(self.dilation)
            yield cast(Position, tap), cast(Position, tuple(at.tolist()))

    def kept(self, at: Position) -> Position | None:
        """The output's position at a canvas position; None where it is cropped."""
        moved = cast(Position, tuple(a - p for a, p in zip(at, self.padding, strict=True)))
        return moved if all(0 <= a < n for a, n in zip(moved, self.out, strict=True)) else None

    def _reach(self) -> tuple[Sizes, Sizes, Sizes]:
        return self.full, self.padding, self.out
