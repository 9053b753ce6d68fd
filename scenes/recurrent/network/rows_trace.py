"""Which step of a sequence comes before which: the order of time in batches of any layout, packed ones included.

A row is one step of one sample: an index of a sequence tensor without its features, counted in row-major order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from torchreel.scenes.trace.formula import Index, cells
from torchreel.scenes.trace.proof import Trace

PACKED = "packed_rows"
"""The tensor of a trace of a packed sequence that says where its steps are: `(T, N)`, -1 after a sample's end."""


@dataclass(frozen=True)
class SequenceRows:
    """The rows of a sequence tensor whose leading dimensions are `lead`.

    `table` (T, N) is the row of each step of each sample, -1 after a sample's end; `time` and `sample` (rows) are its
    inverse. Samples count as the caller gave them, however a packed sequence sorts them.
    """

    lead: tuple[int, ...]
    table: Tensor
    time: Tensor
    sample: Tensor

    @classmethod
    def of(cls, source: Tensor | PackedSequence, batch_first: bool) -> SequenceRows:
        """The rows of a recurrent network's input: `(T, N, …)`, `(N, T, …)`, `(T, …)` or packed."""
        if isinstance(source, PackedSequence):
            return cls._packed(source)
        lead = tuple(source.shape[:-1])
        numbers = torch.arange(lead[0] * (lead[1] if len(lead) > 1 else 1)).reshape(lead)
        table = numbers[:, None] if len(lead) == 1 else numbers.T if batch_first else numbers
        return cls._from(lead, table)

    @classmethod
    def _packed(cls, source: PackedSequence) -> SequenceRows:
        sizes = source.batch_sizes
        starts = sizes.cumsum(0) - sizes
        places = torch.arange(int(sizes[0]))
        table = torch.where(places < sizes[:, None], starts[:, None] + places, -1)
        order = source.unsorted_indices
        return cls._from((len(source.data),), table if order is None else table[:, order])

    @classmethod
    def _from(cls, lead: tuple[int, ...], table: Tensor) -> SequenceRows:
        time, sample = (table >= 0).nonzero().unbind(-1)
        order = table[time, sample].argsort()
        return cls(lead, table, time[order], sample[order])

    def index(self, rows: Tensor) -> Tensor:
        """The leading indices `(B, len(lead))` of rows."""
        return cells(self.lead, 0, len(self.time))[rows]

    def number(self, lead: Tensor) -> Tensor:
        """The rows of leading indices `(B, len(lead))`."""
        row = torch.zeros(len(lead), dtype=torch.int64)
        for axis, size in enumerate(self.lead):
            row = row * size + lead[:, axis]
        return row

    def before(self, reverse: bool) -> Tensor:
        """The row that each row's state comes from, -1 where that is the initial state."""
        if reverse:
            padded = torch.cat([self.table, torch.full_like(self.table[:1], -1)])
            return padded[self.time + 1, self.sample]
        padded = torch.cat([torch.full_like(self.table[:1], -1), self.table])
        return padded[self.time, self.sample]

    def last(self, reverse: bool) -> Tensor:
        """The row of each sample where its pass ends."""
        if reverse:
            return self.table[0]
        lengths = (self.table >= 0).sum(0)
        return self.table[lengths - 1, torch.arange(len(lengths))]

    def passes(self, reverse: bool) -> list[Tensor]:
        """The rows of every time step, in the order in which they are computed."""
        steps = [row[row >= 0] for row in self.table]
        return steps[::-1] if reverse else steps


def first_sample(trace: Trace) -> list[Index]:
    """The leading indices of every step of the first sample, in a trace's sequences of any layout."""
    shape, module = trace.shape("input"), trace.module
    if PACKED in trace.tensors:
        shape = trace.shape(PACKED)
        own = trace.sample(PACKED, math.prod(shape)).reshape(shape)[:, 0]
        return [(int(row),) for row in own if row >= 0]
    if len(shape) == 2:
        return [(time,) for time in range(shape[0])]
    if getattr(module, "batch_first", False):
        return [(0, time) for time in range(shape[1])]
    return [(time, 0) for time in range(shape[0])]
