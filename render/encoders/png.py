"""The poster: the last frame as a small lossless PNG."""

from __future__ import annotations

from typing import TYPE_CHECKING

import imageio.v3 as imageio

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from torchreel.render.encoders import Rect
    from torchreel.render.settings import View


class PngEncoder:
    """Keeps the current picture and writes it when the clip ends."""

    def __init__(self) -> None:
        self._picture: NDArray[np.uint8] | None = None

    def start(self, path: Path, view: View) -> None:
        self._path = path

    def frame(self, rgba: NDArray[np.uint8], rects: Sequence[Rect], count: int) -> None:
        if self._picture is None:
            self._picture = rgba[..., :3].copy()
        for x0, y0, x1, y1 in rects:
            self._picture[y0:y1, x0:x1] = rgba[y0:y1, x0:x1, :3]

    def stop(self, ok: bool) -> None:
        picture, self._picture = self._picture, None
        if not ok:
            return
        if picture is None:
            raise RuntimeError("PNG: the clip has no frame.")
        self._path.write_bytes(imageio.imwrite("<bytes>", picture, extension=".png", optimize=True))
