"""The two looks, light and dark, and the colour arithmetic that keeps text readable on them.

Contrast follows WCAG 2.1 (relative luminance, https://www.w3.org/TR/WCAG21/#dfn-contrast-ratio).
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

from torchreel.assets.errors import UserError

_LIGHTEST_FILL = 0.08


@dataclass(frozen=True)
class Theme:
    """Named colours (`#rrggbb`) of one look; `channels` are identifying colours, used in order."""

    name: str
    background: str
    bar: str
    line: str
    wire: str
    text: str
    muted: str
    empty: str
    zero: str
    negative: str
    accent: str
    good: str
    ink_dark: str
    ink_light: str
    channels: tuple[str, ...]
    roles: Mapping[str, Mapping[str, str]]

    def channel(self, number: int) -> str:
        """The identifying colour of channel, group or window `number`."""
        return self.channels[number % len(self.channels)]

    def tint(self, color: str, strength: float = 0.16) -> str:
        """A calm fill of the given colour, for areas behind text."""
        return blend(self.background, color, strength)

    def fill(self, value: float, scale: float, role: str = "result") -> str:
        """The fill of a cell holding `value`, where `scale` is the largest size shown.

        Above zero it has the colour of its role (`input`, `parameter`, `result`), below zero it is grey.
        """
        if math.isnan(value) or scale <= 0 or value == 0:
            return self.zero
        strength = 1.0 if math.isinf(value) else min(1.0, abs(value) / scale)
        side = self.roles[role]["fill"] if value > 0 else self.negative
        return blend(self.zero, side, _LIGHTEST_FILL + (1 - _LIGHTEST_FILL) * strength**0.8)

    def role(self, name: str) -> str:
        """The colour of text that speaks of an input, a parameter or a result."""
        return self.roles[name]["ink"]

    def ink(self, fill: str) -> str:
        """The text colour that reads best on `fill`."""
        return max((self.ink_dark, self.ink_light), key=lambda ink: contrast(ink, fill))


@cache
def theme(name: str) -> Theme:
    """A look by name; an unknown one is a `UserError`."""
    tables = tomllib.loads((files("torchreel.assets") / "themes.toml").read_text("utf-8"))
    if name not in tables:
        raise UserError(f"Unknown theme {name!r}. Use one of {', '.join(tables)}.")
    colors = dict(tables[name])
    return Theme(name=name, channels=tuple(colors.pop("channels")), **colors)


def blend(below: str, above: str, strength: float) -> str:
    """`above` laid over `below` with an opacity of `strength`."""
    mixed = (round(b + (a - b) * strength) for b, a in zip(_channels(below), _channels(above), strict=True))
    return "#" + "".join(f"{value:02x}" for value in mixed)


def contrast(first: str, second: str) -> float:
    """The WCAG contrast ratio of two colours, 1 to 21."""
    light, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@lru_cache(maxsize=4096)
def _channels(color: str) -> tuple[int, ...]:
    return tuple(int(color[i : i + 2], 16) for i in (1, 3, 5))


@lru_cache(maxsize=4096)
def _luminance(color: str) -> float:
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in (v / 255 for v in _channels(color))
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
