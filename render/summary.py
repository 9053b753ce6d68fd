"""What is said of a finished run: to people in a few lines, to programs as data."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from torchreel.render.task import Result


def successes(results: Sequence[Result], folder: Path) -> Iterator[str]:
    """How many clips there are now, and where."""
    done = sum(result.failure is None for result in results)
    unchanged = sum(result.status == "cached" for result in results)
    kept = f", {unchanged} of them unchanged" if unchanged else ""
    if done:
        yield f"{done} {'clip' if done == 1 else 'clips'} in {folder}{os.sep}{kept}"


def failures(results: Sequence[Result], planned: int) -> Iterator[str]:
    """What failed and why; a single clip's failure is one line."""
    failed = [(result.job.stem, result.failure.message) for result in results if result.failure is not None]
    if planned == 1 and failed:
        yield f"torchreel: {failed[0][1]}"
    elif failed:
        skipped = planned - len(results)
        yield f"{len(failed)} of {planned} failed{f', {skipped} not tried' if skipped else ''}:"
        yield from (f"  {stem}: {message}" for stem, message in failed)


def plain(result: Result) -> dict[str, Any]:
    """One result as data for JSON."""
    job = result.job
    return {
        "clip": job.stem,
        "operator": job.example.operator,
        "example": job.example.name,
        "lang": job.lang,
        "theme": job.theme,
        "status": result.status,
        "seconds": round(result.seconds, 3),
        "files": {suffix: {**facts, "path": str(job.path(suffix))} for suffix, facts in result.files.items()},
        "notes": result.notes,
        "error": result.failure.message if result.failure else None,
    }
