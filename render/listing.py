"""What there is to render and what it takes, as lines to read and as data: by family, and by the handbook's rows."""

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


def explanation(chosen: Sequence[Example]) -> Iterator[str]:
    """What one operator's examples are, and what of the first may be changed, as lines to read."""
    first = chosen[0]
    yield f"{first.operator}  ({first.family})"
    for example in chosen:
        call = ", ".join(f"{name}={value!r}" for name, value in example.kwargs.items())
        extra = "".join(f"  {name}={value}" for name, value in example.call.items())
        yield f"  {example.name:<16} {example.operator}({call}){extra}"
        if example.section:
            yield f"  {'':<16} handbook: {example.section}"
    facts = _facts(first)
    rows = {
        "--set": [_argument(one) for one in facts["arguments"]],
        "--input": [_tensor(one) for one in facts["inputs"]],
        "also --input": [name for name in facts["input_names"] if name not in _names(facts["inputs"])],
        "--call": [_argument(one) for one in facts["call_arguments"]],
        "--state": [_tensor(one) for one in facts["parameters"]],
    }
    yield f"what {first.operator}:{first.name} may be given:"
    for option, words in rows.items():
        if words:
            yield f"  {option:<16} {', '.join(words)}"
    yield f"render one:  torchreel render {first.operator}:{first.name}"


def explained(chosen: Sequence[Example]) -> list[dict[str, Any]]:
    """One entry an example, with what of its call may be changed."""
    fields = ("operator", "name", "family", "kwargs", "call", "inputs", "state", "section")
    return [
        {**{field: getattr(example, field) for field in fields}, "takes": _facts(example)}
        for example in chosen
    ]


def _facts(example: Example) -> dict[str, Any]:
    from torchreel.scenes import catalogue  # only what a call takes needs torch
    from torchreel.scenes.trace import described

    operator = catalogue.operator(example.operator)
    return {
        "arguments": described.arguments(operator),
        "inputs": described.inputs(operator, example),
        "input_names": described.names(operator, example),
        "call_arguments": described.further(operator),
        "parameters": described.parameters(operator, example),
    }


def _argument(one: dict[str, Any]) -> str:
    return one["name"] if one["required"] else f"{one['name']}={one['default']}"


def _tensor(one: dict[str, Any]) -> str:
    shape = ", ".join(map(str, one["shape"]))
    return f"{one['name']} ({shape}{',' if len(one['shape']) == 1 else ''}) {one['dtype']}"


def _names(tensors: Sequence[dict[str, Any]]) -> list[str]:
    return [one["name"] for one in tensors]


def _number(row: Row | None) -> int:
    return row.number if row else 0
