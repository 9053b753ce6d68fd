"""The laws of torch's element-wise activations, with the formulas of its documentation."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from torchreel.scenes.activation.curve.gates import gelu, hardswish, mish, silu, tanhshrink
from torchreel.scenes.activation.curve.laws import (
    INF,
    ONE,
    ZERO,
    Formula,
    Function,
    Law,
    Piece,
    above,
    below,
    bound_as,
    clamped,
    plain,
    rest,
    same,
    setting,
    smooth,
    wide,
)
from torchreel.scenes.activation.curve.range import Size, Stored
from torchreel.scenes.trace.formula import (
    Add,
    Const,
    Div,
    Expr,
    Func,
    Instead,
    Largest,
    Least,
    Mul,
    Neg,
    Ref,
    Sub,
)


def law(module: nn.Module) -> Law:
    """The law of a module, with its settings."""
    return _LAWS[type(module)](module)


def _relu(module: Any) -> Law:
    def whole(x: Expr, cells: Tensor) -> Expr:
        return Largest((ZERO, x))

    pieces = (
        Piece("zero", (-INF, 0.0), "", lambda x: x <= 0, whole, "y = 0"),
        rest("same", (0.0, INF), "", whole, "y = x"),
    )
    return Law(pieces)


def _relu6(module: Any) -> Law:
    keys = ("zero", "same", "cap")
    says = ("y = 0", "y = x", "y = 6")
    pieces = clamped(0.0, 6.0, keys, lambda x: Least((Const(6), Largest((ZERO, x)))), says)
    return Law(pieces, reach=8.0)


def _leaky(module: Any) -> Law:
    slope = setting(module.negative_slope)
    pieces = (
        below("scaled", 0.0, lambda x, _: Mul((slope, x)), f"y = {slope.text}·x"),
        above("same", 0.0, same, "y = x"),
    )
    return Law(pieces, beside={"ReLU": F.relu})


def _prelu(module: Any) -> Law:
    many = module.weight.numel() > 1

    def scaled(x: Expr, cells: Tensor) -> Expr:
        channel = cells[:, 1:2] if many else torch.zeros_like(cells[:, :1]).reshape(len(cells), -1)
        return Mul((Ref("weight", channel if channel.shape[1] else torch.zeros(len(cells), 1).long()), x))

    pieces = (below("scaled", 0.0, scaled, "y = w·x"), above("same", 0.0, same, "y = x"))
    return Law(pieces, beside={"ReLU": F.relu})


def _rrelu(module: Any) -> Law:
    mean = (module.lower + module.upper) / 2
    draws = module.training

    def scaled(x: Expr, cells: Tensor) -> Expr:
        return Mul((Ref("a", cells) if draws else setting(mean), x))

    bounds = {
        f"{plain(module.lower)}·x": lambda x: torch.where(x > 0, math.nan, x * module.lower),
        f"{plain(module.upper)}·x": lambda x: torch.where(x > 0, math.nan, x * module.upper),
    }
    says = "y = a·x" if draws else f"y = {plain(mean)}·x"
    return Law((below("scaled", 0.0, scaled, says), above("same", 0.0, same, "y = x")), beside=bounds)


def _elu(module: Any) -> Law:
    alpha = float(module.alpha)

    def curve(x: Expr, cells: Tensor) -> Expr:
        return Mul((setting(alpha), Sub(Func("exp", x), ONE)))

    return Law(_bent(curve), beside={"ReLU": F.relu}, levels=_limit(alpha))


def _celu(module: Any) -> Law:
    alpha = float(module.alpha)

    def curve(x: Expr, cells: Tensor) -> Expr:
        return _times(alpha, Sub(Func("exp", x if alpha == 1 else Div(x, setting(alpha))), ONE))

    beside = {"ReLU": F.relu} if alpha == 1 else {f"ELU({plain(alpha)})": lambda x: F.elu(x, alpha)}
    return Law(_bent(curve), beside=beside, levels=_limit(alpha) if alpha > 0 else {})


def _bent(curve: Formula) -> tuple[Piece, ...]:
    """An exponential up to 0, x itself beyond."""
    return below("bent", 0.0, curve), above("same", 0.0, same, "y = x")


def _limit(alpha: float) -> dict[str, float]:
    return {f"−alpha = {plain(-alpha)}": -alpha}


_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


def _selu(module: Any) -> Law:
    scale, alpha = Const(_SELU_SCALE, "1.0507"), Const(_SELU_ALPHA, "1.6733")

    def curve(x: Expr, cells: Tensor) -> Expr:
        return Mul((scale, alpha, Sub(Func("exp", x), ONE)))

    pieces = (
        below("bent", 0.0, curve),
        above("scaled", 0.0, lambda x, _: Mul((scale, x)), "y = 1.0507·x"),
    )
    return Law(pieces, levels={"−1.7581": -_SELU_SCALE * _SELU_ALPHA}, moments=True)


def _times(factor: float, part: Expr) -> Expr:
    return part if factor == 1 else Mul((setting(factor), part))


def _sigmoid(module: Any) -> Law:
    return smooth(lambda x: Div(ONE, Add((ONE, Func("exp", Neg(x))))), levels={"0": 0.0, "1": 1.0}, reach=6.0)


def _tanh(module: Any) -> Law:
    def stretched(x: Expr) -> Expr:
        return Sub(Div(Const(2), Add((ONE, Func("exp", Neg(Mul((Const(2), x))))))), ONE)

    return smooth(stretched, beside={"σ(x)": torch.sigmoid}, levels={"−1": -1.0, "1": 1.0})


def _softsign(module: Any) -> Law:
    def ratio(x: Expr) -> Expr:
        return Div(x, Add((ONE, Size(x))))

    return smooth(ratio, beside={"tanh(x)": torch.tanh}, levels={"−1": -1.0, "1": 1.0}, reach=6.0)


_EXP_OVERFLOWS = -700.0


def _logsigmoid(module: Any) -> Law:
    """−log(1 + exp(−x)); where exp would overflow, the result is x to the last bit."""

    def whole(x: Expr, cells: Tensor) -> Expr:
        return Neg(Func("log", Add((ONE, Func("exp", Neg(x))))))

    everywhere = (-INF, INF)
    pieces = (
        Piece("ride", everywhere, "", lambda x: x < _EXP_OVERFLOWS, same),
        rest("ride", everywhere, "", whole),
    )
    return Law(pieces, beside={"y = x": lambda x: x}, levels={"0": 0.0}, reach=5.0)


def _softplus(module: Any) -> Law:
    beta, threshold = float(module.beta), float(module.threshold)

    def curve(x: Expr, cells: Tensor) -> Expr:
        log = Func("log", Add((ONE, Stored(Func("exp", _times(beta, x))))))
        return log if beta == 1 else Div(log, setting(beta))

    def linear(x: Tensor) -> Tensor:
        exact = wide(x)
        return exact * bound_as(beta, exact) > bound_as(threshold, exact)

    bound = threshold / beta if beta else INF
    far, near = ((bound, INF), (-INF, bound)) if beta >= 0 else ((-INF, bound), (bound, INF))
    limit = plain(threshold)
    name = "{}" if beta == 1 else f"{plain(beta)}·{{}}"
    pieces = (
        Piece("same", far, f"{name} > {limit}", linear, same, "y = x"),
        rest("bent", near, f"{name} ≤ {limit}", curve),
    )
    name = "threshold" if beta == 1 else "threshold / beta"
    return Law(pieces, beside={"ReLU": F.relu}, marks={name: bound}, reach=5.0 / max(1.0, abs(beta)))


def _hardtanh(module: Any) -> Law:
    low, high = float(module.min_val), float(module.max_val)
    says = (f"y = {plain(low)}", "y = x", f"y = {plain(high)}")
    pieces = clamped(
        low,
        high,
        ("floor", "same", "cap"),
        lambda x: Least((setting(high), Largest((setting(low), x)))),
        says,
    )
    return Law(pieces, beside={"tanh(x)": torch.tanh}, reach=4.0)


def _hardsigmoid(module: Any) -> Law:
    def ramp(x: Expr) -> Expr:
        return Div(Least((Const(6), Largest((ZERO, Add((x, Const(3))))))), Const(6))

    says = ("y = 0", "y = (x + 3) / 6", "y = 1")
    pieces = clamped(-3.0, 3.0, ("zero", "ramp", "cap"), ramp, says)
    return Law(pieces, beside={"σ(x)": torch.sigmoid}, reach=6.0)


def _hardshrink(module: Any) -> Law:
    limit = float(module.lambd)
    kept = rest("kept", (limit, INF), f"|{{}}| > {plain(limit)}", same)
    return _shrink(limit, lambda x: x, (kept,))


def _softshrink(module: Any) -> Law:
    limit = setting(module.lambd)
    end = limit.value
    pieces = (
        Piece(
            "below",
            (-INF, -end),
            f"{{}} < {plain(-end or 0.0)}",
            lambda x: x < 0,
            lambda x, _: Add((x, limit)),
            f"y = x + {limit.text}",
        ),
        above("above", end, lambda x, _: Sub(x, limit), f"y = x − {limit.text}"),
    )
    return _shrink(end, wide, pieces)


def _shrink(limit: float, compared: Function, outside: tuple[Piece, ...]) -> Law:
    """Zero up to a distance `limit` from 0, something else `outside`; `compared` is x as torch compares it."""
    text = plain(limit)
    pieces = (
        Piece(
            "zero",
            (-limit, limit),
            f"|{{}}| ≤ {text}",
            lambda x: within(compared(x), limit),
            lambda x, _: Instead(ZERO, x),
            "y = 0",
        ),
        *outside,
    )
    marks = {"−lambd": -limit, "lambd": limit} if limit > 0 else {}
    return Law(pieces, beside={"y = x": lambda x: x}, marks=marks, reach=max(2.0, min(2 * limit, 10.0)))


def within(x: Tensor, limit: float) -> Tensor:
    bound = bound_as(limit, x)
    return (x >= -bound) & (x <= bound)


def _threshold(module: Any) -> Law:
    value = setting(module.value)
    pieces = (
        below("replaced", float(module.threshold), lambda x, _: Instead(value, x), f"y = {value.text}"),
        above("same", float(module.threshold), same),
    )
    return Law(pieces, beside={"y = x": lambda x: x}, marks={"threshold": float(module.threshold)}, reach=5.0)


_LAWS: dict[type[nn.Module], Callable[[Any], Law]] = {
    nn.CELU: _celu,
    nn.ELU: _elu,
    nn.GELU: gelu,
    nn.Hardshrink: _hardshrink,
    nn.Hardsigmoid: _hardsigmoid,
    nn.Hardswish: hardswish,
    nn.Hardtanh: _hardtanh,
    nn.LeakyReLU: _leaky,
    nn.LogSigmoid: _logsigmoid,
    nn.Mish: mish,
    nn.PReLU: _prelu,
    nn.ReLU: _relu,
    nn.ReLU6: _relu6,
    nn.RReLU: _rrelu,
    nn.SELU: _selu,
    nn.SiLU: silu,
    nn.Sigmoid: _sigmoid,
    nn.Softplus: _softplus,
    nn.Softshrink: _softshrink,
    nn.Softsign: _softsign,
    nn.Tanh: _tanh,
    nn.Tanhshrink: tanhshrink,
    nn.Threshold: _threshold,
}
