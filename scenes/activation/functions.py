"""The functions that are activations."""

from __future__ import annotations

from torchreel.scenes.trace.functions import Arguments, Function


def _prelu(arguments: Arguments) -> Arguments:
    """A weight of no dimensions is that of all channels."""
    return {"num_parameters": arguments["weight"].numel(), "weight": arguments["weight"].reshape(-1)}


_BY_NAME = {
    "ReLU": "relu",
    "ReLU6": "relu6",
    "LeakyReLU": "leaky_relu",
    "RReLU": "rrelu",
    "ELU": "elu",
    "CELU": "celu",
    "SELU": "selu",
    "GELU": "gelu",
    "SiLU": "silu",
    "Mish": "mish",
    "Hardswish": "hardswish",
    "Sigmoid": "sigmoid",
    "Hardsigmoid": "hardsigmoid",
    "LogSigmoid": "logsigmoid",
    "Softplus": "softplus",
    "Tanh": "tanh",
    "Hardtanh": "hardtanh",
    "Softsign": "softsign",
    "Hardshrink": "hardshrink",
    "Softshrink": "softshrink",
    "Tanhshrink": "tanhshrink",
    "Threshold": "threshold",
    "GLU": "glu",
    "Softmax": "softmax",
    "Softmin": "softmin",
    "LogSoftmax": "log_softmax",
}

FUNCTIONS = (
    *(Function(operator, (name,)) for operator, name in _BY_NAME.items()),
    Function("Sigmoid", ("torch.special.expit",)),
    Function("PReLU", ("prelu",), _prelu, state=("weight",)),
)
