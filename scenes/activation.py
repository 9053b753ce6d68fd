"""Element-wise activations: every element rides the curve alone, and its slope says what learning gets from it."""

from __future__ import annotations

from typing import Any

from torch import nn

from torchreel.scenes.activation_laws import plain
from torchreel.scenes.activation_scene import ActivationScene
from torchreel.scenes.activation_trace import record_activation
from torchreel.scenes.operator import Operator

_DOCS = "https://docs.pytorch.org/docs/stable/generated/torch.nn."


def _operator(module: type[nn.Module]) -> Operator:
    return Operator(module, record_activation, "activation", f"{_DOCS}{module.__name__}.html")


class ReLU(ActivationScene):
    operator = _operator(nn.ReLU)


class ReLU6(ActivationScene):
    operator = _operator(nn.ReLU6)


class LeakyReLU(ActivationScene):
    operator = _operator(nn.LeakyReLU)


class PReLU(ActivationScene):
    """Each channel may have a slope of its own."""

    operator = _operator(nn.PReLU)

    def values(self) -> dict[str, object]:
        slopes = [plain(value) for value in self.trace.sample("weight", 9).tolist()]
        return {**super().values(), "weight": slopes[0], "weights": f"[{', '.join(slopes)}]"}

    def numbers_of(self, row: int) -> dict[str, object]:
        channel = self.board.curve(row)
        weight = plain(self.trace.value("weight", (channel,)))
        return {**super().numbers_of(row), "channel": channel, "weight": weight}


class RReLU(ActivationScene):
    """In training, slopes are random; their mean is what evaluation uses."""

    operator = _operator(nn.RReLU)

    def settings(self) -> dict[str, float]:
        module: Any = self.trace.module
        return {**super().settings(), "mean": (module.lower + module.upper) / 2}


class _Saturating(ActivationScene):
    """The negative side comes to a limit."""

    def settings(self) -> dict[str, float]:
        module: Any = self.trace.module
        return {**super().settings(), "limit": -float(module.alpha)}


class ELU(_Saturating):
    operator = _operator(nn.ELU)


class CELU(_Saturating):
    """Beside it stands ReLU where it is an ELU, otherwise the ELU that has a corner."""

    operator = _operator(nn.CELU)

    def aha(self) -> str:
        module: Any = self.trace.module
        return "aha" if module.alpha == 1 else "aha_bent"


class SELU(ActivationScene):
    operator = _operator(nn.SELU)


class GELU(ActivationScene):
    operator = _operator(nn.GELU)


class SiLU(ActivationScene):
    operator = _operator(nn.SiLU)


class Mish(ActivationScene):
    operator = _operator(nn.Mish)


class Hardswish(ActivationScene):
    operator = _operator(nn.Hardswish)


class Sigmoid(ActivationScene):
    operator = _operator(nn.Sigmoid)


class Hardsigmoid(ActivationScene):
    operator = _operator(nn.Hardsigmoid)


class LogSigmoid(ActivationScene):
    operator = _operator(nn.LogSigmoid)


class Softplus(ActivationScene):
    operator = _operator(nn.Softplus)


class Tanh(ActivationScene):
    operator = _operator(nn.Tanh)


class Hardtanh(ActivationScene):
    operator = _operator(nn.Hardtanh)


class Softsign(ActivationScene):
    operator = _operator(nn.Softsign)


class Hardshrink(ActivationScene):
    operator = _operator(nn.Hardshrink)


class Softshrink(ActivationScene):
    operator = _operator(nn.Softshrink)


class Tanhshrink(ActivationScene):
    operator = _operator(nn.Tanhshrink)


class Threshold(ActivationScene):
    operator = _operator(nn.Threshold)
