"""Render many clips: what is unchanged comes from the cache, the rest from forked workers, or from a crew elsewhere.

Torch and Manim are imported once, in the parent, and only if something must be rendered there. Workers write to
temporary names; the parent alone gives files their final names, fills the cache and writes the manifest.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from torchreel.assets.errors import UserError
from torchreel.render import manifest, outputs, unlisted, workers
from torchreel.render.cache import Cache
from torchreel.render.job import LEDGER, Job
from torchreel.render.task import Answer, Failure, Result, Task, failure, perform
from torchreel.render.timings import Timings

_MOST_KEPT = 1 << 28


class Reporter(Protocol):
    """Who is told about a run. `preparing` says what is done before the first frame, nothing when it is over;
    `progress` gives the seconds of the clip that are drawn so far, `note` a word on what was not as it should be and
    did not keep a clip from being made."""

    def preparing(self, what: str) -> None: ...

    def started(self, job: Job) -> None: ...

    def progress(self, job: Job, seconds: float) -> None: ...

    def finished(self, result: Result) -> None: ...

    def note(self, text: str) -> None: ...


class Crew(Protocol):
    """Who renders what the cache lacks, if not this machine's own processes.

    `gather` finds them before anything is written, and raises `UserError` where nobody is there; `run` yields what
    happens, as `workers.run` does; `dismiss` lets them go, whether they were gathered or not.
    """

    def gather(self, reporter: Reporter) -> None: ...

    def run(self, tasks: Sequence[Task]) -> Generator[workers.Event[Task], None, None]: ...

    def dismiss(self) -> None: ...


def run(
    jobs: Sequence[Job],
    reporter: Reporter,
    *,
    at_once: int = 1,
    crew: Crew | None = None,
    force: bool = False,
    keep_going: bool = True,
    each_alone: bool = False,
    cache: Cache | None = None,
) -> list[Result]:
    """Make all jobs, `at_once` at a time or by a `crew`, and return their results in order.

    Raises `UserError` before anything is written: for an empty batch, an output folder that cannot be written to,
    files that torchreel did not write and would replace (unless `force`), or arguments that torch refuses. With
    `each_alone` these are the failures of their own jobs, and the others are made. Without `keep_going` the first
    failure ends the run, and later jobs have no result.
    """
    if not jobs:
        raise UserError("Nothing to render: the batch is empty.")
    for folder in {job.folder for job in jobs}:
        outputs.prepare_folder(folder)
    batch = _Batch(cache or Cache(), reporter, keep_going, each_alone)
    if batch.cache.trouble and sys.stderr is not None:
        print(f"torchreel: {batch.cache.trouble}", file=sys.stderr)
    with _ended_by_signal():
        try:
            batch.make(jobs, at_once, crew, force)
        finally:
            if crew is not None:
                crew.dismiss()
            batch.write_manifests()
    return [batch.results[index] for index in sorted(batch.results)]


class _Batch:
    """The state of one run: results by the position of their job."""

    def __init__(self, cache: Cache, reporter: Reporter, keep_going: bool, each_alone: bool) -> None:
        self.cache, self.reporter = cache, reporter
        self.keep_going, self.each_alone = keep_going, each_alone
        self.results: dict[int, Result] = {}
        self.timings = Timings(cache.folder)
        self.unlisted: set[Path] = set()

    def make(self, jobs: Sequence[Job], at_once: int, crew: Crew | None, force: bool) -> None:
        tasks = [Task(index, job, self.cache, force) for index, job in enumerate(jobs)]
        lacking = [task for task in tasks if not task.is_cached]
        if not force:
            _refuse_to_replace(manifest.strangers(path for task in tasks for path in task.replaced()))
        if lacking:
            _prepare(lacking, self.reporter.preparing, self.each_alone, draws_here=crew is None)
            if crew is not None:
                crew.gather(self.reporter)
        for task in tasks:
            if task.is_cached and not self._is_over():
                self.reporter.started(task.job)
                self._publish(task, Answer(0.0), "cached")
        lacking.sort(key=lambda task: self.timings.expected(task.job), reverse=True)
        if crew is not None and lacking:
            self._by_others(lacking, crew.run(lacking))
        elif at_once == 1:
            self._in_turn(lacking)
        else:
            self._by_others(lacking, workers.run(lacking, perform, at_once))
        self.timings.save()

    def _in_turn(self, tasks: Sequence[Task]) -> None:
        for task in tasks:
            if self._is_over():
                return
            self.reporter.started(task.job)
            answer = perform(task, partial(self.reporter.progress, task.job))
            self._publish(task, answer, "rendered")

    def _by_others(self, tasks: Sequence[Task], events: Generator[workers.Event[Task], None, None]) -> None:
        try:
            for event in events:
                self._handle(event)
                if self._is_over():
                    return
        finally:
            events.close()
            for task in tasks:
                task.discard()

    def _handle(self, event: workers.Event[Task]) -> None:
        task = event.task
        if event.kind == "started":
            self.reporter.started(task.job)
        elif event.kind == "progress":
            self.reporter.progress(task.job, event.value)
        elif event.kind == "died":
            task.discard()
            reason = Failure("failed", f"{task.job.label}: {event.value}.")
            self._finish(task, Result(task.job, "failed", failure=reason))
        else:
            self._publish(task, event.value, "rendered")

    def _publish(self, task: Task, answer: Answer, status: str) -> None:
        job = task.job
        if answer.failure is not None:
            self._finish(task, Result(job, "failed", answer.seconds, failure=answer.failure))
            return
        try:
            files = task.publish(self.cache, answer.facts)
        except OSError as error:
            task.discard()
            self._finish(task, Result(job, "failed", answer.seconds, failure=failure(error, job)))
            return
        result = Result(job, status, answer.seconds, files)
        if answer.facts:
            self.timings.note(job, answer.seconds)
            self._list(job.folder, [result])
        self._finish(task, result)

    def _finish(self, task: Task, result: Result) -> None:
        task.trace = None
        self.results[task.index] = result
        self.reporter.finished(result)

    def _is_over(self) -> bool:
        return not self.keep_going and any(result.failure for result in self.results.values())

    def write_manifests(self) -> None:
        done = [result for result in self.results.values() if result.failure is None]
        for folder in {result.job.folder for result in done}:
            self._list(folder, [one for one in done if one.job.folder == folder])

    def _list(self, folder: Path, done: Sequence[Result]) -> None:
        """Put clips into their folder's manifest at once, so that a killed run leaves no file that nobody knows."""
        if folder not in self.unlisted:
            entries = {one.job.stem: _entry(one) for one in done}
            if not manifest.merge(folder, entries, self.reporter.note):
                self.unlisted.add(folder)


