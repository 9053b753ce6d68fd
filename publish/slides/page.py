"""Slides as one HTML page that needs nothing else: no network, no library, no other file.

The movies are in it, so it can be carried on a stick and opened from there.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from pathlib import Path

from torchreel.assets.pages import words
from torchreel.publish import look
from torchreel.publish.slides.deck import Slide
from torchreel.render.html import filled, in_script

_HERE = Path(__file__).parent


def page(slides: Sequence[Slide], click: bool = False) -> bytes:
    """The .html of some slides; movies start when their slide appears, or with a `click`."""
    first = slides[0]
    said = words(first.lang)
    title = html.escape(", ".join(dict.fromkeys(slide.title.split(" (")[0] for slide in slides)))
    entries = [
        {
            "title": slide.title,
            "alt": slide.alt,
            "notes": slide.notes,
            "loop": slide.loop,
            "movie": base64.b64encode(slide.movie).decode(),
        }
        for slide in slides
    ]
    style = f"<style>{look.style(_HERE / 'page.css')}</style>"
    return filled(
        _HERE / "page.html",
        head=look.head(first.lang, title, style, first.theme),
        help=html.escape(said["help_slides"]),
        slide=html.escape(said["slide"]),
        notes=html.escape(said["notes"]),
        data=in_script({"click": click, "slides": entries}),
    ).encode()
