"""What the calls of all families are drawn from."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias, TypeVar

import torch
from hypothesis import strategies as st
from torch import Tensor, nn

Draw: TypeAlias = st.DrawFn
Shape: TypeAlias = tuple[int, ...]
T = TypeVar("T")

FLOATS = (torch.float32, torch.float64, torch.bfloat16)
SHORT = (*FLOATS, torch.float16)
SPECIAL = (math.nan, math.inf, -math.inf, 0.0, -0.0, 1.0, -1.0, 30.0, -100.0)


class Call(NamedTuple):
    """`module(*inputs, **kwargs)`."""

    module: nn.Module
    inputs: tuple[Any, ...]
    kwargs: dict[str, Any] = {}  # noqa: RUF012


Make: TypeAlias = Callable[[Draw], Call]


def one(draw: Draw, *values: T) -> T:
    return draw(st.sampled_from(values))


def flag(draw: Draw) -> bool:
    return draw(st.booleans())


def sizes(draw: Draw, count: int, low: int, high: int) -> Shape:
    return tuple(draw(st.integers(low, high)) for _ in range(count))


def generator(draw: Draw) -> torch.Generator:
    return torch.Generator().manual_seed(draw(st.integers(0, 999)))


def numbers(
    draw: Draw,
    shape: Shape,
    dtype: torch.dtype = torch.float32,
    scales: tuple[float, ...] = (1.0, 3.0, 1e-9, 1e4),
    special: tuple[float, ...] = SPECIAL,
) -> Tensor:
    """Random numbers of one size or another; some tensors hold special values, some have strides of their own."""
    random = generator(draw)
    x = torch.randn(shape, generator=random, dtype=torch.float64) * one(draw, *scales)
    if flag(draw):
        chosen = torch.rand(shape, generator=random) < 0.3
        values = torch.tensor(special, dtype=torch.float64)
        x = torch.where(chosen, values[torch.randint(len(special), shape, generator=random)], x)
    x = x.to(dtype)
    return x.transpose(0, -1).contiguous().transpose(0, -1) if shape and flag(draw) else x


def shares(draw: Draw, shape: Shape, dtype: torch.dtype = torch.float32) -> Tensor:
    """Numbers from 0 up to 1."""
    return torch.rand(shape, generator=generator(draw)).to(dtype)


def whole(draw: Draw, shape: Shape, low: int, high: int) -> Tensor:
    """Whole numbers from `low` up to, but not with, `high`."""
    return torch.randint(low, high, shape, generator=generator(draw))


def filled(draw: Draw, module: nn.Module) -> nn.Module:
    """The module with parameters drawn anew."""
    random = generator(draw)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.empty_like(parameter).uniform_(-1, 1, generator=random))
    return module
