"""The table of CTC as a lattice: places down, time across, probabilities of the classes above in the same columns.

At the right stand the target, then the loss in line with the cells a path may end in, and the result beside it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from typing import Any

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.loss.ctc.trace import Lattice
from torchreel.scenes.loss.ctc.wires import LatticeWires, Spot
from torchreel.scenes.parts.grid import Cell, Cells, Grid
from torchreel.scenes.parts.look import MIN_NUMBER, MIN_TEXT, NAME_TEXT, Look
from torchreel.scenes.parts.mathtext import MathText, width
from torchreel.scenes.parts.rooms import BESIDE, STAGE
from torchreel.scenes.parts.shapes import Path, Shape
from torchreel.scenes.parts.text import Text, measure
from torchreel.scenes.stage.board import Board
from torchreel.scenes.trace.formula import Index, Token
from torchreel.scenes.trace.proof import Trace

Node = tuple[int, int]
"""Time and place."""

_LEFT, _RIGHT = -5.75, 3.7
_MOST_TIMES, _MOST_PLACES, _MOST_CLASSES = 8, 9, 5
_FEWEST_TIMES, _FEWER_PLACES = 4, 7
_HEAD, _BETWEEN = 0.38, 0.4
_TALLEST, _WIDEST, _PITCH = 0.46, 0.98, 1.95
_LOSS_X, _OUTPUT_X, _TARGET_X = 4.7, 6.24, 5.5
_ONE, _ONE_HIGH, _TARGETS_WIDE = 0.62, 0.4, 2.7
_SPELT, _SPELT_LINES = 0.3, (0.44, 0.88, 1.3)
BLANK = "–"


class LatticeGrid(Grid):
    """The table: time goes to the right; small probabilities keep a digit."""

    def text(self, cell: Cell) -> str:
        return small(self.look, self.value(cell))


def small(look: Look, value: float) -> str:
    """A probability as drawn: three decimals where two would say nothing."""
    if 0.0005 <= value < 0.0995:
        return f"{value:.3f}"
    return look.number(value, value == 0, value)


class CTCBoard(Board):
    """One sample's lattice, the classes' probabilities above it, the target and the results beside it."""

    def __init__(self, look: Look, trace: Trace, lattice: Lattice, sample: int = 0) -> None:
        super().__init__(look, trace)
        self.lattice, self.sample = lattice, sample
        self._choose()
        self.wires = LatticeWires(look, self.wide, self.pitch - self.wide)
        self.probabilities = self._probabilities()
        self.grid_of_alpha = self._alpha()
        self.targets = self._targets()
        self.loss = self._single("loss", (sample,) if trace.shape("loss") else (), _LOSS_X)

    def _choose(self) -> None:
        """As many time steps and places as leave room for numbers in the cells; the most if none do."""
        length, whole = int(self.lattice.input_lengths[self.sample]), int(self.lattice.places[self.sample])
        times, places = min(max(length, 1), _MOST_TIMES), min(whole, _MOST_PLACES)
        fewer = range(times, min(times, _FEWEST_TIMES) - 1, -1)
        tried = [(t, s) for t in fewer for s in dict.fromkeys((places, min(places, _FEWER_PLACES)))]
        for choice in [*tried, tried[0]]:
            self._size(*choice)
            if self._has_numbers():
                break
        self.is_cropped = length > self.times or whole > self.places

    def _size(self, times: int, places: int) -> None:
        self.times, self.places = times, places
        self.classes = self._shown_classes()
        rows = len(self.classes) + places
        self.high = min(_TALLEST, (STAGE.height - _HEAD - _BETWEEN) / rows)
        self.pitch = min(_PITCH, (_RIGHT - _LEFT) / (times - 0.4))
        self.wide = min(_WIDEST, self.pitch * 0.6)

    def _has_numbers(self) -> bool:
        texts = [*self._texts_of_p(), *(small(self.look, value) for value in self._known())]
        return bool(self._cells(texts, 1, 1, self.wide).text_size)

    def _known(self) -> list[float]:
        """The values of the lattice that are drawn."""
        cells = [(self.sample, t, s) for t in range(self.times) for s in range(self.places)]
        return self.trace.values("alpha", cells)

    def _texts_of_p(self) -> list[str]:
        batch = (self.sample,) if self.lattice.batched else ()
        cells = [(t, *batch, c) for t in range(self.times) for c in self.classes]
        return [self.text("p", value) for value in self.trace.values("p", cells)]

    @property
    def scenery(self) -> VGroup:
        """All cells, of which those of results are empty, and the names of everything."""
        grids = (self.probabilities, self.grid_of_alpha, *self.targets, self.loss)
        return VGroup(*grids, *self._names())

    def place_output(self, index: Index) -> VGroup:
        """The cell of the result, and its name."""
        self.output = self._single("output", index, _OUTPUT_X)
        return VGroup(self.output, self._name("output", self.output))

    def reached(self, node: Node) -> bool:
        """Whether anything leads to a cell."""
        return self.trace.value("paths", (self.sample, *node)) > 0

    def sources(self, node: Node) -> list[Node]:
        """The cells of the step before that lead to a cell: stay, next, and skip where it is allowed."""
        time, place = node
        if time == 0:
            return []
        back = 3 if bool(self.lattice.skips()[self.sample, place]) else 2
        return [(time - 1, place - step) for step in range(back) if place >= step]

    def live(self, node: Node) -> list[Node]:
        """The cells that lead to a cell and are reached themselves."""
        return [source for source in self.sources(node) if self.reached(source)]

    def write(self, nodes: Sequence[Node]) -> list[Animation]:
        """Cells take their values."""
        return [move for time, place in nodes for move in self.grid_of_alpha.write((place, time))]

    def arrivals(self, nodes: Sequence[Node]) -> Shape | None:
        """Wires of all steps that lead to some cells."""
        return self.wires.steps(
            (self._spot(source), self._spot(node)) for node in nodes for source in self.live(node)
        )

    def made(self, node: Node) -> VGroup:
        """How a cell is made: wires from what leads to it, which are added, and from the p that is the factor."""
        label = int(self.lattice.labels[self.sample, node[1]])
        sources = [self._spot(source) for source in self.live(node)]
        if label not in self.classes or not (sources or self.reached(node)):
            return VGroup()
        x, y, _ = self.probabilities.center((self.classes.index(label), node[0]))
        barred = [self.wires.barred(self._spot(one), self._spot(node)) for one in self._barred(node)]
        return VGroup(*self.wires.made(sources, (x, y), self._spot(node)), *barred)

    def _barred(self, node: Node) -> list[Node]:
        """The label before, from which the blank between must not be skipped, if paths stand there."""
        time, place = node
        before = (time - 1, place - 2)
        if time == 0 or place < 3 or place % 2 == 0 or before in self.sources(node):
            return []
        return [before] if self.reached(before) else []

    def _spot(self, node: Node) -> Spot:
        x, y, _ = self.grid_of_alpha.center((node[1], node[0]))
        return float(x), float(y)

    def _shown_classes(self) -> list[int]:
        """All classes if they are few, else those of the places that are drawn."""
        count = self.lattice.log_probs.shape[-1]
        if count <= _MOST_CLASSES:
            return list(range(count))
        return sorted(set(self.lattice.labels[self.sample, : self.places].tolist()))

    def steps(self, nodes: Sequence[Node], color: str) -> VGroup:
        """The steps of a path as lines between its cells, and the probabilities of their classes framed."""
        side = np.array([self.wide / 2, 0, 0])
        lines, grid = VGroup(), self.grid_of_alpha
        middles = [grid.center((place, time)) for time, place in nodes]
        for start, end in pairwise(middles):
            lines.add(Path([start + side, end - side], color, 4.5, z_index=2))
        for time, place in nodes:
            lines.add(
                Shape(grid.outline((place, time), (place, time), -0.02), stroke=color, stroke_width=1.5)
            )
            cell = self.classes.index(self._class(place)), time
            framed = self.probabilities.outline(cell, cell, -0.02)
            lines.add(Shape(framed, stroke=color, stroke_width=4.5, z_index=3))
        return lines

    def called(self, node: Node) -> str:
        """The class of a cell as it is written beside its row."""
        return self.named_class(self._class(node[1]))

    def _class(self, place: int) -> int:
        return int(self.lattice.labels[self.sample, place])

    def likeliest(self) -> list[Node]:
        """The path to the end whose probability is the largest; none where the lattice is not whole or has none."""
        last = (self.times - 1, self.places - 1)
        ends = [(last[0], place) for place in (last[1], last[1] - 1) if place >= 0]
        best: dict[Node, tuple[float, list[Node]]] = {}
        for time in range(self.times):
            for place in range(self.places):
                node = (time, place)
                ways = [best[one] for one in self.sources(node) if one in best]
                if not ways and not (time == 0 and place < 2):
                    continue
                before = max(ways, key=lambda way: way[0]) if ways else (0.0, [])
                best[node] = (before[0] + self._log_probability(node), [*before[1], node])
        found = [
            best[end] for end in ends if end in best and math.isfinite(best[end][0]) and not self.is_cropped
        ]
        return max(found, key=lambda way: way[0])[1] if found else []

    def product(self, path: Sequence[Node]) -> list[Token]:
        """The probability of a path, the product of those of its classes."""
        tokens: list[Token] = []
        whole = 1.0
        for time, place in path:
            label = int(self.lattice.labels[self.sample, place])
            index = (time, *((self.sample,) if self.lattice.batched else ()), label)
            value = self.trace.value("p", index)
            whole *= value
            sign = "·" if tokens else ""
            tokens += [Token(sign), Token(self.text("p", value), "p", index, value)]
        return [*tokens, Token(f" ≈ {small(self.look, whole)}")] if len(path) > 1 else tokens

    def sign(self, tensor: str, text: str) -> VGroup:
        """How a result is made of what stands left of it, if there is room for it."""
        grid = self.loss if tensor == "loss" else self.output
        before = self.grid_of_alpha.center((0, self.times - 1))[0] + self.wide / 2
        left = before if tensor == "loss" else self.loss.middle[0] + self.loss.cells.width / 2
        room = grid.middle[0] - grid.cells.width / 2 - left
        if not text or width(text, NAME_TEXT) + 0.1 > room:
            return VGroup()
        return VGroup(
            MathText(text, NAME_TEXT, self.look.theme.text).place((left + room / 2, grid.middle[1]))
        )

    def spelt(self, path: Sequence[Node], count: str) -> VGroup:
        """A path's classes in a row, and below them what is left of it."""
        labels = [int(self.lattice.labels[self.sample, place]) for _, place in path]
        merged = [label for label, _ in groupby(labels) if label != self.lattice.blank]
        loss = float(self.loss.middle[1])
        above = STAGE.top - _HEAD - self.high / 2 - 1.2, loss + self.high / 2 + 0.5
        below = loss - self.high / 2 - 0.5, STAGE.bottom + 0.2
        top, bottom = above if above[0] - above[1] > _SPELT_LINES[-1] else below
        share = min(1.0, (top - bottom) / _SPELT_LINES[-1])
        first, second, third = (top - share * line for line in _SPELT_LINES)
        say = self.label(count, (_TARGET_X, top), MIN_TEXT, font="sans")
        arrow = self.label("↓", (_TARGET_X, second), NAME_TEXT, font="sans")
        return VGroup(say, *self._row(labels, first), arrow, *self._row(merged, third))

    def named_class(self, label: int) -> str:
        """A class as it is called beside the lattice."""
        return BLANK if label == self.lattice.blank else str(label)

    def color(self, label: int) -> str:
        """The identifying colour of a class; the blank is grey."""
        theme = self.look.theme
        if label == self.lattice.blank:
            return theme.muted
        return theme.channel([one for one in self.classes if one != self.lattice.blank].index(label))

    def _with_blanks(self) -> Iterator[Text]:
        """The target as the lattice has it below itself: with a blank before, between and after its labels."""
        length = int(self.lattice.target_lengths[self.sample])
        labels = self.lattice.labels[self.sample, : 2 * length + 1].tolist()
        y = STAGE.top - _HEAD - max(self.high, _ONE_HIGH) - 0.28
        if self.shown_targets == length and y - 0.7 > float(self.loss.middle[1]) + self.high / 2:
            yield from self._row(labels, y)

    def _row(self, labels: Sequence[int], y: float) -> Iterator[Text]:
        wide = max(measure(self.named_class(label), _SPELT, "bold") for label in labels) if labels else 0.0
        pitch = min(max(0.34, wide + 0.14), _TARGETS_WIDE / max(1, len(labels)))
        if pitch < wide + 0.02:
            return
        left = _TARGET_X - pitch * (len(labels) - 1) / 2
        for k, label in enumerate(labels):
            yield self.label(
                self.named_class(label), (left + k * pitch, y), _SPELT, self.color(label), "bold"
            )

    def _log_probability(self, node: Node) -> float:
        time, place = node
        label = int(self.lattice.labels[self.sample, place])
        batch = (self.sample,) if self.lattice.batched else ()
        return self.trace.value("log_probs", (time, *batch, label))

    def _cells(self, texts: Sequence[str], rows: int, cols: int, wide: float) -> Cells:
        ems = max((measure(text, 1.0, "sans") for text in set(texts)), default=0.6)
        size = min(0.32, (wide - BESIDE) / ems, self.high * 0.66)
        return Cells(wide, self.high, size if size >= MIN_NUMBER else 0.0, rows, cols)

    @property
    def _apart(self) -> Any:
        """Columns stand further apart than rows, by any factor."""
        return 1, self.pitch / self.wide

    def _middle(self, top: float, rows: int) -> tuple[float, float]:
        return _LEFT + ((self.times - 1) * self.pitch + self.wide) / 2, top - rows * self.high / 2

    def _probabilities(self) -> Grid:
        cells = self._cells(self._texts_of_p(), len(self.classes), self.times, self.wide)
        batch = (self.sample,) if self.lattice.batched else ()
        middle = self._middle(STAGE.top - _HEAD, len(self.classes))
        return self.grid(
            "p",
            (),
            cells,
            middle,
            index=lambda cell: (cell[1], *batch, self.classes[cell[0]]),
            step=self._apart,
        )

    def _alpha(self) -> Grid:
        top = STAGE.top - _HEAD - len(self.classes) * self.high - _BETWEEN
        known = self._known()
        cells = self._cells([small(self.look, value) for value in known], self.places, self.times, self.wide)
        return LatticeGrid(
            self.look, self.trace, "alpha", (), cells, self._middle(top, self.places),
            index=lambda cell: (self.sample, cell[1], cell[0]), blank=True, step=self._apart,
            scale=max([value for value in known if value < np.inf] or [1.0]) or 1.0,
        )  # fmt: skip

    def _targets(self) -> list[Grid]:
        """The labels of this sample's target as torch gets them."""
        length = int(self.lattice.target_lengths[self.sample])
        shape = self.trace.shape("targets")
        if not length:
            return []
        flat = len(shape) == 1
        start = int(self.lattice.target_lengths[: self.sample].sum()) if flat and self.lattice.batched else 0
        lead: Index = () if flat else (0,) * (len(shape) - 2) + (self.sample,)
        self.shown_targets = shown = min(length, 4)
        high = max(self.high, _ONE_HIGH)
        widest = max(measure(str(label), 1.0, "sans") for label in self.lattice.labels[self.sample].tolist())
        wide = min(max(_ONE, widest * MIN_NUMBER + BESIDE), _TARGETS_WIDE / shown)
        size = min(0.32, high * 0.66, (wide - BESIDE) / widest)
        cells = Cells(wide, high, size if size >= MIN_NUMBER else 0.0, 1, shown)
        at = (_TARGET_X, STAGE.top - _HEAD - high / 2)
        return [self.grid("targets", (), cells, at, index=lambda cell: (*lead, start + cell[1]), plain=True)]

    def _single(self, tensor: str, index: Index, x: float) -> Grid:
        """One result in line with the cells that a path may end in."""
        grid = self.grid_of_alpha
        last = self.places - 1
        y = (grid.center((last, 0))[1] + grid.center((max(0, last - 1), 0))[1]) / 2
        text = self.text(tensor, self.trace.value(tensor, index))
        high = max(self.high, _ONE_HIGH)
        size = min(0.32, high * 0.66, (0.95 - BESIDE) / measure(text, 1.0, "sans"))
        cells = Cells(0.95, high, size if size >= MIN_NUMBER else 0.0, 1, 1)
        return self.grid(tensor, (), cells, (x, y), index=lambda _: index, blank=True)

    def _names(self) -> Iterator[Text | MathText | VGroup]:
        """Of the classes, the places, all tensors and the time steps."""
        for row, label in enumerate(self.classes):
            yield self._class_name(label, self.probabilities.center((row, 0))[1])
        for place in range(self.places):
            label = int(self.lattice.labels[self.sample, place])
            yield self._class_name(label, self.grid_of_alpha.center((place, 0))[1])
        name, left = "exp(log_probs) =", self.probabilities.center((0, 0))[0] - self.wide / 2
        head = STAGE.top - _HEAD + 0.12
        yield self.label(name, (left, head), align="left", vertical="baseline", font="sans")
        after = left + measure(name, NAME_TEXT) + 0.1
        symbol = MathText("p", NAME_TEXT, self.look.theme.role("result"))
        yield symbol.place((after, head), align="left", vertical="baseline")
        sizes = str(self.trace.shape("log_probs"))
        yield self.label(sizes, (after + 0.24, head), align="left", vertical="baseline", font="sans")
        axis = STAGE.top - _HEAD - len(self.classes) * self.high - _BETWEEN / 2
        for time in range(self.times):
            x = self.probabilities.center((0, time))[0]
            yield self.label(f"t = {time}", (x, axis), MIN_TEXT, font="sans")
        alpha = MathText("α", 0.3, self.look.theme.role("result"))
        yield alpha.place((_LEFT - 0.2, axis), align="right")
        if self.targets:
            yield self._name("targets", self.targets[0], shape=True)
            yield from self._with_blanks()
        yield self._name("loss", self.loss)

    def _name(self, tensor: str, grid: Grid, shape: bool = False) -> VGroup:
        at = (grid.middle[0], grid.middle[1] + grid.cells.height / 2 + 0.12)
        return self.title(tensor, at, shape=shape)

    def _class_name(self, label: int, y: float) -> Text:
        return self.label(
            self.named_class(label), (_LEFT - 0.2, y), 0.28, self.color(label), "bold", align="right"
        )
