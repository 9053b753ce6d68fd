"""What a transposed convolution computes, twice: as stamps that add up, and as an equal convolution."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from torchreel.scenes.convolution.trace import Names, convolution_recording
from torchreel.scenes.trace.formula import Add, Dot, Expr, Lazy, Mul, Ref, Strip, Sum, cells
from torchreel.scenes.trace.operator import Call, Recording
from torchreel.scenes.trace.proof import Rule
from torchreel.scenes.trace.windows import Window

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
class _Axis:
    """Which elements of one axis of the input reach a position of the canvas, and by which tap of the kernel.

    From one tap to the next, `on` further, the element lies `back` before. Of taps and elements the fewer are counted:
    `count` of them are enough for any position.
    """

    kernel: int
    stride: int
    dilation: int
    size: int

    @property
    def on(self) -> int:
        return self.stride // math.gcd(self.stride, self.dilation)

    @property
    def back(self) -> int:
        return self.dilation // math.gcd(self.stride, self.dilation)

    @property
    def count(self) -> int:
        return min(-(-self.kernel // self.on), -(-self.size // self.back))

    def reach(self, position: Tensor) -> tuple[Tensor, Tensor]:
        """The first tap that reaches positions `(B,)` and its element; either may lie outside, and those after it."""
        tap = self._first_taps()[position % self.stride]
        source = (position - tap * self.dilation).div(self.stride, rounding_mode="floor")
        if -(-self.kernel // self.on) <= self.count:
            return tap, source
        passed = -((self.size - 1 - source).div(self.back, rounding_mode="floor")).clamp(max=0)
        return tap + passed * self.on, source - passed * self.back

    def _first_taps(self) -> Tensor:
        """The first tap that reaches a position, by its rest after the stride; the kernel's size where none does."""
        shared = math.gcd(self.stride, self.dilation)
        inverse = pow(self.dilation // shared, -1, self.on)
        rest = torch.arange(self.stride)
        tap = rest.div(shared, rounding_mode="floor") * inverse % self.on
        return torch.where(rest % shared == 0, tap.clamp(max=self.kernel), self.kernel)


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
        axes = zip(self.kernel, self.stride, self.dilation, self.sizes, strict=True)
        self.axes = [_Axis(*settings) for settings in axes]
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
        total = self._sum(cells[:, : self.lead + 1], cells[:, self.lead + 1 :] + self.padding)
        if self.module.bias is None:
            return total
        return Add((total, Ref("bias", cells[:, self.lead : self.lead + 1])))

    def _so_far(self, cells: Tensor) -> Expr:
        """running, computed outright: what the stamps up to one leave on a position of the canvas."""
        dot = self._sum(cells[:, : self.lead + 1], cells[:, self.lead + 2 :])
        x, w = (ref for ref in dot.refs())
        first = self._first_channel(cells[:, self.lead, None])
        number = x.index[..., self.lead] - first
        for axis, size in enumerate(self.sizes, self.lead + 1):
            number = number * size + x.index[..., axis]
        skip = (number > cells[:, self.lead + 1, None]) | (False if x.skip is None else x.skip)
        return Sum(Mul((Ref("input", x.index, 0.0, skip), Ref("weight", w.index, 0.0, skip))))

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

    def _sum(self, lead: Tensor, position: Tensor) -> Dot:
        """What the stamps leave on canvas positions `(B, dims)`, in the order of the stamps."""
        found = [axis.reach(position[:, number]) for number, axis in enumerate(self.axes)]
        kernel, source = (torch.stack(starts, -1) for starts in zip(*found, strict=True))
        first = self._first_channel(lead[:, -1:])
        x = torch.cat([lead[:, :-1], first, source], -1)
        w = torch.cat([first, lead[:, -1:] % self.outs_per_group, kernel], -1)
        ways = [torch.arange(self.per_group), *(torch.arange(axis.count).flip(0) for axis in self.axes)]
        channel, *numbers = torch.cartesian_prod(*ways).unbind(-1)
        back = [-number * axis.back for number, axis in zip(numbers, self.axes, strict=True)]
        on = [number * axis.on for number, axis in zip(numbers, self.axes, strict=True)]
        sources = F.pad(torch.stack([channel, *back], -1), (self.lead, 0))
        taps = torch.stack([channel, torch.zeros_like(channel), *on], -1)
        return Dot((
            Strip("input", x, sources, bounds=tuple(self.input.shape)),
            Strip("weight", w, taps, bounds=tuple(self.weight.shape)),
        ))  # fmt: skip

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
