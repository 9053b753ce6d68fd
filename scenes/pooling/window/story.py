"""How a pooling clip goes: one window slowly, the next ones with their numbers, the rest cut from place to place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property, partial
from typing import Any

from manim import Animation, VGroup

from torchreel.scenes.parts.places import Places
from torchreel.scenes.parts.pointer import Pointer
from torchreel.scenes.parts.sheet import Position
from torchreel.scenes.pooling.window.board import PoolingBoard, appear
from torchreel.scenes.pooling.window.trace import pool_window
from torchreel.scenes.pooling.window.words import setting, without_unknown_name
from torchreel.scenes.stage.beats import Beat, runs
from torchreel.scenes.stage.excerpt import excerpt
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.trace.formula import Token
from torchreel.scenes.trace.proof import Step

_MOST_STEPS, _MOST_TRIED = 12, 64
_STEP_TIME, _MANY = 0.5, 8
MOST_TERMS = 9


class PoolingScene(OperatorScene):
    """A window becomes one value; a subclass says how, on its `board`."""

    board: PoolingBoard | None = None
    slow = 2
    """How many further windows show their numbers."""

    def set_up(self) -> PoolingBoard:
        """The board of the clip."""
        raise NotImplementedError

    def in_full(self, position: Position) -> Iterator[Beat]:
        """How the first window becomes its result, step by step."""
        raise NotImplementedError

    def merit(self, position: Position, at_end: bool) -> tuple[Any, ...]:
        """How well an element stands for all others in the last picture; the first and the last do least."""
        assert self.board is not None
        return not at_end, self.board.meets(position)

    def story(self) -> Iterator[Beat]:
        board = self.board = self.set_up()
        self.marks = VGroup()
        self.add(board.scenery(), *self._note())
        yield Beat("start", hold=0.4)
        first, *rest = board.positions()
        yield from self.in_full(first)
        for position in rest[: self.slow]:
            yield Beat(
                "next",
                partial(self.write, position),
                0.3,
                0.5,
                self.step("output", position),
                look=partial(self.point, position),
            )
        yield from self._swept(rest[self.slow :])
        chosen = self._chosen
        yield Beat(
            "done",
            partial(self._sign, chosen, "output"),
            0.2,
            look=partial(self.point, chosen),
            focus=self.figure(),
            values=self.result(chosen),
        )

    def values(self) -> dict[str, object]:
        window, shape = pool_window(self.trace.module), self.trace.shape("input")
        ndim = len(window.kernel)
        plane = shape[-ndim:]
        spans = [d * (k - 1) + 1 for k, d in zip(window.kernel, window.dilation, strict=True)]
        sizes = zip(plane, window.padding, spans, window.stride, strict=True)
        count = 1
        for side in window.kernel:
            count *= side
        return {
            "name": self.operator.name,
            "kernel": times(window.kernel),
            "cells": count,
            "deep": window.kernel[0],
            "stride": setting(window.stride),
            "padding": setting(window.padding),
            "dilation": setting(window.dilation),
            "span": times(spans),
            "plane": times(plane),
            "out": times(self.trace.shape("output")[-ndim:]),
            "floor": times([max(0, (n + 2 * p - span) // s + 1) for n, p, span, s in sizes]),
            "width": plane[-1],
            "height": plane[-2] if ndim > 1 else 1,
        }

    def result(self, position: Position, name: str = "output") -> dict[str, object]:
        """The result at a position, for captions."""
        return {"value": self.text(name, self.step(name, position).value)}

    def formula_tokens(self, step: Step, most: int = MOST_TERMS) -> list[Token]:
        """The terms of a small window are all shown; a sum has no name, as on the stage."""
        tokens = super().formula_tokens(step.shortened(most), most)
        if self.board is None or step.tensor in (*self.board.results, *self.trace.outputs):
            return tokens
        return without_unknown_name(tokens, self.trace.symbol(step.tensor), self.law())

    def figure(self) -> Step | None:
        return None if self.board is None else self.step("output", self._chosen)

    def pointing_at(self, step: Step) -> Pointer | None:
        """The window and its lines stand already."""
        target = Places(self.mobjects)[(step.tensor, step.index)]
        return None if target is None else Pointer(self.look, target, {})

    @cached_property
    def _chosen(self) -> Position:
        """Of the elements that tell most, one that is not at an end."""
        assert self.board is not None
        cells = self.board.positions()[:_MOST_TRIED]
        return max(cells, key=lambda cell: self.merit(cell, cell in (cells[0], cells[-1])))

    def step(self, name: str, position: Position) -> Step:
        """The step of a result at a position of the output."""
        assert self.board is not None
        return self.trace.step(name, self.board.index(position))

    def point(self, position: Position, name: str = "output") -> Iterable[Animation]:
        """Everything that marks an output element takes the place of what marked the last one."""
        assert self.board is not None
        self.remove(self.marks)
        self.marks = self.board.marks(position, name)
        return [*self.board.tint(position), *appear(self.marks)]

    def write(self, position: Position) -> Iterable[Animation]:
        """All results of a window are born, and what leads to the first is named."""
        assert self.board is not None
        moves = [move for name in self.board.results for move in self.board.write(name, position)]
        return [*moves, *self._sign(position, "output")]

    def _sign(self, position: Position, name: str) -> Iterable[Animation]:
        assert self.board is not None
        sign = self.board.sign(position, name)
        shown = appear(sign)
        self.marks.add(*sign)
        return shown

    def _swept(self, positions: Sequence[Position]) -> Iterator[Beat]:
        """The remaining outputs in torch's order, as cuts; several at a time if there are many."""
        sweep = runs(positions, _MOST_STEPS)
        seconds = _STEP_TIME if len(sweep) <= _MANY else 0.3
        for run in sweep:
            yield Beat(
                "next",
                partial(self._write_all, run),
                seconds,
                look=partial(self._point_all, run),
                sweep=True,
                formula=self.step("output", run[-1]),
            )

    def _point_all(self, run: Sequence[Position]) -> Iterable[Animation]:
        assert self.board is not None
        return [*(move for at in run[:-1] for move in self.board.tint(at)), *self.point(run[-1])]

    def _write_all(self, run: Sequence[Position]) -> Iterable[Animation]:
        assert self.board is not None
        early = [
            move for at in run[:-1] for name in self.board.results for move in self.board.write(name, at)
        ]
        return [*early, *self.write(run[-1])]

    def _note(self) -> list[Any]:
        """What a large call needs to be said: how much is drawn, and colours for numbers."""
        assert self.board is not None
        size = self.board.size
        cells = {
            "input": (self.board.input.shape, size.plane),
            "output": (self.board.outputs["output"].shape, size.out),
        }
        said = excerpt(self, self.trace.shape("input")[: -size.dims], cells, heat=not self.board.has_numbers)
        return [self.board.note(said)] if said else []


def times(sizes: Iterable[int]) -> str:
    """Sizes as a reader writes them, `2 × 3`."""
    return " × ".join(map(str, sizes))
