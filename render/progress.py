"""What a run says while it works: a progress bar with a line per clip, plain lines for a pipe, or nothing."""

from __future__ import annotations

import sys
from typing import Any, Self, TextIO

from torchreel.render.job import LEDGER, Job
from torchreel.render.streams import say
from torchreel.render.task import Result


def human_size(size: int) -> str:
    """Bytes for people: `312 kB`, `1.4 MB`."""
    if size < 1000:
        return f"{size} B"
    return f"{size / 1000:.0f} kB" if size < 999_500 else f"{size / 1e6:.1f} MB"


def line(result: Result) -> str:
    """One clip's outcome in one line."""
    if result.failure is not None:
        return f"{result.job.stem}  failed"
    files = ", ".join(
        f"{suffix} {human_size(file['bytes'])}" for suffix, file in result.files.items() if suffix != LEDGER
    )
    how = "unchanged" if result.status == "cached" else f"{result.seconds:.1f} s"
    return "  ".join([result.job.stem, files, how, *result.notes])


class Silent:
    """Says nothing, for machine-readable output; keeps the notes, each once."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def started(self, job: Job) -> None:
        pass

    def progress(self, job: Job, seconds: float) -> None:
        pass

    def finished(self, result: Result) -> None:
        pass

    def preparing(self, what: str) -> None:
        pass

    def reached(self, done: int, what: str) -> None:
        pass

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)
            self._show(text)

    def _show(self, note: str) -> None:
        pass


class Plain(Silent):
    """One line per finished clip; failures and notes go to standard error."""

    def finished(self, result: Result) -> None:
        say(line(result), err=result.failure is not None)

    def _show(self, note: str) -> None:
        say(f"torchreel: {note}", err=True)


class Bar(Silent):
    """A bar over all clips and a line for each one at work; finished ones scroll up above it.

    It draws itself only when it is told something: a thread of its own could be caught in the middle by a fork.
    """

    def __init__(self, total: int, stream: TextIO) -> None:
        super().__init__()
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            Progress,
            SpinnerColumn,
            TextColumn,
            TimeElapsedColumn,
        )

        self._console = Console(file=stream, highlight=False)
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[count]}"),
            TimeElapsedColumn(),
            console=self._console,
            auto_refresh=False,
            transient=True,
        )
        self._clips: dict[str, Any] = {}
        self._done, self._total = 0, total
        self._all = self._progress.add_task("clips", total=total, count=f"0/{total}")

    def __enter__(self) -> Self:
        self._progress.start()
        self._progress.refresh()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def preparing(self, what: str) -> None:
        self._progress.update(self._all, description=what or "clips")
        self._progress.refresh()

    def reached(self, done: int, what: str) -> None:
        """So many are done, of something else than clips, and `what` is under way."""
        self._done = done
        self._progress.update(self._all, completed=done, count=f"{done}/{self._total}", description=what)
        self._progress.refresh()

    def started(self, job: Job) -> None:
        self._clips[job.stem] = self._progress.add_task(job.stem, total=None, count="")
        self._progress.refresh()

    def progress(self, job: Job, seconds: float) -> None:
        self._progress.update(self._clips[job.stem], description=f"{job.stem}  {seconds:.1f} s drawn")
        self._progress.refresh()

    def finished(self, result: Result) -> None:
        from rich.text import Text

        self._progress.remove_task(self._clips.pop(result.job.stem))
        self._done += 1
        self._progress.update(self._all, advance=1, count=f"{self._done}/{self._total}")
        self._progress.print(Text(line(result), style="red" if result.failure else ""), soft_wrap=True)
        self._progress.refresh()

    def _show(self, note: str) -> None:
        self._progress.stop()
        say(f"torchreel: {note}", err=True)
        self._progress.start()


def reporter(total: int, as_json: bool) -> Silent:
    """Who reports a run: a bar where a person looks on, plain lines in a pipe, silence beside JSON."""
    stream = sys.stderr if as_json else sys.stdout
    if stream.isatty():
        return Bar(total, stream)
    return Silent() if as_json else Plain()
