"""Publishing from Python: decks, players and snippets of clips that the caller has, of `explain` or of a reel."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from torchreel.assets.errors import UserError
from torchreel.publish.clips import Film, grouped
from torchreel.publish.recorded import digest
from torchreel.publish.snippet import Page, fitting, pasted
from torchreel.render.explain import Clip
from torchreel.render.job import LEDGER

PathLike = str | os.PathLike[str]


def slides(
    clips: Clip | Iterable[Clip],
    path: PathLike,
    *,
    per: str = "caption",
    click: bool = False,
    loop: bool = False,
    template: PathLike | None = None,
    quality: str = "m",
    force: bool = False,
) -> Path:
    """Write a deck of clips, as `torchreel slides` does: `.pptx`, `.html`, `.pdf`, or `.json` for manim-slides.

        torchreel.slides([conv, pool], "lecture.pptx")

    `per` is `"caption"`, `"clip"` or `"both"`; with `click` movies wait for a click, with `loop` whole clips begin
    again; `template` is a .pptx of the lecturer's. A deck that is there is replaced with `force` only. Returns the
    path. Raises `UserError`; nothing is written then.
    """
    from torchreel.publish.slides import make
    from torchreel.publish.slides.deck import Told

    target = Path(path)
    mine = _clips(clips)
    make.one_look({clip.lang for clip in mine}, {clip.theme for clip in mine})
    deck = make.deck(target, (), per, click, loop, None if template is None else Path(template), force)
    with tempfile.TemporaryDirectory(prefix="torchreel-slides-") as folder:
        films = drawn(mine, Path(folder), ("mp4",), quality)
        deck.write([Told(clip.call, film.video, film.ledger) for clip, film in zip(mine, films, strict=True)])
    return target


def player(
    clips: Clip | Iterable[Clip],
    path: PathLike,
    *,
    one_file: bool = False,
    quality: str = "m",
    force: bool = False,
) -> Path:
    """Write one page that steps through clips, as `torchreel player` does.

    Clips of the same call in other languages or themes are one on the page. Films stand in a folder beside it,
    `x_files` for `x.html`, or with `one_file` in the page. A page that torchreel did not write is replaced with `force`
    only. Returns the path. Raises `UserError`.
    """
    from torchreel.publish.player import write

    target = Path(path)
    mine = _clips(clips)
    write.check_target(target, force)
    with ExitStack() as until_written:
        folder = write.folder_of(target)
        if one_file:
            folder = Path(until_written.enter_context(tempfile.TemporaryDirectory(prefix="torchreel-")))
        films = drawn(mine, folder, ("mp4", "png"), quality)
        write.write(target, grouped(films), one_file)
    return target


def snippet(
    clip: Clip,
    form: str,
    path: PathLike,
    *,
    page: PathLike | None = None,
    base_url: str | None = None,
    width: int | None = None,
    align: str | None = None,
    quality: str = "m",
) -> str:
    """Draw a clip into files and return what to paste so that a page shows it, as `torchreel snippet` prints it.

        print(torchreel.snippet(clip, "html", "media/conv", page="docs/conv.md"))

    `form` is one of `--as`; files are `path` with the suffixes that it needs. They are named as seen from `page`, or
    from the working folder, or under `base_url`. Raises `UserError`; nothing is written then.
    """
    place = Page(None if page is None else Path(page), base_url)
    stem = Path(path)
    suffixes = fitting(form, (), place, width, align).needs
    files = {suffix: stem.with_name(f"{stem.name}.{suffix}") for suffix in suffixes}
    asked = fitting(form, files.values(), place, width, align)
    clip.save(*files.values(), quality=quality)
    return pasted(asked, [files], " ".join(clip.alt.split()), stem.name, place, width, align).text


def drawn(clips: Sequence[Clip], folder: Path, formats: Sequence[str], quality: str = "m") -> list[Film]:
    """Draw clips into a folder, each with its ledger; those of one call have one name."""
    names: dict[str, str] = {}
    taken: Counter[str] = Counter()
    films: dict[Clip, Film] = {}
    for clip in dict.fromkeys(clips):
        key = digest(clip, clip.ledger["alt"])
        if key in names and Film(folder, _stem(names[key], clip)) in films.values():
            del names[key]  # as with other decimals, or another net of the same class
        if key not in names:
            taken[clip.trace.name] += 1
            names[key] = f"{clip.trace.name}-{taken[clip.trace.name]}".removesuffix("-1")
        films[clip] = film = Film(folder, _stem(names[key], clip))
        clip.save(*(folder / f"{film.stem}.{suffix}" for suffix in (*formats, LEDGER)), quality=quality)
    return [films[clip] for clip in clips]


def _stem(name: str, clip: Clip) -> str:
    return f"{name}.{clip.lang}.{clip.theme}"


def _clips(given: Clip | Iterable[Clip]) -> list[Clip]:
    found: list[Any] = [given] if isinstance(given, Clip) or not isinstance(given, Iterable) else list(given)
    for one in found:
        if not isinstance(one, Clip):
            raise UserError(f"Expected clips, as torchreel.explain makes them, not {type(one).__name__}.")
    if not found:
        raise UserError("There is no clip to show: give one, or several in a list.")
    return found
