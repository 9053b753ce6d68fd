"""How long clips took last time, so that a batch starts with the long ones and its workers end together."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from torchreel.render.job import Job
from torchreel.render.outputs import write_whole

NAME = "timings.json"
_LONGEST = 1e6


class Timings:
    """Seconds of rendering by clip, kept beside the cache; losing them costs a little time and nothing else."""

    def __init__(self, folder: Path | None) -> None:
        self._file = None if folder is None else folder / NAME
        self._seconds = {} if self._file is None else _read(self._file)
        self._is_new = False

    def expected(self, job: Job) -> float:
        """The seconds a clip took last time; an unknown one counts as long."""
        return self._seconds.get(job.label, float("inf"))

    def note(self, job: Job, seconds: float) -> None:
        """Remember how long a clip took."""
        self._seconds[job.label] = round(seconds, 2)
        self._is_new = True

    def save(self) -> None:
        """Write down what was learnt; a folder that cannot be written to is no error."""
        if self._is_new and self._file is not None:
            with contextlib.suppress(OSError):
                self._file.parent.mkdir(parents=True, exist_ok=True)
                write_whole(self._file, json.dumps(self._seconds, sort_keys=True, indent=1).encode())


def _read(file: Path) -> dict[str, float]:
    """What was noted; of a damaged file, what can be used of it."""
    try:
        known = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    noted = known.items() if isinstance(known, dict) else ()
    return {
        label: float(seconds)
        for label, seconds in noted
        if isinstance(seconds, (int, float)) and 0 <= seconds < _LONGEST
    }
