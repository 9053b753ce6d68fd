"""The law of each element-wise loss: what is computed from the elements of input and target, as torch computes it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from torchreel.scenes.loss.elementwise.facts import PLAIN_EPS
from torchreel.scenes.loss.elementwise.trace import (
    WIDEST,
    Elementwise,
    Formulas,
    LossCells,
    Span,
    as_tensors,
    by_place,
    overflow,
    underflow,
)
from torchreel.scenes.loss.elementwise.written import NumberSize, Picked, Setting, Written
from torchreel.scenes.trace.formula import (
    Add,
    Case,
    Const,
    Div,
    Expr,
    Func,
    Largest,
    Mul,
    Neg,
    Ref,
    Rounded,
    Sub,
)

_SIGNED = ({"target": 1.0}, {"target": -1.0})
_LABELS = ({"target": 1.0}, {"target": 0.0})
_HALF = Const(0.5, "½")


def _difference(at: LossCells) -> Expr:
    return Sub(at.ref("input"), at.ref("target"))


def _absolute(module: Any, at: LossCells) -> Formulas:
    return {"difference": lambda: _difference(at), "loss": lambda: NumberSize(at.ref("difference"))}


def _squared(at: LossCells) -> Expr:
    """d², infinite where it is too large for torch's type."""
    big = at.value("difference").abs().log() * 2 > overflow(at.dtype)
    return Case(big.long(), (Func("square", at.ref("difference")), Const(math.inf, "∞")))


def _square(module: Any, at: LossCells) -> Formulas:
    return {"difference": lambda: _difference(at), "loss": lambda: _squared(at)}


def _half_square(module: Any, at: LossCells) -> Formulas:
    return {**_square(module, at), "loss": lambda: Mul((_HALF, _squared(at)))}


def _smooth(module: Any, at: LossCells) -> Formulas:
    """|d| − beta/2 outside, d²/(2 beta) inside; without an inside it is L1."""
    if module.beta == 0:
        return _absolute(module, at)

    def loss() -> Expr:
        size, beta = NumberSize(at.ref("difference")), Setting(module.beta, "β")
        outside = (~(at.value("difference").abs() < module.beta)).long()
        inner = Div(Mul((_HALF, Func("square", at.ref("difference")))), beta)
        return Case(outside, (inner, Sub(size, Mul((_HALF, beta)))))

    return {"difference": lambda: _difference(at), "loss": loss}


def _huber(module: Any, at: LossCells) -> Formulas:
    """delta·(|d| − delta/2) outside, d²/2 inside."""

    def loss() -> Expr:
        size, delta = NumberSize(at.ref("difference")), Setting(module.delta, "δ")
        outside = (~(at.value("difference").abs() <= module.delta)).long()
        inner = Mul((_HALF, Func("square", at.ref("difference"))))
        return Case(outside, (inner, Mul((delta, Sub(size, Mul((_HALF, delta)))))))

    return {"difference": lambda: _difference(at), "loss": loss}


def _grown(at: LossCells, name: str) -> Expr:
    """exp of an element, infinite where it is too large for torch's type and 0 where it is too small."""
    value = at.value(name)
    kind = torch.where(value > overflow(at.dtype), 1, torch.where(value < underflow(at.dtype), 2, 0))
    return Case(kind, (Func("exp", at.ref(name)), Const(math.inf, "∞"), Const(0)))


def _product(at: LossCells, left: Expr, right: Expr) -> Expr:
    """A product, infinite where it is too large for torch's type."""
    product = Mul((left, right))
    value = product.evaluate(at.values)
    big = (value.abs().log() > overflow(at.dtype)) & value.isfinite()
    kind = torch.where(big, torch.where(value > 0, 1, 2), 0)
    return Case(kind, (product, Const(math.inf, "∞"), Const(-math.inf, "−∞")))


def _label(at: LossCells) -> Tensor:
    """The kind of each target: 0 where it is 1, 1 where it is 0, 2 for all between."""
    target = at.value("target")
    return torch.where(target == 1, 0, torch.where(target == 0, 1, 2))


def _weighted(at: LossCells, plain: Formulas) -> Formulas:
    """The loss times the weight of its element, if there are weights: `unweighted` is what it was before."""
    if not at.has("weight"):
        return {("loss" if name == "unweighted" else name): formula for name, formula in plain.items()}
    weight = at.ref("weight")

    def loss() -> Expr:
        return Rounded(Mul((weight, at.ref("unweighted"))), Mul((weight, plain["unweighted"]())))

    return {**plain, "loss": loss}


