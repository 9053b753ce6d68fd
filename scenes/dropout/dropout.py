"""Dropout: while training, a random mask zeroes elements or whole channels, and what is left grows to make up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from manim import Animation

from torchreel.scenes.dropout import operators
from torchreel.scenes.dropout.board import DropoutBoard, Place
from torchreel.scenes.dropout.trace import affine, channel_axis, is_alpha
from torchreel.scenes.parts.motion import Appear, Vanish, sweep_times
from torchreel.scenes.stage.beats import Beat, runs
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.trace.formula import Token

_MOST_STEPS = 14


class _Dropout(OperatorScene):
    """The mask falls, one kept and one dropped element are worked out, the others follow; without a mask all pass."""

    def story(self) -> Iterator[Beat]:
        module = self.trace.module
        assert module is not None
        self.board = DropoutBoard(self.look, self.trace, channel_axis(module, len(self.trace.shape("input"))))
        self.add(self.board.scenery())
        return self._masked() if "mask" in self.trace.tensors else self._passed()

    def values(self) -> dict[str, object]:
        p = float(getattr(self.trace.module, "p", 0))
        scale, shift = affine(p) if p < 1 else (0.0, 0.0)
        return {
            "p": f"{p:g}",
            "keep": f"{1 - p:g}",
            "grow": self.look.number(1 / (1 - p)) if p < 1 else "0",
            "scale": self.look.number(scale),
            "shift": self.look.number(shift),
        }

    def _reading(self) -> tuple[str, ...]:
        needed = {"cropped": self.board.is_cropped, "heat": not self.board.has_numbers}
        return tuple(key for key, needs in needed.items() if needs)

    def _masked(self) -> Iterator[Beat]:
        board, places = self.board, list(self.board.places())
        yield Beat("start", run_time=1.6, formula=self._law(), also=self._reading())
        rows = range(board.mask_rows)
        for row, seconds in zip(rows, sweep_times(len(rows), 0.6, 0.3), strict=True):
            yield Beat("fall", partial(self._fall, row), seconds, 0.9 if row == rows[-1] else 0.0)
        shown = self._telling(places)
        for number, place in enumerate(shown):
            kept = self.trace.value("mask", board.index(place)) > 0
            step = self.trace.step("output", board.index(place))
            yield Beat("keep" if kept else "drop", partial(self._write, [place], number == 0), 0.5, 1.5, step)
        rest = [place for place in places if place not in shown]
        yield from self._swept(rest)
        yield Beat("done", self._clear, 0.3, 0.8)

    def _telling(self, places: Sequence[Place]) -> list[Place]:
        """The first element that is kept and the first that is dropped, where there are both."""
        kinds: dict[bool, Place] = {}
        for place in places:
            kinds.setdefault(self.trace.value("mask", self.board.index(place)) > 0, place)
        return [kinds[kept] for kept in (True, False) if kept in kinds]

    def _swept(self, places: Sequence[Place], key: str = "sweep") -> Iterator[Beat]:
        swept = runs(places, _MOST_STEPS)
        for run, seconds in zip(swept, sweep_times(len(swept), 0.4, 0.2), strict=True):
            step = self.trace.step("output", self.board.index(run[-1]))
            yield Beat(key, partial(self._write, run, False), seconds, 0.0, step)

    def _passed(self) -> Iterator[Beat]:
        """Evaluation, or p = 0: everything goes through as it is."""
        places = list(self.board.places())
        module: Any = self.trace.module
        start = "start_never" if module.training else "start_eval"
        yield Beat(start, run_time=1.8, formula=[Token("output = input")], also=self._reading())
        step = self.trace.step("output", self.board.index(places[0]))
        yield Beat("pass", partial(self._write, places[:1], True), 0.5, 1.2, step)
        yield from self._swept(places[1:], "sweep_eval")
        yield Beat("done_eval", self._clear, 0.3, 1.0)

    def _law(self) -> list[Token]:
        step = self.trace.step("output", self.board.index(next(self.board.places())))
        return [Token(f"output = {step.formula.symbols()}")]

    def _fall(self, row: int) -> Iterable[Animation]:
        return self.board.mask(row)

    def _write(self, run: Sequence[Place], opens: bool) -> Iterable[Animation]:
        board = self.board
        written = [move for place in run for move in board.write(place)]
        if opens:
            board.set_frames(run[-1])
            return [*(Appear(frame) for frame in board.frames.values()), *self._signs(), *written]
        return [*board.point(run[-1]), *written]

    def _signs(self) -> list[Animation]:
        if "mask" not in self.trace.tensors:
            return []
        alpha = self.trace.module is not None and is_alpha(self.trace.module)
        scaled = self.words("scaled_alpha" if alpha else "scaled", None, **self.values())
        signs = [*self.board.sign("×", "input"), *self.board.sign(scaled, "mask")]
        return [Appear(sign) for sign in signs]

    def _clear(self) -> Iterable[Animation]:
        return [Vanish(*self.board.frames.values())]


class Dropout(_Dropout):
    operator = operators.Dropout


class Dropout1d(_Dropout):
    operator = operators.Dropout1d


class Dropout2d(_Dropout):
    operator = operators.Dropout2d


class Dropout3d(_Dropout):
    operator = operators.Dropout3d


class AlphaDropout(_Dropout):
    operator = operators.AlphaDropout


class FeatureAlphaDropout(_Dropout):
    operator = operators.FeatureAlphaDropout
