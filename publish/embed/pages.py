"""The files that clips are put into: which there are, how they are read, and how they are written whole."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from torchreel.assets.errors import UserError
from torchreel.publish.embed.markdown import Markdown
from torchreel.publish.embed.notebook import Notebook, Unreadable
from torchreel.render.outputs import reason, write_whole

NOTEBOOK = ".ipynb"
_MARKDOWN = (".md", ".markdown", ".myst")
_PASSED_OVER = ("node_modules", "site-packages", "__pycache__")


@dataclass(frozen=True)
class Page:
    """A file as it was read: `content` is what can be put into, `data` its bytes."""

    path: Path
    data: bytes
    content: Notebook | Markdown

    @classmethod
    def read(cls, path: Path) -> Page:
        """Raises `Unreadable` for what is no page, with the reason."""
        try:
            data = path.read_bytes()
        except OSError as error:
            raise Unreadable(f"it cannot be read: {reason(error)}") from error
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise Unreadable(f"it is not UTF-8: byte {error.start} is 0x{data[error.start]:02x}") from error
        kind = Notebook if path.suffix.lower() == NOTEBOOK else Markdown
        return cls(path, data, kind(text))

    def write(self, text: str) -> None:
        """Put another text in the place of this one, whole, with the file's own rights.

        Raises `Unreadable` if somebody else has written the file since it was read.
        """
        if self.path.read_bytes() != self.data:
            raise Unreadable("somebody else has written it meanwhile: run the command again")
        rights = self.path.stat().st_mode & 0o777
        write_whole(self.path, text.encode("utf-8"))
        self.path.chmod(rights)


def collect(paths: Iterable[Path], assets: str) -> Iterator[Path]:
    """The pages that some files and folders are, each once; in a folder all of them but hidden ones, in order.

    Raises `UserError` for a path that is none.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            found.update(dict.fromkeys(_inside(path, assets)))
        elif not os.path.lexists(path):
            raise UserError(f"{path}: there is no such file or folder.")
        elif not _is_page(path):
            raise UserError(
                f"{path}: expected a notebook (.ipynb), a Markdown file (.md) or a folder of them."
            )
        else:
            found[path] = None
    yield from found


def why_not(path: Path) -> str:
    """Why a file is left alone though its name is that of a page; mostly nothing."""
    if path.is_symlink():
        return "it is a symbolic link; name the file that it leads to"
    if not path.is_file():
        return "it is no file"
    return "" if path.stat().st_size else "it is empty"


def _inside(folder: Path, assets: str) -> Iterator[Path]:
    for here, folders, files in os.walk(folder):
        folders[:] = sorted(
            name for name in folders if name[0] != "." and name not in _PASSED_OVER and name != assets
        )
        yield from (Path(here, name) for name in sorted(files) if name[0] != "." and _is_page(Path(name)))


def _is_page(path: Path) -> bool:
    return path.suffix.lower() in (NOTEBOOK, *_MARKDOWN)
