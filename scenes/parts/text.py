"""A line of text as one Manim mobject, and the helpers that find out how wide it will be."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Literal

import numpy as np

from torchreel.assets.fonts import CIRCLED, FontName, MissingGlyph, advance, cap_height, outline
from torchreel.scenes.parts.mark import Mark

__all__ = ["MissingGlyph", "Text", "fit", "measure", "wrap"]

Align = Literal["left", "center", "right"]
Vertical = Literal["middle", "baseline"]

SHARE = {"left": 0.0, "center": 0.5, "right": 1.0}
"""Which part of a text's width is at its place."""


class Text(Mark):
    """One line of text, one path: fill only, from the bundled fonts.

    text: any characters that the fonts cover, no line break. size: an em in scene units (one unit is 90 px at
    1280 px wide). color: "#rrggbb". font: "sans", "bold" or "mono". The text starts with its baseline at the
    origin; `place` puts it anywhere. Raises MissingGlyph.
    """

    def __init__(
        self, text: str, size: float = 0.25, color: str = "#000000", font: FontName = "sans"
    ) -> None:
        line = outline(text, font)
        super().__init__(line.points * size, color, 1.0, color, 1.0, 0.0)
        self.text = text
        self.size = size
        self.font: FontName = font
        self.width_em = line.advance

    def place(
        self,
        point: np.ndarray | Sequence[float],
        align: Align = "center",
        vertical: Vertical = "middle",
    ) -> Text:
        """Set the text at a point (x, y) or (x, y, z) in scene units, upright and at its own size; return it.

        align: which part of its width is at x. vertical: "middle" centres capitals and figures on y, the same
        for every string, so that a row of texts shares one baseline; "baseline" stands on y.
        """
        x = point[0] - SHARE[align] * self.width_em * self.size
        y = point[1] - (0.5 * cap_height(self.font) * self.size if vertical == "middle" else 0.0)
        z = point[2] if len(point) > 2 else 0.0
        self.points = outline(self.text, self.font).points * self.size + np.array((x, y, z))
        return self

    def box(self) -> tuple[float, float, float, float]:
        """(left, bottom, right, top) around the ink in scene units; handles count, so never too small."""
        if not len(self.points):
            return (0.0, 0.0, 0.0, 0.0)
        (left, bottom, _), (right, top, _) = self.points.min(axis=0), self.points.max(axis=0)
        return (float(left), float(bottom), float(right), float(top))


def measure(text: str, size: float, font: FontName = "sans") -> float:
    """Width of a line in scene units."""
    return advance(text, font) * size


def fit(text: str, max_width: float, size: float, min_size: float, font: FontName = "sans") -> float:
    """The largest type size in [min_size, size] at which text is at most max_width wide, all in scene units.

    A text that is too long even so gets min_size: legible beats complete, and the layout check reports it.
    """
    width = measure(text, size, font)
    return size if width <= max_width else max(min_size, size * max_width / width)


def wrap(text: str, width: float, size: float, font: FontName = "sans") -> list[str]:
    """Break text into lines at most width wide (scene units), as Chinese and Latin are broken.

    Between Chinese characters anywhere, but no line starts with closing or ends with opening punctuation;
    between Latin letters only at spaces. The spaces at a break are dropped, all other characters stay. What is
    too wide for a line of its own is cut where it must be. No text gives no line.
    """

    def fits(line: str) -> bool:
        return measure(line.rstrip(" "), size, font) <= width

    lines: list[str] = []
    for piece in _cut(text.strip(" "), fits, (_good_break, _decent_break, _any_break)):
        if lines and fits(lines[-1] + piece):
            lines[-1] += piece
        else:
            lines.append(piece)
    return [line.rstrip(" ") for line in lines]


_OPENING = frozenset("《〈「『【〔（“‘([{" + CIRCLED)
_CLOSING = frozenset("、。》〉」』】〕！），：；？～”’…—,.;:!?)]}%")
_WIDE = re.compile("[\u3000-\u303f\u3400-\u9fff\uff00-\uffef—…]")

Rule = Callable[[str, int], bool]


def _cut(text: str, fits: Callable[[str], bool], rules: Sequence[Rule]) -> Iterator[str]:
    """The pieces of text between breaks by the first rule; a piece that fits no line is cut by the next rule."""
    breaks = [i for i in range(1, len(text)) if rules[0](text, i)]
    for start, stop in pairwise([0, *breaks, len(text)] if text else []):
        piece = text[start:stop]
        if len(rules) == 1 or fits(piece):
            yield piece
        else:
            yield from _cut(piece, fits, rules[1:])


def _good_break(text: str, index: int) -> bool:
    """May a line end before text[index] as a reader expects: after a space or beside a Chinese character?"""
    before, after = text[index - 1], text[index]
    return _decent_break(text, index) and (before == " " or bool(_WIDE.match(before) or _WIDE.match(after)))


def _decent_break(text: str, index: int) -> bool:
    """May a line end before text[index] with punctuation left where it belongs, though inside a word?"""
    before, after = text[index - 1], text[index]
    return after != " " and after not in _CLOSING and before not in _OPENING


def _any_break(text: str, index: int) -> bool:
    return text[index] != " "
