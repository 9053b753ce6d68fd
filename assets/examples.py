"""Examples: what a clip is made of, as data in `examples/<family>.toml`. No torch here.

A large family has several files, `<family>_<part>.toml`.
A table `[Conv1d.stride]` holds one example: constructor arguments, inputs, parameters, the handbook's page.
`like = "default"` takes over another example of the same operator: `kwargs` are always written in full, as a
reader types them; all other tables then state only what differs.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from torchreel.assets.errors import UserError

DEFAULT = "default"

_FOLDER = Path(__file__).parent / "examples"
_TABLES = ("kwargs", "inputs", "dtypes", "state", "call", "extra")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_TABLE = re.compile(r"^\[([A-Za-z][A-Za-z0-9_]*)[].]", re.MULTILINE)


@dataclass(frozen=True)
class Example:
    """One call of one operator.

    `kwargs` are constructor arguments by torch's names, in the order in which a reader types them: the required
    ones and those that differ from torch's defaults. `inputs` are forward's positional arguments in order, as nested
    lists or as text for `scenes.inputs.read_input`; `dtypes` names their type where it is not float32. `state` holds
    parameters and buffers by name, `call` forward's keyword arguments. `focus` are the arguments to highlight in
    the title, `section` is the handbook's page, `extra` whatever only the operator's own scene reads. `only` says for
    which settings the example's own words hold, as `{ padding = ">0", mode = "max" }`: a number of the setting is
    above or below a bound, or the setting is this one.
    """

    operator: str
    name: str
    family: str
    kwargs: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, Any] = field(default_factory=dict)
    dtypes: dict[str, str] = field(default_factory=dict)
    state: dict[str, Any] = field(default_factory=dict)
    call: dict[str, Any] = field(default_factory=dict)
    train: bool = False
    focus: tuple[str, ...] = ()
    section: str = ""
    extra: dict[str, Any] = field(default_factory=dict)
    only: dict[str, Any] = field(default_factory=dict)

    def tells_of(self, settings: Mapping[str, Any], defaults: Mapping[str, Any]) -> bool:
        """Whether the example's own words hold for a module with these settings.

        They do not where `only` says so, nor where what the example is about was set back to torch's `defaults`.
        """
        known = {**defaults, **settings}
        return not any(
            known.get(name) == defaults.get(name) != self.kwargs.get(name, defaults.get(name))
            for name in self.focus
        ) and all(_meets(known.get(name), condition) for name, condition in self.only.items())

    def comes_of(self, settings: Mapping[str, Any], defaults: Mapping[str, Any], drawn: Example) -> bool:
        """Whether settings turn what the `drawn` example shows into what this one is about, by being set anew.

        An example is about those arguments of its focus that it sets to something else than torch's default.
        """
        known = {**defaults, **settings}
        about = [name for name in self.focus if name in defaults and self.kwargs.get(name) != defaults[name]]
        return (
            self.tells_of(settings, defaults)
            and all(known[name] != defaults[name] for name in about)
            and any(known[name] != drawn.kwargs.get(name, defaults[name]) for name in about)
        )


def _meets(value: Any, condition: Any) -> bool:
    if isinstance(condition, str) and condition[:1] in "<>":
        numbers = value if isinstance(value, (list, tuple)) else [value]
        bound, above = float(condition[1:]), condition[0] == ">"
        return any(
            isinstance(one, (int, float)) and (one > bound if above else one < bound) for one in numbers
        )
    return bool(value == condition)


_KINDS: dict[str, type] = {
    **dict.fromkeys((*_TABLES, "only"), dict),
    "train": bool,
    "focus": list,
    "section": str,
    "like": str,
}


@cache
def examples() -> dict[str, dict[str, Example]]:
    """All examples by operator, then by name, in the order of the files. A broken file is a `UserError`."""
    found: dict[str, dict[str, Example]] = {}
    for path in sorted(_FOLDER.glob("*.toml")):
        for operator, tables in read_examples(path).items():
            if operator in found:
                raise UserError(f"{path.name}: [{operator}] is already in another file")
            found[operator] = tables
    return found


def example(operator: str, name: str | None = None) -> Example:
    """One example: by default the one called "default", or the only one of a figure.

    Raises `UserError` with the nearest name for an unknown operator or example.
    """
    known = examples()
    if operator not in known:
        raise UserError(unknown_operator(operator, known))
    named = known[operator]
    if name is None:
        return named.get(DEFAULT) or next(iter(named.values()))
    if name not in named:
        near = did_you_mean(name, named)
        raise UserError(f"{operator} has no example {_quoted(name)}.{near} It has {', '.join(named)}.")
    return named[name]


@cache
def families() -> dict[str, list[str]]:
    """The operators of each family, in the order of the files; the names alone are read, not the examples."""
    grouped: dict[str, dict[str, None]] = {}
    for path in sorted(_FOLDER.glob("*.toml")):
        names = _TABLE.findall(path.read_text(encoding="utf-8"))
        grouped.setdefault(_family(path), {}).update(dict.fromkeys(names))
    return {family: list(names) for family, names in grouped.items()}


def _family(path: Path) -> str:
    return path.stem.partition("_")[0]


def unknown_operator(given: str, known: Iterable[str]) -> str:
    """The message for an operator that does not exist, with the nearest one that does."""
    known = list(known)
    return (
        f"Unknown operator {_quoted(given)}.{did_you_mean(given, known)} "
        f"'torchreel list' shows all {len(known)}."
    )


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """ " Did you mean 'x'?" for the nearest known name, whatever its case; nothing if none is near."""
    by_folded = {name.casefold(): name for name in known}
    near = difflib.get_close_matches(given.casefold(), by_folded, n=1)
    return f" Did you mean {by_folded[near[0]]!r}?" if near else ""


def read_examples(path: Path) -> dict[str, dict[str, Example]]:
    """The examples of one file, whose name begins with the family. A `UserError` names the file and the table."""
    import tomllib  # what a call is traced with needs no example

    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UserError(f"{path.name}: {error}") from error
    return {operator: _operator(operator, named, path) for operator, named in tables.items()}


def _operator(operator: str, named: Any, path: Path) -> dict[str, Example]:
    if not isinstance(named, dict) or not named:
        raise UserError(f"{path.name}: {operator} should be a table of examples, as in [{operator}.default]")
    found: dict[str, Example] = {}
    for name, table in named.items():
        where = f"{path.name} [{operator}.{name}]"
        _check(table, name, where)
        base = _base(table.get("like"), found, where)
        found[name] = Example(operator, name, _family(path), **_fields(table, base))
    return found


def _check(table: Any, name: str, where: str) -> None:
    if not isinstance(table, dict):
        raise UserError(f"{where}: an example is a table, not {type(table).__name__}")
    if not _NAME.fullmatch(name):
        raise UserError(f"{where}: a name is made of letters, digits and '_'")
    for key, value in table.items():
        if key not in _KINDS:
            near = did_you_mean(key, _KINDS)
            raise UserError(f"{where}: no field {key!r}.{near} It takes {', '.join(_KINDS)}.")
        if not isinstance(value, _KINDS[key]):
            wanted, given = _KINDS[key].__name__, type(value).__name__
            raise UserError(f"{where}: {key} should be a {wanted}, not a {given}")


def _base(like: str | None, found: Mapping[str, Example], where: str) -> Example | None:
    if like is not None and like not in found:
        raise UserError(f"{where}: like = {like!r} should name an example above it ({', '.join(found)})")
    return found[like] if like is not None else None


def _fields(table: dict[str, Any], base: Example | None) -> dict[str, Any]:
    own = {key: value for key, value in table.items() if key != "like"}
    fields: dict[str, Any] = {
        key: {**(getattr(base, key) if base else {}), **own.get(key, {})} for key in _TABLES
    }
    kwargs = own.get("kwargs", base.kwargs if base else {})
    fields["kwargs"] = {key: _tuples(value) for key, value in kwargs.items()}
    fields["call"] = {key: _tuples(value) for key, value in fields["call"].items()}
    fields["train"] = own.get("train", base.train if base else False)
    fields["focus"] = tuple(own.get("focus", base.focus if base else ()))
    fields["only"] = {key: _tuples(value) for key, value in own.get("only", {}).items()}
    fields["section"] = own.get("section", base.section if base else "")
    return fields


def _tuples(value: Any) -> Any:
    """TOML has lists only; arguments such as sizes read better as tuples, which torch's own pages use."""
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "…")
