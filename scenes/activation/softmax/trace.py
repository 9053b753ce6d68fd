"""What the softmax family computes along one axis: exponentials, their sum, and each one's share of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from torchreel.scenes.activation.calls import argument
from torchreel.scenes.trace.formula import Add, Const, Div, Expr, Func, Max, Neg, Ref, Rounded, Sub, Sum
from torchreel.scenes.trace.operator import Call, Recording
from torchreel.scenes.trace.proof import Rule, Trace


def record_softmax(call: Call) -> Recording:
    """Tensors and rules of Softmax, Softmin, Softmax2d and LogSoftmax over an input of any shape.

    `max`, `shifted` (each element less the largest), `exp`, `sum` and `total` (and `logsumexp`) are in float64; those
    that belong to a slice along `dim` have size 1 there. Softmin works on `negated`. torch subtracts the largest
    element first, so that nothing overflows.
    """
    return _Softmax(call).recording()


def softmax_dim(module: Any, ndim: int) -> int:
    """The axis, from 0 on, that a module works along; torch chooses one itself where `dim` is None."""
    dim = -3 if isinstance(module, nn.Softmax2d) else module.dim
    if dim is None:
        dim = 0 if ndim in (0, 1, 3) else 1
    return int(dim % max(1, ndim))


def row_shift(x: Tensor) -> float | None:
    """What is added to the first row of `x` `(2, N)` to give the second; None if there is no one such number.

    Less their largest numbers, the rows are equal then.
    """
    if x.ndim != 2 or len(x) != 2 or not x.numel() or not bool(x.isfinite().all()):
        return None
    first, second = x.double()
    shifts = second - first
    is_one = bool((shifts == shifts[0]).all() and (first - first.max() == second - second.max()).all())
    return float(shifts[0]) if is_one else None


class _Softmax:
    def __init__(self, call: Call) -> None:
        self.module, self.input, self.output = call.module, argument(call, "input"), call.output
        self.dim = softmax_dim(self.module, self.input.ndim)
        self.source = "negated" if isinstance(self.module, nn.Softmin) else "input"
        self.is_log = isinstance(self.module, nn.LogSoftmax)

    def recording(self) -> Recording:
        result = Rule("output", self._log_share if self.is_log else self._share)
        if not self.input.numel():
            return Recording({"input": self.input, "output": self.output}, (result,))
        rules = {
            "negated": lambda cells: Neg(Ref("input", cells)),
            "max": lambda cells: Max(Ref(self.source, self._slice(cells))),
            "shifted": lambda cells: Sub(Ref(self.source, cells), Ref("max", self._owner(cells))),
            "exp": lambda cells: Func("exp", Ref("shifted", cells)),
            "sum": lambda cells: Sum(Ref("exp", self._slice(cells))),
            "logsumexp": lambda cells: Add((Ref("max", cells), Func("log", Ref("sum", cells)))),
            "total": lambda cells: Sum(Ref("output", self._slice(cells))),
        }
        tensors = self._tensors()
        proved = [Rule(name, rules[name]) for name in tensors if name in rules]
        return Recording(tensors, (*proved, result))

    def _tensors(self) -> dict[str, Tensor]:
        tensors: dict[str, Tensor] = {"input": self.input}
        if self.source == "negated":
            tensors["negated"] = -self.input
        x = tensors[self.source].double()
        largest = self._reduced(x.amax, x)
        shifted = x - largest
        exp = torch.exp(shifted)
        tensors |= {"max": largest, "shifted": shifted, "exp": exp, "sum": self._reduced(exp.sum, exp)}
        tensors["output"] = self.output
        if self.is_log:
            return tensors | {"logsumexp": largest + torch.log(tensors["sum"])}
        shares = self.output.double()
        return tensors | {"total": self._reduced(shares.sum, shares)}

    def _reduced(self, reduce: Callable[..., Tensor], whole: Tensor) -> Tensor:
        return reduce(self.dim, keepdim=True) if whole.ndim else whole

    def _share(self, cells: Tensor) -> Expr:
        return Div(Ref("exp", cells), Ref("sum", self._owner(cells)))

    def _log_share(self, cells: Tensor) -> Expr:
        """As exact as the sum, whose largest term is 1, in the type of the output: some kernels round it to that."""
        difference = Sub(Ref(self.source, cells), Ref("logsumexp", self._owner(cells)))
        return Rounded(difference, Add((difference, Const(1))))

    def _slice(self, cells: Tensor) -> Tensor:
        """The elements `(B, T, ndim)` of the slice along `dim` that each cell belongs to."""
        size = self.input.shape[self.dim] if self.input.ndim else 1
        members = cells[:, None, :].repeat(1, size, 1)
        if self.input.ndim:
            members[:, :, self.dim] = torch.arange(size)
        return members

    def _owner(self, cells: Tensor) -> Tensor:
        """The cell of the slice's own values, whose size is 1 along `dim`."""
        owner = cells.clone()
        if self.input.ndim:
            owner[:, self.dim] = 0
        return owner


def softmax_facts(trace: Trace) -> dict[str, bool]:
    """What captions may claim of a softmax.

    `sums_to_one`: all slices are shares; `has_logarithms`: all results are logarithms of shares, of 0 at worst;
    `positive`: no exponential is 0 or NaN, and the largest of a slice is 1; `rows`, `columns` and `one_slice` are what
    slices are.
    """
    shape, known = trace.shape("input"), trace.tensors
    dim = softmax_dim(trace.module, len(shape))
    output = known["output"]
    numbers = bool(math.prod(shape)) and not bool(output.isnan().any())  # type: ignore[union-attr]
    return {
        "sums_to_one": numbers and "total" in known,
        "has_logarithms": numbers,
        "positive": numbers and bool((known["exp"] > 0).all()),  # type: ignore[operator, union-attr]
        "rows": len(shape) == 2 and dim == 1,
        "columns": len(shape) == 2 and dim == 0,
        "one_slice": len(shape) < 2,
    }
