"""KLDivLoss: how far a predicted distribution is from a target; single terms may be negative, a row's sum is not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from manim import Animation, VGroup

from torchreel.scenes.loss import operators
from torchreel.scenes.loss.elementwise.shares import Shares
from torchreel.scenes.loss.elementwise.story import ElementwiseLoss
from torchreel.scenes.parts.grid import Cell
from torchreel.scenes.parts.motion import Appear
from torchreel.scenes.parts.shapes import Shape
from torchreel.scenes.stage.beats import Beat, runs

_MOST_ROWS = 8


class KLDivLoss(ElementwiseLoss):
    operator = operators.KLDivLoss

    def picture(self) -> VGroup:
        words = {name: self.words(name) for name in ("p", "q")}
        self.shares = Shares(self.look, self.trace, self.panel, words)
        self.frame: Shape | None = None
        return VGroup(self.shares.scenery)

    def slow(self) -> list[Cell]:
        """In the first row, the first positive and the first negative loss."""
        row = [cell for cell in self.panel.positions if cell[0] == 0]
        firsts = {self.moment(cell): cell for cell in reversed(row)}
        return sorted(firsts.values())[:2]

    def moment(self, cell: Cell) -> str:
        """The caption of an element: the sign of its loss."""
        loss = self.panel.value("loss", cell)
        return "more" if loss > 0 else "less" if loss < 0 else "equal"

    def told(self, cell: Cell, first: bool) -> Iterator[Beat]:
        step = self.step("loss", cell)
        if first:
            yield Beat("row", lambda: [Appear(self.shares.numbers)], 0.3, 1.0)
        values: dict[str, object] = {"loss": self.panel.grids["loss"].text(cell)}
        yield Beat(self.moment(cell), partial(self._write, cell, first), 0.5, 1.3, step, values)

    def swept(self, cells: Sequence[Cell]) -> Iterator[Beat]:
        rows: dict[int, list[Cell]] = {}
        for cell in cells:
            rows.setdefault(cell[0], []).append(cell)
        if 0 in rows:
            run = rows.pop(0)
            yield Beat("rest", partial(self._fill, run), 0.4, 1.3, self.step("loss", run[-1]))
        for later in runs(list(rows), _MOST_ROWS):
            run = [cell for row in later for cell in rows[row]]
            yield Beat("sweep", partial(self._turn, run), 0.5, 0.3, self.step("loss", run[-1]))

    def _write(self, cell: Cell, first: bool) -> Iterable[Animation]:
        names = list(self.panel.grids)
        marks = [Appear(self.panel.framed(cell, names))] if first else self.panel.mark(cell, names)
        self._unframe()
        self.frame = self.shares.ring(cell)
        return [*marks, Appear(self.frame), *self.panel.write("loss", cell)]

    def _fill(self, run: Sequence[Cell]) -> Iterable[Animation]:
        self._unframe()
        self.add(self.panel.framed(run[-1], list(self.panel.grids)))
        return [move for cell in run for move in self.panel.write("loss", cell)]

    def _turn(self, run: Sequence[Cell]) -> Iterable[Animation]:
        """Another row's bars, and its losses."""
        self.remove(self.shares.numbers)
        return [*self.shares.show(run[-1][0]), *self._fill(run)]

    def _unframe(self) -> None:
        if self.frame is not None:
            self.remove(self.frame)
            self.frame = None
