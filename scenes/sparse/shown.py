"""What of a lookup is shown: as many ids, rows and columns as there is room for with numbers, and what is left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torchreel.scenes.trace.formula import Index

MOST_LINES, MOST_BAGS, LEAST_IDS = 8, 4, 3
DOTS = 0.6
"""The height of the dots that stand for ids left out, in lines."""


@dataclass(frozen=True)
class Lookup:
    """One id: where it stands in the input, which row of the table it names, and the group (sample or bag) it is in."""

    index: Index
    row: int
    group: int


@dataclass(frozen=True)
class Group:
    """The shown ids of a sample or of a bag, and whether some are left out after them."""

    number: int
    lookups: tuple[Lookup, ...]
    cut: bool = False

    @property
    def lines(self) -> float:
        """How high it is, in lines; an empty bag has one too."""
        return max(1, len(self.lookups)) + DOTS * self.cut


def samples(lookups: Sequence[Lookup]) -> list[Group]:
    """The first ids, sample by sample."""
    shown = lookups[:MOST_LINES]
    numbers = list(dict.fromkeys(one.group for one in shown))
    last = len(shown) < len(lookups)
    return [
        Group(number, tuple(one for one in shown if one.group == number), last and number == numbers[-1])
        for number in numbers
    ]


def bags(contents: Sequence[Sequence[Lookup]]) -> list[Group]:
    """The first bags with their first ids: rather few bags with a few ids each than one with all of its."""
    found: list[Group] = []
    for count in range(min(len(contents), MOST_BAGS), 0, -1):
        for most in range(MOST_LINES, 0, -1):
            cut = [_cut(number, ids, most) for number, ids in enumerate(contents[:count])]
            if sum(one.lines for one in cut) <= MOST_LINES + 1:
                found = cut
                break
        if found and (most >= LEAST_IDS or not any(one.cut for one in found)):
            break
    return found


def _cut(number: int, ids: Sequence[Lookup], most: int) -> Group:
    return Group(number, tuple(ids[:most]), len(ids) > most)
