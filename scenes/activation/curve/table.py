"""The elements of a tensor as rows of a table, with a column for each tensor that has a value for them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.parts.desk import Desk
from torchreel.scenes.parts.gates import Cursors, Sampled, Slots, sample
from torchreel.scenes.parts.look import MIN_TEXT, Look
from torchreel.scenes.parts.shapes import Point
from torchreel.scenes.parts.text import Text, measure
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

RIGHT, MIDDLE = 6.72, 0.1
WIDTH, GAP = 1.16, 0.12
_HEIGHT, _TALL = 0.66, 4.2
_MOST_ROWS = 7
_TEXT = 0.26


class Columns(Desk):
    """Columns side by side whose rows stand for the same elements; of many, some are left out."""

    slots: Slots
    columns: Mapping[str, Sampled]

    @property
    def rows(self) -> list[int]:
        """The rows that hold an element."""
        return [row for row, slot in enumerate(self.slots) if slot is not None]

    @property
    def is_sampled(self) -> bool:
        """Whether some elements are left out."""
        return None in self.slots

    @property
    def has_numbers(self) -> bool:
        """Whether cells are wide enough for their numbers."""
        return all(column.cells.text_size for column in self.columns.values())

    def text_size(self, tensor: str, width: float) -> float:
        """The type of a tensor's numbers in cells of a width; 0 where they would be too small to read."""
        ems = max((measure(text, 1.0) for text in self.texts(tensor)), default=1.0)
        size = min(_TEXT, (width - 0.1) / ems)
        return size if size >= MIN_TEXT else 0.0


class ElementTable(Columns):
    """Columns of some tensors over the elements of `tensor`; the `blank` ones are empty until they are written.

    `low` is the room to leave below (scene units). Of many elements, the first ones and the last are shown.
    """

    def __init__(
        self,
        look: Look,
        trace: Trace,
        names: Sequence[str],
        low: float = 0.0,
        tensor: str = "input",
        blank: Sequence[str] = (),
    ) -> None:
        super().__init__(look, trace)
        self.names, self.blank, self.size = names, blank, trace.shape(tensor)
        most = _MOST_ROWS - (2 if low else 0)
        self.slots = sample(math.prod(self.size), most)
        self.height = min(_HEIGHT, (_TALL - low) / len(self.slots))
        self.center_y = MIDDLE + low / 2
        self.columns = {name: self._column(name, number) for number, name in enumerate(names)}
        self.cursors = Cursors(look)
        self._written: set[tuple[str, int]] = set()
        self.scenery = VGroup(*self.columns.values(), *self._headings())

    @property
    def bottom(self) -> float:
        """The lower edge."""
        return self.center_y - self.height * len(self.slots) / 2

    def index(self, row: int) -> Index:
        """The tensor index of a row's element."""
        return self._unravel(self.slots[row] or 0)

    def value(self, tensor: str, row: int) -> float:
        """A tensor's value for a row's element."""
        return self.trace.value(tensor, self.index(row))

    def point(self, row: int, *names: str) -> list[Animation]:
        """The cursors go to a row's cells in some columns."""
        shown = [name for name in names if name in self.columns]
        return self.cursors.glide(*(self.columns[name].around((row, 0)) for name in shown))

    def write(self, name: str, row: int, start: Point | None = None) -> list[Animation]:
        """A value comes into its column, if there is one, once; it flies in from `start` or pops up in place."""
        if name not in self.columns or (name, row) in self._written:
            return []
        self._written.add((name, row))
        return self.columns[name].write((row, 0), start)

    def places(self, colors: Sequence[str]) -> VGroup:
        """The index of each row's element, where the tensor has several axes and there is room; one colour a row."""
        if len(self.size) < 2 or len(self.names) > 4:
            return VGroup()
        column = self.columns[self.names[0]]
        left = column.middle[0] - WIDTH / 2 - 0.12
        group = VGroup()
        for row, color in zip(self.rows, colors, strict=True):
            text, at = str(list(self.index(row))).replace(" ", ""), (left, column.center((row, 0))[1])
            group.add(self.label(text, at, MIN_TEXT, color, align="right"))
        return group

    def _column(self, name: str, number: int) -> Sampled:
        x = RIGHT - WIDTH / 2 - (len(self.names) - 1 - number) * (WIDTH + GAP)
        cells = (WIDTH, self.height, self.text_size(name, WIDTH))
        return Sampled(
            self.look, self.trace, name, self.slots, (0,), lambda slot, _: self._unravel(slot), cells,
            (x, self.center_y), blank=name in self.blank,
        )  # fmt: skip

    def _headings(self) -> list[Text]:
        shape = str(self.size).replace(" ", "")
        first = self.columns[self.names[0]]
        above = (first.middle[0], first.middle[1] + self.height * len(self.slots) / 2 + 0.46)
        size = self.label(shape, above, MIN_TEXT, vertical="baseline")
        return [*(column.caption(name) for name, column in self.columns.items()), size]

    def _unravel(self, flat: int) -> Index:
        return tuple(int(axis) for axis in np.unravel_index(flat, self.size))
