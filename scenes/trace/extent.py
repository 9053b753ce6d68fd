"""How large a call would be, before memory is taken: it is made with tensors that have shapes and no numbers."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from torchreel.assets.errors import UserError
from torchreel.scenes.trace.arguments import largest
from torchreel.scenes.trace.lookup import shown

DEFAULT_MEMORY = 10**9

# What the proof of a call takes for each byte that the call reads or makes, and for each byte of its parameters:
# measured on convolutions, paddings, poolings, activations, losses and recurrent networks.
_TRACED, _HELD = 16, 10


class TooLarge(Exception):
    """A call that would take more memory than it may; `size` says how much, and for which tensor."""

    def __init__(self, size: str) -> None:
        super().__init__(size)
        self.size = size


class _Watched(TorchDispatchMode):
    """Every tensor that torch makes, whatever becomes of it."""

    def __init__(self, most: int, taken: int) -> None:
        super().__init__()
        self.most, self.taken, self.weight = most, taken, _HELD

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Torch would import its compiler to be told to skip this mode: a second, for a call that is not compiled."""
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if any(one.alias_info is not None for one in func._schema.returns):
            return result
        for tensor in tree_leaves(result):
            if isinstance(tensor, Tensor):
                self.taken += self.weight * tensor.numel() * tensor.element_size()
                if self.taken > self.most:
                    raise TooLarge(f"about {in_bytes(self.taken)} for {_elements(tensor)}")
        return result


def check_extent(
    name: str,
    settings: Mapping[str, Any],
    inputs: Mapping[str, Tensor],
    build: Callable[[], Any],
    run: Callable[[Any], Any],
    most: int = DEFAULT_MEMORY,
) -> None:
    """Refuse a call of `inputs` without numbers that would take more than `most` bytes to trace, before it is made.

    Raises `UserError`, which names the setting that is to blame.
    """
    try:
        rehearse(build, run, inputs, most)
    except TooLarge as error:
        largest_one = max(settings, key=lambda key: largest(settings[key]), default=None)
        cause, less = "an", ""
        if largest_one is not None:
            cause, less = (
                f"{largest_one}={shown(settings[largest_one])} with an",
                f"{largest_one} or a smaller ",
            )
        raise UserError(
            f"{name}: {cause} input {tuple(next(iter(inputs.values())).shape)} takes {error.size}; "
            f"the limit is {in_bytes(most)}. Use a smaller {less}input, or lift it with --max-memory."
        ) from error


def rehearse(
    build: Callable[[], Any],
    run: Callable[[Any], Any],
    inputs: Mapping[str, Tensor],
    most: int = DEFAULT_MEMORY,
) -> None:
    """Build a module and run it without numbers. Raises `TooLarge`, and whatever `build` raises.

    Some operators of torch look at numbers and cannot be run so: they say nothing here, and the call itself will speak.
    """
    read = sum(tensor.numel() * tensor.element_size() for tensor in inputs.values())
    watched = _Watched(most, _TRACED * read)
    with torch.no_grad(), torch.device("meta"), watched, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            module = build()
        except UserError as error:
            raise _counted(error) from error
        watched.weight = _TRACED
        try:
            run(module)
        except TooLarge:
            raise
        except Exception as error:
            if isinstance(_counted(error), TooLarge):
                raise _counted(error) from error


def in_bytes(size: int) -> str:
    """Bytes for people: `240 MB`, `6.4 GB`."""
    return f"{size / 1e6:.0f} MB" if size < 0.9995e9 else f"{math.ceil(size / 1e8) / 10:.3g} GB"


def _elements(tensor: Tensor) -> str:
    return f"a tensor of {tensor.numel()} elements, {' x '.join(map(str, tensor.shape))}"


def _counted(error: Exception) -> Exception:
    """What torch says of sizes beyond its integers, as `TooLarge`."""
    return TooLarge("more elements than can be counted") if "overflow" in str(error) else error
