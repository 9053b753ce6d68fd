"""What adaptive pooling computes: windows cut so that there are as many as asked for, and their maxima or means."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from torchreel.assets.errors import UserError
from torchreel.scenes.pooling.adaptive.windows import (
    LETTERS,
    Ragged,
    RaggedMaxima,
    Whole,
    check_dimensions,
    pooled_dims,
)
from torchreel.scenes.pooling.window.average_trace import quotient
from torchreel.scenes.pooling.window.trace import arguments
from torchreel.scenes.trace.formula import Add, Const, Div, Expr, Mul, Ref, Rounded, Sub, Sum
from torchreel.scenes.trace.operator import Call, Inputs, Recording, Settings
from torchreel.scenes.trace.proof import Rule

_FLOAT32_TOLERANCE, _HALF_TOLERANCE = 1.3e-6, 1e-3


def record_adaptive_max_pool(call: Call) -> Recording:
    """Tensors and rules of an adaptive max pooling of input `(N, C, *spatial)` or `(C, *spatial)`.

    `start_H` and `end_H` `(H_out,)`, likewise for `W`, `D` or `L`, say which cells each window covers: the length is
    cut into as many equal parts as there are outputs, at `cut_H` `(H_out + 1,)`, and the cuts are rounded outwards. `i`
    counts the outputs.
    """
    returned = call.output if isinstance(call.output, tuple) else (call.output, None)
    cuts = _Cuts(call, returned[0])
    largest = RaggedMaxima(cuts.source, returned[0], returned[1], cuts.windows)
    tensors = {**cuts.tensors(), **largest.tensors()}
    return Recording(tensors, (*cuts.rules(), *largest.rules()), largest.outputs)


def record_adaptive_average_pool(call: Call) -> Recording:
    """The same for means; `count` `(*out)` is how many cells each window covers."""
    cuts = _Cuts(call, call.output)
    count = torch.ones((), dtype=torch.int64)
    for start, end in zip(cuts.starts, cuts.ends, strict=True):
        count = count[..., None] * (end - start)
    tensors = {**cuts.tensors(), "count": count, "output": call.output}
    rules = (*cuts.rules(), Rule("count", cuts.count), Rule("output", _mean(cuts, tensors)))
    return Recording(tensors, rules)


def _mean(cuts: _Cuts, tensors: dict[str, Tensor]) -> Callable[[Tensor], Expr]:
    lead, growth = cuts.source.ndim - cuts.dims, _growth(cuts, tensors["output"].dtype)

    def mean(cells: Tensor) -> Expr:
        total = Sum(cuts.windows.read(cells, 0.0))
        shown = quotient(tensors, "output", cells, total, Ref("count", cells[:, lead:]))
        return shown if growth <= 1 else Rounded(shown, Mul((shown, Const(growth))))

    return mean


def _growth(cuts: _Cuts, dtype: torch.dtype) -> float:
    """How much more than one rounding torch's sum of a window may be off.

    torch adds one value after the other, in float32 at least, except in three dimensions, where half types are added
    up as they are and lose their small addends.
    """
    count, unit = cuts.windows.count, torch.finfo(dtype).eps / 2
    if dtype in (torch.float16, torch.bfloat16):
        return count * unit / _HALF_TOLERANCE if cuts.dims == 3 else 1.0
    return 2 * math.sqrt(count) * unit / _FLOAT32_TOLERANCE


class _Cuts:
    """Where the windows of one call start and end, the same ones in every plane."""

    def __init__(self, call: Call, output: Tensor) -> None:
        self.source, self.dims = arguments(call)["input"], pooled_dims(call.module)
        self.letters = LETTERS[self.dims]
        self.sizes, self.outs = self.source.shape[-self.dims :], output.shape[-self.dims :]
        pairs = [_cut(size, out) for size, out in zip(self.sizes, self.outs, strict=True)]
        self.starts, self.ends = [start for start, _ in pairs], [end for _, end in pairs]
        self.windows = Ragged(self.source.shape, self.starts, self.ends)

    def tensors(self) -> dict[str, Tensor]:
        """The input, the sizes, and the cuts of each axis."""
        named = {"input": self.source, "i": torch.arange(max(self.outs) + 1)}
        for axis, letter in enumerate(self.letters):
            named[letter] = torch.tensor(self.sizes[axis])
            named[f"{letter}_out"] = torch.tensor(self.outs[axis])
            cuts = torch.arange(self.outs[axis] + 1 if self.outs[axis] else 0) * self.sizes[axis]
            named[f"cut_{letter}"] = cuts.to(torch.float64) / self.outs[axis]
            named[f"start_{letter}"], named[f"end_{letter}"] = self.starts[axis], self.ends[axis]
        return named

    def rules(self) -> list[Rule]:
        """The cuts of each axis: the length in equal parts, rounded outwards to whole cells."""
        rules = []
        for letter in self.letters:
            rules.append(Rule(f"cut_{letter}", partial(_cut_at, letter, 0)))
            rules.append(Rule(f"start_{letter}", partial(_start, letter)))
            rules.append(Rule(f"end_{letter}", partial(_end, letter)))
        return rules

    def count(self, cells: Tensor) -> Expr:
        """count: the sides of the window multiplied."""
        sides = [
            Sub(*(Ref(f"{name}_{letter}", cells[:, axis : axis + 1]) for name in ("end", "start")))
            for axis, letter in enumerate(self.letters)
        ]
        return sides[0] if len(sides) == 1 else Mul(tuple(sides))


def _cut(size: int, out: int) -> tuple[Tensor, Tensor]:
    number = torch.arange(out)
    return number * size // max(1, out), -(-(number + 1) * size // max(1, out))


def _cut_at(letter: str, later: int, cells: Tensor) -> Expr:
    """The cut before (0) or after (1) part `i`."""
    one, number = cells[:, :0], Ref("i", cells)
    part: Expr = Add((number, Const(1))) if later else number
    return Div(Mul((part, Ref(letter, one))), Ref(f"{letter}_out", one))


def _start(letter: str, cells: Tensor) -> Expr:
    return Whole(_cut_at(letter, 0, cells))


def _end(letter: str, cells: Tensor) -> Expr:
    return Whole(_cut_at(letter, 1, cells), up=True)


def check_adaptive(name: str, settings: Settings, inputs: Inputs, dims: int) -> None:
    """Refuse an output size or an input of other dimensions, in one line."""
    size, shape = settings["output_size"], list(inputs["input"].shape)
    sizes = size if isinstance(size, (tuple, list)) else (size,) * dims
    if len(sizes) != dims or not all(one is None or (type(one) is int and one >= 0) for one in sizes):
        many = f" or a tuple of {dims} ints or None" if dims > 1 else ""
        raise UserError(f"{name}: output_size={size!r} should be an int of at least 0{many}.")
    check_dimensions(name, shape, dims)
