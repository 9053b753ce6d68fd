"""The display list: what is on stage and how it changes, in scene units.

A scene's mobjects become items in drawing order; each item holds its current `Shape`, a frozen description of curves
and paints. `DisplayList.arrange` takes in a new order, `DisplayList.refresh` reads mobjects again and says which of
them look different. Nothing here knows of pixels: whoever draws (a rasteriser, later perhaps an SVG writer) reads the
items and is told what changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from typing import Any

import numpy as np
from manim import Mobject, PMobject, VMobject
from manim.constants import CapStyleType, LineJointType
from manim.mobject.types.image_mobject import AbstractImageMobject

from torchreel.scenes.parts.mark import Mark

RGBA = tuple[float, float, float, float]
_RELATIVE_TOLERANCE = 1e-5
_EMPTY = (b"",)
_JOINS = {kind: kind.name.lower() for kind in LineJointType}
_CAPS = {kind: kind.name.lower() for kind in CapStyleType}


@dataclass(frozen=True, slots=True)
class Gradient:
    """Colours evenly spread along the line from `start` to `end` (x, y)."""

    start: tuple[float, float]
    end: tuple[float, float]
    colors: tuple[RGBA, ...]


Paint = RGBA | Gradient


@dataclass(frozen=True, slots=True)
class Fill:
    """The inside of the curves, by the non-zero winding rule."""

    paint: Paint


@dataclass(frozen=True, slots=True)
class Stroke:
    """A line along the curves, `width` in scene units; `join` and `cap` are Manim's names in lower case."""

    paint: Paint
    width: float
    join: str
    cap: str


class Curves:
    """Cubic Bézier curves that make up subpaths.

    `controls` (n, 4, 2); `starts` (n,) marks the first curve of each subpath, `ends` (n,) the last one, and `closed`
    (n,) the last one of each closed subpath.
    """

    def __init__(self, points: np.ndarray, tolerance: float) -> None:
        self.controls = points[:, :2].reshape(-1, 4, 2).copy()
        first, last = self.controls[:, 0], self.controls[:, 3]
        if (last[:-1] == first[1:]).all():  # most paths are of one piece, which is seen without any tolerance
            self.starts, self.ends = _ends_only(len(first), 0), _ends_only(len(first), -1)
        else:
            self.starts = np.ones(len(first), bool)
            self.starts[1:] = ~_close(last[:-1], first[1:], tolerance)
            self.ends = np.append(self.starts[1:], True)
        self.closed = np.zeros(len(first), bool)
        self.closed[self.ends] = _close(first[self.starts], last[self.ends], tolerance)


@cache
def _ends_only(count: int, end: int) -> np.ndarray:
    """A mark on the first curve of so many (`end` 0) or on the last one (-1)."""
    marks = np.zeros(count, bool)
    marks[end] = True
    marks.flags.writeable = False
    return marks


def _close(a: np.ndarray, b: np.ndarray, tolerance: float) -> np.ndarray:
    """Manim's rule for equal points (`VMobject.consider_points_equals_2d`), on arrays (n, 2)."""
    near: np.ndarray = (np.abs(a - b) <= tolerance + _RELATIVE_TOLERANCE * np.abs(b)).all(axis=1)
    return near


@dataclass(frozen=True, eq=False)
class Shape:
    """How one mobject looks: layers painted one after another along the same curves.

    Two shapes with equal `key` look the same. A `foreign` shape is one that this module cannot describe (a picture, a
    point cloud); it may reach anywhere.
    """

    key: tuple[Any, ...]
    curves: Curves | None = None
    layers: tuple[Fill | Stroke, ...] = ()
    foreign: bool = False

    @property
    def visible(self) -> bool:
        """Whether it leaves any mark."""
        return self.foreign or (self.curves is not None and bool(self.layers))

    @cached_property
    def blends(self) -> bool:
        """Whether any paint is a gradient."""
        return any(isinstance(layer.paint, Gradient) for layer in self.layers)

    @cached_property
    def widest(self) -> Stroke | None:
        """The broadest of the strokes, which bounds the others."""
        strokes = [layer for layer in self.layers if isinstance(layer, Stroke)]
        return max(strokes, key=lambda stroke: stroke.width, default=None)

    @property
    def pen(self) -> tuple[float, str, str] | None:
        """Width, join and cap of the broadest stroke."""
        stroke = self.widest
        return (stroke.width, stroke.join, stroke.cap) if stroke is not None else None


@dataclass(eq=False, slots=True)
class Item:
    """A mobject on stage and its shape when it was last looked at. A `mark` says itself whether it has changed."""

    mobject: Mobject
    z_index: float
    is_vector: bool = True
    is_mark: bool = False
    shape: Shape | None = None


