"""Where readers find files: URLs that a user gives."""

from __future__ import annotations

import re

from torchreel.assets.errors import UserError

_BASE = re.compile(r"(https?://|/)\S*")


def check_base_url(given: str | None) -> None:
    """Raise `UserError` unless this is the start of a URL, or nothing."""
    if given is not None and not _BASE.fullmatch(given):
        raise UserError(
            f"--base-url {given}: expected the start of a URL, such as https://example.org/clips or /clips."
        )
