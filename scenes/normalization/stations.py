"""The stations of a normalization layer's board: as much of the input as fits with numbers, and where it stands."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from torchreel.scenes.normalization.arrangement import Arrangement, arrangements
from torchreel.scenes.normalization.cards import height as card_height
from torchreel.scenes.normalization.cards import width as card_width
from torchreel.scenes.normalization.desk import NormDesk
from torchreel.scenes.normalization.sets_trace import Partition
from torchreel.scenes.parts.layout import STAGE, Mosaic, Placed, Room, fill, in_column, in_row
from torchreel.scenes.parts.look import Look
from torchreel.scenes.parts.rooms import NAME, Part
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

_GAP, _BETWEEN, _FOOT = 0.26, 0.12, 0.3
CARD_GAP = 0.1
_MOST_ROWS, _MOST_COLS = 8, 6


@dataclass(frozen=True)
class NormalizationSteps:
    """The tensors of a layer's steps.

    `first` stands in the middle block and, where weight or bias follow, gives way to `normalized`. `statistics` are
    those of a set, of which `given` are there from the start; `axes` are those of the input that weight and bias have,
    `by_place` whether they have a value for each place of a set. `said` are names above the middle block, `rows` those
    beside the rows of an input, where these have names of their own.
    """

    first: str
    normalized: str
    statistics: tuple[str, ...]
    given: tuple[str, ...]
    axes: tuple[int, ...]
    by_place: bool = False
    names: str = ""
    said: Mapping[str, str] = field(default_factory=dict)
    rows: tuple[str, ...] = ()


class Stations(NormDesk):
    """A desk that knows where everything stands: `placed` by the names of stations, of what is shown (`arrangement`).

    Stations are "input", "statistics", "middle", "output" and, for weight and bias, "parameters" or "weight", "bias".
    """

    def __init__(self, look: Look, trace: Trace, partition: Partition, steps: NormalizationSteps) -> None:
        super().__init__(look, trace)
        self.partition, self.steps = partition, steps
        self.affine = [name for name in ("weight", "bias") if name in trace.tensors]
        self.by_place = steps.by_place
        self.arrangement, self.placed = self._fitted()

    def _fitted(self) -> tuple[Arrangement, dict[str, Placed]]:
        """As much of the input as fits with numbers, and the places of everything."""
        wanted = 0
        for cols in range(_MOST_COLS, 0, -1):
            self.arrangement = arrangements(self.partition, self.steps.names, (_MOST_ROWS, cols))
            size = math.prod(self.arrangement.shown)
            if size == wanted:
                continue
            wanted = size
            placed = self._try()
            if placed is not None:
                return self.arrangement, placed
        self.arrangement = arrangements(self.partition, self.steps.names, (1, 1))
        return self.arrangement, fill(STAGE, self._figure(), same=[("input", "middle", "output")])

    def _try(self) -> dict[str, Placed] | None:
        """The places of everything if all numbers of the arrangement can be read."""
        try:
            placed = fill(STAGE, self._figure(), same=[("input", "middle", "output")])
        except ValueError:
            return None
        named = ("input", "middle", "output", *(self.affine if self.by_place else ()))
        rooms = {name: placed[name].cells for name in named}
        whole = (rooms["input"].rows, rooms["input"].cols) == self.arrangement.size
        return placed if whole and all(cells.text_size for cells in rooms.values()) else None

    def _statistics_width(self) -> float:
        names = [self.arrangement.owner_name(owner) for owner in self.arrangement.sets]
        return card_width(self, self.steps.statistics, names)

    def _parameter_width(self) -> float:
        return card_width(self, self.affine, ["c=0"])

    def _figure(self) -> Mosaic:
        """The stations from left to right."""
        arrangement, steps = self.arrangement, self.steps
        rows, cols = arrangement.size
        down, across = arrangement.planes
        feet = _FOOT if any(self._feet()) else 0.0
        block: dict[str, Any] = {"rows": rows, "cols": cols, "down": down, "across": across,
                                 "between": _BETWEEN, "below": feet, "name": "name", "tall": self._tall}  # fmt: skip
        count = len(arrangement.sets)
        high = count * (card_height(len(steps.statistics)) + CARD_GAP) - CARD_GAP
        parts: dict[str, Part] = {
            "input": Room(**{**block, "texts": self.texts("input")}, sides=self._sides()),
            "statistics": Room(wide=self._statistics_width(), high=0.1 if self._lined else high),
            "middle": Room(**{**block, "texts": self.texts(*filter(None, (steps.first, steps.normalized)))}),
        }
        if self.affine and self.by_place:
            parts["parameters"] = in_column({name: self._parameter_room(name) for name in self.affine})
        elif self.affine:
            high = len(self._channels) * (card_height(len(self.affine)) + CARD_GAP) - CARD_GAP
            parts["parameters"] = Room(wide=self._parameter_width(), high=high)
        parts["output"] = Room(**{**block, "texts": self.texts("output")})
        return in_row(parts, gap=(_GAP, 0.9))

    @property
    def _lined(self) -> bool:
        """Whether sets lie below each other, so that each card stands in line with its own."""
        arrangement = self.arrangement
        rows = arrangement.size[0] * arrangement.planes[0]
        least = card_height(len(self.steps.statistics), False)
        return arrangement.in_rows > 0 and rows * least / arrangement.in_rows < STAGE.height - NAME - 0.5

    @property
    def _tall(self) -> float:
        return 1.5 if self._lined and self.arrangement.in_rows == 1 else 1.25

    @property
    def _channels(self) -> list[int]:
        """The shown places along the axis of weight and bias."""
        return list(range(self.arrangement.shown[self.steps.axes[0]]))

    def _parameter_room(self, name: str) -> Room:
        _, down, across = self._place_shape()
        rows, cols = self.arrangement.size
        rows = rows if len(self.steps.axes) > 1 else 1
        return Room(rows, cols, self.texts(name), down=down, across=across, between=_BETWEEN, name=f"{name} w (0)",
                    largest=0.62, tall=1.0)  # fmt: skip

    def _place_shape(self) -> tuple[Index, int, int]:
        """The axes of weight and bias that set planes apart, and how many planes stand down and across."""
        arrangement, own = self.arrangement, self.steps.axes[:-2]
        sizes = [
            int(np.prod([arrangement.shown[axis] for axis in axes if axis in own], dtype=int))
            for axes in (arrangement.down, arrangement.across)
        ]
        return own, sizes[0], sizes[1]

    def _sides(self) -> list[str]:
        arrangement = self.arrangement
        down = arrangement.planes[0]
        own = [arrangement.side(number) for number in range(down)]
        if any(own):
            return own
        rows = arrangement.rows() if down == 1 else []
        return list(self.steps.rows[: len(rows)]) or rows

    def _feet(self) -> list[str]:
        arrangement = self.arrangement
        across = arrangement.planes[1]
        own = [arrangement.foot(number) for number in range(across)]
        if any(own):
            return own
        shape = self.partition.shape
        if len(shape) == 2 and self.steps.names:
            return [f"{self.steps.names[1]}={col}" for col in range(arrangement.size[1])]
        return []
