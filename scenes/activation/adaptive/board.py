"""The stage of AdaptiveLogSoftmaxWithLoss: samples at the left, head over tails in the middle, outputs at the right."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from manim import Animation, Mobject, VGroup

from torchreel.scenes.activation.adaptive.trace import Routes
from torchreel.scenes.parts.gates import Route, Sampled, Slots, Wire, sample
from torchreel.scenes.parts.look import MIN_NUMBER, MIN_TEXT, Look
from torchreel.scenes.parts.mathtext import MathText
from torchreel.scenes.parts.mathtext import width as math_width
from torchreel.scenes.parts.motion import Appear
from torchreel.scenes.parts.shapes import Path
from torchreel.scenes.parts.sign import Sign
from torchreel.scenes.parts.text import measure
from torchreel.scenes.stage.board import Board
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

_LEFT, _RIGHT, _TOP = -6.8, 6.75, 2.3
_ROW, _WIDE, _NARROW = 0.62, 1.15, 0.62
_TREE = (-2.75, 4.7)
_HEAD_Y, _TAIL_Y = 1.6, -0.95
_CELL = (1.05, 0.62)
_APART, _BESIDE, _NUMBER = 0.45, 0.08, 0.72
_CLASSES = 0.24
_FRAMED, _STEP_IN, _OVER_TAIL, _SPLIT = 0.05, 0.35, 0.3, 0.12
_UNDER_NAME = 0.3
_MOST_ROWS, _MOST_COLS, _MOST_TAILS = 5, 4, 3
_PLAIN = 1e9
_MOST_CELLS = {1: 7, 2: 5, 3: 5}


Element = Callable[[int, int], Index]


class AdaptiveSoftmaxBoard(Board):
    """Grids of one call; `show` puts another sample's log-probabilities in the place of the last one's."""

    def __init__(self, look: Look, trace: Trace, routes: Routes) -> None:
        super().__init__(look, trace)
        self.routes = routes
        self.is_batched = bool(trace.shape("target"))
        self.count = trace.shape("head_logprob")[0]
        self.tails = range(1, min(_MOST_TAILS, len(routes.edges) - 2) + 1)
        self.rows = sample(self.count, _MOST_ROWS)
        self.columns = self._columns()
        at = (_RIGHT - _WIDE / 2, self._foot - 0.9)
        self.loss = self._sampled("loss", (0,), (0,), lambda i, j: (), at, _WIDE, True)
        self.row_of = {slot: row for row, slot in enumerate(self.rows) if slot is not None}
        self.grids: dict[str, Sampled] = {}
        self.labels = VGroup()
        self.wires: dict[int, Wire] = {}

    @property
    def samples(self) -> list[int]:
        """The samples that have a row."""
        return [slot for slot in self.rows if slot is not None]

    @property
    def is_partial(self) -> bool:
        """Whether samples, features, classes or clusters are left out."""
        most = _MOST_CELLS[len(self.tails)]
        left_out = len(self.routes.edges) - 2 > _MOST_TAILS or None in self.rows
        sizes = [self._size(tail) > (most if tail else _MOST_CELLS[1]) for tail in (0, *self.tails)]
        return left_out or self.trace.shape("input")[-1] > _MOST_COLS or any(sizes)

    def scenery(self) -> VGroup:
        """What stands from the beginning: the samples, blank cells for outputs and the loss, how that is made."""
        heads = [
            self.title(name, (column.middle[0], self._head), size=MIN_TEXT, shape=False)
            for name, column in self.columns.items()
        ]
        above = self.loss.middle[1] + _ROW / 2 + 0.14
        loss = self.title("loss", (self.loss.middle[0], above), size=MIN_TEXT, shape=False)
        mean = f"−Σ y / {self.count}" if self.count > 1 else "−y"
        made = self._beside(mean, self.loss.middle[1])
        return VGroup(*self.columns.values(), *heads, self.loss, loss, made)

    def show(self, number: int, whole: bool) -> list[Mobject]:
        """The grids of sample `number`, blank unless `whole`; a tail it does not need stays blank."""
        own = int(self.routes.cluster[number])
        self.labels = VGroup()
        self.grids = {"head": self._grid(0, number, not whole)}
        for tail in self.tails:
            self.grids[f"tail{tail - 1}"] = self._grid(tail, number, not (whole and tail == own))
        self.wires = {tail: self._wire(tail, number) for tail in self.tails}
        return [*self.wires.values(), *self.grids.values(), self.labels]

    def everything(self) -> list[Mobject]:
        """The current sample's grids with the numbers written on them."""
        parts = [part for grid in self.grids.values() for part in grid.everything()]
        return [*parts, *self.wires.values(), self.labels]

    def output_index(self, number: int) -> Index:
        """The index of a sample's output and target."""
        return (number,) if self.is_batched else ()

    def head_place(self, number: int) -> int:
        """Where the head has a sample's class, or the cluster of its class."""
        cluster, place = int(self.routes.cluster[number]), int(self.routes.place[number])
        return self.routes.edges[1] + cluster - 1 if cluster else place

    def light(self, number: int) -> list[Animation]:
        """The wire to the tail that a sample needs lights up, the others are calm."""
        own = int(self.routes.cluster[number])
        return [
            move
            for tail, wire in self.wires.items()
            for move in (wire.light() if tail == own else wire.rest())
        ]

    def ways_in(self, number: int, tensors: Sequence[str]) -> list[Path]:
        """From a sample's row of the input into the head, and below it into the tail that reads it too."""
        columns, head = self.columns["input"], self.grids["head"]
        if number not in self.row_of:
            return []
        x, y = (float(one) for one in columns.center((self.row_of[number], columns.cells.cols - 1))[:2])
        start = x + columns.cells.width / 2 + _FRAMED, y
        left, found = head.middle[0] - head.cells.cols * head.cells.width / 2, []
        if "head_logprob" in tensors:
            end = left - 0.05, float(head.middle[1])
            found += self._lit([start, (left - _STEP_IN, y), (left - _STEP_IN, end[1]), end])
        tail = self.grids.get(f"tail{int(self.routes.cluster[number]) - 1}")
        if tail is not None and tail.tensor in tensors:
            lane, middle = min(left, _TREE[0]) - 0.4, float(tail.middle[0])
            low = _TAIL_Y - _ROW / 2 - _CLASSES - 0.34 - _UNDER_NAME
            found += self._lit([start, (lane, y), (lane, low), (middle, low), (middle, low + 0.1)])
        return found

    def ways_out(self, number: int) -> list[Path]:
        """From a sample's log-probabilities, in the head and in its tail, to the sign before its output."""
        outputs, cluster = self.columns["output"], int(self.routes.cluster[number])
        y = float(outputs.center((self.row_of[number], 0))[1])
        right = _RIGHT - _WIDE - 0.3
        head, at = self.grids["head"], self.head_place(number)
        if not cluster:
            end = right - math_width("h", MIN_NUMBER)
            return self._over(head, at, (end, y))
        tail = self.grids.get(f"tail{cluster - 1}")
        if tail is None:
            return []
        end = right - math_width("h + c", MIN_NUMBER)
        slot = list(tail.col_slots).index(int(self.routes.place[number]))
        x, low = (float(one) for one in tail.center((0, slot))[:2])
        lane = end - 0.25
        bend = low + _ROW / 2 + _OVER_TAIL
        return [
            *self._over(head, at, (end, y + _SPLIT)),
            *self._lit(
                [
                    (x, low + _ROW / 2 + _FRAMED),
                    (x, bend),
                    (lane, bend),
                    (lane, y - _SPLIT),
                    (end, y - _SPLIT),
                ]
            ),
        ]

    def _over(self, head: Sampled, place: int, end: tuple[float, float]) -> list[Path]:
        """From a cell of the head over the others to a place at the right."""
        slots = list(head.col_slots)
        if place not in slots:
            return []
        x, y = (float(one) for one in head.center((0, slots.index(place)))[:2])
        if place == slots[-1]:
            start, lane = (x + head.cells.width / 2 + _FRAMED, y), end[0] - 0.45
            return self._lit([start, (lane, y), (lane, end[1]), end])
        low, lane = y - _ROW / 2 - _FRAMED, end[0] - 0.45
        bend = low - 0.14
        return self._lit([(x, low), (x, bend), (lane, bend), (lane, end[1]), end])

    def _lit(self, corners: list[tuple[float, float]]) -> list[Path]:
        return [Path(corners, self.look.theme.accent, 2.4, z_index=1)]

    def write_output(self, number: int) -> list[Animation]:
        """A sample's output comes into its cell, and beside it what it is the sum of."""
        if number not in self.row_of:
            return []
        row = self.row_of[number]
        terms = "h + c" if int(self.routes.cluster[number]) else "h"
        beside = self._beside(terms, float(self.columns["output"].center((row, 0))[1]))
        return [Appear(beside), *self.columns["output"].write((row, 0))]

    def _beside(self, terms: str, y: float) -> Sign:
        """What is done for a cell of the column at the right, at its left."""
        return Sign(self.look, terms, (_RIGHT - _WIDE - 0.14, y), MIN_NUMBER, "right")

    def _grid(self, tail: int, number: int, blank: bool) -> Sampled:
        """The log-probabilities of one softmax for a sample; its labels are the classes."""
        name = f"tail{tail - 1}" if tail else "head"
        row = number if not tail else int((self.routes.cluster[:number] == tail).sum())
        slots = self._slots(tail, number)
        width = self._cell(tail, slots)
        grid = self._sampled(
            f"{name}_logprob", (0,), slots, lambda _, slot: (row, slot), self._at(tail), width, blank
        )
        self._name(grid, tail, width)
        return grid

    def _slots(self, tail: int, number: int) -> Slots:
        own = int(self.routes.cluster[number])
        most = _MOST_CELLS[len(self.tails)] if tail else _MOST_CELLS[1]
        if tail:
            return _with(self._size(tail), [int(self.routes.place[number])] if tail == own else [], most)
        return _with(self._size(0), [self.head_place(number)], most)

    def _name(self, grid: Sampled, tail: int, width: float) -> None:
        """The classes over the head's cells and under a tail's, and what the row is called."""
        under, middle = grid.middle[1] - _ROW / 2, grid.middle[0]
        y = under - _CLASSES if tail else grid.middle[1] + _ROW / 2 + _CLASSES
        for k, slot in enumerate(grid.col_slots):
            if slot is not None and measure(text := self._class_name(tail, slot), MIN_TEXT) < width:
                self.labels.add(self.label(text, (grid.center((0, k))[0], y), MIN_TEXT))
        symbol = self.trace.symbol(f"tail{tail - 1}_logprob" if tail else "head_logprob")
        module = f"tail[{tail - 1}]" if tail else "head"
        said, room = f"{symbol} = log_softmax({module}(x))", (_TREE[1] - _TREE[0]) / max(1, len(self.tails))
        if tail and math_width(said, MIN_TEXT) > room - 0.2:
            said = f"{symbol}: {module}"
        at = (middle, y - 0.34 if tail else y + 0.34)
        self.labels.add(MathText(said, MIN_TEXT, self.look.theme.muted).place(at))

    def _class_name(self, tail: int, slot: int) -> str:
        edges = self.routes.edges
        if tail:
            return str(edges[tail] + slot)
        inside = slot - edges[1]
        return str(slot) if inside < 0 else f"{edges[inside + 1]}–{edges[inside + 2] - 1}"

    def _wire(self, tail: int, number: int) -> Wire:
        """From a cluster's cell in the head down into its tail."""
        head = self.grids["head"]
        slots, at = list(head.col_slots), self.routes.edges[1] + tail - 1
        slot = slots.index(at) if at in slots else len(slots) - 1
        x, end = float(head.center((0, slot))[0]), self.grids[f"tail{tail - 1}"].middle
        bend = (_HEAD_Y + _TAIL_Y) / 2 - 0.25 * (tail - (len(self.tails) + 1) / 2)
        under, top = _HEAD_Y - _ROW / 2 - 0.03, float(end[1]) + _ROW / 2 + 0.05
        corners = ((x, under), (x, bend), (float(end[0]), bend), (float(end[0]), top))
        return Wire(self.look, Route(corners, self.look.theme.accent, head=True))

    def _at(self, tail: int) -> tuple[float, float]:
        left, right = _TREE
        if not tail:
            return (left + right) / 2, _HEAD_Y
        count = len(self.tails)
        return left + (right - left) * (tail - 0.5) / count, _TAIL_Y

    def _size(self, tail: int) -> int:
        """How many cells the head, or a cluster, has."""
        edges = self.routes.edges
        return edges[tail + 1] - edges[tail] if tail else edges[1] + len(edges) - 2

    def _cell(self, tail: int, slots: Slots) -> float:
        room = (_TREE[1] - _TREE[0]) / (len(self.tails) if tail else 1) - _APART
        return min(_CELL[0], room / len(slots))

    def _columns(self) -> dict[str, Sampled]:
        features = sample(self.trace.shape("input")[-1], _MOST_COLS)
        target = _LEFT + _NARROW / 2
        places: dict[str, tuple[Slots, float, float]] = {
            "target": ((0,), target, _NARROW),
            "input": (features, target + _NARROW / 2 + 0.3 + len(features) * _NARROW / 2, _NARROW),
            "output": ((0,), _RIGHT - _WIDE / 2, _WIDE),
        }
        middle = (self._head + self._foot) / 2 - 0.07
        return {
            name: self._sampled(
                name, self.rows, slots, self._element(name), (x, middle), wide, name == "output"
            )
            for name, (slots, x, wide) in places.items()
        }

    def _element(self, name: str) -> Element:
        if name == "input":
            return lambda row, col: (row, col) if self.is_batched else (col,)
        return lambda row, _: self.output_index(row)

    @property
    def _head(self) -> float:
        return _TOP

    @property
    def _foot(self) -> float:
        """Under the last sample."""
        return _TOP - 0.14 - _ROW * len(self.rows)

    def _sampled(
        self,
        tensor: str,
        rows: Slots,
        cols: Slots,
        element: Element,
        at: tuple[float, float],
        width: float,
        blank: bool,
    ) -> Sampled:
        ems = max((measure(text, 1.0) for text in self.texts(tensor)), default=1.0)
        size = min(0.28, (width - 2 * _BESIDE) / ems, max(MIN_NUMBER, _NUMBER * width / ems))
        cells = (width, _ROW, size if size >= MIN_NUMBER else 0.0)
        scale = _PLAIN if tensor == "target" else None
        return Sampled(
            self.look, self.trace, tensor, rows, cols, element, cells, at, blank=blank, scale=scale
        )


def _with(size: int, needed: Sequence[int], most: int) -> Slots:
    """The positions of an axis to show, with those that are needed among them."""
    if size <= most:
        return tuple(range(size))
    kept = sorted({0, *needed, size - 1})
    slots: list[int | None] = []
    for place in kept:
        slots += [None, place] if slots and place != (slots[-1] or 0) + 1 else [place]
    return tuple(slots)
