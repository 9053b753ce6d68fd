"""JSON that every reader takes: NaN and infinities are the strings "nan", "inf" and "-inf"."""

from __future__ import annotations

import json
import math
from typing import Any


def compact(value: Any) -> bytes:
    """A value as one line of UTF-8 JSON."""
    return (_text(value, separators=(",", ":")) + "\n").encode()


def readable(value: Any) -> str:
    """A value as indented JSON text, without a final newline."""
    return _text(value, indent=1)


def _text(value: Any, **style: Any) -> str:
    """JSON of a value, walked through beforehand only where there is something that JSON does not know."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, **style)
    except (TypeError, ValueError):
        return json.dumps(plain(value), ensure_ascii=False, allow_nan=False, **style)


def plain(value: Any) -> Any:
    """A value as JSON knows it: NaN and infinities as strings, tuples as lists, anything else by its name."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)
