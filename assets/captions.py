"""Words: every caption and title in Chinese and English, from `captions/<language>/<family>.toml`.

A large family has several files, `<family>_<part>.toml`; an operator's words stand in the one that has its `title`. A
caption is looked up there from the particular to the general: `[Conv2d.stride] slide`, `[stride] slide`, `[Conv2d]
slide`, `slide`, then the same in `common.toml`. It may name values as `{count}`; the caller formats numbers. A count
that may be 1 brings its noun, and a verb, in both forms: `{count:row is|rows are}` becomes `1 row is` or `3 rows are`.

A caption that claims something names the facts it needs, and what is said where they do not hold:

    done = [
        { when = "keeps_size", text = "With padding={padding} the output keeps {size}." },
        "Padding adds cells round the input.",
    ]

Facts are computed from the trace (`Operator.facts`); `when` holds if all that it names do, `!fact` if not.
Without a neutral sentence the next more general text is looked up.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any

LANGUAGES = ("zh", "en")

_FOLDER = Path(__file__).parent / "captions"
_COMMON = "common"


Facts = Mapping[str, bool]


def caption(
    operator: str, example: str, key: str, lang: str, facts: Facts | None = None, **values: object
) -> str:
    """The caption `key`, with `{name}` replaced by `values[name]`. No such text, value or fact: a `KeyError`."""
    text = _said(operator, example, key, lang, facts or {})
    if text is None:
        home = _home(lang, operator)
        raise KeyError(f"no {lang} caption {key!r} for {operator}:{example} in {home}.toml or {_COMMON}.toml")
    return _fill(text, values, f"{lang} {operator}:{example} {key}")


def is_said(operator: str, example: str, key: str, lang: str) -> bool:
    """Whether there is a caption `key` for this example, of its own or of the operator's, for some facts."""
    tables = (_table(lang, name) for name in (_home(lang, operator), _COMMON))
    return any(_texts(table, operator, example, key) for table in tables)


def title(operator: str, lang: str) -> str:
    """The operator's title, `title` in its table `[<operator>]`. A missing one is a `KeyError`."""
    return str(_table(lang, _home(lang, operator))[operator]["title"])


@cache
def _home(lang: str, operator: str) -> str:
    """The file of an operator's words: the one that has its title."""
    for path in sorted((_FOLDER / lang).glob("*.toml")):
        own = _table(lang, path.stem).get(operator)
        if isinstance(own, dict) and isinstance(own.get("title"), str):
            return path.stem
    raise KeyError(f"no {lang} title for {operator}: no file in captions/{lang} has it")


def fields(text: str) -> set[str]:
    """The names of the values in a caption. A `ValueError` for anything but `{name}` and `{name:singular|plural}`."""
    names = set()
    for _, name, spec, conversion in Formatter().parse(text):
        if name is None:
            continue
        if not name.isidentifier() or conversion or (spec and spec.count("|") != 1):
            raise ValueError(f"a caption takes {{name}} and {{name:singular|plural}} only: {text!r}")
        names.add(name)
    return names


def all_captions(lang: str) -> dict[str, str]:
    """Every text of one language by its full path, such as `convolution/Conv2d.stride.slide`."""
    texts: dict[str, str] = {}
    for path in sorted((_FOLDER / lang).glob("*.toml")):
        for place, text in _flatten(_table(lang, path.stem)):
            texts[f"{path.stem}/{place}"] = text
    return texts


def texts_of(operator: str, examples: Iterable[str], lang: str) -> dict[str, str]:
    """Every text that `caption` can find for an operator and these of its examples, by its path.

    An operator that has no title has no texts.
    """
    try:
        home = _home(lang, operator)
    except KeyError:
        return {}
    texts: dict[str, str] = {}
    for name in (home, _COMMON):
        table = _table(lang, name)
        general = {key: text for key, text in table.items() if isinstance(text, (str, list))}
        own = {key: table[key] for key in (operator, *examples) if key in table}
        texts |= {f"{name}/{place}": text for place, text in _flatten({**general, **own})}
    return texts


@cache
def _table(lang: str, name: str) -> dict[str, Any]:
    path = _FOLDER / lang / f"{name}.toml"
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _said(operator: str, example: str, key: str, lang: str, facts: Facts) -> str | None:
    for name in (_home(lang, operator), _COMMON):
        for texts in _texts(_table(lang, name), operator, example, key):
            for needs, text in alternatives(texts):
                if all(_holds(fact, facts, f"{lang} {operator}:{example} {key}") for fact in needs):
                    return text
    return None


def _texts(table: dict[str, Any], operator: str, example: str, key: str) -> list[Any]:
    """What is written for a key, from the particular to the general."""
    own = table.get(operator, {})
    places = (own.get(example, {}), table.get(example, {}), own, table)
    found = [place.get(key) for place in places if isinstance(place, dict)]
    return [text for text in found if isinstance(text, (str, list))]


def alternatives(written: Any) -> list[tuple[tuple[str, ...], str]]:
    """A caption's texts in the order in which they are tried, each with the facts it needs."""
    if isinstance(written, str):
        return [((), written)]
    return [
        ((), one) if isinstance(one, str) else (tuple(one["when"].split()), one["text"]) for one in written
    ]


def _holds(fact: str, facts: Facts, where: str) -> bool:
    name = fact.removeprefix("!")
    if name not in facts:
        raise KeyError(f"{where}: the caption needs the fact {name!r}; there are {', '.join(sorted(facts))}")
    return facts[name] is not fact.startswith("!")


def _fill(text: str, values: dict[str, object], where: str) -> str:
    missing = fields(text) - values.keys()
    if missing:
        raise KeyError(f"{where}: the caption wants {', '.join(sorted(missing))}: {text!r}")
    return _Counting().vformat(text, (), values)


class _Counting(Formatter):
    """Formats `{count:singular|plural}` as the value and the form that agrees with it."""

    def format_field(self, value: Any, format_spec: str) -> str:
        if not format_spec:
            return str(value)
        singular, plural = format_spec.split("|")
        return f"{value} {singular if str(value) == '1' else plural}"


def _flatten(table: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{key}.")
        elif isinstance(value, list):
            for number, (needs, text) in enumerate(alternatives(value)):
                yield f"{prefix}{key}[{' '.join((str(number), *needs))}]", text
        else:
            yield f"{prefix}{key}", value
