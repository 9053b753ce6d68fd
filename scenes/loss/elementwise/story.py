"""How an element-wise loss is told: element by element on its curve, then the reduction."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from manim import Animation, VGroup

from torchreel.scenes.loss.elementwise.board import Ending, LossPanel, is_one_of_many
from torchreel.scenes.loss.elementwise.graph import Band, LossGraph
from torchreel.scenes.loss.elementwise.laws_trace import LAWS
from torchreel.scenes.loss.story import LossScene
from torchreel.scenes.parts.grid import Cell
from torchreel.scenes.parts.motion import Appear, Vanish, sweep_times
from torchreel.scenes.stage.beats import Beat, runs
from torchreel.scenes.trace.formula import Token
from torchreel.scenes.trace.proof import Step

_GIVEN = ("input", "target", "var", "pos_weight")
_COMPUTED = ("difference", "agreement", "probability", "unweighted", "loss")
_ORDER = (*_GIVEN, "difference", "agreement", "probability", "unweighted", "weight", "loss")
_SLOW, _MOST_RUNS = 2, 13


class ElementwiseLoss(LossScene):
    """The frame of the story: the data, the elements, the reduction. A subclass draws the picture."""

    def names(self) -> list[str]:
        """The tensors that stand as grids, from the top."""
        return [name for name in _ORDER if name in self.trace.tensors]

    def picture(self) -> VGroup:
        """What stands in the picture's room from the beginning."""
        raise NotImplementedError

    def told(self, cell: Cell, first: bool) -> Iterator[Beat]:
        """One element in full."""
        raise NotImplementedError

    def swept(self, cells: Sequence[Cell]) -> Iterator[Beat]:
        """The other elements, ever quicker."""
        raise NotImplementedError

    def slow(self) -> list[Cell]:
        """The elements that are told in full."""
        return self.panel.positions[:_SLOW]

    def story(self) -> Iterator[Beat]:
        if 0 in self.trace.shape("loss"):
            result: dict[str, object] = {"output": self.text("output", self.trace.value("output", ()))}
            yield Beat("nothing", hold=4.0, formula=self.law(), values=result)
            return
        names = self.names()
        self.panel = LossPanel(self.look, self.trace, names, [name for name in names if name in _COMPUTED])
        self.add(self.picture(), self.panel.scenery)
        yield Beat("start", hold=1.8, formula=self.law(), also=self._reading())
        slow = self.slow()
        for cell in slow:
            yield from self.told(cell, cell == slow[0])
        yield from self.swept([cell for cell in self.panel.positions if cell not in slow])
        yield from self._concluded()

    def values(self) -> dict[str, object]:
        module = self.module
        settings = ("beta", "delta", "margin", "eps")
        shape = self.trace.shape("loss")
        factors = self.trace.sample("pos_weight", 1).tolist() if "pos_weight" in self.trace.tensors else []
        return {
            "pos_weight": ", ".join(self.text("pos_weight", factor) for factor in factors),
            "count": math.prod(shape),
            "rows": shape[0] if shape else 1,
            "columns": shape[-1] if shape else 1,
            **{name: f"{getattr(module, name):g}" for name in settings if hasattr(module, name)},
        }

    def formula_tokens(self, step: Step, most: int = 4) -> list[Token]:
        """A value that is taken over is not written twice."""
        tokens = super().formula_tokens(step, most)
        return tokens[:-2] if len(step.tokens(self.text, most)) == 1 else tokens

    def step(self, name: str, cell: Cell) -> Step:
        """The step of an intermediate tensor at the element that a cell shows."""
        return self.trace.step(name, self.panel.index(cell))

    def _reading(self) -> tuple[str, ...]:
        needed = {
            "one_plane": is_one_of_many(self.trace.shape("loss")),
            "cropped": self.panel.cropped,
            "heat": not self.panel.has_numbers,
        }
        return tuple(key for key, needs in needed.items() if needs)

    def _concluded(self) -> Iterator[Beat]:
        """The reduction as the last act."""
        reduction: str = self.module.reduction
        self.ending = Ending(self.look, self.trace, self.panel, reduction)
        leave = partial(self.ending.leave, list(self.panel.frames.values()))
        if reduction == "none":
            step = self.trace.step("output", self.panel.index(self.panel.positions[0]))
            yield Beat("by_none", lambda: [*leave(), *self.ending.kept()], 0.5, 1.6, step)
        elif reduction == "sum":
            yield from self._gathered("by_sum", leave)
            yield Beat("done", self.ending.finish, 0.3, 0.8)
        else:
            yield from self._gathered("gather", leave)
            yield Beat(
                f"by_{reduction}",
                self.ending.divided,
                0.5,
                1.4,
                self.trace.step("output", ()),
                self._result(),
            )
        if reduction != "sum":
            yield Beat("done", hold=0.8)

    def _gathered(self, key: str, leave: Any) -> Iterator[Beat]:
        step = self.trace.step(self.ending.first, ())
        values = {**self._result(), "total": self.text(step.tensor, step.value)}
        yield Beat(key, lambda: [*leave(), *self.ending.gather()], 0.8, 0.0, step, values)
        yield Beat(key, self.ending.summed, 0.3, 0.9, step, values)

    def _result(self) -> dict[str, object]:
        values: dict[str, object] = {"output": self.text("output", self.trace.value("output", ()))}
        if self.ending.has_divisor:
            values["divisor"] = self.ending.divisor()
        return values


