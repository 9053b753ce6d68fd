"""`manifest.json`: one list of all clips in a folder, for pages and tools that embed them.

Only the parent process of a run writes it, merging what other runs have left there.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torchreel
from torchreel.render.jsontext import readable
from torchreel.render.outputs import write_whole

NAME = "manifest.json"
Entries = dict[str, dict[str, Any]]


def read(folder: Path) -> Entries:
    """The clips of a folder by file stem; empty if there is no readable manifest."""
    try:
        clips = json.loads((folder / NAME).read_text("utf-8"))["clips"]
        return {stem: entry for stem, entry in clips.items() if isinstance(entry["files"], dict)}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def merge(folder: Path, clips: Entries) -> None:
    """Add or replace `clips` (stem to entry), keep the others, drop files that are gone."""
    with _locked(folder):
        merged = read(folder)
        for stem, entry in clips.items():
            files = {**merged.get(stem, {}).get("files", {}), **entry["files"]}
            merged[stem] = {**entry, "files": dict(sorted(files.items()))}
        _write(folder, _present(folder, merged))


def _present(folder: Path, clips: Entries) -> Entries:
    names = {path.name for path in folder.iterdir()}
    kept = {}
    for stem, entry in sorted(clips.items()):
        files = {suffix: file for suffix, file in entry["files"].items() if file.get("name") in names}
        if files:
            kept[stem] = {**entry, "files": files}
    return kept


def _write(folder: Path, clips: Entries) -> None:
    content = {"torchreel": torchreel.__version__, "clips": clips}
    data = (readable(content) + "\n").encode()
    target = folder / NAME
    if not target.is_file() or target.read_bytes() != data:
        write_whole(target, data)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep another torchreel from merging into the same folder meanwhile; the lock dies with the process."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
