"""A clip in the markup of pages and slides: what is pasted there, as text.

What names a file is a URL in some forms and a path in others. Alternative texts are escaped as each form has it,
and are one line everywhere. A clip in a page loops; on a slide it plays once and stays on the finished figure.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from torchreel.assets.errors import UserError

WIDTH = 800

_PX_PER_POINT = 96 / 72


class Named(NamedTuple):
    """How a page names a file: by URL and by path."""

    url: str
    path: str


class Plays(NamedTuple):
    """How a video in a page behaves: whether it starts by itself, begins again at its end, and has controls."""

    autoplay: bool = True
    loop: bool = True
    controls: bool = True


PLAYS = Plays()


@dataclass(frozen=True)
class Shown:
    """What is pasted: the clip's files by suffix, and in the dark theme, where there are both; what they show in words.

    `width` is in px, None for all the room there is, and `style` is CSS in its place; `align` is left, center or right;
    `with_id` says whether a cell of this notebook has an id, which is `name`. `lazy` images are fetched when they come
    into sight.
    """

    files: Mapping[str, Named]
    alt: str
    name: str
    dark: Mapping[str, Named] | None = None
    width: int | None = None
    align: str = "center"
    with_id: bool = True
    style: str = ""
    classes: str = ""
    lazy: bool = False
    plays: Plays = PLAYS


class Form(NamedTuple):
    """One kind of markup: the files it needs, and what can be said in it."""

    write: Callable[[Shown], str]
    needs: tuple[str, ...]
    width: int | None = WIDTH
    has_width: bool = True
    has_align: bool = True
    has_themes: bool = False


def _md(shown: Shown) -> str:
    alt = re.sub(r"([\\`*_{}\[\]<>()#!|&~$])", r"\\\1", shown.alt)
    return f"![{alt}]({shown.files['gif'].url})"


def _html(shown: Shown) -> str:
    return _aligned(shown, image(shown))


def _picture(shown: Shown) -> str:
    return _aligned(shown, picture(shown))


def picture(shown: Shown) -> str:
    """A GIF, and the still for readers who want no motion, as the element of a page.

    Dark comes before light and the still before what moves, as the first source that fits is taken.
    """
    still, dark = "(prefers-reduced-motion: reduce)", "(prefers-color-scheme: dark)"
    sources = [(still, shown.files["png"])]
    if shown.dark is not None:
        sources.insert(0, (f"{still} and {dark}", shown.dark["png"]))
        sources.append((dark, shown.dark["gif"]))
    lines = [f'<source media="{media}" srcset="{_quoted(file.url)}">' for media, file in sources]
    return "\n".join(["<picture>", *lines, image(shown), "</picture>"])


def _video(shown: Shown) -> str:
    return _aligned(shown, video(shown))


def video(shown: Shown) -> str:
    """A film without sound, as the element of a page; its poster is the finished figure."""
    mp4, png = (_quoted(shown.files[suffix].url) for suffix in ("mp4", "png"))
    autoplay, loop, controls = (
        f" {name}" if wanted else "" for name, wanted in shown.plays._asdict().items()
    )
    return (
        f'<video{_classes(shown)} src="{mp4}" poster="{png}"{_wide(shown)}{autoplay}{loop} muted playsinline{controls} '
        f'aria-label="{_quoted(shown.alt)}"></video>'
    )


def _ipynb(shown: Shown) -> str:
    """A Markdown cell as a notebook's file has it."""
    own = {"id": re.sub(r"[^\w-]", "-", shown.name, flags=re.ASCII)[-64:]} if shown.with_id else {}
    cell = {"cell_type": "markdown", **own, "metadata": {}, "source": [_html(shown)]}
    return json.dumps(cell, ensure_ascii=False, indent=1)


def _rst(shown: Shown) -> str:
    options = ["alt: " + shown.alt, f"width: {shown.width}px", f"align: {shown.align}"]
    lines = [f".. figure:: {_directive_path(shown)}", *(f"   :{option}" for option in options)]
    return "\n".join(lines)


def _myst(shown: Shown) -> str:
    """Options are YAML to some readers and plain text to others: quoted only where YAML would misread them."""
    alt = shown.alt
    if re.search(r"\s#|^[^\w(]|:$", alt):
        alt = json.dumps(alt, ensure_ascii=False)
    options = [f":alt: {alt}", f":width: {shown.width}px", f":align: {shown.align}"]
    return "\n".join([f":::{{figure}} {_directive_path(shown)}", *options, ":::"])


def _reveal(shown: Shown) -> str:
    size = _wide(shown) or ' class="r-stretch"'
    return (
        f'<section>\n<video data-autoplay src="{_quoted(shown.files["mp4"].url)}"{size} muted playsinline '
        f'aria-label="{_quoted(shown.alt)}"></video>\n</section>'
    )


def _quarto(shown: Shown) -> str:
    """An image of a film is a video to Pandoc, and unlike Quarto's shortcode it stays one in a page of one file."""
    label = re.sub(r'([\\"])', r"\\\1", shown.alt)
    said = f'data-autoplay="" muted="" playsinline=""{_wide(shown)} aria-label="{label}"'
    return f"![]({shown.files['mp4'].url}){{{said}}}"


