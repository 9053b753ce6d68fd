"""Slides in the format of manim-slides, for those who present with it: a JSON file and a folder of movies beside it.

`manim-slides present lecture --folder FOLDER` and `manim-slides convert` read it. Paths are relative to the folder above
the JSON's, as manim-slides writes and reads them, and every movie has its reverse, which it plays on the way back.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import av

from torchreel.assets.themes import theme
from torchreel.publish.slides.deck import Slide
from torchreel.render import jsontext
from torchreel.render.outputs import discard, write_whole

_OPTIONS = {"preset": "veryfast", "qp": "21", "x264-params": "bframes=0"}
_AT_ONCE = 48


def folder_of(target: Path) -> Path:
    """The folder of movies that goes with a JSON file."""
    return target.with_name(f"{target.stem}_files")


def write(slides: Sequence[Slide], target: Path) -> None:
    """Write the movies and then the JSON file; movies of an earlier, longer deck go."""
    folder = folder_of(target)
    folder.mkdir(parents=True, exist_ok=True)
    base = f"{target.resolve().parent.name}/{folder.name}"
    entries, names = [], set()
    for number, slide in enumerate(slides, 1):
        forward, back = f"{number:03}.mp4", f"{number:03}_reversed.mp4"
        write_whole(folder / forward, slide.movie)
        write_whole(folder / back, reverse(slide.movie))
        names |= {forward, back}
        entries.append(
            {
                "file": f"{base}/{forward}",
                "rev_file": f"{base}/{back}",
                "loop": slide.loop,
                "auto_next": False,
                "playback_rate": 1.0,
                "reversed_playback_rate": 1.0,
                "notes": slide.notes,
                "dedent_notes": True,
            }
        )
    content = {
        "slides": entries,
        "resolution": list(slides[0].film.last.size),
        "background_color": theme(slides[0].theme).background,
    }
    write_whole(target, (jsontext.readable(content) + "\n").encode())
    discard([old for old in folder.glob("[0-9][0-9][0-9]*.mp4") if old.name not in names])


def reverse(movie: bytes) -> bytes:
    """An MP4 whose pictures come in the opposite order. Few are held at once: parts are decoded from the last one on."""
    with tempfile.TemporaryDirectory(prefix="torchreel-") as scratch:
        path = Path(scratch, "reversed.mp4")
        with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as target:
            with av.open(io.BytesIO(movie)) as source:
                given = source.streams.video[0]
                count, tick = given.frames, 1 / given.average_rate
                stream = target.add_stream("libx264", rate=given.average_rate, options=_OPTIONS)
                stream.width, stream.height, stream.pix_fmt = given.width, given.height, "yuv420p"
                for name in ("color_range", "colorspace", "color_primaries", "color_trc"):
                    setattr(stream.codec_context, name, getattr(given.codec_context, name))
            for place, frame in enumerate(_backwards(movie, count)):
                frame.pts, frame.time_base = place, tick
                frame.pict_type = av.video.frame.PictureType.NONE
                target.mux(stream.encode(frame))
            target.mux(stream.encode(None))
        return path.read_bytes()


def _backwards(movie: bytes, count: int) -> Iterator[av.VideoFrame]:
    for end in range(count, 0, -_AT_ONCE):
        first = max(0, end - _AT_ONCE)
        with av.open(io.BytesIO(movie)) as source:
            part = [frame for place, frame in enumerate(source.decode(video=0)) if first <= place < end]
        yield from reversed(part)
