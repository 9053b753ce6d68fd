"""Which pixels really changed: dirty rectangles are generous, files are small when only true changes are written."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from torchreel.render.encoders import Rect


class Patch(NamedTuple):
    """A rectangle at (x, y) px that has changed; `colours` (H, W) are packed B<<16 | G<<8 | R."""

    x: int
    y: int
    colours: NDArray[np.uint32]
    changed: NDArray[np.bool_]


class Changes:
    """Keeps the last picture and reduces each new frame to the patches that differ from it."""

    def __init__(self) -> None:
        self._last: NDArray[np.uint32] | None = None

    @property
    def picture(self) -> NDArray[np.uint32]:
        """The last picture as packed colours (H, W); there must have been one."""
        assert self._last is not None
        return self._last

    def update(self, rgba: NDArray[np.uint8], rects: Sequence[Rect]) -> list[Patch]:
        """The patches of a frame (H, W, 4), none when it equals the last one; the first frame is one whole patch."""
        if self._last is None:
            self._last = packed(rgba)
            return [Patch(0, 0, self._last.copy(), np.ones(self._last.shape, np.bool_))]
        found = (self._patch(self._last, rgba, rect) for rect in rects)
        return [patch for patch in found if patch is not None]

    def _patch(self, last: NDArray[np.uint32], rgba: NDArray[np.uint8], rect: Rect) -> Patch | None:
        x0, y0, x1, y1 = rect
        now = packed(rgba[y0:y1, x0:x1])
        before = last[y0:y1, x0:x1]
        changed = now != before
        rows = np.flatnonzero(changed.any(axis=1))
        if not rows.size:
            return None
        columns = np.flatnonzero(changed.any(axis=0))
        before[...] = now
        box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        return Patch(x0 + int(columns[0]), y0 + int(rows[0]), now[box], changed[box])


def packed(rgba: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """One number a pixel, B<<16 | G<<8 | R, from (H, W, 4); alpha is dropped. Always a new array."""
    pixels = np.array(rgba, order="C", copy=True).view("<u4")[..., 0]
    pixels &= 0xFFFFFF
    return pixels


def unpacked(colours: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """The channels R, G, B of packed colours (...), as (..., 3)."""
    return np.stack([colours & 255, colours >> 8 & 255, colours >> 16], axis=-1).astype(np.uint8)
