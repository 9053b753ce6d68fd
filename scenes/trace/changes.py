"""What a reader changes of an example: settings, inputs by name, arguments of the call, weights, the mode.

Which names there are is what the class's `forward` says; what the changes leave unfit is made anew from the seed by
what the family declares as `fitting`, as a text that the reader could have typed.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from torchreel.assets.errors import UserError
from torchreel.scenes.trace.decoding import decode_state
from torchreel.scenes.trace.extent import DEFAULT_MEMORY
from torchreel.scenes.trace.files import File
from torchreel.scenes.trace.lookup import listed, shown

Fitting = Callable[[Mapping[str, Any], Mapping[str, Tensor], Collection[str]], Mapping[str, "str | None"]]
"""Given the settings, all inputs and the names of those that are to stay: what the others are to be, as texts of the
tensor grammar, where they do not fit those that stay; None for one to be left out."""

_SIZES = ("list", "tuple")


@dataclass(frozen=True)
class Changes:
    """What a user changes of an example; nothing is changed by default.

    `first` is the first input, `inputs` are further ones by name, as texts or files. `call` are forward's further
    arguments, `state` a file of parameters, `train` the mode, `most` the bytes that the call may take.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    first: str | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)
    call: Mapping[str, Any] = field(default_factory=dict)
    state: File | None = None
    train: bool | None = None
    most: int = DEFAULT_MEMORY

    @property
    def has_inputs(self) -> bool:
        """Whether there are inputs of the user's own."""
        return self.first is not None or bool(self.inputs)

    @property
    def has_sizes(self) -> bool:
        """Whether something is changed that sizes follow from."""
        return self.has_inputs or bool(self.settings) or bool(self.call)

    def shown(self) -> str:
        """The settings as the user knows them, the first few."""
        return ", ".join(f"{name}={shown(value)}" for name, value in list(self.settings.items())[:3])


def tensor_arguments(module: type[nn.Module] | None) -> list[str]:
    """The names of forward's arguments that are tensors, in order."""
    return [name.rstrip("_") for name, one in _parameters(module).items() if "Tensor" in str(one.annotation)]


def call_arguments(module: type[nn.Module] | None) -> dict[str, inspect.Parameter]:
    """Forward's further arguments by name."""
    return {
        name: one
        for name, one in _parameters(module).items()
        if one.default is not one.empty and "Tensor" not in str(one.annotation) and name != "hx"
    }


def _parameters(module: type[nn.Module] | None) -> dict[str, inspect.Parameter]:
    return {} if module is None else dict(list(inspect.signature(module.forward).parameters.items())[1:])


def check_names(operator: str, given: Collection[str], known: Sequence[str]) -> None:
    """Refuse inputs by names that a call does not have."""
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise UserError(f"{operator} has no input {name!r}.{hint} It takes {listed(known)}.")


def read_call(operator: str, module: type[nn.Module] | None, given: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of forward as it takes them; a single number counts as a size of one dimension. Raises `UserError`."""
    known = call_arguments(module)
    for name in given:
        if name not in known:
            if name in tensor_arguments(module):
                raise UserError(f"{operator}: {name} is an input; give it with --input {name}=….")
            takes = f"It takes {listed(known)}." if known else "Its forward takes inputs only; see --input."
            raise UserError(f"{operator}: --call has no argument {name!r}. {takes}")
    return {name: _as_taken(known[name], value) for name, value in given.items()}


def _as_taken(parameter: inspect.Parameter, value: Any) -> Any:
    is_size = any(kind in str(parameter.annotation).lower() for kind in _SIZES)
    return (value,) if is_size and isinstance(value, int) and not isinstance(value, bool) else value


def load_state(operator: str, module: nn.Module | None, file: File) -> str:
    """Put a file's parameters and buffers into a module; what is to be known of it, such as those it does not hold.

    Raises `UserError` in torch's words for names that the module does not have and for sizes that differ.
    """
    held = decode_state(file)
    own = {} if module is None else module.state_dict()
    unexpected = [name for name in held if name not in own]
    if unexpected or not own:
        takes = f"It takes {listed(own)}." if own else "It has no parameters."
        raise UserError(f"{operator}: unexpected key(s) in state_dict: {listed(unexpected, 5)}. {takes}")
    for name, tensor in held.items():
        if tensor.shape != own[name].shape:
            raise UserError(
                f"{operator}: size mismatch for {name}: the file has {tuple(tensor.shape)}, the module of this call "
                f"{tuple(own[name].shape)}. Change its sizes with --set."
            )
        with torch.no_grad():
            own[name].copy_(tensor)
    missing = [name for name in own if name not in held]
    return f"{file} has no {listed(missing, 5)}: kept as in the example" if missing else ""
