"""Small stills for a page that shows hundreds."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from torchreel.publish.clips import Film
from torchreel.render.outputs import write_whole

WIDTH = 640
_QUALITY = 80


def write(film: Film, target: Path) -> None:
    """Write a film's finished figure as WebP, `WIDTH` px wide; from its video where there is no PNG of it."""
    picture = _last(film) if film.poster is None else _opened(film.poster)
    small = picture.reduce(
        max(1, picture.width // WIDTH)
    )  # twelve times as quick as a resize, and exact where it divides
    if small.width != WIDTH:
        small = small.resize((WIDTH, round(picture.height * WIDTH / picture.width)))
    data = io.BytesIO()
    small.save(data, "WEBP", quality=_QUALITY, method=2)
    write_whole(target, data.getvalue())


def _opened(poster: Path) -> Image.Image:
    picture = Image.open(poster)
    return picture if picture.mode == "RGB" else picture.convert("RGB")  # which copies what is RGB already


def _last(film: Film) -> Image.Image:
    """The frame that stands at the figure's time."""
    import av

    figure = film.ledger["figure"]
    with av.open(str(film.video)) as source:
        for frame in source.decode(video=0):
            if frame.time is not None and frame.time >= figure:
                break
        return frame.to_image()
