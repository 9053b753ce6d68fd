"""Clips that lie in a folder without being in its list, as where folders of several machines were copied together.

A ledger vouches for them: its name and what it says of itself have to be those of one and the same clip, and the media
of that name beside it are the clip's.
"""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Container
from pathlib import Path
from typing import Any

from torchreel.assets.examples import DEFAULT, examples
from torchreel.assets.handbook import row_of
from torchreel.render.job import FORMATS, LEDGER
from torchreel.render.outputs import digest

LARGEST = 1 << 26

_STEM = re.compile(
    r"(?P<name>[A-Za-z]\w*(-\w+)?)(-set-[0-9a-f]{6})?\.(?P<look>(zh|en)\.(light|dark))", re.ASCII
)
_SAID: dict[str, type | tuple[type, ...]] = {
    "operator": str,
    "example": str,
    "family": str,
    "title": dict,
    "lang": str,
    "theme": str,
    "module": dict,
    "tensors": dict,
    "duration": (int, float),
    "steps": list,
    "alt": dict,
}


def unlisted(folder: Path, listed: Container[str]) -> dict[str, dict[str, Any]]:
    """The entries of the folder's clips that are not among the `listed` stems, by stem."""
    found = {}
    for path in sorted(folder.glob(f"*.{LEDGER}")):
        match = None if path.stem in listed else _STEM.fullmatch(path.stem)
        said = _ledger(path) if match else None
        if match and said is not None and (match["name"], match["look"]) == _named(said):
            files = {suffix: path.with_suffix(f".{suffix}") for suffix in (*FORMATS, LEDGER)}
            found[path.stem] = entry(
                said, {suffix: _facts(file) for suffix, file in files.items() if file.is_file()}
            )
    return found


def entry(said: dict[str, Any], files: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """What a list says of a clip: what its ledger `said` of itself, where the handbook has it, and its `files`."""
    operator, name = said["operator"], said["example"]
    example = examples().get(operator, {}).get(name)
    row = row_of(operator)
    return {
        "operator": operator,
        "example": name,
        "family": said["family"],
        "title": said["title"],
        "section": example.section if example else "",
        "handbook": row and {"row": row.number, "section": row.section, "title": row.title, "page": row.page},
        "lang": said["lang"],
        "theme": said["theme"],
        "duration": said["duration"],
        "alt": said["alt"],
        "files": files,
    }


def _named(said: dict[str, Any]) -> tuple[str, str]:
    """The name without what a change adds, and the look, that a clip has by its ledger."""
    name = said["operator"] if said["example"] == DEFAULT else f"{said['operator']}-{said['example']}"
    return name, f"{said['lang']}.{said['theme']}"


def _ledger(path: Path) -> dict[str, Any] | None:
    """A ledger of torchreel's; None for any other file."""
    try:
        content = json.loads(text(path))
    except (OSError, ValueError, RecursionError):
        return None
    if isinstance(content, dict) and all(isinstance(content.get(key), kind) for key, kind in _SAID.items()):
        return content
    return None


def text(path: Path) -> str:
    """The text of a file of some size. Raises `ValueError` for what is no such file, `OSError` where it is not read."""
    facts = path.stat()
    if not stat.S_ISREG(facts.st_mode) or facts.st_size > LARGEST:
        raise ValueError(f"{path} is no file of at most {LARGEST} bytes.")
    return path.read_text("utf-8")


def _facts(path: Path) -> dict[str, Any]:
    return {"name": path.name, "bytes": path.stat().st_size, "sha256": digest(path), **_size(path)}


def _size(path: Path) -> dict[str, Any]:
    """Width, height (px) and, where the file says it, the rate; nothing of a ledger or a damaged file."""
    try:
        if path.suffix == ".mp4":
            import av

            with av.open(str(path)) as container:
                stream = container.streams.video[0]
                return {"width": stream.width, "height": stream.height, "fps": round(stream.average_rate)}
        if path.suffix != f".{LEDGER}":
            from PIL import Image

            with Image.open(path) as image:
                return {"width": image.width, "height": image.height}
    except (OSError, ValueError, IndexError, TypeError):
        pass
    return {}
