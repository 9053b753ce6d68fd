"""What happens in the kernel that runs a notebook: its calls are recorded, cell by cell, and drawn when asked.

The other side sends `start`, then `begin` before each cell and `end` after it, and `draw` for each clip that it wants;
answers are JSON files. All of it stands in this module, since the notebook may do with its own names what it likes.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import torchreel
from torchreel.publish.recorded import Gathering, same_chances
from torchreel.render.explain import Clip
from torchreel.render.reel import Reel
from torchreel.scenes.record.calls import RecordedCall

_INSTALLERS = ("pip", "conda", "mamba", "micromamba", "uv")
_SHELLS = ("bash", "sh", "script", "system", "sx", "!")


class _Session:
    """The run of one notebook: which lines and calls have been seen, and the clips that wait to be drawn."""

    def __init__(self, lang: str, theme: str, width: int, only: list[str], limit: int) -> None:
        self.width = width
        self.gathering = Gathering(lang, theme, only, limit, width)
        self.lines: set[tuple[object, ...]] = set()
        self.cell = 0
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
        calls = [call for call in self.reel.calls if not call.inside and self._is_new(self._line(call))]
        found = self.gathering.take(self.reel, calls)
        self.clips |= {one.key: one.clip for one in found.clips}
        answer = {
            "clips": [
                {"key": one.key, "name": one.call.name, "times": one.call.times} for one in found.clips
            ],
            "skipped": [*dict.fromkeys(f"{text} was not run" for text in self.not_run), *found.skipped],
            "over": found.over,
        }
        self.watch = self.reel = None
        return answer

    def _is_new(self, line: tuple[object, ...]) -> bool:
        is_new = line not in self.lines
        self.lines.add(line)
        return is_new

    def _line(self, call: RecordedCall) -> tuple[object, ...]:
        """The line that makes a call; a cell's own lines are its own, even if another cell has the same text."""
        if call.site is None:
            return (call.name,)
        is_cells_own = call.site.function == "<module>"
        return call.site.file, call.site.line, call.name, self.cell if is_cells_own else 0

    def draw(self, key: str, target: str, suffixes: list[str]) -> dict[str, Any]:
        """Draw a clip into files `target` with these suffixes."""
        clip = self.clips.pop(key)
        with same_chances():
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
