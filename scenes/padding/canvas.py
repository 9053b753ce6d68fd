"""The canvas of a padding clip: one plane in which input and output share their positions, and its place on stage.

Positions `(row, column)` count from the first cell of the input; the border before it has negative ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from torchreel.scenes.padding.axes import Axis
from torchreel.scenes.parts.desk import Desk
from torchreel.scenes.parts.gates import Sampled, Slots
from torchreel.scenes.parts.grid import Cell, Cells
from torchreel.scenes.parts.shapes import Point, box_points
from torchreel.scenes.trace.formula import Index

_MOST = 9
_FEWEST = 3


def ends(span: range, most: int) -> tuple[int | None, ...]:
    """The positions to draw of an axis: all, or the first and the last ones round a gap (None)."""
    if len(span) <= most:
        return tuple(span)
    first = most // 2
    return (*span[:first], None, *span[len(span) - (most - 1 - first) :])


class PaddingPlane(Sampled):
    """The cells of a tensor at the drawn `rows` and `cols` of the canvas, as far as `holds(row, col)`."""

    def __init__(
        self,
        desk: Desk,
        tensor: str,
        rows: Slots,
        cols: Slots,
        element: Callable[[int, int], Index],
        holds: Callable[[int, int], bool],
        size: tuple[float, float, float],
        center: Point,
        *,
        blank: bool = False,
    ) -> None:
        self.holds = holds
        super().__init__(
            desk.look, desk.trace, tensor, rows, cols, element, size, center,
            blank=blank, scale=desk.trace.range("output").scale,
        )  # fmt: skip

    def positions(self) -> Iterator[Cell]:
        for i, j in super().positions():
            row, col = self.row_slots[i], self.col_slots[j]
            assert row is not None and col is not None
            if self.holds(row, col):
                yield i, j

    def cell(self, row: int, col: int) -> Cell | None:
        """The cell drawn for a position, or None where it is left out or not held."""
        if row not in self.row_slots or col not in self.col_slots or not self.holds(row, col):
            return None
        return self.row_slots.index(row), self.col_slots.index(col)

    def place(self, row: int, col: int) -> np.ndarray | None:
        """The middle of a position, held or not; None where it is left out."""
        if row not in self.row_slots or col not in self.col_slots:
            return None
        return self.center((self.row_slots.index(row), self.col_slots.index(col)))

    def shown(self, rows: range, cols: range) -> list[tuple[int, int]]:
        """The positions drawn and held among some rows and columns, row by row."""
        return [(r, c) for r in rows for c in cols if self.cell(r, c) is not None]

    def edge_x(self, col: int) -> float:
        """The left edge of a column; of one that is left out, that of the gap or the end next to it."""
        return float(self.origin[0] + self._slot(self.col_slots, col) * self.cells.width)

    def edge_y(self, row: int) -> float:
        """The top edge of a row, likewise."""
        return float(self.origin[1] - self._slot(self.row_slots, row) * self.cells.height)

    def block(self, rows: range, cols: range, grow: float = 0.0) -> np.ndarray:
        """The outline of some rows and columns."""
        left, right = self.edge_x(cols.start), self.edge_x(cols.stop)
        top, bottom = self.edge_y(rows.start), self.edge_y(rows.stop)
        middle = ((left + right) / 2, (top + bottom) / 2)
        return box_points(right - left + 2 * grow, top - bottom + 2 * grow, middle, 0.06)

    @staticmethod
    def _slot(slots: Slots, at: int) -> int:
        """How many drawn slots lie before a position; a gap counts once its own positions do."""
        return next((k for k, slot in enumerate(slots) if slot is not None and slot >= at), len(slots))


@dataclass(frozen=True)
class PaddingLayout:
    """Which positions are drawn, how large, and where: input on the left of the output, or above it if `stacked`."""

    rows: tuple[Slots, Slots]
    cols: tuple[Slots, Slots]
    size: tuple[float, float, float]
    centers: tuple[tuple[float, float], tuple[float, float]]
    whole: bool

    @classmethod
    def fit(
        cls,
        texts: Sequence[str],
        rows: Axis,
        cols: Axis,
        stacked: bool,
        area: tuple[float, float, float, float],
    ) -> PaddingLayout:
        """The largest cells for `texts` in `area` (left, bottom, right, top); large planes lose their middle.

        `area` leaves out the room for labels round the output; between the two grids stays `_BETWEEN`.
        """
        # Numbers for as much as there is room for; where there is none for any, colours for all that is drawn.
        for most in (*range(_MOST, _FEWEST - 1, -1), _MOST):
            shown_rows = ends(range(rows.size), most), ends(rows.span, most)
            shown_cols = ends(range(cols.size), most), ends(cols.span, most)
            cells = _cells(shown_rows, shown_cols, stacked, area, texts)
            if cells.text_size:
                break
        whole = len(shown_rows[1]) == len(rows.span) and len(shown_cols[1]) == len(cols.span)
        size = (cells.width, cells.height, cells.text_size)
        centers = _centers(shown_rows, shown_cols, size, stacked, area)
        return cls(shown_rows, shown_cols, size, centers, whole)


Pair = tuple[Slots, Slots]
Area = tuple[float, float, float, float]
BESIDE, ABOVE = 2.3, 0.9
"""What stays between the grids: side by side an arrow and the labels of the left side."""
_LARGEST = 1.0


def _cells(rows: Pair, cols: Pair, stacked: bool, area: Area, texts: Sequence[str]) -> Cells:
    left, bottom, right, top = area
    if stacked:
        return Cells.fit(
            len(rows[0]) + len(rows[1]),
            max(map(len, cols)),
            right - left,
            top - bottom - ABOVE,
            texts,
            _LARGEST,
        )
    wide = len(cols[0]) + len(cols[1])
    return Cells.fit(max(map(len, rows)), wide, right - left - BESIDE, top - bottom, texts, _LARGEST)


def _centers(
    rows: Pair, cols: Pair, size: tuple[float, float, float], stacked: bool, area: Area
) -> tuple[tuple[float, float], tuple[float, float]]:
    left, bottom, right, top = area
    x, y = (left + right) / 2, (top + bottom) / 2
    if stacked:
        high = [len(shown) * size[1] for shown in rows]
        start = y + (sum(high) + ABOVE) / 2
        first = next(k for k, slot in enumerate(cols[1]) if slot == 0 or slot is None)
        room = (right - left - len(cols[0]) * size[0]) / 2
        across = x + min(room, max(-room, (first + len(cols[0]) / 2 - len(cols[1]) / 2) * size[0]))
        return (across, start - high[0] / 2), (x, start - high[0] - ABOVE - high[1] / 2)
    wide = [len(shown) * size[0] for shown in cols]
    start = x - (sum(wide) + BESIDE) / 2
    return (start + wide[0] / 2, y), (start + wide[0] + BESIDE + wide[1] / 2, y)
