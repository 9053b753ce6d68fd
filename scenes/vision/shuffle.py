"""PixelShuffle and PixelUnshuffle: channels become places of a block, and blocks become channels again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import ClassVar

from manim import Animation

from torchreel.scenes.parts.grid import Cell
from torchreel.scenes.stage.beats import Beat, runs
from torchreel.scenes.stage.left_out import left_out
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.trace.formula import Index, Token
from torchreel.scenes.trace.proof import Step
from torchreel.scenes.vision import operators
from torchreel.scenes.vision.board import ShuffleBoard
from torchreel.scenes.vision.trace import PixelBlocks

_SLOW, _SWEEP = 4, 6


class ShuffleScene(OperatorScene):
    """The pixels of one place go to their block (or back), one channel after the other; then all other places."""

    factor: ClassVar[str]
    coarse: ClassVar[str]

    def story(self) -> Iterator[Beat]:
        name = partial(self.words, "channel")
        self.board = board = ShuffleBoard(
            self.look, self.trace, self.blocks, self.coarse, lambda k: name(number=k)
        )
        self.add(board.scenery())
        if note := left_out(self, board.counts()):
            self.add(board.note(note))
        first, *others = board.pixels
        yield Beat("start")
        yield Beat("pixel", look=partial(board.open, 0, first))
        yield from self._slowly(first)
        for pixels in runs(others, _SWEEP):
            yield Beat(
                "next", partial(self._write, 0, pixels), 0.4, 2.4 / min(len(others), _SWEEP), self.law()
            )
        for group in board.groups[1:]:
            yield Beat("group", partial(self._write, group, board.pixels), 0.4, 2.4)
        yield Beat("done", self._clear, 0.1)

    def figure(self) -> Step:
        """One element that is not the first, and to which a line can be followed."""
        return self._step(0, *self._shown)

    def main_source(self, step: Step) -> str:
        """The board's own line leads round the channels."""
        return ""

    @property
    def _shown(self) -> tuple[Cell, Cell]:
        board = self.board
        return [
            (pixel, place) for pixel in board.pixels for place in board.places if board.meets(pixel, place)
        ][-1]

    @property
    def blocks(self) -> PixelBlocks:
        """Which element is which."""
        return PixelBlocks(getattr(self.trace.module, self.factor))

    def values(self) -> dict[str, object]:
        fine = self.trace.shape("output" if self.coarse == "input" else "input")[-3:]
        coarse, r = self.trace.shape(self.coarse)[-3:], self.blocks.factor
        return {
            "coarse": coarse[0],
            "plane": f"{coarse[1]} × {coarse[2]}",
            "fine": fine[0],
            "large": f"{fine[1]} × {fine[2]}",
            "factor": r,
            "taps": r**2,
            "block": f"{r} × {r}",
        }

    def law(self) -> list[Token]:
        """`output` at `c, 2i + a, 2j + b` is `input` at `4c + 2a + b, i, j`, or the other way round."""
        r = self.blocks.factor
        coarse = f"_{{{_times(r**2, 'c')} + {_times(r, 'a')} + b, i, j}}"
        fine = f"_{{c, {_times(r, 'i')} + a, {_times(r, 'j')} + b}}"
        output, source = (fine, coarse) if self.coarse == "input" else (coarse, fine)
        places = f"a, b = 0 … {r - 1}" if r > 1 else "a = b = 0"
        return [Token(f"output{output} = input{source}     {places}")]

    def formula_tokens(self, step: Step, most: int = 4) -> list[Token]:
        """`a = 1, b = 0:  y_{0,1,2} = x_{2,0,1} = 7`, without leading indices of size 1."""
        [source] = step.formula.refs()
        fine = step.index if self.coarse == "input" else source.element
        a, b = (at % self.blocks.factor for at in fine[-2:])
        value = Token(self.text("output", step.value), "output", step.index, step.value)
        heads = [self._head("output", step.index), Token(" = "), self._head("input", source.element)]
        return [Token(f"a = {a}, b = {b}:  "), *heads, Token(" = "), value]

    def _head(self, tensor: str, index: Index) -> Token:
        one = all(size == 1 for size in self.trace.shape(tensor)[:-3])
        place = ",".join(map(str, index[-3:] if one else index))
        return Token(f"{self.trace.symbol(tensor)}_{{{place}}}", tensor)

    def _slowly(self, pixel: Cell) -> Iterator[Beat]:
        board = self.board
        for number, place in enumerate(board.places[:_SLOW]):
            hold, step = (1.0, 0.7, 0.4, 0.4)[number], self._step(0, pixel, place)
            write, point = partial(board.write, 0, pixel, place), partial(board.point, 0, pixel, place)
            yield Beat("place", write, 0.3, hold, step, look=point)
        if rest := board.places[_SLOW:]:
            yield Beat("place", partial(self._rest, pixel, rest), 0.4, 0.6, ())

    def _rest(self, pixel: Cell, places: list[Cell]) -> Iterable[Animation]:
        return [
            *self.board.leave(),
            *(move for place in places for move in self.board.write(0, pixel, place)),
        ]

    def _write(self, group: int, pixels: Sequence[Cell]) -> Iterable[Animation]:
        board = self.board
        yield from board.leave() if board.focus in self.mobjects else ()
        yield from board.open(group, pixels[-1])
        for pixel in pixels:
            for place in board.places:
                yield from board.write(group, pixel, place)

    def _clear(self) -> list[Animation]:
        """What is left is the line to the element that the last picture explains."""
        self.remove(self.board.focus, self.board.block)
        self.board.point(0, *self._shown)
        self.add(self.board.wire)
        return []

    def _step(self, group: int, pixel: Cell, place: Cell) -> Step:
        return self.trace.step("output", self.board.output(group, pixel, place))


def _times(count: int, letter: str) -> str:
    return letter if count == 1 else f"{count}{letter}"


class PixelShuffle(ShuffleScene):
    operator = operators.PixelShuffle
    factor, coarse = "upscale_factor", "input"


class PixelUnshuffle(ShuffleScene):
    operator = operators.PixelUnshuffle
    factor, coarse = "downscale_factor", "output"
