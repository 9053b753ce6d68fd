"""Marks on the canvas of a padding: mirrors, repeated edges, seams between copies, and arrows from source to border."""

from __future__ import annotations

from typing import Any

import numpy as np
from manim import Mobject, VGroup

from torchreel.scenes.padding.axes import CIRCULAR, CONSTANT, REFLECT, Axis, PaddingGeometry
from torchreel.scenes.padding.canvas import PaddingPlane
from torchreel.scenes.parts.desk import Desk
from torchreel.scenes.parts.motion import Fly
from torchreel.scenes.parts.shapes import Arrow, Point, polyline

_BEYOND = 0.1
_DASH = 0.16
_NUMBER_HEIGHT = 0.9
_ARC_LOW, _ARC_HIGH = 0.25, 0.6
_TIP = 0.15
_MARK, _ARC = 4, 3.5


class Hop(Fly):
    """Objects appear at `start` and fly in an arc, `lift` high, to where they stand."""

    def __init__(self, *mobjects: Mobject, start: Point, lift: float, **kwargs: Any) -> None:
        super().__init__(*mobjects, start=start, **kwargs)
        self.lift = np.array([0.0, lift, 0.0])

    def interpolate_mobject(self, alpha: float) -> None:
        super().interpolate_mobject(alpha)
        along = self.rate_func(min(1.0, alpha))
        if 0 < along < 1:
            for member, *_ in self._changes:
                member.points = member.points + self.lift * 4 * along * (1 - along)


def turning_points(desk: Desk, canvas: PaddingPlane, size: PaddingGeometry, axis: Axis) -> VGroup:
    """Where the values of a padded axis turn round or begin again; nothing where it has no border."""
    before, after = axis.borders()
    if size.mode == CONSTANT or not (before or after):
        return VGroup()
    edges = ([0] if before else []) + ([axis.size - 1] if after else [])
    if size.mode == REFLECT:
        paths = [_mirror(canvas, axis, at) for at in edges if _place(canvas, axis, at) is not None]
    elif size.mode == CIRCULAR:
        paths = [_seam(canvas, axis, at) for at in (axis.first, axis.end)]
    else:
        paths = [_edge(canvas, size, axis, at) for at in edges]
    return VGroup(*(desk.frame(path, _MARK) for path in paths))


def arc_height(canvas: PaddingPlane, source: int, target: int) -> float:
    """How high an arrow between two columns rises: the farther they are apart, the higher."""
    reach = abs(target - source) / max(1, canvas.cells.cols)
    return canvas.cells.height * (_ARC_LOW + _ARC_HIGH * min(1.0, reach))


def arc(desk: Desk, canvas: PaddingPlane, row: int, source: int, target: int, up: float) -> VGroup:
    """An arrow over (`up` > 0) or under the cells of a row; `up` scales its height."""
    start, end = canvas.place(row, source), canvas.place(row, target)
    if start is None or end is None:
        return VGroup()
    sign = np.sign(up)
    high = np.array([0.0, up * arc_height(canvas, source, target) * 4 / 3, 0.0])
    rim = np.array([0.0, sign * (canvas.cells.height / 2 + 0.03), 0.0])
    tip = np.array([0.0, sign * _TIP, 0.0])
    start, end = start + rim, end + rim
    path = np.array([start, start + high, end + tip + high, end + tip])
    head = Arrow([end + tip, end], desk.look.theme.accent, _ARC, 0.14)
    return VGroup(desk.frame(path, _ARC, z_index=3), head)


def _place(canvas: PaddingPlane, axis: Axis, at: int) -> float | None:
    """Where the middle of a position lies along an axis; None where it is left out."""
    slots = canvas.row_slots if axis.number else canvas.col_slots
    if at not in slots:
        return None
    cell = (slots.index(at), 0) if axis.number else (0, slots.index(at))
    return float(canvas.center(cell)[1 if axis.number else 0])


def _mirror(canvas: PaddingPlane, axis: Axis, at: int) -> np.ndarray:
    """A line through the middle of an edge row or column, in dashes that leave the numbers free."""
    cells, place = canvas.cells, _place(canvas, axis, at)
    assert place is not None
    if axis.number:
        step, count, text = cells.width, cells.cols, canvas.text_width
    else:
        step, count, text = -cells.height, cells.rows, cells.text_size * _NUMBER_HEIGHT
    half = max(0.03, (abs(step) - text) / 2 - 0.04) * np.sign(step)
    beyond = _BEYOND * np.sign(step)
    start = float(canvas.origin[0 if axis.number else 1])
    spans = []
    for k in range(count + 1):
        middle = start + k * step
        spans.append((middle - (half if k else beyond), middle + (half if k < count else beyond)))
    return np.concatenate([_line(axis, place, low, high) for low, high in spans])


def _seam(canvas: PaddingPlane, axis: Axis, at: int) -> np.ndarray:
    """A dashed line across the whole canvas before a row or column, where one copy of the input ends."""
    place = canvas.edge_y(at) if axis.number else canvas.edge_x(at)
    cells, start = canvas.cells, canvas.origin
    low, high = (
        (start[0], start[0] + cells.cols * cells.width)
        if axis.number
        else (start[1], start[1] - cells.rows * cells.height)
    )
    sign = np.sign(high - low)
    low, high = low - sign * _BEYOND, high + sign * _BEYOND
    count = max(1, round(abs(high - low) / (2 * _DASH)))
    cuts = np.linspace(low, high, 2 * count)
    return np.concatenate([_line(axis, place, cuts[2 * k], cuts[2 * k + 1]) for k in range(count)])


def _edge(canvas: PaddingPlane, size: PaddingGeometry, axis: Axis, at: int) -> np.ndarray:
    """The outline of the row or column that is repeated: of the input's own cells, or with the sides already added."""
    one, rows, cols = range(at, at + 1), range(size.rows.first, size.rows.end), size.cols.out_span
    return canvas.block(one, cols, -0.02) if axis.number else canvas.block(rows, one, -0.02)


def _line(axis: Axis, place: float, low: float, high: float) -> np.ndarray:
    """A straight piece along the rows or columns, at a place across them."""
    ends = [(low, place), (high, place)] if axis.number else [(place, low), (place, high)]
    return polyline(ends)
