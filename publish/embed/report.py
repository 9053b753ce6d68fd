"""What became of each page, as lines to read and as data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from torchreel.render.endings import DONE, FAILED


@dataclass
class Outcome:
    """One page: the clips that stand on it now (or would), what of them is new, what was left out and why.

    `skipped` are things that there is no clip of; `problems` went wrong, and `left_alone` says why the page was not
    looked at. `is_stale` says that the page is not what it would be.
    """

    path: str
    clips: list[str] = field(default_factory=list)
    new: int = 0
    updated: int = 0
    removed: int = 0
    skipped: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    left_alone: str = ""
    is_stale: bool = False
    diff: str = ""

    @property
    def changes(self) -> str:
        """What changed on the page in words, nothing if nothing did."""
        counts = (("new", self.new), ("updated", self.updated), ("removed", self.removed))
        return ", ".join(f"{count} {word}" for word, count in counts if count)


def lines(outcomes: Sequence[Outcome], mode: str) -> Iterator[str]:
    """The outcome of each page that there is anything to say of, then a sum."""
    for one in outcomes:
        told = [*_first_line(one, mode), *(f"  skipped: {text}" for text in one.skipped)]
        told += [f"  problem: {text}" for text in one.problems]
        if len(told) > 1 or one.clips or one.changes or one.left_alone or one.is_stale:
            yield from told
        if one.diff:
            yield one.diff.rstrip("\n")
    clips, pages = sum(len(one.clips) for one in outcomes), sum(bool(one.clips) for one in outcomes)
    left = sum(bool(one.problems) for one in outcomes)
    stale = sum(one.is_stale for one in outcomes)
    if mode == "remove":
        sums = [
            f"{counted(sum(one.removed for one in outcomes), 'clip')} removed from {counted(len(outcomes), 'page')}"
        ]
    elif mode == "check":
        sums = [
            f"{stale} of {counted(len(outcomes), 'page')} stale"
            if stale
            else f"{counted(len(outcomes), 'page')} up to date"
        ]
    else:
        verb = "would be" if mode == "diff" else "is" if clips == 1 else "are"
        sums = [f"{counted(clips, 'clip')} {verb} on {pages} of {counted(len(outcomes), 'page')}"]
    yield "; ".join([*sums, *([f"{left} with problems"] if left else [])])


def plain(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """One entry a page."""
    return [
        {
            "page": one.path,
            "clips": one.clips,
            "new": one.new,
            "updated": one.updated,
            "removed": one.removed,
            "stale": one.is_stale,
            "left_alone": one.left_alone,
            "skipped": one.skipped,
            "problems": one.problems,
            **({"diff": one.diff} if one.diff else {}),
        }
        for one in outcomes
    ]


def exit_code(outcomes: Sequence[Outcome], mode: str) -> int:
    """1 where something went wrong, or in a check is stale."""
    failed = any(one.problems or (mode == "check" and one.is_stale) for one in outcomes)
    return FAILED if failed else DONE


def _first_line(one: Outcome, mode: str) -> Iterator[str]:
    if one.left_alone:
        yield f"{one.path}: left alone: {one.left_alone}"
    elif mode == "check":
        yield f"{one.path}: {'stale: ' + (one.changes or 'pictures') if one.is_stale else 'up to date'}"
    elif mode == "remove":
        yield f"{one.path}: {counted(one.removed, 'clip')} removed"
    elif one.problems and not one.clips:
        yield f"{one.path}: stays as it is"
    else:
        yield f"{one.path}: {counted(len(one.clips), 'clip')} ({one.changes or 'unchanged'})"


def counted(number: int, noun: str) -> str:
    """`1 page`, `2 pages`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
