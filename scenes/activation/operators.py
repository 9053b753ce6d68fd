"""The activations, as torch declares them."""

from __future__ import annotations

from torch import nn

from torchreel.scenes.activation.adaptive.trace import record_adaptive
from torchreel.scenes.activation.curve.facts import curve_facts
from torchreel.scenes.activation.curve.overview_trace import check_overview, record_overview, run_overview
from torchreel.scenes.activation.curve.trace import record_activation
from torchreel.scenes.activation.glu.trace import record_glu
from torchreel.scenes.activation.inputs import classified
from torchreel.scenes.activation.softmax.trace import record_softmax, softmax_facts
from torchreel.scenes.trace.operator import Operator


def _slices(module: type[nn.Module]) -> Operator:
    symbols = {
        "max": "m",
        "negated": "n",
        "shifted": "d",
        "exp": "e",
        "sum": "s",
        "total": "t",
        "logsumexp": "ℓ",
    }
    return Operator(module, record_softmax, symbols=symbols, facts=softmax_facts)


def _curve(module: type[nn.Module], source: str = "", gate: str = "gate") -> Operator:
    """An element-wise activation; `gate` is what formulas call its gate, if it has one."""
    return Operator(module, record_activation, source=source, symbols={"gate": gate}, facts=curve_facts)


ReLU = _curve(nn.ReLU)
ReLU6 = _curve(nn.ReLU6)
LeakyReLU = _curve(nn.LeakyReLU)
PReLU = _curve(nn.PReLU, "He et al. 2015, Delving Deep into Rectifiers, arXiv:1502.01852")
RReLU = _curve(nn.RReLU, "Xu et al. 2015, Empirical Evaluation of Rectified Activations, arXiv:1505.00853")
ELU = _curve(
    nn.ELU,
    "Clevert et al. 2015, Exponential Linear Units, arXiv:1511.07289",
)
CELU = _curve(nn.CELU, "Barron 2017, Continuously Differentiable Exponential Linear Units, arXiv:1704.07483")
SELU = _curve(nn.SELU, "Klambauer et al. 2017, Self-Normalizing Neural Networks, arXiv:1706.02515")
GELU = _curve(nn.GELU, "Hendrycks and Gimpel 2016, Gaussian Error Linear Units, arXiv:1606.08415", "g")
SiLU = _curve(nn.SiLU, "Elfwing et al. 2017, Sigmoid-Weighted Linear Units, arXiv:1702.03118", "σ(x)")
Mish = _curve(
    nn.Mish,
    "Misra 2019, Mish: A Self Regularized Non-Monotonic Activation Function, arXiv:1908.08681",
    "g",
)
Hardswish = _curve(nn.Hardswish, "Howard et al. 2019, Searching for MobileNetV3, arXiv:1905.02244", "g")
Sigmoid = _curve(nn.Sigmoid)
Hardsigmoid = _curve(nn.Hardsigmoid)
LogSigmoid = _curve(nn.LogSigmoid)
Softplus = _curve(nn.Softplus)
Tanh = _curve(nn.Tanh)
Hardtanh = _curve(nn.Hardtanh)
Softsign = _curve(nn.Softsign)
Hardshrink = _curve(nn.Hardshrink)
Softshrink = _curve(nn.Softshrink)
Tanhshrink = _curve(nn.Tanhshrink, gate="tanh(x)")
Threshold = _curve(nn.Threshold)

GLU = Operator(
    nn.GLU,
    record_glu,
    source="Dauphin et al. 2016, Gated Convolutional Networks, arXiv:1612.08083",
    symbols={"gate": "σ(b)"},
)

Softmax = _slices(nn.Softmax)
Softmin = _slices(nn.Softmin)
Softmax2d = _slices(nn.Softmax2d)
LogSoftmax = _slices(nn.LogSoftmax)

_LOG_SOFTMAX = {"logits": "z", "max": "m", "logsumexp": "s"}
AdaptiveLogSoftmaxWithLoss = Operator(
    nn.AdaptiveLogSoftmaxWithLoss,
    record_adaptive,
    source="Grave et al. 2016, Efficient softmax approximation for GPUs, arXiv:1609.04309",
    symbols={
        **{f"{part}_{name}": symbol for part in ("head", "tail#") for name, symbol in _LOG_SOFTMAX.items()},
        "target": "t",
        "head_logprob": "h",
        "tail#_logprob": "c",
        "tail#_hidden": "u",
        "loss": "L",
    },
    fitting=classified,
)
Activations = Operator(None, record_overview, check=check_overview, run=run_overview, label="Activations")
