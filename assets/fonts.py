"""Text as outlines, from fonts that travel with the package, so that a clip is the same on every machine.

A string is shaped once by HarfBuzz and kept; its glyphs are drawn once and kept. Nothing here looks at the
fonts that are installed on the machine, and no font is opened before the first string asks for it.

Lengths are in em: multiply by the type size to get scene units.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import groupby
from pathlib import Path
from typing import Literal

import numpy as np

from torchreel.assets.errors import UserError
from torchreel.assets.faces import Face

FontName = Literal["sans", "bold", "mono", "italic"]

FOLDER = Path(__file__).with_name("fonts")

# A character is drawn by the first file of the chain that has it. The CJK fonts keep no mathematics but
# the minus, because theirs is as wide as a Chinese character and tears formulas apart.
CHAINS: dict[FontName, tuple[str, ...]] = {
    "sans": ("sans.otf", "symbols.ttf"),
    "bold": ("bold.otf", "symbols-bold.ttf", "symbols.ttf"),
    "mono": ("mono.ttf", "sans.otf", "symbols.ttf"),
    "italic": ("italic.otf", "sans.otf", "symbols.ttf"),
}

LATIN = "".join(map(chr, [*range(0x20, 0x7F), *range(0xA0, 0xAD), *range(0xAE, 0x100)]))
GREEK = "ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩαβγδεζηθικλμνξοπρςστυφχψω"
LETTERS = "".join(map(chr, [*range(0x41, 0x5B), *range(0x61, 0x7B)])) + "αβγδεζηθικλμνξπρστυφχψωŷℓˆ"
"""What stands for quantities in formulas, in italics."""
QUOTES = "‘’“”…–—"
RARER = "熵阈"
CIRCLED = "①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳"
CJK_PUNCTUATION = "、。〈〉《》「」『』【】〔〕！（），：；？～"
SYMBOLS = "′″−∕∗∘∙·×÷±⊕⊖⊗⊙∏∑√∞∫∂∇≤≥≠≈≡∝∈∉∅∀∃∩∪⊂⊆∧∨¬‖⌊⌋⌈⌉←↑→↓↔↦⇐⇒⇔↖↗↘↙✓✗●○■□▲▼◆▶◀⋯⋮⋱⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿᵀ₀₁₂₃₄₅₆₇₈₉₊₋"

_WIDE = re.compile("[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]")
_HAN = "[\u3400-\u9fff]"
_LATIN_WORD = "[0-9A-Za-z\u00c0-\u024f\u0391-\u03c9]"
_HAN_BESIDE_LATIN = re.compile(f"{_HAN}{_LATIN_WORD}|{_LATIN_WORD}{_HAN}")
_OPENING = "《〈「『【〔（“‘"
_CLOSING = "、。》〉」』】〕！），：；？”’"
_HAN_LATIN_GAP = 0.125  # em, the eighth of CSS's text-autospace


class MissingGlyph(UserError):
    """A character that no bundled font draws; nothing is ever borrowed from the machine's own fonts."""

    def __init__(self, character: str, text: str) -> None:
        super().__init__(
            f"cannot draw {character!r} (U+{ord(character):04X}) in {text!r}: the bundled fonts have Latin, "
            "Greek, mathematics and the 3755 Chinese characters of GB 2312 level 1. Use one of those."
        )


@dataclass(frozen=True, eq=False, slots=True)
class Outline:
    """One line of text as closed cubic curves.

    points: float64 (n, 3), read-only, four to a curve (anchor, handle, handle, anchor), in em, y up, origin
    at the left end of the baseline. advance: where a following text would begin, in em.
    """

    points: np.ndarray
    advance: float


def hanzi() -> str:
    """The 3755 common characters of GB 2312 level 1, in the standard's order, and the terms' rarer ones."""
    codes = (bytes([0xA0 + row, 0xA0 + cell]) for row in range(16, 56) for cell in range(1, 95))
    return b"".join(codes).decode("gb2312", "ignore") + RARER


def coverage() -> str:
    """Every character that each of the three fonts promises to draw."""
    return "".join(dict.fromkeys(LATIN + GREEK + QUOTES + CIRCLED + CJK_PUNCTUATION + SYMBOLS + hanzi()))


@lru_cache(maxsize=1 << 15)
def outline(text: str, font: FontName = "sans") -> Outline:
    """Set one line of text and return its curves: the same object for the same string.

    Chinese next to Latin gets an eighth of an em where no space was typed, and punctuation that meets
    punctuation loses its empty half; in "mono" neither, so that columns stay columns. Raises MissingGlyph.
    """
    pieces: list[np.ndarray] = []
    pen = 0.0
    for face, start, stop in _runs(text, font):
        for placed in face.shape(text[start:stop], _features(text, start, stop, font)):
            points = face.glyph(placed.glyph)
            if len(points):
                pieces.append(points + np.array((pen + placed.dx, placed.dy, 0.0)))
            pen += placed.advance + _gap_after(text, start + placed.at, font)
    points = np.concatenate(pieces) if pieces else np.empty((0, 3))
    points.flags.writeable = False
    return Outline(points, pen)


def advance(text: str, font: FontName = "sans") -> float:
    """Width of a line in em, to where a following text would begin. Raises MissingGlyph."""
    return outline(text, font).advance


@cache
def cap_height(font: FontName = "sans") -> float:
    """Height of a capital letter in em, the same for every string; figures are within a hundredth of it."""
    return _face(CHAINS[font][0]).cap_height()


@cache
def _face(file: str) -> Face:
    return Face(FOLDER / file)


@cache
def _file_with(character: str, font: FontName) -> str | None:
    return next((file for file in CHAINS[font] if _face(file).has(character)), None)


def _runs(text: str, font: FontName) -> Iterator[tuple[Face, int, int]]:
    """Cut text where the font file changes."""
    files = [_file_with(character, font) for character in text]
    if None in files:
        raise MissingGlyph(text[files.index(None)], text)
    start = 0
    for file, run in groupby(files):
        stop = start + sum(1 for _ in run)
        yield _face(str(file)), start, stop
        start = stop


def _features(text: str, start: int, stop: int, font: FontName) -> dict[str, list[tuple[int, int, int]]]:
    """Narrow quotes among Latin letters, half-width punctuation beside punctuation."""
    if font == "mono":
        return {}
    tags: dict[str, list[tuple[int, int, int]]] = {"pwid": [], "halt": []}
    for index in range(start, stop):
        here = (index - start, index - start + 1, 1)
        if text[index] in QUOTES and not _beside_chinese(text, index):
            tags["pwid"].append(here)
        elif _squeezed(text, index):
            tags["halt"].append(here)
    return {tag: ranges for tag, ranges in tags.items() if ranges}


def _beside_chinese(text: str, index: int) -> bool:
    return any(_WIDE.match(text[i]) for i in (index - 1, index + 1) if 0 <= i < len(text))


def _squeezed(text: str, index: int) -> bool:
    before, here, after = text[index - 1 : index], text[index], text[index + 1 : index + 2]
    if here in _CLOSING:
        return after != "" and after in _CLOSING + _OPENING
    return here in _OPENING and before != "" and before in _OPENING


def _gap_after(text: str, index: int, font: FontName) -> float:
    pair = text[index : index + 2]
    if font == "mono" or len(pair) < 2:
        return 0.0
    return _HAN_LATIN_GAP if _HAN_BESIDE_LATIN.match(pair) else 0.0
