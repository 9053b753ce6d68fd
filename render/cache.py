"""A content-addressed store of finished files, so that an unchanged clip is never rendered twice.

What a key covers is said in `keys`. Nothing here imports torch or Manim, so an unchanged run of many clips takes a
fraction of a second. Entries are verified by digest; a damaged one is forgotten. The store keeps to a size: entries
that were not asked for longest go first.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypedDict

from torchreel.render import timings
from torchreel.render.outputs import clear_leftovers, digest, discard, temporary, write_whole
from torchreel.render.sizes import read_size

_MOST_BYTES = 2 * 10**9
_KEPT_WHEN_FULL = 0.9


def cache_folder() -> Path:
    """`$TORCHREEL_CACHE`, else `torchreel` in `$XDG_CACHE_HOME` or `~/.cache`.

    Raises `RuntimeError` where `~` stands for nothing, as for a user that the system does not know.
    """
    own = os.environ.get("TORCHREEL_CACHE")
    if own:
        return Path(own).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "torchreel"


def most_bytes() -> int:
    """How much may be kept: `$TORCHREEL_CACHE_SIZE`, such as `500MB`, by default 2 GB. Of 0 bytes nothing is kept."""
    own = os.environ.get("TORCHREEL_CACHE_SIZE")
    return read_size(own, "TORCHREEL_CACHE_SIZE=", least=0) if own else _MOST_BYTES


class Note(TypedDict):
    """What is kept beside a stored file: how to recognise it undamaged, and facts about it."""

    sha256: str
    bytes: int
    info: dict[str, Any]


class Cache:
    """Finished files by key, in a folder that may be deleted at any time; at most `most` bytes of them.

    A store that cannot be written to (full, read-only) never fails a render: it just keeps nothing. Neither does one
    that has no `folder`, and `trouble` says why in a sentence.
    """

    def __init__(self, folder: Path | None = None, most: int | None = None) -> None:
        self.most = most_bytes() if most is None else most
        self.folder, self.trouble = folder, ""
        if folder is None:
            try:
                self.folder = cache_folder()
            except RuntimeError as error:
                why = str(error).rstrip(".")
                self.trouble = f"nothing is kept for the next run: {why}; set TORCHREEL_CACHE to a folder."
        self._total: int | None = None
        self._in_use: set[str] = set()

    def find(self, key: str) -> Note | None:
        """What was noted with an undamaged entry, or None if the file has to be rendered."""
        if self.folder is None or not self.most:
            return None
        note = self._read_note(key)
        if note is None or not _is_intact(self._object(key), note):
            self._forget(key)
            return None
        self._in_use.add(key)
        with contextlib.suppress(OSError):
            os.utime(self._note(key))
        return note

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
        if self.folder is None or path.stat().st_size > self.most:
            return
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
            write_whole(self._note(key), _sealed(note))
        except OSError:
            self._forget(key)
            return
        self._keep_to_size(note["bytes"])

    def size(self) -> tuple[int, int]:
        """How many files are kept, and their bytes."""
        sizes = [_bytes(path) for path in self._files()]
        return len(sizes), sum(sizes)

    def clear(self) -> tuple[int, int]:
        """Delete everything kept here, and nothing else; return what `size` was."""
        before = self.size()
        for path in list(self._files()):
            self._forget(path.stem)
        if self.folder is not None:
            discard([self.folder / timings.NAME])
            for folder in {self.folder, *self.folder.glob("[0-9a-f][0-9a-f]")}:
                clear_leftovers(folder)
        return before

    def _keep_to_size(self, added: int) -> None:
        """Forget what was not asked for longest, down to somewhat less than what may be kept."""
        self._total = self.size()[1] if self._total is None else self._total + added
        if self._total <= self.most:
            return
        entries = sorted(self._files(), key=self._last_use)
        self._total = sum(map(_bytes, entries))
        for path in entries:
            if self._total <= self.most * _KEPT_WHEN_FULL:
                return
            if path.stem not in self._in_use:
                self._total -= _bytes(path)
                self._forget(path.stem)

    def _last_use(self, path: Path) -> float:
        with contextlib.suppress(OSError):
            return self._note(path.stem).stat().st_mtime
        return 0.0

    def _files(self) -> Iterator[Path]:
        return iter(()) if self.folder is None else self.folder.glob("[0-9a-f][0-9a-f]/*.data")

    def _object(self, key: str) -> Path:
        assert self.folder is not None
        return self.folder / key[:2] / f"{key}.data"

    def _note(self, key: str) -> Path:
        return self._object(key).with_suffix(".json")

    def _read_note(self, key: str) -> Note | None:
        """The note of an entry as it was written; None if there is none, or another one."""
        try:
            text, _, seal = self._note(key).read_bytes().partition(b"\n")
            note: Note = json.loads(text)
            return note if _seal(text) == seal else None
        except (OSError, ValueError, RecursionError):
            return None

    def _forget(self, key: str) -> None:
        discard([self._note(key), self._object(key)])


def _sealed(note: Note) -> bytes:
    """A note as it is written, with a digest of itself, so that an edited one is not believed."""
    text = json.dumps(note).encode()
    return text + b"\n" + _seal(text)


def _seal(text: bytes) -> bytes:
    return hashlib.sha256(text).hexdigest().encode()


def _bytes(path: Path) -> int:
    with contextlib.suppress(OSError):
        return path.stat().st_size
    return 0


def _is_intact(path: Path, note: Note) -> bool:
    try:
        return path.stat().st_size == note["bytes"] and digest(path) == note["sha256"]
    except OSError:
        return False
