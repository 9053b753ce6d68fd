"""What tells the parts of an unrolled network apart: its tensors, steps, states, and what is left out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from manim import Mobject, VGroup

from torchreel.scenes.parts.look import MIN_TEXT
from torchreel.scenes.parts.mathtext import MathText
from torchreel.scenes.parts.shapes import Disc
from torchreel.scenes.parts.text import Align, Text
from torchreel.scenes.recurrent.network.layout import BOTTOM, LEFT, TOP
from torchreel.scenes.stage.bars import STAGE_BOTTOM

if TYPE_CHECKING:
    from torchreel.scenes.recurrent.network.board import NetworkBoard


_LINE = 0.27


class NetworkNames:
    """The texts of a board."""

    def __init__(self, board: NetworkBoard) -> None:
        self.board, self.layout = board, board.layout

    def all(self) -> Iterator[Mobject]:
        """Every name on the stage, and the dots."""
        yield from self._gaps()
        yield from self._sequences()
        yield from self._steps()
        yield from self._states()
        if notes := "   ".join(self.board.words(key) for key in self.board.left_out()):
            yield self._name(notes, -LEFT, STAGE_BOTTOM + 0.07, "right")

    def _gaps(self) -> Iterator[Mobject]:
        """Dots where steps or layers are left out."""
        lay, color = self.layout, self.board.look.theme.muted
        for slot, time in enumerate(lay.times):
            for room, row in zip(lay.rooms, lay.rows, strict=True):
                if time is None or row is None:
                    x, y = lay.column(slot), room.middle
                    yield VGroup(*(Disc(0.035, (x + dx, y), fill=color) for dx in (-0.15, 0, 0.15)))

    def _sequences(self) -> Iterator[Mobject]:
        for tensor, y in (("input", self.layout.input_y), ("output", self.layout.output_y)):
            low = min(TOP - 0.45, max(BOTTOM + 0.05, y - 0.2))
            if tensor == "input" and low + 2 * _LINE > self._foot:
                yield self.board.title(tensor, (LEFT, low), size=MIN_TEXT, align="left")
                continue
            yield self.board.title(tensor, (LEFT, low + _LINE), size=MIN_TEXT, align="left", shape=False)
            yield self._name(str(self.board.trace.shape(tensor)), LEFT, low, "left")

    @property
    def _foot(self) -> float:
        """The lower edge of the states at the left end of the lowest row."""
        board, row = self.board, self.board.rows[0]
        grids = (*board.starts[row].values(), *board.ends[row].values())
        return min(float(grid.around()[:, 1].min()) for grid in grids)

    def _steps(self) -> Iterator[Mobject]:
        lay, color = self.layout, self.board.look.theme.role("input")
        for slot in self.board.slots:
            time = lay.times[slot]
            assert time is not None
            at = (lay.column(slot) - lay.vector / 2 - 0.1, lay.input_y)
            yield MathText(f"x_{{{time + 1}}}", MIN_TEXT * 1.15, color).place(at, align="right")

    def _states(self) -> Iterator[Mobject]:
        """The states that enter and leave, with their places in `h_0` and `h_n` where there are several."""
        board = self.board
        is_one = board.layers * board.directions == 1
        for row in board.rows:
            place = "" if is_one else f"[{board.one(row).number}]"
            for which, found in (("0", board.starts[row]), ("n", board.ends[row])):
                for state, grid in found.items():
                    x = self.layout.side_x(board.one(row).reverse == (which == "0"), state)
                    yield self._name(f"{state}_{which}{place}", x, grid.around()[:, 1].max() + 0.09)

    def _name(self, text: str, x: float, y: float, align: Align = "center") -> Text:
        """A name whose baseline is at `y`."""
        return self.board.label(text, (x, y), MIN_TEXT, font="sans", align=align, vertical="baseline")
