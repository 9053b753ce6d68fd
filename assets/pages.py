"""The words of the pages round the clips, from `pages.toml`. No torch here."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any


def words(lang: str) -> dict[str, str]:
    """All that a page says of itself in one language, by key."""
    return dict(_file()[lang])


def family_name(family: str, lang: str) -> str:
    """What a family is called in a language; one that has no name there keeps its own."""
    return str(_file()["families"][lang].get(family, family))


@cache
def _file() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "pages.toml").read_text(encoding="utf-8"))
