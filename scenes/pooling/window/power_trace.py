"""What power-average pooling computes: each value to the power p, the sum under each window, its p-th root."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from torchreel.assets.errors import UserError
from torchreel.scenes.pooling.window.average_trace import overflowing, quotient
from torchreel.scenes.pooling.window.trace import Added, Windows, arguments, check_pooling
from torchreel.scenes.trace.formula import Case, Const, Div, Expr, Func, Max, Min, Mul, Pow, Ref, Sum
from torchreel.scenes.trace.operator import Call, Inputs, Recording, Settings
from torchreel.scenes.trace.proof import Rule

LARGE = 8
"""From this exponent on the largest value is nearly all that is left of a window."""
_POOLS = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)
_MAX_POOLS: tuple[Any, ...] = (F.max_pool1d, F.max_pool2d, F.max_pool3d)


def record_power_pool(call: Call) -> Recording:
    """Tensors and rules of a power-average pooling of input `(N, C, *spatial)` or `(C, *spatial)`.

    `power` is each value to the power p, `total` each window's sum of them, both in torch's type. torch takes the mean
    of what a window covers and multiplies by the size of the kernel, so a window cut off by `ceil_mode` is scaled up:
    by the kernel's size over `count` `(*out)`. For p = inf, `power` is the size of each value, and there is no `total`.
    For p = 1 there is the `average` to compare with, for a large p the `largest` size.
    """
    return _PowerPool(call).recording()


def power(value: Expr, p: float, dtype: torch.dtype) -> Expr:
    """A value to the power p."""
    return _raised(value, p, f"{p:g}", dtype)


def root(value: Expr, p: float, dtype: torch.dtype) -> Expr:
    """The p-th root of a value."""
    return _raised(value, 1 / p, f"(1/{p:g})", dtype)


def _raised(value: Expr, exponent: float, text: str, dtype: torch.dtype) -> Expr:
    """A power as torch computes it: squares and square roots by their own functions, other exponents rounded.

    Half precision knows no square root here, which differs where the value is -inf.
    """
    wide = dtype in (torch.float32, torch.float64)
    if exponent == 1:
        return value
    if exponent == 2 or (exponent == 0.5 and wide):
        return Func("square" if exponent == 2 else "sqrt", value)
    if exponent == -0.5 and wide:
        return Div(Const(1), Func("sqrt", value))
    rounded = float(torch.tensor(exponent, dtype=dtype))
    return Pow(value, Const(rounded, text.replace("-", "−")))


class _PowerPool:
    """The steps of one call, with torch's own operations."""

    def __init__(self, call: Call) -> None:
        self.module, self.input, self.output = call.module, arguments(call)["input"], call.output
        self.p = float(self.module.norm_type)
        self.windows = Windows(self.module, self.input.shape)
        self.size = math.prod(self.windows.window.kernel)

    def recording(self) -> Recording:
        return self._extreme() if math.isinf(self.p) else self._powers()

    def _extreme(self) -> Recording:
        """For an infinite p torch takes the largest (or smallest) of the sizes."""
        reduce, fill = (Max, 0.0) if self.p > 0 else (Min, math.inf)
        rules = (
            Rule("power", lambda cells: Func("abs", Ref("input", cells))),
            Rule("output", lambda cells: reduce(self.windows.read("power", cells, fill))),
        )
        return Recording({"input": self.input, "power": self.input.abs(), "output": self.output}, rules)

    def _powers(self) -> Recording:
        powers = self.input.pow(self.p)
        mean = self._mean(powers)
        self.type = powers.dtype
        self.tensors: dict[str, Tensor] = {
            "input": self.input,
            "power": powers,
            "counted": torch.ones(tuple(self.windows.sizes.tolist()), dtype=torch.int64),
            "count": self._counts(),
            "total": (torch.sign(mean) * torch.relu(torch.abs(mean))).mul(self.size),
            "output": self.output,
        }
        rules = [
            Rule("power", self._power),
            Rule("count", self._count),
            Rule("total", self._total),
            Rule("output", self._root),
            *self._neighbours(),
        ]
        return Recording(self.tensors, tuple(rules))

    def _neighbours(self) -> list[Rule]:
        """What the poolings give that the two ends of p are to be compared with."""
        values = self.input.to(self.type)
        if self.p == 1:
            self.tensors["average"] = self._mean(values)
            return [Rule("average", self._average)]
        if self.p < LARGE:
            return []
        window, pool = self.windows.window, _MAX_POOLS[self.windows.dims - 1]
        largest = pool(values.abs(), window.kernel, window.stride, 0, 1, self.module.ceil_mode)
        self.tensors["largest"] = largest
        return [Rule("largest", lambda cells: Max(Func("abs", self.windows.read("input", cells, 0.0))))]

    def _mean(self, powers: Tensor) -> Tensor:
        window = self.windows.window
        pool: Any = _POOLS[self.windows.dims - 1]
        mean: Tensor = pool(powers, window.kernel, window.stride, 0, self.module.ceil_mode)
        return mean

    def _counts(self) -> Tensor:
        """How many cells of the input each window covers, `(*out)`."""
        window, counts = self.windows.window, torch.ones((), dtype=torch.int64)
        for axis, size in enumerate(self.windows.sizes.tolist()):
            start = torch.arange(self.output.shape[axis - self.windows.dims]) * window.stride[axis]
            counts = counts[..., None] * ((start + window.kernel[axis]).clamp(max=size) - start)
        return counts

    def _power(self, cells: Tensor) -> Expr:
        formula = power(Ref("input", cells), self.p, self.type)
        return overflowing(formula, formula, self.tensors, "power", cells)

    def _sum(self, cells: Tensor) -> Sum:
        """What a window's powers add up to; the power of what does not exist is 0."""
        read = self.windows.read("input", cells, 0.0 if self.p > 0 else math.inf)
        return Added(power(read, self.p, self.type))

    def _count(self, cells: Tensor) -> Expr:
        taps = self.windows.taps(cells)
        return Sum(Ref("counted", taps, fill=0.0, skip=self.windows.beyond(taps)))

    def _total(self, cells: Tensor) -> Expr:
        added = self._sum(cells)
        count = Ref("count", cells[:, self.input.ndim - self.windows.dims :])
        part = count.evaluate(self.tensors) < self.size
        scaled = Div(Mul((added, Const(self.size))), count)
        formula = Case(part.long(), (added, scaled)) if bool(part.any()) else added
        return overflowing(formula, formula, self.tensors, "total", cells)

    def _average(self, cells: Tensor) -> Expr:
        count = Ref("count", cells[:, self.input.ndim - self.windows.dims :])
        return quotient(self.tensors, "average", cells, self._sum(cells), count)

    def _root(self, cells: Tensor) -> Expr:
        formula = root(Ref("total", cells), self.p, self.type)
        return overflowing(formula, formula, self.tensors, "output", cells)


def check_power_pool(name: str, settings: Settings, inputs: Inputs, dims: int) -> None:
    """Refuse what has no output, and the exponents that have no root."""
    p = settings["norm_type"]
    if isinstance(p, bool) or not isinstance(p, (int, float)) or p == 0 or math.isnan(p):
        raise UserError(f"{name}: norm_type={p!r} should be a number other than 0, such as 1, 2 or inf.")
    check_pooling(name, settings, inputs, dims)
