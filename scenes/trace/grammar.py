"""The small language of tensors that a user may type: read by Python's `ast`, looked up in tables, never run.

    numbers, nested lists, nan, inf, pi                [[1, -2.5], [nan, torch.inf]]
    torch.randn rand randint zeros ones full eye       torch.randn(1, 1, 6, 6)
    torch.arange linspace tensor                       torch.arange(16, dtype=torch.float32)
    torch.where softmax log_softmax sigmoid exp log …  torch.where(torch.rand(4) > 0.5, 1, -1)
    torch.nn.functional.softmax log_softmax one_hot …  F.one_hot(torch.tensor([0, 2]), 3)
    .reshape .view .permute .T .float .long .to(dtype) torch.arange(1., 17.).reshape(1, 1, 4, 4).double()
    the functions of torch as methods                  torch.randn(2, 5).softmax(1).log()
    + - * / // % and < <= > >= == !=                   2 * torch.eye(3) - 1

Nothing else is reached: no other name, attribute, call, keyword or operator. The size of every tensor is known,
and refused when it is too large, before memory is taken.
"""

from __future__ import annotations

import ast
import inspect
import math
import operator
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from torchreel.scenes.trace.vocabulary import (
    CASTS,
    CREATORS,
    DTYPES,
    FUNCTIONAL,
    FUNCTIONS,
    METHODS,
    TORCH_ERRORS,
    Refusal,
    as_tensor,
    broadcast,
    first_line,
    flat,
    whole,
)

__all__ = ["GRAMMAR", "MAX_ELEMENTS", "Read", "Refusal", "as_tensor", "evaluate", "parse"]

MAX_ELEMENTS = 1 << 24

GRAMMAR = (
    "numbers, nested lists, torch.randn, rand, randint, arange, linspace, zeros, ones, full, eye or tensor "
    "with .reshape, .softmax, .long and such, comparisons and + - * /"
)

_MAX_TEXT = 200_000
_MAX_DEPTH = 100
_MAX_AT_ONCE = 4
_CONSTANTS = {"nan": math.nan, "inf": math.inf, "pi": math.pi}
_TORCH, _FUNCTIONAL = ("torch",), ("torch.nn.functional", "nn.functional", "F")
_BINARY: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


@dataclass(frozen=True)
class Read:
    """What a text describes, and whether it says of which dtype that is."""

    tensor: Tensor
    names_dtype: bool = False


def evaluate(text: str, seed: int = 0, limit: int = MAX_ELEMENTS) -> Read:
    """What a text describes, with the random numbers of `torch.manual_seed(seed)`. Raises `Refusal` only."""
    reader = _Reader(seed, limit)
    try:
        return Read(as_tensor(reader.value(parse(text, _MAX_TEXT))), reader.names_dtype)
    except RecursionError:
        raise Refusal("nested too deeply") from None
    except TORCH_ERRORS as error:
        raise Refusal(first_line(error)) from None


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
        raise Refusal(first_line(error)) from None


