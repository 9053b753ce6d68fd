"""What every part needs to know to draw itself: the theme, and how numbers are written."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torchreel.assets.themes import Theme

MIN_TEXT = 0.18
_LARGE = 1e4


@dataclass(frozen=True)
class Look:
    """Theme and number format. Sizes of text are em heights in scene units; `MIN_TEXT` is 10 px at 800 px."""

    theme: Theme
    precision: int = 2

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
