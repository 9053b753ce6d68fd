"""Clips as pages have them: elements that move in HTML, the still elsewhere, a line where there is no clip."""

from __future__ import annotations

import posixpath
from urllib.parse import quote

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

from torchreel.publish.markup import Named, Shown, image, picture, video
from torchreel.publish.sphinx.making import FOLDER, moves, place
from torchreel.publish.sphinx.nodes import ClipNode, Film, Look, Made, notes


def write_clips(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Give each clip of a document what was made of it, or put in its place what the builder can write."""
    moving, stills = moves(app.builder), "image/png" in app.builder.supported_image_types
    known = notes(app.env).made.get(app.builder.name, {})
    for node in list(doctree.findall(ClipNode)):
        made = known.get(node["noted"].wish)
        if not isinstance(made, Made):
            _replace(node, _line(node["look"].alt or node["noted"].wish.clip))
        elif moving:
            node["made"] = made
        elif not stills:
            _replace(node, _line(node["look"].alt or made.alt))
        else:
            app.env.images.add_file(docname, str(made.films[0].files["png"]))
            _replace(node, _still(made, node))


def _still(made: Made, node: ClipNode) -> nodes.image:
    path, look = str(made.films[0].files["png"]), node["look"]
    align = next((name.removeprefix("align-") for name in node["classes"] if name.startswith("align-")), None)
    given = {"align": align} if align else {}
    return nodes.image(
        uri=path, candidates={"image/png": path}, alt=look.alt or made.alt, width=look.width, **given
    )


def _replace(node: ClipNode, other: nodes.Element) -> None:
    other["ids"], other["names"] = node["ids"], node["names"]
    other["classes"] += node["classes"]
    other.source, other.line = node.source, node.line
    node.replace_self(other)


def _line(text: str) -> nodes.paragraph:
    """What a page says where there is no picture: the words for it, or its name."""
    return nodes.paragraph("", "", nodes.Text(f"[{text}]"))


def visit_clip(translator: HTML5Translator, node: ClipNode) -> None:
    """Write a clip into an HTML page."""
    made, look = node["made"], node["look"]
    write = {"gif": picture, "mp4": video, "png": lambda shown: image(shown, "png")}[
        node["noted"].wish.format
    ]
    translator.body.append(translator.starttag(node, "div", CLASS="torchreel"))
    pair = len(made.films) > 1
    written = (write(_shown(translator, film, made, look, pair)) for film in made.films)
    translator.body.append("\n".join([*written, "</div>\n"]))
    raise nodes.SkipNode


def _shown(translator: HTML5Translator, film: Film, made: Made, look: Look, pair: bool) -> Shown:
    """`dark-light` is the word of some themes for a picture that they need not brighten on a dark page."""
    files = {}
    for suffix, file in film.files.items():
        path = posixpath.normpath(posixpath.join(translator.builder.imgpath, "..", place(file)))
        files[suffix] = Named(quote(path), path)
    classes = {"light": "torchreel-light", "dark": "torchreel-dark dark-light"}[film.theme] if pair else ""
    return Shown(
        files,
        look.alt or made.alt,
        FOLDER,
        style=f"width: {look.width}",
        classes=classes,
        lazy=True,
        plays=look.plays,
    )
