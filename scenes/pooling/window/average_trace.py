"""What average pooling computes: the sum under each window, and the number it is divided by."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from torchreel.scenes.pooling.window.trace import Added, Windows, arguments
from torchreel.scenes.trace.formula import (
    Case,
    Const,
    Div,
    Expr,
    Instead,
    Ref,
    Sub,
    Sum,
    Tensors,
    read,
)
from torchreel.scenes.trace.operator import Call, Recording
from torchreel.scenes.trace.proof import Rule

_NEAR = 0.99


def record_average_pool(call: Call) -> Recording:
    """Tensors and rules of an average pooling of input `(N, C, *spatial)` or `(C, *spatial)`.

    `sum` (float64, the output's shape) is each window's, `divisor` `(*out)` what it is divided by; `counted`
    `(*padded)` is 1 where a cell of the padded input counts towards the divisor. Where there is padding, `other` and
    `other_divisor` are what the opposite `count_include_pad` gives.
    """
    return _AveragePool(call).recording()


class _AveragePool:
    """The divisors of one call, counted."""

    def __init__(self, call: Call) -> None:
        self.module, self.input, self.output = call.module, arguments(call)["input"], call.output
        self.windows = Windows(self.module, self.input.shape)
        self.override = getattr(self.module, "divisor_override", None)
        self.includes = bool(self.module.count_include_pad)

    def recording(self) -> Recording:
        sums = self._pooled(self.includes, 1)
        self.tensors: dict[str, Tensor] = {"input": self.input, "sum": sums, "output": self.output}
        rules = [Rule("sum", self._sum), *self._averaged("", self.includes)]
        if any(self.windows.window.padding) and self.override is None:
            self.tensors["other"] = self._pooled(not self.includes, None)
            rules += self._averaged("other_", not self.includes)
        return Recording(self.tensors, tuple(rules))

    def _averaged(self, prefix: str, includes: bool) -> list[Rule]:
        """The rules of an output and its divisors; `prefix` names the tensors of the opposite setting."""
        result, divisor, counted = prefix[:-1] or "output", f"{prefix}divisor", f"{prefix}counted"
        self.tensors[divisor] = self._divisors(includes)
        self.tensors[counted] = self._counted(includes)
        if not self.input.is_floating_point():
            whole = self.tensors[result] * self.tensors[divisor]
            self.tensors[f"{result}_remainder"] = self.tensors["sum"] - whole
        lead = self.input.ndim - self.windows.dims

        def mean(cells: Tensor) -> Expr:
            return quotient(self.tensors, result, cells, self._sum(cells), Ref(divisor, cells[:, lead:]))

        if self.override is not None:
            override = Const(self.override)
            return [Rule(result, mean), Rule(divisor, lambda cells: override)]
        return [Rule(result, mean), Rule(divisor, lambda cells: self._count(counted, cells))]

    def _sum(self, cells: Tensor) -> Sum:
        return Added(self.windows.read("input", cells, 0.0))

    def _count(self, counted: str, cells: Tensor) -> Sum:
        """divisor: the cells of the window that count."""
        taps = self.windows.taps(cells)
        place = taps + torch.tensor(self.windows.window.padding)
        return Sum(Ref(counted, place, fill=0.0, skip=self.windows.beyond(taps)))

    def _counted(self, includes: bool) -> Tensor:
        inside = torch.ones(tuple(self.windows.sizes.tolist()), dtype=torch.int64)
        sides = [pad for pad in reversed(self.windows.window.padding) for _ in range(2)]
        return F.pad(inside, sides, value=int(includes))

    def _divisors(self, includes: bool) -> Tensor:
        """torch's divisors `(*out)`: the windows' sides, cut at the padded input or at the input, multiplied."""
        window, divisors = self.windows.window, torch.ones((), dtype=torch.int64)
        for axis, size in enumerate(self.windows.sizes.tolist()):
            pad, count = window.padding[axis], self.output.shape[axis - self.windows.dims]
            start = torch.arange(count) * window.stride[axis] - pad
            end = (start + window.kernel[axis]).clamp(max=size + pad)
            side = end - start if includes else (end.clamp(max=size) - start.clamp(min=0)).clamp(min=0)
            divisors = divisors[..., None] * side
        return divisors if self.override is None else torch.full_like(divisors, self.override)

    def _pooled(self, includes: bool, divisor: int | None) -> Tensor:
        """torch's own pooling of the input with another divisor: of 1 it gives the sums, in float64."""
        exact = self.input.to(torch.float64) if divisor else self.input
        window, ceil = self.windows.window, self.module.ceil_mode
        if self.windows.dims == 3:
            return F.avg_pool3d(exact, window.kernel, window.stride, window.padding, ceil, includes, divisor)
        line = self.windows.dims == 1
        kernel, stride, padding = (
            (first, *sizes) if line else sizes
            for first, sizes in ((1, window.kernel), (1, window.stride), (0, window.padding))
        )
        made = F.avg_pool2d(
            exact.unsqueeze(-2) if line else exact, kernel, stride, padding, ceil, includes, divisor
        )
        return made.squeeze(-2) if line else made


def quotient(tensors: Tensors, result: str, cells: Tensor, total: Sum, divisor: Ref) -> Expr:
    """The formula of the mean `result`: `total / divisor`, and 0 where no cell counts.

    torch cuts whole-number results towards 0; what is cut off is the tensor `<result>_remainder`.
    """
    if f"{result}_remainder" in tensors:
        return Div(Sub(total, Ref(f"{result}_remainder", cells)), divisor)
    mean = overflowing(Div(total, divisor), total, tensors, result, cells)
    counts = divisor.evaluate(tensors)
    return mean if bool(counts.all()) else Case((counts == 0).long(), (mean, Const(0)))


def overflowing(formula: Expr, total: Expr, tensors: Tensors, result: str, cells: Tensor) -> Expr:
    """A formula, or infinity (or NaN) at cells where `result`'s type could not hold what was added up to `total`."""
    stored = read(tensors[result], cells)
    if bool(stored.isfinite().all()):
        return formula
    value, size = total.bounded(tensors)
    same = (value == stored) | (value.isnan() & stored.isnan())
    over = ~stored.isfinite() & ~same & (size > _NEAR * torch.finfo(stored.dtype).max)
    if not bool(over.any()):
        return formula
    which = torch.where(stored.isnan(), 3, torch.where(stored < 0, 2, 1))
    ends = (Const(math.inf, "∞"), Const(-math.inf, "−∞"), Const(math.nan, "NaN"))
    return Case(torch.where(over, which, 0), (formula, *(Instead(end, total) for end in ends)))
