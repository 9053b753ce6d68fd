"""Frames go from the rasteriser to the encoders through one thread per view.

The painter hands over only the pixels that changed; the thread keeps the whole picture and gives it to each of its
encoders. The queue is bounded, so memory does not grow with the length of a clip.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from torchreel.render.encoders import Encoder
from torchreel.render.settings import Rect, View

Patch = tuple[Rect, np.ndarray]
_DEPTH = 8


class FrameThread:
    """Feeds the encoders of one view from a thread of its own.

    After an error the thread only empties the queue, so that the painter never waits for it in vain.
    An error in an encoder surfaces at the next `put`, at the latest in `close`. `close` always ends the thread and
    always calls `stop` of every encoder that was started.
    """

    def __init__(self, view: View, outputs: Sequence[tuple[Encoder, Path]]) -> None:
        self._view = view
        self._outputs = outputs
        self._queue: queue.Queue[tuple[list[Patch], int] | None] = queue.Queue(_DEPTH)
        self._pending: tuple[list[Patch], int] | None = None
        self._ok = True
        self._ended = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=f"encode {view}", daemon=True)
        self._thread.start()

    def put(self, frame: np.ndarray, rects: list[Rect], count: int) -> None:
        """Hand over the next picture (H, W, 4), which differs from the last in `rects`, for `count` periods.

        Raises the encoder's error once there is one.
        """
        self._check()
        if self._pending is not None and not rects:
            self._pending = (self._pending[0], self._pending[1] + count)
            return
        self._flush()
        self._pending = ([((x0, y0, x1, y1), frame[y0:y1, x0:x1].copy()) for x0, y0, x1, y1 in rects], count)

    def end(self) -> None:
        """Nothing more will come: let the encoders finish their files meanwhile."""
        self._flush()
        self._queue.put(None)

    def close(self, ok: bool) -> None:
        """Wait until the thread and its encoders have ended: whole files with `ok`, otherwise nothing but tidying.

        Raises the encoder's error, but only with `ok`: without it some other error is on its way already.
        """
        if not ok:
            self._ok = False
            self._queue.put(None)
        self._thread.join()
        if ok:
            self._check()

    def _check(self) -> None:
        if self._error is not None:
            raise self._error

    def _flush(self) -> None:
        if self._pending is not None:
            self._queue.put(self._pending)
            self._pending = None

    def _run(self) -> None:
        started: list[Encoder] = []
        try:
            for encoder, path in self._outputs:
                started.append(encoder)
                encoder.start(path, self._view)
            self._feed(started)
            while self._ok and started:
                started.pop(0).stop(True)
        except BaseException as error:
            self._error = error
        finally:
            for encoder in started:
                with contextlib.suppress(Exception):
                    encoder.stop(False)
        while self._error is not None and not self._ended:
            self._next()

    def _feed(self, encoders: list[Encoder]) -> None:
        picture = np.zeros((self._view.height, self._view.width, 4), np.uint8)
        while (job := self._next()) is not None and self._ok:
            patches, count = job
            for (x0, y0, x1, y1), pixels in patches:
                picture[y0:y1, x0:x1] = pixels
            rects = [rect for rect, _ in patches]
            for encoder in encoders:
                encoder.frame(picture, rects, count)

    def _next(self) -> tuple[list[Patch], int] | None:
        job = self._queue.get()
        self._ended = job is None
        return job
