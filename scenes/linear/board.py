"""The boards of Linear and Bilinear: what is multiplied stands in line, a result in line with its weights."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from manim import UP, VGroup

from torchreel.scenes.parts.funnel import SIGN, Funnel
from torchreel.scenes.parts.grid import Cell, Grid
from torchreel.scenes.parts.layout import STAGE, Mosaic, Placed, Room, fill, in_row
from torchreel.scenes.parts.look import MIN_NUMBER, NAME_TEXT, Look
from torchreel.scenes.parts.mathtext import MathText
from torchreel.scenes.parts.number import Number
from torchreel.scenes.parts.shapes import Box
from torchreel.scenes.parts.text import Text, measure
from torchreel.scenes.stage.board import Board
from torchreel.scenes.stage.left_out import Size
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

_FOOT, _UNDER = 0.3, 0.24
_ENDS = (0.5, 0.9)
_TAG, _EDGE = 0.25, 0.045
_RISE = (_TAG + _EDGE) / 2


class DenseBoard(Board):
    """What both boards share: grids by tensor in a mosaic, signs between them, what is left out.

    `most` are the numbers of outputs and of features that are drawn.
    """

    most: tuple[int, ...] = (5, 8)

    cuts_sums = False
    """Whether sums have more terms than are drawn."""

    def __init__(self, look: Look, trace: Trace) -> None:
        super().__init__(look, trace)
        self.lead = trace.shape("output")[:-1]
        self.samples = math.prod(self.lead)
        self.grids: dict[str, Grid] = {}
        self._raised: list[Number] = []
        self.scenery = VGroup()

    def sample(self, number: int) -> Index:
        """The leading index of a sample, counted through all leading axes."""
        return tuple(map(int, np.unravel_index(number, self.lead))) if self.lead else ()

    @property
    def has_bias(self) -> bool:
        """Whether there is a bias."""
        return "bias" in self.trace.tensors

    @property
    def has_numbers(self) -> bool:
        """Whether every grid's cells are large enough for numbers."""
        return all(grid.cells.text_size for grid in self.grids.values())

    def counts(self) -> dict[str, tuple[Size, Size]]:
        """What is drawn and what there is, by the key of the words that say so."""
        raise NotImplementedError

    def say(self, note: str) -> None:
        """What is left out, at the foot of the stage."""
        if note:
            self.scenery.add(self.note(note))

    def stand(self, name: str, tensor: str, placed: Placed, index: object, blank: bool = False) -> Grid:
        """A grid at its place, with its title."""
        grid = self.grid(tensor, (), placed.cells, placed.at[0], index=index, blank=blank)
        self.grids[name] = grid
        self.scenery.add(grid)
        return grid

    def head(self, tensor: str, placed: Placed, shape: bool = True) -> None:
        """A grid's title over it."""
        self.scenery.add(self.title(tensor, placed.head, shape=shape))

    def between(self, signs: str, left: Placed, right: Placed) -> Iterator[Text]:
        """Signs of arithmetic between two stations side by side, in line with a row of cells."""
        start, gap, rows = left.block.right, right.block.left - left.block.right, right.cells.rows
        y = right.block.middle[1] + (0.0 if rows % 2 else right.cells.height / 2)
        for number, sign in enumerate(signs, 1):
            yield self.label(sign, (start + gap * number / (len(signs) + 1), y), SIGN, font="sans")

    def settle(self) -> None:
        """Numbers that made room for factors stand in the middle of their cells again."""
        for number in self._raised:
            number.points = number.points - _RISE * UP
        self._raised = []

    def factors(self, name: str, tensor: str, pairs: Sequence[tuple[Cell, Index]]) -> VGroup:
        """On cells of a grid, what each is multiplied with, in that tensor's colours; nothing where it is too small."""
        self.settle()
        grid, group = self.grids[name], VGroup()
        texts = {index: f"×{self.text(tensor, self.trace.value(tensor, index))}" for _, index in pairs}
        widest = max(measure(text, MIN_NUMBER) for text in self._factor_texts(tensor)) + 0.1 + 2 * _EDGE
        high = (grid.cells.height - _TAG - _EDGE - 0.1) / 0.75
        if not 0 < grid.cells.text_size <= high or widest > grid.cells.width:
            return group
        theme, scale = self.look.theme, self.trace.range(tensor).scale
        for cell, index in pairs:
            value = self.trace.value(tensor, index)
            fill, wide = theme.fill(value, scale, "parameter"), measure(texts[index], MIN_NUMBER) + 0.1
            x, y, _ = grid.center(cell)
            at = x + grid.cells.width / 2 - _EDGE - wide / 2, y - grid.cells.height / 2 + _EDGE + _TAG / 2
            group.add(Box(wide, _TAG, at, 0.06, fill=fill, stroke=theme.line, stroke_width=1.0, z_index=1))
            ink, text = theme.ink(fill), texts[index]
            number = self.number(tensor, index, MIN_NUMBER, ink, text=text, value=value).place(at)
            number.z_index = 1
            group.add(number)
            self._raised.append(grid.numbers[cell])
            grid.numbers[cell].points = grid.numbers[cell].points + _RISE * UP
        return group

    def _factor_texts(self, tensor: str) -> list[str]:
        return [f"×{text}" for text in self.texts(tensor)]


