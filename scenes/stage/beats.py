"""The beats of a clip: one moment each, and how long it lasts so that its words can be read and its numbers checked."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import TypeVar

from manim import Animation

from torchreel.scenes.trace.formula import Token
from torchreel.scenes.trace.proof import Step

LEAST_READING, BEFORE_READING = 1.5, 0.6
CHARACTERS_A_SECOND = {"en": 17, "zh": 8}
LOOK, BEFORE_VALUE, FORMULA = 0.3, 0.4, 1.2
APART = 0.4
CLOSING, SHORTEST = 3.0, 8.0
_LEAD_SHARE = 0.7

T = TypeVar("T")


@dataclass(frozen=True)
class Beat:
    """One moment of a clip: a caption key, and what happens in the order in which a learner can follow it.

    First the caption changes and is read (`lead`); then `look` moves frames and markers to what is explained; then the
    `formula` shows its numbers; then `animate` gives birth to the value; then there is time to look (`hold`). Both make
    their animations when their turn comes. `run_time`, `hold` and `lead` are seconds in tenths (whole frames at 20 and
    30 fps).

    `formula` is a step to show with numbers, ready tokens, an empty sequence to clear the bar, or None for none of
    its own: the bar stays as it is, and is the law where the beat looks elsewhere. `focus` is the step that is
    explained, by default that of the formula. A `sweep` is one of many quick steps: it says nothing new and leaves
    the law in the bar. `values` fill the caption's fields; `also` are keys of further sentences to add to it.
    """

    name: str
    animate: Callable[[], Iterable[Animation]] = tuple
    run_time: float = 0.6
    hold: float = 0.0
    formula: Step | Sequence[Token] | None = None
    values: dict[str, object] = field(default_factory=dict)
    also: tuple[str, ...] = ()
    look: Callable[[], Iterable[Animation]] | None = None
    sweep: bool = False
    focus: Step | None = None
    lead: float = 0.0

    @property
    def explains(self) -> Step | None:
        """The step that the beat is about."""
        return self.focus or (self.formula if isinstance(self.formula, Step) else None)

    @property
    def shows_numbers(self) -> bool:
        """Whether a formula with numbers comes into the bar."""
        return isinstance(self.formula, Step) and not self.sweep

    @property
    def duration(self) -> float:
        """Seconds from the caption's change to the next beat."""
        looking = LOOK if self.look is not None and not self.sweep else 0.0
        waiting = BEFORE_VALUE if self.shows_numbers else 0.0
        return self.lead + looking + waiting + self.run_time + self.hold


def reading_time(text: str, lang: str) -> float:
    """How long a caption has to stand, in seconds."""
    return max(LEAST_READING, BEFORE_READING + len(text) / CHARACTERS_A_SECOND[lang])


def paced(beats: Sequence[Beat], captions: Sequence[str], lang: str) -> tuple[list[Beat], float]:
    """The beats with time to read each caption and each formula, and how long the last picture is held.

    Beats in a row with one caption share its reading time; what is missing comes before the first of them moves and
    after the last.
    """
    given = [_with_time_for_numbers(beat) for beat in beats]
    said, paced_beats, closing = list(captions), [], CLOSING
    groups = [list(group) for _, group in groupby(range(len(given)), said.__getitem__)]
    for number, group in enumerate(groups):
        own = [given[place] for place in group]
        is_last = number == len(groups) - 1
        need = reading_time(said[group[0]], lang) - sum(beat.duration for beat in own)
        need -= closing if is_last else 0.0
        first = own[0]
        apart = APART if first.formula is not None or first.look is not None else 0.0
        lead = _up(max(apart, _LEAD_SHARE * need)) if need > 0 else apart
        own[0] = replace(first, lead=lead)
        if (rest := need - lead) > 0:
            own[-1] = replace(own[-1], hold=_up(own[-1].hold + rest))
        paced_beats += own
    total = sum(beat.duration for beat in paced_beats)
    return paced_beats, _up(max(closing, SHORTEST - total))


def _with_time_for_numbers(beat: Beat) -> Beat:
    standing = BEFORE_VALUE + beat.run_time + beat.hold
    if not beat.shows_numbers or standing >= FORMULA:
        return beat
    return replace(beat, hold=_up(beat.hold + FORMULA - standing))


def _up(seconds: float) -> float:
    """Whole tenths, never less."""
    return math.ceil(seconds * 10 - 1e-6) / 10


def runs(items: Sequence[T], most: int) -> list[Sequence[T]]:
    """Items in order, in at most `most` runs of equal length (the last may be shorter): the steps of a sweep."""
    size = max(1, -(-len(items) // most))
    return [items[start : start + size] for start in range(0, len(items), size)]
