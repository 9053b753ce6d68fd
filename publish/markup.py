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


@dataclass(frozen=True)
class Shown:
    """What is pasted: the clip's files by suffix, and in the dark theme, where there are both; what they show in words.

    `width` is in px, None for all the room there is; `align` is left, center or right; `with_id` says whether a cell of
    this notebook has an id, which is `name`.
    """

    files: Mapping[str, Named]
    alt: str
    name: str
    dark: Mapping[str, Named] | None = None
    width: int | None = None
    align: str = "center"
    with_id: bool = True


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
    return _aligned(shown, _image(shown))


def _picture(shown: Shown) -> str:
    """Dark before light and the still before what moves, as the first source that fits is taken."""
    still, dark = "(prefers-reduced-motion: reduce)", "(prefers-color-scheme: dark)"
    sources = [(still, shown.files["png"])]
    if shown.dark is not None:
        sources.insert(0, (f"{still} and {dark}", shown.dark["png"]))
        sources.append((dark, shown.dark["gif"]))
    lines = [f'<source media="{media}" srcset="{_quoted(file.url)}">' for media, file in sources]
    return _aligned(shown, "\n".join(["<picture>", *lines, _image(shown), "</picture>"]))


def _video(shown: Shown) -> str:
    mp4, png = (_quoted(shown.files[suffix].url) for suffix in ("mp4", "png"))
    return _aligned(
        shown,
        f'<video src="{mp4}" poster="{png}"{_wide(shown)} autoplay loop muted playsinline controls '
        f'aria-label="{_quoted(shown.alt)}"></video>',
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


def _image(shown: Shown) -> str:
    return f'<img src="{_quoted(shown.files["gif"].url)}"{_wide(shown)} alt="{_quoted(shown.alt)}" />'


def _wide(shown: Shown) -> str:
    return "" if shown.width is None else f' width="{shown.width}"'


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
