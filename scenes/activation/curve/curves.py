"""Element-wise activations: every element finds its output on the curve, alone."""

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

    def numbers_of(self, row: int) -> dict[str, object]:
        weight = plain(self.trace.value("weight", (self.board.channel(row),)))
        return {**super().numbers_of(row), "weight": weight}

    def notes(self) -> list[str]:
        drawn, channels = len(self.board.channels), self.trace.shape("weight")[0]
        part = [self.words("slopes", drawn=drawn, channels=channels)] if drawn < channels else []
        return [*super().notes(), *part]


class RReLU(ActivationScene):
    """In training, slopes are random; their mean is what evaluation uses."""

    operator = operators.RReLU

    def call(self) -> list[tuple[str, bool]]:
        """The constructor call, and that the module was set to eval mode."""
        module: Any = self.trace.module
        return [*super().call(), *([] if module.training else [(".eval()", True)])]

    def settings(self) -> dict[str, float]:
        module: Any = self.trace.module
        return {**super().settings(), "mean": (module.lower + module.upper) / 2}

    def numbers_of(self, row: int) -> dict[str, object]:
        drawn = self.text("a", self.board.value("a", row)) if self.board.draws else ""
        return {**super().numbers_of(row), "a": drawn}


class _Saturating(ActivationScene):
    """The negative side comes to a limit."""

    def settings(self) -> dict[str, float]:
        module: Any = self.trace.module
        return {**super().settings(), "limit": -float(module.alpha)}


class ELU(_Saturating):
    operator = operators.ELU


class CELU(_Saturating):
    operator = operators.CELU


class SELU(ActivationScene):
    """What it keeps of a standard normal input stands below the graph."""

    operator = operators.SELU

    def notes(self) -> list[str]:
        (mean, variance), (after, spread) = self.trace.tensors["moments"].tolist()  # type: ignore[union-attr]
        numbers = {
            name: f"{value:z.2f}".rstrip("0").rstrip(".")
            for name, value in zip(
                ("mean", "after", "variance", "spread"), (mean, after, variance, spread), strict=True
            )
        }
        return [*super().notes(), self.words("moments", **numbers)]


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
