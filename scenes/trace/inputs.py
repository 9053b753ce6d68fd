"""What a user gives: tensors as text or files, and values of settings. Nothing is run."""

from __future__ import annotations

import ast
import io
import math
import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from torchreel.assets.errors import UserError
from torchreel.scenes.trace.decoding import decode
from torchreel.scenes.trace.files import HELD, READABLE, File, is_file, read_file, refusal, shown
from torchreel.scenes.trace.grammar import GRAMMAR, MAX_ELEMENTS, Read, Refusal, as_tensor, evaluate, parse

_MAX_LITERAL = 1000
_LARGEST_WHOLE = (1 << 63) - 1
_MAX_DIMS = 16
_BARE = re.compile(r"[A-Za-z_][\w.-]*", re.ASCII)
_WORDS = {
    "True": True,
    "true": True,
    "False": False,
    "false": False,
    "None": None,
    "inf": math.inf,
    "nan": math.nan,
}


def read_input(
    source: str | Path | list[Any] | float,
    dtype: torch.dtype | None = torch.float32,
    seed: int = 0,
    limit: int = MAX_ELEMENTS,
) -> Tensor:
    """The tensor that a text, a nested list or a file gives, as `dtype` (None keeps the type it has).

    A text is the name of a file, which may have been read before, or it is read by `scenes.trace.grammar`; random
    numbers are those of `torch.manual_seed(seed)`. A `.npy`, `.npz` or `.pt` file holds one plain array, a `.csv` file
    rows of numbers; a picture gives `(1, C, H, W)` in 0 to 1, C = 1 for grey and 3 for colour, without its
    transparency. Anything else, and more than `limit` elements, is a `UserError`.
    """
    try:
        return _as_dtype(_checked(_read(source, seed, limit).tensor), dtype)
    except Refusal as error:
        raise _refusal(source, " ".join(str(error).split())) from None


def read_own(source: str, dtype: torch.dtype, seed: int = 0, either: bool = False) -> Tensor:
    """A tensor that a user gives in place of an example's of this `dtype`.

    A dtype that the text itself names is kept. What may be `either` classes or numbers is int64 or float32, as it
    stands. Raises `UserError` as `read_input` does.
    """
    try:
        read = _read(source, seed, MAX_ELEMENTS)
        tensor = _checked(read.tensor)
        if read.names_dtype:
            return tensor
        if either:
            dtype = torch.float32 if tensor.is_floating_point() else torch.int64
        return _as_dtype(tensor, dtype)
    except Refusal as error:
        raise _refusal(source, " ".join(str(error).split())) from None


def held(name: str, value: Any) -> File:
    """What a user holds under a `name`, as a file of that name: a tensor, which keeps its dtype, an array or a list.

    Raises `UserError` for anything else.
    """
    try:
        tensor = torch.as_tensor(value).detach().cpu()
        target = io.BytesIO()
        torch.save(tensor.clone(), target)  # a view would bring all that it is a view of
    except Exception as error:
        raise UserError(
            f"{shown(name)} is {type(value).__name__}: an input is a tensor, or what torch.as_tensor makes one of."
        ) from error
    return File(name, HELD if isinstance(value, Tensor) else "pt", target.getvalue())


def _refusal(source: Any, why: str) -> UserError:
    if _is_file(source):
        return refusal(str(source), why)
    return UserError(f"Cannot read the input {shown(str(source))}: {why}. Give {GRAMMAR}; or {READABLE}.")


def _is_file(source: Any) -> bool:
    return isinstance(source, (File, Path)) or (isinstance(source, str) and is_file(source))


def _checked(tensor: Tensor) -> Tensor:
    if tensor.ndim > _MAX_DIMS:
        raise Refusal(f"{tensor.ndim} dimensions are more than {_MAX_DIMS}")
    return tensor


def read_literal(text: str) -> Any:
    """The Python value of a setting: a number, a bool, None, a string, or a tuple or list of these.

    `2,1` is a tuple; a single word such as `reflect` is a string without quotes. Raises `UserError`.
    """
    bare = text.strip()
    if bare in _WORDS:
        return _WORDS[bare]
    try:
        if len(bare) <= _MAX_LITERAL and _BARE.fullmatch(bare):
            return bare
        return literal(parse(bare, _MAX_LITERAL))
    except _TooLarge:
        raise UserError(
            f"Cannot read the value {shown(text)}: a whole number is at most {_LARGEST_WHOLE}."
        ) from None
    except (Refusal, RecursionError) as error:
        why = ": nothing is computed here" if isinstance(error, _Computed) else ""
        raise UserError(
            f"Cannot read the value {shown(text)}{why}. Give a number, True, False, None, a word or 'text', "
            "or several in a tuple (1, 2) or a list [1, 2]."
        ) from None


class _TooLarge(Refusal):
    """A whole number that torch cannot hold."""


class _Computed(Refusal):
    """A sum or a power, which a setting is not."""


def literal(node: ast.expr) -> Any:
    """The value of an expression that is a literal, `inf` and `nan` included; anything else is a `Refusal`."""
    match node:
        case ast.Constant(value=None | bool() | str() | float() as value):
            return value
        case ast.Constant(value=int(value)):
            if abs(value) > _LARGEST_WHOLE:
                raise _TooLarge
            return value
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=operand):
            value = literal(operand)
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                return -value if isinstance(sign, ast.USub) else value
        case ast.Tuple(elts=items):
            return tuple(map(literal, items))
        case ast.List(elts=items):
            return list(map(literal, items))
        case ast.Name(id=name) if name in _WORDS:
            return _WORDS[name]
        case ast.BinOp():
            raise _Computed
    raise Refusal("not a literal")


def _read(source: Any, seed: int, limit: int) -> Read:
    if _is_file(source):
        file = source if isinstance(source, File) else read_file(str(source))
        return Read(decode(file, limit), names_dtype=file.kind == HELD)
    return evaluate(source, seed, limit) if isinstance(source, str) else Read(as_tensor(source))


def _as_dtype(tensor: Tensor, dtype: torch.dtype | None) -> Tensor:
    if dtype is None or tensor.dtype == dtype:
        return tensor
    converted = tensor.to(dtype)
    rounds = tensor.is_floating_point() and not dtype.is_floating_point
    if rounds and not torch.equal(converted.to(tensor), tensor):
        raise Refusal("whole numbers are needed here")
    return converted