class _Reader:
    """Evaluates one expression with its own random generator and its own budget of elements."""

    def __init__(self, seed: int, limit: int) -> None:
        self.generator = torch.Generator().manual_seed(seed)
        self.limit = limit
        self.budget = limit * _MAX_AT_ONCE
        self.names_dtype = False

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
            case (
                ast.BinOp(left=left, op=op, right=right)
                | ast.Compare(left=left, ops=[op], comparators=[right])
            ) if type(op) in _BINARY:
                return self.binary(op, self.value(left, deeper), self.value(right, deeper))
            case ast.Call(func=ast.Name(id="float"), args=[ast.Constant(value=str(text))], keywords=[]):
                return float(text)
            case ast.Call(func=ast.Attribute(value=inner, attr=name)):
                return self.call(node, inner, name, deeper)
            case ast.Attribute(value=inner, attr="T" | "mT" as name) if _dotted(inner) is None:
                return self.turned(self.value(inner, deeper), name)
        raise _unknown(node)

    def binary(self, op: ast.AST, left: Any, right: Any) -> Any:
        if isinstance(left, list) or isinstance(right, list):
            raise Refusal("arithmetic takes numbers and tensors; write torch.tensor([…]) for a list")
        shapes = [tuple(side.shape) for side in (left, right) if isinstance(side, Tensor)]
        if shapes:
            self.spend(broadcast(shapes))
        return _BINARY[type(op)](left, right)

    def call(self, node: ast.Call, inner: ast.expr, name: str, depth: int) -> Tensor:
        """A function of torch or of torch.nn.functional, or a method of a tensor."""
        module = _dotted(inner)
        if module in _TORCH and name in CREATORS:
            return self.create(name, node, depth)
        tables: dict[str, Mapping[str, Callable[..., Tensor]]] = {
            **dict.fromkeys(_TORCH, FUNCTIONS),
            **dict.fromkeys(_FUNCTIONAL, FUNCTIONAL),
        }
        table = METHODS if module is None else tables.get(module, {})
        is_cast = module is None and (name in CASTS or name == "to")
        if not (name in table or is_cast):
            raise _unknown(node)
        if module is not None:
            return self.apply(f"{module}.{name}", table[name], node, (), depth)
        tensor = self.value(inner, depth)
        if not isinstance(tensor, Tensor):
            raise Refusal(f".{name} belongs to a tensor; write torch.tensor([…]) for a list")
        self.spend(tensor.shape)
        if is_cast:
            return self.cast(tensor, name, node)
        return self.apply(f".{name}", table[name], node, (tensor,), depth)

    def create(self, name: str, node: ast.Call, depth: int) -> Tensor:
        words = {word.arg: word.value for word in node.keywords}
        dtype, grad = words.pop("dtype", None), words.pop("requires_grad", None)
        if grad is not None and not (isinstance(grad, ast.Constant) and isinstance(grad.value, bool)):
            raise Refusal("requires_grad is True or False")
        kept = [word for word in node.keywords if word.arg in words]
        if len({word.arg for word in node.keywords}) != len(node.keywords):
            raise Refusal(f"torch.{name} takes each keyword once")
        made = self.apply(f"torch.{name}", CREATORS[name], ast.Call(node.func, node.args, kept), (), depth)
        return made if dtype is None else made.to(self.dtype(dtype))

    def apply(
        self, name: str, function: Callable[..., Tensor], node: ast.Call, first: tuple[Any, ...], depth: int
    ) -> Tensor:
        args = [*first, *(self.value(arg, depth) for arg in node.args)]
        kwargs = {word.arg: self.value(word.value, depth) for word in node.keywords if word.arg}
        if len(kwargs) != len(node.keywords):
            raise Refusal(f"{name} takes each keyword once and no **")
        try:
            inspect.signature(function).bind(self, *args, **kwargs)
        except TypeError as error:
            raise Refusal(f"{name}: {error}") from None
        return function(self, *args, **kwargs)

    def cast(self, tensor: Tensor, name: str, node: ast.Call) -> Tensor:
        if name == "to":
            if len(node.args) != 1 or node.keywords:
                raise Refusal(".to takes a dtype, such as .to(torch.float64)")
            return tensor.to(self.dtype(node.args[0]))
        if node.args or node.keywords:
            raise Refusal(f".{name}() takes no arguments")
        self.names_dtype = True
        return tensor.to(DTYPES[name])

    def dtype(self, node: ast.expr) -> torch.dtype:
        name = (_dotted(node) or "").removeprefix("torch.")
        if name not in DTYPES or _dotted(node) == name:
            raise Refusal("a dtype is torch.float32, float64, int64, bool or another of torch's real ones")
        self.names_dtype = True
        return DTYPES[name]

    def turned(self, tensor: Any, name: str) -> Tensor:
        """The transpose, `.T` of a matrix and `.mT` of a batch of them."""
        if not isinstance(tensor, Tensor) or tensor.ndim < 2 or (name == "T" and tensor.ndim > 2):
            raise Refusal(f".{name} belongs to a tensor with rows and columns")
        self.spend(tensor.shape)
        return tensor.mT

    def size(self, given: Iterable[Any]) -> tuple[int, ...]:
        """A size given as numbers or as one list, within the budget."""
        size = whole(flat(list(given)), least=0)
        self.spend(size)
        return size

    def spend(self, size: Iterable[int]) -> None:
        count = math.prod(size)
        if max([count, *size]) > self.limit:
            raise Refusal(f"{count} elements are more than {self.limit}")
        self.budget -= count
        if self.budget < 0:
            raise Refusal(f"all tensors together have more than {_MAX_AT_ONCE * self.limit} elements")


def _dotted(node: ast.expr) -> str | None:
    """`torch.nn.functional` as a text; None for what is no chain of names from one of the modules known here."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.insert(0, node.attr)
        node = node.value
    if not isinstance(node, ast.Name) or node.id in _CONSTANTS:
        return None
    return ".".join([node.id, *names])


def _unknown(node: ast.AST) -> Refusal:
    return Refusal(f"{ast.unparse(node)[:40]!r} is not in the grammar")
