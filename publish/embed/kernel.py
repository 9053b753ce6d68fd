"""What happens in the kernel that runs a notebook: its calls are recorded, cell by cell, and drawn when asked.

The other side sends `start`, then `begin` before each cell and `end` after it, and `draw` for each clip that it wants;
answers are JSON files. All of it stands in this module, since the notebook may do with its own names what it likes.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import torchreel
from torchreel.assets.errors import TorchreelError
from torchreel.render.explain import Clip
from torchreel.render.reel import Reel
from torchreel.scenes.record.calls import RecordedCall
from torchreel.scenes.trace.calling import first_line

_INSTALLERS = ("pip", "conda", "mamba", "micromamba", "uv")
_SHELLS = ("bash", "sh", "script", "system", "sx", "!")


class _Session:
    """The run of one notebook: which lines and calls have been seen, and the clips that wait to be drawn."""

    def __init__(self, lang: str, theme: str, width: int, only: list[str], limit: int) -> None:
        self.lang, self.theme, self.width, self.only, self.limit = lang, theme, width, only, limit
        self.lines: set[tuple[object, ...]] = set()
        self.cell = 0
        self.keys: dict[str, None] = {}
        self.clips: dict[str, Clip] = {}
        self.not_run: list[str] = []
        self.watch: contextlib.AbstractContextManager[Reel] | None = None
        self.reel: Reel | None = None

    def begin(self) -> None:
        """From here on, calls are recorded."""
        self.not_run.clear()
        self.cell += 1
        self.watch = torchreel.record(once=True)
        self.reel = self.watch.__enter__()

    def end(self) -> dict[str, Any]:
        """Stop recording; the calls that have a clip, in order, and what was left out and why."""
        assert self.watch is not None and self.reel is not None
        self.watch.__exit__(None, None, None)
        answer: dict[str, Any] = {
            "clips": [],
            "skipped": [f"{text} was not run" for text in self.not_run],
            "over": 0,
        }
        with _same_chances():
            for call in self.reel.calls:
                line = self._line(call)
                if call.inside or line in self.lines:
                    continue
                self.lines.add(line)
                self._add(call, answer)
        answer["skipped"] = list(dict.fromkeys(answer["skipped"]))
        self.watch = self.reel = None
        return answer

    def _line(self, call: RecordedCall) -> tuple[object, ...]:
        """The line that makes a call; a cell's own lines are its own, even if another cell has the same text."""
        if call.site is None:
            return (call.name,)
        is_cells_own = call.site.function == "<module>"
        return call.site.file, call.site.line, call.name, self.cell if is_cells_own else 0

    def _add(self, call: RecordedCall, answer: dict[str, Any]) -> None:
        assert self.reel is not None
        if len(self.keys) >= self.limit:
            answer["over"] += 1
            return
        if not call.is_supported:
            answer["skipped"].append(f"{call.name}: {call.why_not.split('. ')[0].rstrip('.')}")
            return
        try:
            clip = self.reel.clip(call, lang=self.lang, theme=self.theme)
        except TorchreelError as error:
            answer["skipped"].append(f"{call.name}: {error}")
            return
        except Exception as error:
            answer["skipped"].append(f"{call.name}: {type(error).__name__}: {first_line(error)}")
            return
        if self.only and clip.trace.name not in self.only:
            return
        key = _key(clip, self.lang, self.theme, self.width)
        if key in self.keys:
            answer["skipped"].append(f"{call.name}: the very same call is shown above")
            return
        self.keys[key] = None
        self.clips[key] = clip
        answer["clips"].append({"key": key, "name": call.name, "times": call.times})

    def draw(self, key: str, target: str, suffixes: list[str]) -> dict[str, Any]:
        """Draw a clip into files `target` with these suffixes."""
        clip = self.clips.pop(key)
        with _same_chances():
            clip.save(*(f"{target}.{suffix}" for suffix in suffixes), width=self.width)
        return {}


_session: _Session


def start(options: str) -> None:
    """Begin with the notebook; `options` are a session's, as JSON."""
    global _session
    _session = _Session(**json.loads(options))
    _without_shell(_session.not_run)


def begin() -> None:
    """Before a cell."""
    _session.begin()


def end(answer: str) -> None:
    """After a cell, whatever became of it."""
    _answer(answer, _session.end())


def draw(key: str, target: str, suffixes: str, answer: str) -> None:
    """Draw a clip into files with these suffixes, between commas; `json` alone only says what it would say."""
    try:
        _answer(answer, _session.draw(key, target, suffixes.split(",")))
    except Exception as error:
        _answer(answer, {"why": f"{type(error).__name__}: {' '.join(str(error).split())}"})


def forget(key: str) -> None:
    """A clip that is not wanted."""
    _session.clips.pop(key, None)


def _answer(path: str, content: dict[str, Any]) -> None:
    Path(path).write_text(json.dumps(content), encoding="utf-8")


def _key(clip: Clip, *look: object) -> str:
    """A digest of all that a clip shows."""
    trace = clip.trace
    plain = {name: value for name, value in trace.call.items() if not hasattr(value, "dtype")}
    training = trace.module is not None and trace.module.training
    told = hashlib.sha256(repr((trace.name, dict(trace.kwargs), plain, training, look)).encode())
    for name, tensor in trace.tensors.items():
        told.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        if hasattr(tensor, "detach"):  # what is computed on demand follows from the others
            told.update(_bytes(tensor.detach()))
    return told.hexdigest()[:12]


def _bytes(tensor: Any) -> bytes:
    try:
        data: bytes = tensor.contiguous().numpy().tobytes()
        return data
    except TypeError:
        return repr(tensor.tolist()).encode()


@contextlib.contextmanager
def _same_chances() -> Iterator[None]:
    """What is done meanwhile leaves the random numbers of Python and NumPy as they were; torch's are safe anyway."""
    pythons, numpys = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(pythons)
        np.random.set_state(numpys)


def _without_shell(not_run: list[str]) -> None:
    """A page is run for what it computes: commands of the shell, which may install or delete things, are noted only."""
    from IPython import get_ipython

    shell = get_ipython()

    def instead(command: str, *_: Any, **__: Any) -> list[str]:
        not_run.append(f"!{command.splitlines()[0][:60]}")
        return []

    shell.system = shell.getoutput = shell.getoutput_split = instead
    for name in _INSTALLERS:
        shell.register_magic_function(
            lambda line, own=name: not_run.append(f"%{own} {line[:60]}"), "line", name
        )
    for name in _SHELLS:
        shell.register_magic_function(
            lambda line, cell="", own=name: not_run.append(f"%%{own}"), "cell", name
        )
