"""Paints the display list into a frame with cairo, again and again, only where something changed.

A `Raster` belongs to one `View`. It keeps, for each item, the shape it painted last and the pixels that took; when
items change, the union of their old and new pixels is wiped and whatever lies there is painted again, in order. A full
repaint gives the very bytes that Manim's own camera gives; a clipped one differs by rounding at most.

Paths go to cairo as whole arrays (`cairo_append_path`), which costs one call where Manim makes one a curve.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from cairocffi import FORMAT_ARGB32, Context, ImageSurface, LinearGradient, Matrix, cairo, constants, ffi
from manim import Mobject

from torchreel.render.areas import NOWHERE, grow, longest_rising, merge
from torchreel.render.display import Curves, DisplayList, Fill, Gradient, Item, Paint, Shape, Stroke
from torchreel.render.settings import Rect, View

ForeignPainter = Callable[[Mobject, np.ndarray], None]
"""Draws a mobject that the display list cannot describe into a frame (H, W, 4)."""

_JOINS = {
    "auto": constants.LINE_JOIN_MITER,
    "miter": constants.LINE_JOIN_MITER,
    "round": constants.LINE_JOIN_ROUND,
    "bevel": constants.LINE_JOIN_BEVEL,
}
_CAPS = {
    "auto": constants.LINE_CAP_BUTT,
    "butt": constants.LINE_CAP_BUTT,
    "round": constants.LINE_CAP_ROUND,
    "square": constants.LINE_CAP_SQUARE,
}


def _header(kind: int, length: int) -> float:
    """The head of an element of cairo's path data: two C ints in the place of one double."""
    return float(np.array([kind, length], np.int32).view(np.float64)[0])


_MOVE = _header(constants.PATH_MOVE_TO, 2)
_CURVE = _header(constants.PATH_CURVE_TO, 4)
_CLOSE = _header(constants.PATH_CLOSE_PATH, 1)


class Path:
    """Curves as cairo's own path data, ready to be appended to any context."""

    def __init__(self, curves: Curves) -> None:
        self._rows = _path_rows(curves)
        self.pointer = ffi.new("cairo_path_t *")
        self.pointer.status = constants.STATUS_SUCCESS
        self.pointer.data = ffi.cast("cairo_path_data_t *", self._rows.ctypes.data)
        self.pointer.num_data = len(self._rows)


def _path_rows(curves: Curves) -> np.ndarray:
    """Rows of 16 bytes: a move to start each subpath, a curve each, a close where a subpath returns to its start."""
    starts, closed = curves.starts, curves.closed
    sizes = 4 + 2 * starts + closed
    after = np.cumsum(sizes)
    rows = np.empty((int(after[-1]), 2))
    moves = (after - sizes)[starts]
    rows[moves] = (_MOVE, 0.0)
    rows[moves + 1] = curves.controls[starts, 0]
    heads = after - 4 - closed
    rows[heads] = (_CURVE, 0.0)
    for step in (1, 2, 3):
        rows[heads + step] = curves.controls[:, step]
    rows[after[closed] - 1] = (_CLOSE, 0.0)
    return rows


_paths: WeakKeyDictionary[Curves, Path] = WeakKeyDictionary()


def _path_of(curves: Curves) -> Path:
    path = _paths.get(curves)
    if path is None:
        path = _paths[curves] = Path(curves)
    return path


@dataclass(eq=False, slots=True)
class Sprite:
    """What one item looked like when it was last painted, and the pixels that took."""

    item: Item
    shape: Shape | None = None
    box: Rect = NOWHERE
    path: Path | None = None


