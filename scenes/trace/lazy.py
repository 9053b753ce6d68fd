"""Lazy modules at their first call: they find their sizes, draw their parameters and become what they stand for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn
from torch.nn.modules.lazy import LazyModuleMixin

from torchreel.assets.errors import UserError
from torchreel.scenes.trace.arguments import constructor_parameters
from torchreel.scenes.trace.calling import aside, first_line
from torchreel.scenes.trace.copying import copied

_HOOKS = ("_initialize_hook", "_load_hook")


def materialized(
    module: nn.Module, inputs: tuple[Any, ...], call: Mapping[str, Any]
) -> tuple[nn.Module, dict[str, Any]]:
    """What a lazy module becomes when `module(*inputs, **call)` begins, and the constructor arguments that it found.

    `nn.LazyLinear(5)` called with an input of 20 features gives a copy, `nn.Linear(20, 5)`, and `{"in_features": 20}`.
    Its parameters are those that the call would have drawn from torch's random state, which stays where it was, as the
    caller's module does. One that has its parameters already (loaded, or initialised by hand) keeps them. A module that
    is not lazy is returned itself, and found nothing. What torch refuses is a `UserError`.
    """
    if not isinstance(module, LazyModuleMixin):
        return module, {}
    name = type(module).__name__
    with aside():
        try:
            became = copied(module)
            became.initialize_parameters(*inputs, **call)
        except Exception as error:
            raise UserError(f"{name}: {first_line(error)}") from error
    if became.has_uninitialized_params():
        raise UserError(f"{name}: its parameters are still uninitialized after initialize_parameters.")
    for hook in _HOOKS:
        if hook in vars(became):
            vars(became).pop(hook).remove()
    if became.cls_to_become is not None:
        became.__class__ = became.cls_to_become
    return became, _found(module, became)


def _found(module: nn.Module, became: nn.Module) -> dict[str, Any]:
    """The constructor arguments that are others than before."""
    names = [name for name in constructor_parameters(type(became)) if name in vars(became)]
    return {name: value for name in names if (value := getattr(became, name)) != getattr(module, name)}
