"""How an input lies on the stage: its axes down and across, so that a result comes back in the input's shape.

The last two axes are rows and columns of a plane, the others set planes apart: samples down and channels across, or the
other way round where channels are many. Of an input that does not fit with numbers a corner is shown.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch

from torchreel.scenes.normalization.sets_trace import Partition
from torchreel.scenes.parts.grid import Cell
from torchreel.scenes.trace.formula import Index

MOST_SETS = 4
"""As many sets as there is room for with their statistics."""


def unraveled(number: int, shape: Sequence[int]) -> Index:
    """The index of the element with this number, row by row, in a shape that may have no axes."""
    return tuple(map(int, np.unravel_index(number, shape))) if len(shape) else ()


@dataclass(frozen=True)
class Arrangement:
    """A corner `shown` (elements along each axis) of an input whose sets are those of `partition`.

    `down` and `across` are the axes that set planes apart; `names` has a letter for each axis, or none.
    """

    partition: Partition
    shown: Index
    down: tuple[int, ...]
    across: tuple[int, ...]
    names: str = ""

    @property
    def size(self) -> Cell:
        """Rows and columns of a plane."""
        sizes = (1, *self.shown)[-2:]
        return (sizes[0], sizes[1])

    @property
    def planes(self) -> Cell:
        """How many planes stand below each other and beside each other."""
        down, across = (math.prod(self.shown[axis] for axis in axes) for axes in (self.down, self.across))
        return down, across

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left out."""
        return self.shown == self.partition.shape

    @cached_property
    def elements(self) -> list[Index]:
        """Everything that is shown, in torch's order."""
        return list(itertools.product(*map(range, self.shown)))

    @cached_property
    def owners(self) -> dict[Index, Index]:
        """The set of each shown element."""
        cells = torch.tensor(self.elements, dtype=torch.int64).reshape(len(self.elements), -1)
        found = self.partition.set_of(cells).tolist()
        return dict(zip(self.elements, map(tuple, found), strict=True))

    @cached_property
    def sets(self) -> list[Index]:
        """The sets of which an element is shown, in torch's order."""
        return sorted(set(self.owners.values()))

    @cached_property
    def in_rows(self) -> int:
        """How many rows of cells each set takes, where sets lie below each other; 0 where they do not."""
        axes = (*self.down, *((len(self.shown) - 2,) if len(self.shown) > 1 else ()))
        rows: dict[Index, set[Index]] = {}
        for element, owner in self.owners.items():
            rows.setdefault(tuple(element[axis] for axis in axes), set()).add(owner)
        if any(len(owners) > 1 for owners in rows.values()):
            return 0
        runs = [
            (owner, len(list(run)))
            for owner, run in itertools.groupby(min(rows[row]) for row in sorted(rows))
        ]
        alike = len({count for _, count in runs}) == 1 and len(runs) == len(self.sets)
        return runs[0][1] if alike else 0

    def corner(self, plane: Cell) -> Index:
        """The first element of the plane at a place `(down, across)`."""
        corner = [0] * len(self.shown)
        for axes, place in zip((self.down, self.across), plane, strict=True):
            for axis, at in zip(axes, unraveled(place, [self.shown[axis] for axis in axes]), strict=True):
                corner[axis] = at
        return tuple(corner)

    def index(self, plane: Cell) -> Callable[[Cell], Index]:
        """How a cell of a plane becomes an index of the input."""
        corner, last = self.corner(plane), min(2, len(self.shown))

        def index(cell: Cell) -> Index:
            return (*corner[: len(corner) - last], *cell[2 - last :])

        return index

    def side(self, down: int) -> str:
        """What the planes of a row have in common, such as `n=1`."""
        return self._said(self.down, self.corner((down, 0)))

    def foot(self, across: int) -> str:
        """What the planes of a column have in common, such as `c=0`."""
        return self._said(self.across, self.corner((0, across)))

    def rows(self) -> list[str]:
        """A name for each row where planes do not tell rows apart."""
        axis = len(self.shown) - 2
        return (
            [self._said((axis,), (*[0] * axis, row, 0)) for row in range(self.size[0])] if axis >= 0 else []
        )

    def owner_name(self, owner: Index) -> str:
        """A set by the axes that keep it apart: `c=0`, `n=1 g=0`, `[0, 2]` where axes have no names."""
        parts, spans = self.partition.parts, self.partition.spans
        pairs = [
            (self._letter(axis) if spans[axis] == 1 else "g", at)
            for axis, at in zip(parts, owner, strict=True)
            if parts[axis] > 1 or len(parts) == 1
        ]
        if not self.names:
            return f"[{', '.join(str(at) for _, at in pairs)}]"
        return " ".join(f"{letter}={at}" for letter, at in pairs)

    def _letter(self, axis: int) -> str:
        return self.names[axis] if self.names else ""

    def _said(self, axes: Sequence[int], at: Index) -> str:
        apart = [axis for axis in axes if self.partition.shape[axis] > 1]
        if not self.names:
            return f"[{', '.join(str(at[axis]) for axis in apart)}]" if apart else ""
        return " ".join(f"{self.names[axis]}={at[axis]}" for axis in apart)


def arrangements(partition: Partition, names: str, most: Cell, most_sets: int = MOST_SETS) -> Arrangement:
    """The corner with at most `most` (rows, columns) of cells and so many sets, channels across where they fit."""
    ndim = len(partition.shape)
    outer = tuple(range(ndim - 2))
    ways = [(outer, ())] if ndim < 4 else [((0, *outer[2:]), (1,)), (outer[1:], (0,))]
    if ndim > 5:
        ways = [(outer, ())]
    shape = partition.shape
    found = [
        _cut(Arrangement(partition, shape, down, across, names), most, most_sets) for down, across in ways
    ]
    return max(found, key=lambda one: math.prod(one.shown))


def _cut(whole: Arrangement, most: Cell, most_sets: int) -> Arrangement:
    """Cut the longest axes until rows, columns and sets are few enough."""
    ndim, parts = len(whole.shown), whole.partition.parts
    shown = [max(1, size) for size in whole.shown]
    lengthwise = ((*whole.down, *((ndim - 2,) if ndim > 1 else ())), (*whole.across, ndim - 1))
    for axes, limit in zip(lengthwise, most, strict=True):
        while math.prod(shown[axis] for axis in axes) > limit:
            shown[max(axes, key=shown.__getitem__)] -= 1
    arrangement = replace(whole, shown=tuple(shown))
    while len(arrangement.sets) > most_sets:
        shown[max(parts, key=shown.__getitem__)] -= 1
        arrangement = replace(whole, shown=tuple(shown))
    return arrangement
