"""The clips of the calls that a notebook makes: from its run, or, while its code is as it was, from the last one.

What was run is known by the notebook's code and torch's version. So notebooks without a seed, which draw other numbers
in every run, do not change either, and a check of an unchanged notebook runs nothing.
"""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torchreel.assets.captions import caption
from torchreel.assets.errors import UserError
from torchreel.publish.embed.blocks import Block
from torchreel.publish.embed.clips import Shown, Watching, digest
from torchreel.publish.embed.draft import Draft
from torchreel.publish.embed.notebook import Notebook, Unreadable
from torchreel.publish.embed.options import Options
from torchreel.publish.embed.report import counted
from torchreel.publish.embed.shelf import FORMAT
from torchreel.render.job import LEDGER
from torchreel.render.progress import Silent

if TYPE_CHECKING:
    from torchreel.publish.embed.running import Ran, Run

_NEEDED = ("nbformat", "nbclient", "ipykernel")
_TAGS_OFF = "skip-execution"
_TAG_RAISES = "raises-exception"


def settle(draft: Draft, options: Options, scratch: Path, reporter: Watching) -> None:
    """Say what shall stand on a notebook's page; `reporter` is told of the cells that are run.

    Raises `Unreadable` where it cannot be run, `UserError` where nothing can.
    """
    _Notes(draft, options, scratch, reporter).settle()


def refuse_without_kernels() -> None:
    """Raise `UserError` where there is nothing to run notebooks with."""
    missing = next((name for name in _NEEDED if find_spec(name) is None), None)
    if missing:
        raise UserError(
            f"--execute needs {missing}: pip install 'torchreel[notebook]', in the environment of the notebooks."
        )


