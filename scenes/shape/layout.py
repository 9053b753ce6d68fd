"""How much of a change of shape is drawn, and where: planes side by side, a sample in a row, and flat rows."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torchreel.scenes.parts.layout import STAGE, Placed, Room, fill, in_column
from torchreel.scenes.trace.formula import Index

_MOST = 16
_MOST_SAMPLES = 2
_BETWEEN = 0.34


@dataclass(frozen=True)
class DrawnPart:
    """What is drawn of axes that are laid end to end, `(*before, *merged, *behind)`.

    `samples` are places of the axes before, `sizes` how much of each merged axis is drawn; of the axes behind it is the
    first place. `axes` counts them all; a number without axes is one that is laid in a row of one.
    """

    merged: tuple[int, ...]
    samples: tuple[Index, ...]
    sizes: tuple[int, ...]
    behind: int
    axes: int

    @classmethod
    def of(cls, shape: Sequence[int], first: int, last: int) -> DrawnPart:
        """The largest part whose numbers can be read, cut at its longest axis first and at planes last."""
        merged = tuple(shape[first : last + 1]) or (1,)
        samples = tuple(itertools.islice(itertools.product(*map(range, shape[:first])), _MOST_SAMPLES))
        sizes = list(merged)
        while math.prod(sizes) > _MOST:
            longest = max(range(len(sizes)), key=lambda axis: (sizes[axis], -axis))
            sizes[longest] -= 1
        return cls(merged, samples, tuple(sizes), max(0, len(shape) - last - 1), len(shape))

    @property
    def rows(self) -> int:
        """Rows of a plane."""
        return self.sizes[-2] if len(self.sizes) > 1 else 1

    @property
    def cols(self) -> int:
        """Columns of a plane."""
        return self.sizes[-1]

    @property
    def planes(self) -> list[Index]:
        """The drawn planes of a sample, by their places."""
        return list(itertools.product(*map(range, self.sizes[:-2])))

    @property
    def is_whole(self) -> bool:
        """Whether the merged axes are drawn to their ends."""
        return self.sizes == self.merged

    def lines(self) -> Iterator[tuple[int, int, int]]:
        """The rows that are laid end to end, as sample, plane and row."""
        return itertools.product(range(len(self.samples)), range(len(self.planes)), range(self.rows))

    def apart(self, sample: int, plane: int, row: int, col: int) -> Index:
        """The index of a drawn element where the axes are apart."""
        place = (*self.planes[plane], row, col)[-len(self.merged) :]
        return (*self.samples[sample], *place, *(0,) * self.behind)[: self.axes]

    def flat(self, sample: int, plane: int, row: int, col: int) -> Index:
        """Its index where they are one."""
        return (*self.samples[sample], self.place(plane, row, col), *(0,) * self.behind)

    def place(self, plane: int, row: int, col: int) -> int:
        """The place of a drawn element in the order of the merged axes."""
        place = 0
        for at, size in zip((*self.planes[plane], row, col)[-len(self.merged) :], self.merged, strict=True):
            place = place * size + at
        return place


@dataclass(frozen=True)
class ShapeLayout:
    """The places of both tensors: `apart[sample]` with a place for each plane, `flat[sample]` for each row."""

    part: DrawnPart
    apart: tuple[Placed, ...]
    flat: tuple[Placed, ...]

    @classmethod
    def fit(cls, part: DrawnPart, texts: Sequence[str], apart_first: bool) -> ShapeLayout:
        """The input above, the output below."""
        count = len(part.planes)
        stations: dict[str, Room] = {}
        for kind in ("apart", "flat") if apart_first else ("flat", "apart"):
            for sample in range(len(part.samples)):
                name = "0" if sample == 0 else ""
                if kind == "apart":
                    room = Room(part.rows, part.cols, texts, across=count, between=_BETWEEN, name=name)
                else:
                    pieces = 1 if part.is_whole else count * part.rows
                    width = part.cols if pieces > 1 else count * part.rows * part.cols
                    room = Room(1, width, texts, across=pieces, between=_BETWEEN, name=name, below=0.26)
                stations[f"{kind} {sample}"] = room
        placed = fill(STAGE, in_column(stations), same=[list(stations)])
        apart, flat = (
            tuple(placed[f"{kind} {sample}"] for sample in range(len(part.samples)))
            for kind in ("apart", "flat")
        )
        return cls(part, apart, flat)