@dataclass
class DisplayList:
    """The items on stage, in the order they are drawn. `version` counts the changes of that order."""

    line_width: float = 0.01
    order: list[Item] = field(default_factory=list)
    version: int = 0
    looked_at: int = 0
    _items: dict[Mobject, Item] = field(default_factory=dict)
    _family: list[Mobject] = field(default_factory=list)
    _depths: list[float] = field(default_factory=list)

    @property
    def members(self) -> Sequence[Mobject]:
        """Everything that was on stage when it was last arranged, groups included."""
        return self._family

    def arrange(self, family: Sequence[Mobject]) -> list[Item]:
        """Take in what is on stage: every member of every family, in drawing order before z_index.

        Returns the items that are new and have no shape yet.
        """
        depths = [mobject.z_index for mobject in family]
        if family == self._family and depths == self._depths:
            return []
        self._family, self._depths = list(family), depths
        self.order = sorted(self._items_for(family), key=_z_index)
        self._items = {item.mobject: item for item in self.order}
        self.version += 1
        return [item for item in self.order if item.shape is None]

    def _items_for(self, family: Iterable[Mobject]) -> Iterator[Item]:
        for mobject in family:
            item = self._items.get(mobject)
            if item is not None:
                item.z_index = mobject.z_index
                yield item
            elif isinstance(mobject, VMobject | AbstractImageMobject | PMobject):
                yield Item(mobject, mobject.z_index, isinstance(mobject, VMobject), isinstance(mobject, Mark))

    def items_of(self, family: Iterable[Mobject]) -> list[Item]:
        """The items on stage of some mobjects."""
        found = map(self._items.get, family)
        return [item for item in found if item is not None]

    def refresh(self, items: Sequence[Item], closely: bool = True) -> list[Item]:
        """Look at some items again; returns those that look different now.

        Unless `closely`, marks that are steady are passed over: their looks have not been set since.
        """
        if not closely:
            items = [item for item in items if not (item.is_mark and item.shape and item.mobject.steady)]
        self.looked_at += len(items)
        changed = []
        for item in items:
            shape = item.shape
            if item.is_mark:
                item.mobject.steady = True
            key = _look(item.mobject) if item.is_vector else _look_of_pixels(item.mobject)
            if shape is None or key != shape.key:
                item.shape = self._describe(item.mobject, key, shape)
                changed.append(item)
        return changed

    def _describe(self, mobject: Mobject, key: tuple[Any, ...], before: Shape | None) -> Shape:
        if _is_foreign(mobject):
            return Shape(key, foreign=True)
        curves = before.curves if before and before.key[0] == key[0] else _curves(mobject)
        return Shape(key, curves, tuple(self._layers(mobject)) if curves else ())

    def _layers(self, mobject: VMobject) -> list[Fill | Stroke]:
        layers: list[Fill | Stroke] = []
        if behind := self._stroke(mobject, mobject.background_stroke_width, mobject.background_stroke_rgbas):
            layers.append(behind)
        if paint := _paint(mobject, mobject.fill_rgbas):
            layers.append(_fill(paint))
        if stroke := self._stroke(mobject, mobject.stroke_width, mobject.stroke_rgbas):
            layers.append(stroke)
        return layers

    def _stroke(self, mobject: VMobject, width: float, rgbas: np.ndarray) -> Stroke | None:
        width = float(width)
        paint = _paint(mobject, rgbas) if width > 0 else None
        if paint is None:
            return None
        return _line(paint, width * self.line_width, _JOINS[mobject.joint_type], _CAPS[mobject.cap_style])


# A clip has thousands of objects and few ways to paint them.
_fill = lru_cache(maxsize=4096)(Fill)
_line = lru_cache(maxsize=4096)(Stroke)


def _z_index(item: Item) -> float:
    return item.z_index


def _is_foreign(mobject: Mobject) -> bool:
    return not isinstance(mobject, VMobject) or bool(mobject.background_image)


def _look(mobject: VMobject) -> tuple[Any, ...]:
    """Everything that a mobject's looks depend on, as values that compare fast. The first is its points."""
    points = mobject.points
    if not len(points):
        return _EMPTY
    fill, width, width_behind = mobject.fill_rgbas, mobject.stroke_width, mobject.background_stroke_width
    stroke = mobject.stroke_rgbas if width else fill
    behind = mobject.background_stroke_rgbas if width_behind else fill
    look = (
        points.tobytes(),
        fill.tobytes(),
        width and (width, stroke.tobytes()),
        width_behind and (width_behind, behind.tobytes()),
        mobject.joint_type,
        mobject.cap_style,
        mobject.background_image,
    )
    if len(fill) == len(stroke) == len(behind) == 1:
        return look
    return (*look, *(tuple(point) for point in mobject.get_gradient_start_and_end_points()))


def _look_of_pixels(mobject: Mobject) -> tuple[Any, ...]:
    pixels = mobject.get_pixel_array() if isinstance(mobject, AbstractImageMobject) else mobject.rgbas
    detail = getattr(mobject, "resampling_algorithm", None), getattr(mobject, "stroke_width", None)
    return (mobject.points.tobytes(), pixels.tobytes(), *detail)


def _curves(mobject: VMobject) -> Curves | None:
    points = mobject.points
    whole = len(points) // 4 * 4
    if whole == 0 or not np.isfinite(points).all():
        return None
    return Curves(points[:whole], mobject.tolerance_for_point_equality)


def _paint(mobject: VMobject, rgbas: np.ndarray) -> Paint | None:
    """The colour or gradient, None if it cannot be seen."""
    colors = tuple(map(tuple, rgbas.tolist()))
    if len(colors) == 1:
        return colors[0] if colors[0][3] else None
    if not any(color[3] for color in colors):
        return None
    (x0, y0, _), (x1, y1, _) = (point.tolist() for point in mobject.get_gradient_start_and_end_points())
    return Gradient((x0, y0), (x1, y1), colors)
