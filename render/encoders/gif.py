"""Animated GIF with one palette made from the clip's real colours.

While frames arrive, only the pixels that changed are kept (numbered colours, spooled to disk) and counted. At the end
the counts give the palette, colour numbers turn into palette entries through a lookup table, and FFmpeg's GIF encoder,
given whole pictures, crops them and makes unchanged pixels transparent. No dither: it would make flat areas noisy, and
noise is what makes a GIF large.
"""

from __future__ import annotations

import contextlib
from fractions import Fraction
from itertools import islice
from typing import TYPE_CHECKING

import av
import numpy as np

from torchreel.render.encoders.changes import Changes, Patch
from torchreel.render.encoders.palette import choose
from torchreel.render.encoders.spool import Numbered, Spool
from torchreel.render.encoders.timing import Pacer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from torchreel.render.encoders import Rect
    from torchreel.render.settings import View

MOST_LOOPS = 1 << 16

_TICK = Fraction(1, 100)
_SHORTEST = 2


class GifEncoder:
    """Equal pictures are one longer delay; no delay is shorter than 2 centiseconds.

    What loops for ever begins with the last picture and its hold: a loop hides its seam there, and what shows only the
    first frame (print, a slide, a reader who switched animation off) shows the finished figure.

    `max_colors` (2 to 255): size of the palette; fewer colours make a smaller file. `loop`: how often it plays, 0 for
    ever; what comes to an end begins with the first picture and stays on the last.
    """

    def __init__(self, max_colors: int = 255, loop: int = 0) -> None:
        if not 2 <= max_colors <= 255:
            raise ValueError(f"GifEncoder: max_colors={max_colors} is not between 2 and 255.")
        if not 0 <= loop <= MOST_LOOPS:
            raise ValueError(f"GifEncoder: loop={loop} is not between 0 and {MOST_LOOPS}.")
        self._max_colors, self._loop = max_colors, loop
        self._spool: Spool | None = None

    def start(self, path: Path, view: View) -> None:
        self._path = path
        self._view = view
        self._changes = Changes()
        self._colours = ColourNumbers()
        self._events: list[list[int]] = []
        self._spool = Spool(path.parent)

    def frame(self, rgba: NDArray[np.uint8], rects: Sequence[Rect], count: int) -> None:
        assert self._spool is not None
        patches = self._changes.update(rgba, rects)
        if not patches:
            self._events[-1][1] += count
            return
        self._events.append([len(patches), count])
        for patch in patches:
            self._spool.add(self._colours.number(patch))

    def stop(self, ok: bool) -> None:
        spool, self._spool = self._spool, None
        if spool is None:
            return
        with contextlib.closing(spool):
            if ok:
                self._write(spool)

    def _write(self, spool: Spool) -> None:
        if not self._events:
            raise RuntimeError("GIF: the clip has no frame.")
        palette, entries = choose(self._colours.colours, self._colours.counts, self._max_colors)
        numbers, counts = zip(*self._events, strict=True)
        if self._loop == 0:  # all at once is the last picture, and then the others
            numbers, counts = (None, *numbers[:-1]), (counts[-1], *counts[:-1])
        pacer = Pacer(self._view.fps, _TICK.denominator, _SHORTEST)
        final = len(counts) - 1
        times = [pacer.show(count, last=place == final) for place, count in enumerate(counts)]
        options = {
            "loop": str(self._loop - 1 or -1) if self._loop else "0",
            "final_delay": str(pacer.final_delay),
        }
        with contextlib.closing(_GifWriter(self._path, self._view, palette, options)) as writer:
            patches = spool.read()
            for place, number in enumerate(numbers):
                writer.paint(entries, spool.read() if number is None else islice(patches, number))
                writer.show(times[place], last=place == final)
            writer.finish()


class ColourNumbers:
    """Numbers colours in the order in which they appear and counts the pixels that change to each."""

    def __init__(self) -> None:
        self._number = np.zeros(1 << 24, np.uint32)  # 0: not seen yet; untouched pages take no memory
        self._known = 0
        self._colours = np.empty(1 << 12, np.uint32)
        self._counts = np.zeros(1 << 12, np.int64)

    @property
    def colours(self) -> NDArray[np.uint32]:
        """The packed colours, by number."""
        return self._colours[: self._known]

    @property
    def counts(self) -> NDArray[np.int64]:
        """How many pixels changed to each colour, by number."""
        return self._counts[: self._known]

    def number(self, patch: Patch) -> Numbered:
        """The patch with colour numbers in place of colours."""
        colours = patch.colours[patch.changed]
        numbers = self._number[colours]
        unseen = colours[numbers == 0]
        if unseen.size:
            self._learn(np.unique(unseen))
            numbers = self._number[colours]
        numbers -= 1
        seen = np.bincount(numbers)
        self._counts[: len(seen)] += seen
        kind = "<u2" if self._known <= 1 << 16 else "<u4"
        return Numbered(patch.x, patch.y, patch.changed, numbers.astype(kind))

    def _learn(self, unseen: NDArray[np.uint32]) -> None:
        known, self._known = self._known, self._known + len(unseen)
        while self._known > len(self._colours):
            self._colours = np.concatenate([self._colours, np.empty_like(self._colours)])
            self._counts = np.concatenate([self._counts, np.zeros_like(self._counts)])
        self._colours[known : self._known] = unseen
        self._number[unseen] = np.arange(known + 1, self._known + 1, dtype=np.uint32)


class _GifWriter:
    """Paints palette entries on a canvas and hands it to FFmpeg whenever it shows something new."""

    def __init__(self, path: Path, view: View, palette: NDArray[np.uint8], options: dict[str, str]) -> None:
        self._canvas = np.zeros((view.height, view.width), np.uint8)
        self._argb = np.zeros((256, 4), np.uint8)  # entries left over are transparent: FFmpeg needs one
        self._argb[: len(palette), 0] = 255
        self._argb[: len(palette), 1:] = palette
        self._stale = True
        self._container = av.open(str(path), "w", format="gif", options=options)
        self._stream = self._container.add_stream("gif", rate=_TICK.denominator)
        self._stream.width, self._stream.height, self._stream.pix_fmt = view.width, view.height, "pal8"
        self._stream.codec_context.time_base = _TICK

    def paint(self, entries: NDArray[np.uint8], patches: Iterator[Numbered]) -> None:
        for patch in patches:
            height, width = patch.changed.shape
            area = self._canvas[patch.y : patch.y + height, patch.x : patch.x + width]
            values = entries[patch.values]
            self._stale = self._stale or not np.array_equal(area[patch.changed], values)
            area[patch.changed] = values

    def show(self, time: int | None, last: bool) -> None:
        """Write the canvas as it is at `time` (centiseconds), unless it looks as it did before."""
        if time is None or not (self._stale or last):
            return
        frame = av.VideoFrame.from_ndarray((self._canvas, self._argb), format="pal8")
        frame.pts, frame.time_base = time, _TICK
        self._container.mux(self._stream.encode(frame))
        self._stale = False

    def finish(self) -> None:
        self._container.mux(self._stream.encode(None))

    def close(self) -> None:
        self._container.close()
