"""The line of a magic as words: as a shell splits it, but what stands in brackets is one word, as in Python."""

from __future__ import annotations

from torchreel.assets.errors import UserError

_OPENING, _CLOSING, _QUOTES = "([{", ")]}", "'\""


def split(line: str) -> list[str]:
    """`nn.Conv2d(1, 1, 3) --set "a b"` as its three words. Raises `UserError` for a quote or bracket left open.

    Quotes hold a word together and are left out; in brackets they belong to the call that stands there.
    """
    words: list[str] = []
    word, depth, quote = "", 0, ""
    for char, following in zip(line, f"{line[1:]} ", strict=False):
        if quote:
            word += char if char != quote or depth else ""
            quote = "" if char == quote else quote
        elif char in _QUOTES:
            quote = char
            word += char if depth else ""
        elif depth or not char.isspace():
            depth += (char in _OPENING) - (char in _CLOSING and depth > 0)
            word += char
        if not quote and not depth and following.isspace() and not char.isspace():
            words.append(word)
            word = ""
    if quote or depth:
        raise UserError(f"%torchreel {line.strip()}: a {'quote' if quote else 'bracket'} is not closed.")
    return words
