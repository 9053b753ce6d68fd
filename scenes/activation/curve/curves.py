"""Element-wise activations: every element rides the curve alone, and its slope says what learning gets from it."""

from __future__ import annotations

from typing import Any

from torchreel.scenes.activation import operators
from torchreel.scenes.activation.curve.laws import plain
from torchreel.scenes.activation.curve.story import ActivationScene


class ReLU(ActivationScene):
    operator = operators.ReLU


class ReLU6(ActivationScene):
    operator = operators.ReLU6


class LeakyReLU(ActivationScene):
    operator = operators.LeakyReLU


class PReLU(ActivationScene):
    """Each channel may have a slope of its own."""

    operator = operators.PReLU

    def values(self) -> dict[str, object]:
        slopes = [plain(value) for value in self.trace.sample("weight", 9).tolist()]
        return {**super().values(), "weight": slopes[0], "weights": f"[{', '.join(slopes)}]"}

    def numbers_of(self, row: int) -> dict[str, object]:
        channel = self.board.curve(row)
        weight = plain(self.trace.value("weight", (channel,)))
        return {**super().numbers_of(row), "channel": channel, "weight": weight}


class RReLU(ActivationScene):
    """In training, slopes are random; their mean is what evaluation uses."""

    operator = operators.RReLU

    def settings(self) -> dict[str, float]:
        module: Any = self.trace.module
        return {**super().settings(), "mean": (module.lower + module.upper) / 2}


class _Saturating(ActivationScene):
    """The negative side comes to a limit."""

    def settings(self) -> dict[str, float]:
        module: Any = self.trace.module
        return {**super().settings(), "limit": -float(module.alpha)}


class ELU(_Saturating):
    operator = operators.ELU


class CELU(_Saturating):
    """Beside it stands ReLU where it is an ELU, otherwise the ELU that has a corner."""

    operator = operators.CELU

    def aha(self) -> str:
        module: Any = self.trace.module
        return "aha" if module.alpha == 1 else "aha_bent"


class SELU(ActivationScene):
    operator = operators.SELU


class GELU(ActivationScene):
    operator = operators.GELU


class SiLU(ActivationScene):
    operator = operators.SiLU


class Mish(ActivationScene):
    operator = operators.Mish


class Hardswish(ActivationScene):
    operator = operators.Hardswish


class Sigmoid(ActivationScene):
    operator = operators.Sigmoid


class Hardsigmoid(ActivationScene):
    operator = operators.Hardsigmoid


class LogSigmoid(ActivationScene):
    operator = operators.LogSigmoid


class Softplus(ActivationScene):
    operator = operators.Softplus


class Tanh(ActivationScene):
    operator = operators.Tanh


class Hardtanh(ActivationScene):
    operator = operators.Hardtanh


class Softsign(ActivationScene):
    operator = operators.Softsign


class Hardshrink(ActivationScene):
    operator = operators.Hardshrink


class Softshrink(ActivationScene):
    operator = operators.Softshrink


class Tanhshrink(ActivationScene):
    operator = operators.Tanhshrink


class Threshold(ActivationScene):
    operator = operators.Threshold
