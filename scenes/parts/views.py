"""A tensor on stage that is asked by position, whatever it is drawn as: a plane, a volume of slices.

A story that says where it looks, writes and frames needs nothing else, so one story tells planes and volumes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from manim import Animation

from torchreel.scenes.parts.grid import Cells
from torchreel.scenes.parts.look import NAME_TEXT
from torchreel.scenes.parts.shapes import Point
from torchreel.scenes.parts.text import Text

Place = tuple[int, ...]
"""A cell of a plane `(row, column)`, or of a volume `(depth, row, column)`."""


class View(Protocol):
    """What a `Grid` and a `Stack` have in common.

    Places have as many numbers as `shape` and may lie outside it, where padding is. Sizes are scene units.
    """

    tensor: str

    @property
    def shape(self) -> Place:
        """How much is shown, axis by axis; of a large tensor less than it has."""

    @property
    def cells(self) -> Cells:
        """How the cells of a plane, or of each slice, are drawn."""

    @property
    def pad(self) -> Sequence[int]:
        """The cells of padding that are drawn, before and after each axis: `(top, bottom, left, right)` of a plane."""

    @property
    def middle(self) -> np.ndarray:
        """The centre: of a plane without its padding, of a volume with everything drawn."""

    def positions(self) -> Iterator[Place]:
        """Every shown place in torch's order."""

    def shows(self, at: Place, /) -> bool:
        """Whether a place is drawn."""

    def center(self, at: Place, /) -> np.ndarray:
        """The middle of a place, also of one in the padding."""

    def outline(self, first: Place, last: Place, grow: float = 0.0) -> np.ndarray:
        """The path round a block of cells, one in each of its slices."""

    def value(self, at: Place, /) -> float:
        """The element at a place."""

    def text(self, at: Place, /) -> str:
        """The element as drawn."""

    def fill(self, at: Place, /) -> str:
        """The colour of a written cell."""

    def write(self, at: Place, /, start: Point | None = None) -> list[Animation]:
        """A cell takes its colour and its number, which flies in from `start`; nothing if it is not shown."""

    def paint(self, at: Place, /, fill: str) -> list[Animation]:
        """A cell's colour changes; nothing if it is not shown."""

    def caption(self, text: str, size: float = NAME_TEXT, color: str | None = None) -> Text:
        """A label centred above, muted unless coloured."""
