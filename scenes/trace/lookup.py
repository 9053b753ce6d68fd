"""What a reader of a trace may ask for: an index as people write it, refused in plain words where there is none."""

from __future__ import annotations

import operator
from collections.abc import Collection, Sequence
from itertools import islice
from typing import Any

from torch import Tensor

from torchreel.assets.errors import UserError

_LONGEST = 60


def index_of(given: Any, shape: Sequence[int], what: str) -> tuple[int, ...]:
    """An index of a tensor or grid of that shape as plain ints; a `UserError` headed by `what` if there is none.

    Whole numbers of any library are taken, counted from 0, and for one axis a plain number.
    """
    parts = given if isinstance(given, (tuple, list)) else (given,)
    try:
        index = tuple(map(_whole, parts))
    except (TypeError, RuntimeError):
        index = ()
    fits = len(index) == len(parts) == len(shape)
    if fits and all(0 <= number < size for number, size in zip(index, shape, strict=True)):
        return index
    counts = ", ".join(f"0 to {size - 1}" if size else "none" for size in shape)
    wanted = f"{len(shape)} whole number{'s' * (len(shape) > 1)} ({counts})" if shape else "no number, ()"
    raise UserError(f"{what}: no index {shown(given)} in the shape {tuple(shape)}. Give {wanted}.")


def _whole(number: Any) -> int:
    """An int, a numpy int or a tensor of one whole number as an int; `TypeError` for anything else."""
    if isinstance(number, bool) or (isinstance(number, Tensor) and number.ndim):
        raise TypeError
    return operator.index(number)


def shown(given: Any) -> str:
    """A value as Python writes it, in one line and not too long."""
    text = " ".join(repr(given).split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def listed(names: Collection[str], most: int = 12) -> str:
    """Names in a row, the first few of many."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(islice(names, most)) + more
