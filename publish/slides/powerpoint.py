"""Slides as a PowerPoint deck: one movie a slide, real titles, notes and alternative texts.

Without a template a clip fills the slide, and its title stands just above the slide's edge, where outlines and screen
readers find it: the picture has a title of its own. In a lecturer's template it stands under the title.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pptx.dml.color import RGBColor
from pptx.enum.lang import MSO_LANGUAGE_ID
from pptx.oxml import parse_xml
from pptx.oxml.ns import qn
from pptx.util import Inches

from torchreel.assets.themes import theme
from torchreel.publish.slides import template
from torchreel.publish.slides.deck import Slide, small_png
from torchreel.publish.slides.timing import timing

_LANGUAGES = {"zh": MSO_LANGUAGE_ID.SIMPLIFIED_CHINESE, "en": MSO_LANGUAGE_ID.ENGLISH_UK}


def deck(slides: Sequence[Slide], given: Path | None = None, click: bool = False) -> bytes:
    """The .pptx of some slides, in the look of the deck `given` if there is one.

    Movies start when their slide appears, or with a `click`. Raises `UserError` for a template that cannot be used.
    """
    made = template.blank() if given is None else template.opened(given)
    layout = template.titled_layout(made, given)
    for slide in slides:
        page = made.slides.add_slide(layout)
        page.shapes.title.text = slide.title
        for other in [one for one in page.placeholders if one._element is not page.shapes.title._element]:
            other._element.getparent().remove(other._element)
        if given is None:
            box = template.Spot(0, 0, made.slide_width, made.slide_height)
            _move_title_out(page, box)
            page.background.fill.solid()
            page.background.fill.fore_color.rgb = RGBColor.from_string(theme(slide.theme).background[1:])
        else:
            box = template.room(made, layout)
        _add_movie(page, slide, box, click)
        page.notes_slide.notes_text_frame.text = slide.notes
        for frame in (page.shapes.title.text_frame, page.notes_slide.notes_text_frame):
            _speak(frame, slide.lang)
    made.core_properties.title = ", ".join(dict.fromkeys(slide.title.split(" (")[0] for slide in slides))
    made.core_properties.author = made.core_properties.last_modified_by = ""
    target = io.BytesIO()
    made.save(target)
    return target.getvalue()


def _move_title_out(page: Any, box: template.Spot) -> None:
    title, height = page.shapes.title, Inches(0.9)
    title.left, title.top, title.width, title.height = 0, -height - Inches(0.1), box.width, height


def _add_movie(page: Any, slide: Slide, box: template.Spot, click: bool) -> None:
    """The movie with its first picture as the poster: nothing blinks when it starts."""
    poster = io.BytesIO(small_png(slide.first))
    movie = page.shapes.add_movie(
        io.BytesIO(slide.movie), *box, poster_frame_image=poster, mime_type="video/mp4"
    )
    movie.name = f"Clip: {slide.title}"
    movie._element.nvPicPr.cNvPr.set("descr", slide.alt)
    root = page._element
    for old in root.findall(qn("p:timing")):
        root.remove(old)
    new = parse_xml(timing(movie.shape_id, slide.seconds, click, slide.loop))
    root.insert_element_before(new, "p:extLst")


def _speak(frame: Any, lang: str) -> None:
    """Say what language a text is in, for readers aloud and spelling checkers."""
    for paragraph in frame.paragraphs:
        for run in paragraph.runs:
            run.font.language_id = _LANGUAGES[lang]
