"""What the range of a torch type makes of values that are kept in float64: too large is infinite, too small is 0."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from torchreel.scenes.trace.formula.choices import Case, Instead
from torchreel.scenes.trace.formula.tensors import Tensors
from torchreel.scenes.trace.formula.tree import Const, Expr

_ENDS = Const(math.inf, "∞"), Const(-math.inf, "−∞"), Const(0.0, "0")


def held(formula: Expr, tensors: Tensors, dtype: torch.dtype) -> Expr:
    """A formula; where `dtype` cannot hold its value, what is held instead, for which the same is read."""
    value = formula.evaluate(tensors)
    lost = _is_lost(value, dtype)
    if not bool(lost.any()):
        return formula
    end = torch.where(value.abs() < 1, 3, torch.where(value > 0, 1, 2))
    return Case(torch.where(lost, end, 0), (formula, *(Instead(one, formula) for one in _ENDS)))


def as_held(values: Tensor, dtype: torch.dtype) -> Tensor:
    """Values in float64, but infinite or 0 where `dtype` cannot hold them."""
    return torch.where(_is_lost(values, dtype), values.to(dtype).to(values.dtype), values)


def norm_type(dtype: torch.dtype, length: int) -> torch.dtype:
    """The type in which torch adds up the powers of a norm: at least float32; of one number it takes the size alone."""
    return torch.promote_types(dtype, torch.float32) if length != 1 else torch.float64


def _is_lost(value: Tensor, dtype: torch.dtype) -> Tensor:
    if not dtype.is_floating_point:
        return torch.zeros_like(value, dtype=torch.bool)
    stored = value.to(dtype)
    return (stored.isinf() & value.isfinite()) | ((stored == 0) & (value != 0))
