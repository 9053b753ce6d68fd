"""Linear and Bilinear: every output is a sum of products of inputs with weights of its own."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from manim import Animation, Mobject

from torchreel.scenes.linear import operators
from torchreel.scenes.linear.board import BilinearBoard, DenseBoard, LinearBoard
from torchreel.scenes.parts.grid import Grid
from torchreel.scenes.parts.motion import Appear, Fly, Morph, Vanish
from torchreel.scenes.parts.shapes import Shape
from torchreel.scenes.stage.beats import Beat, runs
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Step

_SWEEPS = 8
_FRAME = 4.0


class _Dense(OperatorScene):
    """What both scenes share: frames that move, and the words of what is left out."""

    board: DenseBoard

    def setup(self) -> None:
        super().setup()
        self.frames: dict[str, Shape] = {}
        self.current: list[Mobject] = []

    def values(self) -> dict[str, Any]:
        weight = self.trace.shape("weight")
        return {
            "out": weight[0],
            "terms": math.prod(weight[1:]),
            "samples": math.prod(self.trace.shape("output")[:-1]),
        }

    def note(self, samples: bool, features: bool, numbers: bool) -> str:
        """What the grids leave out, if anything."""
        needed = {"some_samples": samples, "some_features": features, "heat_map": not numbers}
        return " · ".join(self.words(key, **self.values()) for key, needs in needed.items() if needs)

    def proved(self, tensor: str, index: Index) -> Step | None:
        """The step of an element; None where the tensor is too large to be kept."""
        kept = any(rule.tensor == tensor for rule in self.trace.rules)
        return self.trace.step(tensor, index) if kept else None

    def point(self, name: str, path: np.ndarray) -> list[Animation]:
        """A frame moves to a path, or appears there."""
        frame = self.frames.get(name)
        if frame is not None and frame in self.mobjects:
            return [Morph(frame, path)]
        self.frames[name] = self.board.frame(path, _FRAME)
        return [Appear(self.frames[name])]

    def forget(self, products: Grid) -> None:
        """What belongs to the last output leaves at once: its products, their sum, the frames of what it read last."""
        self.remove(*self.current, *products.numbers.values())
        self.remove(*(self.frames[name] for name in ("bias", "output") if name in self.frames))
        self.current = []

    def clear_frames(self) -> list[Animation]:
        """All frames leave."""
        return [Vanish(frame) for frame in self.frames.values()]


class Linear(_Dense):
    """A row of weights slides under the input; the products are added up, bias joins, the sum is one output."""

    operator = operators.Linear
    board: LinearBoard

    def story(self) -> Iterator[Beat]:
        board = self.board = LinearBoard(self.look, self.trace, self.note)
        self.add(board.scenery)
        yield Beat("start", run_time=0.1, hold=1.5)
        cells = [(row, out) for row in range(board.rows) for out in range(board.outs)]
        yield from self._in_full(cells[0], 1.0)
        for cell in cells[1:2]:
            yield from self._in_full(cell, 0.5)
        for run in runs(cells[2:], _SWEEPS):
            step = self.trace.step("output", self._index(run[-1]))
            yield Beat("sweep_rows" if board.rows > 1 else "sweep", partial(self._sweep, run), 0.5, 0.0, step)
        yield Beat("done", self.clear_frames, 0.4)

    def _index(self, cell: tuple[int, int]) -> tuple[int, ...]:
        return (*self.board.sample(cell[0]), cell[1])

    def _in_full(self, cell: tuple[int, int], pace: float) -> Iterator[Beat]:
        index, out = self._index(cell), {"row": cell[1]}
        long, short = round(1.2 * pace, 1), round(0.8 * pace, 1)
        values: dict[str, object] = {**out}
        product = self.proved("product", (*index, 0)) if self.board.features else None
        yield Beat("row", partial(self._rows, cell), 0.5, short, values=values)
        yield Beat("products", partial(self._products, cell), 0.6, short, product, values)
        yield Beat("sum", partial(self._sum, cell), 0.5, short, self.trace.step("sum", index), values)
        key = "bias" if "bias" in self.trace.tensors else "no_bias"
        yield Beat(key, partial(self._output, cell), 0.6, long, self.trace.step("output", index), values)

    def _rows(self, cell: tuple[int, int]) -> list[Animation]:
        """The frames go to the input's row and the weights' row; what was there of the last output goes."""
        row, out = cell
        self.forget(self.board.grids["product"])
        paths = {"input": self.board.row("input", row), "weight": self.board.row("weight", out)}
        return [move for name, path in paths.items() for move in self.point(name, path)]

    def _products(self, cell: tuple[int, int]) -> list[Animation]:
        grid = self.board.products(*cell)
        self.current = [grid]
        self.add(grid)
        return self.board.flights(*cell)

    def _sum(self, cell: tuple[int, int]) -> list[Animation]:
        box = self.board.sum_at(*cell)
        self.current.append(box)
        return [Fly(box, start=self.board.grids["product"].middle)]

    def _output(self, cell: tuple[int, int]) -> list[Animation]:
        board, (row, out) = self.board, cell
        moves = self.point("output", board.cell("output", (row, out)))
        if "bias" in board.grids:
            moves += self.point("bias", board.cell("bias", (0, out)))
        return [*moves, *board.write_output(row, out, fly=True)]

    def _sweep(self, run: Sequence[tuple[int, int]]) -> list[Animation]:
        """Some outputs at once: the last of them with its rows, its products and its sum."""
        row, out = run[-1]
        moves = self._rows(run[-1])
        grid = self.board.products(row, out)
        self.current = [grid, self.board.sum_at(row, out)]
        self.add(*self.current)
        written = [move for cell in run for move in self.board.write_output(*cell, fly=False)]
        shown = [move for k in range(self.board.features) for move in grid.write((0, k))]
        return [*moves, *self.point("output", self.board.cell("output", (row, out))), *shown, *written]


class Bilinear(_Dense):
    """The outer product of both inputs once; then for every output its weights, their products, the sum and bias."""

    operator = operators.Bilinear
    board: BilinearBoard

    def story(self) -> Iterator[Beat]:
        board = self.board = BilinearBoard(self.look, self.trace, self.note)
        self.add(board.scenery)
        yield Beat("start", run_time=0.1, hold=1.2)
        zeros = (0,) * len(self.trace.shape("outer"))
        yield Beat("outer", lambda: board.write_all("outer"), 0.6, 1.2, self.proved("outer", zeros))
        for out in range(board.outs):
            yield from self._output(out, 1.0 if out == 0 else 0.5)
        yield Beat("done", self.clear_frames, 0.4)

    def _output(self, out: int, pace: float) -> Iterator[Beat]:
        index, values = (*self.board.sample(0), out), {"k": out}
        hold = round(0.9 * pace, 1)
        named: dict[str, object] = {**values}
        yield Beat("weights", partial(self._weights, out), 0.4, hold, values=named)
        product = self.proved("product", (*index, 0, 0))
        yield Beat("products", partial(self._products, out), 0.6, hold, product, named)
        yield Beat("sum", partial(self._sum, out), 0.5, hold, self.trace.step("sum", index), named)
        key = "bias" if "bias" in self.trace.tensors else "no_bias"
        yield Beat(key, partial(self._result, out), 0.6, hold, self.trace.step("output", index), named)

    def _weights(self, out: int) -> list[Animation]:
        """The weights of the next output take the place of the last one's."""
        self.forget(self.board.grids["product"])
        self.current = [self.board.weights(out)]
        return [Appear(self.current[0]), *self.point("weight", self._around("weight"))]

    def _products(self, out: int) -> list[Animation]:
        grid = self.board.products(out)
        self.current.append(grid)
        self.add(grid)
        return self.board.write_all("product", "weight")

    def _sum(self, out: int) -> list[Animation]:
        box = self.board.sum_at(out)
        self.current.append(box)
        return [Fly(box, start=self.board.grids["product"].middle)]

    def _result(self, out: int) -> list[Animation]:
        board = self.board
        moves = self.point("output", board.cell("output", (out, 0)))
        if "bias" in board.grids:
            moves += self.point("bias", board.cell("bias", (out, 0)))
        return [*moves, *board.write_output(out, fly=True)]

    def _around(self, name: str) -> np.ndarray:
        grid = self.board.grids[name]
        return grid.outline((0, 0), (grid.cells.rows - 1, grid.cells.cols - 1), 0.03)
