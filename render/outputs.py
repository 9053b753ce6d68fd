"""Files that appear whole or not at all.

Everything is written under a hidden temporary name in the target folder and renamed when it is complete. The name says
which process on which machine owns it, so that the next run can clear away what a killed one left behind.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import secrets
import socket
from pathlib import Path

from torchreel.assets.errors import UserError

_PREFIX = ".torchreel"
_PATTERN = re.compile(rf"{re.escape(_PREFIX)}-(?P<host>[0-9a-f]{{6}})-(?P<pid>\d+)-[0-9a-f]{{8}}\..+")


def _host() -> str:
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:6]


def temporary(target: Path) -> Path:
    """A fresh hidden name beside `target`, with its suffix, owned by this process."""
    return target.with_name(f"{_PREFIX}-{_host()}-{os.getpid()}-{secrets.token_hex(4)}.{target.name}")


def clear_leftovers(folder: Path) -> list[Path]:
    """Delete temporary files whose owner on this machine has died; return what was deleted."""
    cleared = []
    for path in folder.glob(f"{_PREFIX}-*"):
        match = _PATTERN.fullmatch(path.name)
        if match and match["host"] == _host() and not _is_alive(int(match["pid"])):
            with contextlib.suppress(OSError):
                path.unlink()
                cleared.append(path)
    return cleared


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def write_whole(target: Path, data: bytes) -> None:
    """Write `data` to `target` in one step, as seen by any reader."""
    scratch = temporary(target)
    try:
        scratch.write_bytes(data)
        scratch.replace(target)
    except BaseException:
        discard([scratch])
        raise


def discard(paths: list[Path]) -> None:
    """Delete files that may not be there."""
    for path in paths:
        with contextlib.suppress(OSError):
            path.unlink()


def digest(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_same(path: Path, size: int, sha256: str | None) -> bool:
    """Whether a file has these bytes; their number alone counts where no digest is known."""
    try:
        return path.stat().st_size == size and (sha256 is None or digest(path) == sha256)
    except OSError:
        return False


def reason(error: Exception) -> str:
    """Why the system refused, in its own words."""
    number = error.errno if isinstance(error, OSError) else None
    return os.strerror(number) if number else " ".join(str(error).split()) or type(error).__name__


def prepare_folder(folder: Path, advice: str = "choose another folder with -o") -> None:
    """Make `folder` and prove that it can be written to; raises `UserError`, with `advice`, before any work is done."""
    probe = temporary(folder / "probe")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        discard([probe])
        advice = "free some space" if error.errno == errno.ENOSPC else advice
        raise UserError(f"cannot write to the output folder {folder}: {reason(error)}; {advice}.") from error
    with contextlib.suppress(OSError):
        clear_leftovers(folder)
