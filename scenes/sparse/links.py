"""Lines from ids to the rows that they name, and from these to the row of the output that is made of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from manim import VGroup

from torchreel.scenes.parts.gates import Node, Pill
from torchreel.scenes.parts.grid import Grid
from torchreel.scenes.parts.look import Look
from torchreel.scenes.parts.shapes import Path
from torchreel.scenes.sparse.board import TableBoard

_LINE, _BEHIND = 2.2, -1
_LABEL, _SIGN = 0.55, 1.0


class _Lines(VGroup):
    """Lines from ids to their rows of the table."""

    def __init__(self, look: Look, board: TableBoard, lookups: Sequence[int]) -> None:
        super().__init__()
        self.hue, self.board = look.theme.tint(look.theme.accent, 0.55), board
        places = [(one, board.place(board.lookups[one])) for one in lookups]
        self.drawn = [
            (board.tops[one], board.table.center((place, 0))[1]) for one, place in places if place is not None
        ]
        for id_y, row_y in self.drawn:
            self.line((board.ids_right + 0.06, id_y), (board.numbers_left - 0.08, row_y))

    @property
    def right(self) -> float:
        """Where lines leave the table."""
        table = self.board.table
        return float(table.origin[0]) + table.cells.width * table.cells.cols + 0.05

    def line(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """One line, behind everything."""
        points = [np.array(start), np.array(end)]
        self.add(Path(points, self.hue, _LINE, z_index=_BEHIND))


class GradientLinks(_Lines):
    """The lines of the ids that used a row, on to the row of the gradient."""

    def __init__(self, look: Look, board: TableBoard, lookups: Sequence[int], gradient: Grid) -> None:
        super().__init__(look, board, lookups)
        end = float(gradient.origin[0]) - (board.table.origin[0] - board.numbers_left) - 0.08
        for y in {row_y for _, row_y in self.drawn}:
            self.line((self.right, y), (end, y))


class Links(_Lines):
    """The lines of some lookups to the row `number` of the output.

    Where several rows become one they meet in a `sign`: `+`, or a word such as `max`.
    """

    def __init__(
        self, look: Look, board: TableBoard, lookups: Sequence[int], number: int, sign: str = ""
    ) -> None:
        super().__init__(look, board, lookups)
        target, y = board.rows[number], board.line(number)
        end = target.origin[0] - (_LABEL if board.bags else 0.05)
        meet = target.origin[0] - _SIGN if sign else end
        for _, row_y in self.drawn:
            self.line((self.right, row_y), (meet, y))
        if sign and self.drawn:
            self.line((meet, y), (end, y))
            wide = 0.74 if len(sign) < 5 else 0.95
            self.add(Node(look, sign, (meet, y)) if sign == "+" else Pill(look, sign, (meet, y), wide))
