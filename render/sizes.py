"""Sizes in bytes, as people write them."""

from __future__ import annotations

import re

from torchreel.assets.errors import UserError

_UNITS = {
    "": 1,
    "b": 1,
    "k": 1000,
    "kb": 1000,
    "kib": 1024,
    "m": 10**6,
    "mb": 10**6,
    "mib": 1024**2,
    "g": 10**9,
    "gb": 10**9,
    "gib": 1024**3,
}


def read_size(text: str, given_as: str = "--max-size ", least: int = 1) -> int:
    """A number of bytes from `600kB`, `1MB` or `1MiB`; `given_as` is how the user gave it. Raises `UserError`."""
    match = re.fullmatch(r"\s*(\d{1,15}(?:\.\d{1,15})?)\s*([a-zA-Z]*)\s*", text, re.ASCII)
    unit = _UNITS.get(match[2].lower()) if match else None
    if match is None or unit is None or (float(match[1]) <= 0 < least):
        shown = text if len(text) <= 40 else text[:37] + "…"
        nothing = "" if least else ", or 0"
        raise UserError(f"{given_as}{shown or repr(shown)}: expected a size such as 600kB or 1MB{nothing}.")
    return max(least, int(float(match[1]) * unit))
