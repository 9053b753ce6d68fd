"""From what the user asked for to a deck in a file: every mistake is found before a clip is rendered."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torchreel.assets.errors import UserError
from torchreel.render.job import LEDGER
from torchreel.render.outputs import prepare_folder, write_whole
from torchreel.render.plan import read_langs, read_themes
from torchreel.render.progress import human_size
from torchreel.render.task import Result

if TYPE_CHECKING:
    from torchreel.publish.slides.deck import Slide, Told

PER = ("caption", "clip", "both")
SUFFIXES = (".pptx", ".html", ".pdf", ".json")
_NEEDED = {".pptx": ("pptx", "python-pptx"), ".pdf": ("fpdf", "fpdf2")}
_CAN = {
    "click": (".pptx", ".html"),
    "loop": (".pptx", ".html", ".json"),
    "template": (".pptx",),
}


@dataclass(frozen=True)
class Deck:
    """A deck to write: the clips by name, the file, a slide `per` caption, clip or both, and how movies play."""

    target: Path
    names: tuple[str, ...] = ()
    per: str = "caption"
    click: bool = False
    loop: bool = False
    template: Path | None = None

    def write(self, clips: Sequence[Told]) -> str:
        """Write the deck of some finished clips, whole or not at all; return what it is, in one line."""
        from torchreel.publish.slides.deck import slides

        made = slides(clips, self.per, self.loop)
        if self.target.suffix.lower() == ".json":
            from torchreel.publish.slides import manimslides

            manimslides.write(made, self.target, folder_of(self.target))
            size = sum(path.stat().st_size for path in folder_of(self.target).iterdir())
        else:
            data = self._data(made)
            write_whole(self.target, data)
            size = len(data)
        what = f"{len(made)} slide{'s' * (len(made) != 1)} of {len(clips)} clip{'s' * (len(clips) != 1)}"
        return f"{self.target}: {what}, {human_size(size)}"

    def _data(self, made: Sequence[Slide]) -> bytes:
        kind = self.target.suffix.lower()
        if kind == ".pptx":
            from torchreel.publish.slides.powerpoint import deck

            return deck(made, self.template, self.click)
        if kind == ".pdf":
            from torchreel.publish.slides.handout import handout

            return handout(made)
        from torchreel.publish.slides.page import page

        return page(made, self.click)


def read(given: Sequence[str], **asked: Any) -> Deck:
    """The deck that `Conv2d LSTMCell lecture.pptx` and the options of `deck` ask for. Raises `UserError` as it does."""
    *names, last = given or ("",)
    target = Path(last)
    if target.suffix.lower() not in SUFFIXES:
        raise UserError(
            f"{last or 'slides'}: name the deck last, as {', '.join(SUFFIXES)}: "
            "torchreel slides Conv2d LSTMCell lecture.pptx."
        )
    if not names:
        raise UserError(f"{target}: name the clips before the deck: torchreel slides Conv2d {target}.")
    return deck(target, tuple(names), **asked)


def deck(
    target: Path,
    names: tuple[str, ...] = (),
    per: str = "caption",
    click: bool = False,
    loop: bool = False,
    template: Path | None = None,
    force: bool = False,
) -> Deck:
    """The deck to write to a file. Raises `UserError` for what cannot be, before any work."""
    kind = target.suffix.lower()
    if kind not in SUFFIXES:
        raise UserError(f"{target}: a deck's name ends in {', '.join(SUFFIXES)}.")
    if per not in PER:
        raise UserError(f"per={per!r} should be one of {', '.join(PER)}.")
    asked = {"click": click, "loop": loop, "template": template is not None}
    for option, kinds in _CAN.items():
        if asked[option] and kind not in kinds:
            raise UserError(f"--{option} is for {', '.join(kinds)}; leave it out for {target}.")
    if loop and per == "caption":
        raise UserError("--loop repeats whole clips: give --per clip or --per both with it.")
    _refuse_what_lacks(kind, target)
    _refuse_to_replace(target, template, force)
    if template is not None:
        from torchreel.publish.slides import template as templates

        templates.titled_layout(templates.opened(template), template)
    prepare_folder(target.parent, "name the deck in another folder")
    return Deck(target, names, per, click, loop, template)


def told(results: Iterable[Result]) -> list[Told]:
    """Clips that were rendered, as a deck takes them."""
    from torchreel.publish.slides.deck import Told

    return [
        Told(result.job.label, result.job.path("mp4"), json.loads(result.job.path(LEDGER).read_text("utf-8")))
        for result in results
    ]


def one_look(langs: Iterable[str], themes: Iterable[str]) -> None:
    """A deck has one language and one theme. Raises `UserError`."""
    for what, chosen in (("language", read_langs(langs)), ("theme", read_themes(themes))):
        if len(chosen) > 1:
            raise UserError(f"A deck has one {what}, not {' and '.join(chosen)}; make one for each.")


def folder_of(target: Path) -> Path:
    """The folder of movies that goes with a JSON file."""
    return target.with_name(f"{target.stem}_files")


def _refuse_what_lacks(kind: str, target: Path) -> None:
    module, package = _NEEDED.get(kind, ("", ""))
    if module and find_spec(module) is None:
        raise UserError(f"{target}: needs {package}, which is missing: pip install 'torchreel[slides]'.")


def _refuse_to_replace(target: Path, template: Path | None, force: bool) -> None:
    """A deck that is there may have been worked on."""
    if template is not None and template.exists() and target.exists() and template.samefile(target):
        raise UserError(f"{target} is the template itself, whose slides would be lost; name another deck.")
    there = [target, *([folder_of(target)] if target.suffix.lower() == ".json" else [])]
    for path in there:
        if path == target and path.is_dir():
            raise UserError(f"{target} is a folder; name another deck.")
        if os.path.lexists(path) and not force:
            raise UserError(
                f"{path} is there already; choose another name, or replace it with --force (force=True)."
            )
