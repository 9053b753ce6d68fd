"""`manifest.json`: one list of all clips in a folder, for pages and tools that embed them.

Only the parent process of a run writes it, merging what other runs have left there. The name is a common one (web apps
and browser extensions have a `manifest.json` too), so a file that is not a whole manifest of torchreel's is left alone
and the list is kept in `torchreel.manifest.json` instead; where that is taken too, the clips are just not listed.

The manifest is also how torchreel knows its own: a file of the folder is torchreel's if it is listed with these bytes.
Clips that were copied into the folder without being listed come into the list by their ledgers (`unlisted`), so folders
of several machines are merged by copying them together.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import torchreel
from torchreel.render.jsontext import readable
from torchreel.render.outputs import is_same, reason, write_whole
from torchreel.render.unlisted import text, unlisted

NAME = "manifest.json"
OTHER_NAME = "torchreel.manifest.json"
Entries = dict[str, dict[str, Any]]
Say = Callable[[str], None]

_GENERATOR = "torchreel"
_SAY_SO_AFTER, _WAIT_AT_MOST, _LOOK_EVERY = 2.0, 20.0, 0.05


class _Foreign(Exception):
    """A manifest that is somebody else's, damaged, or cannot be read."""


def read(folder: Path) -> Entries:
    """The clips of a folder by file stem, with those that were copied there; empty where no list can be kept."""
    place = _find(folder)
    return {**place[1], **unlisted(folder, place[1])} if place else {}


def merge(folder: Path, clips: Entries, say: Say) -> bool:
    """Add or replace `clips` (stem to entry), keep the others, drop files that are gone.

    Never raises for what it finds in the folder: `say` is told in one line what stood in the way. Whether the clips
    are listed now.
    """
    try:
        with _locked(folder, say):
            return _merge(folder, clips, say)
    except TimeoutError:
        say(f"{folder} is still locked by another program; the clips are made, but not listed in {NAME}.")
    except (OSError, ValueError) as error:
        say(f"cannot write {folder / NAME}: {reason(error)}; the clips are made, but not listed.")
    return False


def strangers(files: Iterable[Path]) -> list[Path]:
    """Those of `files` that are there and were not written by a run, or not with these bytes, by their manifests."""
    known: dict[Path, dict[str, dict[str, Any]]] = {}
    found = []
    for path in files:
        if not os.path.lexists(path):
            continue
        if path.parent not in known:
            known[path.parent] = _by_name(read(path.parent))
        facts = known[path.parent].get(path.name)
        if facts is None or not is_same(path, facts["bytes"], facts.get("sha256")):
            found.append(path)
    return found


def _by_name(clips: Entries) -> dict[str, dict[str, Any]]:
    return {file["name"]: file for entry in clips.values() for file in entry["files"].values()}


def _merge(folder: Path, clips: Entries, say: Say) -> bool:
    place = _find(folder)
    if place is None:
        say(
            f"{folder / NAME} and {OTHER_NAME} there are not torchreel's and stay as they are; "
            "the clips are made, but not listed."
        )
        return False
    path, merged = place
    merged.update(unlisted(folder, merged.keys() | clips.keys()))
    if path.name != NAME:
        say(
            f"{folder / NAME} is not torchreel's and stays as it is; the clips are listed in {OTHER_NAME} there."
        )
    for stem, entry in clips.items():
        files = {**merged.get(stem, {}).get("files", {}), **entry["files"]}
        merged[stem] = {**entry, "files": dict(sorted(files.items()))}
    _write(path, _present(folder, merged))
    return True


def _find(folder: Path) -> tuple[Path, Entries] | None:
    """Where the list is, or can be begun, and what it says; None where both names are taken."""
    free = []
    for path in (folder / NAME, folder / OTHER_NAME):
        try:
            if os.path.lexists(path):
                return path, _load(path)
            free.append(path)
        except _Foreign:
            continue
    return (free[0], {}) if free else None


def _load(path: Path) -> Entries:
    try:
        content = json.loads(text(path))
    except (OSError, ValueError, RecursionError) as error:
        raise _Foreign from error
    if not _is_ours(content):
        raise _Foreign
    clips: Entries = content["clips"]
    return clips


def _is_ours(content: Any) -> bool:
    """Whether it is a manifest of torchreel's, from the outside to every file in it.

    The first ones had no `generator`: they have a version by the name of the program, the clips and nothing else.
    """
    if not isinstance(content, dict) or not isinstance(content.get("clips"), dict):
        return False
    generator = content.get("generator")
    named = isinstance(generator, str) and generator.split(" ")[0] == _GENERATOR
    early = set(content) == {"torchreel", "clips"} and isinstance(content["torchreel"], str)
    return (named or early) and all(_is_entry(entry) for entry in content["clips"].values())


def _is_entry(entry: Any) -> bool:
    files = entry.get("files") if isinstance(entry, dict) else None
    return isinstance(files, dict) and all(
        isinstance(file, dict) and isinstance(file.get("name"), str) and isinstance(file.get("bytes"), int)
        for file in files.values()
    )


def _present(folder: Path, clips: Entries) -> Entries:
    names = {path.name for path in folder.iterdir()}
    kept = {}
    for stem, entry in sorted(clips.items()):
        files = {suffix: file for suffix, file in entry["files"].items() if file["name"] in names}
        if files:
            kept[stem] = {**entry, "files": files}
    return kept


def _write(path: Path, clips: Entries) -> None:
    content = {"generator": f"{_GENERATOR} {torchreel.__version__}", "clips": clips}
    data = (readable(content) + "\n").encode()
    if not path.is_file() or path.read_bytes() != data:
        write_whole(path, data)


@contextlib.contextmanager
def _locked(folder: Path, say: Say) -> Iterator[None]:
    """Keep another torchreel from merging into the same folder meanwhile; the lock dies with the process.

    Raises `TimeoutError` where another program does not let go of it. A file system without locks has none.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        _wait_for(descriptor, folder, say)
        yield
    finally:
        os.close(descriptor)


def _wait_for(descriptor: int, folder: Path, say: Say) -> None:
    start, said = time.monotonic(), False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            waited = time.monotonic() - start
        except OSError:
            return
        if waited >= _WAIT_AT_MOST:
            raise TimeoutError
        if waited >= _SAY_SO_AFTER and not said:
            said = True
            say(f"waiting for another program to unlock {folder}, {_WAIT_AT_MOST:.0f} s at most.")
        time.sleep(_LOOK_EVERY)
