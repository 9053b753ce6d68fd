"""The element-wise losses: each element has its own place on a curve, its height there is the loss."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

from torchreel.scenes.loss import operators
from torchreel.scenes.loss.elementwise.facts import PLAIN_EPS
from torchreel.scenes.loss.elementwise.story import ElementwiseLoss


def plain(value: float, digits: int = 6) -> str:
    """A setting or a target as a formula has it, U+2212 for minus."""
    mantissa, e, exponent = f"{value:.{digits}g}".partition("e")
    return f"{mantissa}{e}{int(exponent) if e else ''}".replace("-", "−").replace("inf", "∞")


_DIFFERENCE = ",  difference = input − target"


class L1Loss(ElementwiseLoss):
    operator = operators.L1Loss

    def formula(self) -> str:
        return f"loss = |difference|{_DIFFERENCE}"

    def curve_name(self, held: dict[str, float]) -> str:
        return "|d|"

    def telling(self, slow: Sequence[int]) -> int:
        """Of a negative difference the size is seen to be another number."""
        return max(slow, key=lambda number: self.panel.value("difference", number) < 0)


class MSELoss(ElementwiseLoss):
    operator = operators.MSELoss

    def formula(self) -> str:
        return f"loss = difference²{_DIFFERENCE}"

    def curve_name(self, held: dict[str, float]) -> str:
        return "d²"

    def moment(self, number: int) -> str:
        size = abs(self.panel.value("difference", number))
        return "small" if 0 < size < 1 else "large" if 1 < size < math.inf else "height"

    def telling(self, slow: Sequence[int]) -> int:
        return max(slow, key=lambda number: self.moment(number) == "large")


class _Switching(ElementwiseLoss):
    """A square near 0 and a straight line beyond a switch, which the setting `switch` places."""

    switch, symbol = "", ""
    defines = _DIFFERENCE

    @property
    def limit(self) -> float:
        """Where the square becomes a line."""
        return float(getattr(self.module, self.switch))

    def marks(self) -> list[tuple[float, str]]:
        if not self.limit or math.isinf(self.limit):
            return []
        return [(-self.limit, f"−{self.symbol}"), (self.limit, self.symbol)]

    def moment(self, number: int) -> str:
        size = abs(self.panel.value("difference", number))
        return "inside" if self.is_inside(size) else "outside"

    def is_inside(self, size: float) -> bool:
        """Whether the square holds for a difference of a size."""
        return size < self.limit


class SmoothL1Loss(_Switching):
    operator = operators.SmoothL1Loss
    switch, symbol = "beta", "β"

    def formula(self) -> str:
        if not self.limit:
            return "loss = |difference|,  β = 0"
        outside = "|difference| − ½·β"
        inside = "½·difference² / β if |difference| < β"
        return f"loss = {inside}, else {outside},  β = {plain(self.limit)}"

    def reference_name(self) -> str:
        return "|d|"


class HuberLoss(_Switching):
    operator = operators.HuberLoss
    switch, symbol = "delta", "δ"

    def formula(self) -> str:
        outside = "δ·(|difference| − ½·δ)"
        return f"loss = ½·difference² if |difference| ≤ δ, else {outside},  δ = {plain(self.limit)}"

    def reference_name(self) -> str:
        return "½·d²"

    def is_inside(self, size: float) -> bool:
        return size <= self.limit


class _Labelled(ElementwiseLoss):
    """Two curves: the target decides which."""

    tells = "target"

    def curve_name(self, held: dict[str, float]) -> str:
        return f"y = {plain(held['target'], self.digits)}"

    def moment(self, number: int) -> str:
        target = self.panel.value("target", number)
        one, other = (curve["target"] for curve in self.panel.span.always)
        return "one" if target == one else "other" if target == other else "between"

    def height(self) -> str:
        """What the law calls the height on the curve."""
        return "loss = weight·unweighted,  unweighted" if "weight" in self.trace.tensors else "loss"


class BCELoss(_Labelled):
    operator = operators.BCELoss

    def formula(self) -> str:
        if self.facts["hard_targets"]:
            return f"{self.height()} = −log(input) if target = 1, −log(1 − input) if target = 0"
        return f"{self.height()} = −(target·log(input) + (1 − target)·log(1 − input))"

    def curve_name(self, held: dict[str, float]) -> str:
        laws = {1: ":  −log(x)", 0: ":  −log(1 − x)"}
        return super().curve_name(held) + laws.get(held["target"], "")  # type: ignore[call-overload]


class BCEWithLogitsLoss(_Labelled):
    operator = operators.BCEWithLogitsLoss

    def formula(self) -> str:
        factor = "·pos_weight" if "pos_weight" in self.trace.tensors else ""
        if self.facts["hard_targets"]:
            return f"{self.height()} = −log(σ(input)){factor} if target = 1, −log(1 − σ(input)) if target = 0"
        return f"{self.height()} = −(target·log(σ(input)){factor} + (1 − target)·log(1 − σ(input)))"

    def curve_name(self, held: dict[str, float]) -> str:
        laws = {1: "−log σ(x)", 0: "−log(1 − σ(x))"}
        law = laws.get(held["target"], "")  # type: ignore[call-overload]
        factor = plain(held.get("pos_weight", 1.0), self.digits)
        if not law:
            return super().curve_name(held) + (f", p = {factor}" if "pos_weight" in held else "")
        return f"{super().curve_name(held)}:  {law if factor == '1' else law.replace('log', f'{factor}·log')}"

    def reference_name(self) -> str:
        return "−log σ(x)"

    def telling(self, slow: Sequence[int]) -> int:
        if not self.facts["pos_weighted"]:
            return super().telling(slow)
        return max(slow, key=lambda number: self.moment(number) == "one")


class PoissonNLLLoss(ElementwiseLoss):
    operator = operators.PoissonNLLLoss
    tells = "target"

    def formula(self) -> str:
        rate = "exp(input) − target·input" if self.module.log_input else "input − target·log(input)"
        if not self.module.log_input and self.module.eps > 1e-4:
            rate = f"input − target·log(input + ε),  ε = {plain(self.module.eps)}"
        if not self.module.full:
            return f"loss = {rate}"
        return f"loss = {rate} + s,  s = target·log(target) − target + ½·log(2π·target) if target > 1, else 0"

    def curve_name(self, held: dict[str, float]) -> str:
        y = plain(held["target"], self.digits)
        if not self.names_laws:
            return f"y = {y}"
        rate, x = ("e^{x}", "x") if self.module.log_input else ("x", "log(x)")
        if not self.module.log_input and self.module.eps > PLAIN_EPS:
            x = "log(x + ε)"
        factor = "" if held["target"] == 1 else f"{y}·"
        whole = f"{rate} − {factor}{x}" if held["target"] else rate
        return f"y = {y}:  {whole}{' + s' if self.module.full and held['target'] > 1 else ''}"


class GaussianNLLLoss(ElementwiseLoss):
    operator = operators.GaussianNLLLoss
    tells = "var"
    defines = _DIFFERENCE

    def formula(self) -> str:
        var, eps = "var", ""
        if bool((self.trace.sample("var") < self.module.eps).any()):
            var, eps = "max(var, ε)", f",  ε = {plain(self.module.eps)}"
        full = " + ½·log(2π)" if self.module.full else ""
        return f"loss = ½·(log({var}) + difference² / {var}){full}{eps}"

    def curve_name(self, held: dict[str, float]) -> str:
        var, eps = held["var"], self.module.eps
        raised = f" → {plain(eps)}" if var < eps else ""
        return f"σ² = {plain(var, self.digits)}{raised}"

    def parts(self, number: int) -> Sequence[tuple[str, str]]:
        var = "ε" if self.panel.value("var", number) < self.module.eps else "σ²"
        whole = f"ℓ = ½·(a + b){' + ½·log(2π)' if self.module.full else ''}"
        return ("spread", f"a = log({var})"), ("miss", f"b = d² / {var}"), ("", whole)

    def height_name(self) -> str:
        return f"ℓ = ½·(log(σ²) + d² / σ²){' + ½·log(2π)' if self.module.full else ''}"


class SoftMarginLoss(ElementwiseLoss):
    operator = operators.SoftMarginLoss
    tells = "target"
    heads: ClassVar[dict[str, str]] = {"agreement": "target·input"}

    def formula(self) -> str:
        return "loss = log(1 + exp(−agreement)),  agreement = target·input"

    def curve_name(self, held: dict[str, float]) -> str:
        return "log(1 + e^{−z})"

    def cell_color(self, number: int) -> str | None:
        target = self.trace.sample("target")
        index = number % max(1, target.numel())
        return self.look.theme.channel(0 if float(target[index]) > 0 else 1)

    def moment(self, number: int) -> str:
        agreement = self.panel.value("agreement", number)
        return "right" if agreement > 0 else "wrong" if agreement < 0 else "height"


class HingeEmbeddingLoss(_Labelled):
    operator = operators.HingeEmbeddingLoss

    def formula(self) -> str:
        margin = plain(self.module.margin)
        return f"loss = input if target = 1, max(0, m − input) if target = −1,  m = {margin}"

    def curve_name(self, held: dict[str, float]) -> str:
        laws = {1: ":  x", -1: ":  max(0, m − x)"}
        return super().curve_name(held) + laws.get(held["target"], "")  # type: ignore[call-overload]

    def marks(self) -> list[tuple[float, str]]:
        return [(float(self.module.margin), "m")]

    def moment(self, number: int) -> str:
        beyond = self.panel.value("input", number) >= self.module.margin
        is_other = self.panel.value("target", number) == -1
        return "dead" if beyond and is_other else super().moment(number)


class KLDivLoss(ElementwiseLoss):
    operator = operators.KLDivLoss
    heads: ClassVar[dict[str, str]] = {"q": "exp(input)", "p": "exp(target)"}

    @property
    def tells(self) -> str:  # type: ignore[override]
        return "p" if self.module.log_target else "target"

    def formula(self) -> str:
        if self.module.log_target:
            return "loss = p·(target − input),  p = exp(target),  input = log(q)"
        return "loss = target·(log(target) − input),  input = log(q)"

    def height_name(self) -> str:
        return "ℓ = p·log(p / q)" if self.module.log_target else "ℓ = y·log(y / q)"

    def parts(self, number: int) -> Sequence[tuple[str, str]]:
        if self.module.log_target:
            return ("ratio", "b = y − x"), ("", "ℓ = p·b")
        return ("log_y", "a = log(y)"), ("ratio", "b = a − x"), ("", "ℓ = y·b")

    def curve_name(self, held: dict[str, float]) -> str:
        symbol, share = "y", held["target"]
        if self.module.log_target:
            symbol, share = "p", math.exp(min(share, 99.0))
        p = plain(share, self.digits - self.module.log_target)
        law = f":  {p}·log({p} / q)" if self.names_laws and share > 0 else ""
        return f"{symbol} = {p}{law}"

    def moment(self, number: int) -> str:
        q, loss = self.panel.value("q", number), self.panel.value("loss", number)
        target = self.panel.value(self.tells, number)
        return "more" if q < target and loss > 0 else "less" if q > target and loss < 0 else "height"
