"""One font file: the characters it has, how HarfBuzz sets them, and the curves of each glyph, drawn once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

Point = tuple[float, float]


class Placed(NamedTuple):
    """A glyph that shaping chose, the place in the text it stands for, and its place on the line, in em."""

    glyph: int
    at: int
    dx: float
    dy: float
    advance: float


class Face:
    """A font file. Opening it maps the file and reads its head; glyphs are read when they are drawn.

    path: an OpenType file with CFF or TrueType curves. All results are in em, y up.
    """

    def __init__(self, path: Path) -> None:
        import uharfbuzz

        self._hb = uharfbuzz
        face = uharfbuzz.Face(uharfbuzz.Blob.from_file_path(str(path)))
        self._em = 1.0 / face.upem
        self._font = uharfbuzz.Font(face)
        self._draw = uharfbuzz.DrawFuncs()
        self._draw.set_move_to_func(_move_to)
        self._draw.set_line_to_func(_line_to)
        self._draw.set_quadratic_to_func(_quadratic_to)
        self._draw.set_cubic_to_func(_cubic_to)
        self._glyphs: dict[int, np.ndarray] = {}

    def has(self, character: str) -> bool:
        return self._font.get_nominal_glyph(ord(character)) is not None

    def glyph(self, number: int) -> np.ndarray:
        """The closed curves of a glyph: (n, 3), four points to a cubic, empty for a space."""
        points = self._glyphs.get(number)
        if points is None:
            pen = _Pen()
            self._font.draw_glyph(number, self._draw, pen)
            points = self._glyphs[number] = pen.points() * self._em
        return points

    def shape(self, text: str, features: Mapping[str, Sequence[tuple[int, int, int]]]) -> Iterator[Placed]:
        """Set text on one line; features maps OpenType tags to (start, stop, value) ranges of text."""
        buffer = self._hb.Buffer()
        buffer.add_codepoints([ord(character) for character in text])
        buffer.guess_segment_properties()
        self._hb.shape(self._font, buffer, dict(features))
        for info, place in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
            lengths = (place.x_offset, place.y_offset, place.x_advance)
            yield Placed(info.codepoint, info.cluster, *(length * self._em for length in lengths))

    def cap_height(self) -> float:
        """Height of H as drawn, in em: not every font states it."""
        return float(self.glyph(self._font.get_nominal_glyph(ord("H")))[:, 1].max())


class _Pen:
    """Collects contours as closed cubics, in font units."""

    def __init__(self) -> None:
        self.curves: list[tuple[Point, Point, Point, Point]] = []
        self.last: Point = (0.0, 0.0)

    def points(self) -> np.ndarray:
        flat = np.array(self.curves, dtype=float).reshape(-1, 2)
        return np.column_stack([flat, np.zeros(len(flat))])

    def curve(self, handle: Point, other: Point, end: Point) -> None:
        self.curves.append((self.last, handle, other, end))
        self.last = end

    def line(self, end: Point) -> None:
        if end != self.last:
            self.curve(_between(self.last, end, 1 / 3), _between(self.last, end, 2 / 3), end)


def _between(a: Point, b: Point, share: float) -> Point:
    return (a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share)


# HarfBuzz calls these with coordinates and then the pen that was given to draw_glyph; it closes each contour itself.
def _move_to(x: float, y: float, pen: _Pen, _: object = None) -> None:
    pen.last = (x, y)


def _line_to(x: float, y: float, pen: _Pen, _: object = None) -> None:
    pen.line((x, y))


def _quadratic_to(cx: float, cy: float, x: float, y: float, pen: _Pen, _: object = None) -> None:
    control, end = (cx, cy), (x, y)
    pen.curve(_between(pen.last, control, 2 / 3), _between(end, control, 2 / 3), end)


def _cubic_to(
    ax: float, ay: float, bx: float, by: float, x: float, y: float, pen: _Pen, _: object = None
) -> None:
    pen.curve((ax, ay), (bx, by), (x, y))
