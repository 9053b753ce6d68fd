"""Where the windows of a pooling lie: positions in the input, the kernel and the output of one channel.

A position is `(row, column)`, or `(depth, row, column)` in three dimensions; one dimension is a single row.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from torchreel.scenes.parts.sheet import Position
from torchreel.scenes.pooling.window.trace import pool_window
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace


@dataclass(frozen=True)
class PoolingGeometry:
    """Sizes of one call on one channel, as positions; `lead` is the channel's index.

    `over` is how far the last windows reach beyond the padded input (`ceil_mode`).
    """

    dims: int
    lead: Index
    plane: Position
    out: Position
    kernel: Position
    stride: Position
    padding: Position
    dilation: Position
    over: Position

    @classmethod
    def of(cls, trace: Trace) -> PoolingGeometry:
        window, shape, out = pool_window(trace.module), trace.shape("input"), trace.shape("output")
        dims = len(window.kernel)
        plane, outs = _padded(shape[-dims:], 1), _padded(out[-dims:], 1)
        kernel, stride, dilation = (
            _padded(sizes, 1) for sizes in (window.kernel, window.stride, window.dilation)
        )
        padding = _padded(window.padding, 0)
        over = tuple(
            max(0, (o - 1) * s - p + d * (k - 1) - (n + p - 1))
            for n, o, k, s, p, d in zip(plane, outs, kernel, stride, padding, dilation, strict=True)
        )
        lead = (0,) * (len(shape) - dims)
        return cls(dims, lead, plane, outs, kernel, stride, padding, dilation, over)

    def spatial(self, position: Position) -> Index:
        """A position as torch's trailing indices."""
        return position[len(position) - self.dims :]

    def origin(self, position: Position) -> Position:
        """The first input position under the window of an output position."""
        return tuple(at * s - p for at, s, p in zip(position, self.stride, self.padding, strict=True))

    def taps(self, position: Position) -> list[Position]:
        """The input positions under the window of an output position, row by row; they may lie outside."""
        first = self.origin(position)
        axes = [
            [at + d * k for k in range(size)]
            for at, d, size in zip(first, self.dilation, self.kernel, strict=True)
        ]
        return list(itertools.product(*axes))

    def corners(self, position: Position) -> tuple[Position, Position]:
        """The first and the last of the taps."""
        first = self.origin(position)
        spans = (d * (k - 1) for d, k in zip(self.dilation, self.kernel, strict=True))
        return first, tuple(at + span for at, span in zip(first, spans, strict=True))

    def exists(self, tap: Position) -> bool:
        """Whether a position belongs to the input or its padding, and not to nothing at all."""
        return all(at < n + p for at, n, p in zip(tap, self.plane, self.padding, strict=True))

    def holds(self, tap: Position) -> bool:
        """Whether a position belongs to the input."""
        return all(0 <= at < n for at, n in zip(tap, self.plane, strict=True))


def _padded(sizes: Sequence[int], single: int) -> Position:
    return (single, sizes[0]) if len(sizes) == 1 else tuple(sizes)
