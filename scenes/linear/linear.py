"""Linear and Bilinear: every output is a sum of products of inputs with weights of its own."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from manim import Animation, Mobject, VGroup

from torchreel.scenes.linear import operators
from torchreel.scenes.linear.board import BilinearBoard, DenseBoard, LinearBoard
from torchreel.scenes.parts.pointer import Pointer
from torchreel.scenes.stage.beats import Beat, runs
from torchreel.scenes.stage.left_out import left_out
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.trace.formula import Index, Token
from torchreel.scenes.trace.proof import Step

_SWEEPS = 8


class _Dense(OperatorScene):
    """What both scenes share: a pointer to what is computed, and the words of what is left out."""

    board: DenseBoard

    def setup(self) -> None:
        super().setup()
        self.shown: Mobject = VGroup()

    def values(self) -> dict[str, Any]:
        weight = self.trace.shape("weight")
        return {
            "out": weight[0],
            "terms": math.prod(weight[1:]),
            "samples": math.prod(self.trace.shape("output")[:-1]),
        }

    def leave(self) -> list[Animation]:
        self.board.settle()
        return super().leave()

    def note(self) -> str:
        """What the grids leave out, if anything."""
        board = self.board
        more = [self.words("cropped")] if board.cuts_sums else []
        more += [] if board.has_numbers else [self.words("heat_map")]
        return left_out(self, board.counts(), more)


class Linear(_Dense):
    """One output from its row of weights, then the next, then the others."""

    operator = operators.Linear
    board: LinearBoard

    def story(self) -> Iterator[Beat]:
        board = self.board = LinearBoard(self.look, self.trace)
        board.say(self.note())
        self.add(board.scenery)
        yield Beat("start")
        cells = [(row, out) for row in range(board.rows) for out in range(board.outs)]
        for number, cell in enumerate(cells[:2]):
            step = self._step(cell)
            yield Beat(
                "next" if number else "first",
                partial(self._write, [cell]),
                0.4,
                1.2,
                step,
                look=partial(self.point_at, step),
            )
        for run in runs(cells[2:], _SWEEPS):
            step = self._step(run[-1])
            yield Beat(
                "next",
                partial(self._write, run),
                0.6,
                look=partial(self.point_at, step),
                sweep=True,
                focus=step,
            )
        yield Beat("done", self.leave, 0.1)

    def pointing_at(self, step: Step) -> Pointer | None:
        """Each weight stands on the element of the input that it is multiplied with."""
        pointer, board = super().pointing_at(step), self.board
        row = next(n for n in range(board.rows) if board.sample(n) == step.index[:-1])
        pairs = [((row if board.rows > 1 else 0, k), (step.index[-1], k)) for k in range(board.features)]
        tags = board.factors("input", "weight", pairs)
        return pointer and pointer.add(*tags)

    def main_source(self, step: Step) -> str:
        """Of several samples the one that stands in line with its outputs, else the row of weights that does."""
        return "input" if self.board.rows > 1 else "weight"

    def figure(self) -> Step | None:
        """The second output, if there is one: the first is what a reader tries by himself."""
        return self._step((0, min(1, self.board.outs - 1)))

    def law(self) -> Sequence[Token]:
        bias = " + bias" if "bias" in self.trace.tensors else ""
        return [Token(f"output_{{j}} = Σ_{{k}} weight_{{j,k}}·input_{{k}}{bias}" + ("_{j}" if bias else ""))]

    def _step(self, cell: tuple[int, int]) -> Step:
        return self.trace.step("output", (*self.board.sample(cell[0]), cell[1]))

    def _write(self, run: Sequence[tuple[int, int]]) -> list[Animation]:
        grid = self.board.grids["output"]
        return [move for cell in run for move in grid.write(self.board.cell(*cell))]


class Bilinear(_Dense):
    """The products of all pairs once; then for every output its weights, and what they make of the pairs."""

    operator = operators.Bilinear
    board: BilinearBoard

    def story(self) -> Iterator[Beat]:
        board = self.board = BilinearBoard(self.look, self.trace)
        board.say(self.note())
        self.shown = board.weights(0)
        self.add(board.scenery, self.shown)
        yield Beat("start")
        yield from self._pairs()
        for out in range(board.outs):
            step = self._step(out)
            yield Beat(
                "next" if out else "weights",
                partial(self._write, out),
                0.4,
                1.0,
                step,
                look=partial(self._weights, out, step),
            )
        yield Beat("done", self.leave, 0.1)

    def law(self) -> Sequence[Token]:
        bias = " + bias_{k}" if "bias" in self.trace.tensors else ""
        pairs = "outer_{i,j} = input1_{i}·input2_{j}"
        return [Token(f"output_{{k}} = Σ_{{i,j}} outer_{{i,j}}·weight_{{k,i,j}}{bias},   {pairs}")]

    def figure(self) -> Step | None:
        """The output whose weights are on the stage last."""
        return self._step(self.board.outs - 1)

    def main_source(self, step: Step) -> str:
        return "input1" if step.tensor == "outer" else "bias"

    def pointing_at(self, step: Step) -> Pointer | None:
        """Each weight stands on the pair that it is multiplied with."""
        pointer, board = super().pointing_at(step), self.board
        board.settle()
        if pointer is None or step.tensor == "outer":
            return pointer
        out, cells = step.index[-1], list(board.grids["outer"].positions())
        tags = board.factors("outer", "weight", [(cell, (out, *cell)) for cell in cells])
        return pointer.add(*tags, board.joint(out))

    def _pairs(self) -> Iterator[Beat]:
        board = self.board
        cells = list(board.grids["outer"].positions())
        first = cells[min(1, len(cells) - 1)]
        kept = any(rule.tensor == "outer" for rule in self.trace.rules)
        step = self.trace.step("outer", (*board.sample(0), *first)) if kept else None
        look = partial(self.point_at, step) if step else None
        yield Beat("pair", partial(self._write_pairs, [first]), 0.4, 0.6, step, look=look)
        rest = [cell for cell in cells if cell != first]
        yield Beat("pairs", partial(self._write_pairs, rest), 0.4, 0.6, look=self.leave)

    def _step(self, out: int) -> Step:
        return self.trace.step("output", self._index(out))

    def _index(self, out: int) -> Index:
        return (*self.board.sample(0), out)

    def _write_pairs(self, cells: Sequence[tuple[int, int]]) -> list[Animation]:
        grid = self.board.grids["outer"]
        return [move for cell in cells for move in grid.write(cell)]

    def _weights(self, out: int, step: Step) -> list[Animation]:
        """The weights of the next output take the place of the last one's."""
        self.remove(self.shown)
        self.shown = self.board.weights(out)
        self.add(self.shown)
        return self.point_at(step)

    def _write(self, out: int) -> list[Animation]:
        return self.board.grids["output"].write((out, 0))
