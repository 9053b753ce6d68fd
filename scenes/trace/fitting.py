"""Inputs that fit those of the user, as texts that the tensor grammar reads: what a reader could have typed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

Texts = dict[str, "str | None"]
Shape = Sequence[int]


def made(function: str, shape: Shape) -> str:
    """`torch.randn(2, 3)` for `randn` and `(2, 3)`."""
    return f"torch.{function}({', '.join(map(str, shape)) or '()'})"


def drawn(low: int, high: int, shape: Shape) -> str:
    """Whole numbers from `low` to `high - 1`."""
    return f"torch.randint({low}, {high}, {tuple(shape)})"


def filled(value: int, shape: Shape) -> str:
    """The same number everywhere."""
    return f"torch.full({tuple(shape)}, {value})"


def signs(shape: Shape) -> str:
    """1 and -1 by chance."""
    return f"{drawn(0, 2, shape)} * 2 - 1"


def no_fitting(
    settings: Mapping[str, Any], inputs: Mapping[str, Tensor], own: Collection[str]
) -> Mapping[str, str | None]:
    """Every input fits, or torch says what is wrong."""
    return {}


def same_shape(
    settings: Mapping[str, Any], inputs: Mapping[str, Tensor], own: Collection[str]
) -> Mapping[str, str | None]:
    """All inputs have one shape, that of the user's first, or shapes that torch stretches to one another."""
    first = next((name for name in inputs if name in own), None)
    if first is None:
        return {}
    shape = inputs[first].shape
    return {
        name: made("randn", shape)
        for name, one in inputs.items()
        if name not in own and not _go_together(one.shape, shape)
    }


def _go_together(one: Shape, other: Shape) -> bool:
    try:
        torch.broadcast_shapes(one, other)
    except RuntimeError:
        return False
    return True
