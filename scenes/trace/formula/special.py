"""Products of matrices, also where some of the terms do not exist and numbers are infinite or NaN."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def products(x: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
    """`x @ w^T` of matrices `(K, n, T)` and `(K, m, T)`, and the same of their absolute values."""
    return x @ w.mT, x.abs() @ w.abs().mT


def ragged_products(
    x: Tensor, w: Tensor, x_outside: Tensor | None, w_outside: Tensor | None
) -> tuple[Tensor, Tensor]:
    """The same without the terms that stand outside on either side, where both matrices are 0.

    Those must leave nothing, whatever they meet: 0 times infinity would be NaN.
    """
    left, right = _Marked(x, x_outside), _Marked(w, w_outside)
    value, size = products(left.finite, right.finite)
    lost, up, down = _special(left, right)
    value = value.where(~up, math.inf).where(~down, -math.inf).where(~(lost | up & down), math.nan)
    return value, size.where(~(up | down), math.inf).where(~lost, math.nan)


class _Marked:
    """Where a matrix has which kind of number, as matrices of zeros and ones."""

    def __init__(self, values: Tensor, outside: Tensor | None) -> None:
        there = torch.ones_like(values, dtype=torch.bool) if outside is None else ~outside
        self.finite = values.where(values.isfinite(), 0.0)
        self.there, self.nan = there.double(), values.isnan().double()
        self.zero, self.infinite = (there & (values == 0)).double(), values.isinf().double()
        self.positive, self.negative = (values > 0).double(), (values < 0).double()
        self.above, self.below = (values == math.inf).double(), (values == -math.inf).double()


def _special(x: _Marked, w: _Marked) -> tuple[Tensor, Tensor, Tensor]:
    """Which sums have a term that is NaN, one that is infinity, and one that is minus infinity."""
    lost = x.nan @ w.there.mT + x.there @ w.nan.mT + x.zero @ w.infinite.mT + x.infinite @ w.zero.mT
    up = x.above @ w.positive.mT + x.below @ w.negative.mT + x.positive @ w.above.mT + x.negative @ w.below.mT
    down = (
        x.above @ w.negative.mT + x.below @ w.positive.mT + x.positive @ w.below.mT + x.negative @ w.above.mT
    )
    return lost > 0, up > 0, down > 0