def _refuse_to_replace(files: Sequence[Path]) -> None:
    if files:
        others = f" and {len(files) - 1} more" if len(files) > 1 else ""
        raise UserError(
            f"{files[0]}{others}: not written by torchreel, or changed since; "
            "choose another folder with -o, or replace with --force."
        )


def _prepare(
    tasks: Sequence[Task], at_work: Callable[[str], None], each_alone: bool, draws_here: bool
) -> None:
    """Import torch and Manim, and refuse impossible arguments of any job before the first one is rendered.

    With `each_alone` they are left to their own job's rendering, which fails by them. Where others draw, neither is
    needed for a plain example.
    """
    changed = [task for task in tasks if task.job.is_changed]
    if not draws_here and not changed:
        return
    at_work("loading torch and Manim")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with _no_garbage():
        from torchreel.render import clip

        clip.prepare(sorted({task.job.example.operator for task in (tasks if draws_here else changed)}))
    _trace_changes(changed, at_work, each_alone)
    at_work("")


def _trace_changes(tasks: Sequence[Task], at_work: Callable[[str], None], each_alone: bool) -> None:
    """Trace what the user changed, once for all languages and themes, and keep it for the rendering.

    Traces that would take too much memory together are let go, and made again when their turn comes.
    """
    from torchreel.render import clip

    known: dict[str, Any] = {}
    room = _MOST_KEPT
    for task in tasks:
        call = task.job.call_key
        if call not in known:
            at_work(f"{task.job.label}: computing and checking")
            trace = _traced(partial(clip.trace, task.job), each_alone)
            weight = 0 if trace is None else clip.weight(trace.trace)
            known[call] = trace if weight <= room else None
            room -= weight if weight <= room else 0
        task.trace = known[call]


@contextmanager
def _no_garbage() -> Iterator[None]:
    """Imports make objects that stay; looking through them for garbage again and again takes half a second."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _traced(trace: Callable[[], Any], each_alone: bool) -> Any:
    """The trace, or None for a defect, which will be that one clip's failure later; a `UserError` is let out now
    unless it is `each_alone`."""
    try:
        return trace()
    except UserError:
        if each_alone:
            return None
        raise
    except Exception:
        return None


def _entry(result: Result) -> dict[str, Any]:
    job, ledger = result.job, result.files[LEDGER]
    apart = ("alt", "duration", "title", "chosen", "said")
    said = {
        "operator": job.example.operator,
        "example": job.example.name,
        "family": job.example.family,
        "lang": job.lang,
        "theme": job.theme,
        **{name: ledger[name] for name in ("title", "duration", "alt")},
    }
    files = {
        suffix: {name: fact for name, fact in file.items() if name not in apart}
        for suffix, file in result.files.items()
    }
    return unlisted.entry(said, files)


@contextmanager
def _ended_by_signal() -> Iterator[None]:
    """Let a polite `kill` end a run as cleanly as Ctrl-C does; only a main thread can arrange that."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGTERM, interrupt)
    except ValueError:
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
