"""What dropout computes: a mask that torch drew for this call, and what is left of the values scaled up."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from torchreel.scenes.trace.formula import Add, Case, Const, Div, Expr, Mul, Ref, read
from torchreel.scenes.trace.operator import Call, Recording
from torchreel.scenes.trace.proof import Rule, Trace

SATURATION = -1.7580993408473766
"""What SELU tends to for very negative values, lambda · alpha; see https://arxiv.org/abs/1706.02515."""


def record_dropout(call: Call) -> Recording:
    """Tensors and rules of any dropout of `input`, whatever its shape; `mask` (1 keeps, 0 drops) has that shape too,
    and so has `filled`, alpha dropout's input with SELU's saturation where it is dropped.

    The mask is what the same call makes of ones where torch's random state is the one that the call found. Evaluation
    has no mask, and neither has p = 0.
    """
    x, module = call.inputs["input"], call.module
    tensors = {"input": x, "output": call.output}
    if not module.training or module.p == 0 or not x.numel():
        return Recording(tensors, (Rule("output", lambda cells: Ref("input", cells)),))
    ones = call.replay(lambda: module.forward(torch.ones_like(x)))
    tensors["mask"] = (ones > threshold(module)).to(torch.float64)
    rules = [Rule("output", lambda cells: _masked(module, cells))]
    if is_alpha(module) and module.p < 1:
        mask, wide = tensors["mask"], x.to(torch.float64)
        tensors["filled"] = wide * mask + SATURATION * (1 - mask)
        rules.append(Rule("filled", lambda cells: _filled(wide, mask, cells)))
    return Recording(tensors, tuple(rules))


def threshold(module: Any) -> float:
    """What a kept one is above after dropout, and a dropped one is not."""
    if not is_alpha(module) or module.p == 1:
        return 0.0
    scale, shift = affine(module.p)
    return shift + scale * SATURATION / 2


def channel_axis(module: nn.Module, ndim: int) -> int | None:
    """The axis whose elements are dropped whole, None where each element is dropped by itself.

    Without a batch it is the first one; but two-dimensional dropout always takes the first one for the batch.
    """
    if isinstance(module, (nn.Dropout2d, nn.FeatureAlphaDropout)):
        return 1
    unbatched = {"Dropout1d": 2, "Dropout3d": 4}.get(type(module).__name__)
    return None if unbatched is None else int(ndim != unbatched)


def is_alpha(module: nn.Module) -> bool:
    """Whether a module drops to SELU's saturation and not to zero."""
    return isinstance(module, (nn.AlphaDropout, nn.FeatureAlphaDropout))


def affine(p: float) -> tuple[float, float]:
    """Scale and shift after which alpha dropout leaves mean 0 and variance 1 as they were."""
    scale = 1 / math.sqrt((SATURATION**2 * p + 1) * (1 - p))
    return scale, -scale * SATURATION * p


def _masked(module: Any, cells: Tensor) -> Expr:
    kept = Mul((Ref("input", cells), Ref("mask", cells)))
    if module.p == 1:
        return kept
    if not is_alpha(module):
        return Div(kept, Const(1 - module.p))
    scale, shift = affine(module.p)
    whole = Mul((Const(scale, f"{scale:.2f}"), Ref("filled", cells)))
    return Add((whole, Const(shift, f"{shift:.2f}")))


def _filled(x: Tensor, mask: Tensor, cells: Tensor) -> Expr:
    """What is kept, and SELU's saturation in the place of what is dropped; an infinity cannot be taken away by zero."""
    dropped, finite = read(mask, cells) == 0, read(x, cells).isfinite()
    product = Mul((Ref("input", cells), Ref("mask", cells)))
    which = torch.where(dropped, torch.where(finite, 1, 2), 0)
    return Case(which, (Ref("input", cells), Const(SATURATION, "−1.76"), product))


def dropout_facts(trace: Trace) -> dict[str, bool]:
    """What captions may claim of a dropout, of all of its mask.

    `clears`: what is dropped is zero, which NaN and infinities do not become. `certain`: p is 1.
    """
    module: Any = trace.module
    names = ("masked", "drops", "keeps", "clears", "certain")
    if "mask" not in trace.tensors:
        return dict.fromkeys(names, False)
    mask, output = (trace.tensors[name] for name in ("mask", "output"))
    assert isinstance(mask, Tensor) and isinstance(output, Tensor)
    kept = mask != 0
    found = (
        True, not kept.all(), kept.any(), (output[~kept] == 0).all(), module.p == 1,
    )  # fmt: skip
    return dict(zip(names, map(bool, found), strict=True))
