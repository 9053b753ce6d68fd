"""Lossless animated WebP: each frame holds only the pixels that changed, the others stay transparent.

libwebp compresses the pictures (through Pillow); the animation container around them is written here, frame by frame,
so nothing but the current picture stays in memory.
Source: https://developers.google.com/speed/webp/docs/riff_container
"""

from __future__ import annotations

import contextlib
import io
import struct
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from torchreel.render.encoders.changes import Changes, Patch, unpacked
from torchreel.render.encoders.timing import Pacer

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


class WebpEncoder:
    """Loops for ever; equal pictures are one longer frame; decodes to exactly the pixels given."""

    suffix = "webp"

    def __init__(self) -> None:
        self._file: _WebpFile | None = None

    def start(self, path: Path, view: View) -> None:
        self._changes = Changes()
        self._pacer = Pacer(view.fps, _MILLISECONDS, _SHORTEST)
        self._pending: list[Patch] = []
        self._count = 0
        self._file = _WebpFile(path, view)

    def frame(self, rgba: NDArray[np.uint8], rects: Sequence[Rect], count: int) -> None:
        patches = self._changes.update(rgba, rects)
        if patches and self._count:
            self._write(last=False)
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
        self._write(last=True)
        file.finish(self._pacer.end)

    def _write(self, last: bool) -> None:
        """A picture is written when it is known how long it lasts; one that is left out hands its patches on."""
        assert self._file is not None
        time = self._pacer.show(self._count, last)
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
    """The container. Sizes and durations are filled in when they are known."""

    def __init__(self, path: Path, view: View) -> None:
        self._file = path.open("wb")
        self._duration_at = 0
        self._shown = 0
        animated_with_alpha = 0x12
        canvas = struct.pack("<I", animated_with_alpha) + _three(view.width - 1) + _three(view.height - 1)
        forever = struct.pack("<IH", 0, 0)
        self._file.write(b"RIFF\0\0\0\0WEBP" + _chunk(b"VP8X", canvas) + _chunk(b"ANIM", forever))

    def add(self, time: int, x: int, y: int, picture: NDArray[np.uint8]) -> None:
        """A picture drawn over the one before at `time` (ms)."""
        self._end_frame(time)
        height, width = picture.shape[:2]
        place = b"".join(map(_three, (x // 2, y // 2, width - 1, height - 1)))
        self._duration_at = self._file.tell() + 8 + len(place)
        blend_keep = b"\0"
        self._file.write(_chunk(b"ANMF", place + _three(0) + blend_keep + _lossless(picture)))
        self._shown = time

    def finish(self, time: int) -> None:
        """End the last picture at `time` (ms) and the file."""
        self._end_frame(time)
        self._write_at(4, struct.pack("<I", self._file.tell() - 8))
        self._file.flush()

    def close(self) -> None:
        """Let go of the file; what `finish` has not written does not matter."""
        with contextlib.suppress(OSError):
            self._file.close()

    def _end_frame(self, time: int) -> None:
        if self._duration_at:
            self._write_at(self._duration_at, _three(time - self._shown))

    def _write_at(self, position: int, data: bytes) -> None:
        end = self._file.tell()
        self._file.seek(position)
        self._file.write(data)
        self._file.seek(end)


def _lossless(picture: NDArray[np.uint8]) -> bytes:
    """The VP8L chunk of a still WebP."""
    still = io.BytesIO()
    Image.fromarray(picture).save(still, "WEBP", lossless=True, **_EFFORT)
    return still.getvalue()[_RIFF_HEADER:]


def _three(number: int) -> bytes:
    return number.to_bytes(3, "little")


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
