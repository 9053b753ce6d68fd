"""MP4 (H.264) that plays everywhere: 4:2:0, constant frame rate, the index at the front of the file.

x264 gets one quantiser for all pictures and looks no frames ahead: nothing in an explainer needs its rate planning,
which is most of what the presets differ in and a third of its time. At 21 the file has the size and the fidelity that
`crf=18` gives it. Colours are converted to YUV only where the picture changed.

A keyframe at each cue, where a caption begins, lets a player jump there at once and `cut` take the clip apart without
encoding anything again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
from av.video.frame import PictureType
from av.video.reformatter import (
    ColorPrimaries,
    ColorRange,
    Colorspace,
    ColorTrc,
    Interpolation,
    VideoReformatter,
)

from torchreel.render.outputs import discard, temporary

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from torchreel.render.encoders import Rect
    from torchreel.render.settings import View

_OPTIONS = {
    "preset": "veryfast",
    "qp": "21",
    "forced-idr": "1",
    "x264-params": "keyint=300:scenecut=0:bframes=0:ref=1:weightp=0:subme=0:no-chroma-me=1:"
    "rc-lookahead=0:sync-lookahead=0",
}
_FEWEST_LINES = 4


class Mp4Encoder:
    """Odd sizes are padded to even ones with the last column and row, as 4:2:0 needs.

    One thread: workers already run side by side, and the bytes do not depend on the machine's cores.

    `cues` gives the times (seconds) at which keyframes are wanted, as far as they are known: it is asked for each
    picture, and has to know by then whether one begins with it.
    """

    def __init__(self, cues: Callable[[], Sequence[float]] = tuple) -> None:
        self._cues = cues
        self._container: av.container.OutputContainer | None = None

    def start(self, path: Path, view: View) -> None:
        self._picture = Yuv(view.width, view.height)
        self._container = _create(path)
        self._stream = self._container.add_stream("libx264", rate=view.fps, options=_OPTIONS)
        self._stream.width, self._stream.height = self._picture.width, self._picture.height
        self._stream.pix_fmt = "yuv420p"
        context = self._stream.codec_context
        context.thread_count = 1
        context.color_range = ColorRange.MPEG
        context.colorspace = Colorspace.ITU709
        context.color_primaries = ColorPrimaries.BT709
        context.color_trc = ColorTrc.BT709
        self._tick = Fraction(1, view.fps)
        self._time = 0

    def frame(self, rgba: NDArray[np.uint8], rects: Sequence[Rect], count: int) -> None:
        assert self._container is not None
        self._picture.update(rgba, rects)
        frame = self._picture.frame
        wanted = {round(cue / self._tick) for cue in self._cues()}
        for _ in range(count):
            frame.pts, frame.time_base = self._time, self._tick
            frame.pict_type = PictureType.I if self._time in wanted else PictureType.NONE
            self._container.mux(self._stream.encode(frame))
            self._time += 1

    def stop(self, ok: bool) -> None:
        container, self._container = self._container, None
        if container is None:
            return
        if not ok:
            with contextlib.suppress(Exception):
                container.close()
            return
        with contextlib.closing(container):
            if not self._time:
                raise RuntimeError("MP4: the clip has no frame.")
            container.mux(self._stream.encode(None))


def cut(source: Path, starts: Sequence[float], targets: Sequence[Path]) -> None:
    """Take a clip apart: one file for each of `starts` (seconds, ascending), up to the next one or the end.

    The pictures are copied as they are, in a moment, so a piece can only begin with a keyframe, as there is one where
    each caption begins. Files appear whole or not at all. Raises `ValueError` where there is no keyframe.
    """
    with av.open(str(source)) as container:
        stream = container.streams.video[0]
        packets = [packet for packet in container.demux(stream) if packet.dts is not None]
        firsts = [round(start * stream.average_rate) for start in starts]
        for start, first in zip(starts, firsts, strict=True):
            if not (first < len(packets) and packets[first].is_keyframe):
                raise ValueError(
                    f"{source}: no keyframe at {start:g} s; render it with --keyframes captions."
                )
        for first, end, target in zip(firsts, [*firsts[1:], len(packets)], targets, strict=True):
            scratch = temporary(target)
            try:
                _copy(packets[first:end], stream, scratch)
                scratch.replace(target)
            finally:
                discard([scratch])


def _copy(packets: Sequence[av.Packet], stream: av.VideoStream, target: Path) -> None:
    begin = packets[0].dts
    with contextlib.closing(_create(target)) as copied:
        track = copied.add_stream_from_template(stream)
        for packet in packets:
            packet.pts, packet.dts = packet.pts - begin, packet.dts - begin
            packet.stream = track
            copied.mux(packet)


def _create(path: Path) -> av.container.OutputContainer:
    return av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"})


class Yuv:
    """The current picture as a limited range BT.709 frame, `width` x `height` px (both even), kept up to date.

    Chroma is the mean of 2 x 2 px, so converting rectangles that begin and end on even lines gives what converting
    the whole picture gives; but not a single line of chroma, which swscale takes from one line of the source instead.
    x264 copies each picture that it is given, so one frame serves for all.
    """

    def __init__(self, width: int, height: int) -> None:
        self._source = (width, height)
        self.width, self.height = width + width % 2, height + height % 2
        self.frame = av.VideoFrame(self.width, self.height, "yuv420p")
        self._converter = VideoReformatter()
        self._empty = True

    def update(self, rgba: NDArray[np.uint8], rects: Sequence[Rect]) -> None:
        """Take over the rectangles of a frame (H, W, 4); the first frame is taken whole."""
        if self._empty:
            rects = [(0, 0, *self._source)]
            self._empty = False
        for x0, y0, x1, y1 in rects:
            bottom = y1 + (y1 & 1)
            top = max(0, min(y0 & ~1, bottom - _FEWEST_LINES))
            bottom = min(self.height, max(bottom, top + _FEWEST_LINES))
            self._convert(rgba, x0 & ~1, top, x1 + (x1 & 1), bottom)

    def _convert(self, rgba: NDArray[np.uint8], x0: int, y0: int, x1: int, y1: int) -> None:
        pixels = rgba[y0:y1, x0:x1]
        height, width = pixels.shape[:2]
        if (width, height) != (x1 - x0, y1 - y0):
            pixels = np.pad(pixels, ((0, y1 - y0 - height), (0, x1 - x0 - width), (0, 0)), mode="edge")
        part = self._converter.reformat(
            av.VideoFrame.from_numpy_buffer(np.ascontiguousarray(pixels), format="rgba"),
            format="yuv420p",
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
            interpolation=Interpolation.AREA | Interpolation.ACCURATE_RND | Interpolation.BITEXACT,
            threads=1,
        )
        for plane, (target, source) in enumerate(zip(planes(self.frame), planes(part), strict=True)):
            half = 1 if plane else 0
            target[y0 >> half : y1 >> half, x0 >> half : x1 >> half] = source


def planes(frame: av.VideoFrame) -> list[NDArray[np.uint8]]:
    """Views of the planes Y (H, W), U and V (H / 2, W / 2) of a frame; writing to them changes the frame."""
    return [
        np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]
        for plane in frame.planes
    ]
