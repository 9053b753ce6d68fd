"""What a transposed convolution computes, twice: as stamps that add up, and as an equal convolution."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from torchreel.scenes.convolution.dot import Biased, ConvolutionDot
from torchreel.scenes.convolution.trace import Names, convolution_recording
from torchreel.scenes.trace.formula import Add, Expr, Lazy, Mul, Ref, Sum, cells
from torchreel.scenes.trace.operator import Call, Recording
from torchreel.scenes.trace.proof import Rule
from torchreel.scenes.trace.windows import Window, spread

CONV_NAMES = Names(input="stuffed", weight="flipped", output="as_conv")
_RUNNING_LIMIT = 1 << 18
_CONV_LIMIT = 1 << 20


def record_transposed(call: Call) -> Recording:
    """Tensors and rules of a transposed convolution of input `(N, C, *spatial)` or `(C, *spatial)`.

    `output` is the sum of what all stamps leave on each element, plus bias. `stamp` `(N, O, S, *kernel_size)` is the
    kernel scaled by one input element, for the `S` elements that an output channel reads, channel by channel; of large
    calls it is computed when asked for. Calls small enough to follow have more: `running` `(N, O, S, *full)`, the
    uncropped canvas after each stamp; and the equal convolution: `stuffed` (zeros between the input's elements and
    round them), `flipped` `(O, C / groups, *kernel_size)`, and `as_conv`, torch's output once more, which has to come
    from those.
    """
    return _Transposed(call).recording()


@dataclass(frozen=True)
class _Taps:
    """What reaches a batch of canvas positions: kernel and input positions `(B, T, dims)`, and which do not exist."""

    kernel: Tensor
    source: Tensor
    skip: Tensor


class _Transposed:
    """The index arithmetic of one call. The canvas is the output before `padding` crops it."""

    def __init__(self, call: Call) -> None:
        self.module, self.input, self.output = call.module, call.inputs["input"], call.output
        self.weight = self.module.weight.detach()
        self.dims = self.weight.ndim - 2
        self.lead = self.input.ndim - self.dims - 1
        self.kernel, self.sizes = tuple(self.weight.shape[2:]), tuple(self.input.shape[-self.dims :])
        self.outs, self.outs_per_group = self.output.shape[self.lead], self.weight.shape[1]
        self.per_group = self.weight.shape[0] // self.module.groups
        self.stride, self.dilation = self.module.stride, self.module.dilation
        self.padding = torch.tensor(self.module.padding)
        self.stamps = self.per_group * math.prod(self.sizes)
        self.full = canvas_sizes(self.sizes, self.kernel, self.stride, self.dilation)

    def recording(self) -> Recording:
        tensors: dict[str, Tensor | Lazy] = {"input": self.input, "weight": self.weight}
        if self.module.bias is not None:
            tensors["bias"] = self.module.bias.detach()
        self.tensors = tensors
        rules = [*self._story(), *self._equal_convolution()]
        tensors["output"] = self.output
        return Recording(tensors, (*rules, Rule("output", self._total)))

    def _story(self) -> list[Rule]:
        """Stamps, and the canvas after each; nothing if they are too many to be kept."""
        lead = (*self.output.shape[: self.lead + 1], self.stamps)
        if math.prod((*lead, *self.full)) > _RUNNING_LIMIT:
            self.tensors["stamp"] = Lazy((*lead, *self.kernel), self._stamped_at, self.output.dtype)
            return []
        for name, shape, formula in (
            ("stamp", (*lead, *self.kernel), self._stamp),
            ("running", (*lead, *self.full), self._so_far),
        ):
            everywhere = formula(cells(shape, 0, math.prod(shape)))
            self.tensors[name] = everywhere.evaluate(self.tensors).reshape(shape)
        return [Rule("stamp", self._stamp), Rule("running", self._added)]

    def _total(self, cells: Tensor) -> Expr:
        """output: everything that the stamps leave on an element, plus bias."""
        windows = math.prod(self.output.shape[self.lead + 1 :])
        total = ConvolutionDot(cells, self._left, self._phase, self.lead, windows)
        if self.module.bias is None:
            return total
        return Biased((total, Ref("bias", cells[:, self.lead : self.lead + 1])))

    def _left(self, cells: Tensor) -> Sum:
        """What the stamps leave on elements of the output."""
        return self._sum(cells[:, : self.lead + 1], cells[:, self.lead + 1 :] + self.padding)

    def _phase(self, cells: Tensor) -> Tensor:
        """A number for each group and place within the stride: outputs of one take the same taps of the kernel."""
        number = cells[:, self.lead] // self.outs_per_group
        for axis, stride in enumerate(self.stride):
            number = number * stride + (cells[:, self.lead + 1 + axis] + self.padding[axis]) % stride
        return number

    def _so_far(self, cells: Tensor) -> Expr:
        """running, computed outright: what the stamps up to one leave on a position of the canvas."""
        return self._sum(cells[:, : self.lead + 1], cells[:, self.lead + 2 :], cells[:, self.lead + 1])

    def _added(self, cells: Tensor) -> Expr:
        """running, as told: what was there before the stamp, plus the stamp's value if it reaches the position."""
        before = cells.clone()
        before[:, self.lead + 1] -= 1
        channel, source = self._stamped(cells)
        way = cells[:, self.lead + 2 :] - source * torch.tensor(self.stride)
        tap, dilation = way // torch.tensor(self.dilation), torch.tensor(self.dilation)
        skip = ((way % dilation != 0) | (tap < 0) | (tap >= torch.tensor(self.kernel))).any(-1)
        return Add((Ref("running", before, fill=0.0), self._product(cells, channel, source, tap, skip)))

    def _stamp(self, cells: Tensor) -> Expr:
        channel, source = self._stamped(cells)
        return self._product(cells, channel, source, cells[:, self.lead + 2 :])

    def _product(
        self, at: Tensor, channel: Tensor, source: Tensor, tap: Tensor, skip: Tensor | None = None
    ) -> Expr:
        out = at[:, self.lead : self.lead + 1] % self.outs_per_group
        x = torch.cat([at[:, : self.lead], channel[:, None], source], -1)
        w = torch.cat([channel[:, None], out, tap], -1)
        fill = None if skip is None else 0.0
        return Mul((Ref("input", x, fill, skip), Ref("weight", w, fill, skip)))

    def _stamped_at(self, index: Tensor) -> Tensor:
        """Elements of stamps that are too many to be kept."""
        flat = index.reshape(-1, index.shape[-1])
        return self._stamp(flat).evaluate(self.tensors).reshape(index.shape[:-1])

    def _stamped(self, at: Tensor) -> tuple[Tensor, Tensor]:
        """The input channel and position of the stamps of cells `(batch, out channel, stamp, …)`."""
        count = math.prod(self.sizes)
        number = at[:, self.lead + 1]
        places = cells(self.sizes, 0, count)
        channel = self._first_channel(at[:, self.lead]) + number // max(1, count)
        return channel, places[number % max(1, count)]

    def _first_channel(self, out: Tensor) -> Tensor:
        return out // self.outs_per_group * self.per_group

    def _sum(self, lead: Tensor, position: Tensor, last: Tensor | None = None) -> Sum:
        """What the stamps (up to number `last`) leave on canvas positions `(B, dims)`, in the order of the stamps."""
        taps = self._taps(position)
        count = taps.skip.shape[1]
        channel = torch.arange(self.per_group).repeat_interleave(count).expand(len(position), -1)
        kernel, source = (part.repeat(1, self.per_group, 1) for part in (taps.kernel, taps.source))
        skip = taps.skip.repeat(1, self.per_group)
        if last is not None:
            number = channel
            for axis, size in enumerate(self.sizes):
                number = number * size + source[..., axis]
            skip = skip | (number > last[:, None])
        channel = channel + self._first_channel(lead[:, -1:])
        out = spread(lead[:, -1:] % self.outs_per_group, channel.shape[1])
        x = torch.cat([spread(lead[:, :-1], channel.shape[1]), channel[..., None], source], -1)
        w = torch.cat([channel[..., None], out, kernel], -1)
        return Sum(Mul((Ref("input", x, 0.0, skip), Ref("weight", w, 0.0, skip))))

    def _taps(self, position: Tensor) -> _Taps:
        """Only kernel positions that a stride can reach are listed: for stride 2, half of them in each dimension."""
        stride, dilation = torch.tensor(self.stride), torch.tensor(self.dilation)
        every = [s // math.gcd(s, d) for s, d in zip(self.stride, self.dilation, strict=True)]
        first = torch.stack(
            [_first_taps(*sizes)[position[:, axis] % sizes[1]] for axis, sizes in enumerate(self._axes())], -1
        )
        counts = [range(-(-k // step))[::-1] for k, step in zip(self.kernel, every, strict=True)]
        steps = torch.cartesian_prod(*(torch.tensor(list(count)) for count in counts)).reshape(-1, self.dims)
        kernel = first[:, None, :] + steps * torch.tensor(every)
        reach = position[:, None, :] - kernel * dilation
        source = reach.div(stride, rounding_mode="floor")
        outside = (source < 0) | (source >= torch.tensor(self.sizes)) | (kernel >= torch.tensor(self.kernel))
        return _Taps(kernel, source, (outside | (reach % stride != 0)).any(-1))

    def _axes(self) -> list[tuple[int, int, int]]:
        return list(zip(self.kernel, self.stride, self.dilation, strict=True))

    def _equal_convolution(self) -> list[Rule]:
        """The convolution that gives the same output: stuffed input, flipped kernel, stride 1."""
        terms = self.per_group * math.prod(self.kernel)
        if not 0 < self.output.numel() * terms <= _CONV_LIMIT or not bool(self.weight.isfinite().all()):
            return []  # 0 times an infinite weight would be NaN, which no stamp leaves
        reach = [d * (k - 1) for k, d in zip(self.kernel, self.dilation, strict=True)]
        spatial = [n + r for n, r in zip(self.output.shape[-self.dims :], reach, strict=True)]
        border = torch.tensor(reach) - self.padding
        shapes = {
            "stuffed": (*self.input.shape[: -self.dims], *spatial),
            "flipped": (self.outs, self.per_group, *self.kernel),
        }
        rules = [Rule("stuffed", partial(self._stuffed, border)), Rule("flipped", self._flipped)]
        made: dict[str, Tensor] = {}
        for rule in rules:
            shape, kept = shapes[rule.tensor], self.input.dtype
            values = rule.formula(cells(shape, 0, math.prod(shape))).evaluate(self.tensors)
            made[rule.tensor] = values.reshape(shape).to(kept)
        self.tensors.update(made)
        equal = convolution_recording(
            equal_module(self.module, made["flipped"]), made["stuffed"], self.output, CONV_NAMES
        )
        self.tensors.update(equal.tensors)
        return [*rules, *equal.rules]

    def _stuffed(self, border: Tensor, cells: Tensor) -> Expr:
        """An input element where the stride leads to one, 0 between and around."""
        way, stride = cells[:, -self.dims :] - border, torch.tensor(self.stride)
        source = way.div(stride, rounding_mode="floor")
        at = torch.cat([cells[:, : -self.dims], source], -1)
        return Ref("input", at, 0.0, (way % stride != 0).any(-1))

    def _flipped(self, cells: Tensor) -> Expr:
        """The kernel turned round in every spatial dimension, with out channels first as a convolution has them."""
        out, channel = cells[:, 0], cells[:, 1] + self._first_channel(cells[:, 0])
        tap = torch.tensor(self.kernel) - 1 - cells[:, 2:]
        return Ref("weight", torch.cat([channel[:, None], (out % self.outs_per_group)[:, None], tap], -1))


def equal_module(module: Any, flipped: Tensor | None = None) -> SimpleNamespace:
    """The settings of the equal convolution, which slides with stride 1 over the stuffed input."""
    dims = len(module.kernel_size)
    return SimpleNamespace(
        weight=flipped, bias=module.bias, groups=module.groups, padding_mode="zeros", stride=(1,) * dims,
        padding=(0,) * dims, dilation=module.dilation, kernel_size=module.kernel_size,
    )  # fmt: skip


def canvas_sizes(
    sizes: tuple[int, ...], kernel: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...]
) -> tuple[int, ...]:
    """How far the stamps reach, before `padding` crops and `output_padding` adds."""
    last = Window(kernel, stride, (0,) * len(sizes), dilation).taps(torch.tensor([sizes]) - 1)
    return tuple((last[0, -1] + 1).tolist())


def _first_taps(kernel: int, stride: int, dilation: int) -> Tensor:
    """The first kernel position that reaches a canvas position, by its remainder after the stride; else `kernel`."""
    return torch.tensor(
        [next((k for k in range(kernel) if (r - k * dilation) % stride == 0), kernel) for r in range(stride)]
    )
