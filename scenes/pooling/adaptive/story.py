"""The story that adaptive and fractional pooling share: rulers find the windows, then each window is pooled."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from manim import Animation

from torchreel.scenes.parts.motion import Appear, Paint, Vanish, sweep_times
from torchreel.scenes.parts.ruler import Ruler
from torchreel.scenes.parts.shapes import Shape
from torchreel.scenes.parts.sheet import Position
from torchreel.scenes.pooling.adaptive.board import AdaptiveBoard
from torchreel.scenes.stage.beats import Beat, runs
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.trace.formula import Token
from torchreel.scenes.trace.proof import Step

_SLOW = 2
_MOST_RUNS = 12
_MOST_TERMS = 9
_JUMP = 0.15


class RuledPool(OperatorScene):
    """Subclasses say how the rulers come about, in `windows_found`, and which sentence ends the clip."""

    def story(self) -> Iterator[Beat]:
        sign = "max" if "Max" in self.operator.name else "mean"
        self.board = AdaptiveBoard(self.look, self.trace, sign)
        self.drawn: dict[tuple[str, int], Shape] = {}
        self.active: list[tuple[str, int]] = []
        self.add(self.board.scenery())
        yield Beat("start", run_time=1.5, formula=self.law(), also=self.reading("slices", "one_plane"))
        yield from self.windows_found()
        cells = self.board.positions()
        for number, cell in enumerate(cells[:_SLOW]):
            yield from self._in_full(cell, number == 0)
        yield from self._swept(cells[_SLOW:])
        yield Beat(self.ending(), self._clear, 0.4, 0.6)

    def windows_found(self) -> Iterator[Beat]:
        """How the rulers come about."""
        raise NotImplementedError

    def law(self) -> list[Token]:
        """The formula that all windows follow."""
        raise NotImplementedError

    def ending(self) -> str:
        """The key of the last sentence."""
        return "done"

    def values(self) -> dict[str, object]:
        cover, count = self.board.cover, len(self.board.cover.letters)
        sizes, outs = (" × ".join(map(str, sides[-count:])) for sides in (cover.sizes, cover.counts))
        return {"plane": sizes, "out": outs, "depth": cover.sizes[0]}

    def formula_tokens(self, step: Step, most: int = _MOST_TERMS) -> list[Token]:
        """A maximum has short terms, so more of them are shown than of a sum; what is plain numbers is said once."""
        tokens = super().formula_tokens(step.shortened(most), most)
        if any(True for _ in step.formula.refs()):
            return tokens
        name = f"{step.tensor}{list(step.index) if step.index else ''}"
        return [Token(f"{name} = {step.formula.symbols()} = "), tokens[-1]]

    def labelled(self, ruler: Ruler, number: int) -> list[Animation]:
        """The interval of a window, in its bar."""
        label = ruler.interval(number)
        return [Appear(label)] if len(label) else []

    def bars(self, ruler: Ruler, numbers: Iterable[int]) -> list[Animation]:
        """The finished bars of some windows."""
        fresh = {(ruler.letter, number): ruler.bar(number) for number in numbers}
        self.drawn |= fresh
        labels = [label for _, number in fresh for label in self.labelled(ruler, number)]
        return [Appear(*fresh.values()), *labels]

    def lit(self, *chosen: tuple[str, int]) -> list[Animation]:
        """The bars of these windows are the active ones, and no others."""
        theme = self.look.theme
        off = [Paint(self.drawn[key], stroke=theme.wire) for key in self.active if key not in chosen]
        on = [
            Paint(self.drawn[key], stroke=theme.accent)
            for key in chosen
            if key in self.drawn and key not in self.active
        ]
        self.active = [key for key in chosen if key in self.drawn]
        return [*off, *on]

    def reading(self, *keys: str) -> tuple[str, ...]:
        """Which of these sentences a call needs: on slices, channels apart, parts of planes, colours for numbers."""
        lead = self.trace.shape("input")[: len(self.board.cover.lead)]
        needed = {
            "slices": self.board.cover.is_volume,
            "one_plane": math.prod(lead) > 1,
            "cropped": self.board.is_cropped,
            "heat": not self.board.has_numbers,
        }
        return tuple(key for key in keys if needed[key])

    def _in_full(self, cell: Position, first: bool) -> Iterator[Beat]:
        """One output: its window, the value, and where it stood."""
        index = self.board.index(cell)
        window = self.board.cover.window(cell)
        names = ("cols", "rows", "depths")[: len(window)]
        values: dict[str, object] = {
            name: f"[{start}, {end})" for name, (start, end) in zip(names, reversed(window), strict=True)
        }
        values |= {"cells": math.prod(end - start for start, end in window)}
        yield Beat("window", partial(self._slide, cell), 0.6, 0.6 if first else 0.2, values=values)
        step = self.trace.step("output", index)
        values |= {"value": self.text("output", step.value)}
        yield Beat("keep", partial(self._write, "output", cell), 0.6, 0.8 if first else 0.4, step, values)
        if "indices" in self.board.outputs:
            found = self.trace.step("indices", index)
            values |= {"index": self.text("indices", found.value)}
            yield Beat(
                "index", partial(self._write, "indices", cell), 0.6, 0.8 if first else 0.3, found, values
            )

    def _slide(self, cell: Position) -> Iterable[Animation]:
        lit = self.lit(*self.board.ruled(cell))
        if self.board.window in self.mobjects:
            return [*self.board.move(cell), *lit]
        return [*(Appear(frame) for frame in self.board.frames()), *lit]

    def _write(self, name: str, cell: Position) -> Iterable[Animation]:
        marks = self.board.mark(cell) if name == "output" else []
        return [*self.board.write(name, cell, fly=True), *map(Appear, marks)]

    def _swept(self, cells: Sequence[Position]) -> Iterator[Beat]:
        """The other windows, ever quicker; several at a time if there are many."""
        sweep = runs(cells, _MOST_RUNS)
        for run, seconds in zip(sweep, sweep_times(len(sweep), 0.7, 0.3), strict=True):
            step = self.trace.step("output", self.board.index(run[-1]))
            yield Beat("sweep", partial(self._sweep, run), seconds, 0.0, step)

    def _sweep(self, run: Sequence[Position]) -> Iterable[Animation]:
        self.add(*(mark for cell in run for mark in self.board.mark(cell)))
        written = [
            move for cell in run for name in self.board.outputs for move in self.board.write(name, cell)
        ]
        return [*self.board.move(run[-1], _JUMP), *written, *self.lit(*self.board.ruled(run[-1]))]

    def _clear(self) -> Iterable[Animation]:
        return [*(Vanish(frame) for frame in self.board.frames()), *self.lit()]
