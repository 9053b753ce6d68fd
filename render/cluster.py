"""Rendering on other machines, or in processes of this one, with dask.distributed.

A worker gets a job and sends back the bytes of its files, so that machines need no folder in common. Names, cache and
manifest stay with the process that asked. What a lost worker had begun, dask gives to another one.
"""

from __future__ import annotations

import contextlib
import logging
import signal
import tempfile
import threading
import traceback
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import CancelledError
from copy import copy
from dataclasses import dataclass, field, replace
from multiprocessing import resource_tracker
from pathlib import Path
from queue import SimpleQueue
from typing import Any
from uuid import uuid4

from torchreel.assets.errors import UserError
from torchreel.render.batch import Reporter
from torchreel.render.endings import first_line, is_debugging
from torchreel.render.keys import keys
from torchreel.render.task import Answer, Failure, Task, failure, perform
from torchreel.render.workers import Event, WorkerDied

LOCAL = "local"
_PATIENCE = 10  # seconds until a scheduler that does not answer is none
_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True)
class Parcel:
    """What a worker sends back: what rendering came to, and the bytes of each file by its suffix."""

    answer: Answer
    files: dict[str, bytes] = field(default_factory=dict)


class Cluster:
    """A `batch.Crew` of the dask workers that the scheduler at `address` has; `local` starts `at_once` of its own.

    Raises `UserError` where dask.distributed is missing.
    """

    def __init__(self, address: str, at_once: int = 1) -> None:
        try:
            import distributed  # noqa: F401
        except ImportError as error:
            raise UserError(
                f'--dask needs {error.name}, which is missing: pip install "torchreel[dask]".'
            ) from error
        self._address, self._at_once = address, at_once
        self._until_dismissed = contextlib.ExitStack()
        self._client: Any = None

    def gather(self, reporter: Reporter) -> None:
        """Reach the scheduler, which has ten seconds to answer. Raises `UserError`."""
        from distributed.utils import silence_logging_cmgr

        if not is_debugging():
            self._until_dismissed.enter_context(silence_logging_cmgr(logging.CRITICAL + 1))
        if self._address == LOCAL:
            reporter.preparing(f"starting {self._at_once} workers")
            self._client = self._reached(self._started())
        else:
            reporter.preparing(f"looking for {self._address}")
            self._client = self._reached(self._address)
            if not self._client.scheduler_info(n_workers=1)["workers"]:
                reporter.note(f"{self._address} has no workers yet; clips wait until it has some.")
        reporter.preparing("")

    def _started(self) -> Any:
        """A cluster of this machine's processes, with as much memory as there is."""
        import dask
        from distributed import LocalCluster

        with _interrupts_wait(), dask.config.set({"distributed.scheduler.worker-saturation": 1.0}):
            return self._until_dismissed.enter_context(
                LocalCluster(
                    n_workers=self._at_once,
                    threads_per_worker=1,
                    processes=True,
                    memory_limit=0,
                    dashboard_address=None,
                    silence_logs=logging.CRITICAL,
                )
            )

    def _reached(self, address: Any) -> Any:
        from distributed import Client
        from distributed.comm import get_address_host_port

        try:
            if self._address != LOCAL:
                get_address_host_port(address)  # a client of what is no address is never quite closed
            client = Client(address, timeout=_PATIENCE, set_as_default=False, name="torchreel")
        except (OSError, ValueError) as error:
            raise UserError(
                f"--dask {self._address}: no dask scheduler answers there; expected an address such as "
                "tcp://10.0.0.1:8786, as 'dask scheduler' prints it, or local."
            ) from error
        return self._until_dismissed.enter_context(client)

    def run(self, tasks: Sequence[Task]) -> Generator[Event[Task], None, None]:
        """Have all tasks done, as far as dask can in their order; yield what happens, and leave their files."""
        news: SimpleQueue[tuple[str, int, Any]] = SimpleQueue()
        topic = f"torchreel-{uuid4().hex}"
        self._client.subscribe_topic(topic, lambda event: news.put(tuple(event[1])))
        futures = self._client.map(
            _made,
            [_errand(task) for task in tasks],
            range(len(tasks)),
            topic=topic,
            key=[f"{topic}-{number:06}" for number in range(len(tasks))],
            pure=False,
        )
        for number, future in enumerate(futures):
            future.add_done_callback(lambda future, number=number: news.put(("ended", number, future)))
        begun: set[int] = set()
        ended: set[int] = set()
        while len(ended) < len(tasks):
            kind, number, value = news.get()
            if number in ended:
                continue
            task = tasks[number]
            if number not in begun:
                begun.add(number)
                yield Event("started", task)
            if kind == "drawn":
                yield Event("progress", task, value)
            elif kind == "ended":
                ended.add(number)
                yield _received(task, value)
                value.release()

    def dismiss(self) -> None:
        """Leave the scheduler, which forgets what is not done; workers of `local` end."""
        self._until_dismissed.close()


