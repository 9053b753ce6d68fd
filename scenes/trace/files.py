"""Files that a user names as an input: looked at before they are opened, and read once, as bytes. No torch here.

What is hashed for the cache, named in the clip's file name and shown are the same bytes, whatever happens to the file
meanwhile.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, Self

from torchreel.assets.errors import UserError

MAX_BYTES = (1 << 27) + (1 << 20)
READABLE = "a .npy, .npz, .pt, .csv or picture file (.png, .jpg, .gif, .webp, .tif, .bmp)"

HELD = "held"
"""The kind of a tensor that the user holds, which no file is."""
_PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
_KINDS = {
    ".npy": "npy",
    ".npz": "npz",
    ".pt": "pt",
    ".pth": "pt",
    ".csv": "csv",
    **dict.fromkeys(_PICTURES, "picture"),
}
_BEGINNINGS = (
    (b"\x93NUMPY", "npy"),
    (b"PK\x03\x04", "zip"),
    (b"\x89PNG", "picture"),
    (b"\xff\xd8\xff", "picture"),
    (b"GIF8", "picture"),
    (b"BM", "picture"),
    (b"RIFF", "picture"),
    (b"II*\0", "picture"),
    (b"MM\0*", "picture"),
    (b"P2", "picture"),
    (b"P3", "picture"),
    (b"P5", "picture"),
    (b"P6", "picture"),
)
_LONGEST_NAME = 4096
_OF_A_FILE = re.compile(r"[^()\[\]{}*+=,\n]*\.[A-Za-z][A-Za-z0-9]{0,15}")
_OF_AN_EXPRESSION = re.compile(r"[\s+-]*[\[(]|.*\btorch\.|[\s+-]*(nan|inf|pi)\b")
_SPECIAL = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
_LARGEST_SIDE = 4096

Size = tuple[int, ...]


class TooLargePicture(Exception):
    """A picture that would take too much memory, in a few words."""


class File(str):
    """A file's name, as the user typed it, with what was read under that name: where a text is taken, so is this.

    `kind` says how the bytes are understood: `npy`, `npz`, `pt`, `csv` or `picture`, or `held`, which is as `pt`.
    `resize` is what a picture is made smaller to, in px: `(longer side,)` or `(width, height)`.
    """

    kind: str
    data: bytes
    resize: Size | None

    def __new__(cls, name: str, kind: str, data: bytes, resize: Size | None = None) -> Self:
        file = super().__new__(cls, name)
        file.kind, file.data, file.resize = kind, data, resize
        return file

    def __reduce__(self) -> tuple[type[File], tuple[str, str, bytes, Size | None]]:
        """A file travels to other processes with its bytes."""
        return type(self), (str(self), self.kind, self.data, self.resize)

    @cached_property
    def key(self) -> str:
        """A text that is the same for files that give the same tensor, wherever they lie."""
        size = "" if self.resize is None else f" {'x'.join(map(str, self.resize))}"
        return f"{self.kind} {hashlib.sha256(self.data).hexdigest()}{size}"

    @cached_property
    def remark(self) -> str:
        """What a user should know of how the file was read; mostly nothing."""
        if self.kind == "picture":
            from torchreel.scenes.trace.pictures import is_moving

            if is_moving(self.data):
                return f"{Path(self).name}: its first frame is shown"
        return ""


def is_file(text: str) -> bool:
    """Whether a text names a file or a folder rather than being an expression."""
    if not text.strip() or len(text) >= _LONGEST_NAME:
        return False
    if _suffix(text) in _KINDS:
        return True
    return not _is_expression(text) and (bool(_OF_A_FILE.fullmatch(text)) or _is_there(text))


def read_file(text: str, resize: Size | None = None) -> File:
    """The file of that name, `~` expanded. Raises `UserError` for what is not a plain file of a known kind."""
    kind = _KINDS.get(_suffix(text))
    try:
        path = Path(text).expanduser()
        if kind is None:
            raise _unreadable(text, path)
        return _checked(File(text, kind, _read_whole(text, path), resize))
    except UserError:
        raise
    except (OSError, ValueError, RuntimeError) as error:
        raise refusal(text, _why(error)) from None


def _unreadable(text: str, path: Path) -> UserError:
    """What is said of a name whose suffix is of no kind that is read."""
    if path.exists():
        _refuse_special(text, path.stat().st_mode)
    return refusal(text, f"{path.suffix or 'a file without a suffix'} is not read; give {READABLE}")


def read_stream(stream: BinaryIO | None, resize: Size | None = None) -> File:
    """What comes from standard input, its kind told by its first bytes. Raises `UserError`."""
    name = "standard input"
    if stream is None or stream.isatty():
        raise UserError(f"{name}: nothing is piped in; write as in: torchreel render ReLU --input - < x.npy.")
    try:
        data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise refusal(name, _why(error)) from None
    if len(data) > MAX_BYTES:
        raise refusal(name, f"more than {MAX_BYTES} bytes")
    return _checked(File(name, _kind_of(data), data, resize))


def read_resize(text: str) -> Size:
    """`64` as `(64,)`, the longer side, and `64x48` as `(64, 48)`, both in px. Raises `UserError`."""
    match = re.fullmatch(r"\s*(\d{1,4})(?:\s*[xX×]\s*(\d{1,4}))?\s*", text, re.ASCII)
    size = tuple(int(side) for side in match.groups() if side) if match else ()
    if not size or not all(1 <= side <= _LARGEST_SIDE for side in size):
        raise UserError(
            f"--resize {shown(text)}: expected the longer side in px, such as 64, or a size such as 64x48, "
            f"up to {_LARGEST_SIDE}."
        )
    return size


def refusal(name: str, why: str) -> UserError:
    """The one line that says why a file was not read; of a long name the end is what tells it from others."""
    return UserError(f"Cannot read the input {name if len(name) <= 60 else '…' + name[-57:]!r}: {why}.")


def shown(text: str) -> str:
    """A user's text, quoted, in one line and not too long."""
    return repr(text if len(text) <= 60 else text[:57] + "…")


def _is_expression(text: str) -> bool:
    if _OF_AN_EXPRESSION.match(text):
        return True
    try:
        float(text)
    except ValueError:
        return False
    return True


def _suffix(text: str) -> str:
    return Path(text).suffix.lower()


def _is_there(text: str) -> bool:
    try:
        return Path(text).expanduser().exists()
    except (OSError, ValueError, RuntimeError):
        return False


def _read_whole(name: str, path: Path) -> bytes:
    _refuse(name, path.stat())
    # What the name stands for may have changed since, so nothing waits for a pipe and the open file is asked again.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        status = os.fstat(file.fileno())
        _refuse(name, status)
        return file.read(status.st_size)


def _refuse(name: str, status: os.stat_result) -> None:
    _refuse_special(name, status.st_mode)
    if status.st_size > MAX_BYTES:
        raise refusal(name, f"{status.st_size} bytes are more than {MAX_BYTES}")


def _refuse_special(name: str, mode: int) -> None:
    for is_one, what in _SPECIAL:
        if is_one(mode):
            raise refusal(name, f"{what} is not read; give {READABLE}")


def _checked(file: File) -> File:
    if not file.data:
        raise refusal(file, "it is empty")
    if file.resize is not None and file.kind != "picture":
        raise refusal(file, "only a picture can be resized; leave out --resize")
    return file


def _kind_of(data: bytes) -> str:
    kind = next((kind for beginning, kind in _BEGINNINGS if data.startswith(beginning)), "csv")
    if kind == "zip":
        return "npz" if b".npy" in data[:1024] else "pt"
    return kind


def _why(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    return os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error).rstrip(".")