def _cross_entropy(module: Any, at: LossCells) -> Formulas:
    """−log p where the target is 1, −log(1 − p) where it is 0; torch lets no logarithm fall below −100."""
    p, y = at.ref("input"), at.ref("target")
    sure, miss = Func("log", p), Func("log", Sub(Const(1), p))

    def floored(log: Expr) -> Expr:
        below = ~(log.evaluate(at.values) >= -100)
        return Case(below.long(), (log, Largest((log, Const(-100)))))

    def unweighted() -> Expr:
        parts = (Mul((y, floored(sure))), Mul((Sub(Const(1), y), floored(miss))))
        return Picked(_label(at), (Neg(floored(sure)), Neg(floored(miss)), Neg(Add(parts))), (y,))

    return _weighted(at, {"unweighted": unweighted})


def _logits(module: Any, at: LossCells) -> Formulas:
    """The same of σ(input), without computing σ: softplus(x) − x·y, which cannot overflow."""
    x, y = at.ref("input"), at.ref("target")
    share = Func("sigmoid", x)
    sure, miss = Func("log", share), Func("log", Sub(Const(1), share))

    def unweighted() -> Expr:
        log, has_factor = Func("logsigmoid", x), at.has("pos_weight")
        factor: Expr = Const(1)
        if has_factor:
            factor = Add((Const(1), Mul((Sub(at.ref("pos_weight"), Const(1)), y))))
        whole = Sub(Mul((Sub(Const(1), y), x)), Mul((factor, log)) if has_factor else log)
        positive: Expr = Neg(Mul((at.ref("pos_weight"), log))) if has_factor else Neg(log)
        shown_positive: Expr = Neg(Mul((sure, at.ref("pos_weight")))) if has_factor else Neg(sure)
        share_positive: Expr = Mul((y, sure, at.ref("pos_weight"))) if has_factor else Mul((y, sure))
        both = Neg(Add((share_positive, Mul((Sub(Const(1), y), miss)))))
        branches = (
            Written(shown_positive, positive),
            Written(Neg(miss), Func("softplus", x)),
            Written(both, whole),
        )
        kind = torch.where(at.value("input").isinf(), 2, _label(at))
        return Rounded(Picked(kind, branches, (y,)), whole)

    return _weighted(at, {"unweighted": unweighted})


def _divergence(module: Any, at: LossCells) -> Formulas:
    """target·(log target − input), and 0 − target·input where the target is 0; `q` and `p` are no logarithms."""
    q, p = at.ref("input"), at.ref("target")

    def shares() -> Formulas:
        own: Formulas = {"q": lambda: Func("exp", q)}
        return {**own, "p": lambda: Func("exp", p)} if module.log_target else own

    def loss() -> Expr:
        if module.log_target:
            share = Written(at.ref("p"), _grown(at, "target"))
            return _placed(at, _product(at, share, Sub(p, q)))
        whole = Sub(_product(at, p, Func("log", p)), _product(at, p, q))
        large = at.value("target").abs().log() + at.value("input").abs().log() > overflow(at.dtype)
        zero, plain = at.value("target") == 0, ~large & at.value("target").isfinite()
        kind = torch.where(zero, 1, torch.where(plain, 0, 2))
        pieces = (Mul((p, Sub(Func("log", p), q))), Neg(Mul((p, q))), whole)
        return Rounded(_placed(at, Case(kind, pieces)), Neg(Mul((p, q))))

    def ratio() -> Expr:
        return Sub(p, q) if module.log_target else Sub(Ref("log_y", at.cells), q)

    logarithm: Formulas = {} if module.log_target else {"log_y": lambda: Func("log", p)}
    return {**shares(), **logarithm, "ratio": ratio, "loss": loss}


def _placed(at: LossCells, formula: Expr) -> Expr:
    """A formula of an element whose place on the curve is its `q`."""
    return Picked(torch.zeros(len(at.cells), dtype=torch.int64), (formula,), (at.ref("q"),))


def _poisson(module: Any, at: LossCells) -> Formulas:
    """rate − target·log(rate); with `full`, Stirling's log(target!) for targets above 1."""
    x, y = at.ref("input"), at.ref("target")

    def core() -> Expr:
        if not module.log_input:
            return Sub(x, Mul((y, _log_rate(module, at))))
        return Sub(_grown(at, "input"), Mul((y, x)))

    def loss() -> Expr:
        if not module.full:
            return core()
        counts = (~(at.value("target") <= 1)).long()
        return Add((core(), Case(counts, (Const(0), _stirling(y)))))

    return {"loss": loss}


