"""The pieces of a clip that a page or a slide plays one after the other."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from torchreel.render.encoders import mp4


def cut(film: Path, times: Sequence[float]) -> list[bytes]:
    """The pieces (whole MP4s) of an MP4 that begin at `times`, in seconds, rising; each ends where the next begins.

    They show the very frames of the whole, as nothing is encoded anew. Raises `ValueError` where a time has no
    keyframe, as every caption of a clip has.
    """
    with tempfile.TemporaryDirectory(prefix="torchreel-") as folder:
        paths = [Path(folder, f"{number}.mp4") for number in range(len(times))]
        mp4.cut(film, times, paths)
        return [path.read_bytes() for path in paths]
