"""What the traces of all losses share: how the tensor of losses becomes `output`, and what its sum is.

A loss trace holds its inputs, the intermediate tensors in float64 (the last one is `loss`, one value for each element
or row), and `output`. For a mean there is also `total`, their sum, so that a clip can show sum and divisor apart.
"""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from torchreel.scenes.loss.vector.trace import Formula, reduced, size_of
from torchreel.scenes.trace.formula import Const, Div, Expr, Ref, Rounded, Tensors
from torchreel.scenes.trace.operator import Recording
from torchreel.scenes.trace.proof import Rule

__all__ = ["concluded"]


def concluded(
    reduction: str,
    formula: Formula,
    tensors: dict[str, Tensor],
    rules: tuple[Rule, ...],
    divisor: Expr | None = None,
) -> Recording:
    """The recording of a loss whose `tensors` hold `loss` (filled by `formula`) and `output` already.

    `reduction` is "none", "sum", or "mean", which divides by `divisor`, by default the number of losses. Adds `total`
    for the mean, and the rules of both.
    """
    known: Tensors = tensors
    if reduction != "mean":
        return Recording(tensors, (*rules, reduced(reduction, formula, known)))
    shape = tuple(tensors["loss"].shape)
    total, size = tensors["loss"].sum(dtype=torch.float64), Const(size_of(formula, shape, known))
    by = divisor or Const(math.prod(shape))
    added = replace(reduced("sum", formula, known), tensor="total")
    mean = Rule("output", lambda at: Rounded(Div(Ref("total", at), by), Div(size, by)))
    return Recording({**tensors, "total": total}, (*rules, added, mean))
