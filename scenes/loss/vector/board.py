"""The board of the losses of vectors: room for a picture, at the right the column of losses, below it the result."""

from __future__ import annotations

from manim import Animation

from torchreel.scenes.loss.board import LossBoard
from torchreel.scenes.loss.vector.column import LossColumn
from torchreel.scenes.parts.look import Look
from torchreel.scenes.parts.motion import Appear, Move, Vanish
from torchreel.scenes.parts.number import Number
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

_COLUMN_X, _TOP, _BOTTOM = 5.55, 2.35, -0.35
_WEIGHTS_X = _COLUMN_X - 1.35
_OUTPUT_Y, _HALF = -1.75, 0.35


class VectorBoard(LossBoard):
    """The losses of some samples, `weights` beside them if the trace has such a tensor, and what they become."""

    def __init__(self, look: Look, trace: Trace, samples: list[Index], weights: str) -> None:
        super().__init__(look, trace)
        self.side = self._weights(weights, samples)
        self.losses = LossColumn(self, "loss", samples, (_COLUMN_X, _TOP, _BOTTOM), indexed=self.side is None)
        self.columns = [column for column in (self.losses, self.side) if column is not None]

    def write(self, sample: Index) -> list[Animation]:
        """A sample's loss, and its weight, come into their places."""
        return [move for column in self.columns for move in column.write(sample)]

    def leave(self) -> list[Animation]:
        """The frames leave the columns."""
        return [column.leave() for column in self.columns]

    def result(self, cell: Index) -> LossColumn:
        """The output below the losses, still empty; `cell` is its index."""
        place = (_COLUMN_X, _OUTPUT_Y + _HALF, _OUTPUT_Y - _HALF)
        return LossColumn(self, "output", [cell], place, indexed=False)

    def copies(self) -> list[Number]:
        """The losses once more, to fall into the result."""
        return [number.copy() for number in self.losses.grid.numbers.values()]

    def join(self, falling: list[Number], result: LossColumn) -> list[Animation]:
        """The copies of the losses, on stage already, are joined into one number below them."""
        arrow = self.arrow(_COLUMN_X, self.losses.bottom - 0.12, _OUTPUT_Y + 0.75)
        to = tuple(result.grid.center((0, 0)))
        moves = [move for one in falling for move in (Move(one, to=to), Vanish(one, quick=0.8))]
        return [*self.leave(), *moves, Appear(arrow), *result.write(result.cells[0])]

    def _weights(self, name: str, samples: list[Index]) -> LossColumn | None:
        """What a weighted mean divides by, beside the losses."""
        if name not in self.trace.tensors:
            return None
        return LossColumn(self, name, samples, (_WEIGHTS_X, _TOP, _BOTTOM))
