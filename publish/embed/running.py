"""A notebook run in a fresh kernel, cell by cell, with its calls recorded: the side that sends and waits.

A cell that raises, asks for input or takes too long is a problem of its own, and the others are run. A kernel that
does not answer any more is stopped, and the cells after that are not run.
"""

from __future__ import annotations

import gc
import json
import logging
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError

from torchreel.publish.embed.notebook import Unreadable
from torchreel.publish.embed.options import Options
from torchreel.publish.embed.report import counted
from torchreel.render.outputs import reason

_MODULE = "torchreel.publish.embed.kernel"
_MOST_SECONDS = 300
_PATIENCE = 15
_TRIES = 3
_STOPPED = "StoppedByTorchreel"
_NOTHING = "pass"
_NO_INPUT = "StdinNotImplementedError"
# What a notebook imports is not to be a folder of pictures beside it that happens to be called torchreel.
_PREPARE = """
import os, sys
_own, sys.path[:] = list(sys.path), [one for one in sys.path if one not in ("", os.getcwd())]
try:
    import {module} as _kernel
finally:
    sys.path[:] = _own
_kernel.start({options!r})
del _kernel, _own
"""
_SEND = "__import__('sys').modules[{module!r}].{name}(*{given!r})"


@dataclass
class Ran:
    """What became of one cell: its calls (`key`, `name`, `times`), what was left out, and what went wrong."""

    at: int
    clips: list[dict[str, Any]] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    over: int = 0
    problem: str = ""


class KernelLost(Exception):
    """The kernel has died, or does not answer."""


class _NotRecorded(Exception):
    """The kernel's own part has failed."""


class _Client(NotebookClient):
    """A client that keeps nothing of what a cell prints and shows, which may be any amount."""

    def output(self, *_: Any, **__: Any) -> None:
        """Take in a message that a cell sent."""


class Run:
    """A kernel that runs one notebook."""

    def __init__(self, path: Path, options: Options, scratch: Path) -> None:
        self._options, self._path, self._scratch = options, path, scratch
        self._client = self._fresh()
        self._reply: dict[str, Any] = {}

    def _fresh(self) -> _Client:
        return _Client(
            nbformat.v4.new_notebook(),
            kernel_name="python3",
            allow_errors=True,
            interrupt_on_timeout=True,
            error_on_timeout={"ename": _STOPPED, "evalue": "", "traceback": []},
            iopub_timeout=_PATIENCE,
            log=_quiet(),
            on_cell_executed=self._hear,
        )

    @contextmanager
    def started(self) -> Iterator[None]:
        """A fresh kernel for a while, in the notebook's folder. Raises `Unreadable` where there is none to be had.

        A kernel looks for free ports and then takes them; where another program was quicker, it dies, and one more try
        helps.
        """
        with ExitStack() as until_done:
            until_done.enter_context(_silent())
            for tries_left in reversed(range(_TRIES)):
                with ExitStack() as unless_ready:
                    try:
                        self._begin(unless_ready)
                    except (KernelLost, RuntimeError) as error:
                        if not tries_left:
                            raise Unreadable(f"its kernel does not start: {reason(error)}") from error
                        self._client = self._fresh()
                        continue
                    except (_NotRecorded, OSError) as error:
                        raise Unreadable(f"its kernel does not start: {reason(error)}") from error
                    until_done.push(unless_ready.pop_all())
                    break
            yield

    def _begin(self, until: ExitStack) -> None:
        nowhere, here = subprocess.DEVNULL, str(self._path.parent.resolve())
        until.enter_context(self._client.setup_kernel(cwd=here, stdout=nowhere, stderr=nowhere))
        self._prepare()

    def _prepare(self) -> None:
        asked = {name: getattr(self._options, name) for name in ("lang", "theme", "width", "only", "limit")}
        error = self._execute(_PREPARE.format(module=_MODULE, options=json.dumps(asked)), _MOST_SECONDS)
        if error is not None:
            raise _NotRecorded(error)

    def cells(self, sources: list[tuple[int, str]]) -> Iterator[Ran]:
        """Run cells, by their places, in order."""
        for number, (at, source) in enumerate(sources):
            ran = Ran(at)
            try:
                self._send("begin")
                ran.problem = self._told(self._execute(source, self._options.timeout))
                answer = self._send("end", answers=True)
                ran.clips, ran.skipped, ran.over = answer["clips"], answer["skipped"], answer["over"]
            except _NotRecorded as error:
                ran.problem = ran.problem or f"cannot be recorded: {error}"
            except KernelLost as lost:
                rest = len(sources) - number - 1
                after = f"; {counted(rest, 'cell')} after it not run" if rest else ""
                ran.problem = f"{ran.problem or f'{lost} in this cell'}{after}"
                yield ran
                return
            yield ran

    def draw(self, key: str, target: Path, suffixes: str) -> str:
        """Draw a call that was recorded into files `target` with these suffixes; why not, if it cannot be drawn."""
        try:
            return str(self._send("draw", key, str(target), suffixes, answers=True).get("why", ""))
        except (_NotRecorded, KernelLost) as error:
            return str(error)

    def forget(self, key: str) -> None:
        """A call that is not to be drawn."""
        with suppress(_NotRecorded, KernelLost):
            self._send("forget", key)

    def _send(self, name: str, *given: str, answers: bool = False) -> dict[str, Any]:
        answer = self._scratch / "answer.json"
        answer.unlink(missing_ok=True)
        files = [str(answer)] if answers else []
        error = self._execute(_SEND.format(module=_MODULE, name=name, given=[*given, *files]), _MOST_SECONDS)
        if error is not None:
            raise _NotRecorded(error)
        found: dict[str, Any] = json.loads(answer.read_text("utf-8")) if answers else {}
        return found

    def _execute(self, source: str, seconds: int) -> str | None:
        """Run code; what it raised, in a line, or None."""
        self._reply = {}
        self._client.nb.cells = [nbformat.v4.new_code_cell(source)]
        self._client.timeout = seconds
        try:
            self._client.execute_cell(self._client.nb.cells[0], 0, store_history=False)
        except DeadKernelError as error:
            raise KernelLost("the kernel died") from error
        if self._reply.get("status") != "error":
            return None
        name, value = self._reply["ename"], " ".join(self._reply["evalue"].split())
        if name != _STOPPED:
            return f"{name}: {value}" if value else str(name)
        if source != _NOTHING and self._execute(_NOTHING, _PATIENCE):
            raise KernelLost("the kernel cannot be stopped")
        return f"it was stopped after {seconds} s; --timeout gives it more"

    def _hear(self, cell: Any, cell_index: int, execute_reply: dict[str, Any]) -> None:
        self._reply = execute_reply["content"]

    def _told(self, error: str | None) -> str:
        if error is None:
            return ""
        if error.startswith(_NO_INPUT):
            return "asks for input, which nobody gives here"
        return error if error.startswith("it was stopped") else f"raised {error}"


@contextmanager
def _silent() -> Iterator[None]:
    """Of a kernel that had to be stopped, asyncio would tell that nobody waits for its last messages."""
    log = logging.getLogger("asyncio")
    level = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        gc.collect()
        log.setLevel(level)


def _quiet() -> logging.Logger:
    log = logging.getLogger("torchreel.embed")
    log.addHandler(logging.NullHandler())
    log.propagate = False
    return log