class CurvedLoss(ElementwiseLoss):
    """A loss that is drawn as a curve: each element's dot rides to its place, and its height is the loss."""

    def bands(self) -> list[Band]:
        """Spans of x with the key of their label: regimes, dead zones."""
        return []

    def markers(self) -> list[tuple[float, str]]:
        """Places on x with the name of a setting."""
        return []

    def moment(self, cell: Cell) -> str:
        """The caption of an element: which regime it is in."""
        return "keep"

    def picture(self) -> VGroup:
        span = LAWS[self.operator.name].span
        assert span is not None
        self.span, self.marks = span, VGroup()
        self.graph = LossGraph(
            self.look, self.trace, span.x, bool(span.bends), self.words, self.bands(), self.markers()
        )
        return VGroup(self.graph.scenery)

    def curve(self, cell: Cell) -> int:
        """The number of the curve that an element is on: its own, or that of its target."""
        if self.span.bends:
            flat = 0
            for at, size in zip(self.panel.index(cell), self.trace.shape("loss"), strict=True):
                flat = flat * size + at
            return flat
        count = len(self.graph.curves)
        return 0 if count == 1 else int(self.panel.value("target", cell) != self.span.curves[0]["target"])

    def told(self, cell: Cell, first: bool) -> Iterator[Beat]:
        panel = self.panel
        given = [name for name in (*_GIVEN, "weight") if name in panel.grids]
        values = self._words_of(cell)
        yield Beat(
            "pick" if first else "next", partial(self._pick, cell, given), 0.4, 0.5, self.law(), values
        )
        before = [name for name in ("difference", "agreement", "probability") if name in panel.grids]
        for name in before:
            yield Beat(name, partial(panel.write, name, cell), 0.3, 0.6, self.step(name, cell), values)
        last = "unweighted" if "unweighted" in panel.grids else "loss"
        key = self.moment(cell)
        yield Beat(key, partial(self._ride, cell, last), 0.6, 0.3, self.step(last, cell), values)
        yield Beat(key, partial(self._write, last, cell), 0.4, 0.8, self.step(last, cell), values)
        if last == "unweighted":
            yield Beat("weigh", partial(self._weigh, cell), 0.6, 0.9, self.step("loss", cell), values)

    def swept(self, cells: Sequence[Cell]) -> Iterator[Beat]:
        sweep = runs(cells, _MOST_RUNS)
        first, last = (0.9, 0.7) if len(sweep) <= 3 else (0.6, 0.2)
        for run, seconds in zip(sweep, sweep_times(len(sweep), first, last), strict=True):
            yield Beat("sweep", partial(self._sweep, run), seconds, 0.0, self.step("loss", run[-1]))

    def _words_of(self, cell: Cell) -> dict[str, object]:
        names = [name for name in (*_ORDER,) if name in self.panel.grids]
        return {name: self.panel.grids[name].text(cell) for name in names}

    def _pick(self, cell: Cell, given: Sequence[str]) -> Iterable[Animation]:
        panel = self.panel
        names = list(panel.grids)
        if panel.frames[names[0]] in self.mobjects:
            return panel.mark(cell, names)
        return [Appear(frame) for frame in panel.framed(cell, names)]

    def _ride(self, cell: Cell, last: str) -> Iterable[Animation]:
        """The dot rides to the element on its curve."""
        x, y = self.panel.value(self.span.x, cell), self.panel.value(last, cell)
        moves = self.graph.ride(self.curve(cell), x, y)
        self.add(self.graph.ghosts)
        if self.graph.rider not in self.mobjects:
            moves.append(Appear(self.graph.rider))
        return moves

    def _write(self, name: str, cell: Cell) -> Iterable[Animation]:
        self._leave(cell)
        return self.panel.write(name, cell, self.graph.place)

    def _weigh(self, cell: Cell) -> Iterable[Animation]:
        """The weight lifts the dot off its curve."""
        loss = self.panel.value("loss", cell)
        return [*self.graph.lift(loss), *self.panel.write("loss", cell)]

    def _sweep(self, run: Sequence[Cell]) -> Iterable[Animation]:
        panel, names = self.panel, [name for name in _COMPUTED if name in self.panel.grids]
        for cell in run:
            self._leave(cell)
        written = [move for cell in run for name in names for move in panel.write(name, cell)]
        framed = panel.framed(run[-1], list(panel.grids))
        self.add(framed)
        return [*self._ride(run[-1], "loss"), *written]

    def _leave(self, cell: Cell) -> None:
        """The element's dot stays on its curve."""
        last = "unweighted" if "unweighted" in self.panel.grids else "loss"
        x, y = self.panel.value(self.span.x, cell), self.panel.value(last, cell)
        mark = self.graph.mark(self.curve(cell), x, y)
        if mark is not None:
            self.add(mark)

    def _concluded(self) -> Iterator[Beat]:
        for number, beat in enumerate(super()._concluded()):
            yield beat if number else self._without_rider(beat)

    def _without_rider(self, beat: Beat) -> Beat:
        return replace(beat, animate=lambda: [Vanish(self.graph.rider), *beat.animate()])
