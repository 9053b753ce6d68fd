"""Slides as a PDF, the backup for the day on which the room's computer plays nothing: a slide's last picture a page.

Its words and numbers lie on the picture unseen, so that they can be searched, copied and read aloud.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Sequence
from importlib.resources import files

from fpdf import FPDF
from fpdf.enums import TextMode

from torchreel.publish.slides.deck import Slide, small_png

_WIDTH, _HEIGHT = 960.0, 540.0
_MARGIN, _SIZE = 25.0, 20.0
_TITLE_Y, _FORMULA_Y, _CAPTION_Y = 32.0, 466.0, 516.0
_STRIPS_Y = 438.0
_LANGUAGES = {"zh": "zh-CN", "en": "en-GB"}


def handout(slides: Sequence[Slide]) -> bytes:
    """The .pdf of some slides: 16:9 pages with bookmarks, alternative texts and text that can be selected."""
    logging.getLogger("fpdf").setLevel(logging.ERROR)
    pdf = FPDF(unit="pt", format=(_WIDTH, _HEIGHT))
    pdf.set_auto_page_break(False)
    pdf.set_lang(_LANGUAGES[slides[0].lang])
    pdf.set_title(", ".join(dict.fromkeys(slide.title.split(" (")[0] for slide in slides)))
    pdf.set_creator("torchreel")
    _take_fonts(pdf)
    for slide in slides:
        pdf.add_page()
        pdf.start_section(slide.title)
        pdf.image(
            io.BytesIO(small_png(slide.last)),
            0,
            0,
            _WIDTH,
            _HEIGHT,
            title=slide.title,
            alt_text=slide.alt,
        )
        with pdf.local_context(text_mode=TextMode.INVISIBLE):
            _write(pdf, slide)
    return bytes(pdf.output())


def _take_fonts(pdf: FPDF) -> None:
    fonts = files("torchreel.assets") / "fonts"
    for name in ("sans.otf", "symbols.ttf", "mono.ttf"):
        pdf.add_font(name.split(".")[0], "", str(fonts / name))
    pdf.set_fallback_fonts(["symbols", "mono"])
    pdf.set_font("sans", size=_SIZE)


def _write(pdf: FPDF, slide: Slide) -> None:
    """Title and call at the top, the numbers where they are drawn, formula and caption in their strips."""
    _text(pdf, _MARGIN, _TITLE_Y, f"{slide.title}  {slide.call}")
    scale = _WIDTH / slide.width
    for number in slide.numbers:
        left, top, _, bottom = (edge * scale for edge in number["box"])
        if top < _STRIPS_Y:
            _text(pdf, left, bottom, number["text"], 1.4 * (bottom - top))
    caption, formula = slide.said[-1]
    _text(pdf, _MARGIN, _FORMULA_Y, formula)
    _text(pdf, _MARGIN, _CAPTION_Y, caption)


def _text(pdf: FPDF, left: float, baseline: float, text: str, size: float = _SIZE) -> None:
    pdf.set_font_size(size)
    pdf.set_xy(left, baseline - size)
    pdf.cell(w=0, h=size, text=text)
