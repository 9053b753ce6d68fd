"""A column of losses, or of what is divided by, that is filled from the top."""

from __future__ import annotations

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.loss.board import LossBoard
from torchreel.scenes.parts.grid import Cells
from torchreel.scenes.parts.look import MIN_TEXT
from torchreel.scenes.parts.motion import Paint
from torchreel.scenes.trace.formula import Index

_WIDEST, _NARROWEST, _ROW = 1.1, 0.9, 0.62


class LossColumn(VGroup):
    """Some elements of a tensor one below the other, empty until written; an accent frame goes along.

    `place` is the middle's x, the top and the lowest bottom. `indexed` writes each element's index beside it.
    """

    def __init__(
        self,
        board: LossBoard,
        tensor: str,
        cells: list[Index],
        place: tuple[float, float, float],
        indexed: bool = True,
    ) -> None:
        self.board, self.cells = board, cells
        x, top, low = place
        height = min(_ROW, (top - low) / max(1, len(cells)))
        fitted = Cells.fit(len(cells), 1, _WIDEST, height * len(cells), board.texts(tensor))
        fitted = Cells(max(fitted.width, _NARROWEST), height, fitted.text_size, len(cells), 1)
        self.bottom = top - height * len(cells)
        middle = (x, (top + self.bottom) / 2)
        self.grid = board.grid(tensor, (), fitted, middle, index=lambda cell: cells[cell[0]], blank=True)
        self.frame = board.frame()
        super().__init__(self.grid, self.grid.caption(board.sized(tensor)))
        if indexed and cells and cells[0]:
            self._name_elements(fitted)

    def write(self, cell: Index) -> list[Animation]:
        """An element comes into its place, which the frame marks."""
        row = self.cells.index(cell)
        self.remove(self.frame)
        self.frame = self.board.frame(self.grid.outline((row, 0), (row, 0), 0.02))
        self.add(self.frame)
        return self.grid.write((row, 0))

    def leave(self) -> Animation:
        """The frame is gone."""
        self.remove(self.frame)
        return Paint(self.grid.boxes[0, 0], stroke=self.board.look.theme.line)

    def _name_elements(self, cells: Cells) -> None:
        for row, cell in enumerate(self.cells):
            at = self.grid.center((row, 0)) - np.array([cells.width / 2 + 0.12, 0, 0])
            self.add(self.board.label(f"[{', '.join(map(str, cell))}]", at, MIN_TEXT, align="right"))