def _slidev(shown: Shown) -> str:
    return (
        f'<SlidevVideo autoplay muted playsinline controls{_wide(shown)} aria-label="{_quoted(shown.alt)}">\n'
        f'  <source src="{_quoted(shown.files["mp4"].url)}" type="video/mp4" />\n</SlidevVideo>'
    )


def _marp(shown: Shown) -> str:
    """Marp has all slides in sight of the browser at once: a film that started by itself would be over in time."""
    mp4, png = (_quoted(shown.files[suffix].url) for suffix in ("mp4", "png"))
    size = _wide(shown) or ' width="100%"'
    return (
        f'<video src="{mp4}" poster="{png}"{size} muted playsinline controls '
        f'aria-label="{_quoted(shown.alt)}"></video>'
    )


def _beamer(shown: Shown) -> str:
    poster, film = shown.files["png"].path, shown.files["mp4"]
    stem, suffix = poster.rsplit(".", 1)
    size = r"width=\linewidth, height=0.85\textheight, keepaspectratio"
    if shown.width is not None:
        size = f"width={_points(shown.width)}bp"
    place = f"{{{{{stem}}}.{suffix}}}"
    target = f"run:{film.path}" if film.url.startswith(".") else re.sub(r"([%#])", r"\\\1", film.url)
    return "\n".join(
        [
            r"\begin{center}",
            rf"  \href{{{target}}}{{\includegraphics[{size}, alt={{{_tex(shown.alt)}}}]{place}}}",
            r"  % or inside the page, with \usepackage{multimedia}:",
            rf"  % \movie[showcontrols]{{\includegraphics[{size}]{place}}}{{{film.path}}}",
            r"\end{center}",
        ]
    )


def _typst(shown: Shown) -> str:
    poster, film = shown.files["png"].path, shown.files["mp4"].url
    width = "100%" if shown.width is None else f"{_points(shown.width)}pt"
    picture = f"image({_string(poster)}, width: {width}, alt: {_string(shown.alt)})"
    return f"#figure(link({_string(film)}, {picture}))"


FORMS = {
    "md": Form(_md, ("gif",), None, has_width=False, has_align=False),
    "html": Form(_html, ("gif",)),
    "picture": Form(_picture, ("gif", "png"), has_themes=True),
    "video": Form(_video, ("mp4", "png")),
    "myst": Form(_myst, ("gif",)),
    "rst": Form(_rst, ("gif",)),
    "ipynb": Form(_ipynb, ("gif",)),
    "reveal": Form(_reveal, ("mp4",), None, has_align=False),
    "quarto": Form(_quarto, ("mp4",), None, has_align=False),
    "slidev": Form(_slidev, ("mp4",), None, has_align=False),
    "marp": Form(_marp, ("mp4", "png"), None, has_align=False),
    "beamer": Form(_beamer, ("png", "mp4"), None, has_align=False),
    "typst": Form(_typst, ("png", "mp4"), None, has_align=False),
}
"""The forms by their names on the command line."""


def _aligned(shown: Shown, inside: str) -> str:
    gap = "\n" if "\n" in inside else ""
    return f'<p align="{shown.align}">{gap}{inside}{gap}</p>'


def image(shown: Shown, suffix: str = "gif") -> str:
    """One of a clip's pictures, as the element of a page."""
    lazy = ' loading="lazy"' if shown.lazy else ""
    source, alt = _quoted(shown.files[suffix].url), _quoted(shown.alt)
    return f'<img{_classes(shown)} src="{source}"{_wide(shown)}{lazy} alt="{alt}" />'


def _classes(shown: Shown) -> str:
    return f' class="{_quoted(shown.classes)}"' if shown.classes else ""


def _wide(shown: Shown) -> str:
    style = f' style="{_quoted(shown.style)}"' if shown.style else ""
    return style if shown.width is None else f' width="{shown.width}"{style}'


def _quoted(text: str) -> str:
    return html.escape(text)


def _points(pixels: int) -> str:
    """CSS px as points of 1/72 inch."""
    return f"{pixels / _PX_PER_POINT:g}"


def _string(text: str) -> str:
    return '"' + re.sub(r'([\\"])', r"\\\1", text) + '"'


def _directive_path(shown: Shown) -> str:
    """A URL, or a path in which a backslash keeps what docutils would leave out."""
    file = shown.files["gif"]
    return re.sub(r"([\\\s])", r"\\\1", file.path) if file.url.startswith(".") else file.url


_TEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
}


def _tex(text: str) -> str:
    return "".join(_TEX.get(sign, sign) for sign in text)


def refuse_unwritable(name: str, path: str) -> None:
    """Raise `UserError` for a path that this form has no way to write."""
    signs = {"beamer": '\\%#{}~^$&"', "typst": "", "rst": "", "myst": ""}.get(name)
    if signs is None:
        return
    if found := next((sign for sign in path if sign in signs or not sign.isprintable()), None):
        raise UserError(f"{path}: {found!r} cannot be in a path of --as {name}; use another folder with -o.")
