"""The style sheet: type sizes and strokes by name, the theme, and how numbers and shapes are written.

Sizes of text are em heights in scene units (0.214 is 12 px at 800 px width); strokes are Manim's widths (4 is 3.6 px at
1280 px width).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from torchreel.assets.themes import Theme
from torchreel.scenes.trace.formula import number_text
from torchreel.scenes.trace.printed import written
from torchreel.scenes.trace.proof import Range

MIN_TEXT = 0.214
"""The smallest text there is, 12 px: notes, indices, labels of small things."""
MIN_NUMBER = 0.232
"""The smallest numbers, 13 px."""
NAME_TEXT = 0.24
"""Names of grids, with their shapes."""
CELL_TEXT = 0.4
"""The largest numbers in cells."""


class Stroke:
    """Widths of lines by what they are for."""

    FRAME = 5.0
    """Round what is in focus."""
    SOURCE = 3.4
    """Round what it is made of."""
    CURSOR = 4.5
    """Round a set or a step of many."""
    WIRE = 2.5
    """Between things that depend on each other."""


_LARGE = 1e4
_LONGEST_SAID = 6


@dataclass(frozen=True)
class Look:
    """Theme and number format."""

    theme: Theme
    precision: int = 2

    def written(self, value: float, known: Range) -> str:
        """A value as drawn among those of its tensor: exact where a few decimals write all of them, else rounded."""
        digits = min(self.precision, known.decimals)
        if known.decimals <= self.precision and math.isfinite(value) and abs(value) < _LARGE:
            return written(value, digits)
        return self.number(value, known.integer, known.scale)

    def said(self, setting: float) -> str:
        """A setting as sentences say it: as it was given, or rounded where that is long."""
        text = number_text(setting)
        return text if len(text) <= _LONGEST_SAID else self.number(setting, scale=abs(setting))

    def number(self, value: float, integer: bool = False, scale: float = 1.0) -> str:
        """A value as drawn: U+2212 minus, `precision` decimals, integers plain, large ones in powers of ten.

        `scale` is the largest size among the values it stands with: where all are too small for the decimals, all are
        written in powers of ten; a small one among larger ones is rounded.
        """
        if math.isnan(value):
            return "NaN"
        if math.isinf(value):
            return "∞" if value > 0 else "−∞"
        return self._finite(value, integer, scale).replace("-", "−")

    def _finite(self, value: float, integer: bool, scale: float) -> str:
        if abs(value) >= _LARGE and (not integer or abs(value) >= _LARGE * 10):
            return _scientific(value, 1)
        if integer:
            return str(int(value))
        if value != 0 and scale < 10**-self.precision:
            return _scientific(value, 0)
        return f"{value:z.{self.precision}f}"


def _scientific(value: float, digits: int) -> str:
    mantissa, exponent = f"{value:.{digits}e}".split("e")
    return f"{mantissa}e{int(exponent)}"
