"""Which of many classes are drawn."""

from __future__ import annotations

from collections.abc import Sequence


def shown_slots(count: int, wanted: Sequence[int], most: int = 7) -> list[int]:
    """The classes that are drawn: the first ones, and of the later ones those that are wanted."""
    if count <= most:
        return list(range(count))
    late = [one for one in dict.fromkeys(wanted) if most <= one < count][:most]
    return sorted([*range(most - len(late)), *late])
