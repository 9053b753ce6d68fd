"""Sets whose standard deviation torch's arithmetic loses: the squares overflow, or nothing is left to divide by."""

from __future__ import annotations

import torch
from torch import Tensor

from torchreel.scenes.normalization.sets_trace import Partition
from torchreel.scenes.trace.formula import Case, Const, Expr, Ref

_BORDER = 0.25
_INF, _NAN = Const(float("inf"), "∞"), Const(float("nan"), "NaN")


class Lost:
    """Where a call's divisors are not the true ones, by the result, since the order of torch's additions decides.

    `cases` `(sets)` is 0 for the true divisor, 1 for infinity and 2 for NaN (where the squares do not fit the type that
    torch adds them up in, and where a layer takes 0 / 0 for 0), and 3 for `noise`, the rounding error of equal
    elements without eps.
    """

    def __init__(self, cases: Tensor, noise: Tensor) -> None:
        self.cases, self.noise = cases, noise

    def divisors(self, true: Tensor) -> Tensor:
        """The divisors that torch used, from the true ones."""
        for case, value in ((1, torch.inf), (2, torch.nan), (3, self.noise)):
            true = torch.where(self.cases == case, value, true)
        return true

    def formula(self, cells: Tensor, true: Expr) -> Expr:
        """The formula of a set's divisor."""
        which = self.cases[tuple(cells.unbind(-1))].expand(len(cells))
        return Case(which, (true, _INF, _NAN, Ref("noise", cells)))


def lost(
    sets: Partition, x: Tensor, divisor: Tensor, normalized: Tensor, result: tuple[Tensor, Tensor, Tensor]
) -> Lost | None:
    """What torch divided by, if any divisor was lost.

    `divisor` (sets) and `normalized` (of the input's shape) are the true values in float64, `result` torch's weight,
    bias and output along the input's axes.
    """
    wide = torch.finfo(torch.promote_types(x.dtype, torch.float32))
    large = overflows(sets, x)
    empty = (divisor == 0) & sets.any(normalized.isnan())
    if not bool(large.any() | empty.any()):
        return None
    weight, bias, output = result
    telling = normalized.isfinite() & (normalized.abs() > 0.5)
    vanished = telling & ((output - bias).abs() < (normalized * weight).abs() / 2)
    spoiled = output.isnan() & normalized.isfinite() & weight.isfinite() & bias.isfinite()
    cases = torch.where(sets.any(spoiled), 2, sets.any(vanished).long()) * large
    plain = ~sets.any(output.isnan())
    noisy = sets.any((output - bias).abs() > 0)
    cases = torch.where(empty & plain, torch.where(noisy, 3, 1), cases)
    sizes = sets.mean(x.double().abs().nan_to_num(0.0, 0.0)) * sets.size
    return Lost(cases, (wide.eps * sizes).clamp(min=wide.tiny))


def overflows(sets: Partition, x: Tensor) -> Tensor:
    """The sets whose squares, added up, are about too large for the type that torch adds them up in."""
    wide = torch.finfo(torch.promote_types(x.dtype, torch.float32))
    return sets.mean(x.double().square()) * sets.size > _BORDER * wide.max
