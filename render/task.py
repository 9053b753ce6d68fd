"""One job on its way: what the cache has of it, the rendering of the rest, and its files' final names."""

from __future__ import annotations

import errno
import os
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torchreel.assets.errors import UserError
from torchreel.render import outputs
from torchreel.render.cache import Cache, Note
from torchreel.render.job import LEDGER, Job
from torchreel.render.keys import keys
from torchreel.render.shrink import TooLarge

Facts = dict[str, dict[str, Any]]
_REPORT_EVERY = 0.1


@dataclass(frozen=True)
class Failure:
    """Why a clip was not made: `usage` is the user's mistake, `failed` anything else."""

    kind: str
    message: str
    trace: str = ""


@dataclass(frozen=True)
class Result:
    """What became of one job: its files by suffix (name, bytes, width …), or a failure."""

    job: Job
    status: str
    seconds: float = 0.0
    files: Facts = field(default_factory=dict)
    failure: Failure | None = None

    @property
    def notes(self) -> list[str]:
        """What was chosen on the user's behalf, and what of the user's own numbers is not drawn, one sentence each."""
        chosen = [f"{file['name']}: {file['chosen']}" for file in self.files.values() if "chosen" in file]
        said = self.files.get(LEDGER, {}).get("said", ()) if self.job.is_changed else ()
        return [*chosen, *said, *filter(None, [self.job.remark])]


@dataclass(frozen=True)
class Answer:
    """What rendering a task came to: facts about the files written, or why there are none."""

    seconds: float
    facts: Facts = field(default_factory=dict)
    failure: Failure | None = None


class Task:
    """One job with its cache keys, the undamaged entries found, and temporary names for what has to be rendered.

    `trace` is what the job shows, where that is known already; it is let go of when the job is done.
    """

    def __init__(self, index: int, job: Job, cache: Cache, force: bool) -> None:
        self.index = index
        self.job = job
        self.trace: Any = None
        self.keys = keys(job)
        self.notes: dict[str, Note] = {}
        for suffix, key in () if force else self.keys.items():
            note = cache.find(key)
            if note is not None:
                self.notes[suffix] = note
        missing = tuple(output for output in job.outputs if output.format not in self.notes)
        self.is_cached = not missing and LEDGER in self.notes
        self.wanted = () if self.is_cached else missing or job.outputs
        suffixes = [] if self.is_cached else [*(output.format for output in self.wanted), LEDGER]
        self.scratch = {suffix: outputs.temporary(job.path(suffix)) for suffix in suffixes}

    def discard(self) -> None:
        """Delete whatever was written under temporary names."""
        outputs.discard(list(self.scratch.values()))

    def publish(self, cache: Cache, facts: Mapping[str, dict[str, Any]]) -> Facts:
        """Give all files their final names, the ledger last; return what is known of each."""
        files = {}
        for suffix, key in self.keys.items():
            target = self.job.path(suffix)
            if suffix in facts:
                known = facts[suffix]
                cache.store(key, self.scratch[suffix], known)
                self.scratch[suffix].replace(target)
            else:
                known = self.notes[suffix]["info"]
                cache.place(key, self.notes[suffix], target)
            files[suffix] = {
                "name": target.name,
                "bytes": target.stat().st_size,
                "sha256": outputs.digest(target),
                **known,
            }
        return files

    def replaced(self) -> list[Path]:
        """The files of other bytes than are known to be right that stand where this one's will be."""
        paths = {suffix: self.job.path(suffix) for suffix in self.keys}
        known = {suffix: (note["bytes"], note["sha256"]) for suffix, note in self.notes.items()}
        return [
            path
            for suffix, path in paths.items()
            if suffix not in known or not outputs.is_same(path, *known[suffix])
        ]


def perform(task: Task, report: Callable[[float], None]) -> Answer:
    """Render what a task lacks. An error is an answer too, and leaves no files; only Ctrl-C passes through."""
    from torchreel.render import clip

    start = time.perf_counter()
    written = False
    try:
        facts = clip.make(task.job, task.wanted, task.scratch, _seldom(report), task.trace)
        written = True
        return Answer(time.perf_counter() - start, facts)
    except Exception as error:
        return Answer(time.perf_counter() - start, failure=failure(error, task.job))
    finally:
        if not written:
            task.discard()


def _seldom(report: Callable[[float], None]) -> Callable[[float], None]:
    """Pass on at most ten reports a second: drawing a frame is quicker than a screen."""
    last = 0.0

    def on_frame(seconds: float) -> None:
        nonlocal last
        now = time.perf_counter()
        if now - last >= _REPORT_EVERY:
            last = now
            report(seconds)

    return on_frame


def failure(error: Exception, job: Job) -> Failure:
    """An error as one line for the user: the clip, what happened and, for a defect, where."""
    if isinstance(error, UserError):
        return Failure("usage", str(error))
    if isinstance(error, TooLarge):
        return Failure("failed", str(error))
    if isinstance(error, OSError) and error.errno:
        advice = " Free some space and run the same command again." if error.errno == errno.ENOSPC else ""
        why = os.strerror(error.errno)
        return Failure(
            "failed", f"{job.label}: cannot write to {job.folder}: {why}.{advice}", traceback.format_exc()
        )
    what = " ".join(str(error).split()) or "no message"
    message = f"{job.label}: {type(error).__name__}: {what} ({_place(error)})"
    return Failure("failed", message, traceback.format_exc())


def _place(error: Exception) -> str:
    """File and line of the innermost code of ours that an error came through, or of the innermost code at all."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "site-packages" not in frame.filename]
    where = (ours or frames)[-1]
    return f"{Path(where.filename).name}:{where.lineno}"
