"""What all pages look like: their head, and colours that are those of the clips."""

from __future__ import annotations

from pathlib import Path

from torchreel.assets.themes import theme
from torchreel.render.html import filled

_HERE = Path(__file__).parent
_DARK_UNLESS_CHOSEN = "@media (prefers-color-scheme: dark) {{ {} }}"


def head(lang: str, title: str, style: str, theme: str = "") -> str:
    """The start of a page up to its body; `title` and `style` are HTML. A `theme` is the page's, whoever reads it."""
    chosen = f' data-theme="{theme}"' if theme else ""
    return filled(_HERE / "look.html", lang=lang, theme=chosen, title=title, style=style)


def style(own: Path) -> str:
    """A page's style sheet: the colours, what all pages share, and what is the page's `own`."""
    return "\n".join(
        [colours(), *(path.read_text("utf-8").strip() for path in (_HERE / "look.css", own)), ""]
    )


def colours() -> str:
    """The looks as custom properties (`--text`): of the page, and of what has the colours of a film, `data-film`.

    A page is as its reader's system is, unless its `data-theme` says which.
    """
    return "\n".join(
        [
            _rule(':root, [data-film="light"]', "light"),
            _rule(':root[data-theme="dark"], [data-film="dark"]', "dark"),
            _DARK_UNLESS_CHOSEN.format(_rule(":root:not([data-theme])", "dark")),
        ]
    )


def _rule(where: str, name: str) -> str:
    known = theme(name)
    named = {
        "page": known.background,
        "bar": known.bar,
        "line": known.line,
        "text": known.text,
        "muted": known.muted,
        "accent": known.accent,
        "result": known.role("result"),
    }
    told = " ".join(f"--{part}: {colour};" for part, colour in named.items())
    return f"{where} {{ color-scheme: {name}; {told} }}"
