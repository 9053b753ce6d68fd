"""Element-wise activations: every element rides the curve alone, and its slope says what learning gets from it."""

from __future__ import annotations

from typing import Any

from torch import nn

from torchreel.scenes.families.activation.laws import plain
from torchreel.scenes.families.activation.scene import ActivationScene
from torchreel.scenes.families.activation.trace import record_activation
from torchreel.scenes.operator import Operator


class ReLU(ActivationScene):
    operator = Operator(nn.ReLU, record_activation)


class ReLU6(ActivationScene):
    operator = Operator(nn.ReLU6, record_activation)


class LeakyReLU(ActivationScene):
    operator = Operator(nn.LeakyReLU, record_activation)


class PReLU(ActivationScene):
    """Each channel may have a slope of its own."""

    operator = Operator(nn.PReLU, record_activation)

    def values(self) -> dict[str, object]:
        slopes = [plain(value) for value in self.trace.sample("weight", 9).tolist()]
        return {**super().values(), "weight": slopes[0], "weights": f"[{', '.join(slopes)}]"}

    def numbers_of(self, row: int) -> dict[str, object]:
        channel = self.board.curve(row)
        weight = plain(self.trace.value("weight", (channel,)))
        return {**super().numbers_of(row), "channel": channel, "weight": weight}


class RReLU(ActivationScene):
    """In training, slopes are random; their mean is what evaluation uses."""

    operator = Operator(nn.RReLU, record_activation)

    def settings(self) -> dict[str, float]:
        module: Any = self.trace.module
        return {**super().settings(), "mean": (module.lower + module.upper) / 2}


class _Saturating(ActivationScene):
    """The negative side comes to a limit."""

    def settings(self) -> dict[str, float]:
        module: Any = self.trace.module
        return {**super().settings(), "limit": -float(module.alpha)}


class ELU(_Saturating):
    operator = Operator(nn.ELU, record_activation)


class CELU(_Saturating):
    """Beside it stands ReLU where it is an ELU, otherwise the ELU that has a corner."""

    operator = Operator(nn.CELU, record_activation)

    def aha(self) -> str:
        module: Any = self.trace.module
        return "aha" if module.alpha == 1 else "aha_bent"


class SELU(ActivationScene):
    operator = Operator(nn.SELU, record_activation)


class GELU(ActivationScene):
    operator = Operator(nn.GELU, record_activation)


class SiLU(ActivationScene):
    operator = Operator(nn.SiLU, record_activation)


class Mish(ActivationScene):
    operator = Operator(nn.Mish, record_activation)


class Hardswish(ActivationScene):
    operator = Operator(nn.Hardswish, record_activation)


class Sigmoid(ActivationScene):
    operator = Operator(nn.Sigmoid, record_activation)


class Hardsigmoid(ActivationScene):
    operator = Operator(nn.Hardsigmoid, record_activation)


class LogSigmoid(ActivationScene):
    operator = Operator(nn.LogSigmoid, record_activation)


class Softplus(ActivationScene):
    operator = Operator(nn.Softplus, record_activation)


class Tanh(ActivationScene):
    operator = Operator(nn.Tanh, record_activation)


class Hardtanh(ActivationScene):
    operator = Operator(nn.Hardtanh, record_activation)


class Softsign(ActivationScene):
    operator = Operator(nn.Softsign, record_activation)


class Hardshrink(ActivationScene):
    operator = Operator(nn.Hardshrink, record_activation)


class Softshrink(ActivationScene):
    operator = Operator(nn.Softshrink, record_activation)


class Tanhshrink(ActivationScene):
    operator = Operator(nn.Tanhshrink, record_activation)


class Threshold(ActivationScene):
    operator = Operator(nn.Threshold, record_activation)
