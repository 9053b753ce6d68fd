"""Encoders: what turns frames into files, found by name.

An encoder is start, frame, stop. `ENCODERS` knows them by the name of their format and imports one (and its
library) only when it is made.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from torchreel.render.settings import Rect, View


class Encoder(Protocol):
    """Writes one file, frame by frame. All three methods are called from one thread."""

    def start(self, path: Path, view: View) -> None:
        """Open `path` (a temporary name in the target's directory) for frames of `view`'s size and rate."""

    def frame(self, rgba: np.ndarray, rects: list[Rect], count: int) -> None:
        """Take the next picture, shown for `count` frame periods.

        `rgba` (H, W, 4) uint8 belongs to the caller and changes after the call: copy what is kept. `rects` cover
        every pixel that differs from the picture before; an empty list says that nothing changed.
        """

    def stop(self, ok: bool) -> None:
        """Finish the file, or with `ok=False` only let go of everything. Called once after `start`, always."""


def _lazy(module: str, name: str) -> Callable[..., Encoder]:
    def make(*args: Any, **kwargs: Any) -> Encoder:
        encoder: Encoder = getattr(import_module(f"{__name__}.{module}"), name)(*args, **kwargs)
        return encoder

    make.__name__ = name
    return make


ENCODERS: dict[str, Callable[..., Encoder]] = {
    "gif": _lazy("gif", "GifEncoder"),
    "mp4": _lazy("mp4", "Mp4Encoder"),
    "png": _lazy("png", "PngEncoder"),
    "webp": _lazy("webp", "WebpEncoder"),
}
"""Encoders by format."""
