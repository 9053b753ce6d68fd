"""The first channel of an unpooling: for each window its place in the source, its flat index, its home."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from torchreel.scenes.parts.sheet import Position
from torchreel.scenes.pooling.unpooling.trace import own_size
from torchreel.scenes.pooling.window.geometry import PoolingGeometry
from torchreel.scenes.pooling.window.trace import pool_window
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace


class Journeys:
    """Where the values of one channel come from and go to, by the position of their window.

    `has_source` is whether the call pooled a `source` before; values and indices of any origin may be given instead,
    and then several may name one home, of which one value stays.
    """

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.has_source = "source" in trace.tensors
        window = pool_window(trace.module)
        self.dims = dims = len(window.kernel)
        shape, pooled = trace.shape("output"), trace.shape("input")[-dims:]
        self.lead: Index = (0,) * (len(shape) - dims)
        self.size, self.pooled = _position(shape[-dims:]), _position(pooled)
        self.own_size = _position(own_size(trace.module, pooled))
        kernel, stride, one = _position(window.kernel), _position(window.stride), (1,) * len(self.size)
        padding = _position(window.padding, 0)
        self.geometry = PoolingGeometry(
            dims, self.lead, self.size, self.pooled, kernel, stride, padding, one, (0,) * len(one)
        )

    @property
    def overlaps(self) -> bool:
        """Whether windows share cells of the source."""
        geometry = self.geometry
        return any(k > s for k, s in zip(geometry.kernel, geometry.stride, strict=True))

    @cached_property
    def indices(self) -> list[int]:
        """The flat indices of the channel, row by row."""
        return [int(index) for index in _flat(self.trace.tensors["indices"], self.lead)]

    def number(self, window: Position) -> int:
        """A window's number, counted row by row."""
        return int(np.ravel_multi_index(window, self.pooled))

    def index(self, window: Position) -> int:
        """The flat index written down for a window."""
        return self.indices[self.number(window)]

    def home(self, window: Position) -> Position:
        """The position that the flat index of a window stands for."""
        return unravelled(self.index(window), self.size)

    def writes(self, window: Position) -> bool:
        """Whether the home of a window holds its value, and not that of another window with the same home."""
        return self._writers[self.index(window)] == self.number(window)

    def step_number(self, window: Position) -> int:
        """The output's step that writes the home of a window."""
        return self._steps[self.index(window)]

    @cached_property
    def refusal(self) -> str:
        """What torch says to the same call without `output_size`; empty if it takes it."""
        assert self.trace.module is not None
        try:
            self.trace.module(self.trace.tensors["input"], self.trace.tensors["indices"])
        except (RuntimeError, ValueError) as error:
            return str(error).strip().splitlines()[0]
        return ""

    @cached_property
    def _writers(self) -> dict[int, int]:
        """The number of the window that each home was written by: the last whose value is there."""
        values, there = (_flat(self.trace.tensors[name], self.lead) for name in ("input", "output"))
        found: dict[int, int] = {}
        for number, (index, value) in enumerate(zip(self.indices, values, strict=True)):
            if value == there[index] or (math.isnan(value) and math.isnan(there[index])):
                found[index] = number
        return found

    @cached_property
    def _steps(self) -> dict[int, int]:
        """Steps go by window in row-major order."""
        order = sorted(self._writers, key=self._writers.__getitem__)
        return {index: number for number, index in enumerate(order)}


def _flat(tensor: Any, lead: Index) -> list[float]:
    """A tensor's first channel, row by row."""
    values: list[float] = tensor[lead].reshape(-1).tolist()
    return values


def unravelled(index: int, size: Position) -> Position:
    """The position of a flat index, rows counted on beyond the last one."""
    place: list[int] = []
    for side in reversed(size[1:]):
        index, rest = divmod(index, side)
        place.insert(0, rest)
    return (index, *place)


def spelled(index: int, size: Position) -> str:
    """A flat index as it is counted: `1·5 + 2`, in a volume `(1·4 + 0)·4 + 2`; in a single row as it is."""
    place = unravelled(index, size)
    if size[0] == 1 and len(size) == 2:
        return str(index)
    text = str(place[0])
    for number, (at, side) in enumerate(zip(place[1:], size[1:], strict=True)):
        text = f"({text})·{side} + {at}" if number else f"{text}·{side} + {at}"
    return text


def _position(sizes: Sequence[int], single: int = 1) -> Position:
    return (single, sizes[0]) if len(sizes) == 1 else tuple(sizes)
