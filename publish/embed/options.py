"""What is asked of `torchreel embed`, and where a page's pictures are."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from torchreel.assets.errors import UserError
from torchreel.assets.examples import examples, unknown_operator
from torchreel.publish.addresses import check_base_url
from torchreel.render.plan import outputs, read_langs, read_themes


@dataclass(frozen=True)
class Options:
    """`assets` is the folder of pictures, beside each page unless it is absolute; `width` in px, `timeout` in seconds
    a cell, `limit` the most clips a page; `removes` says that none shall stand there. `mode` is `write`, `check` or
    `diff`.
    """

    assets: Path = Path("torchreel")
    lang: str = "zh"
    theme: str = "light"
    width: int = 800
    base_url: str | None = None
    execute: bool = False
    timeout: int = 120
    only: tuple[str, ...] = ()
    limit: int = 100
    removes: bool = False
    mode: str = "write"
    force: bool = False
    at_once: int = 1

    @classmethod
    def read(cls, lang: str, theme: str, width: int, only: Iterable[str], **others: Any) -> Options:
        """The options of the command line. Raises `UserError` for what cannot be."""
        for name in only:
            if name not in examples():
                raise UserError(unknown_operator(name, examples()))
        [words], [colours] = _one("--lang", lang, read_langs), _one("--theme", theme, read_themes)
        [drawn] = outputs(("gif",), width=width)
        made = cls(lang=words, theme=colours, width=drawn.view.width, only=tuple(only), **others)
        check_base_url(made.base_url)
        return made

    def folder(self, page: Path) -> Path:
        """Where the pictures of a page are."""
        return page.parent / self.assets

    def source(self, page: Path, name: str) -> str:
        """A picture's address as a page says it."""
        if self.base_url is not None:
            return f"{self.base_url.rstrip('/')}/{quote(name)}"
        relative = Path(os.path.relpath(self.folder(page).resolve(), page.parent.resolve())).as_posix()
        prefix = "" if relative.startswith("../") else "./"
        return f"{prefix}{quote(relative)}/{quote(name)}"

    def wants(self, operator: str) -> bool:
        """Whether clips of an operator are asked for."""
        return not self.only or operator in self.only


def _one(option: str, given: str, read: Callable[[Iterable[str]], tuple[str, ...]]) -> tuple[str, ...]:
    chosen = read([given])
    if len(chosen) != 1:
        raise UserError(f"{option} {given}: a page has one; give one.")
    return chosen
