"""What LocalResponseNorm computes: each value divided by a power of the squares of its neighbouring channels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from torchreel.scenes.normalization.sets_trace import given
from torchreel.scenes.trace.formula import Add, Case, Const, Div, Expr, Func, Mul, Pow, Ref, Sum
from torchreel.scenes.trace.operator import Call, Recording
from torchreel.scenes.trace.proof import Rule, Trace

_INF = Const(float("inf"), "∞")


def channel_window(size: int, channels: int, channel: int) -> range:
    """The channels of an input that damp one of its channels."""
    first = channel - size // 2
    return range(max(0, first), min(channels, first + size))


def record_local_response_norm(call: Call) -> Recording:
    """The steps on input `(N, C, *)`, all tensors of its shape and, as torch keeps them, of its type.

    `mean_square` is the sum of `square` over the window divided by `size`, also where the first or last channel cuts
    the window off; `base` is k + alpha times that, `divisor` base to the power beta. Of whole numbers torch rounds
    the mean down, for which there is no rule.
    """
    return _Response(call).recording()


def response_facts(trace: Trace) -> Mapping[str, bool]:
    """`damps`: larger neighbours make the divisor larger; `alone`: no channel has a neighbour in its window."""
    module: Any = trace.module
    alone = module.size == 1 or trace.shape("input")[1] == 1
    return {"damps": module.alpha > 0 and module.beta > 0 and module.k >= 0 and not alone, "alone": alone}


class _Response:
    """The tensors and rules of one call. Cells are `(batch, channel, *)`."""

    def __init__(self, call: Call) -> None:
        module: Any = call.module
        self.size, self.alpha, self.beta, self.k = module.size, module.alpha, module.beta, module.k
        x = given(call)
        square = x.mul(x)
        mean_square = self._pooled(square)
        base = mean_square.mul(self.alpha).add(self.k)
        self.tensors: dict[str, Tensor] = {
            "input": x,
            "square": square,
            "mean_square": mean_square,
            "base": base,
            "divisor": base.pow(self.beta),
            "output": call.output,
        }

    def recording(self) -> Recording:
        steps = {
            "square": lambda cells: Func("square", Ref("input", cells)),
            "mean_square": self._mean_square,
            "base": lambda cells: Add((Const(self.k), Mul((Const(self.alpha), Ref("mean_square", cells))))),
            "divisor": lambda cells: Pow(Ref("base", cells), Const(self.beta)),
            "output": lambda cells: Div(Ref("input", cells), Ref("divisor", cells)),
        }

        def rule(name: str) -> Rule:
            return Rule(name, lambda cells: self._held(name, cells, steps[name](cells)))

        whole = not self.tensors["input"].is_floating_point()
        ruled = [name for name in steps if not (whole and name == "mean_square")]
        return Recording(self.tensors, tuple(map(rule, ruled)))

    def _pooled(self, square: Tensor) -> Tensor:
        if not square.numel():
            return square
        flat = square.reshape(*square.shape[:2], -1)[:, None]
        padded = F.pad(flat, (0, 0, self.size // 2, (self.size - 1) // 2))
        return F.avg_pool2d(padded, (self.size, 1), stride=1).reshape(square.shape)

    def _mean_square(self, cells: Tensor) -> Expr:
        """The squares of the window's channels, those before the first and after the last counted as 0, over `size`."""
        window = cells[:, None, :].repeat(1, self.size, 1)
        window[..., 1] += torch.arange(self.size) - self.size // 2
        outside = (window[..., 1] < 0) | (window[..., 1] >= self.tensors["input"].shape[1])
        return Div(Sum(Ref("square", window, 0.0, outside)), Const(self.size))

    def _held(self, name: str, cells: Tensor, formula: Expr) -> Expr:
        """The formula, and infinity where its value does not fit torch's type."""
        found = self.tensors[name][tuple(cells.unbind(1))]
        lost = found.isinf() & formula.evaluate(self.tensors).isfinite()
        return Case(lost.long(), (formula, _INF)) if bool(lost.any()) else formula
