"""The site: a page with all clips to search in, and a player for each. What is there already is not made again."""

from __future__ import annotations

import html
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from torchreel.assets.captions import LANGUAGES
from torchreel.assets.errors import UserError
from torchreel.assets.handbook import row_of, rows
from torchreel.assets.pages import family_name, words
from torchreel.publish.clips import Clip, Film, grouped
from torchreel.publish.gallery import posters
from torchreel.publish.look import head, style
from torchreel.publish.player.page import SCRIPT, STYLE, Media, page
from torchreel.render import manifest
from torchreel.render.html import claim, filled, in_script
from torchreel.render.outputs import prepare_folder, temporary, write_whole

_HERE = Path(__file__).parent
_CLIPS = "clips"
_OUTSIDE = 1 << 16


@dataclass(frozen=True)
class Made:
    """What became of a gallery: its index, how many clips it shows, and why others are left out, a line each."""

    index: Path
    clips: int
    left_out: tuple[str, ...] = ()


def write(folder: Path, site: Path, force: bool = False) -> Made:
    """Make the site of the clips in `folder`; the index comes last, when everything it links to is there.

    Raises `UserError` where there are no clips, and where an index is that torchreel did not write.
    """
    films, left_out = _films(folder)
    index = site / "index.html"
    claim(index, force)
    prepare_folder(site)
    prepare_folder(site / _CLIPS)
    clips = sorted(grouped(films), key=_place_in_order)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        waiting = [pool.submit(_copy, film, site / _CLIPS) for film in films]
        _write(site / STYLE.name, style(STYLE).encode())
        _write(site / SCRIPT.name, SCRIPT.read_bytes())
        for clip in clips:
            text = page([clip], _beside, back="../index.html", shared="../")
            _write(site / _CLIPS / f"{clip.key}.html", text.encode())
        for one in waiting:
            one.result()
    _write(index, _index(clips).encode())
    return Made(index, len(clips), tuple(left_out))


def _films(folder: Path) -> tuple[list[Film], list[str]]:
    entries = manifest.read(folder) if folder.is_dir() else {}
    if not entries:
        raise UserError(
            f"{folder}: no clips are listed there. Render some with torchreel render --all -f mp4,png -o {folder}."
        )
    films, left_out = [], []
    for stem in entries:
        film = Film(folder, stem)
        try:
            film.check()
            films.append(film)
        except UserError as error:
            left_out.append(f"left out: {error}")
    if not films:
        raise UserError(f"{folder}: none of its clips can be shown. {left_out[0]}")
    return sorted(films, key=lambda film: (LANGUAGES.index(film.lang), film.theme != "light")), left_out


def _place_in_order(clip: Clip) -> tuple[int, str, bool, str]:
    """By the handbook's rows; of an operator the plain clip comes first."""
    operator, example = clip.ledger["operator"], clip.ledger["example"]
    return _row(operator), operator, clip.key != operator, example


def _row(operator: str) -> int:
    row = row_of(operator)
    return _OUTSIDE if row is None else row.number


def _copy(film: Film, target: Path) -> None:
    """A film's video and still in the site; as long as the film is as it was, they stay."""
    video = target / film.video.name
    still = _still(film, target)
    stands = film.video.stat()
    if video.is_file() and still.is_file():
        there = video.stat()
        if (there.st_size, there.st_mtime_ns) == (stands.st_size, stands.st_mtime_ns):
            return
    posters.write(film, still)
    scratch = temporary(video)
    try:
        shutil.copyfile(film.video, scratch)
        os.utime(scratch, ns=(stands.st_atime_ns, stands.st_mtime_ns))
        scratch.replace(video)
    finally:
        scratch.unlink(missing_ok=True)


def _still(film: Film, folder: Path) -> Path:
    return folder / f"{film.stem}.webp"


def _write(target: Path, data: bytes) -> None:
    if not target.is_file() or target.read_bytes() != data:
        write_whole(target, data)


def _beside(film: Film) -> Media:
    return Media(quote(film.video.name), quote(f"{film.stem}.webp"))


def _index(clips: Sequence[Clip]) -> str:
    lang = Counter(film.lang for clip in clips for film in clip.films).most_common(1)[0][0]
    families = list(dict.fromkeys(clip.ledger["family"] for clip in clips))
    sections = "\n".join(_section(family, lang, clips) for family in families)
    title = html.escape(words(lang)["gallery"])
    data = {
        "words": {one: words(one) for one in LANGUAGES},
        "families": {family: {one: family_name(family, one) for one in LANGUAGES} for family in families},
        "rows": {str(row.number): f"{row.number} {row.title}" for row in rows()},
    }
    return filled(
        _HERE / "gallery.html",
        head=head(lang, title, f"<style>{style(_HERE / 'gallery.css')}</style>"),
        title=title,
        script=f'<script type="module">{(_HERE / "gallery.js").read_text("utf-8")}</script>',
        sections=sections,
        data=in_script(data),
    )


def _section(family: str, lang: str, clips: Sequence[Clip]) -> str:
    cards = "\n".join(_card(clip, lang) for clip in clips if clip.ledger["family"] == family)
    return f"<section><h2>{html.escape(family_name(family, lang))}</h2><ul>\n{cards}\n</ul></section>"


def _card(clip: Clip, lang: str) -> str:
    ledger, first = clip.ledger, clip.films[0]
    row = row_of(ledger["operator"])
    films = {f"{one.lang}.{one.theme}": one.stem for one in clip.films}
    facts = {
        "family": ledger["family"],
        "row": "" if row is None else str(row.number),
        "search": " ".join(_searched(clip)).lower(),
        "films": in_script(films),
        "titles": in_script(ledger["title"]),
        "alts": in_script(ledger["alt"]),
    }
    data = " ".join(f'data-{name}="{html.escape(value)}"' for name, value in facts.items())
    stem = f"{_CLIPS}/{quote(first.stem)}"
    label = clip.key.removeprefix(ledger["operator"]).removeprefix("-")
    return (
        f'<li class="card" {data}><a href="{_CLIPS}/{quote(clip.key)}.html">'
        f'<span class="still"><img src="{stem}.webp" width="640" height="360" loading="lazy" decoding="async" '
        f'alt="{html.escape(ledger["alt"][lang])}"></span>'
        f"<b>{html.escape(ledger['operator'])}</b> <i>{html.escape(label)}</i>"
        f'<span class="title">{html.escape(ledger["title"][lang])}</span></a></li>'
    )


def _searched(clip: Clip) -> Iterator[str]:
    ledger = clip.ledger
    row = row_of(ledger["operator"])
    yield from (
        ledger["operator"],
        ledger["example"],
        f"{ledger['operator']}:{ledger['example']}",
        ledger["call"],
    )
    yield from (*ledger["title"].values(), *ledger["alt"].values(), ledger["family"])
    yield from (family_name(ledger["family"], lang) for lang in LANGUAGES)
    if row is not None:
        yield from (row.section, row.title, row.page)


def facts(made: Made) -> dict[str, Any]:
    """A result as plain data."""
    return {"index": str(made.index), "clips": made.clips, "left_out": list(made.left_out)}
