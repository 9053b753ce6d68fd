"""The beats of a clip: one moment each, how long it lasts, and how many moments become one in a sweep."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from manim import Animation

from torchreel.scenes.trace.formula import Token
from torchreel.scenes.trace.proof import Step

HOLD = 2.0
LONGEST = 15.0

T = TypeVar("T")


@dataclass(frozen=True)
class Beat:
    """One moment of a clip: a caption key, animations made when its turn comes, and time to look.

    `run_time` and `hold` are seconds in tenths (whole frames at 20 and 30 fps). `formula` is a step to show with
    numbers, ready tokens, or None to keep the bar as it is. `values` fill the caption's fields; `also` are keys of
    further sentences to add to it, such as "heat" where cells are too small for numbers.
    """

    name: str
    animate: Callable[[], Iterable[Animation]] = tuple
    run_time: float = 0.6
    hold: float = 0.0
    formula: Step | Sequence[Token] | None = None
    values: dict[str, object] = field(default_factory=dict)
    also: tuple[str, ...] = ()


def paced(beats: Sequence[Beat]) -> list[Beat]:
    """The beats, shortened alike (in tenths of a second) if they would make a clip longer than `LONGEST`."""
    total = sum(beat.run_time + beat.hold for beat in beats)
    factor = (LONGEST - HOLD) / total if total > LONGEST - HOLD else 1.0
    if factor == 1.0:
        return list(beats)
    return [
        replace(beat, run_time=max(0.1, _tenths(beat.run_time * factor)), hold=_tenths(beat.hold * factor))
        for beat in beats
    ]


def _tenths(seconds: float) -> float:
    return math.floor(seconds * 10 + 1e-9) / 10


def runs(items: Sequence[T], most: int) -> list[Sequence[T]]:
    """Items in order, in at most `most` runs of equal length (the last may be shorter): the steps of a sweep."""
    size = max(1, -(-len(items) // most))
    return [items[start : start + size] for start in range(0, len(items), size)]
