"""Arithmetic of pixel rectangles and drawing orders, for the rasteriser."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from torchreel.render.settings import Rect

NOWHERE: Rect = (0, 0, 0, 0)
_MANY = 48
_SLACK = 1.25
_SMALL = 1024


def hull(a: Rect, b: Rect) -> Rect:
    """The smallest rectangle around both."""
    return (min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3]))


def cut(rect: Rect, frame: Rect) -> Rect:
    """The part of a rectangle inside the frame; it may be empty, with x1 <= x0 or y1 <= y0."""
    return (max(rect[0], frame[0]), max(rect[1], frame[1]), min(rect[2], frame[2]), min(rect[3], frame[3]))


def merge(rects: Iterable[Rect], frame: Rect) -> list[Rect]:
    """Few rectangles that cover all the given ones inside the frame.

    Two become one where their hull is hardly larger than both. If the whole frame is among them it is the only one.
    """
    inside = {
        part for part in (cut(rect, frame) for rect in rects) if part[0] < part[2] and part[1] < part[3]
    }
    waiting = _in_runs(sorted(inside, key=_reading_order))
    if len(waiting) > _MANY:
        waiting = _in_tiles(waiting, frame)
    merged: list[Rect] = []
    while waiting:
        rect = waiting.pop()
        partner = _partner(rect, waiting)
        if partner is None:
            merged.append(rect)
        else:
            waiting[partner] = hull(rect, waiting[partner])
    return [frame] if frame in merged else merged


def _reading_order(rect: Rect) -> Rect:
    x0, y0, x1, y1 = rect
    return (y0, x0, y1, x1)


def _partner(rect: Rect, others: Sequence[Rect]) -> int | None:
    """The first of `others` that `rect` may become one with. Written out, as it is asked most often."""
    x0, y0, x1, y1 = rect
    own = (x1 - x0) * (y1 - y0)
    for index, (a0, b0, a1, b1) in enumerate(others):
        width = (a1 if a1 > x1 else x1) - (a0 if a0 < x0 else x0)
        height = (b1 if b1 > y1 else y1) - (b0 if b0 < y0 else y0)
        if width * height <= _SLACK * (own + (a1 - a0) * (b1 - b0)) + _SMALL:
            return index
    return None


def _in_runs(rects: Iterable[Rect]) -> list[Rect]:
    """Join each rectangle to the one before where that costs little, as with the cells of a row."""
    runs: list[Rect] = []
    for rect in rects:
        if runs and _partner(rect, runs[-1:]) is not None:
            runs[-1] = hull(rect, runs[-1])
        else:
            runs.append(rect)
    return runs


def _in_tiles(rects: Iterable[Rect], frame: Rect) -> list[Rect]:
    """Join many rectangles by the tile of an 8 x 8 tiling that their centre lies in, so that few remain."""
    width, height = max(1, (frame[2] - frame[0]) // 8), max(1, (frame[3] - frame[1]) // 8)
    tiles: dict[tuple[int, int], Rect] = {}
    for rect in rects:
        tile = ((rect[0] + rect[2]) // 2 // width, (rect[1] + rect[3]) // 2 // height)
        tiles[tile] = hull(rect, tiles[tile]) if tile in tiles else rect
    return list(tiles.values())


def longest_rising(values: Sequence[int]) -> list[int]:
    """A longest strictly rising subsequence of distinct numbers (patience sorting)."""
    tops: list[int] = []
    below: dict[int, int | None] = {}
    for value in values:
        place = bisect_left(tops, value)
        below[value] = tops[place - 1] if place else None
        tops[place : place + 1] = [value]
    chain: list[int] = []
    last = tops[-1] if tops else None
    while last is not None:
        chain.append(last)
        last = below[last]
    return chain[::-1]
