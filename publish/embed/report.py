"""What became of each page, as lines to read and as data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from torchreel.publish.embed.blocks import UNKNOWN_ALT
from torchreel.render.endings import DONE, FAILED


@dataclass
class Outcome:
    """One page: the clips that stand on it now (or would), what of them is new, what was left out and why.

    `skipped` are things that there is no clip of; `problems` went wrong, and `left_alone` says why the page was not
    looked at. `stale` says in which ways the page is not what it would be.
    """

    path: str
    clips: list[str] = field(default_factory=list)
    new: int = 0
    updated: int = 0
    removed: int = 0
    skipped: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    left_alone: str = ""
    stale: list[str] = field(default_factory=list)
    diff: str = ""

    @property
    def changes(self) -> str:
        """What changed on the page in words, nothing if nothing did."""
        counts = (("new", self.new), ("updated", self.updated), ("removed", self.removed))
        return ", ".join(f"{count} {word}" for word, count in counts if count)


def lines(outcomes: Sequence[Outcome], mode: str, removes: bool = False) -> Iterator[str]:
    """The outcome of each page that there is anything to say of, then a sum."""
    for one in outcomes:
        told = [*_first_line(one, mode, removes), *(f"  skipped: {text}" for text in one.skipped)]
        told += [f"  problem: {text}" for text in one.problems]
        if len(told) > 1 or one.clips or one.changes or one.left_alone or one.stale:
            yield from told
        if one.diff:
            yield one.diff.rstrip("\n")
    clips, pages = sum(len(one.clips) for one in outcomes), sum(bool(one.clips) for one in outcomes)
    left = sum(bool(one.problems) for one in outcomes)
    stale = sum(bool(one.stale) for one in outcomes)
    if mode == "check":
        sums = [
            f"{stale} of {counted(len(outcomes), 'page')} stale"
            if stale
            else f"{counted(len(outcomes), 'page')} up to date"
        ]
    elif removes:
        gone = counted(sum(one.removed for one in outcomes), "clip")
        verb = "would be removed" if mode == "diff" else "removed"
        sums = [f"{gone} {verb} from {counted(len(outcomes), 'page')}"]
    else:
        verb = "would be" if mode == "diff" else "is" if clips == 1 else "are"
        sums = [f"{counted(clips, 'clip')} {verb} on {pages} of {counted(len(outcomes), 'page')}"]
    if any(f'alt="{UNKNOWN_ALT}"' in one.diff.replace("\\", "") for one in outcomes):
        yield f"{UNKNOWN_ALT} stands for the words of clips that are not drawn yet"
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
            "stale": bool(one.stale),
            "left_alone": one.left_alone,
            "skipped": one.skipped,
            "problems": one.problems,
            **({"diff": one.diff} if one.diff else {}),
        }
        for one in outcomes
    ]


def exit_code(outcomes: Sequence[Outcome], mode: str) -> int:
    """1 where something went wrong, or in a check is stale."""
    failed = any(one.problems or (mode == "check" and one.stale) for one in outcomes)
    return FAILED if failed else DONE


def _first_line(one: Outcome, mode: str, removes: bool) -> Iterator[str]:
    if one.left_alone:
        yield f"{one.path}: left alone: {one.left_alone}"
    elif mode == "check":
        yield f"{one.path}: {'stale: ' + '; '.join(one.stale) if one.stale else 'up to date'}"
    elif removes:
        yield f"{one.path}: {counted(one.removed, 'clip')} removed"
    elif one.problems and not one.clips:
        yield f"{one.path}: stays as it is"
    else:
        yield f"{one.path}: {counted(len(one.clips), 'clip')} ({one.changes or 'unchanged'})"


def counted(number: int, noun: str) -> str:
    """`1 page`, `2 pages`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