class Raster:
    """The frame of one view and what is on it.

    `frame_width` is in scene units. `frame` (H, W, 4) uint8 is RGBA and always shows what was painted last;
    `drawn` counts the items painted so far.
    """

    def __init__(self, view: View, frame_width: float, foreign: ForeignPainter) -> None:
        self.view = view
        self.frame = np.zeros((view.height, view.width, 4), np.uint8)
        self.drawn = 0
        self._foreign = foreign
        self._background: tuple[int, ...] | None = None
        self._surface = ImageSurface.create_for_data(
            memoryview(self.frame.reshape(-1)), FORMAT_ARGB32, view.width, view.height, view.width * 4
        )
        self._context = Context(self._surface)
        self._to_pixels = _matrix(view, frame_width)
        self._context.set_matrix(self._to_pixels)
        self._ctx = self._context._pointer
        self._extents = [ffi.new("double *") for _ in range(4)]
        self._version = -1
        self._sprites: dict[Mobject, Sprite] = {}
        self._order: list[Sprite] = []
        self._rank: dict[Sprite, int] = {}
        self._boxes = np.zeros((0, 4), np.int64)
        self._pending: dict[Mobject, None] = {}

    def note(self, changed: Iterable[Item]) -> None:
        """Remember items that look different now, to be painted with the next `paint`."""
        for item in changed:
            self._pending[item.mobject] = None

    def paint(self, display: DisplayList, background: tuple[int, ...]) -> list[Rect]:
        """Bring the frame up to date; returns the rectangles that were painted, empty if nothing changed."""
        dirty = self.adopt(display)
        if background != self._background:
            self._background = background
            dirty = [self.view.whole]
        rects = merge(dirty, self.view.whole)
        if rects:
            self._repaint(rects)
        return rects

    def repaint(self, background: tuple[int, ...]) -> None:
        """Paint everything again, as it was when last adopted."""
        self._background = background
        self._repaint([self.view.whole])

    def adopt(self, display: DisplayList) -> list[Rect]:
        """Take in how the stage looks without painting it; returns the boxes that are out of date."""
        dirty: list[Rect] = []
        if display.version != self._version:
            dirty += self._arrange(display)
            self._version = display.version
        for mobject in self._pending:
            sprite = self._sprites.get(mobject)
            if sprite is not None:
                dirty += self._take(sprite)
        self._pending.clear()
        return dirty

    def _arrange(self, display: DisplayList) -> list[Rect]:
        old_order, old = self._order, self._sprites
        self._order = [old.get(item.mobject) or Sprite(item) for item in display.order]
        for sprite, item in zip(self._order, display.order, strict=True):
            if sprite.item is not item:
                sprite.item = item
                self._pending[item.mobject] = None
            elif sprite.shape is None:
                self._pending[item.mobject] = None
        self._sprites = {sprite.item.mobject: sprite for sprite in self._order}
        self._rank = {sprite: rank for rank, sprite in enumerate(self._order)}
        self._boxes = np.array([sprite.box for sprite in self._order], np.int64).reshape(-1, 4)
        gone = [sprite for sprite in old_order if sprite not in self._rank]
        stayed = [self._rank[sprite] for sprite in old_order if sprite in self._rank]
        return [sprite.box for sprite in gone] + [self._order[rank].box for rank in _out_of_order(stayed)]

    def _take(self, sprite: Sprite) -> list[Rect]:
        shape, before = sprite.item.shape, sprite.shape
        if shape is None or (before is not None and before.key == shape.key):
            return []
        old_box = sprite.box
        sprite.shape = shape
        sprite.path = _path_of(shape.curves) if shape.curves is not None else None
        if before is None or not _same_outline(before, shape):
            sprite.box = self._box_of(sprite)
            self._boxes[self._rank[sprite]] = sprite.box
        return [old_box, sprite.box]

    def _box_of(self, sprite: Sprite) -> Rect:
        shape = sprite.shape
        if shape is None or not shape.visible:
            return NOWHERE
        if shape.foreign:
            return self.view.whole if shape.bounds is None else grow(self._pixels(*shape.bounds), 3)
        self._trace(sprite)
        cairo.cairo_path_extents(self._ctx, *self._extents)
        box = self._pixels(*(value[0] for value in self._extents))
        if shape.widest is not None:
            self._set_stroke(shape.widest)
            cairo.cairo_stroke_extents(self._ctx, *self._extents)
            x0, y0, x1, y1 = self._pixels(*(value[0] for value in self._extents))
            box = (min(box[0], x0), min(box[1], y0), max(box[2], x1), max(box[3], y1))
        return grow(box, 2)

    def _pixels(self, x0: float, y0: float, x1: float, y1: float) -> Rect:
        """A box of scene units in whole pixels, cut off far outside the frame."""
        matrix, reach = self._to_pixels, 1 << 20
        edges = (
            matrix.xx * x0 + matrix.x0,
            matrix.yy * y1 + matrix.y0,
            matrix.xx * x1 + matrix.x0 + 1,
            matrix.yy * y0 + matrix.y0 + 1,
        )
        left, top, right, bottom = (int(min(max(edge, -reach), reach) // 1) for edge in edges)
        return left, top, right, bottom

    def _repaint(self, rects: Sequence[Rect]) -> None:
        for x0, y0, x1, y1 in rects:
            self.frame[y0:y1, x0:x1] = self._background
        self._surface.mark_dirty()
        with self._context:
            self._clip(rects)
            for rank in self._touched(rects):
                self._draw(self._order[rank], rects)
        self._surface.flush()

    def _clip(self, rects: Sequence[Rect]) -> None:
        if rects[0] == self.view.whole:
            return
        self._context.set_matrix(Matrix())
        self._context.new_path()
        for x0, y0, x1, y1 in rects:
            self._context.rectangle(x0, y0, x1 - x0, y1 - y0)
        self._context.clip()
        self._context.set_matrix(self._to_pixels)

    def _touched(self, rects: Sequence[Rect]) -> list[int]:
        boxes = self._boxes
        hit = np.zeros(len(boxes), bool)
        for x0, y0, x1, y1 in rects:
            hit |= (boxes[:, 0] < x1) & (boxes[:, 2] > x0) & (boxes[:, 1] < y1) & (boxes[:, 3] > y0)
        touched: list[int] = np.flatnonzero(hit).tolist()
        self.drawn += len(touched)
        return touched

    def _draw(self, sprite: Sprite, rects: Sequence[Rect]) -> None:
        shape = sprite.shape
        if shape is None:
            return
        if shape.foreign:
            self._draw_foreign(sprite.item.mobject, rects)
            return
        self._trace(sprite)
        for layer in shape.layers:
            self._set_source(layer.paint)
            if isinstance(layer, Fill):
                cairo.cairo_fill_preserve(self._ctx)
            else:
                self._set_stroke(layer)
                cairo.cairo_stroke_preserve(self._ctx)

    def _draw_foreign(self, mobject: Mobject, rects: Sequence[Rect]) -> None:
        self._surface.flush()
        scratch = self.frame.copy()
        self._foreign(mobject, scratch)
        for x0, y0, x1, y1 in rects:
            self.frame[y0:y1, x0:x1] = scratch[y0:y1, x0:x1]
        self._surface.mark_dirty()

    def _trace(self, sprite: Sprite) -> None:
        cairo.cairo_new_path(self._ctx)
        if sprite.path is not None:
            cairo.cairo_append_path(self._ctx, sprite.path.pointer)

    def _set_source(self, paint: Paint) -> None:
        """Set the colour, with red and blue changed over: the frame is RGBA where cairo has BGRA."""
        if isinstance(paint, Gradient):
            pattern = LinearGradient(*paint.start, *paint.end)
            for offset, (red, green, blue, alpha) in zip(
                np.linspace(0, 1, len(paint.colors)).tolist(), paint.colors, strict=True
            ):
                pattern.add_color_stop_rgba(offset, blue, green, red, alpha)
            self._context.set_source(pattern)
        else:
            red, green, blue, alpha = paint
            cairo.cairo_set_source_rgba(self._ctx, blue, green, red, alpha)

    def _set_stroke(self, stroke: Stroke) -> None:
        cairo.cairo_set_line_width(self._ctx, stroke.width)
        cairo.cairo_set_line_join(self._ctx, _JOINS[stroke.join])
        cairo.cairo_set_line_cap(self._ctx, _CAPS[stroke.cap])


def _matrix(view: View, frame_width: float) -> Matrix:
    """Scene units (y up, origin in the middle) to pixels, computed as Manim's camera does."""
    frame_height = frame_width / (view.width / view.height)
    return Matrix(
        view.width / frame_width, 0, 0, -(view.height / frame_height), view.width / 2, view.height / 2
    )


def _same_outline(a: Shape, b: Shape) -> bool:
    return a.curves is b.curves and not a.foreign and a.visible == b.visible and _pen(a) == _pen(b)


def _pen(shape: Shape) -> tuple[Any, ...]:
    stroke = shape.widest
    return (stroke.width, stroke.join, stroke.cap) if stroke is not None else ()


def _out_of_order(ranks: Sequence[int]) -> list[int]:
    """The fewest ranks whose removal leaves the rest rising: what really moved in the drawing order."""
    if all(a < b for a, b in zip(ranks, ranks[1:], strict=False)):
        return []
    kept = set(longest_rising(ranks))
    return [rank for rank in ranks if rank not in kept]
