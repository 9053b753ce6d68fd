"""The laws of the activations that read a gate off a curve of its own, and join x with it."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from torchreel.scenes.activation.curve.laws import ONE, ZERO, Law, gated
from torchreel.scenes.trace.formula import Add, Const, Div, Expr, Func, Largest, Least, Mul, Pow, Sub


def _product(x: Expr, gate: Expr) -> Expr:
    return Mul((x, gate))


def gelu(module: Any) -> Law:
    if module.approximate == "none":
        return gated(torch.special.ndtr, lambda x: Func("normal_cdf", x), _product, beside={"ReLU": F.relu})
    root = Const(math.sqrt(2 / math.pi), "√(2/π)")

    def share(x: Expr) -> Expr:
        inner = Mul((root, Add((x, Mul((Const(0.044715), Pow(x, Const(3))))))))
        return Mul((Const(0.5), Add((ONE, Func("tanh", inner)))))

    def function(x: Tensor) -> Tensor:
        return 0.5 * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))

    return gated(function, share, _product, says="≈ Φ(x)", beside={"x·Φ(x)": F.gelu})


def silu(module: Any) -> Law:
    return gated(torch.sigmoid, lambda x: Func("sigmoid", x), _product, beside={"ReLU": F.relu})


def mish(module: Any) -> Law:
    def gate(x: Tensor) -> Tensor:
        return torch.tanh(F.softplus(x))

    return gated(gate, lambda x: Func("tanh", Func("softplus", x)), _product, beside={"ReLU": F.relu})


def hardswish(module: Any) -> Law:
    def ramp(x: Expr) -> Expr:
        return Div(Least((Const(6), Largest((ZERO, Add((x, Const(3))))))), Const(6))

    corners, beside = (-3.0, 3.0), {"SiLU": F.silu}
    return gated(F.hardsigmoid, ramp, _product, "gate", "= hardsigmoid(x)", corners, beside=beside, reach=5.0)


def tanhshrink(module: Any) -> Law:
    return gated(torch.tanh, lambda x: Func("tanh", x), Sub, "", beside={"y = x": lambda x: x}, reach=3.0)
