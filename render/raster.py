"""Paints the display list into a frame, again and again, only where something changed.

A `Raster` belongs to one `View`. It keeps, for each item, the shape it painted last and the pixels that took. When
items change, the rectangles around their old and new pixels are painted again, with all that lies there, in order.

Cairo's antialiasing of a pixel depends on everything else in its row of the same path, so cutting a path off at the
sides of a rectangle would change pixels inside it a little. So items are painted over the whole width of the rows, on a
canvas beside the frame, and only the rectangle is copied from there: the frame is what a full repaint would give.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from manim import Mobject

from torchreel.render.areas import NOWHERE, cut, longest_rising, merge
from torchreel.render.canvas import Canvas, Path, path_of
from torchreel.render.display import DisplayList, Item, Shape
from torchreel.render.outline import strips
from torchreel.render.settings import Rect, View

ForeignPainter = Callable[[Mobject, np.ndarray], None]
"""Draws a mobject that the display list cannot describe into a picture (H, W, 4)."""


@dataclass(eq=False, slots=True)
class Sprite:
    """What one item looked like when it was last taken in, and the pixels that takes.

    `box` is around all of it; `parts` together cover every pixel that it marks.
    """

    item: Item
    shape: Shape | None = None
    path: Path | None = None
    box: Rect = NOWHERE
    parts: Sequence[Rect] = ()


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
        self._background: tuple[int, ...] = ()
        self._canvas = Canvas(view, frame_width)
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
        for rect in rects:
            self._repaint(rect)
        return rects

    def repaint(self, background: tuple[int, ...]) -> None:
        """Paint everything again, as it was when last adopted."""
        self._background = background
        self._repaint(self.view.whole)

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
        old_order, old, old_rank = self._order, self._sprites, self._rank
        self._order = [old.get(item.mobject) or Sprite(item) for item in display.order]
        for sprite, item in zip(self._order, display.order, strict=True):
            if sprite.shape is None or sprite.item is not item:
                sprite.item = item
                self._pending[item.mobject] = None
        self._sprites = {sprite.item.mobject: sprite for sprite in self._order}
        self._rank = {sprite: rank for rank, sprite in enumerate(self._order)}
        before = np.array([old_rank.get(sprite, -1) for sprite in self._order], np.int64)
        self._boxes = np.vstack([self._boxes, NOWHERE])[before]
        gone = [sprite for sprite in old_order if sprite not in self._rank]
        stayed = [self._rank[sprite] for sprite in old_order if sprite in self._rank]
        moved = gone + [self._order[rank] for rank in _out_of_order(stayed)]
        return [part for sprite in moved for part in sprite.parts]

    def _take(self, sprite: Sprite) -> list[Rect]:
        shape, before = sprite.item.shape, sprite.shape
        if shape is None or (before is not None and before.key == shape.key):
            return []
        old_parts = sprite.parts
        sprite.shape = shape
        if before is None or before.curves is not shape.curves:
            sprite.path = path_of(shape.curves) if shape.curves is not None else None
        if before is None or not _same_outline(before, shape):
            sprite.box = self._box_of(sprite, shape)
            sprite.parts = self._parts_of(sprite.box, shape)
            self._boxes[self._rank[sprite]] = sprite.box
        return [*old_parts, *sprite.parts]

    def _box_of(self, sprite: Sprite, shape: Shape) -> Rect:
        if shape.foreign:
            return self.view.whole
        if sprite.path is None or not shape.visible:
            return NOWHERE
        return self._canvas.reach(sprite.path, shape.widest)

    def _parts_of(self, box: Rect, shape: Shape) -> list[Rect]:
        boxes = strips(shape)
        if boxes is None:
            return [box]
        return [cut(self._canvas.covered(*strip), box) for strip in boxes.tolist()]

    def _repaint(self, rect: Rect) -> None:
        x0, y0, x1, y1 = rect
        pixels, touched = self._canvas.pixels, self._touched(rect)
        pixels[y0:y1, x0:x1] = self._background
        with self._canvas.rows(*self._rows(rect, touched)):
            for sprite in touched:
                self._draw(sprite)
        self.frame[y0:y1, x0:x1] = pixels[y0:y1, x0:x1]

    def _rows(self, rect: Rect, touched: Sequence[Sprite]) -> tuple[int, int]:
        """The rows to paint: those of the rectangle, and all rows of gradients, which cairo rounds by their extent."""
        boxes = [
            rect,
            *(sprite.box for sprite in touched if sprite.shape is not None and sprite.shape.blends),
        ]
        top, bottom = min(box[1] for box in boxes), max(box[3] for box in boxes)
        return max(top, 0), min(bottom, self.view.height)

    def _touched(self, rect: Rect) -> list[Sprite]:
        x0, y0, x1, y1 = rect
        boxes = self._boxes
        hit = (boxes[:, 0] < x1) & (boxes[:, 2] > x0) & (boxes[:, 1] < y1) & (boxes[:, 3] > y0)
        touched = [self._order[rank] for rank in np.flatnonzero(hit).tolist()]
        self.drawn += len(touched)
        return touched

    def _draw(self, sprite: Sprite) -> None:
        if sprite.path is not None and sprite.shape is not None:
            self._canvas.draw(sprite.path, sprite.shape.layers)
        elif sprite.shape is not None and sprite.shape.foreign:
            self._foreign(sprite.item.mobject, self._canvas.pixels)


def _same_outline(a: Shape, b: Shape) -> bool:
    return a.curves is b.curves and not a.foreign and a.visible == b.visible and a.pen == b.pen


def _out_of_order(ranks: Sequence[int]) -> list[int]:
    """The fewest ranks whose removal leaves the rest rising: what really moved in the drawing order."""
    if all(a < b for a, b in pairwise(ranks)):
        return []
    kept = set(longest_rising(ranks))
    return [rank for rank in ranks if rank not in kept]
