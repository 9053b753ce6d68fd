"""The windows of one plane of a pooling, read from the trace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torchreel.scenes.formula import Index
from torchreel.scenes.parts.grid import Cell
from torchreel.scenes.pooling_adaptive_ruler import Interval
from torchreel.scenes.pooling_adaptive_windows import LETTERS, pooled_dims
from torchreel.scenes.trace import Trace


@dataclass(frozen=True)
class Windows:
    """The windows of one plane: intervals of rows and of columns, and the letters of the sizes."""

    rows: Sequence[Interval]
    cols: Sequence[Interval]
    letters: str
    plane: Cell
    lead: Index

    @classmethod
    def of(cls, trace: Trace) -> Windows:
        """Those of the first plane; a line is a plane of one row."""
        dims, shape = pooled_dims(trace.module), trace.shape("input")
        lead = (0,) * (len(shape) - dims)
        found = [_intervals(trace, letter, lead) for letter in LETTERS[dims]]
        plane = shape[-dims:] if dims > 1 else (1, *shape[-1:])
        rows = found[-2] if dims > 1 else [(0, 1)]
        return cls(rows, found[-1], LETTERS[dims], (plane[-2], plane[-1]), lead)

    @property
    def is_line(self) -> bool:
        """Whether there are columns only."""
        return len(self.letters) == 1


def _intervals(trace: Trace, letter: str, lead: Index) -> list[Interval]:
    name, axes = f"start_{letter}", len(trace.shape(f"start_{letter}"))
    count = trace.shape(name)[-1]
    at = [(*lead, k)[-axes:] for k in range(count)]
    starts = [int(value) for value in trace.values(name, at)] if count else []
    if f"end_{letter}" in trace.tensors:
        return (
            list(zip(starts, (int(value) for value in trace.values(f"end_{letter}", at)), strict=True))
            if count
            else []
        )
    size = trace.module.kernel_size  # type: ignore[union-attr]
    kernel = size if isinstance(size, int) else size["DHW".index(letter) - 3 + len(size)]  # type: ignore[index]
    return [(start, start + kernel) for start in starts]  # type: ignore[operator]
