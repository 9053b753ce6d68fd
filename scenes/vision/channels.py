"""ChannelShuffle: channels are written as groups below each other, and read column by column."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import Any

from manim import Animation

from torchreel.scenes.parts.places import Element, Places, around
from torchreel.scenes.parts.pointer import Pointer
from torchreel.scenes.stage.beats import Beat, runs
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.trace.formula import Index, Token
from torchreel.scenes.trace.proof import Step
from torchreel.scenes.vision import operators
from torchreel.scenes.vision.channel_board import ChannelBoard
from torchreel.scenes.vision.trace import ChannelGroups

_SWEEP = 4


class ChannelShuffle(OperatorScene):
    """The first column slowly, then the second, then the rest."""

    operator = operators.ChannelShuffle

    def story(self) -> Iterator[Beat]:
        self.board = board = ChannelBoard(self.look, self.trace, self.groups)
        self.add(board.scenery())
        if board.is_cropped:
            self.add(board.note(self.words("cropped", None, **self.values())))
        first, *others = board.columns
        yield Beat("start")
        yield Beat("rows")
        for number, channel in enumerate(first):
            step = self._step(channel)
            hold = 0.4 if number else 1.0
            yield Beat(
                "column", partial(board.write, channel), 0.3, hold, step, look=partial(self.point_at, step)
            )
        for columns in runs(others, _SWEEP):
            channels = [channel for column in columns for channel in column]
            yield Beat("next", partial(self._write, channels), 0.4, 1.0, self.law())
        yield Beat("done", self._clear, 0.1)

    @property
    def groups(self) -> ChannelGroups:
        """How the channels are written."""
        module: Any = self.trace.module
        return ChannelGroups.of(module.groups, self.trace.shape("input"))

    def figure(self) -> Step:
        """A channel of the second column that is not of the first group."""
        column = self.board.columns[min(1, len(self.board.columns) - 1)]
        return self._step(column[-1])

    def values(self) -> dict[str, object]:
        return {
            "channels": self.trace.shape("input")[1],
            "groups": self.groups.groups,
            "size": self.groups.size,
            "shape": self.trace.shape("input"),
        }

    def law(self) -> list[Token]:
        """`output` channel `2j + i` is `input` channel `3i + j`."""
        g, n = self.groups.groups, self.groups.size
        return [
            Token(f"output_{{{_times(g, 'j')} + i}} = input_{{{_times(n, 'i')} + j}}"),
            Token(f"     i = 0 … {g - 1},  j = 0 … {n - 1}"),
        ]

    def formula_tokens(self, step: Step, most: int = 4) -> list[Token]:
        """`i = 1, j = 0:  y_{1} = x_{3} = (7, 8)`: a channel as a whole, the first of many numbers."""
        [source] = step.formula.refs()
        row, column = divmod(source.element[1], self.groups.size)
        heads = [self._head("output", step.index), Token(" = "), self._head("input", source.element)]
        return [Token(f"i = {row}, j = {column}:  "), *heads, Token(" = "), *self._told(step, most)]

    def _told(self, step: Step, most: int) -> Iterator[Token]:
        """The numbers of the channel that a step is of, in brackets if there is more than one."""
        grid = self.board.plane("output", step.index[1])
        cells = list(grid.positions())
        yield Token("(" if len(cells) > 1 else "")
        for number, cell in enumerate(cells[:most]):
            value = grid.value(cell)
            yield Token(", " if number else "")
            yield Token(self.text("output", value), "output", grid.index(cell), value)
        whole = len(cells) == math.prod(self.trace.shape("output")[2:])
        yield Token(("" if whole and len(cells) <= most else ", …") + (")" if len(cells) > 1 else ""))

    def pointing_at(self, step: Step) -> Pointer | None:
        """Frames round a whole channel and the one it is, with lines where no other group stands between."""
        [source] = step.formula.refs()
        places, labels = Places(self.staged), self._standing_texts()
        target, read = (
            around(next(iter(places.of(self._elements(*one)).values())))
            for one in (("output", step.index[1]), ("input", source.element[1]))
        )
        is_last = source.element[1] // self.groups.size == self.board.shown[0] - 1
        return Pointer(self.look, target, {"input": [read]}, "input" if is_last else "", labels, down=True)

    def _elements(self, tensor: str, channel: int) -> list[Element]:
        grid = self.board.plane(tensor, channel)
        return [(tensor, grid.index(cell)) for cell in grid.positions()]

    def _head(self, tensor: str, index: Index) -> Token:
        return Token(f"{self.trace.symbol(tensor)}_{{{index[1]}}}", tensor)

    def _step(self, channel: int) -> Step:
        return self.trace.step("output", self.board.first_cell(channel))

    def _write(self, channels: list[int]) -> Iterator[Animation]:
        yield from self.leave()
        for channel in channels:
            yield from self.board.write(channel)

    def _clear(self) -> list[Animation]:
        return self.leave()


def _times(count: int, letter: str) -> str:
    return letter if count == 1 else f"{count}{letter}"
