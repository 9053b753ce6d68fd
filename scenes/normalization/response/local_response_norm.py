"""LocalResponseNorm: a window over the channels, and what each value is divided by because of its neighbours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from manim import Animation

from torchreel.scenes.normalization import operators
from torchreel.scenes.normalization.numbered import pointed
from torchreel.scenes.normalization.response.board import STEPS, ResponseBoard
from torchreel.scenes.parts.grid import Cell
from torchreel.scenes.stage.beats import Beat, runs
from torchreel.scenes.stage.scene import OperatorScene

_SWEEPS = 12


class LocalResponseNorm(OperatorScene):
    """Square, average over the window of channels, raise to a power, divide: for two values in full, then all."""

    operator = operators.LocalResponseNorm

    def story(self) -> Iterator[Beat]:
        self.board = board = ResponseBoard(self.look, self.trace, self._note)
        self.add(*board.grids.values(), board.labels)
        cells = board.order()
        yield Beat("start", run_time=0.1, hold=1.6)
        yield Beat("square", self._squares, 0.6, 0.8, self.trace.step("square", board.index((0, 0))))
        yield from self._in_full(cells[0], 1.0)
        for cell in cells[1:2]:
            yield from self._in_full(cell, 0.5)
        for run in runs(cells[2:], _SWEEPS):
            step = self.trace.step("output", board.index(run[-1]))
            yield Beat("sweep", partial(self._write, run), 0.3, 0.0, step)
        yield Beat("done", self._strongest, 0.5)

    def values(self) -> dict[str, Any]:
        module: Any = self.trace.module
        return {
            "size": module.size,
            "before": module.size // 2,
            "after": (module.size - 1) // 2,
            "k": f"{module.k:g}",
            "alpha": f"{module.alpha:g}",
            "beta": f"{module.beta:g}",
            "samples": self.trace.shape("input")[0],
        }

    def _note(self, shown: Cell, whole: Cell, numbers: bool) -> str:
        """What the grids leave out, if anything."""
        samples = self.trace.shape("input")[0]
        corner: dict[str, Any] = {
            "rows": shown[0],
            "cols": shown[1],
            "channels": whole[0],
            "places": whole[1],
        }
        notes = [
            (samples > 1, self.words("one_sample", **self.values())),
            (shown != whole, self.words("corner", **corner)),
            (not numbers, self.words("heat_map")),
        ]
        return " · ".join(note for needed, note in notes if needed)

    def _squares(self) -> list[Animation]:
        board = self.board
        written = [move for cell in board.grids["square"].positions() for move in board.write("square", cell)]
        return [*written, *board.light(1)]

    def _in_full(self, cell: Cell, pace: float) -> Iterator[Beat]:
        """One value, step by step."""
        index = self.board.index(cell)
        window: dict[str, object] = {"channel": index[1]}
        hold = round(0.9 * pace, 1)
        yield Beat(
            "window", partial(self._window, cell), 0.6, hold, self.trace.step("mean_square", index), window
        )
        yield Beat("base", hold=round(1.4 * pace, 1), formula=self.trace.step("base", index))
        yield Beat(
            "divisor", partial(self._step, 3, "divisor", cell), 0.5, hold, self.trace.step("divisor", index)
        )
        yield Beat(
            "output", partial(self._step, 4, "output", cell), 0.5, hold, self.trace.step("output", index)
        )

    def _window(self, cell: Cell) -> list[Animation]:
        board = self.board
        return [
            *pointed(self, board.window, board.around_window(cell)),
            *pointed(self, board.target, board.around("mean_square", cell)),
            *board.write("mean_square", cell, "square"),
            *board.light(2),
        ]

    def _step(self, number: int, tensor: str, cell: Cell) -> list[Animation]:
        board = self.board
        source = STEPS[STEPS.index(tensor) - 1]
        return [
            *pointed(self, board.target, board.around(tensor, cell)),
            *board.write(tensor, cell, source),
            *board.light(number),
        ]

    def _strongest(self) -> list[Animation]:
        """The frames stop at the neighbours of the largest input, before and after."""
        board = self.board
        cell = max(board.order(), key=lambda cell: abs(board.grids["input"].value(cell)))
        return [
            *pointed(self, board.window, board.around_neighbours("input", cell)),
            *pointed(self, board.target, board.around_neighbours("output", cell)),
            *board.light(0),
        ]

    def _write(self, run: Sequence[Cell]) -> list[Animation]:
        """Some values at once: the window stops at the last of them."""
        board = self.board
        written = [move for cell in run for tensor in STEPS[2:] for move in board.write(tensor, cell)]
        return [
            *pointed(self, board.window, board.around_window(run[-1])),
            *pointed(self, board.target, board.around("output", run[-1])),
            *written,
        ]