@contextlib.contextmanager
def _interrupts_wait() -> Iterator[None]:
    """Ctrl-C and a polite kill come through when it is over, and Ctrl-C never to processes that are started meanwhile.

    A cluster that is half started cannot be closed; and one in use is closed by who started it.
    """
    came: list[object] = []
    before: dict[int, Any] = {}
    with contextlib.suppress(ValueError):  # only a main thread has handlers, and is interrupted
        for number in (signal.SIGINT, signal.SIGTERM):
            before[number] = signal.signal(number, lambda *news: came.append(news))
    resource_tracker.ensure_running()  # starting it later would lift the block
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for one, handler in before.items():
            signal.signal(one, handler)
    if came:
        raise KeyboardInterrupt


def _errand(task: Task) -> Task:
    """A task as it travels: what it shows is computed where it is drawn."""
    errand = copy(task)
    errand.trace = None
    return errand


def _received(task: Task, future: Any) -> Event[Task]:
    """What became of a task; its files get the temporary names that it has here."""
    from distributed import KilledWorker

    try:
        parcel = future.result()
    except KilledWorker as error:
        return Event("died", task, WorkerDied(f"{error.allowed_failures + 1} workers died while they had it"))
    except CancelledError:
        return Event("died", task, WorkerDied("the connection to the dask scheduler was lost"))
    except Exception as error:
        why = (
            f"{task.job.label}: dask could not have it done ({first_line(error)}). "
            "Its scheduler and workers need torchreel as it is here."
        )
        return Event("done", task, Answer(0.0, failure=Failure("failed", why, traceback.format_exc())))
    try:
        for suffix, data in parcel.files.items():
            task.scratch[suffix].write_bytes(data)
    except OSError as error:
        return Event("done", task, Answer(parcel.answer.seconds, failure=failure(error, task.job)))
    return Event("done", task, parcel.answer)


def _made(task: Task, number: int, topic: str) -> Parcel:
    """A task done by a worker, which draws one clip at a time whatever its number of threads: Manim has one state."""
    from distributed import get_worker

    worker = get_worker()
    with _ONE_AT_A_TIME:
        worker.log_event(topic, ("begun", number, 0.0))
        return done_here(
            task, worker.address, lambda seconds: worker.log_event(topic, ("drawn", number, seconds))
        )


def done_here(task: Task, here: str, report: Callable[[float], None]) -> Parcel:
    """Render a task of another process. `here` names this one, where it runs on other versions and may not."""
    if task.keys != keys(task.job):
        why = (
            f"{task.job.label}: {here} has another torchreel, torch or Python, and would draw another clip; "
            "install there what is here."
        )
        return Parcel(Answer(0.0, failure=Failure("failed", why)))
    from torchreel.scenes.trace.threads import use_one_thread

    use_one_thread()
    with warnings.catch_warnings(), tempfile.TemporaryDirectory(prefix="torchreel-") as folder:
        warnings.simplefilter("ignore")
        task.job = replace(task.job, folder=Path(folder))
        task.scratch = {suffix: task.job.path(suffix) for suffix in task.scratch}
        answer = perform(task, report)
        written = {} if answer.failure else task.scratch
        return Parcel(answer, {suffix: path.read_bytes() for suffix, path in written.items()})
