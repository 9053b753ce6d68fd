"""The small language of tensors that a user may type: read by Python's `ast`, looked up in a table, never run.

    numbers, nested lists, nan, inf                    [[1, -2.5], [nan, inf]]
    torch.randn rand randint zeros ones full eye       torch.randn(1, 1, 6, 6)
    torch.arange linspace tensor                       torch.arange(16, dtype=torch.float32)
    .reshape .view .float .long                        torch.arange(1., 17.).reshape(1, 1, 4, 4)
    + - * / between numbers and tensors                2 * torch.eye(3) - 1

Nothing else is reached: no other name, attribute, call, keyword or operator. The size of every tensor is known,
and refused when it is too large, before memory is taken.
"""

from __future__ import annotations

import ast
import inspect
import math
import operator
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

MAX_ELEMENTS = 1 << 24

GRAMMAR = (
    "numbers, nested lists, torch.randn, rand, randint, arange, linspace, zeros, ones, full, eye or tensor "
    "with .reshape, .view, .float, .long and + - * /"
)

_MAX_TEXT = 200_000
_MAX_DEPTH = 100
_MAX_AT_ONCE = 4
_TORCH_ERRORS = (RuntimeError, TypeError, ValueError, ArithmeticError, IndexError, MemoryError)
_CONSTANTS = {"nan": math.nan, "inf": math.inf, "pi": math.pi}
_DTYPES = {
    name: getattr(torch, name)
    for name in ("float16", "float32", "float", "float64", "double", "int32", "int", "int64", "long", "bool")
}
_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


class Refusal(Exception):
    """Why a text was not read, in a few words."""


def evaluate(text: str, seed: int = 0, limit: int = MAX_ELEMENTS) -> Tensor:
    """The tensor a text describes, with the random numbers of `torch.manual_seed(seed)`. Raises `Refusal` only."""
    try:
        return as_tensor(_Reader(seed, limit).value(parse(text, _MAX_TEXT)))
    except RecursionError:
        raise Refusal("nested too deeply") from None
    except _TORCH_ERRORS as error:
        raise Refusal(_first_line(error)) from None


