"""Lanes: one view's way through a scene. A lane knows its sample times, counts its frames, and paints them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from torchreel.render.display import DisplayList, Item
from torchreel.render.raster import Raster
from torchreel.render.settings import Rect

Put = Callable[[np.ndarray, list[Rect], int], None]
Background = tuple[int, ...]


class Lane:
    """What every view does alike. `frames` counts the frame periods shown so far."""

    def __init__(self, raster: Raster) -> None:
        self.raster = raster
        self.view = raster.view
        self.frames = 0
        self._before = 0
        self._count = 0

    @property
    def seconds(self) -> float:
        """How long the clip is so far."""
        return self.frames / self.view.fps

    def begin_play(self, run_time: float) -> Sequence[float]:
        """The sample times of a play of `run_time` seconds, exactly those of Manim at this rate."""
        period = 1 / self.view.fps
        times = list(np.arange(0, max(run_time, period), period))
        self._before, self._count = self.frames, len(times)
        return times

    def end_play(self) -> None:
        """All samples of the play have passed, whether they were wanted or not."""
        self.frames = self._before + self._count

    def held_frames(self, duration: float) -> int:
        """How many frame periods a wait of `duration` seconds lasts, with Manim's rounding."""
        period = 1 / self.view.fps
        return int(max(duration, period) / period)

    def note(self, changed: Iterable[Item]) -> None:
        """Some items look different now."""
        self.raster.note(changed)

    def wants(self, index: int) -> bool:
        """Whether sample `index` of the current play is to be seen."""
        raise NotImplementedError

    def sample(self, index: int, display: DisplayList, background: Background) -> None:
        """See sample `index` of the current play."""
        raise NotImplementedError

    def hold(self, count: int, display: DisplayList, background: Background) -> None:
        """See the stage stand still for `count` frame periods."""
        raise NotImplementedError


class FilmLane(Lane):
    """Sees every frame and passes it on."""

    def __init__(self, raster: Raster, put: Put) -> None:
        super().__init__(raster)
        self._put = put

    def wants(self, index: int) -> bool:
        return True

    def sample(self, index: int, display: DisplayList, background: Background) -> None:
        self.frames = self._before + index
        self.hold(1, display, background)

    def hold(self, count: int, display: DisplayList, background: Background) -> None:
        rects = self.raster.paint(display, background)
        self._put(self.raster.frame, rects, count)
        self.frames += count


class StillsLane(Lane):
    """Keeps the frames at a few times (seconds), painted in full, and the last one."""

    def __init__(self, raster: Raster, times: Sequence[float]) -> None:
        super().__init__(raster)
        self._numbers = [self._number(time) for time in times]
        self._kept: dict[int, np.ndarray] = {}
        self._background: Background = (0, 0, 0, 255)

    def _number(self, time: float) -> int:
        """The number of the frame on show at `time`, -1 for the last one."""
        tolerance = 1e-6
        return int(time * self.view.fps + tolerance) if time >= 0 else -1

    def wants(self, index: int) -> bool:
        return index == self._count - 1 or self._before + index in self._numbers

    def sample(self, index: int, display: DisplayList, background: Background) -> None:
        self.frames = self._before + index
        self.hold(1, display, background)

    def hold(self, count: int, display: DisplayList, background: Background) -> None:
        self.raster.adopt(display)
        self._background = background
        shown = [number for number in self._numbers if self.frames <= number < self.frames + count]
        if shown:
            still = self._picture()
            self._kept.update(dict.fromkeys(shown, still))
        self.frames += count

    def stills(self) -> list[np.ndarray]:
        """The frames at the times asked for, in that order."""
        last = self._picture()
        return [self._kept.get(number, last) for number in self._numbers]

    def _picture(self) -> np.ndarray:
        self.raster.repaint(self._background)
        return self.raster.frame.copy()


def schedule(
    lanes: Sequence[Lane], run_time: float, everything: bool
) -> list[tuple[float, list[tuple[Lane, int]]]]:
    """The sample times of a play in order, each with the lanes it belongs to and their sample numbers.

    Times that no lane wants to see are left out unless `everything` is asked for.
    """
    due: dict[float, list[tuple[Lane, int]]] = {}
    for lane in lanes:
        for index, time in enumerate(lane.begin_play(run_time)):
            if everything or lane.wants(index):
                due.setdefault(time, []).append((lane, index))
    return sorted(due.items(), key=lambda entry: entry[0])
