"""Cairo: a surface to paint curves on, at the speed of its C interface.

Paths go to cairo as whole arrays (`cairo_append_path`), one call where Manim makes one a curve. What is painted has the
bytes that Manim's own camera gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from weakref import WeakKeyDictionary

import numpy as np
from cairocffi import FORMAT_ARGB32, Context, ImageSurface, LinearGradient, Matrix, cairo, constants, ffi

from torchreel.render.display import Curves, Fill, Gradient, Paint, Stroke
from torchreel.render.settings import Rect, View

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
_PATH, _PATH_DATA = ffi.typeof("cairo_path_t *"), ffi.typeof("cairo_path_data_t[]")
_FAR = 1 << 20


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
        self._data = ffi.from_buffer(_PATH_DATA, self._rows)
        self.pointer = ffi.new(_PATH, (constants.STATUS_SUCCESS, self._data, len(self._rows)))


def _path_rows(curves: Curves) -> np.ndarray:
    """Rows of 16 bytes: a move to start each subpath, a curve each, a close where a subpath returns to its start."""
    blank, moves, heads = _headers(curves.starts.tobytes(), curves.closed.tobytes())
    rows = blank.copy()
    rows[moves] = curves.controls[curves.starts, 0]
    rows[heads] = curves.controls[:, 1:]
    return rows


@lru_cache(maxsize=4096)
def _headers(starts: bytes, closed: bytes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The rows of a path without its points, the rows of its moves' points, and those of its curves' points (n, 3)."""
    begins, ends = np.frombuffer(starts, bool), np.frombuffer(closed, bool)
    after = np.cumsum(4 + 2 * begins + ends)
    rows = np.empty((int(after[-1]), 2))
    heads = after - 4 - ends
    moves = heads[begins] - 2
    rows[moves] = (_MOVE, 0.0)
    rows[heads] = (_CURVE, 0.0)
    rows[after[ends] - 1] = (_CLOSE, 0.0)
    return rows, moves + 1, heads[:, None] + np.array([1, 2, 3])


_paths: WeakKeyDictionary[Curves, Path] = WeakKeyDictionary()


def path_of(curves: Curves) -> Path:
    """The path of some curves, made once for all views."""
    path = _paths.get(curves)
    if path is None:
        path = _paths[curves] = Path(curves)
    return path


class Canvas:
    """A picture (H, W, 4) uint8, RGBA, with scene units as its coordinates; `frame_width` of them fit across."""

    def __init__(self, view: View, frame_width: float) -> None:
        self.pixels = np.zeros((view.height, view.width, 4), np.uint8)
        self._surface = ImageSurface.create_for_data(
            self.pixels.reshape(-1).data, FORMAT_ARGB32, view.width, view.height, view.width * 4
        )
        self._context = Context(self._surface)
        self._to_pixels = matrix = _matrix(view, frame_width)
        self._numbers = (
            matrix.xx,
            matrix.x0,
            matrix.yy,
            matrix.y0,
        )  # asking cairo each time takes longer than the sum
        self._context.set_matrix(matrix)
        self._ctx = self._context._pointer
        self._edges = [ffi.new("double *") for _ in range(4)]

    @contextmanager
    def rows(self, top: int, bottom: int) -> Iterator[None]:
        """Paint only between two pixel rows. What is painted there has the same bytes as without the limit."""
        self._surface.mark_dirty()
        with self._context:
            if (top, bottom) != (0, len(self.pixels)):
                self._context.set_matrix(Matrix())
                self._context.new_path()
                self._context.rectangle(0, top, self.pixels.shape[1], bottom - top)
                self._context.clip()
                self._context.set_matrix(self._to_pixels)
            yield
        self._surface.flush()

    def draw(self, path: Path, layers: Iterable[Fill | Stroke]) -> None:
        """Paint layers along a path, one over the other."""
        self._trace(path)
        for layer in layers:
            self._set_source(layer.paint)
            if isinstance(layer, Fill):
                cairo.cairo_fill_preserve(self._ctx)
            else:
                self._set_pen(layer)
                cairo.cairo_stroke_preserve(self._ctx)

    def reach(self, path: Path, pen: Stroke | None) -> Rect:
        """The pixels that a path covers when filled and drawn along with a pen, with a margin."""
        self._trace(path)
        cairo.cairo_path_extents(self._ctx, *self._edges)
        x0, y0, x1, y1 = self.covered(*(edge[0] for edge in self._edges))
        if pen is not None:
            self._set_pen(pen)
            cairo.cairo_stroke_extents(self._ctx, *self._edges)
            a0, b0, a1, b1 = self.covered(*(edge[0] for edge in self._edges))
            x0, y0, x1, y1 = min(x0, a0), min(y0, b0), max(x1, a1), max(y1, b1)
        return (x0, y0, x1, y1)

    def covered(self, x0: float, y0: float, x1: float, y1: float) -> Rect:
        """A box of scene units in pixels with a margin of two, cut off far outside the picture."""
        (across, middle_x, up, middle_y), margin = self._numbers, 2
        left, right = across * x0 + middle_x - margin, across * x1 + middle_x + margin
        top, bottom = up * y1 + middle_y - margin, up * y0 + middle_y + margin
        return (_whole(left), _whole(top), _whole(right) + 1, _whole(bottom) + 1)

    def _trace(self, path: Path) -> None:
        cairo.cairo_new_path(self._ctx)
        cairo.cairo_append_path(self._ctx, path.pointer)

    def _set_source(self, paint: Paint) -> None:
        """Set the colour, with red and blue changed over: the picture is RGBA where cairo has BGRA."""
        if isinstance(paint, Gradient):
            pattern = LinearGradient(*paint.start, *paint.end)
            offsets = np.linspace(0, 1, len(paint.colors)).tolist()
            for offset, (red, green, blue, alpha) in zip(offsets, paint.colors, strict=True):
                pattern.add_color_stop_rgba(offset, blue, green, red, alpha)
            self._context.set_source(pattern)
        else:
            red, green, blue, alpha = paint
            cairo.cairo_set_source_rgba(self._ctx, blue, green, red, alpha)

    def _set_pen(self, stroke: Stroke) -> None:
        cairo.cairo_set_line_width(self._ctx, stroke.width)
        cairo.cairo_set_line_join(self._ctx, _JOINS[stroke.join])
        cairo.cairo_set_line_cap(self._ctx, _CAPS[stroke.cap])


def _whole(edge: float) -> int:
    return int(min(max(edge, -_FAR), _FAR) // 1)


def _matrix(view: View, frame_width: float) -> Matrix:
    """Scene units (y up, origin in the middle) to pixels, computed as Manim's camera does."""
    frame_height = frame_width / (view.width / view.height)
    across, up = view.width / frame_width, view.height / frame_height
    return Matrix(across, 0, 0, -up, view.width / 2, view.height / 2)
