"""Notebooks as text: where each cell stands in the file, and cells put in and taken out without touching another byte.

A notebook is never written anew: every writer would change indentation, the order of keys, or ids. A cell of ours is
a Markdown cell with `torchreel` in its metadata, which Jupyter keeps when it saves.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from torchreel.publish.embed.blocks import Block, is_mark
from torchreel.publish.embed.pieces import Piece, of_markdown

_SPACE = re.compile(r"[\ufeff \t\r\n]*")
_INSIDE = re.compile(r"\{(\r?\n)([ \t]*)")
_DECODER = json.JSONDecoder()
_SIGNS = {"nbformat", "cells"}


class Unreadable(ValueError):
    """A page that is left as it is, and why."""


@dataclass(frozen=True)
class Cell:
    """A cell and its place in the file's text, `text[start:end]`."""

    start: int
    end: int
    content: dict[str, Any]

    @property
    def is_ours(self) -> bool:
        """Whether torchreel put it there."""
        metadata = self.content.get("metadata")
        mark = metadata.get("torchreel") if isinstance(metadata, dict) else None
        return self.content.get("cell_type") == "markdown" and is_mark(mark)

    @property
    def source(self) -> str:
        """The cell's text."""
        source = self.content.get("source", "")
        return "".join(map(str, source)) if isinstance(source, list) else str(source)

    @property
    def block(self) -> Block:
        """What a cell of ours shows."""
        return Block.read(self.content["metadata"]["torchreel"], self.source)


class Notebook:
    """A notebook's text. Places in it are the author's cells by number, from 0; torchreel's own do not count.

    Raises `Unreadable` for what is no notebook of format 4.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.content = _parsed(json.loads, text.removeprefix("\ufeff"))
        if isinstance(self.content, dict) and self.content.get("nbformat") != 4 and {*self.content} & _SIGNS:
            raise Unreadable(
                f"its format is {self.content.get('nbformat')!r}, not 4: open it in Jupyter and save it"
            )
        self.cells = _parsed(_cells, text)
        if not all(isinstance(cell.content, dict) for cell in self.cells):
            raise Unreadable("it is no notebook: a cell is no object")

    @cached_property
    def authors(self) -> list[Cell]:
        """The author's cells."""
        return [cell for cell in self.cells if not cell.is_ours]

    @cached_property
    def blocks(self) -> dict[int, list[Block]]:
        """torchreel's own, by the author's cell that they stand after; -1 is the beginning."""
        return {at: [cell.block for cell in cells] for at, cells in self._ours.items()}

    @cached_property
    def names(self) -> list[str]:
        """A name of each of the author's cells that stays when others come and go: its id, or a digest of its text.

        Ids that are missing or not unique are told apart by what they are followed by.
        """
        times: dict[str, int] = {}
        found = []
        for cell in self.authors:
            own = cell.content.get("id")
            name = re.sub(r"[^A-Za-z0-9_-]", "", own)[:64] if isinstance(own, str) else ""
            name = name or hashlib.sha256(cell.source.encode("utf-8", "replace")).hexdigest()[:8]
            times[name] = times.get(name, 0) + 1
            found.append(name if times[name] == 1 else f"{name}-{times[name]}")
        return found

    @property
    def pieces(self) -> Iterator[Piece]:
        """What the author wrote, in order."""
        for at, cell in enumerate(self.authors):
            kind = cell.content.get("cell_type")
            if kind == "code":
                yield Piece("code", cell.source, at)
            elif kind == "markdown":
                yield from of_markdown(cell.source, at)

    def put(self, wanted: Mapping[int, Sequence[Block]]) -> str:
        """The text with these blocks, each after the author's cell of its number, and no others.

        Where the right ones stand already, their text stays as it is, whoever wrote it.
        """
        text, cells = self.text, self.cells
        for at in sorted({*self._ours, *wanted}, reverse=True):
            blocks = list(wanted.get(at, ()))
            if blocks == self.blocks.get(at, []):
                continue
            end = self._ours[at][-1].end if at in self._ours else self.authors[at].end
            if at >= 0:
                new = "".join(self._separator + self._written(block, at) for block in blocks)
                text = text[: self.authors[at].end] + new + text[end:]
            else:
                rest = cells[len(self._ours[at])].start if len(cells) > len(self._ours[at]) else end
                text = text[: cells[0].start] + text[rest:]
        return text

    @cached_property
    def _ours(self) -> dict[int, list[Cell]]:
        at, found = -1, dict[int, list[Cell]]()
        for cell in self.cells:
            if cell.is_ours:
                found.setdefault(at, []).append(cell)
            else:
                at += 1
        return found

    @cached_property
    def _separator(self) -> str:
        """What stands between two cells of this file."""
        if len(self.cells) > 1:
            return self.text[self.cells[0].end : self.cells[1].start]
        start = self.cells[0].start
        before = self.text[:start].rstrip(" \t\r\n")
        return "," + self.text[len(before) : start]

    def _written(self, block: Block, at: int) -> str:
        """A cell as the file writes its own: its indentation, line ends and escapes."""
        beside = self.authors[at]
        own = self.text[beside.start : beside.end]
        lead = re.sub(r".*[\r\n]", "", self._separator, flags=re.DOTALL) if "\n" in self._separator else ""
        inside = _INSIDE.match(own)
        ascii_only = self.text.isascii()
        content = self._content(block, at)
        if inside is None:
            colon = ": " if '": ' in own else ":"
            comma = ", " if ", " in self._separator or colon == ": " else ","
            return json.dumps(content, ensure_ascii=ascii_only, separators=(comma, colon))
        step = inside[2][len(lead) :] or " "
        return json.dumps(content, ensure_ascii=ascii_only, indent=step).replace("\n", inside[1] + lead)

    def _content(self, block: Block, at: int) -> dict[str, Any]:
        lines = block.lines
        source = [f"{line}\n" for line in lines[:-1]] + lines[-1:]
        named = any("id" in cell.content for cell in self.authors)
        minor = self.content.get("nbformat_minor")
        has_ids = named and isinstance(minor, int) and minor >= 5
        own = {"id": self._id(block, at)} if has_ids else {}
        return {"cell_type": "markdown", **own, "metadata": {"torchreel": block.mark}, "source": source}

    def _id(self, block: Block, at: int) -> str:
        """An id that is the same in every run: of the place and the picture."""
        digest = hashlib.sha256(f"{self.names[at]} {block.src}".encode()).hexdigest()
        return f"torchreel-{digest[:10]}"


