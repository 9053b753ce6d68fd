"""Windows that start and end where a rule says, one axis at a time: what adaptive and fractional pooling share.

Shapes: `B` cells a batch, `K` taps of the longest window, `dims` pooled axes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from torchreel.assets.errors import UserError
from torchreel.scenes.pooling.window.trace import AXES, places_found
from torchreel.scenes.trace.formula import Add, Const, Expr, Lazy, Max, Mul, Ref, Tensors, Token
from torchreel.scenes.trace.formula.tree import Bounded
from torchreel.scenes.trace.proof import Rule
from torchreel.scenes.trace.windows import with_leading

LETTERS = {1: "L", 2: "HW", 3: "DHW"}
"""torch's letters of the pooled sizes."""


def pooled_dims(module: object) -> int:
    """How many dimensions a pooling class pools, which its name says."""
    return int(type(module).__name__[-2])


def kernel_sizes(module: Any) -> tuple[int, ...]:
    """`kernel_size` as one int an axis."""
    size = module.kernel_size
    return tuple(size) if isinstance(size, (tuple, list)) else (size,) * pooled_dims(module)


def check_dimensions(name: str, shape: Sequence[int], dims: int) -> None:
    """Refuse an input that is neither a sample nor a batch, in torch's words."""
    if len(shape) not in (dims + 1, dims + 2):
        raise UserError(
            f"{name}: expected {dims + 1}D or {dims + 2}D (batch mode) input, but got input of size {list(shape)}. "
            f"Give one of shape (C, {', '.join(LETTERS[dims])}) or (N, C, {', '.join(LETTERS[dims])})."
        )


@dataclass(frozen=True, eq=False)
class Whole(Expr):
    """The next whole number, downwards or `up`."""

    arg: Expr
    up: bool = False

    def bounded(self, tensors: Tensors) -> Bounded:
        value = self.arg.evaluate(tensors)
        whole = value.ceil() if self.up else value.floor()
        return Bounded(whole, whole.abs())

    def at(self, position: Callable[[Tensor], Tensor]) -> Whole:
        return Whole(self.arg.at(position), self.up)

    def tokens(self, draw: Callable[[Ref], Token], most: int) -> list[Token]:
        left, right = tuple(self._signs)
        return [Token(left), *self.arg.tokens(draw, most), Token(right)]

    def refs(self) -> Iterator[Ref]:
        return self.arg.refs()

    def symbols(self) -> str:
        return self.arg.symbols().join(self._signs)

    @property
    def _signs(self) -> str:
        return "⌈⌉" if self.up else "⌊⌋"


class Ragged:
    """Windows of several lengths over the last `dims` axes of an input of `shape`.

    `starts` and `ends` hold one int64 tensor an axis, `(*lead, out)`, where `lead` may be no dimensions (all planes
    share their windows) or those in front of the pooled ones.
    """

    def __init__(self, shape: Sequence[int], starts: Sequence[Tensor], ends: Sequence[Tensor]) -> None:
        self.dims = len(starts)
        self.sizes = tuple(shape)[len(shape) - self.dims :]
        self.starts, self.ends = starts, ends
        lengths = [end - start for start, end in zip(starts, ends, strict=True)]
        self.most = tuple(int(length.max()) if length.numel() else 1 for length in lengths)
        self.count = math.prod(self.most)

    def taps(self, cells: Tensor) -> tuple[Tensor, Tensor]:
        """The positions `(B, K, dims)` under the windows, row-major, and which of them are beyond a window's end."""
        first, end = self._at(self.starts, cells), self._at(self.ends, cells)
        axes = [torch.arange(size) for size in self.most]
        offsets = torch.cartesian_prod(*axes).reshape(-1, self.dims)
        taps = first[:, None, :] + offsets
        return taps, (taps >= end[:, None, :]).any(-1)

    def read(self, cells: Tensor, fill: float) -> Ref:
        """The values of `input` under the windows."""
        taps, beyond = self.taps(cells)
        lead = [cells[:, axis] for axis in range(cells.shape[1] - self.dims)]
        return Ref("input", with_leading(lead, taps), fill=fill, skip=beyond)

    def _at(self, marks: Sequence[Tensor], cells: Tensor) -> Tensor:
        """One mark an axis for every cell, `(B, dims)`."""
        lead = cells.shape[1] - self.dims
        return torch.stack(
            [
                mark[(*cells[:, : mark.ndim - 1].unbind(-1), cells[:, lead + axis])]
                for axis, mark in enumerate(marks)
            ],
            -1,
        )


class RaggedMaxima:
    """The maximum of each window, and the place it stood in.

    `row` and `column` (and `depth`), int64 of the output's shape, are found by comparing the window's values; torch's
    flat `indices` are proved from them.
    """

    def __init__(self, source: Tensor, output: Tensor, indices: Tensor | None, windows: Ragged) -> None:
        self.source, self.output, self.indices, self.windows = source, output, indices, windows
        self.names = AXES[-windows.dims :]

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of torch's results."""
        return ("output",) if self.indices is None else ("output", "indices")

    def tensors(self) -> dict[str, Tensor | Lazy]:
        """The places, and torch's results."""
        places = places_found(self.output.shape, self._winner, self.windows.count, self.windows.dims)
        results = (
            {"output": self.output}
            if self.indices is None
            else {"indices": self.indices, "output": self.output}
        )
        return {**places, **results}

    def rules(self) -> list[Rule]:
        """How the results come about."""
        largest = Rule("output", lambda cells: Max(self.windows.read(cells, -math.inf)))
        return [largest] if self.indices is None else [largest, Rule("indices", self._flat)]

    def _flat(self, cells: Tensor) -> Expr:
        """indices: the winner's place counted row by row over one plane of the input."""
        flat: Expr = Ref(self.names[0], cells)
        for name, size in zip(self.names[1:], self.windows.sizes[1:], strict=True):
            flat = Add((Mul((flat, Const(size))), Ref(name, cells)))
        return flat

    def _winner(self, cells: Tensor) -> Tensor:
        """The places `(B, dims)` of the winners, by torch's comparison.

        The first of equals wins, NaN beats everything, the last of several NaN stays.
        """
        taps, _ = self.windows.taps(cells)
        values = self.windows.read(cells, -math.inf).evaluate({"input": self.source})
        last_nan = torch.where(values.isnan(), torch.arange(taps.shape[1]), -1).amax(-1)
        best = values.nan_to_num(-math.inf, math.inf, -math.inf).argmax(-1)
        return taps[torch.arange(len(taps)), torch.where(last_nan >= 0, last_nan, best)]
