"""What torchreel puts into a page: a clip's picture, marked as torchreel's own so that it can be found again."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote

_VERSION = 1
_IMAGE = re.compile(r'<img src="([^"]*)" width="(\d+)" alt="([^"]*)" />')
_NOTE = re.compile(r"<br />\n(.*)\n</p>")
UNKNOWN_ALT = "…"
"""Stands for the words of a clip that is not drawn yet."""


@dataclass(frozen=True)
class Block:
    """One clip on a page.

    `clip` is its name (`Conv2d:stride`), `key` a digest of what it shows, `src` the picture's address as the page says
    it, `width` in px, `note` a sentence below the picture. `is_run` says that the page was run for it.
    """

    clip: str
    key: str
    src: str
    width: int
    alt: str
    note: str = ""
    is_run: bool = False

    @property
    def stem(self) -> str:
        """The name of its picture without the suffix."""
        return PurePosixPath(unquote(self.src)).stem

    @property
    def lines(self) -> list[str]:
        """The block in the words of a page, which is HTML in Markdown."""
        picture = f'<img src="{_quoted(self.src)}" width="{self.width}" alt="{_quoted(self.alt)}" />'
        note = ["<br />", html.escape(self.note, quote=False)] if self.note else []
        return ['<p align="center">', picture, *note, "</p>"]

    @property
    def mark(self) -> dict[str, Any]:
        """How a notebook's cell says whose it is."""
        run = {"run": True} if self.is_run else {}
        return {"clip": self.clip, "key": self.key, **run, "version": _VERSION}

    @classmethod
    def read(cls, mark: dict[str, Any], text: str) -> Block:
        """A block that stands on a page, as far as it can be read: what was changed in it by hand is empty."""
        image, note = _IMAGE.search(text), _NOTE.search(text)
        src, width, alt = (html.unescape(part) for part in image.groups()) if image else ("", "0", "")
        return cls(
            str(mark.get("clip", "")),
            str(mark.get("key", "")),
            src,
            int(width),
            alt,
            html.unescape(note[1]) if note else "",
            bool(mark.get("run")),
        )

    def told_as(self, others: list[Block]) -> Block:
        """The block with the words of one of `others` that shows the same, if its own are not known yet."""
        if self.alt != UNKNOWN_ALT:
            return self
        same = (other for other in others if replace(other, alt=UNKNOWN_ALT) == self)
        return next(same, self)


def is_mark(found: Any) -> bool:
    """Whether metadata called `torchreel` are such as this module writes."""
    return isinstance(found, dict) and "clip" in found and "key" in found and "version" in found


def _quoted(text: str) -> str:
    return html.escape(" ".join(text.split()))
