"""What `%load_ext torchreel` does, and what the magics need of IPython; light, since it comes before they are used.

A magic that runs its cell itself changes it: errors are told twice or not at all, `await` fails, results get lost. So
the line `%%torchreel` becomes a call that begins to record, the cell runs on by itself, and IPython says when it ends.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

_NAME = "torchreel"
_FIRST = re.compile(rf"%%{_NAME}(\s.*)?", re.DOTALL)
_HAVE_TO_BE_FIRST = ("%%", "from __future__")


def load(shell: Any, magic: Callable[..., Any]) -> None:
    """Make `magic` known to a shell as `%torchreel`, and as `%%torchreel` over cells."""
    shell.register_magic_function(magic, "line_cell", _NAME)
    if with_beginning not in shell.input_transformers_cleanup:
        shell.input_transformers_cleanup.append(with_beginning)


def with_beginning(lines: list[str]) -> list[str]:
    """The lines of a cell, with a call in the place of `%%torchreel`, so that numbers of lines stay what they are."""
    match = _FIRST.fullmatch(lines[0]) if lines else None
    rest = "".join(lines[1:]).strip()
    if match is None or not rest or rest.startswith(_HAVE_TO_BE_FIRST):
        return lines
    options = (match[1] or "").strip()
    return [f"get_ipython().run_cell_magic({_NAME!r}, {options!r}, '\\n')\n", *lines[1:]]


def shell() -> Any:
    """The shell that runs."""
    from IPython import get_ipython

    return get_ipython()


def names() -> Mapping[str, Any]:
    """What the notebook has."""
    found: Mapping[str, Any] = shell().user_ns
    return found


def refusal(text: str) -> Exception:
    """What IPython shows as one line."""
    from IPython.core.error import UsageError

    error: Exception = UsageError(text)
    return error
