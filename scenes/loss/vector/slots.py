"""Which of many classes are drawn."""

from __future__ import annotations

from collections.abc import Sequence


def shown_slots(count: int, wanted: Sequence[int], most: int = 7) -> list[int]:
    """The classes that are drawn, at most `most`: those that are wanted, and for the rest the first ones."""
    order = dict.fromkeys([*(one for one in wanted if 0 <= one < count), *range(min(count, most))])
    return sorted(list(order)[:most])
