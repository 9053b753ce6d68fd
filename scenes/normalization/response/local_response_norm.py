"""LocalResponseNorm: a window over the channels, and what each value is divided by because of its neighbours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from manim import Animation

from torchreel.scenes.normalization import operators
from torchreel.scenes.normalization.response.board import STEPS, ResponseBoard
from torchreel.scenes.parts.grid import Cell
from torchreel.scenes.parts.places import Place
from torchreel.scenes.parts.pointer import Pointer
from torchreel.scenes.stage.beats import Beat, runs
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.trace.formula import Token
from torchreel.scenes.trace.proof import Step

_SWEEPS = 8


class LocalResponseNorm(OperatorScene):
    """Square, average over the window of channels, raise to a power, divide: for one value in full, then all."""

    operator = operators.LocalResponseNorm

    def story(self) -> Iterator[Beat]:
        self.board = board = ResponseBoard(self.look, self.trace, self._note)
        self.add(*board.grids.values(), board.labels)
        cell = self._strongest()
        yield Beat("start", run_time=0.1)
        step = self.trace.step("square", board.index(cell))
        paths = [board.around("square", cell), board.around("input", cell)]
        yield Beat("square", self._squares, 0.4, 0.4, step, look=partial(board.mark, *_made_of(step, paths)))
        yield from self._in_full(cell)
        for run in runs(board.order(), _SWEEPS):
            step = self.trace.step("output", board.index(run[-1]))
            yield Beat("output", partial(self._write, run), 0.2, 0.1, step, sweep=True, look=board.mark)
        yield Beat("done", run_time=0.3, look=board.mark)

    def law(self) -> Sequence[Token]:
        """The definition with the module's numbers."""
        module: Any = self.trace.module
        inner = f"{module.k:g} + {module.alpha:g}·Σ input² / {module.size}"
        return [Token(f"output = input / ({inner})^{{{module.beta:g}}}")]

    def figure(self) -> Step | None:
        """The value that is told in full."""
        if not hasattr(self, "board"):
            return None
        return self.trace.step("output", self.board.index(self._strongest()))

    def pointing_at(self, step: Step) -> Pointer | None:
        """The value in every step, and the window of squares."""
        pointer, board, cell = super().pointing_at(step), self.board, self._strongest()
        if pointer is None:
            return None
        paths = [board.around_window("square", cell), *(board.around(name, cell) for name in STEPS[2:5])]
        places = [Place(*path[:, :2].min(0), *path[:, :2].max(0)) for path in paths]
        links = (
            Pointer(self.look, after, {"before": [before]}, "before", self._standing_texts())
            for before, after in pairwise(places)
        )
        return pointer.add(*links)

    def main_source(self, step: Step) -> str:
        """The divisor stands beside the output."""
        return "divisor"

    def values(self) -> dict[str, Any]:
        return {"size": self.trace.module.size, "samples": self.trace.shape("input")[0]}  # type: ignore[union-attr]

    def _note(self, shown: Cell, whole: Cell) -> str:
        """What the grids leave out, if anything."""
        samples = self.trace.shape("input")[0]
        corner: dict[str, Any] = dict(
            zip(("rows", "cols", "channels", "places"), (*shown, *whole), strict=True)
        )
        notes = [
            (samples > 1, self.words("one_sample", **self.values())),
            (shown != whole, self.words("corner", **corner)),
        ]
        return " · ".join(note for needed, note in notes if needed)

    def _strongest(self) -> Cell:
        """The largest input that is shown."""
        cells = self.board.order()
        values = np.nan_to_num(
            [self.board.grids["input"].value(cell) for cell in cells], posinf=0.0, neginf=0.0
        )
        return cells[int(np.argmax(np.abs(values)))]

    def _squares(self) -> list[Animation]:
        board = self.board
        return [move for cell in board.grids["square"].positions() for move in board.write("square", cell)]

    def _in_full(self, cell: Cell) -> Iterator[Beat]:
        """One value, step by step."""
        board = self.board
        sources = {
            "mean_square": board.around_window("square", cell),
            "base": board.around("mean_square", cell),
            "divisor": board.around("base", cell),
            "output": board.around("divisor", cell),
        }
        keys = {"mean_square": "window", "base": "divisor"}
        for tensor, source in sources.items():
            paths = [board.around(tensor, cell), source]
            if tensor == "output":
                paths.append(board.around("input", cell))
            step = self.trace.step(tensor, board.index(cell))
            yield Beat(
                keys.get(tensor, tensor), partial(board.write, tensor, cell), 0.3, 0.6, step,
                look=partial(board.mark, *_made_of(step, paths)),
            )  # fmt: skip

    def _write(self, run: Sequence[Cell]) -> list[Animation]:
        """Some values at once."""
        return [move for cell in run for tensor in STEPS[2:] for move in self.board.write(tensor, cell)]


def _made_of(step: Step, paths: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
    """The paths round a value and its sources; only that round the value if torch's type lost what it was made of."""
    return paths if any(step.reads) else paths[:1]
