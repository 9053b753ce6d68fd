"""Clips of examples for pages: which they are, and all of them drawn in one batch. Nothing here needs torch itself."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torchreel.assets.examples import Example
from torchreel.publish.embed.blocks import UNKNOWN_ALT, Block
from torchreel.publish.embed.options import Options
from torchreel.publish.embed.shelf import FORMAT
from torchreel.render import batch, manifest
from torchreel.render.cache import Cache
from torchreel.render.job import Job
from torchreel.render.keys import ledger_key
from torchreel.render.plan import outputs
from torchreel.render.progress import Silent

Watching = Callable[[int], Silent]
"""Gives somebody to tell of so many clips that are drawn."""


@dataclass(frozen=True)
class Shown:
    """A clip at its place on a page: its block, its picture's name without suffix, and, where it was drawn just now,
    the file and what is known of it."""

    at: int
    block: Block
    stem: str
    file: Path | None = None
    entry: dict[str, Any] | None = None


def job(example: Example, options: Options, scratch: Path) -> Job:
    """The clip of an example as a page shows it; those of one size have a folder in `scratch`."""
    folder = scratch / f"examples-{options.width}"
    return Job(example, folder, outputs((FORMAT,), width=options.width), options.lang, options.theme)


def block(planned: Job, options: Options, page: Path, alt: str = UNKNOWN_ALT) -> Block:
    """The block of a clip on a page."""
    key = digest(planned.call_key, planned.lang, planned.theme, planned.precision, planned.outputs)
    source = options.source(page, f"{planned.stem}.{FORMAT}")
    return Block(planned.label, key, source, options.width, alt)


def said(planned: Job) -> str:
    """The words for a clip if it has been drawn before."""
    note = Cache().find(ledger_key(planned))
    return str(note["info"]["alt"][planned.lang]) if note else UNKNOWN_ALT


def draw(
    planned: Sequence[Job], options: Options, reporter: Watching
) -> tuple[dict[Path, dict[str, Any]], dict[Path, str]]:
    """Draw clips, each once; what is known of each by its picture, and why others could not be drawn."""
    each = {one.path(FORMAT): one for one in planned}
    if not each:
        return {}, {}
    with reporter(len(each)) as told:
        results = batch.run(
            list(each.values()), told, at_once=min(options.at_once, len(each)), force=options.force
        )
    failed = {one.job.path(FORMAT): one.failure.message for one in results if one.failure}
    listed = {folder: manifest.read(folder) for folder in {one.folder for one in planned}}
    made = {path: listed[one.folder][one.stem] for path, one in each.items() if path not in failed}
    return made, failed


def digest(*parts: object) -> str:
    """A short digest of data whose `repr` says all there is to it."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]
