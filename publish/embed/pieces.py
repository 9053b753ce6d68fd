"""What an author wrote, in pieces: headings, text and code in order, each with its place on the page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token

_PARSER = MarkdownIt("commonmark").enable("table")
_LINE_ENDS = re.compile(r"\r\n?|\n")
_CODE = ("fence", "code_block")


@dataclass(frozen=True)
class Piece:
    """A heading (of a `level` from 1), a piece of text, or code (of a `language`, if it says so).

    `at` is its place: a block can be put after it. `links` are addresses in it, `leads` the one that it begins with.
    """

    kind: str
    text: str
    at: int
    level: int = 0
    links: tuple[str, ...] = ()
    leads: str = ""
    language: str = ""


def of_markdown(text: str, at: int | None = None) -> Iterator[Piece]:
    """The outermost blocks of a Markdown text. Their place is `at`, or by default the number of lines up to their end.

    Headings inside of quotes and lists are text.
    """
    for _, last, tokens in _blocks(text):
        place = last if at is None else at
        opening = tokens[0]
        if opening.type in _CODE:
            language = opening.info.strip().split(" ")[0].strip("{}").lower()
            yield Piece("code", opening.content, place, language=language)
            continue
        inner = [token for token in tokens if token.type == "inline"]
        links = tuple(link for token in inner for link in _links(token))
        if opening.type == "heading_open":
            yield Piece("heading", inner[0].content, place, int(opening.tag[1:]), links)
        else:
            content = "\n".join(token.content for token in tokens if token.content)
            yield Piece("text", content, place, 0, links, _leading(inner))


def code_lines(text: str) -> set[int]:
    """The numbers of the lines, from 0, that are code."""
    return {
        line
        for token in _PARSER.parse(_without_header(text))
        if token.type in _CODE and token.map
        for line in range(*token.map)
    }


def lines_of(text: str) -> list[str]:
    """The lines of a text with their ends, whichever they are."""
    ends = [match.end() for match in _LINE_ENDS.finditer(text)]
    starts = [0, *ends]
    return [text[a:b] for a, b in zip(starts, [*ends, len(text)], strict=True) if a < b]


def _blocks(text: str) -> Iterator[tuple[int, int, list[Token]]]:
    """Each outermost block: its first line, the line after its last one that is not empty, and its tokens."""
    lines = lines_of(text)
    held: list[Token] = []
    for token in _PARSER.parse(_without_header(text)):
        held.append(token)
        if token.level == 0 and token.nesting <= 0:
            if span := held[0].map:
                first, last = span[0], min(span[1], len(lines))
                while last > first + 1 and not lines[last - 1].strip():
                    last -= 1
                yield first, last, held
            held = []


def _without_header(text: str) -> str:
    """A text whose header (`---`, settings, `---`) is empty lines, as is a mark of its encoding."""
    lines = lines_of(text.replace("\ufeff", " ", 1) if text.startswith("\ufeff") else text)
    if lines and lines[0].strip() == "---":
        end = next((n for n, line in enumerate(lines[1:], 1) if line.strip() in ("---", "...")), None)
        if end is not None:
            return "\n" * (end + 1) + "".join(lines[end + 1 :])
    return "".join(lines)


def _links(token: Token) -> Iterator[str]:
    for child in token.children or ():
        if child.type == "link_open":
            yield str(child.attrGet("href") or "")


def _leading(inner: list[Token]) -> str:
    """The link that a text begins with."""
    children = inner[0].children if inner else None
    if not children or children[0].type != "link_open":
        return ""
    return str(children[0].attrGet("href") or "")
