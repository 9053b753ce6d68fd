"""HTML pages from templates: parts filled in, data in scripts, and whose page a file is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import quote

import torchreel
from torchreel.assets.errors import UserError
from torchreel.render.jsontext import compact

_MARK = '<meta name="generator" content="torchreel '
_START = 4096


def filled(template: Path, **parts: str) -> str:
    """A template with its `$parts`; `$generator` says who wrote the page."""
    return _template(template).substitute(generator=generator(), **parts)


@cache
def _template(path: Path) -> Template:
    return Template(path.read_text("utf-8"))


def generator() -> str:
    """The tag by which a page is known as ours."""
    return f'{_MARK}{torchreel.__version__}">'


def in_script(data: Mapping[str, Any]) -> str:
    """Data as JSON that may stand in a `<script>`: no text in it can end the script."""
    return compact(data).decode().strip().replace("<", "\\u003c")


def link(target: Path, page: Path) -> str:
    """The relative URL of a file from a page."""
    return quote(Path(os.path.relpath(target.resolve(), page.resolve().parent)).as_posix())


def claim(page: Path, force: bool, advice: str = "choose another -o, or --force") -> None:
    """Raise `UserError` where a page would replace a file that torchreel did not write."""
    if force or not os.path.lexists(page):
        return
    try:
        with page.open("rb") as file:
            ours = _MARK.encode() in file.read(_START)
    except OSError:
        ours = False
    if not ours:
        raise UserError(f"{page} was not written by torchreel and stays as it is; {advice}.")
