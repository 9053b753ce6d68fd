"""What a constructor takes: each argument by torch's own annotation, refused in torch's terms before torch is asked.

torch finds a wrong type late and says so in Python's words, from deep inside. The annotations and defaults of the
classes of `torch.nn` say what each argument is, so one table of types serves all operators.
"""

from __future__ import annotations

import difflib
import inspect
import math
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Union, get_args, get_origin, get_overloads

import torch
from torch import Tensor, nn

from torchreel.assets.errors import UserError
from torchreel.scenes.trace.lookup import shown

_LARGEST = (1 << 31) - 1
_FLOAT = torch.finfo(torch.float32).max
# Layers are made one by one, before their sizes are known, and proved one by one, even the smallest in 0.06 s.
_MOST = {"num_layers": 256}
# Every argument that is an integer and has no default is a size too.
_LEAST = {"num_parameters": 0, "num_layers": 0, "proj_size": 0, "kernel_size": 1, "stride": 1, "dilation": 1}
_LEAST |= {"input_size": 1, "hidden_size": 1}
# Axes may be counted from behind.
_LEAST |= {"dim": -_LARGEST}
# torch gives infinity a meaning here: the largest norm, no bound, the value that pads.
_MAY_BE_INFINITE = {"p", "norm_type", "max_norm", "value", "threshold", "min_val", "max_val", "margin"}
_MAY_BE_NAN = {"value"}
# torch documents these bounds and does not hold to them itself.
_BOUNDS = {"label_smoothing": (0, 1)}
_NOT_ZERO = {("Softplus", "beta"), ("AdaptiveLogSoftmaxWithLoss", "div_value")}
_UNTYPED = {"size_average": bool | None, "reduce": bool | None}


def constructor_parameters(module: type[nn.Module]) -> dict[str, inspect.Parameter]:
    """What a module's constructor takes, in order, without what says where the module lives.

    Recurrent networks take anything and say in an overload what they mean.
    """
    constructor = next(iter(get_overloads(module.__init__)), module.__init__)
    parameters = inspect.signature(constructor).parameters
    hidden = ("self", "args", "kwargs", "device", "dtype")
    return {name: one for name, one in parameters.items() if name not in hidden and not name.startswith("_")}


def check_arguments(operator: str, module: type[nn.Module], given: Mapping[str, Any]) -> None:
    """Refuse names that a constructor does not take, and values that are not what it takes by that name."""
    parameters = constructor_parameters(module)
    for name, value in given.items():
        if name not in parameters:
            near = difflib.get_close_matches(name, parameters, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise UserError(f"{operator} has no argument {name!r}.{hint} It takes {', '.join(parameters)}.")
        wanted = _fault(parameters[name], value)
        if wanted is None and (module.__name__, name) in _NOT_ZERO and value == 0:
            wanted = "other than 0"
        if wanted is not None:
            raise UserError(f"{operator}: {name}={shown(value)} should be {wanted}.")


def largest(value: Any) -> int | float:
    """The size of the largest number in a setting, 0 if it has none."""
    return max((abs(number) for number in _numbers(value) if math.isfinite(number)), default=0)


def _fault(parameter: inspect.Parameter, value: Any) -> str | None:
    """What a value should be, if it is not; None if it will do."""
    name, kinds = parameter.name, _kinds(parameter)
    if not any(_is(value, kind) for kind in kinds):
        return _either([_words(kind) for kind in kinds])
    numbers = list(_numbers(value))
    whole = [number for number in numbers if isinstance(number, int)]
    is_size = kinds == [int] and parameter.default is parameter.empty
    least = _LEAST.get(name, 0 if is_size else -_LARGEST)
    if whole and max(map(abs, whole)) > _LARGEST:
        return f"between {least} and {_LARGEST}"
    if whole and min(whole) < least:
        return f"at least {least}"
    if name in _MOST and whole and max(whole) > _MOST[name]:
        return f"at most {_MOST[name]}, as many as are proved in seconds"
    if name not in _MAY_BE_NAN and any(math.isnan(number) for number in numbers):
        return "a number, not NaN"
    if name in _BOUNDS and not all(_BOUNDS[name][0] <= number <= _BOUNDS[name][1] for number in numbers):
        return f"between {_BOUNDS[name][0]} and {_BOUNDS[name][1]}"
    if name not in _MAY_BE_INFINITE and any(math.isinf(number) for number in numbers):
        return "finite"
    if any(_FLOAT < abs(number) < math.inf for number in numbers):
        return f"at most {_FLOAT:.2g}, the largest number of torch.float32"
    return None


def _kinds(parameter: inspect.Parameter) -> list[Any]:
    """The types that an argument may have, with that of its default."""
    hint = _UNTYPED.get(parameter.name, parameter.annotation)
    kinds = list(get_args(hint)) if get_origin(hint) in (Union, types.UnionType) else [hint]
    kinds = [types.NoneType if kind is None else kind for kind in kinds]
    if parameter.default is None and types.NoneType not in kinds:
        kinds.append(types.NoneType)
    return kinds


def _is(value: Any, kind: Any) -> bool:
    if get_origin(kind) is Literal:
        return value in get_args(kind)
    if get_origin(kind) is Callable or kind is Callable:
        return callable(value) or isinstance(value, str)  # an operator may know functions by name
    if kind is Tensor:
        return isinstance(value, Tensor) or (_is_row(value) and all(_is(one, float) for one in value))
    if _is_sequence(kind):
        return _is_row(value) and _fits(value, kind)
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, kind)


def _is_row(value: Any) -> bool:
    return isinstance(value, (list, tuple))


def _is_sequence(kind: Any) -> bool:
    return kind is torch.Size or get_origin(kind) in (tuple, list, Sequence)


def _fits(value: Sequence[Any], kind: Any) -> bool:
    parts = get_args(kind) or (int,)
    counted = get_origin(kind) is tuple and Ellipsis not in parts and len(parts) <= 3
    if counted and len(value) != len(parts):
        return False  # of a longer tuple the operator itself can say what each number is
    item = parts[0]
    items = get_args(item) if get_origin(item) in (Union, types.UnionType) else (item,)
    return all(any(_is(one, kind) for kind in items) for one in value)


def _words(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return f"one of {', '.join(map(repr, get_args(kind)))}"
    if get_origin(kind) is Callable or kind is Callable:
        return "a function"
    if kind is Tensor:
        return "a list of numbers"
    if _is_sequence(kind):
        parts = get_args(kind) or (int,)
        item = "numbers" if parts[0] is float else "integers"
        if get_origin(kind) is not tuple:
            return f"a list of {item}"
        return f"a tuple of {'' if Ellipsis in parts else f'{len(parts)} '}{item}"
    return _NAMES.get(kind, getattr(kind, "__name__", str(kind)))


_NAMES: dict[Any, str] = {
    int: "an integer",
    float: "a number",
    bool: "True or False",
    str: "a word",
    types.NoneType: "None",
}


def _either(words: list[str]) -> str:
    words = [word.replace("a tuple of 1 integers", "a tuple of 1 integer") for word in dict.fromkeys(words)]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _numbers(value: Any) -> Any:
    """The numbers in a value, whatever it is."""
    if isinstance(value, (list, tuple)):
        for one in value:
            yield from _numbers(one)
    elif isinstance(value, (int, float)):
        yield value
