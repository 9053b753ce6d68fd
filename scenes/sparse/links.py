"""Lines from ids to the rows that they name, and from these to the row of the output that is made of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from manim import VGroup

from torchreel.scenes.parts.gates import Node, Pill
from torchreel.scenes.parts.look import Look
from torchreel.scenes.parts.shapes import Path
from torchreel.scenes.sparse.board import TableBoard

_LINE, _BEHIND = 2.2, -1
_LABEL, _SIGN = 0.55, 1.0


class Links(VGroup):
    """The lines of some lookups to the row `number` of the output.

    Where several rows become one they meet in a `sign`: `+`, or a word such as `max`.
    """

    def __init__(
        self, look: Look, board: TableBoard, lookups: Sequence[int], number: int, sign: str = ""
    ) -> None:
        super().__init__()
        self.hue = look.theme.tint(look.theme.accent, 0.55)
        places = [(one, board.place(board.lookups[one])) for one in lookups]
        drawn = [
            (board.tops[one], board.table.center((place, 0))[1]) for one, place in places if place is not None
        ]
        if not drawn:
            return
        table, target = board.table, board.rows[number]
        right, y = table.origin[0] + table.cells.width * table.cells.cols + 0.05, board.line(number)
        end = target.origin[0] - (_LABEL if board.bags else 0.05)
        meet = target.origin[0] - _SIGN if sign else end
        for id_y, row_y in drawn:
            self._line((board.ids_right + 0.06, id_y), (board.numbers_left - 0.08, row_y))
            self._line((right, row_y), (meet, y))
        if sign:
            self._line((meet, y), (end, y))
            at = (meet, y)
            self.add(
                Node(look, sign, at) if sign == "+" else Pill(look, sign, at, 0.74 if len(sign) < 5 else 0.95)
            )

    def _line(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        points = [np.array(start), np.array(end)]
        self.add(Path(points, self.hue, _LINE, z_index=_BEHIND))
