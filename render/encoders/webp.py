"""Lossless animated WebP: each frame holds only the pixels that changed, the others stay transparent.

libwebp compresses the pictures (through Pillow); the animation container around them is written here, frame by frame,
so nothing but the current picture stays in memory.
Source: https://developers.google.com/speed/webp/docs/riff_container
"""

from __future__ import annotations

import contextlib
import io
import shutil
import struct
import tempfile
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from torchreel.render.encoders.changes import Changes, Patch, unpacked
from torchreel.render.encoders.timing import Pacer, ticks

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from torchreel.render.encoders import Rect
    from torchreel.render.settings import View

_MILLISECONDS = 1000
_SHORTEST = 11  # browsers slow frames of 10 ms and less down to 100 ms
_EFFORT = {"quality": 50, "method": 2}  # more costs time and gains nothing on flat graphics
_RIFF_HEADER = 12
_DURATION_AT = 8 + 12


class WebpEncoder:
    """Loops for ever; equal pictures are one longer frame; decodes to exactly the pixels given.

    As in a GIF, the last picture with its hold is played first.
    """

    def __init__(self) -> None:
        self._file: _WebpFile | None = None

    def start(self, path: Path, view: View) -> None:
        self._view = view
        self._changes = Changes()
        self._pacer = Pacer(view.fps, _MILLISECONDS, _SHORTEST)
        self._pending: list[Patch] = []
        self._count = 0
        self._file = _WebpFile(path, view)

    def frame(self, rgba: NDArray[np.uint8], rects: Sequence[Rect], count: int) -> None:
        patches = self._changes.update(rgba, rects)
        if patches and self._count:
            self._write()
            self._count = 0
        self._pending += patches
        self._count += count

    def stop(self, ok: bool) -> None:
        if self._file is None:
            return
        try:
            if ok:
                self._finish(self._file)
        finally:
            self._file.close()
            self._file = None

    def _finish(self, file: _WebpFile) -> None:
        if not self._count:
            raise RuntimeError("WebP: the clip has no frame.")
        hold = max(_SHORTEST, ticks(self._count, self._view.fps, _MILLISECONDS))
        file.finish(self._pacer.end, hold, unpacked(self._changes.picture))

    def _write(self) -> None:
        """A picture is written when it is known how long it lasts; one that is left out hands its patches on."""
        assert self._file is not None
        time = self._pacer.show(self._count, last=False)
        if time is not None:
            self._file.add(time, *_merged(self._pending))
            self._pending = []


def _merged(patches: list[Patch]) -> tuple[int, int, NDArray[np.uint8]]:
    """One picture (H, W, 4) with the patches in order, and its position (x, y): even, as the container wants it."""
    left = min(patch.x for patch in patches) & ~1
    top = min(patch.y for patch in patches) & ~1
    right = max(patch.x + patch.changed.shape[1] for patch in patches)
    bottom = max(patch.y + patch.changed.shape[0] for patch in patches)
    picture = np.zeros((bottom - top, right - left, 4), np.uint8)
    for x, y, colours, changed in patches:
        area = picture[y - top : y - top + changed.shape[0], x - left : x - left + changed.shape[1]]
        area[changed, :3] = unpacked(colours[changed])
        area[changed, 3] = 255
    return left, top, picture


class _WebpFile:
    """The container. Pictures wait on disk until the one that is played first is known."""

    def __init__(self, path: Path, view: View) -> None:
        self._view = view
        self._file = path.open("wb")
        self._waiting = tempfile.TemporaryFile(dir=path.parent)  # noqa: SIM115 (closed with the container)
        self._duration_at = 0
        self._shown = 0

    def add(self, time: int, x: int, y: int, picture: NDArray[np.uint8]) -> None:
        """A picture drawn over the one before at `time` (ms)."""
        self._end_frame(time)
        self._duration_at = self._waiting.tell() + _DURATION_AT
        self._waiting.write(_picture(x, y, 0, picture))
        self._shown = time

    def finish(self, time: int, hold: int, first: NDArray[np.uint8]) -> None:
        """End the last waiting picture at `time` (ms) and write the file, first of all `first` (H, W, 3)."""
        self._end_frame(time)
        opaque = np.dstack([first, np.full(first.shape[:2], 255, np.uint8)])
        self._file.write(b"RIFF\0\0\0\0WEBP" + self._head() + _picture(0, 0, hold, opaque))
        self._waiting.seek(0)
        shutil.copyfileobj(self._waiting, self._file)
        size = self._file.tell() - 8
        self._file.seek(4)
        self._file.write(struct.pack("<I", size))
        self._file.flush()

    def _head(self) -> bytes:
        animated_with_alpha = 0x12
        size = _three(self._view.width - 1) + _three(self._view.height - 1)
        canvas = struct.pack("<I", animated_with_alpha) + size
        forever = struct.pack("<IH", 0, 0)
        return _chunk(b"VP8X", canvas) + _chunk(b"ANIM", forever)

    def close(self) -> None:
        """Let go of the file; what `finish` has not written does not matter."""
        with contextlib.suppress(OSError):
            self._waiting.close()
        with contextlib.suppress(OSError):
            self._file.close()

    def _end_frame(self, time: int) -> None:
        if self._duration_at:
            end = self._waiting.tell()
            self._waiting.seek(self._duration_at)
            self._waiting.write(_three(time - self._shown))
            self._waiting.seek(end)


def _picture(x: int, y: int, duration: int, picture: NDArray[np.uint8]) -> bytes:
    """The chunk of one picture (H, W, 4) at (x, y) for `duration` ms."""
    height, width = picture.shape[:2]
    place = b"".join(map(_three, (x // 2, y // 2, width - 1, height - 1)))
    blend_keep = b"\0"
    return _chunk(b"ANMF", place + _three(duration) + blend_keep + _lossless(picture))


def _lossless(picture: NDArray[np.uint8]) -> bytes:
    """The VP8L chunk of a still WebP."""
    still = io.BytesIO()
    Image.fromarray(picture).save(still, "WEBP", lossless=True, **_EFFORT)
    return still.getvalue()[_RIFF_HEADER:]


def _three(number: int) -> bytes:
    return number.to_bytes(3, "little")


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
