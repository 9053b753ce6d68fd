"""Calling a module without leaving a trace on it: its parameters, buffers, hooks and torch's random state stay."""

from __future__ import annotations

import copy
import warnings
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from torchreel.assets.errors import UserError

Inputs = Mapping[str, Any]
Run = Callable[[Any, Inputs, Mapping[str, Any]], Any]
T = TypeVar("T")


@dataclass(frozen=True)
class Call:
    """One finished torch call.

    `module` is as it was before the call, `after` a copy as the call left it (running statistics). `inputs` are
    forward's arguments by name, `call` the further keyword arguments, `kwargs` the constructor's where they are known,
    `output` is torch's return value, `state` torch's random state before the call.
    """

    module: Any
    inputs: Inputs
    kwargs: Mapping[str, Any]
    call: Mapping[str, Any]
    output: Any
    after: Any = None
    state: Tensor | None = None

    def replay(self, function: Callable[[], T]) -> T:
        """What `function` returns where torch's random numbers are those that the call drew."""
        with torch.random.fork_rng(devices=[]), torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if self.state is not None:
                torch.set_rng_state(self.state)
            return function()


def forward(module: Any, inputs: Inputs, call: Mapping[str, Any]) -> Any:
    """The plain call."""
    return module(*inputs.values(), **call)


def finished(
    name: str,
    module: nn.Module | None,
    inputs: Inputs,
    call: Mapping[str, Any],
    kwargs: Mapping[str, Any],
    run: Run = forward,
) -> Call:
    """Run a copy of `module` on copies of `inputs`, so that nothing the caller owns changes.

    Whatever torch raises is a `UserError` in torch's words, headed by `name`.
    """
    given = {key: plain(value) for key, value in inputs.items()}
    state = torch.get_rng_state()
    with torch.random.fork_rng(devices=[]), torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            after = bare(module)
            output = run(after, {key: plain(value) for key, value in given.items()}, call)
        except UserError:
            raise
        except Exception as error:
            raise UserError(f"{name}: {first_line(error)}") from error
    return Call(module, given, kwargs, call, output, after, state)


def bare(module: nn.Module | None) -> Any:
    """A copy of a module without its hooks, which belong to the caller and may change what it returns."""
    copied = copy.deepcopy(module)
    for part in copied.modules() if copied is not None else ():
        for name, hooks in vars(part).items():
            if name.endswith("_hooks") and isinstance(hooks, dict):
                setattr(part, name, OrderedDict())
    return copied


def plain(value: Any) -> Any:
    """A copy of an argument, tensors in tuples, lists and packed sequences included, that needs no gradient."""
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, tuple):
        parts = [plain(part) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    return [plain(part) for part in value] if isinstance(value, list) else value


def first_line(error: BaseException) -> str:
    """What an error says, in one line with a full stop."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".") + "."
