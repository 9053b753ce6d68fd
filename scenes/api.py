"""torchreel from Python: the proved trace of any call of a supported module."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from torchreel.assets.errors import UserError
from torchreel.scenes import catalogue
from torchreel.scenes.trace.calling import first_line
from torchreel.scenes.trace.operator import Operator
from torchreel.scenes.trace.proof import Trace


def trace(module: nn.Module, *inputs: Any, **kwargs: Any) -> Trace:
    """What `module(*inputs, **kwargs)` computes, as checked data: tensors, and the rule by which each was filled.

    The call is run on copies, so that the module's parameters, buffers and hooks, the inputs and torch's random state
    stay as they are; `trace.output` is what the call returns, in the same structure. Any valid call of a supported
    class is taken: batched or not, any sizes and settings, train and eval, floating-point type and special values.

    Raises `torchreel.UserError` for a class that is not supported and for a call that torch refuses, and
    `torchreel.TraceError` for one whose steps do not add up to torch's result; no other exception.
    """
    operator = supported(module)
    named, rest = _bound(operator.name, module, inputs, kwargs)
    for name, value in {**named, **rest}.items():
        _check_tensor(operator.name, name, value)
    return operator.trace_call(module, named, rest)


def supported(module: Any) -> Operator:
    """The operator of a module's class; a class that has none is a `UserError` that says which are near."""
    if not isinstance(module, nn.Module):
        given = getattr(module, "__name__", None) or type(module).__name__
        raise UserError(f"trace expects a torch.nn module such as nn.Conv2d(1, 1, 3), not {given}.")
    kind, known = type(module), catalogue.names_known()
    operator = catalogue.operator(kind.__name__) if kind.__name__ in known else None
    if operator is None or operator.module is not kind:
        raise UserError(_unsupported(kind, [name for name in known if hasattr(nn, name)]))
    return operator


def _unsupported(kind: type, known: list[str]) -> str:
    name = kind.__name__
    if kind.__module__.startswith("torch.nn."):
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
        hint = f" Near: {', '.join(near)}." if near else ""
        return f"nn.{name} is not supported.{hint} 'torchreel list' shows all {len(known)}."
    bases = [base.__name__ for base in kind.__mro__[1:] if base.__name__ in known]
    hint = (
        f" Trace its parts, or an nn.{bases[0]} itself."
        if bases
        else " Trace the torch.nn modules it is made of."
    )
    return f"{name} is a class of its own: what its forward adds is unknown.{hint}"


def _bound(
    name: str, module: nn.Module, inputs: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The arguments by forward's names: those given in order or required, and the further ones given by name."""
    signature = inspect.signature(type(module).forward)
    try:
        bound = signature.bind(module, *inputs, **kwargs)
    except TypeError as error:
        raise UserError(f"{name}: {first_line(error)}") from error
    given = dict(list(bound.arguments.items())[1:])
    leading = [
        key
        for key in given
        if key not in kwargs or signature.parameters[key].default is inspect.Parameter.empty
    ]
    return {key: given[key] for key in leading}, {key: given[key] for key in given if key not in leading}


def _check_tensor(operator: str, name: str, value: Any) -> None:
    if not isinstance(value, Tensor):
        return
    if value.device.type != "cpu" or value.is_quantized or value.is_complex() or value.is_sparse:
        kind = f"{value.layout} {value.dtype} on {value.device}"
        raise UserError(
            f"{operator}: {name} should be a dense tensor of real numbers on the CPU, not {kind}."
        )
