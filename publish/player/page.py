"""The player: one page for one or several clips, without network or framework."""

from __future__ import annotations

import base64
import html
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from torchreel.assets.captions import LANGUAGES
from torchreel.assets.pages import words
from torchreel.publish.clips import Clip, Film
from torchreel.publish.look import head, style
from torchreel.publish.player.film import film
from torchreel.render.html import filled, in_script, link

_HERE = Path(__file__).parent
STYLE, SCRIPT = _HERE / "player.css", _HERE / "player.js"


class Media(NamedTuple):
    """The URLs of a film's video and of its poster, which may be empty."""

    video: str
    poster: str


Place = Callable[[Film], Media]


def beside(target: Path) -> Place:
    """Films stay where they are, and a page at `target` links to them."""

    def place(one: Film) -> Media:
        poster = one.poster
        return Media(link(one.video, target), "" if poster is None else link(poster, target))

    return place


def inside(one: Film) -> Media:
    """A film as data in the page itself."""
    poster = one.poster
    still = "" if poster is None else f"data:image/png;base64,{_base64(poster)}"
    return Media(f"data:video/mp4;base64,{_base64(one.video)}", still)


def page(clips: Sequence[Clip], place: Place, back: str = "", shared: str | None = None) -> str:
    """The HTML of a page with `clips`, whose films are where `place` says.

    `back` is the URL of a page that this one belongs to; `shared` is the URL of the folder that holds style and script
    for many pages, which otherwise are in the page.
    """
    ledger, lang = clips[0].ledger, clips[0].films[0].lang
    known = [_clip(clip, place) for clip in clips]
    video = known[0]["films"][0]["video"]
    said = words(lang)
    return filled(
        _HERE / "player.html",
        head=head(lang, html.escape(f"{ledger['operator']}: {ledger['title'][lang]}"), _style(shared)),
        heading=html.escape(ledger["title"][lang]),
        call=html.escape(ledger["call"]),
        alt=html.escape(ledger["alt"][lang]),
        film="" if video.startswith("data:") else f'src="{html.escape(video)}"',
        scripts=html.escape(said["scripts"]),
        back=f'<a id="back" href="{html.escape(back)}">{html.escape(said["back"])}</a>' if back else "",
        script=_script(shared),
        data=in_script({"clips": known, "words": {one: words(one) for one in LANGUAGES}}),
    )


def _style(shared: str | None) -> str:
    if shared is None:
        return f"<style>{style(STYLE)}</style>"
    return f'<link rel="stylesheet" href="{shared}{STYLE.name}">'


def _script(shared: str | None) -> str:
    if shared is None:
        return f'<script type="module">{SCRIPT.read_text("utf-8")}</script>'
    return f'<script src="{shared}{SCRIPT.name}" defer></script>'


def _clip(clip: Clip, place: Place) -> dict[str, Any]:
    """What the page knows of a clip; films that differ in colours only share what is told of them."""
    told: list[dict[str, Any]] = []
    films = []
    for one in clip.films:
        of_film = film(one.ledger)
        if of_film not in told:
            told.append(of_film)
        known = {"lang": one.lang, "theme": one.theme, "told": told.index(of_film)}
        films.append({**place(one)._asdict(), **known})
    ledger = clip.ledger
    said = {name: ledger[name] for name in ("title", "call", "alt")}
    return {"name": clip.key, **said, "films": films, "told": told}


def _base64(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()
