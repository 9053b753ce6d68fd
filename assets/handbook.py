"""The handbook's index: which page explains which `torch.nn` classes, in its own order. No torch here."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Row:
    """One row of the index: its number from 1, section and title in Chinese, the page, and the classes it is about.

    `beyond` are classes of the same family that have no page.
    """

    number: int
    section: str
    title: str
    page: str
    classes: tuple[str, ...]
    beyond: tuple[str, ...] = ()


@cache
def rows() -> tuple[Row, ...]:
    """All rows, in the handbook's order."""
    text = (Path(__file__).parent / "handbook.toml").read_text(encoding="utf-8")
    return tuple(
        Row(
            number,
            row["section"],
            row["title"],
            row["page"],
            tuple(row["classes"]),
            tuple(row.get("beyond", ())),
        )
        for number, row in enumerate(tomllib.loads(text)["rows"], 1)
    )


def row_of(operator: str) -> Row | None:
    """The row whose page is about a class, or nearest to it; None for a class of no row."""
    return next((row for row in rows() if operator in (*row.classes, *row.beyond)), None)
