"""Which cells the windows of one channel cover, axis by axis, read from the trace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torchreel.scenes.parts.sheet import Interval, Position
from torchreel.scenes.pooling.adaptive.windows import LETTERS, kernel_sizes, pooled_dims
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace


@dataclass(frozen=True)
class Cover:
    """The first channel's windows: an interval for each output along each axis.

    `letters` are torch's names of the pooled sizes `sizes`; a line has a first axis of one row that has no letter.
    """

    axes: tuple[Sequence[Interval], ...]
    sizes: tuple[int, ...]
    letters: str
    lead: Index

    @classmethod
    def of(cls, trace: Trace) -> Cover:
        """The windows of a call."""
        dims, shape = pooled_dims(trace.module), trace.shape("input")
        lead = (0,) * (len(shape) - dims)
        found = [_intervals(trace, letter, lead) for letter in LETTERS[dims]]
        row: list[Sequence[Interval]] = [[(0, 1)]] if dims == 1 else []
        sizes = (1,) * (dims == 1) + shape[-dims:]
        return cls((*row, *found), sizes, LETTERS[dims], lead)

    @property
    def is_line(self) -> bool:
        """Whether there are columns only."""
        return len(self.letters) == 1

    @property
    def is_volume(self) -> bool:
        """Whether there is a depth."""
        return len(self.axes) == 3

    @property
    def counts(self) -> tuple[int, ...]:
        """How many windows there are along each axis."""
        return tuple(map(len, self.axes))

    def window(self, position: Position) -> list[Interval]:
        """The intervals that one output covers."""
        return [axis[at] for axis, at in zip(self.axes, position, strict=True)]

    def index(self, position: Position) -> Index:
        """A position as torch's index."""
        return (*self.lead, *position[len(position) - len(self.letters) :])


def _intervals(trace: Trace, letter: str, lead: Index) -> list[Interval]:
    name, axes = f"start_{letter}", len(trace.shape(f"start_{letter}"))
    at = [(*lead, k)[-axes:] for k in range(trace.shape(name)[-1])]
    if not at:
        return []
    starts = [int(value) for value in trace.values(name, at)]
    if f"end_{letter}" in trace.tensors:
        return list(zip(starts, map(int, trace.values(f"end_{letter}", at)), strict=True))
    kernel = kernel_sizes(trace.module)[LETTERS[pooled_dims(trace.module)].index(letter)]
    return [(start, start + kernel) for start in starts]