def _log_rate(module: Any, at: LossCells) -> Expr:
    """log(rate + eps), which is exactly 0 where the sum is rounded to 1: an infinite target then gives NaN."""
    one = at.value("input").to(at.dtype) + module.eps == 1
    log = Func("log", Add((at.ref("input"), Setting(module.eps, "ε"))))
    if module.eps > PLAIN_EPS:
        return Case((one & at.value("target").isinf()).long(), (log, Const(0)))
    # An eps that changes no digit is not worth its place.
    kind = torch.where(one & at.value("target").isinf(), 1, (at.value("input") > 0.1).long() * 2)
    return Case(kind, (log, Const(0), Written(Func("log", at.ref("input")), log)))


def _stirling(y: Ref) -> Expr:
    return Add(
        (Sub(Mul((y, Func("log", y))), y), Mul((_HALF, Func("log", Mul((Const(2 * math.pi, "2π"), y))))))
    )


def _gaussian(module: Any, at: LossCells) -> Formulas:
    """½(log var + d²/var), where var is at least eps; with `full`, ½ log 2π more."""

    def variance() -> Expr:
        low = ~(at.value("var") >= module.eps)
        return Case(low.long(), (at.ref("var"), Largest((at.ref("var"), Setting(module.eps, "ε")))))

    def spread() -> Expr:
        return Func("log", variance())

    def miss() -> Expr:
        return Div(_squared(at), variance())

    def loss() -> Expr:
        half = Mul((_HALF, Add((spread(), miss()))))
        constant = Mul((_HALF, Func("log", Const(2 * math.pi, "2π"))))
        return Add((half, constant)) if module.full else half

    return {"difference": lambda: _difference(at), "spread": spread, "miss": miss, "loss": loss}


def _soft_margin(module: Any, at: LossCells) -> Formulas:
    """log(1 + exp(−target·input)); torch takes the exponential as it is, which may overflow."""

    def loss() -> Expr:
        big = (-at.value("agreement") > overflow(at.dtype)).long()
        grown = Func("exp", Neg(at.ref("agreement")))
        small = Written(Func("log", Add((Const(1), grown))), Func("log1p", grown))
        return Case(big, (small, Const(math.inf, "∞")))

    return {"agreement": lambda: Mul((at.ref("target"), at.ref("input"))), "loss": loss}


def _hinge(module: Any, at: LossCells) -> Formulas:
    """The input where the target is 1, what it lacks of the margin where it is −1; for other targets both."""
    x = at.ref("input")
    lacking = Largest((Const(0), Sub(Setting(module.margin, "m"), x)))

    def loss() -> Expr:
        target = at.value("target")
        kind = torch.where(target == 1, 0, torch.where(target == -1, 1, 2))
        return Picked(kind, (x, lacking, Add((x, lacking))), (at.ref("target"),))

    return {"loss": loss}


def _rates(module: Any, span: Span) -> Span:
    """Where input is the rate itself, it starts at 0."""
    return span if module.log_input else replace(span, least=(0.0, 2.0), limits=(0.0, WIDEST))


_ABOUT_ZERO = Span("difference", (-2.0, 2.0), base={"target": 0.0})
_POSITIVE = {"target": 1.0}

LAWS: dict[str, Elementwise] = {
    "L1Loss": Elementwise(_absolute, _ABOUT_ZERO),
    "MSELoss": Elementwise(_square, _ABOUT_ZERO),
    "SmoothL1Loss": Elementwise(_smooth, replace(_ABOUT_ZERO, reference=_absolute)),
    "HuberLoss": Elementwise(_huber, replace(_ABOUT_ZERO, reference=_half_square)),
    "BCELoss": Elementwise(
        _cross_entropy,
        Span("input", (0.0, 1.0), (0.0, 3.0), (0.0, 1.0), ("target",), _LABELS),
        ("weight",),
    ),
    "BCEWithLogitsLoss": Elementwise(
        _logits,
        Span(
            "input",
            (-3.0, 3.0),
            (0.0, 3.0),
            (-WIDEST, WIDEST),
            ("target", "pos_weight"),
            _LABELS,
            base=_POSITIVE,
            reference=_logits,
        ),
        ("weight", "pos_weight"),
    ),
    "KLDivLoss": Elementwise(
        _divergence, Span("q", (0.02, 0.6), (-0.3, 0.6), (0.001, WIDEST), ("target",), inverse=torch.log)
    ),
    "PoissonNLLLoss": Elementwise(
        _poisson, Span("input", (-1.0, 2.0), held=("target",)), arguments=by_place, spans=_rates
    ),
    "GaussianNLLLoss": Elementwise(
        _gaussian,
        Span("difference", (-2.0, 2.0), held=("var",), base={"target": 0.0}),
        arguments=as_tensors,
    ),
    "SoftMarginLoss": Elementwise(_soft_margin, Span("agreement", (-3.0, 3.0), base=_POSITIVE)),
    "HingeEmbeddingLoss": Elementwise(_hinge, Span("input", (0.0, 2.0), held=("target",), always=_SIGNED)),
}
