"""BatchNorm: a channel's statistics over the batch, what enters the running ones, and what eval makes of these."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from manim import Animation

from torchreel.scenes.normalization import operators
from torchreel.scenes.normalization.five_steps import FiveSteps
from torchreel.scenes.normalization.running import RunningBoard
from torchreel.scenes.parts.pointer import Pointer
from torchreel.scenes.stage.beats import Beat
from torchreel.scenes.trace.formula import Token
from torchreel.scenes.trace.proof import Step


class _BatchNorm(FiveSteps):
    """The steps over all channels; `running_stats` follows the statistics into the buffers, `eval` out of them."""

    kind = "batch"

    def story(self) -> Iterator[Beat]:
        return self._running() if self._is_about_buffers else super().story()

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

    def law(self) -> Sequence[Token]:
        """The update, where the clip is about it."""
        if not self._is_about_buffers:
            return super().law()
        return [Token(f"new_running_var = {self._blended('new_running_var', 0).formula.symbols()}")]

    def figure(self) -> Step | None:
        """The new variance of the last shown channel."""
        if not self._is_about_buffers:
            return super().figure()
        return (
            self._blended("new_running_var", len(self.buffers.owners) - 1)
            if hasattr(self, "buffers")
            else None
        )

    def pointing_at(self, step: Step) -> Pointer | None:
        """The buffer before and after, and what enters it."""
        if not self._is_about_buffers:
            return super().pointing_at(step)
        board, band = self.buffers, len(self.buffers.owners) - 1
        sources = {
            "running_var": [board.place("running_var", band)],
            "unbiased_var": [board.place("entered unbiased_var", band)],
        }
        return Pointer(self.look, board.place("new_running_var", band), sources)

    @property
    def _is_about_buffers(self) -> bool:
        return self.example.name == "running_stats" and "unbiased_var" in self.trace.tensors

    def _blended(self, tensor: str, band: int) -> Step:
        return self.trace.step(tensor, (band,))

    def _running(self) -> Iterator[Beat]:
        board = self.buffers = RunningBoard(self.look, self.trace, self.sets, self._running_words())
        self.add(board.scenery)
        yield Beat("running_start", run_time=0.1)
        for tensor in ("mean", "var", "unbiased_var"):
            yield Beat(
                tensor, partial(self._statistic, tensor, [0]), 0.3, 0.6, self.trace.step(tensor, board.owners[0]),
                look=partial(board.mark, board.input_place(0), board.place(tensor, 0)),
            )  # fmt: skip
        for tensor in ("new_running_mean", "new_running_var"):
            yield Beat(
                tensor, partial(board.blend, tensor, 0), 0.3, 0.8, self._blended(tensor, 0),
                look=partial(board.mark, board.place(tensor.removeprefix("new_"), 0), board.place(tensor, 0)),
            )  # fmt: skip
        rest = list(range(1, len(board.owners)))
        if rest:
            yield Beat("running_rest", partial(self._rest, rest), 0.4, 0.6, look=board.mark)
        yield Beat("running_done", board.count, 0.4, look=board.mark)

    def _running_words(self) -> dict[str, str]:
        keys = ("heading_batch", "heading_running", "normalizes", "left_out")
        shown: dict[str, Any] = {"shown": RunningBoard.shown(self.sets), "total": self.sets.sets[0]}
        return {key: self.words(key, **self.values(), **shown) for key in keys}

    def _statistic(self, tensor: str, bands: list[int]) -> list[Animation]:
        return [self.buffers.statistic(tensor, band) for band in bands]

    def _rest(self, bands: list[int]) -> list[Animation]:
        board = self.buffers
        written = [self._statistic(tensor, bands) for tensor in ("mean", "var", "unbiased_var")]
        blended = [
            board.blend(tensor, band) for band in bands for tensor in ("new_running_mean", "new_running_var")
        ]
        return [move for moves in (*written, *blended) for move in moves]


class BatchNorm1d(_BatchNorm):
    operator = operators.BatchNorm1d


class BatchNorm2d(_BatchNorm):
    operator = operators.BatchNorm2d


class BatchNorm3d(_BatchNorm):
    operator = operators.BatchNorm3d
