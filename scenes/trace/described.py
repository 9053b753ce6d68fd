"""What a call of an example consists of and what of it may be changed, as plain data: for `torchreel info`."""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import Tensor

from torchreel.assets.examples import Example
from torchreel.scenes.trace.arguments import constructor_parameters
from torchreel.scenes.trace.changes import Changes, call_arguments
from torchreel.scenes.trace.operator import Operator


def arguments(operator: Operator) -> list[dict[str, Any]]:
    """The constructor's arguments in order, each with its default as text; a required one has none."""
    given = {} if operator.module is None else constructor_parameters(operator.module)
    return [_argument(name, one) for name, one in given.items()]


def further(operator: Operator) -> list[dict[str, Any]]:
    """Forward's arguments that are no inputs."""
    return [_argument(name, one) for name, one in call_arguments(operator.module).items()]


def names(operator: Operator, example: Example) -> list[str]:
    """The names that `--input` takes; the first is also that of an input without a name."""
    return operator.input_names(example)


def inputs(operator: Operator, example: Example) -> list[dict[str, Any]]:
    """The example's inputs, each with its shape and dtype."""
    found = operator.inputs_of(operator.adapted(example, Changes(), 0), {}, 0)
    return [_tensor(name, tensor) for name, tensor in found.items()]


def parameters(operator: Operator, example: Example) -> list[dict[str, Any]]:
    """The parameters and buffers of the example's module, each with its shape and dtype."""
    with torch.device("meta"):
        module = operator.build(example.kwargs)
    state = {} if module is None else module.state_dict()
    return [_tensor(name, tensor) for name, tensor in state.items()]


def _argument(name: str, parameter: inspect.Parameter) -> dict[str, Any]:
    required = parameter.default is parameter.empty
    return {"name": name, "default": None if required else repr(parameter.default), "required": required}


def _tensor(name: str, tensor: Tensor) -> dict[str, Any]:
    return {
        "name": name,
        "shape": list(tensor.shape),
        "dtype": str(tensor.dtype).removeprefix("torch."),
    }
