"""From files and folders to pages with clips: what belongs on each page is found, drawn, and put there.

A page is only ever replaced by a whole new one, and after its pictures are there.
"""

from __future__ import annotations

import difflib
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from torchreel.assets.errors import UserError
from torchreel.publish.embed import calls, clips
from torchreel.publish.embed.blocks import Block
from torchreel.publish.embed.clips import Shown
from torchreel.publish.embed.draft import Draft
from torchreel.publish.embed.finding import find
from torchreel.publish.embed.notebook import Notebook, Unreadable
from torchreel.publish.embed.options import Options
from torchreel.publish.embed.pages import Page, collect, why_not
from torchreel.publish.embed.report import Outcome, counted
from torchreel.publish.embed.shelf import FORMAT, Shelf
from torchreel.render.outputs import reason


def embed(
    paths: Iterable[Path], options: Options, reporter: clips.Watching, say: Callable[[str], None]
) -> list[Outcome]:
    """Put clips into some files and the files of some folders; what became of each.

    `reporter` is told of the clips that are drawn, `say` what else there is to know. Raises `UserError` for a path that
    is none, and where there is nothing to run notebooks with, before anything is written.
    """
    outcomes: list[Outcome] = []
    drafts: list[Draft] = []
    shelves: dict[Path, Shelf] = {}
    with tempfile.TemporaryDirectory(prefix="torchreel-") as scratch:
        for path in collect(paths, options.assets.name):
            outcomes.append(Outcome(str(path), left_alone=why_not(path)))
            if not outcomes[-1].left_alone:
                drafts += _drafted(path, options, outcomes[-1], shelves, Path(scratch))
        if options.execute and not all(draft.is_settled for draft in drafts):
            calls.refuse_without_kernels()
        _draw(drafts, options, reporter)
        for draft in drafts:
            try:
                if not draft.is_settled:
                    _run(draft, options, Path(scratch), reporter)
            except Unreadable as error:
                draft.outcome.problems.append(str(error))
                continue
            try:
                _finish(draft, options, say)
            except UserError as error:
                draft.outcome.problems.append(str(error).rstrip("."))
            except (Unreadable, OSError) as error:
                why = reason(error) if isinstance(error, OSError) else str(error)
                draft.outcome.problems.append(f"cannot be written: {why}")
    return outcomes


def _drafted(
    path: Path, options: Options, outcome: Outcome, shelves: dict[Path, Shelf], scratch: Path
) -> list[Draft]:
    try:
        page = Page.read(path)
    except Unreadable as error:
        outcome.problems.append(str(error))
        return []
    folder = options.folder(path)
    shelf = shelves.setdefault(folder.resolve(), Shelf(folder))
    draft = Draft(page, shelf, outcome)
    if options.removes:
        draft.is_settled = True
    elif not isinstance(page.content, Notebook) or not (options.execute or _was_run(page)):
        _find(draft, options, scratch)
        draft.is_settled = True
    return [draft]


def _was_run(page: Page) -> bool:
    return any(one.is_run for blocks in page.content.blocks.values() for one in blocks)


def _find(draft: Draft, options: Options, scratch: Path) -> None:
    """The clips of examples that a page is about, by its words."""
    found = find(draft.page.content.pieces, draft.page.path.name)
    wanted = [one for one in found.mentions if options.wants(one.example.operator)]
    draft.outcome.skipped += found.doubts
    if len(wanted) > options.limit:
        draft.outcome.skipped.append(
            f"{counted(len(wanted) - options.limit, 'more clip')}, since --limit is {options.limit}"
        )
    draft.planned = [
        (one.at, clips.job(one.example, options, scratch / "examples")) for one in wanted[: options.limit]
    ]


