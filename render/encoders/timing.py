"""When a picture is shown, in the whole ticks that an animation format counts in."""

from __future__ import annotations


def ticks(frames: int, fps: int, per_second: int) -> int:
    """The time after `frames` frame periods, rounded to whole ticks (halves up)."""
    return (2 * frames * per_second + fps) // (2 * fps)


class Pacer:
    """Times are rounded from the start of the clip, never summed, so that roundings do not add up to a drift.

    Players take a delay that is too short as "unset" and slow the clip down (0 and 1 centiseconds play at ten frames
    a second in browsers). So a picture is held for `shortest` ticks, and one whose whole time falls into that hold is
    left out: the next picture brings its changes along.
    """

    def __init__(self, fps: int, per_second: int, shortest: int) -> None:
        self._fps = fps
        self._per_second = per_second
        self._shortest = shortest
        self._frames = 0
        self._shown = -shortest

    def show(self, count: int, last: bool) -> int | None:
        """The tick at which the next picture, `count` frame periods long, appears; None where it is left out."""
        at = max(self._now(), self._shown + self._shortest)
        self._frames += count
        if self._now() <= at and not last:
            return None
        self._shown = at
        return at

    @property
    def end(self) -> int:
        """The tick at which the clip ends."""
        return max(self._now(), self._shown + self._shortest)

    @property
    def final_delay(self) -> int:
        """How many ticks the last picture stays."""
        return self.end - self._shown

    def _now(self) -> int:
        return ticks(self._frames, self._fps, self._per_second)
