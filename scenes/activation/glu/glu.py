"""GLU: the input's second half decides how much of its first half passes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from manim import Animation

from torchreel.scenes.activation import operators
from torchreel.scenes.activation.curve.lighting import ReadingScene
from torchreel.scenes.activation.glu.board import GLUBoard
from torchreel.scenes.parts.motion import Appear
from torchreel.scenes.stage.beats import Beat
from torchreel.scenes.trace.formula import Token
from torchreel.scenes.trace.proof import Step


class GLU(ReadingScene):
    """The halves part, b becomes a gate on the sigmoid's curve, and the gate multiplies a."""

    operator = operators.GLU

    board: GLUBoard

    def story(self) -> Iterator[Beat]:
        board = self.board = GLUBoard(self.look, self.trace, getattr(self.trace.module, "dim", -1))
        self.set_up(board)
        yield Beat("start", run_time=0.4)
        yield Beat("halves", self._part, 0.7, 0.6)
        shown = [row for row in board.rows if board.shows(row)]
        slow = shown[1:2] or shown[:1]
        for row in slow:
            yield from self._gated(row)
        for row in board.rows:
            if row not in slow:
                look, step = partial(self._cut, row), self._step(row)
                yield Beat("sweep", partial(self._write, row), 0.8, look=look, formula=step, sweep=True)
        yield Beat("done", self._leave, 0.1)

    def law(self) -> Sequence[Token]:
        return [Token("output = a·gate")] if self.has_values() else ()

    def ink(self, piece: Token) -> str:
        """The halves are the input's own numbers."""
        return self.look.theme.role("input") if piece.tensor in ("a", "b") else super().ink(piece)

    def figure(self) -> Step | None:
        """The element that was told slowly."""
        shown = [row for row in self.board.rows if self.board.shows(row)] or self.board.rows
        return self._step((shown[1:2] or shown)[0])

    def notes(self) -> list[str]:
        return [*super().notes(), *([self.words("part")] if self.board.is_partial else [])]

    def values(self) -> dict[str, object]:
        return {"dim": getattr(self.trace.module, "dim", -1)}

    def _part(self) -> Iterable[Animation]:
        """The halves are outlined and named, and become the columns a and b."""
        board = self.board
        written = [move for row in board.rows for move in board.write(row, "a", "b")]
        return [*(Appear(part) for part in board.halves()), *written]
