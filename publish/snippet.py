"""What to paste into a page, a notebook or a slide so that it shows a clip, found without torch and Manim."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from torchreel.assets.errors import UserError
from torchreel.assets.examples import did_you_mean
from torchreel.publish.addresses import check_base_url
from torchreel.publish.markup import FORMS, Form, Named, Shown, refuse_unwritable
from torchreel.render import manifest, plan
from torchreel.render.job import LEDGER, Job

_UNSAFE = re.compile(r"[^\w/~!$*:@;=+.-]")
_PRECISION = 2


@dataclass(frozen=True)
class Snippet:
    """The text to paste, the files that it shows, and what it says of them to readers who cannot see them."""

    text: str
    files: tuple[Path, ...]
    alt: str


@dataclass(frozen=True)
class Page:
    """Where a snippet goes: a file that names the clips relative to itself, and a URL that the clips are under.

    Without a file they are named relative to the working folder. With a URL only what has to be a file on disk is not
    named by it.
    """

    file: Path | None = None
    base_url: str | None = None

    def __post_init__(self) -> None:
        check_base_url(self.base_url)

    def named(self, target: Path) -> Named:
        """How the page names a file."""
        path = self._relative(target)
        if self.base_url is None:
            return Named(_url(path), path)
        return Named(f"{self.base_url.rstrip('/')}/{_url(target.name)}", path)

    def _relative(self, target: Path) -> str:
        here = Path() if self.file is None else self.file if self.file.is_dir() else self.file.parent
        path = Path(os.path.relpath(target.absolute(), here.absolute())).as_posix()
        return path if path.startswith("../") else f"./{path}"

    @property
    def has_ids(self) -> bool:
        """Whether the cells of a notebook have ids, as they do in new ones."""
        if self.file is None or self.file.suffix != ".ipynb" or not self.file.is_file():
            return True
        try:
            content = json.loads(self.file.read_text("utf-8"))
            return (content["nbformat"], content["nbformat_minor"]) >= (4, 5)
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return True


def _url(path: str) -> str:
    """A path with what has a meaning in a URL, or in markup round it, in percents; other scripts stay readable."""
    return _UNSAFE.sub(lambda match: quote(match[0], safe=""), path)


def form(name: str) -> Form:
    """The form of that name. Raises `UserError` with the nearest for an unknown one."""
    if name not in FORMS:
        raise UserError(f"Unknown form --as {name}.{did_you_mean(name, FORMS)} Known: {', '.join(FORMS)}.")
    return FORMS[name]


def jobs(
    clip: str,
    name: str,
    *,
    folder: Path,
    lang: str,
    theme: str | None,
    default_theme: str,
    **changes: Any,
) -> list[Job]:
    """The jobs of the clip that a snippet shows: one, or one for each theme. Raises `UserError`.

    `theme` is light, dark or auto, which is both; None is `default_theme`, and auto where the form has both.
    """
    asked = form(name)
    chosen = theme or ("auto" if asked.has_themes else default_theme)
    themes = plan.read_themes(["light,dark" if chosen == "auto" else chosen])
    if len(themes) > 1 and not asked.has_themes:
        raise UserError(
            f"--as {name} shows one theme: choose --theme light or dark, or --as picture for both."
        )
    planned = plan.jobs((clip,), formats=asked.needs, folder=folder, langs=(lang,), themes=themes, **changes)
    if len({(job.label, job.lang) for job in planned}) > 1:
        raise UserError(
            f"A snippet shows one clip in one language, such as {planned[0].label} in {planned[0].lang}."
        )
    return planned


def missing(planned: Sequence[Job]) -> list[Job]:
    """Those whose files are not all in their folder; those with an unusual precision, which no name tells of, too."""
    listed: Mapping[str, Any] = manifest.read(planned[0].folder) if planned[0].folder.is_dir() else {}
    return [job for job in planned if job.precision != _PRECISION or not _is_there(job, listed.get(job.stem))]


def _is_there(job: Job, entry: Mapping[str, Any] | None) -> bool:
    files = {} if entry is None else entry["files"]
    suffixes = [LEDGER, *(output.format for output in job.outputs)]
    return all(suffix in files and _size(job.path(suffix)) == files[suffix]["bytes"] for suffix in suffixes)


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def refuse(
    planned: Sequence[Job], name: str, page: Page, width: int | None = None, align: str | None = None
) -> Form:
    """The form of that `name`; raises `UserError` for what it has no place for, before anything is rendered."""
    return fitting(
        name, [planned[0].path(output.format) for output in planned[0].outputs], page, width, align
    )


def fitting(
    name: str, files: Iterable[Path], page: Page, width: int | None = None, align: str | None = None
) -> Form:
    """The form of that `name`; raises `UserError` for what it has no place for, and for files that it cannot name."""
    asked = form(name)
    for option, given, has in (("--width", width, asked.has_width), ("--align", align, asked.has_align)):
        if given is not None and not has:
            raise UserError(f"--as {name} has no place for {option}; leave it out, or choose --as html.")
    for file in files:
        refuse_unwritable(name, page.named(file).path)
    return asked


def snippet(
    planned: Sequence[Job], name: str, page: Page, width: int | None = None, align: str | None = None
) -> Snippet:
    """What to paste, in the form of that `name`, for clips that are there.

    `width` is in px, `align` left, center or right. Raises `UserError` for what the form has no place for.
    """
    asked = refuse(planned, name, page, width, align)
    films = [{output.format: job.path(output.format) for output in job.outputs} for job in planned]
    return pasted(asked, films, _alt(planned[0]), planned[0].stem, page, width, align)


def pasted(
    asked: Form,
    films: Sequence[Mapping[str, Path]],
    alt: str,
    name: str,
    page: Page,
    width: int | None = None,
    align: str | None = None,
) -> Snippet:
    """What to paste for a film, or for a light and a dark one: their files by format, which are there or will be."""
    light, *dark = ({suffix: page.named(file) for suffix, file in film.items()} for film in films)
    shown = Shown(
        light,
        alt,
        name,
        dark[0] if dark else None,
        width or asked.width,
        align or "center",
        page.has_ids,
    )
    return Snippet(asked.write(shown), tuple(file for film in films for file in film.values()), alt)


def _alt(job: Job) -> str:
    """What the clip shows, from its ledger, as one line."""
    try:
        said = json.loads(job.path(LEDGER).read_text("utf-8"))
        return " ".join(said["alt"][job.lang].split())
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{job.path(LEDGER)} is not the clip's ledger any more; render it with --force."
        ) from error
