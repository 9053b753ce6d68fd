"""Forked workers: each task in its own process, which starts with everything the parent has already imported.

A process a task means that a crash, a leak or a stray global of one clip cannot reach another one. A fork of a warm
parent costs milliseconds.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import signal
import sys
import warnings
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe, wait
from typing import Any, Generic, TypeVar

Task = TypeVar("Task")
Report = Callable[[float], None]


class WorkerDied(RuntimeError):
    """A worker ended without an answer, for example because it was killed or ran out of memory."""


def processors() -> int:
    """How many workers can be at work at a time."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass
class Event(Generic[Task]):
    """News of one task: `started`, `progress` (value: seconds of clip), `done` (value: the result) or `died`."""

    kind: str
    task: Task
    value: Any = None


@dataclass
class _Worker(Generic[Task]):
    pid: int
    task: Task


def run(
    tasks: Sequence[Task], work: Callable[[Task, Report], Any], jobs: int
) -> Generator[Event[Task], None, None]:
    """Run `work(task, report)` for all tasks in at most `jobs` processes, in order of `tasks`; yield what happens.

    `work` must return something that can be pickled and not raise. Leaving the iterator early, by an error or Ctrl-C,
    ends all workers.
    """
    waiting = list(tasks)
    busy: dict[Connection, _Worker[Task]] = {}
    gc.freeze()
    try:
        while waiting or busy:
            while waiting and len(busy) < jobs:
                task = waiting.pop(0)
                connection, pid = _fork(work, task)
                busy[connection] = _Worker(pid, task)
                yield Event("started", task)
            for ready in wait(list(busy)):
                assert isinstance(ready, Connection)
                yield _receive(ready, busy)
    finally:
        _end(busy)
        gc.unfreeze()


def _receive(connection: Connection, busy: dict[Connection, _Worker[Task]]) -> Event[Task]:
    worker = busy[connection]
    try:
        kind, value = connection.recv()
    except (EOFError, OSError):
        del busy[connection]
        return Event("died", worker.task, WorkerDied(_cause(_reap(connection, worker.pid))))
    if kind == "done":
        del busy[connection]
        _reap(connection, worker.pid)
    return Event(kind, worker.task, value)


def _reap(connection: Connection, pid: int) -> int:
    connection.close()
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _cause(code: int) -> str:
    if code < 0:
        return f"its worker process was killed ({signal.Signals(-code).name})"
    return f"its worker process ended with code {code}"


def _end(busy: dict[Connection, _Worker[Task]]) -> None:
    for worker in busy.values():
        with contextlib.suppress(ProcessLookupError):
            os.kill(worker.pid, signal.SIGTERM)
    for connection, worker in busy.items():
        _reap(connection, worker.pid)
    busy.clear()


def _fork(work: Callable[[Task, Report], Any], task: Task) -> tuple[Connection, int]:
    ours, theirs = Pipe(duplex=False)
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid:
        theirs.close()
        return ours, pid
    code = 1
    try:
        ours.close()
        _become_worker(parent)
        theirs.send(("done", work(task, lambda seconds: theirs.send(("progress", seconds)))))
        code = 0
    finally:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)


def _become_worker(parent: int) -> None:
    """Leave Ctrl-C to the parent, die on its request, and die with it (on Linux; elsewhere at the next report)."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
