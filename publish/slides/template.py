"""The lecturer's deck as a template: its theme, its size, and the layout whose title and room a clip takes."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

from pptx import Presentation
from pptx.enum.shapes import PP_PLACEHOLDER as KIND
from pptx.opc.constants import RELATIONSHIP_TYPE as RT
from pptx.util import Inches

from torchreel.assets.errors import UserError

_FURNITURE = (KIND.DATE, KIND.FOOTER, KIND.SLIDE_NUMBER)
_TITLES = (KIND.TITLE, KIND.CENTER_TITLE)
_MAIN = "application/vnd.openxmlformats-officedocument.presentationml.{}.main+xml"
_SECTIONS = "{http://schemas.microsoft.com/office/powerpoint/2010/main}sectionLst"
_GAP = Inches(0.15)


class Spot(NamedTuple):
    """A rectangle on a slide, in EMU."""

    left: int
    top: int
    width: int
    height: int


def blank() -> Any:
    """An empty 16:9 deck in the plain look of an Office theme."""
    deck = Presentation()
    before = deck.slide_width
    deck.slide_width, deck.slide_height = Inches(13.333), Inches(7.5)
    for room in (deck.slide_master, *deck.slide_layouts):
        for shape in room.shapes:
            if shape._element.xpath("./p:spPr/a:xfrm"):
                shape.left, shape.width = (
                    round(part * deck.slide_width / before) for part in (shape.left, shape.width)
                )
    return _without_summary(deck)


def opened(path: Path) -> Any:
    """The deck at `path` (.pptx or .potx) without its slides. Raises `UserError` for what is no such file."""
    try:
        deck = Presentation(io.BytesIO(_as_presentation(path.read_bytes())))
    except OSError as error:
        raise UserError(f"--template {path}: {error.strerror or error}.") from error
    except Exception as error:
        raise UserError(
            f"--template {path}: not a PowerPoint file; give a .pptx or .potx, saved without a password."
        ) from error
    _empty(deck)
    return _without_summary(deck)


def _without_summary(deck: Any) -> Any:
    """The deck without what sums up other slides: a thumbnail of the first, and a list of their titles."""
    links = deck.part.package._rels
    for name in [
        name for name, link in links.items() if link.reltype in (RT.THUMBNAIL, RT.EXTENDED_PROPERTIES)
    ]:
        links.pop(name)
    return deck


def _as_presentation(data: bytes) -> bytes:
    """A template (.potx) says of itself that it is one, and differs from a deck in nothing else."""
    source, target = io.BytesIO(data), io.BytesIO()
    with zipfile.ZipFile(source) as given, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as taken:
        for entry in given.infolist():
            part = given.read(entry)
            if entry.filename == "[Content_Types].xml":
                part = part.replace(_MAIN.format("template").encode(), _MAIN.format("presentation").encode())
            taken.writestr(entry, part)
    return target.getvalue()


def _empty(deck: Any) -> None:
    """Take the slides out, and the lists that name them."""
    part, root, listed = deck.part, deck.part._element, deck.slides._sldIdLst
    for element in [*root.xpath("./p:custShowLst"), *root.iter(_SECTIONS)]:
        holder = element.getparent()
        (holder.getparent().remove(holder) if holder.tag.endswith("}ext") else holder.remove(element))
    for extensions in root.xpath("./p:extLst[not(*)]"):
        root.remove(extensions)
    for entry in list(listed):
        part._rels.pop(
            entry.rId
        )  # whatever else may name it: a slide that is still there would clash with ours
        listed.remove(entry)


def titled_layout(deck: Any, path: Path | None) -> Any:
    """The layout that has a title and the least beside it."""
    fitting = [layout for layout in deck.slide_layouts if _kinds(layout) & {*_TITLES}]
    if not fitting:
        raise UserError(f"--template {path}: none of its layouts has a title placeholder; add one.")
    return min(fitting, key=lambda layout: (KIND.TITLE not in _kinds(layout), len(_others(layout))))


def _kinds(layout: Any) -> set[Any]:
    return {one.placeholder_format.type for one in layout.placeholders}


def _others(layout: Any) -> list[Any]:
    kinds = [one.placeholder_format.type for one in layout.placeholders]
    return [kind for kind in kinds if kind not in (*_FURNITURE, *_TITLES)]


def room(deck: Any, layout: Any) -> Spot:
    """Where a 16:9 clip fits best: under the layout's title, or over one that stands low, clear of the footers."""
    width, height = deck.slide_width, deck.slide_height
    placed = [one for one in layout.placeholders if one.top is not None]
    titles = [one for one in placed if one.placeholder_format.type in _TITLES]
    low = [one for one in placed if one.placeholder_format.type in _FURNITURE and one.top > height / 2]
    top = min((one.top for one in titles), default=0)
    bottom = max((one.top + one.height for one in titles), default=0)
    floor = min([height - _GAP, *(one.top - _GAP // 2 for one in low)])
    first, last = max(
        (_GAP, top - _GAP), (max(_GAP, bottom + _GAP // 2), floor), key=lambda band: band[1] - band[0]
    )
    if last - first < height / 3:
        first, last = height // 4, height - _GAP
    return _fit(Spot(_GAP, first, width - 2 * _GAP, last - first))


def _fit(box: Spot) -> Spot:
    """The largest 16:9 rectangle in the middle of a box."""
    width = min(box.width, box.height * 16 // 9)
    height = width * 9 // 16
    return Spot(box.left + (box.width - width) // 2, box.top + (box.height - height) // 2, width, height)
