"""The story of adaptive and fractional pooling: a ruler finds one window, it is pooled, and so are the others."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property, partial
from typing import Any

from manim import Animation, Mobject, VGroup

from torchreel.scenes.parts.family import family
from torchreel.scenes.parts.motion import Appear, Move
from torchreel.scenes.parts.places import Element, Places
from torchreel.scenes.parts.pointer import Pointer
from torchreel.scenes.parts.sheet import Position
from torchreel.scenes.parts.text import Text
from torchreel.scenes.pooling.adaptive.board import AdaptiveBoard, Key
from torchreel.scenes.pooling.window.words import without_unknown_name
from torchreel.scenes.stage.beats import Beat, runs
from torchreel.scenes.stage.excerpt import excerpt
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.trace.formula import Index, Token
from torchreel.scenes.trace.proof import Step

_MOST_RUNS, _MOST_TRIED, MOST_TERMS = 12, 64, 9
_STEP_TIME, _MANY, _QUICK = 0.5, 8, 0.3
_LAW_ROOM = 0.9
_OUT, _IN = {1: "i", 2: "rc", 3: "drc"}, {1: "k", 2: "kl", 3: "klm"}


class RuledPool(OperatorScene):
    """Subclasses say how the chosen window is found, and how the law tells of an axis."""

    board: AdaptiveBoard | None = None
    told_axes = 3
    """How many axes the law tells of, where they have room; of a volume the depth alone, whose ruler is drawn."""

    def story(self) -> Iterator[Beat]:
        board = self.board = AdaptiveBoard(
            self.look, self.trace, {1: self.words("rows"), 2: self.words("columns")}
        )
        self.marks, self.scenery = VGroup(), board.scenery()
        self.room = board.room(self.scenery)
        for part in family([self.scenery]):
            part.points = part.points + self.room
        self.add(self.scenery, *self._note())
        yield Beat("start", hold=0.4)
        chosen = self._chosen
        yield from self.window_found(chosen)
        yield from self._in_full(chosen)
        rest = [position for position in board.positions() if position != chosen]
        name = "done" if "indices" in board.outputs else "rest"
        if rest:
            yield Beat(name, run_time=0.4, look=board.all_bars)
            yield from self._swept(name, rest)
        yield Beat("done", run_time=0.2, look=partial(self.point, chosen), focus=self.figure())

    def window_found(self, position: Position) -> Iterator[Beat]:
        """How the ruler's window of an output is found."""
        raise NotImplementedError

    def make_room(self) -> list[Animation]:
        """The figure, which stood in the middle of the stage, goes where the rulers have room beside it."""
        return [Move(self.scenery, by=(-self.room[0], -self.room[1]))] if self.room.any() else []

    def heads(self, told: Key) -> list[Animation]:
        """The ruler's head appears with its name; one of its numbers is `told` of."""
        assert self.board is not None
        return [*self.board.parts(told), *map(Appear, self.head_names(self.board))]

    def head_names(self, board: AdaptiveBoard) -> list[Text]:
        """What the heads of the rulers are."""
        return board.ruler_names([self.words("heads", None, **self.values())])

    def first_bar(self, key: Key) -> list[Animation]:
        """The first window's bar appears with the name of all."""
        assert self.board is not None
        return [
            *self.board.show([key]),
            *map(Appear, self.board.ruler_names([], self.words("windows"), key[1])),
        ]

    def interval(self, axis: int, out: str, read: str) -> str:
        """What the law says of one axis: which places `read` belong to the output `out`."""
        raise NotImplementedError

    def merit(self, position: Position) -> tuple[Any, ...]:
        """How much of the rule an element shows; here, whether its winner stands inside the window."""
        assert self.board is not None
        best, window = self.board.winner(position), self.board.cover.window(position)
        if best is None:
            return ()
        return (any(start < at < end - 1 for at, (start, end) in zip(best, window, strict=True)),)

    def law(self) -> Sequence[Token]:
        if self.board is None:
            return super().law()
        cover = self.board.cover
        count = len(cover.letters)
        outs, reads = _OUT[count], _IN[count]
        name = "max" if "Max" in self.operator.name else "mean"
        tokens = [
            Token(f"y_{{{','.join(outs)}}}", "output"), Token(f" = {name} "), Token(f"x_{{{','.join(reads)}}}", "input")
        ]  # fmt: skip
        main = {1: 0, 2: 1, 3: 0}[count]
        order = [main, *(axis for axis in range(count) if axis != main)]
        said = [
            self.interval(axis, outs[axis], reads[axis])
            for axis in order[: 1 if cover.is_volume else self.told_axes]
        ]
        full = [*tokens, Token(",  " + ",  ".join(said))]
        fits = self.formula_bar.width(full) <= _LAW_ROOM
        return full if fits else [*tokens, Token(f",  {said[0]}")]

    def values(self) -> dict[str, object]:
        assert self.board is not None
        cover = self.board.cover
        count = len(cover.letters)
        sizes, outs = (" × ".join(map(str, sides[-count:])) for sides in (cover.sizes, cover.counts))
        axis = 0 if cover.is_volume else -1
        return {
            "plane": sizes,
            "out": outs,
            "length": cover.sizes[axis],
            "count": cover.counts[axis],
            **self._window(self._chosen),
        }

    def formula_tokens(self, step: Step, most: int = MOST_TERMS) -> list[Token]:
        """The terms of a small window are all shown; a name that the law does not know is left out."""
        tokens = super().formula_tokens(step.shortened(most), most)
        if step.tensor in self.trace.outputs:
            return tokens
        return without_unknown_name(tokens, self.trace.symbol(step.tensor), self.law())

    def figure(self) -> Step | None:
        return None if self.board is None else self.step("output", self._chosen)

    def pointing_at(self, step: Step) -> Pointer | None:
        """The window and its lines stand already."""
        target = Places(self.mobjects)[(step.tensor, step.index)]
        return None if target is None else Pointer(self.look, target, {})

    def selects(self, tensor: str, index: Index) -> Iterable[Element]:
        """A result's window is said by the rulers: where it starts and ends."""
        if self.board is None or tensor not in self.trace.outputs:
            return
        letters = self.board.cover.letters
        for axis, letter in enumerate(letters):
            at = index[len(index) - len(letters) + axis]
            for name in (f"start_{letter}", f"end_{letter}"):
                if name in self.trace.tensors:
                    lead = len(self.trace.shape(name)) - 1
                    yield name, (*self.board.cover.lead, at)[-lead - 1 :]

    @cached_property
    def _chosen(self) -> Position:
        """Of the elements that tell most, one that is neither the first nor the last."""
        assert self.board is not None
        cells = self.board.positions()[:_MOST_TRIED]
        return max(cells, key=lambda cell: (self.merit(cell), cell not in (cells[0], cells[-1])))

    def step(self, name: str, position: Position) -> Step:
        """The step of a result at a position of the output."""
        assert self.board is not None
        return self.trace.step(name, self.board.index(position))

    def point(self, position: Position) -> Iterable[Animation]:
        """Everything that marks an output element takes the place of what marked the last one."""
        assert self.board is not None
        board = self.board
        self.remove(self.marks)
        self.marks = board.marks(position)
        if board.outputs["output"].grids[position[:-2]].numbers.get((position[-2], position[-1])):
            self.marks.add(*board.crown(position))
        return [*board.show(board.ruled(position)), Appear(self.marks)]

    def _point_index(self, position: Position) -> Iterable[Animation]:
        assert self.board is not None
        self.remove(self.marks)
        self.marks = self.board.place_marks(position)
        return [Appear(self.marks)]

    def _in_full(self, position: Position) -> Iterator[Beat]:
        """One output: its window, the value, and where it stood."""
        assert self.board is not None
        step = self.step("output", position)
        values: dict[str, object] = {"value": self.text("output", step.value)}
        yield Beat(
            "window",
            partial(self._write, position),
            0.4,
            0.8,
            step,
            values,
            look=partial(self.point, position),
        )
        if "indices" in self.board.outputs:
            found = self.step("indices", position)
            place: dict[str, object] = {"index": self.text("indices", found.value)}
            noted = partial(self.board.write, "indices", position)
            yield Beat("index", noted, 0.4, 0.8, found, place, look=partial(self._point_index, position))

    def _window(self, position: Position) -> dict[str, object]:
        """The window of an output, for captions."""
        assert self.board is not None
        window = self.board.cover.window(position)
        names = ("cols", "rows", "depths")[: len(window)]
        said: dict[str, object] = {
            name: f"[{start}, {end})" for name, (start, end) in zip(names, reversed(window), strict=True)
        }
        return {**said, "cells": math.prod(end - start for start, end in window)}

    def _write(self, position: Position) -> Iterable[Animation]:
        assert self.board is not None
        crown = self.board.crown(position)
        self.marks.add(*crown)
        return [*self.board.write("output", position), *map(Appear, crown)]

    def _swept(self, name: str, positions: Sequence[Position]) -> Iterator[Beat]:
        """The remaining outputs in torch's order, as cuts; several at a time if there are many."""
        sweep = runs(positions, _MOST_RUNS)
        seconds = _STEP_TIME if len(sweep) <= _MANY else _QUICK
        for run in sweep:
            yield Beat(
                name, partial(self._write_all, run), seconds, look=partial(self.point, run[-1]), sweep=True,
                formula=self.step("output", run[-1]),
            )  # fmt: skip

    def _write_all(self, run: Sequence[Position]) -> Iterable[Animation]:
        assert self.board is not None
        others = [name for name in self.board.outputs if name != "output"]
        early = [move for at in run[:-1] for move in self.board.write("output", at)]
        late = [move for at in run for name in others for move in self.board.write(name, at)]
        return [*early, *late, *self._write(run[-1])]

    def _note(self) -> list[Mobject]:
        """What a large call needs to be said: how much is drawn, and colours for numbers."""
        assert self.board is not None
        board, cover = self.board, self.board.cover
        cells = {
            "input": (board.input.shape, cover.sizes),
            "output": (board.outputs["output"].shape, cover.counts),
        }
        said = excerpt(self, self.trace.shape("input")[: len(cover.lead)], cells, heat=not board.has_numbers)
        return [board.note(said)] if said else []