class LinearBoard(DenseBoard):
    """The input over the rows of weights, feature over feature; what a row gives stands in line with it.

    Of several samples the outputs stand beside the input instead, a row for each, over the biases.
    """

    most = (5, 8, 8)

    def __init__(self, look: Look, trace: Trace) -> None:
        super().__init__(look, trace)
        outs, features = trace.shape("weight")
        self.outs, self.features, self.rows = (
            min(size, most) for size, most in zip((outs, features, self.samples), self.most, strict=True)
        )
        self.cuts_sums = self.features < features
        if self.rows > 1:
            self._build_many()
        else:
            self._build_one()

    def counts(self) -> dict[str, tuple[Size, Size]]:
        outs, features = self.trace.shape("weight")
        return {
            "cut_batch": (self.rows, self.samples),
            "cut_features": (self.features, features),
            "cut_outputs": (self.outs, outs),
        }

    def cell(self, row: int, out: int) -> Cell:
        """The cell of the output grid that shows an output."""
        return (row, out) if self.rows > 1 else (out, 0)

    def _room(self, tensor: str, rows: int, cols: int) -> Room:
        return Room(rows, cols, self.texts(tensor), name=self.shape(tensor) + " xx")

    def _build_one(self) -> None:
        sample = self.sample(0)
        parts = {
            "input": self._room("input", 1, self.features),
            "weight": self._room("weight", self.outs, self.features),
            "output": self._room("output", self.outs, 1),
        }
        names = ["weight", "output"]
        if self.has_bias:
            parts["bias"] = self._room("bias", self.outs, 1)
            names.insert(1, "bias")
        rows = [["input", *[""] * (len(names) - 1)], names]
        area = STAGE.inset(bottom=_FOOT)
        placed = fill(area, Mosaic(rows, parts, (0.9, 1.6), (True, True)), same=[("input", "weight")])
        self._inputs(placed, lambda cell: (*sample, cell[1]))
        self.stand("output", "output", placed["output"], lambda cell: (*sample, cell[0]), blank=True)
        signs = ["=", "Σ+"] if self.has_bias else ["Σ="]
        if self.has_bias:
            self.stand("bias", "bias", placed["bias"], lambda cell: (cell[0],))
        for left, right in pairwise(names):
            self.scenery.add(*self.between(signs.pop(), placed[left], placed[right]))
        for name in parts:
            self.head(name, placed[name])

    def _build_many(self) -> None:
        parts = {
            "input": self._room("input", self.rows, self.features),
            "weight": self._room("weight", self.outs, self.features),
            "output": self._room("output", self.rows, self.outs),
        }
        rows = [["input", "output"], ["weight", ""]]
        if self.has_bias:
            parts["bias"] = self._room("bias", 1, self.outs)
            rows[1][1] = "bias"
        area = STAGE.inset(bottom=_FOOT)
        placed = fill(area, Mosaic(rows, parts, (0.5, 2.2), (True, True)), same=[("input", "weight")])
        self._inputs(placed, lambda cell: (*self.sample(cell[0]), cell[1]))
        self.stand(
            "output", "output", placed["output"], lambda cell: (*self.sample(cell[0]), cell[1]), blank=True
        )
        if self.has_bias:
            self.stand("bias", "bias", placed["bias"], lambda cell: (cell[1],))
        for name in parts:
            self.head(name, placed[name])

    def _inputs(self, placed: dict[str, Placed], index: object) -> None:
        self.stand("input", "input", placed["input"], index)
        self.stand("weight", "weight", placed["weight"], lambda cell: cell)


