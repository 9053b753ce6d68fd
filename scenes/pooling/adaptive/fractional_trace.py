"""What fractional max pooling computes: windows of one size at starts that a random number shifts."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor

from torchreel.assets.errors import UserError
from torchreel.scenes.pooling.adaptive.windows import (
    LETTERS,
    Ragged,
    RaggedMaxima,
    Whole,
    check_dimensions,
    kernel_sizes,
    pooled_dims,
)
from torchreel.scenes.pooling.window.trace import arguments
from torchreel.scenes.trace.formula import Add, Case, Const, Div, Expr, Mul, Ref, Sub
from torchreel.scenes.trace.operator import Call, Inputs, Recording, Settings
from torchreel.scenes.trace.proof import Rule

SAMPLE = {2: (1, 0), 3: (0, 1, 2)}
"""Which of a plane's samples drives each axis: torch takes the width's first in 2d, the depth's in 3d."""


def record_fractional_max_pool(call: Call) -> Recording:
    """Tensors and rules of a fractional max pooling of input `(N, C, *spatial)` or `(C, *spatial)`.

    `u` `(N, C, dims)` are the random samples of each plane, given or as the call drew them. Along each axis, such as
    the width, `alpha_W` is the mean step, `p_W` `(N, C, W_out)` the exact places `(i + u)·alpha_W`, computed in the
    input's type as torch does, `p0_W` the first of them, and `start_W` the first cell of each window.
    """
    return _Fractional(call).recording()


class _Fractional:
    """The places of one call."""

    def __init__(self, call: Call) -> None:
        module, self.source = call.module, arguments(call)["input"]
        returned = call.output if isinstance(call.output, tuple) else (call.output, None)
        self.dims = pooled_dims(module)
        self.letters = LETTERS[self.dims]
        self.lead = self.source.shape[: -self.dims]
        self.sizes, self.outs = self.source.shape[-self.dims :], returned[0].shape[-self.dims :]
        self.kernel = kernel_sizes(module)
        given = module._random_samples
        self.samples = self._drawn(call) if given is None else given
        self.alphas = [self._alpha(axis) for axis in range(self.dims)]
        self.places = [self._places(axis) for axis in range(self.dims)]
        starts = [self._starts(axis) for axis in range(self.dims)]
        ends = [start + size for start, size in zip(starts, self.kernel, strict=True)]
        self.starts = starts
        self.largest = RaggedMaxima(
            self.source, returned[0], returned[1], Ragged(self.source.shape, starts, ends)
        )

    def recording(self) -> Recording:
        tensors = {"input": self.source, "u": self.samples, "i": torch.arange(max(1, *self.outs))}
        rules: list[Rule] = []
        for axis, letter in enumerate(self.letters):
            tensors[f"alpha_{letter}"] = self.alphas[axis]
            tensors[f"p_{letter}"], tensors[f"start_{letter}"] = self.places[axis], self.starts[axis]
            tensors[f"p0_{letter}"] = self._u(axis) * self.alphas[axis]
            rules += [
                Rule(f"alpha_{letter}", partial(self._step, axis)),
                Rule(f"p_{letter}", partial(self._place, axis)),
                Rule(f"p0_{letter}", partial(self._first, axis)),
                Rule(f"start_{letter}", partial(self._start, axis)),
            ]
        found = self.largest
        return Recording({**tensors, **found.tensors()}, (*rules, *found.rules()), found.outputs)

    def _drawn(self, call: Call) -> Tensor:
        """The samples that the call drew."""
        batch = self.source.shape[0] if len(self.lead) == 2 else 1
        size = (batch, self.lead[-1], self.dims)
        return call.replay(lambda: torch.rand(size, dtype=self.source.dtype))

    def _alpha(self, axis: int) -> Tensor:
        """The mean step, in the input's type as torch divides it; 0 where there is one window only."""
        room, steps = self.sizes[axis] - self.kernel[axis], self.outs[axis] - 1
        if steps < 1:
            return torch.zeros((), dtype=self.source.dtype)
        return torch.tensor(room).to(self.source.dtype) / torch.tensor(steps).to(self.source.dtype)

    def _u(self, axis: int) -> Tensor:
        """The sample of each plane, `lead`."""
        sample = self.samples[..., SAMPLE[self.dims][axis]]
        return sample[: self.lead[0], : self.lead[1]] if len(self.lead) == 2 else sample[0, : self.lead[0]]

    def _places(self, axis: int) -> Tensor:
        count = torch.arange(self.outs[axis]).to(self.source.dtype)
        return (count + self._u(axis)[..., None]) * self.alphas[axis]

    def _starts(self, axis: int) -> Tensor:
        places = self.places[axis]
        starts = places.long() - places[..., :1].long()  # a cast to an int in torch's source
        if self.outs[axis]:
            starts[..., -1] = self.sizes[axis] - self.kernel[axis]
        return starts

    def _step(self, axis: int, cells: Tensor) -> Expr:
        if self.outs[axis] < 2:
            return Const(0)
        return Div(
            Sub(Const(self.sizes[axis]), Const(self.kernel[axis])), Sub(Const(self.outs[axis]), Const(1))
        )

    def _place(self, axis: int, cells: Tensor) -> Expr:
        """p: the counted windows, shifted by the plane's sample, times the mean step."""
        zero = torch.zeros_like(cells[:, :1])
        plane = cells[:, :-1] if len(self.lead) == 2 else torch.cat([zero, cells[:, :-1]], -1)
        sample = Ref("u", torch.cat([plane, zero + SAMPLE[self.dims][axis]], -1))
        alpha = Ref(f"alpha_{self.letters[axis]}", cells[:, :0])
        return Mul((Add((Ref("i", cells[:, -1:]), sample)), alpha))

    def _first(self, axis: int, cells: Tensor) -> Expr:
        """p0: the place of a plane's first window."""
        return self._place(axis, torch.cat([cells, torch.zeros_like(cells[:, :1])], -1))

    def _start(self, axis: int, cells: Tensor) -> Expr:
        """start: the place rounded down, counted from the first one; the last window ends with the input."""
        letter = self.letters[axis]
        here, first = Ref(f"p_{letter}", cells), Ref(f"p0_{letter}", cells[:, :-1])
        last = (cells[:, -1] == self.outs[axis] - 1).long()
        end = Sub(Const(self.sizes[axis]), Const(self.kernel[axis]))
        return Case(last, (Sub(Whole(here), Whole(first)), end))


def check_fractional(name: str, settings: Settings, inputs: Inputs, dims: int) -> None:
    """Refuse more windows than torch fits into the input, in one line and with what to do.

    In three dimensions torch wants one cell more than the windows would need.
    """
    shape = inputs["input"].shape
    check_dimensions(name, shape, dims)
    size, ratio = settings.get("output_size"), settings.get("output_ratio")
    if (size is None) == (ratio is None):
        return  # torch says that it wants one of them
    kernel, given = _each(settings["kernel_size"], dims), _each(ratio if size is None else size, dims)
    if len(kernel) != dims or len(given) != dims:
        return  # torch says how many it takes
    for letter, length, side, part in zip(LETTERS[dims], shape[-dims:], kernel, given, strict=True):
        count = int(length * part) if size is None else part
        most = length - side + (dims == 2)
        if count > most:
            raise UserError(
                f"{name}: {count} windows of {side} are more than torch fits into {letter}={length}. "
                f"Use an output of at most {max(most, 0)}."
            )


def _each(value: Any, dims: int) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,) * dims
