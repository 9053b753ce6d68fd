"""Grids that share the width of a line: by their numbers of columns, and what one cannot use goes to the others.

claims = [Claim((4, 4), desk.texts("input"), 3.0), Claim((2, 2), desk.texts("output"), 3.0)]
for sheet, center in in_line(12.0, claims, [1.1], y=0.0): ...
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from torchreel.scenes.parts.grid import Cells
from torchreel.scenes.parts.look import MIN_NUMBER
from torchreel.scenes.parts.sheet import Position, Sheet
from torchreel.scenes.parts.slices import NO_PAD, Pad, Slices
from torchreel.scenes.parts.text import measure

INSET = 0.12
"""The air at each side of the longest number of a cell."""
LARGEST_CELL = 1.25
_SMALLEST_SHARE, _LARGEST_GAIN = 0.16, 6.0
_LARGEST_TEXT = 0.4


@dataclass(frozen=True)
class Claim:
    """What a grid needs: its size as a position, its texts, a height, the width of its label and of what is beside it.

    The size of a plane includes its padding; that of a volume does not, and `pad` says what is round it. Over a volume
    that is `framed` a window moves, whose links would cross the labels of slices in a single column.
    """

    size: Position
    texts: Sequence[str]
    height: float
    label: float = 0.0
    largest: float = LARGEST_CELL
    beside: float = 0.0
    pad: Pad = NO_PAD
    framed: bool = False

    @property
    def weight(self) -> float:
        """How much of the width it asks for, compared with others."""
        return min(max(self.size[-1] * (1 if len(self.size) < 3 else min(self.size[0], 2)), 2), 20)

    def fit(self, width: float) -> Sheet:
        """The largest cells in a width."""
        width -= self.beside
        if len(self.size) == 2:
            return Sheet(self._readable(Cells.fit(*self.size, width, self.height, self.texts, self.largest)))
        slices = self._slices(width, None)
        if self.framed and slices.across == 1 and slices.count > 1:
            slices = self._slices(width, 2)
        return Sheet.of(replace(slices, cells=self._readable(slices.cells)))

    def tall(self, width: float) -> Slices:
        """A volume's slices one below another, in a width."""
        slices = self._slices(width, 1)
        return replace(slices, cells=self._readable(slices.cells))

    def width(self, sheet: Sheet) -> float:
        """The width of the grid with what is beside it, or of its label, whichever is larger."""
        return max(self.label, sheet.width) + self.beside

    def _slices(self, width: float, across: int | None) -> Slices:
        size = (self.size[0], self.size[1], self.size[2])
        room = (width, self.height)
        return Slices.fit(size, *room, self.texts, pad=self.pad, largest=self.largest, across=across)

    def _readable(self, cells: Cells) -> Cells:
        return replace(cells, text_size=fitting(self.texts, cells)) if cells.text_size else cells


def fitting(texts: Sequence[str], cells: Cells) -> float:
    """The type size at which the longest of `texts` leaves a cell some air."""
    widest = max((measure(text, 1.0, "sans") for text in texts), default=0.6)
    size = min(_LARGEST_TEXT, (cells.width - 2 * INSET) / widest, cells.height * 0.42)
    return max(size, MIN_NUMBER)


def share(width: float, claims: Sequence[Claim]) -> list[Sheet]:
    """The sheets of grids side by side; each is at least a small share of the width."""
    weights = np.array([claim.weight for claim in claims], dtype=float)
    weights = np.maximum(weights, _SMALLEST_SHARE * weights.sum())
    free = width - sum(claim.beside for claim in claims)
    parts = [claim.beside + part for claim, part in zip(claims, free * weights / weights.sum(), strict=True)]
    fitted = [claim.fit(part) for claim, part in zip(claims, parts, strict=True)]
    for number, claim in enumerate(claims):
        spare = width - sum(each.width(sheet) for each, sheet in zip(claims, fitted, strict=True))
        gained = fitted[number].width + claim.beside + min(spare, _LARGEST_GAIN)
        fitted[number] = claim.fit(max(0.1, gained))
        # What a grid gives up below its label's width is of no use to the others.
        if not fitted[number].cells.text_size and gained < claim.label + claim.beside:
            fitted[number] = claim.fit(claim.label + claim.beside)
    return fitted


def in_line(
    width: float, claims: Sequence[Claim], gaps: Sequence[float], y: float
) -> list[tuple[Sheet, np.ndarray]]:
    """Grids side by side, spread over a width round x = 0, with the middle of each at height `y`.

    `gaps` are the least distances between neighbours; what is left over goes between them and to both ends.
    """
    fitted = share(width - sum(gaps), claims)
    widths = [claim.width(sheet) for claim, sheet in zip(claims, fitted, strict=True)]
    spare = max(0.0, width - sum(gaps) - sum(widths)) / (len(claims) + 1)
    places, x = [], -width / 2 + spare
    for claim, sheet, own, gap in zip(claims, fitted, widths, (*gaps, 0.0), strict=True):
        places.append((sheet, np.array([x + claim.beside + (own - claim.beside) / 2, y, 0.0])))
        x += own + gap + spare
    return places
