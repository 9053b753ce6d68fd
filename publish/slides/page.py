"""Slides as one HTML page that needs nothing else: no network, no library, no other file.

The movies are in it, so it can be carried on a stick and opened from there.
"""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Sequence
from pathlib import Path

from torchreel.publish import look
from torchreel.publish.slides.deck import Slide

_HERE = Path(__file__).parent
_WORDS = {
    "zh": {
        "lang": "zh-CN",
        "help": "→ 空格 点击：下一步　← 上一步　Home End：首末　R：重播　N：备注　F：全屏　H：帮助",
        "slide": "幻灯片",
        "notes": "备注",
    },
    "en": {
        "lang": "en",
        "help": "→ Space click: next · ← back · Home End: first, last · R: again · N: notes · F: full screen · H: help",
        "slide": "Slide",
        "notes": "Notes",
    },
}


def page(slides: Sequence[Slide], click: bool = False) -> bytes:
    """The .html of some slides; movies start when their slide appears, or with a `click`."""
    first = slides[0]
    words = _WORDS[first.lang]
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
    data = json.dumps({"click": click, "slides": entries}, ensure_ascii=False).replace("<", "\\u003c")
    parts = {
        "HEAD": look.head(
            words["lang"], title, f"<style>{look.style(_HERE / 'page.css')}</style>", first.theme
        ),
        "HELP": html.escape(words["help"]),
        "SLIDE": html.escape(words["slide"]),
        "NOTES": html.escape(words["notes"]),
        "DATA": data,
    }
    text = (_HERE / "page.html").read_text("utf-8")
    for name, value in parts.items():
        text = text.replace(f"@@{name}@@", value)
    return text.encode()