class BilinearBoard(DenseBoard):
    """Every pair of the inputs' numbers in a table, the weights of one output as large, then its bias and result."""

    most = (6, 5, 5)

    def __init__(self, look: Look, trace: Trace) -> None:
        super().__init__(look, trace)
        outs, high, wide = trace.shape("weight")
        self.outs, self.high, self.wide = (
            min(size, most) for size, most in zip((outs, high, wide), self.most, strict=True)
        )
        self.cuts_sums = (self.high, self.wide) != (high, wide)
        self._build()

    def counts(self) -> dict[str, tuple[Size, Size]]:
        outs, *pairs = self.trace.shape("weight")
        return {
            "cut_batch": (1, self.samples),
            "cut_features": ((self.high, self.wide), pairs),
            "cut_outputs": (self.outs, outs),
        }

    def weights(self, out: int) -> VGroup:
        """The weights of one output, with their name."""
        placed = self.placed["weight"]
        grid = self.grid("weight", (), placed.cells, placed.at[0], index=lambda cell: (out, *cell))
        self.grids["weight"] = grid
        return VGroup(grid, self.title("weight", placed.head, name=f"weight[{out}]", shape=False))

    def _room(self, tensor: str, rows: int, cols: int) -> Room:
        return Room(rows, cols, self.texts(tensor), name="name")

    def _build(self) -> None:
        sample, results = self.sample(0), ["bias", "output"] if self.has_bias else ["output"]
        parts = {
            "input2": self._room("input2", 1, self.wide),
            "input1": self._room("input1", self.high, 1),
            "outer": Room(self.high, self.wide, self.texts("outer")),
            "weight": self._room("weight", self.high, self.wide),
        }
        ends = in_row(
            {name: Room(self.outs, 1, self.texts(name), name="name xx") for name in results},
            _ENDS,
            lined=True,
        )
        rows = [["", "input2", "", ""], ["input1", "outer", "weight", "results"]]
        area = STAGE.inset(bottom=_FOOT)
        self.placed = fill(
            area,
            Mosaic(rows, {**parts, "results": ends}, (0.62, 1.2), (True, False)),
            same=[("input1", "input2", "outer", "weight", *results)],
        )
        placed = self.placed
        self.stand("input1", "input1", placed["input1"], lambda cell: (*sample, cell[0]))
        self.stand("input2", "input2", placed["input2"], lambda cell: (*sample, cell[1]))
        self.stand("outer", "outer", placed["outer"], lambda cell: (*sample, *cell), blank=True)
        for name in results:
            lead = () if name == "bias" else sample
            self.stand(
                name, name, placed[name], lambda cell, lead=lead: (*lead, cell[0]), blank=name == "output"
            )
            is_narrow = name == results[0] and not placed[name].cells.text_size
            if is_narrow:  # beside the lines that come from the weights, not across them
                at = placed[name].block.left, placed[name].head[1]
                self.scenery.add(self.title(name, at, align="left", shape=False))
            else:
                self.head(name, placed[name], shape=False)
        self.head("input1", placed["input1"], shape=False)
        self.head("input2", placed["input2"], shape=False)
        corner = placed["input1"].block.middle[0], placed["input2"].block.middle[1]
        self.scenery.add(self.label("×", corner, SIGN, font="sans"))
        pairs = placed["outer"].block
        of_pairs = MathText("p = u·v", NAME_TEXT, self.look.theme.muted)
        self.scenery.add(of_pairs.place((pairs.middle[0], pairs.bottom - _UNDER)))
        self.scenery.add(*self.between("×", placed["outer"], placed["weight"]))
        if self.has_bias:
            self.scenery.add(*self.between("=", placed["bias"], placed["output"]))

    def joint(self, out: int) -> Funnel:
        """From the weights to what comes of them, and what is done on the way."""
        start = self.placed["weight"].block
        grid = self.grids["bias" if self.has_bias else "output"]
        path = grid.outline((out, 0), (out, 0), 0.0, radius=0.0)
        (left, foot, _), (_, top, _) = path.min(0).tolist(), path.max(0).tolist()
        beam = Funnel(self.look, (start.right, start.top, start.bottom), (left, top, foot))
        for sign in ("Σ +", "Σ") if self.has_bias else ("Σ",):
            if measure(sign, SIGN) + 0.3 <= left - start.right:
                return beam.sign(sign, (start.right + left) / 2)
        return beam
