"""Named functions of one value."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from torchreel.scenes.trace.formula.tensors import Tensors, Token
from torchreel.scenes.trace.formula.tree import Bounded, Expr, Ref, bracketed, grouped

_FUNCTIONS: dict[str, tuple[Callable[[Tensor], Tensor], str]] = {
    "sqrt": (torch.sqrt, "√"),
    "square": (torch.square, "²"),
    "exp": (torch.exp, "exp"),
    "expm1": (torch.expm1, "expm1"),
    "log": (torch.log, "log"),
    "log1p": (torch.log1p, "log1p"),
    "abs": (torch.abs, "abs"),
    "sign": (torch.sign, "sign"),
    "sigmoid": (torch.sigmoid, "σ"),
    "logsigmoid": (F.logsigmoid, "log σ"),
    "tanh": (torch.tanh, "tanh"),
    "softplus": (F.softplus, "softplus"),
    "erf": (torch.erf, "erf"),
    "normal_cdf": (lambda value: torch.special.ndtr(value), "Φ"),
    "acos": (torch.acos, "acos"),
}

_BRACKETS = {"abs": ("|", "|")}
"""What stands round a value where that is the sign of the function."""

_Size = Callable[[Tensor, Bounded], Tensor]
# How far an error in the argument is carried: by the slope of the function, which for most is at most one.
_SIZES: dict[str, _Size] = {
    "sqrt": lambda value, arg: value.abs(),
    "square": lambda value, arg: arg.size.square(),
    "abs": lambda value, arg: arg.size,
    "sign": lambda value, arg: value.abs(),
    "exp": lambda value, arg: value.abs() * (1 + arg.size),
    "expm1": lambda value, arg: value.abs() + (1 + value) * arg.size,
    "log": lambda value, arg: value.abs() + arg.size / arg.value.abs(),
}


@dataclass(frozen=True, eq=False)
class Func(Expr):
    """A named function of one value, one of those in the table above; `normal_cdf` is that of the standard normal."""

    name: str
    arg: Expr

    @property
    def precedence(self) -> int:  # type: ignore[override]
        return 4 if self.name in _BRACKETS else 3

    def bounded(self, tensors: Tensors) -> Bounded:
        arg = self.arg.bounded(tensors)
        value = _FUNCTIONS[self.name][0](arg.value)
        size = _SIZES.get(self.name, lambda value, arg: value.abs() + arg.size)
        return Bounded(value, size(value, arg))

    def at(self, position: Callable[[Tensor], Tensor]) -> Func:
        return Func(self.name, self.arg.at(position))

    def tokens(self, draw: Callable[[Ref], Token], most: int) -> list[Token]:
        sign = _FUNCTIONS[self.name][1]
        if self.name == "square":
            return [*grouped(self.arg, 4, draw, most, True), Token(sign)]
        inner = self.arg.tokens(draw, most)
        if self.name == "sqrt" and len(inner) == 1:
            return [Token(sign), *inner]
        before, after = _BRACKETS.get(self.name, (f"{sign}(", ")"))
        return [Token(before), *inner, Token(after)]

    def refs(self) -> Iterator[Ref]:
        return self.arg.refs()

    def symbols(self) -> str:
        sign = _FUNCTIONS[self.name][1]
        if self.name == "square":
            return f"{bracketed(self.arg, 4)}{sign}"
        before, after = _BRACKETS.get(self.name, (f"{sign}(", ")"))
        return f"{before}{self.arg.symbols()}{after}"
