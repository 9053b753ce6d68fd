"""How large a call would be, before memory is taken: it is made with tensors that have shapes and no numbers."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from torchreel.assets.errors import UserError

MOST = 1 << 27


class TooLarge(Exception):
    """A tensor of more than `MOST` elements would be made; `size` says of how many, if that can be counted."""

    def __init__(self, size: str) -> None:
        super().__init__(size)
        self.size = size


class _Watched(TorchDispatchMode):
    """Every tensor that torch makes, whatever becomes of it."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, Tensor) and tensor.numel() > MOST:
                raise TooLarge(f"{tensor.numel()} elements, {' x '.join(map(str, tensor.shape))}")
        return result


def rehearse(build: Callable[[], Any], run: Callable[[Any], Any]) -> None:
    """Build a module and run it without numbers. Raises `TooLarge`, and whatever `build` raises.

    Some operators of torch look at numbers and cannot be run so: they say nothing here, and the call itself will speak.
    """
    with torch.no_grad(), torch.device("meta"), _Watched(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            module = build()
        except UserError as error:
            raise _counted(error) from error
        try:
            run(module)
        except TooLarge:
            raise
        except Exception as error:
            if isinstance(_counted(error), TooLarge):
                raise _counted(error) from error


def _counted(error: Exception) -> Exception:
    """What torch says of sizes beyond its integers, as `TooLarge`."""
    return TooLarge("more elements than can be counted") if "overflow" in str(error) else error