def _parsed(read: Callable[[str], Any], text: str) -> Any:
    """What a reader of JSON makes of a text. Raises `Unreadable` with what it says."""
    try:
        return read(text)
    except RecursionError as error:
        raise Unreadable("it is no notebook: nested too deeply") from error
    except ValueError as error:
        raise Unreadable(f"it is no notebook: {error}") from error


def _cells(text: str) -> list[Cell]:
    return list(_found_cells(text))


def _found_cells(text: str) -> Iterator[Cell]:
    """The cells in the order of the file. Raises `ValueError` where there are none."""
    found = dict(_members(text))
    if "cells" not in found:
        raise ValueError("it has no cells")
    at = found["cells"]
    if text[at] != "[":
        raise ValueError("its cells are no list")
    at = _after_space(text, at + 1)
    while text[at] != "]":
        content, end = _DECODER.raw_decode(text, at)
        yield Cell(at, end, content)
        at = _after_space(text, end)
        if text[at] == ",":
            at = _after_space(text, at + 1)


def _members(text: str) -> Iterator[tuple[str, int]]:
    """Each name of the outermost object, and where its value begins."""
    at = _after_space(text, 0)
    if text[at : at + 1] != "{":
        raise ValueError("it is no JSON object")
    at = _after_space(text, at + 1)
    while text[at] != "}":
        name, at = _DECODER.raw_decode(text, at)
        at = _after_space(text, _after_space(text, at) + 1)
        yield name, at
        _, at = _DECODER.raw_decode(text, at)
        at = _after_space(text, at)
        if text[at] == ",":
            at = _after_space(text, at + 1)


def _after_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    assert match is not None
    return match.end()