def parse(text: str, limit: int) -> ast.expr:
    """The expression in `text`, at most `limit` characters long. Raises `Refusal` only."""
    if len(text) > limit:
        raise Refusal(f"{len(text)} characters are more than {limit}; use a .npy file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text.strip(), mode="eval").body
    except (RecursionError, MemoryError):
        raise Refusal("nested too deeply") from None
    except (SyntaxError, ValueError) as error:
        raise Refusal(_first_line(error)) from None


def as_tensor(value: Any) -> Tensor:
    """A number, a nested list of equally long rows, or a tensor, as a tensor. Raises `Refusal`."""
    if isinstance(value, Tensor):
        return value
    _check_rows(value)
    try:
        return torch.tensor(value)
    except _TORCH_ERRORS as error:
        raise Refusal(_first_line(error)) from None


class _Reader:
    """Evaluates one expression with its own random generator and its own budget of elements."""

    def __init__(self, seed: int, limit: int) -> None:
        self.generator = torch.Generator().manual_seed(seed)
        self.limit = limit
        self.budget = limit * _MAX_AT_ONCE

    def value(self, node: ast.expr, depth: int = 0) -> Any:
        """A number, a list or a tensor."""
        if depth > _MAX_DEPTH:
            raise Refusal("nested too deeply")
        deeper = depth + 1
        match node:
            case ast.Constant(value=bool() | int() | float() as number):
                return number
            case ast.List(elts=items) | ast.Tuple(elts=items):
                return [self.value(item, deeper) for item in items]
            case ast.Name(id=name) | ast.Attribute(value=ast.Name(id="torch"), attr=name) if (
                name in _CONSTANTS
            ):
                return _CONSTANTS[name]
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self.binary(ast.Mult(), self.value(operand, deeper), -1)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.value(operand, deeper)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
                return self.binary(op, self.value(left, deeper), self.value(right, deeper))
            case ast.Call(func=ast.Name(id="float"), args=[ast.Constant(value=str(text))], keywords=[]):
                return float(text)
            case ast.Call(func=ast.Attribute(value=ast.Name(id="torch"), attr=name)) if name in _CREATORS:
                return self.create(name, node, deeper)
            case ast.Call(func=ast.Attribute(value=inner, attr=name), keywords=[]) if name in _METHODS:
                return self.method(name, inner, node.args, deeper)
        raise Refusal(f"{ast.unparse(node)[:40]!r} is not in the grammar")

    def binary(self, op: ast.operator, left: Any, right: Any) -> Any:
        if isinstance(left, list) or isinstance(right, list):
            raise Refusal("arithmetic takes numbers and tensors; write torch.tensor([…]) for a list")
        shapes = [tuple(side.shape) for side in (left, right) if isinstance(side, Tensor)]
        if shapes:
            self.spend(_broadcast(shapes))
        return _BINARY[type(op)](left, right)

    def create(self, name: str, node: ast.Call, depth: int) -> Tensor:
        args = [self.value(arg, depth) for arg in node.args]
        kwargs = {word.arg: self.keyword(word, depth) for word in node.keywords if word.arg}
        if len(kwargs) != len(node.keywords):
            raise Refusal(f"torch.{name} takes each keyword once and no **")
        dtype = kwargs.pop("dtype", None)
        creator = _CREATORS[name]
        try:
            inspect.signature(creator).bind(self, *args, **kwargs)
        except TypeError as error:
            raise Refusal(f"torch.{name}: {error}") from None
        made = creator(self, *args, **kwargs)
        return made if dtype is None else made.to(dtype)

    def keyword(self, word: ast.keyword, depth: int) -> Any:
        if word.arg != "dtype":
            return self.value(word.value, depth)
        match word.value:
            case ast.Attribute(value=ast.Name(id="torch"), attr=name) if name in _DTYPES:
                return _DTYPES[name]
        raise Refusal(f"dtype is one of {', '.join('torch.' + name for name in _DTYPES)}")

    def method(self, name: str, inner: ast.expr, args: list[ast.expr], depth: int) -> Tensor:
        tensor = self.value(inner, depth)
        if not isinstance(tensor, Tensor):
            raise Refusal(f".{name} belongs to a tensor; write torch.tensor([…]) for a list")
        self.spend(tensor.shape)
        if name in ("reshape", "view"):
            return tensor.reshape(_whole(_flat([self.value(arg, depth) for arg in args]), least=-1))
        if args:
            raise Refusal(f".{name}() takes no arguments")
        return tensor.float() if name == "float" else tensor.long()

    def size(self, given: Iterable[Any]) -> tuple[int, ...]:
        """A size given as numbers or as one list, within the budget."""
        size = _whole(_flat(list(given)), least=0)
        self.spend(size)
        return size

    def spend(self, size: Iterable[int]) -> None:
        count = math.prod(size)
        if max([count, *size]) > self.limit:
            raise Refusal(f"{count} elements are more than {self.limit}")
        self.budget -= count
        if self.budget < 0:
            raise Refusal(f"all tensors together have more than {_MAX_AT_ONCE * self.limit} elements")


def _randn(reader: _Reader, *sizes: Any, size: Any = ()) -> Tensor:
    return torch.randn(reader.size(sizes or size), generator=reader.generator)


def _rand(reader: _Reader, *sizes: Any, size: Any = ()) -> Tensor:
    return torch.rand(reader.size(sizes or size), generator=reader.generator)


def _zeros(reader: _Reader, *sizes: Any, size: Any = ()) -> Tensor:
    return torch.zeros(reader.size(sizes or size))


def _ones(reader: _Reader, *sizes: Any, size: Any = ()) -> Tensor:
    return torch.ones(reader.size(sizes or size))


def _full(reader: _Reader, size: Any, fill_value: Any) -> Tensor:
    return torch.full(reader.size(_flat([size])), _number(fill_value))


def _eye(reader: _Reader, n: Any, m: Any = None) -> Tensor:
    return torch.eye(*reader.size([n, n if m is None else m]))


def _arange(reader: _Reader, start: Any, end: Any = None, step: Any = 1) -> Tensor:
    first, last = (0, start) if end is None else (start, end)
    first, last, by = _finite(first), _finite(last), _finite(step)
    reader.size([max(0, math.ceil((last - first) / by))])
    return torch.arange(first, last, by)


def _linspace(reader: _Reader, start: Any, end: Any, steps: Any) -> Tensor:
    (count,) = reader.size([steps])
    return torch.linspace(_finite(start), _finite(end), count)


def _tensor(reader: _Reader, data: Any) -> Tensor:
    return as_tensor(data)


def _randint(reader: _Reader, *given: Any, low: Any = 0, high: Any = None, size: Any = None) -> Tensor:
    bounds = list(given)
    if bounds and isinstance(bounds[-1], list):
        size = bounds.pop()
    if len(bounds) == 1:
        high = bounds[0]
    elif len(bounds) == 2:
        low, high = bounds
    if len(bounds) > 2 or size is None or high is None:
        raise Refusal("torch.randint takes (low, high, (size, …))")
    low, high = _whole([low, high], least=-(1 << 62))
    return torch.randint(low, high, reader.size(_flat([size])), generator=reader.generator)


_CREATORS: dict[str, Callable[..., Tensor]] = {
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
_METHODS = ("reshape", "view", "float", "long")


def _broadcast(shapes: list[tuple[int, ...]]) -> tuple[int, ...]:
    try:
        return tuple(torch.broadcast_shapes(*shapes))
    except RuntimeError:
        raise Refusal(f"the shapes {' and '.join(map(str, shapes))} do not go together") from None


def _flat(given: list[Any]) -> list[Any]:
    return given[0] if len(given) == 1 and isinstance(given[0], list) else given


def _whole(values: Any, least: int) -> tuple[int, ...]:
    for value in values if isinstance(values, list) else [values]:
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise Refusal(f"a size is whole numbers from {least} on, not {str(value)[:40]}")
    return tuple(values)


def _number(value: Any) -> int | float:
    if not isinstance(value, (int, float)):
        raise Refusal(f"expected a number, not a {type(value).__name__}")
    return value


def _finite(value: Any) -> int | float:
    if not math.isfinite(_number(value)):
        raise Refusal(f"expected a finite number, not {value}")
    return _number(value)


def _check_rows(value: Any) -> tuple[int, ...]:
    """The shape of a nested list of numbers."""
    if not isinstance(value, list):
        _number(value)
        return ()
    shapes = {_check_rows(item) for item in value}
    if len(shapes) > 1:
        one, other = sorted(shapes)[:2]
        raise Refusal(f"the rows of a list should have the same shape, not {one} and {other}")
    return (len(value), *next(iter(shapes), ()))


def _first_line(error: BaseException) -> str:
    first = (getattr(error, "msg", None) or str(error)).strip().splitlines()
    return first[0].rstrip(".") if first else type(error).__name__
