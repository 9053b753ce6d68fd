"""The nouns of a gated cell: vectors that show a sample of a long axis, operation nodes, wires that light up, cursors.

Positions and sizes are scene units; indices are those of the trace's tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from manim import Animation, Mobject, VGroup
from manim.utils.rate_functions import ease_in_out_cubic

from torchreel.scenes.parts.grid import Cell, Cells, Grid
from torchreel.scenes.parts.look import MIN_TEXT, Look
from torchreel.scenes.parts.motion import Appear, Paint, Vanish
from torchreel.scenes.parts.shapes import Box, Disc, Path, Point, Shape, as_point, polyline
from torchreel.scenes.parts.text import Text
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

Slots = Sequence[int | None]
_HOP, _HEAD = 0.1, 0.13


def sample(size: int, most: int) -> tuple[int | None, ...]:
    """The positions of an axis to show: all of them, or the first ones, a gap (None) and the last."""
    if size <= most:
        return tuple(range(size))
    return (*range(most - 2), None, size - 1)


class Sampled(Grid):
    """A grid whose rows and columns stand for chosen positions of a tensor; a gap is drawn as dots.

    `element` gives the tensor index of a row's and a column's position.
    """

    def __init__(
        self,
        look: Look,
        trace: Trace,
        tensor: str,
        rows: Slots,
        cols: Slots,
        element: Callable[[int, int], Index],
        size: tuple[float, float, float],
        center: Point,
        *,
        blank: bool = False,
        scale: float | None = None,
    ) -> None:
        self.row_slots, self.col_slots, self.element = rows, cols, element
        width, height, text_size = size
        cells = Cells(width, height, text_size, len(rows), len(cols))
        super().__init__(
            look, trace, tensor, (), cells, center, index=self._element, blank=blank, scale=scale
        )
        self.add(*self._gaps())

    def positions(self) -> Iterator[Cell]:
        for i, row in enumerate(self.row_slots):
            for j, col in enumerate(self.col_slots):
                if row is not None and col is not None:
                    yield i, j

    def write_all(self) -> list[Animation]:
        """Every blank cell takes its value."""
        blank = [cell for cell in self.positions() if cell not in self.numbers]
        return [move for cell in blank for move in self.write(cell)]

    def everything(self) -> list[Mobject]:
        """The grid and the numbers written on it since, which the scene holds beside it."""
        own = set(self.submobjects)
        return [self, *(number for number in self.numbers.values() if number not in own)]

    def around(self, cell: Cell | None = None, grow: float = 0.0) -> np.ndarray:
        """The outline of one cell, or of everything."""
        last = (self.cells.rows - 1, self.cells.cols - 1)
        return self.outline(cell or (0, 0), cell or last, grow, 0.05)

    def _element(self, cell: Cell) -> Index:
        row, col = self.row_slots[cell[0]], self.col_slots[cell[1]]
        assert row is not None and col is not None
        return self.element(row, col)

    def _gaps(self) -> Iterator[Shape]:
        gap_row, gap_col = None in self.row_slots, None in self.col_slots
        if gap_row:
            for j, col in enumerate(self.col_slots):
                if col is not None:
                    yield self._dots(self.center((list(self.row_slots).index(None), j)), (0.0, 1.0))
        if gap_col:
            for i, row in enumerate(self.row_slots):
                if row is not None:
                    yield self._dots(self.center((i, list(self.col_slots).index(None))), (1.0, 0.0))

    def _dots(self, center: np.ndarray, along: tuple[float, float]) -> Shape:
        step = as_point(along) * min(0.11, self.cells.height / 3.4, self.cells.width / 3.4)
        discs = [Disc(0.022, center + step * k).points for k in (-1, 0, 1)]
        return Shape(np.concatenate(discs), fill=self.look.theme.muted)


@dataclass(frozen=True)
class Route:
    """Where a wire runs: its corners, the colour it takes when a value passes, where it hops over another wire."""

    corners: tuple[tuple[float, float], ...]
    color: str
    width: float = 2.4
    head: bool = False
    hops: tuple[float, ...] = field(default=())


def during(start: float, end: float) -> Callable[[float], float]:
    """A rate function that does everything between two shares of an animation's time, smoothly.

    What changes a large area does so in few frames, and one thing can follow another within a beat.
    """

    def rate(time: float) -> float:
        return float(ease_in_out_cubic(min(1.0, max(0.0, (time - start) / (end - start)))))

    return rate


def paced(animations: Iterable[Animation], start: float, end: float) -> list[Animation]:
    """The same animations, between two shares of their time."""
    found = list(animations)
    for animation in found:
        animation.rate_func = during(start, end)
    return found


class Wire(VGroup):
    """A line that is calm until a value passes; `light` colours it, `rest` calms it again."""

    def __init__(self, look: Look, route: Route) -> None:
        self.route, self.calm = route, look.theme.line
        corners = [as_point(corner) for corner in route.corners]
        self.line = Shape(_wire_points(corners, route.hops), stroke=self.calm, stroke_width=route.width)
        super().__init__(self.line)
        self.head: Shape | None = None
        if route.head:
            self.head = Shape(_head(corners[-2], corners[-1]), fill=self.calm)
            self.add(self.head)

    def light(self) -> list[Animation]:
        return self._paint(self.route.color)

    def rest(self) -> list[Animation]:
        return self._paint(self.calm)

    def _paint(self, color: str) -> list[Animation]:
        line: list[Animation] = [Paint(self.line, stroke=color)]
        return line if self.head is None else [*line, Paint(self.head, fill=color)]


class Node(VGroup):
    """A circle with `×` or `+`: two values meet and become one."""

    def __init__(self, look: Look, sign: str, center: Point, radius: float = 0.17) -> None:
        theme, at, arm = look.theme, as_point(center), radius * 0.5
        ways = [(1.0, 1.0), (1.0, -1.0)] if sign == "×" else [(1.25, 0.0), (0.0, 1.25)]
        arms = [polyline([at - as_point(way) * arm, at + as_point(way) * arm]) for way in ways]
        super().__init__(
            Disc(radius, at, fill=theme.background, stroke=theme.muted, stroke_width=2.0),
            Shape(np.concatenate(arms), stroke=theme.text, stroke_width=2.2),
        )


class Pill(VGroup):
    """A function on a wire: its name in a rounded frame."""

    def __init__(self, look: Look, name: str, center: Point, width: float = 0.68) -> None:
        theme = look.theme
        super().__init__(
            Box(width, 0.34, center, 0.17, fill=theme.background, stroke=theme.muted, stroke_width=1.8),
            Text(name, MIN_TEXT, theme.text, "mono").place(tuple(center)),
        )


class Cursors:
    """Accent outlines round whatever is active."""

    def __init__(self, look: Look) -> None:
        self.look = look
        self.shapes: list[Shape] = []

    def on(self, *outlines: np.ndarray) -> list[Animation]:
        """Outline these places, and no others."""
        gone = [Vanish(shape) for shape in self.shapes]
        self.shapes = [self._shape(to) for to in outlines]
        return paced([*gone, *(Appear(shape) for shape in self.shapes)], 0, 0.5)

    def _shape(self, points: np.ndarray) -> Shape:
        return Shape(points, stroke=self.look.theme.accent, stroke_width=3.4, z_index=2)


def bracket(x: float, top: float, bottom: float, color: str) -> Path:
    """A vertical bar beside the rows that belong together."""
    return Path([(x, top), (x, bottom)], color, 4.0)


def _wire_points(corners: list[np.ndarray], hops: tuple[float, ...]) -> np.ndarray:
    """The path through corners; on horizontal stretches it hops over the wires crossing at the `hops`' x."""
    pieces = []
    for start, end in pairwise(corners):
        crossed = [x for x in hops if start[1] == end[1] and start[0] < x < end[0]]
        at = start
        for x in crossed:
            pieces += [polyline([at, (x - _HOP, start[1])]), _arc(x, start[1])]
            at = as_point((x + _HOP, start[1]))
        pieces.append(polyline([at, end]))
    return np.concatenate(pieces)


def _arc(x: float, y: float) -> np.ndarray:
    up = y + _HOP * 4 / 3
    return np.array([(x - _HOP, y, 0), (x - _HOP, up, 0), (x + _HOP, up, 0), (x + _HOP, y, 0)], dtype=float)


def _head(before: np.ndarray, tip: np.ndarray) -> np.ndarray:
    along = (tip - before) / (np.linalg.norm(tip - before) or 1.0)
    across = np.array([-along[1], along[0], 0.0]) * 0.55 * _HEAD
    base = tip - along * _HEAD
    return polyline([base + across, tip, base - across, base + across])
