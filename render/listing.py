"""What there is to render, as lines to read and as data: by family, and by the rows of the handbook's index."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from torchreel.assets.examples import Example
from torchreel.assets.handbook import Row, row_of

_FIELDS = ("operator", "name", "family", "kwargs", "section")


def lines(chosen: Sequence[Example]) -> Iterator[str]:
    """The operators with their examples; above them the row that explains them, by number and Chinese title."""
    named: dict[str, list[str]] = {}
    for example in chosen:
        named.setdefault(example.operator, []).append(example.name)
    families = {example.operator: example.family for example in chosen}
    order = sorted(named, key=lambda operator: (families[operator], _number(row_of(operator))))
    for family, of_family in groupby(order, families.__getitem__):
        yield family
        for row, operators in groupby(of_family, row_of):
            if row is not None:
                yield f"  {row.number:>2}  {row.title}"
            for operator in operators:
                yield f"      {operator:<30} {' '.join(named[operator])}"


def plain(chosen: Sequence[Example]) -> list[dict[str, Any]]:
    """One entry an example, with the row of the handbook that its operator belongs to."""
    entries = []
    for example in chosen:
        row = row_of(example.operator)
        known = row and {"number": row.number, "section": row.section, "title": row.title, "page": row.page}
        entries.append({**{field: getattr(example, field) for field in _FIELDS}, "row": known})
    return entries


def _number(row: Row | None) -> int:
    return row.number if row else 0
