"""The stage of AdaptiveLogSoftmaxWithLoss: samples on the left, the head and its clusters on the right."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from manim import Animation, Mobject, VGroup

from torchreel.scenes.activation.adaptive.trace import Routes
from torchreel.scenes.parts.gates import Cursors, Route, Sampled, Slots, Wire, sample
from torchreel.scenes.parts.look import MIN_TEXT, Look
from torchreel.scenes.parts.text import Text, measure
from torchreel.scenes.stage.board import Board
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

_LEFT, _TOP = -6.8, 2.1
_ROW, _WIDE, _NARROW = 0.56, 0.98, 0.62
_MIDDLE, _ROOM = 2.3, 7.4
_HEAD_Y = 1.95
_CELL = (1.05, 0.56)
_MOST_ROWS, _MOST_COLS, _MOST_CELLS, _MOST_TAILS = 5, 4, 7, 3


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
        self.loss = self._sampled(
            "loss", (0,), (0,), lambda i, j: (), (self._x("output"), self._loss_y), _WIDE, True
        )
        self.cursors = Cursors(look)
        self.row_of = {slot: row for row, slot in enumerate(self.rows) if slot is not None}
        self.grids: dict[str, Sampled] = {}
        self.labels: dict[str, VGroup] = {}
        self.wires = {number: self._wire(number) for number in self.tails}

    @property
    def samples(self) -> list[int]:
        """The samples that have a row."""
        return [slot for slot in self.rows if slot is not None]

    @property
    def is_partial(self) -> bool:
        """Whether samples, features, classes or clusters are left out."""
        sizes = [self.trace.shape("head_logprob")[1], *(self._size(number) for number in self.tails)]
        features = self.trace.shape("input")[-1]
        left_out = len(self.routes.edges) - 2 > _MOST_TAILS or None in self.rows or features > _MOST_COLS
        return left_out or max(sizes) > _MOST_CELLS

    def scenery(self) -> VGroup:
        """What stands from the beginning, with blank cells for the first sample."""
        loss = self.label("loss", (self._x("output") - _WIDE / 2 - 0.12, self._loss_y), align="right")
        heads = [column.caption(name) for name, column in self.columns.items()]
        return VGroup(*self.columns.values(), *heads, self.loss, loss, *self.wires.values(), *self._names())

    def show(self, number: int, whole: bool) -> list[Mobject]:
        """The grids of sample `number`, blank unless `whole`; a cluster it does not need stays blank."""
        own = int(self.routes.cluster[number])
        self.grids = {"head": self._grid(0, number, not whole)}
        for tail in self.tails:
            self.grids[f"tail{tail - 1}"] = self._grid(tail, number, not (whole and tail == own))
        return [*self.grids.values(), *self.labels.values()]

    def everything(self) -> list[Mobject]:
        """The current sample's grids with the numbers written on them."""
        parts = [part for grid in self.grids.values() for part in grid.everything()]
        return [*parts, *self.labels.values()]

    def output_index(self, number: int) -> Index:
        """The index of a sample's output and target."""
        return (number,) if self.is_batched else ()

    def rings(self, number: int, *names: str) -> list[np.ndarray]:
        """Outlines: `target` or `output` of a sample's row, its cell in `head` or in the `tail` it needs."""
        return [found for name in names for found in self._ring(number, name)]

    def light(self, number: int) -> list[Animation]:
        """The wire to the cluster that a sample needs lights up, the others are calm."""
        own = int(self.routes.cluster[number])
        return [
            move
            for tail, wire in self.wires.items()
            for move in (wire.light() if tail == own else wire.rest())
        ]

    def write_output(self, number: int, start: np.ndarray | None = None) -> list[Animation]:
        """A sample's output comes into its cell."""
        return self.columns["output"].write((self.row_of[number], 0), start) if number in self.row_of else []

    def _ring(self, number: int, name: str) -> list[np.ndarray]:
        own, place = int(self.routes.cluster[number]), int(self.routes.place[number])
        if name in self.columns:
            return [self.columns[name].around((self.row_of[number], 0))] if number in self.row_of else []
        at = place if name == "tail" or own == 0 else self.routes.edges[1] + own - 1
        grid = self.grids.get("head" if name == "head" else f"tail{own - 1}")
        slots = list(grid.col_slots) if grid else []
        return [grid.around((0, slots.index(at)))] if grid and at in slots else []

    def _grid(self, tail: int, number: int, blank: bool) -> Sampled:
        """The log-probabilities of one softmax for a sample; its labels are the classes."""
        name = f"tail{tail - 1}" if tail else "head"
        own = int(self.routes.cluster[number])
        row = number if not tail else int((self.routes.cluster[:number] == tail).sum())
        needed = [int(self.routes.place[number])] if tail == own else []
        needed += [self.routes.edges[1] + own - 1] if own and not tail else []
        slots = _with(self._size(tail), needed)
        at = (_MIDDLE, self._y(tail))
        grid = self._sampled(
            f"{name}_logprob", (0,), slots, lambda _, slot: (row, slot), at, self._cell(slots), blank
        )
        self.labels[name] = self._class_names(grid, tail)
        return grid

    def _class_names(self, grid: Sampled, tail: int) -> VGroup:
        texts = [
            self.label(self._class_name(tail, slot), _above(grid.center((0, k))), MIN_TEXT)
            for k, slot in enumerate(grid.col_slots)
            if slot is not None
        ]
        return VGroup(*texts)

    def _class_name(self, tail: int, slot: int) -> str:
        edges = self.routes.edges
        if tail:
            return str(edges[tail] + slot)
        inside = slot - edges[1]
        return str(slot) if inside < 0 else f"{edges[inside + 1]}–{edges[inside + 2] - 1}"

    def _names(self) -> list[Text]:
        """Names of the head and of the clusters, left of their cells."""
        names = ["head", *(f"tail[{number - 1}]" for number in self.tails)]
        left = _MIDDLE - _ROOM / 2 - 0.1
        return [
            self.label(name, (left, self._y(number) + 0.42), align="left")
            for number, name in enumerate(names)
        ]

    def _wire(self, number: int) -> Wire:
        """From a cluster's cell in the head round to the right end of its own cells."""
        slots = _with(self._size(0), [self.routes.edges[1] + number - 1])
        width = self._cell(slots)
        x = _MIDDLE + (slots.index(self.routes.edges[1] + number - 1) - (len(slots) - 1) / 2) * width
        inner = _with(self._size(number), [])
        end = _MIDDLE + len(inner) * self._cell(inner) / 2
        edge = _MIDDLE + _ROOM / 2 + 0.1 + 0.22 * number
        under = _HEAD_Y - _CELL[1] / 2
        bend = under - 0.16 - 0.16 * (len(self.tails) - number)
        corners = (
            (x, under),
            (x, bend),
            (edge, bend),
            (edge, self._y(number)),
            (end + 0.04, self._y(number)),
        )
        return Wire(self.look, Route(corners, self.look.theme.accent, head=True))

    def _y(self, tail: int) -> float:
        if not tail:
            return _HEAD_Y
        count = len(self.tails)
        return {1: (-0.6,), 2: (0.0, -1.7), 3: (0.3, -0.95, -2.2)}[count][tail - 1]

    def _size(self, tail: int) -> int:
        """How many cells the head, or a cluster, has."""
        edges = self.routes.edges
        return edges[tail + 1] - edges[tail] if tail else edges[1] + len(edges) - 2

    def _cell(self, slots: Slots) -> float:
        return min(_CELL[0], (_ROOM - 1.2) / len(slots))

    def _columns(self) -> dict[str, Sampled]:
        features = sample(self.trace.shape("input")[-1], _MOST_COLS)
        middle = _TOP - 0.2 - _ROW * len(self.rows) / 2
        places: dict[str, Slots] = {"input": features, "target": (0,), "output": (0,)}
        return {
            name: self._sampled(
                name, self.rows, slots, self._element(name), (self._x(name), middle),
                _WIDE if name == "output" else _NARROW, name == "output",
            )
            for name, slots in places.items()
        }  # fmt: skip

    def _element(self, name: str) -> Element:
        if name == "input":
            return lambda row, col: (row, col) if self.is_batched else (col,)
        return lambda row, _: self.output_index(row)

    def _x(self, name: str) -> float:
        features = len(sample(self.trace.shape("input")[-1], _MOST_COLS)) * _NARROW
        target = _LEFT + features + 0.25 + _NARROW / 2
        return {
            "input": _LEFT + features / 2,
            "target": target,
            "output": target + _NARROW / 2 + 0.25 + _WIDE / 2,
        }[name]

    @property
    def _loss_y(self) -> float:
        return _TOP - 0.2 - _ROW * len(self.rows) - 0.55

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
        size = min(0.26, (width - 0.08) / ems)
        cells = (width, _ROW, size if size >= MIN_TEXT else 0.0)
        return Sampled(self.look, self.trace, tensor, rows, cols, element, cells, at, blank=blank)


def _with(size: int, needed: Sequence[int]) -> Slots:
    """The positions of an axis to show, with those that are needed among them."""
    if size <= _MOST_CELLS:
        return tuple(range(size))
    kept = sorted({0, 1, *needed, size - 1})
    slots: list[int | None] = []
    for place in kept:
        slots += [None, place] if slots and place != (slots[-1] or 0) + 1 else [place]
    return tuple(slots)


def _above(middle: np.ndarray) -> tuple[float, float]:
    return float(middle[0]), float(middle[1]) + 0.42
