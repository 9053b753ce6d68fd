"""What a page wishes to show: a clip as its author wrote it down, and the jobs that make it. No Sphinx here."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torchreel.assets.errors import UserError
from torchreel.assets.examples import did_you_mean
from torchreel.render import plan
from torchreel.render.job import Job
from torchreel.scenes.trace.files import is_file

FORMATS = {"gif": ("gif", "png"), "mp4": ("mp4", "png"), "png": ("png",)}
"""The files that each format takes in a page that moves; the still alone does for others."""

THEMES = ("auto", "light", "dark")
STILL = ("png",)

_QUALITIES = {"low": "l", "medium": "m", "high": "h", "fourk": "k", **{name: name for name in plan.QUALITIES}}
_OPENING, _CLOSING = "([{", ")]}"
_OPTION = re.compile(r"--(set|input|call)\b")


@dataclass(frozen=True)
class Wish:
    """One clip in one language, as text; whether it makes sense is said when it is planned.

    `theme` is light, dark or auto, which is both where both can be shown. `once` is a GIF that does not begin again.
    """

    clip: str
    lang: str
    theme: str
    format: str
    quality: str = "m"
    settings: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    call: tuple[str, ...] = ()
    seed: str = "0"
    once: bool = False

    def jobs(self, root: Path, moves: bool) -> list[Job]:
        """The jobs of this clip, one a theme, the first for those who can have only one; the light one where both are.

        `moves` says whether the page can show more than stills. Those that are made in other sizes have a folder of
        their own in `root`. Raises `UserError` in words of the directive.
        """
        format, theme = _one_of("format", self.format, FORMATS), _one_of("theme", self.theme, THEMES)
        quality = _QUALITIES[_one_of("quality", self.quality.removesuffix("_quality"), _QUALITIES)]
        both = theme == "auto" and moves and format != "mp4"
        once = self.once and format == "gif"
        if any(plan.named_input(text)[1] == "-" for text in self.inputs):
            raise UserError(":input: -: a page has no standard input; name a file or write the numbers.")
        try:
            planned = plan.jobs(
                (self.clip,),
                formats=FORMATS[format] if moves else STILL,
                folder=root / (f"{quality}-once" if once else quality),
                langs=(self.lang,),
                themes=("light", "dark") if both else ("light" if theme == "auto" else theme,),
                settings=self.settings,
                input_text=self.inputs or None,
                seed=_number(self.seed),
                quality=quality,
                loop=int(once),
                call=self.call,
            )
        except UserError as error:
            raise UserError(said(str(error))) from error
        if len({(job.label, job.lang) for job in planned}) > 1:
            raise UserError(
                f"{self.clip} in {self.lang}: expected one clip in one language, such as Conv2d:stride."
            )
        return planned


def said(message: str) -> str:
    """A message on an option of the command line as one on the option of the directive that it came by."""
    return _OPTION.sub(r":\1:", message)


def parts(text: str) -> tuple[str, ...]:
    """What an option holds: one thing a line, or between semicolons; brackets keep together what stands in them."""
    found, depth = [""], 0
    for sign in text:
        depth += (sign in _OPENING) - (sign in _CLOSING)
        if depth <= 0 and sign in "\n;":
            found.append("")
        else:
            found[-1] += sign
    return tuple(" ".join(part.split()) for part in found if part.strip())


def placed(inputs: Sequence[str], place: Path, source: Path) -> tuple[str, ...]:
    """Inputs with their files named in full: as seen from the page's folder `place`, or with `/` from the `source`."""
    return tuple(_placed(text, place, source) for text in inputs)


def _placed(text: str, place: Path, source: Path) -> str:
    name, value = plan.named_input(text)
    if not is_file(value):
        return text
    path = os.path.normpath(source / value.lstrip("/") if value.startswith("/") else place / value)
    return f"{name}={path}" if name else path


def _number(text: str) -> int:
    if not re.fullmatch(r"\d{1,18}", text, re.ASCII):
        raise UserError(f":seed: {text}: expected a whole number from 0 on.")
    return int(text)


def _one_of(
    option: str, given: str, known: Sequence[str] | dict[str, str] | dict[str, tuple[str, ...]]
) -> str:
    if given not in known:
        raise UserError(f":{option}: {given}: expected {', '.join(known)}.{did_you_mean(given, known)}")
    return given
