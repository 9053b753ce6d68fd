"""Markdown files as text: blocks between two comments, put in and taken out without touching another byte."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from torchreel.publish.embed.blocks import Block
from torchreel.publish.embed.notebook import Unreadable
from torchreel.publish.embed.pieces import Piece, code_lines, lines_of, of_markdown

_BEGIN = re.compile(r"<!-- torchreel (\S+) key=([0-9a-f]+) -->[ \t]*")
_END = re.compile(r"<!-- /torchreel -->[ \t]*")


class Markdown:
    """A Markdown file's text. Places in it are numbers of the author's lines; torchreel's own do not count.

    A block is an empty line, a comment that says what it shows, the picture, an empty line and a comment that ends it.
    Where a file ends without a line's end, a block brings one before itself and has none. What looks like a block in
    code is code. Raises `Unreadable` for a block without its end.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._lines = lines_of(text)
        self._spans = list(self._found())

    @cached_property
    def bare(self) -> list[str]:
        """The author's lines, with their ends."""
        lines, kept, start = self._lines, list[str](), 0
        for first, last in self._spans:
            kept += lines[start : self._from(first, start)]
            start = last
            if not _ends(lines[last - 1]) and kept:
                kept[-1] = kept[-1].rstrip("\r\n")
        return kept + lines[start:]

    @cached_property
    def blocks(self) -> dict[int, list[Block]]:
        """torchreel's own, by the number of the author's lines before them."""
        found: dict[int, list[Block]] = {}
        taken = start = 0
        for first, last in self._spans:
            mark = _BEGIN.fullmatch(self._lines[first].rstrip("\r\n"))
            assert mark is not None
            text = "".join(self._lines[first + 1 : last - 1]).replace("\r\n", "\n").replace("\r", "\n")
            begin = self._from(first, start)
            at, taken, start = begin - taken, taken + last - begin, last
            found.setdefault(at, []).append(Block.read({"clip": mark[1], "key": mark[2]}, text))
        return found

    @property
    def pieces(self) -> Iterator[Piece]:
        """What the author wrote, in order."""
        return of_markdown("".join(self.bare))

    def put(self, wanted: Mapping[int, Sequence[Block]]) -> str:
        """The text with these blocks, each after the author's line of its number, and no others.

        Raises `Unreadable` where a block would be part of something else, as in code that never ends.
        """
        parts, start = list[str](), 0
        for at in sorted(wanted):
            parts += self.bare[start:at]
            for block in wanted[at]:
                parts.append(self._written(block, is_open=bool(parts) and not _ends(parts[-1])))
            start = at
        text = "".join([*parts, *self.bare[start:]])
        there = Markdown(text)
        if there.bare != self.bare or there.blocks != {
            at: [*blocks] for at, blocks in wanted.items() if blocks
        }:
            raise Unreadable("a clip would stand in code that has no end: close it")
        return text

    def _written(self, block: Block, is_open: bool) -> str:
        """A block between its empty line and its end; `is_open` where the line before it has no end."""
        end = self._line_end
        lines = [
            *([""] if is_open else []),
            "",
            f"<!-- torchreel {block.clip} key={block.key} -->",
            *block.lines,
            "",
            "<!-- /torchreel -->",
        ]
        return end.join(lines) + ("" if is_open else end)

    def _from(self, first: int, start: int) -> int:
        """Where a block begins: with the empty line before its comment, unless somebody has deleted that."""
        return first - 1 if first > start and not self._lines[first - 1].strip() else first

    @cached_property
    def _line_end(self) -> str:
        first = self._lines[0] if self._lines else "\n"
        return first[len(first.rstrip("\r\n")) :] or "\n"

    def _found(self) -> Iterator[tuple[int, int]]:
        """The lines of each block, from the comment that begins it to the line after the one that ends it."""
        code = code_lines(self.text) if "<!-- torchreel " in self.text else set()
        begun: int | None = None
        for number, line in enumerate(self._lines):
            plain = line.rstrip("\r\n")
            if number in code:
                continue
            if _BEGIN.fullmatch(plain):
                if begun is not None:
                    break
                begun = number
            elif begun is not None and _END.fullmatch(plain):
                yield begun, number + 1
                begun = None
        if begun is not None:
            raise Unreadable(f"the block that begins in line {begun + 1} has no end: delete it by hand")


def _ends(line: str) -> bool:
    return line.endswith(("\n", "\r"))
