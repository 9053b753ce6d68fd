"""Formulas set as a textbook sets them: quantities in italics, indices below the line, functions and words upright.

    width("h_{t-1}", 0.3);  MathText("x̂ = (x − μ) / √(σ² + ε)", 0.3)

The markup is plain text. A single Latin or Greek letter is a quantity; longer words, and Greek
letters before a bracket as in `σ(x)`, are functions and stay upright.
`_{…}` is lowered and `^{…}` raised, both smaller; a letter followed by U+0302 wears a hat. Lengths are scene units.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from torchreel.assets.fonts import LETTERS, FontName, advance, cap_height, outline
from torchreel.scenes.parts.mark import Mark
from torchreel.scenes.parts.text import SHARE, Align, Vertical

HAT = "\u0302"
_SMALL, _DROP, _RISE = 0.68, -0.22, 0.36
_ITALIC = 1.14  # its letters are smaller than those of the sans at one size
_UPRIGHT = frozenset("Σ")
_PIECE = re.compile(
    r"(?P<mark>[_^])\{(?P<inner>[^{}]*)\}"
    r"|(?P<number>\d[\d.]*(?:e[−+-]?\d+)?)"
    r"|(?P<word>[A-Za-z\u0370-\u03ffŷℓ]+" + HAT + r"?)(?P<call>(?=\())?"
    r"|(?P<other>.)"
)


class Run(NamedTuple):
    """A stretch of one font at one height: `scale` of the size, raised by `rise` em; `hat` covers its one letter."""

    text: str
    font: FontName
    scale: float = 1.0
    rise: float = 0.0
    hat: bool = False


@lru_cache(maxsize=4096)
def runs(markup: str) -> tuple[Run, ...]:
    """The stretches of a formula."""
    return tuple(_joined(_runs(markup, 1.0, 0.0)))


def width(markup: str, size: float) -> float:
    """How wide a formula is at a size."""
    return sum(advance(run.text, run.font) * run.scale for run in runs(markup)) * size


def fitted(markup: str, room: float, size: float, least: float) -> float:
    """The largest size from `least` to `size` at which a formula is at most `room` wide."""
    wide = width(markup, size)
    return size if wide <= room else max(least, size * room / wide)


class MathText(Mark):
    """One formula, one path: fill only. `text` is its markup; it is placed like a `Text`."""

    def __init__(self, markup: str, size: float = 0.3, color: str = "#000000") -> None:
        self.text, self.size = markup, size
        super().__init__(self._outline(), color, 1.0, color, 1.0, 0.0)

    def place(
        self, point: np.ndarray | Sequence[float], align: Align = "center", vertical: Vertical = "middle"
    ) -> MathText:
        """Set the formula at a point (x, y); return it."""
        x = point[0] - SHARE[align] * width(self.text, self.size)
        y = point[1] - (0.5 * cap_height("sans") * self.size if vertical == "middle" else 0.0)
        self.points = self._outline() + np.array((x, y, 0.0))
        return self

    def _outline(self) -> np.ndarray:
        pieces, pen = [], 0.0
        for run in runs(self.text):
            line = outline(run.text, run.font)
            pieces.append(line.points * run.scale + np.array((pen, run.rise, 0.0)))
            if run.hat:
                pieces.append(_hat(run, pen))
            pen += line.advance * run.scale
        return np.concatenate(pieces) * self.size if pieces else np.empty((0, 3))


def _hat(run: Run, pen: float) -> np.ndarray:
    letter, hat = outline(run.text, run.font).points, outline("ˆ", "italic").points
    middle = (letter[:, 0].min() + letter[:, 0].max() - hat[:, 0].min() - hat[:, 0].max()) / 2
    tall = max(0.0, float(letter[:, 1].max()) - 0.47)
    return (hat + np.array((middle + 0.03, tall, 0.0))) * run.scale + np.array((pen, run.rise, 0.0))


def _runs(markup: str, scale: float, rise: float) -> Iterator[Run]:
    for piece in _PIECE.finditer(markup):
        if piece["mark"]:
            step = _DROP if piece["mark"] == "_" else _RISE
            yield from _runs(piece["inner"], scale * _SMALL, rise + step * scale)
        elif piece["word"]:
            yield _word(piece["word"], scale, rise, piece["call"] is not None)
        else:
            yield Run(piece["number"] or piece["other"], "sans", scale, rise)


def _word(word: str, scale: float, rise: float, is_called: bool) -> Run:
    letter = word.removesuffix(HAT)
    is_function = len(letter) > 1 or letter in _UPRIGHT or (is_called and not letter.isascii())
    is_quantity = letter in LETTERS and not is_function
    font: FontName = "italic" if is_quantity else "sans"
    size = scale * _ITALIC if is_quantity else scale
    return Run(letter, font, size, rise, word.endswith(HAT))


def _joined(parts: Iterator[Run]) -> Iterator[Run]:
    """Neighbours of one font and height as one run, so that text is shaped as a whole."""
    last: Run | None = None
    for part in parts:
        if last and not last.hat and not part.hat and last[1:4] == part[1:4] and part.font == "sans":
            last = last._replace(text=last.text + part.text)
            continue
        if last:
            yield last
        last = part
    if last:
        yield last
