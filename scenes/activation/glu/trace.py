"""What GLU computes: one half of the input, let through by the sigmoid of the other half."""

from __future__ import annotations

import torch
from torch import Tensor

from torchreel.scenes.activation.calls import argument
from torchreel.scenes.activation.curve.laws import wide
from torchreel.scenes.activation.curve.range import Stored
from torchreel.scenes.activation.curve.trace import SAMPLES
from torchreel.scenes.trace.formula import Expr, Func, Mul, Ref
from torchreel.scenes.trace.operator import Call, Recording
from torchreel.scenes.trace.proof import Rule

_REACH = 5.0


def record_glu(call: Call) -> Recording:
    """Tensors and rules of a GLU over an input of any shape whose size along `dim` is even.

    `a` and `b` are the halves of the input along `dim`, `gate` is sigmoid(b), in float32 at least, where it may come
    to 0; `curve.x` and `curve.output` `(S,)` are the sigmoid over the span that the picture shows.
    """
    x, dim = argument(call, "input"), call.module.dim
    a, b = x.chunk(2, dim)
    at = torch.linspace(*_span(b), SAMPLES, dtype=torch.float64)
    tensors = {
        "input": x,
        "a": a,
        "b": b,
        "gate": torch.sigmoid(wide(b)),
        "curve.x": at,
        "curve.output": torch.sigmoid(at),
        "output": call.output,
    }
    size, axis = a.shape[dim], dim % x.ndim

    def half(number: int, cells: Tensor) -> Expr:
        place = cells.clone()
        place[:, axis] += number * size
        return Ref("input", place)

    rules = (
        Rule("a", lambda cells: half(0, cells)),
        Rule("b", lambda cells: half(1, cells)),
        Rule("gate", lambda cells: Func("sigmoid", Ref("b", cells))),
        Rule("output", lambda cells: Stored(Mul((Ref("a", cells), Ref("gate", cells))), narrow=True)),
    )
    return Recording(tensors, rules)


def _span(b: Tensor) -> tuple[float, float]:
    """The x of the sigmoid that are shown: all of b that is not far off, with some room."""
    known = b.double().reshape(-1)
    known = known[known.abs() <= 3 * _REACH]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)
    return min(-_REACH, low - 0.3), max(_REACH, high + 0.3)
