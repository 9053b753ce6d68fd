"""Slides in the format of manim-slides, for those who present with it: a JSON file and a folder of movies.

Paths are relative to the folder above the JSON's, as manim-slides writes and reads them, and every movie has its
reverse, which it plays on the way back.
"""

from __future__ import annotations

import io
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import av
from av.container import InputContainer
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream

from torchreel.assets.themes import theme
from torchreel.publish.slides.deck import Slide
from torchreel.render import jsontext
from torchreel.render.outputs import discard, write_whole

_OPTIONS = {"preset": "veryfast", "qp": "21", "x264-params": "bframes=0"}
_MOST_HELD = 1 << 28
_OURS = re.compile(r"\d{3,}(_reversed)?\.mp4", re.ASCII)


def write(slides: Sequence[Slide], target: Path, folder: Path) -> None:
    """Write the movies to a `folder` beside the `target`, and then that; movies of an earlier, longer deck go."""
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
        "resolution": list(slides[0].first.size),
        "background_color": theme(slides[0].theme).background,
    }
    write_whole(target, (jsontext.readable(content) + "\n").encode())
    discard([old for old in folder.iterdir() if _OURS.fullmatch(old.name) and old.name not in names])


def reverse(movie: bytes) -> bytes:
    """An MP4 whose pictures come in the opposite order."""
    with tempfile.TemporaryDirectory(prefix="torchreel-") as scratch:
        path = Path(scratch, "reversed.mp4")
        with (
            av.open(io.BytesIO(movie)) as source,
            av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as target,
        ):
            given = source.streams.video[0]
            stream = target.add_stream("libx264", rate=given.average_rate, options=_OPTIONS)
            stream.width, stream.height, stream.pix_fmt = given.width, given.height, "yuv420p"
            for name in ("color_range", "colorspace", "color_primaries", "color_trc"):
                setattr(stream.codec_context, name, getattr(given.codec_context, name))
            for place, frame in enumerate(_backwards(source, given)):
                frame.pts, frame.time_base = place, 1 / given.average_rate
                frame.pict_type = PictureType.NONE
                target.mux(stream.encode(frame))
            target.mux(stream.encode(None))
        return path.read_bytes()


def _backwards(source: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
    """The pictures from last to first. Parts are decoded from the last one on, so few are held at once."""
    held = max(1, _MOST_HELD // (stream.width * stream.height * 3 // 2))
    rate = stream.average_rate
    assert rate is not None and stream.time_base is not None
    for end in range(stream.frames, 0, -held):
        first = max(0, end - held)
        source.seek(round(first / rate / stream.time_base), stream=stream)
        part = []
        for frame in source.decode(stream):
            place = round((frame.pts or 0) * stream.time_base * rate)
            if place >= first:
                part.append(frame)
            if place >= end - 1:
                break
        yield from reversed(part)