def _draw(drafts: Sequence[Draft], options: Options, reporter: clips.Watching) -> None:
    """Draw the examples of all pages in one batch; where nothing is written, nothing is drawn."""
    planned = [one for draft in drafts for _, one in draft.planned]
    made, failed = dict[str, dict[str, Any]](), dict[str, str]()
    if options.mode == "write" and planned:
        made, failed = clips.draw(planned, options, reporter)
    for draft in drafts:
        old = [one for _, one in draft.old]
        for at, one in draft.planned:
            if one.stem in failed:
                draft.outcome.problems.append(failed[one.stem])
                draft.shown += _kept(draft, options, at, one.stem)
                continue
            entry = made.get(one.stem)
            alt = entry["alt"][one.lang] if entry else clips.UNKNOWN_ALT
            block = clips.block(one, options, draft.page.path, alt).told_as(old)
            if block.alt == clips.UNKNOWN_ALT:
                block = replace(block, alt=clips.said(one))
            draft.shown.append(Shown(at, block, one.stem, one.path(FORMAT) if entry else None, entry))


def _kept(draft: Draft, options: Options, at: int, stem: str) -> list[Shown]:
    """A clip that cannot be drawn now stays where it stands already."""
    source = options.source(draft.page.path, f"{stem}.{FORMAT}")
    there = [one for place, one in draft.old if place == at and one.src == source]
    return [Shown(at, one, stem, None, draft.shelf.entries.get(stem)) for one in there]


def _run(draft: Draft, options: Options, scratch: Path, reporter: clips.Watching) -> None:
    """The clips of the calls that a notebook makes."""
    calls.settle(draft, options, scratch, reporter)


def _finish(draft: Draft, options: Options, say: Callable[[str], None]) -> None:
    """Compare what stands on the page with what should, and make it so if that is asked for."""
    page, outcome, shelf = draft.page, draft.outcome, draft.shelf
    if not options.force:
        _refuse_to_replace(draft)
    wanted: dict[int, list[Block]] = {}
    for one in draft.shown:
        wanted.setdefault(one.at, []).append(one.block)
    text = page.content.put(wanted)
    _count(draft)
    if options.mode == "check":
        there = {one.src for _, one in draft.old}
        lost = sum(one.block.src in there and not shelf.is_whole(one.stem) for one in draft.shown)
        outcome.stale += [outcome.changes] if outcome.changes else []
        outcome.stale += [f"{counted(lost, 'picture')} missing or changed"] if lost else []
    elif options.mode == "diff":
        outcome.diff = _diff(str(page.path), page.content.text, text)
    else:
        shelf.put(page.path, {one.stem: (one.file, one.entry) for one in draft.shown if one.entry}, say)
        if text != page.content.text:
            page.write(text)
        shelf.drop(page.path, {one.stem for one in draft.shown}, say)
        for folder in _left_behind(draft):
            Shelf(folder).drop(page.path, (), say)


def _left_behind(draft: Draft) -> set[Path]:
    """Folders that the page had pictures in, which are not that of its pictures now."""
    sources = {unquote(one.src) for _, one in draft.old if not urlsplit(one.src).scheme}
    folders = {
        (draft.page.path.parent / source).parent.resolve()
        for source in sources
        if source[:1] not in ("", "/")
    }
    return {folder for folder in folders - {draft.shelf.folder.resolve()} if folder.is_dir()}


def _refuse_to_replace(draft: Draft) -> None:
    """Leave out clips whose pictures would take the place of somebody else's."""
    for one in list(draft.shown):
        stranger = draft.shelf.stranger(one.stem, one.file) if one.file else None
        if stranger is not None:
            draft.shown.remove(one)
            draft.outcome.problems.append(
                f"{stranger}: not written by torchreel, or changed since; choose another folder with --assets, "
                "or replace with --force"
            )


def _count(draft: Draft) -> None:
    """What is new on the page, what changed and what goes."""
    old, new = draft.old, [(one.at, one.block) for one in draft.shown]
    before, after = Counter(one.src for _, one in old), Counter(one.src for _, one in new)
    outcome = draft.outcome
    outcome.clips = [one.clip for _, one in new]
    outcome.new = (after - before).total()
    outcome.removed = (before - after).total()
    outcome.updated = sum(one not in old and before[one[1].src] > 0 for one in new)


def _diff(name: str, old: str, new: str) -> str:
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), name, name, lineterm="")
    return "\n".join(lines)
