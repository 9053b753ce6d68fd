"""The words of the small language of tensors: what makes a tensor, and what is done with one.

Every function is given the `Reader` of the expression, whose generator it draws from and whose budget it spends from
before memory is taken.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

TORCH_ERRORS = (RuntimeError, TypeError, ValueError, ArithmeticError, IndexError, MemoryError)


class Refusal(Exception):
    """Why a text was not read, in a few words."""


class Reader(Protocol):
    """Who reads an expression."""

    generator: torch.Generator

    def size(self, given: Iterable[Any]) -> tuple[int, ...]: ...

    def spend(self, size: Iterable[int]) -> None: ...


def _randn(reader: Reader, *sizes: Any, size: Any = ()) -> Tensor:
    return torch.randn(reader.size(sizes or size), generator=reader.generator)


def _rand(reader: Reader, *sizes: Any, size: Any = ()) -> Tensor:
    return torch.rand(reader.size(sizes or size), generator=reader.generator)


def _zeros(reader: Reader, *sizes: Any, size: Any = ()) -> Tensor:
    return torch.zeros(reader.size(sizes or size))


def _ones(reader: Reader, *sizes: Any, size: Any = ()) -> Tensor:
    return torch.ones(reader.size(sizes or size))


def _full(reader: Reader, size: Any, fill_value: Any) -> Tensor:
    return torch.full(reader.size(flat([size])), number(fill_value))


def _eye(reader: Reader, n: Any, m: Any = None) -> Tensor:
    return torch.eye(*reader.size([n, n if m is None else m]))


def _arange(reader: Reader, start: Any, end: Any = None, step: Any = 1) -> Tensor:
    first, last = (0, start) if end is None else (start, end)
    first, last, by = finite(first), finite(last), finite(step)
    reader.size([max(0, math.ceil((last - first) / by))])
    return torch.arange(first, last, by)


def _linspace(reader: Reader, start: Any, end: Any, steps: Any) -> Tensor:
    (count,) = reader.size([steps])
    return torch.linspace(finite(start), finite(end), count)


def _tensor(reader: Reader, data: Any) -> Tensor:
    return as_tensor(data)


def _randint(reader: Reader, *given: Any, low: Any = 0, high: Any = None, size: Any = None) -> Tensor:
    bounds = list(given)
    if bounds and isinstance(bounds[-1], list):
        size = bounds.pop()
    if len(bounds) == 1:
        high = bounds[0]
    elif len(bounds) == 2:
        low, high = bounds
    if len(bounds) > 2 or size is None or high is None:
        raise Refusal("torch.randint takes (low, high, (size, …))")
    low, high = whole([low, high], least=-(1 << 62))
    return torch.randint(low, high, reader.size(flat([size])), generator=reader.generator)


CREATORS: dict[str, Callable[..., Tensor]] = {
    "randn": _randn,
    "rand": _rand,
    "randint": _randint,
    "zeros": _zeros,
    "ones": _ones,
    "full": _full,
    "eye": _eye,
    "arange": _arange,
    "linspace": _linspace,
    "tensor": _tensor,
}


def _softmax(reader: Reader, input: Any, dim: Any) -> Tensor:
    return torch.softmax(_floats(reader, input), _axis(dim))


def _log_softmax(reader: Reader, input: Any, dim: Any) -> Tensor:
    return torch.log_softmax(_floats(reader, input), _axis(dim))


def _where(reader: Reader, condition: Any, input: Any, other: Any) -> Tensor:
    parts = [condition, input, other]
    reader.spend(broadcast([tuple(part.shape) for part in parts if isinstance(part, Tensor)]))
    given = _tensor_of(reader, condition)
    first, second = (part if isinstance(part, Tensor) else number(part) for part in parts[1:])
    chosen: Tensor = torch.where(given, first, second)
    return chosen


def _one_hot(reader: Reader, tensor: Any, num_classes: Any = -1) -> Tensor:
    ids = _tensor_of(reader, tensor)
    (classes,) = whole([num_classes], least=-1)
    count = classes if classes >= 0 or not ids.numel() else int(ids.max()) + 1
    reader.spend((*ids.shape, max(1, count)))
    return F.one_hot(ids.long() if not ids.is_floating_point() else ids, classes)


def _clamp(reader: Reader, input: Any, min: Any = None, max: Any = None) -> Tensor:
    bounds = [bound if bound is None else number(bound) for bound in (min, max)]
    return torch.clamp(_tensor_of(reader, input), *bounds)


def _each(function: Callable[[Tensor], Tensor]) -> Callable[[Reader, Any], Tensor]:
    def of_every_element(reader: Reader, input: Any) -> Tensor:
        return function(_tensor_of(reader, input))

    return of_every_element


_OF_ELEMENTS = (
    *(
        "abs",
        "ceil",
        "cos",
        "exp",
        "floor",
        "log",
        "neg",
        "round",
        "sigmoid",
        "sign",
        "sin",
        "sqrt",
        "square",
    ),
    "tanh",
)
FUNCTIONS: dict[str, Callable[..., Tensor]] = {
    **{name: _each(getattr(torch, name)) for name in _OF_ELEMENTS},
    "clamp": _clamp,
    "log_softmax": _log_softmax,
    "softmax": _softmax,
    "where": _where,
}
"""Functions of `torch`; all but `where` are methods too."""

FUNCTIONAL: dict[str, Callable[..., Tensor]] = {
    **{name: FUNCTIONS[name] for name in ("log_softmax", "sigmoid", "softmax", "tanh")},
    "one_hot": _one_hot,
}
"""Functions of `torch.nn.functional`."""


def _reshape(reader: Reader, tensor: Tensor, *size: Any) -> Tensor:
    return tensor.reshape(whole(flat(list(size)), least=-1))


def _permute(reader: Reader, tensor: Tensor, *dims: Any) -> Tensor:
    return tensor.permute(whole(flat(list(dims)), least=-tensor.ndim))


def _transpose(reader: Reader, tensor: Tensor, dim0: Any, dim1: Any) -> Tensor:
    return tensor.transpose(_axis(dim0), _axis(dim1))


def _unsqueeze(reader: Reader, tensor: Tensor, dim: Any) -> Tensor:
    return tensor.unsqueeze(_axis(dim))


def _flatten(reader: Reader, tensor: Tensor) -> Tensor:
    return tensor.flatten()


METHODS: dict[str, Callable[..., Tensor]] = {
    **{name: function for name, function in FUNCTIONS.items() if name != "where"},
    "flatten": _flatten,
    "permute": _permute,
    "reshape": _reshape,
    "transpose": _transpose,
    "unsqueeze": _unsqueeze,
    "view": _reshape,
}

DTYPES: dict[str, torch.dtype] = {
    name: getattr(torch, name)
    for name in (
        *("float16", "half", "bfloat16", "float32", "float", "float64", "double"),
        *("uint8", "int8", "int16", "short", "int32", "int", "int64", "long", "bool"),
    )
}
CASTS = ("float", "double", "half", "bfloat16", "int", "long", "short", "bool")
"""Methods of a tensor that name a dtype."""


def _tensor_of(reader: Reader, given: Any) -> Tensor:
    if not isinstance(given, Tensor):
        raise Refusal("a function takes a tensor; write torch.tensor([…]) for a list or a number")
    reader.spend(given.shape)
    return given


def _floats(reader: Reader, given: Any) -> Tensor:
    tensor = _tensor_of(reader, given)
    if not tensor.is_floating_point():
        raise Refusal(f"softmax takes floating point numbers, not {tensor.dtype}; write .float() before it")
    return tensor


def _axis(dim: Any) -> int:
    return whole([dim], least=-16)[0]


def as_tensor(value: Any) -> Tensor:
    """A number, a nested list of equally long rows, or a tensor, as a tensor. Raises `Refusal`."""
    if isinstance(value, Tensor):
        return value
    _check_rows(value)
    try:
        return torch.tensor(value)
    except TORCH_ERRORS as error:
        raise Refusal(first_line(error)) from None


def broadcast(shapes: list[tuple[int, ...]]) -> tuple[int, ...]:
    """The shape that these give together."""
    try:
        return tuple(torch.broadcast_shapes(*shapes))
    except RuntimeError:
        raise Refusal(f"the shapes {' and '.join(map(str, shapes))} do not go together") from None


def flat(given: list[Any]) -> list[Any]:
    """Sizes that were given as one list, or one by one."""
    return given[0] if len(given) == 1 and isinstance(given[0], list) else given


def whole(values: Any, least: int) -> tuple[int, ...]:
    """Whole numbers from `least` on."""
    for value in values if isinstance(values, list) else [values]:
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise Refusal(f"a size is whole numbers from {least} on, not {str(value)[:40]}")
    return tuple(values)


def number(value: Any) -> int | float:
    """A plain number."""
    if not isinstance(value, (int, float)):
        raise Refusal(f"expected a number, not a {type(value).__name__}")
    return value


def finite(value: Any) -> int | float:
    """A plain number that is not nan or infinite."""
    if not math.isfinite(number(value)):
        raise Refusal(f"expected a finite number, not {value}")
    return number(value)


def _check_rows(value: Any) -> tuple[int, ...]:
    """The shape of a nested list of numbers."""
    if not isinstance(value, list):
        number(value)
        return ()
    shapes = {_check_rows(item) for item in value}
    if len(shapes) > 1:
        one, other = sorted(shapes)[:2]
        raise Refusal(f"the rows of a list should have the same shape, not {one} and {other}")
    return (len(value), *next(iter(shapes), ()))


def first_line(error: BaseException) -> str:
    """What an error says, in one line without a full stop."""
    first = (getattr(error, "msg", None) or str(error)).strip().splitlines()
    return first[0].rstrip(".") if first else type(error).__name__
