"""Where the depth slices of a volume stand, and how large their cells are. Sizes are scene units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from torchreel.scenes.parts.grid import Cells

Position = tuple[int, int, int]
Sizes = tuple[int, int, int]
Pad = tuple[int, int, int, int, int, int]
NO_PAD: Pad = (0, 0, 0, 0, 0, 0)
HEAD = 0.3
"""The room above each slice for its label."""
_GAP, _MORE, _LABEL = 0.24, 0.4, 0.36
_MOST = 6


@dataclass(frozen=True)
class Slices:
    """Where the slices of a volume stand: `depth` of them are shown, `across` in a row, each with `cells`.

    `pad` is (front, back, top, bottom, left, right) cells of padding: whole slices in front and behind, a ring round
    each. `cropped` says that the volume is larger than what is shown. `head` is the room of a slice's label.
    """

    cells: Cells
    depth: int
    across: int
    pad: Pad = NO_PAD
    cropped: bool = False
    head: float = HEAD

    @classmethod
    def fit(
        cls,
        shape: Sizes,
        width: float,
        height: float,
        texts: Sequence[str],
        *,
        pad: Pad = NO_PAD,
        largest: float = 0.8,
        across: int | None = None,
        most: int = _MOST,
        head: float = HEAD,
    ) -> Slices:
        """The arrangement with the largest cells in an area: one row, one column, or rows of equal length.

        `across` fixes how many stand in a row; of more than `most` slices the first are shown.
        """
        front, _, top, bottom, left, right = pad
        shown = min(shape[0], max(1, most - front))
        if shown < shape[0]:
            pad = (front, 0, top, bottom, left, right)
        count = shown + pad[0] + pad[1]
        choices = []
        for row in [across] if across else range(1, count + 1):
            rows = -(-count // row)
            high = (height - (rows - 1) * _GAP) / rows - head
            for more in (0.0, _MORE):
                wide = (width - (row - 1) * _GAP - more) / row
                cells = Cells.fit(
                    shape[1] + top + bottom, shape[2] + left + right, wide, high, texts, largest
                )
                one = cls(cells, shown, row, pad, head=head)._cut(shape)
                if bool(more) == one.cropped:
                    choices.append(one)
                    break
        return max(choices, key=lambda one: one._merit())

    def _merit(self) -> tuple[float, ...]:
        """What makes one arrangement better than another: readable labels, numbers, more cells, larger ones."""
        cells, wide = self.cells, self._pitch[0] - _GAP
        fits = wide >= min(self.head, _LABEL)
        return fits, cells.text_size, cells.rows * cells.cols, cells.width, -self.rows

    def _cut(self, shape: Sizes) -> Slices:
        """The slices without the cells of the padding, which are counted apart; a cut plane keeps no far padding."""
        _, _, top, bottom, left, right = self.pad
        rows, cols = max(1, self.cells.rows - top - bottom), max(1, self.cells.cols - left - right)
        rows, cols = min(rows, shape[1]), min(cols, shape[2])
        far = (top, bottom if rows == shape[1] else 0, left, right if cols == shape[2] else 0)
        cropped = (self.depth, rows, cols) != shape
        pad: Pad = (self.pad[0], self.pad[1], *far)
        return replace(self, cells=replace(self.cells, rows=rows, cols=cols), pad=pad, cropped=cropped)

    @property
    def count(self) -> int:
        """How many slices are drawn, those of padding included."""
        return self.depth + self.pad[0] + self.pad[1]

    @property
    def rows(self) -> int:
        """How many rows of slices there are."""
        return -(-self.count // self.across)

    @property
    def extent(self) -> tuple[float, float]:
        """Width and height of everything: slices, rings and depth labels."""
        wide, high = self._pitch
        more = _MORE if self.cropped else 0.0
        return self.across * wide - _GAP + more, self.rows * high - _GAP

    def place(self, depth: int) -> np.ndarray:
        """The middle of a slice with its ring, from the middle of everything; the nearest one where none is drawn."""
        number = min(max(depth + self.pad[0], 0), self.count - 1)
        row, col = divmod(number, self.across)
        wide, high = self._pitch
        whole_wide, whole_high = self.extent
        left, top = (
            -whole_wide / 2 + (wide - _GAP) / 2,
            whole_high / 2 - self.head - (high - self.head - _GAP) / 2,
        )
        return np.array([left + col * wide, top - row * high, 0.0])

    @property
    def _pitch(self) -> tuple[float, float]:
        _, _, top, bottom, left, right = self.pad
        wide = (self.cells.cols + left + right) * self.cells.width
        high = (self.cells.rows + top + bottom) * self.cells.height
        return wide + _GAP, high + _GAP + self.head
