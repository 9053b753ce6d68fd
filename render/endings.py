"""How a command ends: one exit code and one line for everything that can go wrong, never a traceback.

`TORCHREEL_DEBUG=1` shows the traceback as well, for whoever looks for a defect.
"""

from __future__ import annotations

import errno
import os
import traceback
from pathlib import Path

from torchreel.assets.errors import UserError
from torchreel.render.outputs import reason
from torchreel.render.streams import OutputLost

DONE, FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130
_MEMORY = "there is not enough memory; use a smaller input or size, or fewer clips at once with -j 1."


def ending(error: BaseException) -> tuple[int, str]:
    """The exit code for what ended a command, and what to say of it in one line."""
    if isinstance(error, UserError):
        return WRONG_USAGE, " ".join(str(error).split())
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED, "interrupted; what is finished is kept."
    return FAILED, _failure(error)


def is_debugging() -> bool:
    """Whether somebody wants to see tracebacks."""
    return os.environ.get("TORCHREEL_DEBUG", "") not in ("", "0")


def _failure(error: BaseException) -> str:
    if isinstance(error, OutputLost):
        return f"stopped, because standard output cannot be written to: {error}."
    if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
        return _MEMORY
    if isinstance(error, ImportError):
        name = f" {error.name}" if error.name else ""
        return f"cannot load{name}: {first_line(error)}; 'torchreel doctor' says what is missing."
    if isinstance(error, OSError) and error.errno:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{reason(error)}."
    return f"internal error: {type(error).__name__}: {first_line(error)} ({_place(error)}); please report it."


def first_line(error: BaseException) -> str:
    """What an error says first, without its full stop."""
    return (str(error).strip().splitlines() or ["no message"])[0].rstrip(".")


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "nowhere"
