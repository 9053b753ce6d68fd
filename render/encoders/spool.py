"""Patches wait on disk: a GIF's palette is known only after the last frame, and memory must not grow with the clip."""

from __future__ import annotations

import contextlib
import struct
import tempfile
import zlib
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

_HEADER = struct.Struct("<HHHHBI")


class Numbered(NamedTuple):
    """A rectangle at (x, y) px: `changed` (H, W) says where, `values` (number of changed pixels,) says to what."""

    x: int
    y: int
    changed: NDArray[np.bool_]
    values: NDArray[np.unsignedinteger]


class Spool:
    """A nameless temporary file of compressed patches, written in order and read back in order."""

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115

    def add(self, patch: Numbered) -> None:
        """Raises OSError when the disk is full."""
        height, width = patch.changed.shape
        body = zlib.compress(np.packbits(patch.changed).tobytes() + patch.values.tobytes(), 1)
        self._file.write(_HEADER.pack(patch.x, patch.y, width, height, patch.values.itemsize, len(body)))
        self._file.write(body)

    def read(self) -> Iterator[Numbered]:
        """All patches from the start."""
        self._file.seek(0)
        while header := self._file.read(_HEADER.size):
            x, y, width, height, itemsize, size = _HEADER.unpack(header)
            body = zlib.decompress(self._file.read(size))
            mask = -(-width * height // 8)
            bits = np.frombuffer(body, np.uint8, mask)
            changed = np.unpackbits(bits, count=width * height).view(np.bool_).reshape(height, width)
            yield Numbered(x, y, changed, np.frombuffer(body, f"<u{itemsize}", offset=mask))

    def close(self) -> None:
        """Free the disk space; what could not be written any more does not matter."""
        with contextlib.suppress(OSError):
            self._file.close()
