"""A content-addressed store of finished files, so that an unchanged clip is never rendered twice.

A key is the digest of everything that decides the bytes: the call, the words and colours, the size and rate, the source
of the scenes, renderer and assets, and the versions of what they run on. Nothing here imports torch or Manim, so an
unchanged run of many clips takes a fraction of a second. Entries are verified by digest; a damaged one is forgotten.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import importlib.metadata
import json
import os
import platform
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypedDict

import torchreel
from torchreel.render.job import Job, Output
from torchreel.render.outputs import clear_leftovers, digest, discard, temporary, write_whole

_SOURCES = ("assets", "render", "scenes")
_VERSIONS = ("torch", "manim", "av", "numpy", "uharfbuzz", "pycairo", "cairocffi", "imageio", "pillow")


def cache_folder() -> Path:
    """`$TORCHREEL_CACHE`, else `torchreel` in `$XDG_CACHE_HOME` or `~/.cache`; nothing is kept without a home."""
    own, base = os.environ.get("TORCHREEL_CACHE"), os.environ.get("XDG_CACHE_HOME")
    try:
        if own:
            return Path(own).expanduser()
        return (Path(base) if base else Path.home() / ".cache") / "torchreel"
    except RuntimeError:
        return Path(os.devnull) / "torchreel"


@functools.cache
def _identity() -> dict[str, str]:
    """What all clips depend on: the package's sources and data, and the versions of what it runs on."""
    root = Path(torchreel.__file__).parent
    hashed = hashlib.sha256()
    for folder in _SOURCES:
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                hashed.update(f"{path.relative_to(root)}\0{digest(path)}\n".encode())
    versions = {name: _version(name) for name in _VERSIONS}
    return {
        "source": hashed.hexdigest(),
        "python": platform.python_version(),
        "machine": platform.machine(),
        **versions,
    }


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _clip(job: Job) -> dict[str, Any]:
    return {
        "identity": _identity(),
        "example": dataclasses.asdict(job.example),
        "change": job.change(),
        "shown": [job.lang, job.theme, job.precision],
    }


def media_key(job: Job, output: Output) -> str:
    """The key of one media file of a clip."""
    bound = job.max_size if output.format == "gif" else None
    return _digest({**_clip(job), "output": dataclasses.asdict(output), "max_size": bound})


def ledger_key(job: Job) -> str:
    """The key of a clip's ledger, whose boxes are in the pixels of one view."""
    return _digest({**_clip(job), "ledger": dataclasses.asdict(job.ledger_view)})


def _digest(parts: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=repr).encode()).hexdigest()


class Note(TypedDict):
    """What is kept beside a stored file: how to recognise it undamaged, and facts about it."""

    sha256: str
    bytes: int
    info: dict[str, Any]


class Cache:
    """Finished files by key, in a folder that may be deleted at any time.

    A store that cannot be written to (full, read-only) never fails a render: it just keeps nothing.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or cache_folder()

    def find(self, key: str) -> Note | None:
        """What was noted with an undamaged entry, or None if the file has to be rendered."""
        try:
            note: Note = json.loads(self._note(key).read_bytes())
            if _is_intact(self._object(key), note):
                return note
        except (OSError, ValueError, KeyError, TypeError):
            pass
        self._forget(key)
        return None

    def place(self, key: str, note: Note, target: Path) -> None:
        """Make `target` the stored file; a target that already is that file is left alone."""
        if _is_intact(target, note):
            return
        scratch = temporary(target)
        try:
            shutil.copyfile(self._object(key), scratch)
            scratch.replace(target)
        finally:
            discard([scratch])

    def store(self, key: str, path: Path, info: dict[str, Any]) -> None:
        """Keep a copy of `path` with a small JSON note; the note is written last, so an entry is whole or absent."""
        note: Note = {"sha256": digest(path), "bytes": path.stat().st_size, "info": info}
        try:
            self._object(key).parent.mkdir(parents=True, exist_ok=True)
            clear_leftovers(self._object(key).parent)
            scratch = temporary(self._object(key))
            try:
                shutil.copyfile(path, scratch)
                scratch.replace(self._object(key))
            finally:
                discard([scratch])
            write_whole(self._note(key), json.dumps(note).encode())
        except OSError:
            self._forget(key)

    def size(self) -> tuple[int, int]:
        """How many files are kept, and their bytes."""
        sizes = [path.stat().st_size for path in self._files()]
        return len(sizes), sum(sizes)

    def clear(self) -> tuple[int, int]:
        """Delete everything kept here, and nothing else; return what `size` was."""
        before = self.size()
        for path in list(self._files()):
            path.unlink(missing_ok=True)
            path.with_suffix(".json").unlink(missing_ok=True)
        return before

    def _files(self) -> Iterator[Path]:
        return self.folder.glob("[0-9a-f][0-9a-f]/*.data")

    def _object(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.data"

    def _note(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.json"

    def _forget(self, key: str) -> None:
        discard([self._note(key), self._object(key)])


def _is_intact(path: Path, note: Note) -> bool:
    try:
        return path.stat().st_size == note["bytes"] and digest(path) == note["sha256"]
    except OSError:
        return False
