"""Where elements of tensors stand on stage, found among what is drawn, whoever drew it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from manim import Mobject

from torchreel.scenes.parts.family import bounds, family
from torchreel.scenes.parts.frame import STAGE_BOTTOM
from torchreel.scenes.parts.grid import Grid
from torchreel.scenes.parts.mathtext import MathText
from torchreel.scenes.parts.number import Number
from torchreel.scenes.parts.text import Text
from torchreel.scenes.trace.formula import Index

Element = tuple[str, Index]
_AROUND = 0.09
_SAMPLES = 200


class Place(NamedTuple):
    """A rectangle of the stage (scene units)."""

    left: float
    bottom: float
    right: float
    top: float

    @property
    def size(self) -> float:
        """Its area."""
        return (self.right - self.left) * (self.top - self.bottom)


class Places:
    """The places of elements on a stage as it is now: their cell in a grid, else the room of their number.

    The numbers of the formula below the stage are no places.
    """

    def __init__(self, mobjects: Iterable[Mobject]) -> None:
        self._cells: dict[Element, Place] = {}
        self._numbers: dict[Element, Place] = {}
        self._everywhere: dict[Element, list[Place]] = {}
        for part in family(mobjects):
            if isinstance(part, Grid):
                self._take_grid(part)
            elif isinstance(part, Number) and len(part.points) and part.points[:, 1].min() > STAGE_BOTTOM:
                self._numbers.setdefault((part.tensor, tuple(part.index)), _around(part.points))

    def __getitem__(self, element: Element) -> Place | None:
        return self._cells.get(element) or self._numbers.get(element)

    def everywhere(self, element: Element) -> list[Place]:
        """All places of an element, which may stand in several grids."""
        found = self._everywhere.get(element)
        return found or ([self._numbers[element]] if element in self._numbers else [])

    def all(self) -> dict[Element, Place]:
        """Every element that is drawn."""
        return {**self._numbers, **self._cells}

    def of(self, elements: Iterable[Element]) -> dict[str, list[Place]]:
        """The places of those elements that are drawn, by tensor, each once."""
        found: dict[str, list[Place]] = {}
        for element in dict.fromkeys(elements):
            if (place := self[element]) is not None:
                found.setdefault(element[0], []).append(place)
        return found

    def _take_grid(self, grid: Grid) -> None:
        half, shape = np.array([grid.cells.width, grid.cells.height]) / 2, grid.trace.shape(grid.tensor)
        for cell in grid.positions():
            # A grid may have a rim that is no part of its tensor.
            if not all(0 <= at < n for at, n in zip(grid.index(cell), shape, strict=True)):
                continue
            middle = grid.center(cell)[:2]
            box = Place(*(middle - half).tolist(), *(middle + half).tolist())
            element = grid.tensor, tuple(grid.index(cell))
            self._cells.setdefault(element, box)
            self._everywhere.setdefault(element, []).append(box)


def labels_of(mobjects: Iterable[Mobject]) -> list[Place]:
    """Where texts stand that are no numbers in cells: lines keep clear of them."""
    texts = [
        part
        for part in family(mobjects)
        if isinstance(part, (Text, MathText)) and len(part.points) and part.text.strip()
    ]
    return [Place(*box) for box in bounds([one for one in texts if not isinstance(one, Number)])]


def crosses(start: np.ndarray, end: np.ndarray, labels: Sequence[Place]) -> bool:
    """Whether a straight line, its ends given as (x, y), runs through one of the labels."""
    if not labels:
        return False
    along = start + (end - start) * np.linspace(0, 1, _SAMPLES)[:, None]
    boxes = np.array(labels)
    x, y = along[:, :1], along[:, 1:]
    inside = (boxes[:, 0] < x) & (x < boxes[:, 2]) & (boxes[:, 1] < y) & (y < boxes[:, 3])
    return bool(inside.any())


def around(places: Sequence[Place]) -> Place:
    """The smallest rectangle that holds all places."""
    low, high = np.array(places)[:, :2].min(0), np.array(places)[:, 2:].max(0)
    return Place(*low.tolist(), *high.tolist())


def is_block(places: Sequence[Place]) -> bool:
    """Whether places fill the rectangle round them."""
    return around(places).size <= 1.02 * sum(place.size for place in places)


def _around(points: np.ndarray) -> Place:
    low, high = points[:, :2].min(0) - _AROUND, points[:, :2].max(0) + _AROUND
    return Place(*low.tolist(), *high.tolist())
