"""Standard output and error as a command needs them: any console may show them, and losing them is no defect."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from typing import Any, TextIO

from torchreel.render.jsontext import readable
from torchreel.render.outputs import reason


class OutputLost(BaseException):
    """Standard output takes no more: its reader is gone or its disk is full. Like Ctrl-C, no error of a clip."""

    def __init__(self, error: Exception) -> None:
        super().__init__(reason(error))


def say(text: str, err: bool = False) -> None:
    """Print a line on standard output (or error) at once."""
    print(text, file=sys.stderr if err else sys.stdout, flush=True)


def say_json(value: Any) -> None:
    """Print a value as JSON, with escapes for what the encoding of standard output cannot express."""
    text = readable(value)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except ValueError:
        text = json.dumps(json.loads(text), indent=1)
    say(text)


@contextlib.contextmanager
def dependable() -> Iterator[None]:
    """For a while, what a console cannot show is escaped, and a lost standard output raises `OutputLost`, only that."""
    before = sys.stdout, sys.stderr
    _open_standard_descriptors()
    sys.stdout, sys.stderr = _Stream(sys.stdout, is_vital=True), _Stream(sys.stderr, is_vital=False)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def _open_standard_descriptors() -> None:
    """Give descriptors 0 to 2 a use, so that no file of ours gets one of them and takes in what libraries print."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


class _Stream:
    """A text stream whose failures are foreseen; with none behind it, what is written is gone."""

    def __init__(self, stream: TextIO | None, is_vital: bool) -> None:
        self._stream: TextIO = stream or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123
        self._is_vital = is_vital
        with contextlib.suppress(AttributeError, OSError, ValueError):
            self._stream.reconfigure(errors="backslashreplace")  # type: ignore[attr-defined]

    def write(self, text: str) -> int:
        with self._failing_well():
            return self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with self._failing_well():
            self._stream.flush()

    @contextlib.contextmanager
    def _failing_well(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self._drop_what_is_left()
            if self._is_vital:
                raise OutputLost(error) from error

    def _drop_what_is_left(self) -> None:
        """What is still in the buffer is not to fail once more when Python ends."""
        with contextlib.suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