class _Notes:
    """A notebook that is run, or was."""

    def __init__(self, draft: Draft, options: Options, scratch: Path, reporter: Watching) -> None:
        assert isinstance(draft.page.content, Notebook)
        self._draft, self._options, self._reporter = draft, options, reporter
        self._notebook = draft.page.content
        self._folder = scratch / digest(str(draft.page.path.resolve()))
        code = [source for _, source, _ in self._code()]
        look = options.lang, options.theme, options.width, options.only, options.limit
        self._asked = digest(code, importlib.metadata.version("torch"), look)
        self._why_again = "it was run with other code or options"

    def settle(self) -> None:
        """From the last run if it will do, else from a new one."""
        language = self._language
        if language.lower() not in ("python", "ipython"):
            raise Unreadable(f"its language is {language}, not Python")
        known = self._last()
        if known is not None and not self._options.force:
            self._draft.shown = known
        elif self._options.execute:
            self._run()
        else:
            for at in {at for at, _ in self._draft.old}:
                self._keep(at)
            self._draft.outcome.stale.append(self._why_again)
            self._draft.outcome.skipped.append(f"{self._why_again}: give --execute to run it again")

    @property
    def _language(self) -> str:
        metadata = self._notebook.content.get("metadata")
        for part, name in (("language_info", "name"), ("kernelspec", "language")):
            said = metadata.get(part) if isinstance(metadata, dict) else None
            language = said.get(name) if isinstance(said, dict) else None
            if isinstance(language, str):
                return language
        return "python"

    def _code(self) -> Iterator[tuple[int, str, list[str]]]:
        """The place, the code and the tags of each cell that is run."""
        for at, cell in enumerate(self._notebook.authors):
            metadata = cell.content.get("metadata")
            tags = metadata.get("tags", []) if isinstance(metadata, dict) else []
            if cell.content.get("cell_type") == "code" and cell.source.strip() and _TAGS_OFF not in tags:
                yield at, cell.source, tags

    def _last(self) -> list[Shown] | None:
        """What the last run came to, if that was of this very code, with nothing gone wrong or lost since."""
        shelf, path = self._draft.shelf, self._draft.page.path
        ran = {
            stem: entry for stem, entry in shelf.of_page(path).items() if isinstance(entry.get("run"), dict)
        }
        places = {name: at for at, name in enumerate(self._notebook.names)}
        of_now = [one["run"] for one in ran.values() if one["run"].get("asked") == self._asked]
        if not ran or len(of_now) != len(ran) or any(one.get("of") != len(ran) for one in of_now):
            return None
        if any(one.get("failed") for one in of_now):
            self._why_again = "something went wrong when it was run"
            return None
        if not all(shelf.is_whole(stem) and entry["run"]["cell"] in places for stem, entry in ran.items()):
            return None
        found = sorted(ran.items(), key=lambda one: (places[one[1]["run"]["cell"]], one[1]["run"]["number"]))
        return [
            Shown(
                places[entry["run"]["cell"]],
                self._block(stem, entry["run"], entry["alt"][self._options.lang]),
                stem,
                None,
                entry,
            )
            for stem, entry in found
        ]

    def _run(self) -> None:
        code = {at: (source, tags) for at, source, tags in self._code()}
        if not code:
            return
        outcome = self._draft.outcome
        missing: list[str] = []
        with self._reporter(len(code)) as told:
            over = self._run_cells(code, told, missing)
        if missing:
            cells = "cell" if len(missing) == 1 else "cells"
            outcome.problems.append(f"{cells} {', '.join(missing)}: raised NameError too")
        if over:
            outcome.skipped.append(f"{counted(over, 'more call')}, since --limit is {self._options.limit}")
        failed = {"failed": True} if outcome.problems else {}
        for one in self._draft.shown:
            if one.entry:
                one.entry["run"] |= {"asked": self._asked, "of": len(self._draft.shown), **failed}

    def _run_cells(self, code: dict[int, tuple[str, list[str]]], told: Silent, missing: list[str]) -> int:
        """Run cells, by their places, and draw what they call; how many calls are over the limit."""
        from torchreel.publish.embed.running import Run

        name, left, over = self._draft.page.path.name, dict.fromkeys(code), 0
        told.reached(0, name)
        self._folder.mkdir(parents=True)
        run = Run(self._draft.page.path, self._options, self._folder)
        with run.started():
            for ran in run.cells([(at, source) for at, (source, _) in code.items()]):
                over += ran.over
                self._report(ran, code[ran.at][1], missing)
                for number, call in enumerate(ran.clips, 1):
                    told.reached(len(code) - len(left), f"{name}: {call['name']}")
                    self._draft.shown += self._made(run, ran.at, number, call)
                left.pop(ran.at)
                told.reached(len(code) - len(left), name)
                if ran.problem:
                    self._keep(ran.at)
            for at in left:
                self._keep(at)
        return over

    def _report(self, ran: Ran, tags: list[str], missing: list[str]) -> None:
        """Tell of what went wrong in a cell; of names that are `missing` after that, only where."""
        outcome, number = self._draft.outcome, str(ran.at + 1)
        raised = ran.problem.startswith("raised ")
        texts = [text for text in ran.skipped if not (raised and ": it raised " in text)]
        outcome.skipped += [f"cell {number}: {text}" for text in texts]
        if not ran.problem or (raised and _TAG_RAISES in tags):
            return
        if ran.problem.startswith("raised NameError") and outcome.problems:
            missing.append(number)
        else:
            outcome.problems.append(f"cell {number}: {ran.problem}")

    def _made(self, run: Run, at: int, number: int, call: dict[str, Any]) -> list[Shown]:
        """The clip of a call; drawn, unless it stands there already. Nothing if it cannot be."""
        cell = self._notebook.names[at]
        stem = f"{self._stem}-{cell}-{number}-{call['name'].replace('.', '_')}"
        note = {"cell": cell, "number": number, **call}
        known = self._draft.shelf.entries.get(stem, {})
        was = known.get("run")
        fresh = isinstance(was, dict) and was.get("key") == call["key"] and self._draft.shelf.is_whole(stem)
        if fresh and not self._options.force:
            run.forget(call["key"])
            block = self._block(stem, note, known["alt"][self._options.lang])
            return [Shown(at, block, stem, None, {**known, "run": note})]
        target, writes = self._folder / stem, self._options.mode == "write"
        why = run.draw(call["key"], target, f"{FORMAT},{LEDGER}" if writes else LEDGER)
        if why:
            self._draft.outcome.problems.append(f"cell {at + 1}: {call['name']} cannot be drawn: {why}")
            return []
        entry = self._entry(json.loads(target.with_name(f"{stem}.{LEDGER}").read_text("utf-8")), note)
        block = self._block(stem, note, entry["alt"][self._options.lang])
        return [Shown(at, block, stem, target.with_name(f"{stem}.{FORMAT}") if writes else None, entry)]

    def _keep(self, at: int) -> None:
        """What stands below a cell that was not run, or failed, stays where it was not made again."""
        there = {one.stem for one in self._draft.shown}
        for place, one in self._draft.old:
            if place == at and one.stem not in there:
                self._draft.shown.append(
                    Shown(at, one, one.stem, None, self._draft.shelf.entries.get(one.stem))
                )

    @property
    def _stem(self) -> str:
        """How the names of a page's pictures begin; in a folder that is shared, no other page's do."""
        path = self._draft.page.path
        shared = f"-{digest(str(path.resolve().parent))[:4]}" if self._options.assets.is_absolute() else ""
        return f"{path.stem}{shared}"

    def _block(self, stem: str, note: dict[str, Any], alt: str) -> Block:
        lang, name, times = self._options.lang, note["name"], note["times"]
        often = caption("Embed", "default", "often", lang, name=name, times=times) if times > 1 else ""
        source = self._options.source(self._draft.page.path, f"{stem}.{FORMAT}")
        return Block(name, note["key"], source, self._options.width, alt, often, is_run=True)

    def _entry(self, ledger: dict[str, Any], note: dict[str, Any]) -> dict[str, Any]:
        kept = ("operator", "family", "title", "call", "lang", "theme", "duration", "alt")
        return {
            **{name: ledger[name] for name in kept},
            "example": "",
            "section": "",
            "files": {FORMAT: {"width": self._options.width}},
            "run": note,
        }
