"""BatchNorm: a channel's statistics over the batch, what enters the running ones, and what eval makes of these."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from manim import Animation

from torchreel.scenes.normalization import operators
from torchreel.scenes.normalization.layer_norm import FiveSteps
from torchreel.scenes.normalization.numbered import pointed
from torchreel.scenes.normalization.running import RunningBoard
from torchreel.scenes.parts.grid import Cell, Grid
from torchreel.scenes.parts.motion import Vanish
from torchreel.scenes.stage.beats import Beat


class _BatchNorm(FiveSteps):
    """The steps over all channels; `running_stats` follows the statistics into the buffers, `eval` out of them."""

    kind = "batch"

    def story(self) -> Iterator[Beat]:
        if self.example.name == "running_stats" and "unbiased_var" in self.trace.tensors:
            return self._running()
        return super().story()

    def call(self) -> list[tuple[str, bool]]:
        """The constructor call, and that the module was set to eval mode."""
        return [*super().call(), *([(".eval()", True)] if self.frozen else [])]

    def values(self) -> dict[str, Any]:
        count, module = self.sets.size, self.trace.module
        share = getattr(module, "momentum", None)
        return {
            **super().values(),
            "less": count - 1,
            "momentum": share,
            "samples": self.trace.shape("input")[0],
        }

    def _running(self) -> Iterator[Beat]:
        board = self.buffers = RunningBoard(self.look, self.trace, self.sets, self._running_words())
        self.add(board.scenery)
        yield Beat("running_start", run_time=0.1, hold=1.3)
        owner = board.owners[0]
        for tensor in ("mean", "var", "unbiased_var"):
            yield Beat(
                tensor, partial(self._statistic, tensor, [0]), 0.6, 1.0, self.trace.step(tensor, owner)
            )
        for tensor in ("new_running_mean", "new_running_var"):
            yield Beat(tensor, partial(self._blend, tensor, [0]), 0.7, 1.0, self.trace.step(tensor, owner))
        rest = list(range(1, len(board.owners)))
        if rest:
            yield Beat("running_rest", partial(self._rest, rest), 0.6, 0.6)
        yield Beat("running_done", partial(self._counted), 0.4)

    def _running_words(self) -> dict[str, str]:
        keys = ("heading_batch", "heading_running", "normalizes", "left_out")
        shown: dict[str, Any] = {"shown": RunningBoard.shown(self.sets), "total": self.sets.sets[0]}
        return {key: self.words(key, **self.values(), **shown) for key in keys}

    def _statistic(self, tensor: str, bands: list[int]) -> list[Animation]:
        board = self.buffers
        flights = [board.statistic(tensor, band) for band in bands]
        return [*pointed(self, board.cursor, board.around_input(bands[-1])), *flights]

    def _blend(self, tensor: str, bands: list[int]) -> list[Animation]:
        board = self.buffers
        moves = [move for band in bands for move in board.blend(tensor, band)]
        return [*pointed(self, board.cursor, board.around_new(tensor, bands[-1])), *moves]

    def _rest(self, bands: list[int]) -> list[Animation]:
        board = self.buffers
        written = [
            board.statistic(tensor, band) for band in bands for tensor in ("mean", "var", "unbiased_var")
        ]
        return [*self._blend("new_running_mean", bands), *self._blend("new_running_var", bands)[1:], *written]

    def _counted(self) -> list[Animation]:
        return [Vanish(self.buffers.cursor), *self.buffers.count()]


def _last(grid: Grid) -> Cell:
    return grid.shape[0] - 1, grid.shape[1] - 1


class BatchNorm1d(_BatchNorm):
    operator = operators.BatchNorm1d


class BatchNorm2d(_BatchNorm):
    operator = operators.BatchNorm2d


class BatchNorm3d(_BatchNorm):
    operator = operators.BatchNorm3d
