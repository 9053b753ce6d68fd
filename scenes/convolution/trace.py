"""What a convolution computes: every window, kernel, channel sum and border value, as rules over tensors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from torchreel.scenes.trace.formula import Add, Case, Const, Dot, Expr, Lazy, Ref, Rounded, Strip, Sum, read
from torchreel.scenes.trace.operator import Call, Inputs, Recording, Settings
from torchreel.scenes.trace.proof import Rule
from torchreel.scenes.trace.windows import Window, border_source, spread

_PARTIAL_LIMIT = 1 << 18
_PAD_MODES = {"zeros": "constant", "reflect": "reflect", "replicate": "replicate", "circular": "circular"}


@dataclass(frozen=True)
class Names:
    """What the tensors of a convolution are called in its trace."""

    input: str = "input"
    weight: str = "weight"
    output: str = "output"


_OWN = Names()


def infer_in_channels(settings: Settings, inputs: Inputs, dims: int) -> Settings:
    """As many channels as a new input `(N, C, *spatial)` or `(C, *spatial)` has."""
    shape = inputs["input"].shape
    return {**settings, "in_channels": shape[-dims - 1]} if len(shape) > dims else settings


def record_convolution(call: Call) -> Recording:
    """Tensors and rules of a convolution of input `(N, C, *spatial)` or `(C, *spatial)`.

    Where `padding_mode` copies values to the border, the input padded in each mode that is possible stands under the
    mode's name (`reflect`, …), so that a clip can compare them. Where an output reads several channels, `partial`
    `(N, O, C / groups, *out)` is what each input channel contributes; `product`
    `(N, O, C / groups, *out, *kernel_size)` is computed on demand.
    """
    return convolution_recording(call.module, call.inputs["input"], call.output)


def convolution_recording(module: Any, x: Tensor, output: Tensor, names: Names = _OWN) -> Recording:
    """The same of any `module` that has a convolution's attributes, under other `names`."""
    return _Convolution(module, x, output, names).recording()


class _Convolution:
    """The index arithmetic of one call. Cells are `(batch, channel, *spatial)`, without batch where torch has none."""

    def __init__(self, module: Any, x: Tensor, output: Tensor, names: Names) -> None:
        self.module, self.input, self.output, self.names = module, x, output, names
        self.weight = self.module.weight.detach()
        self.dims = self.weight.ndim - 2
        self.lead = self.input.ndim - self.dims - 1
        self.outs, self.per_group = self.weight.shape[:2]
        self.outs_per_group = self.outs // self.module.groups
        self.sides = padding_sides(self.module)
        self.copies_border = self.module.padding_mode != "zeros" and any(map(any, self.sides))
        self.before = tuple(before for before, _ in self.sides)
        shift = (0,) * self.dims if self.copies_border else self.before
        self.window = Window(tuple(self.weight.shape[2:]), self.module.stride, shift, self.module.dilation)
        self.source = self.module.padding_mode if self.copies_border else names.input

    def recording(self) -> Recording:
        tensors: dict[str, Tensor | Lazy] = {self.names.input: self.input, self.names.weight: self.weight}
        if self.module.bias is not None:
            tensors["bias"] = self.module.bias.detach()
        rules = []
        if self.copies_border:
            for mode in self._possible_modes():
                tensors[mode] = self._pad(mode)
                rules.append(Rule(mode, partial(self._copy, mode)))
        self.tensors = tensors
        tensors["product"] = Lazy(self._product_shape(), self._product, self.input.dtype)
        if self.per_group > 1 and self.output.numel() * self.per_group <= _PARTIAL_LIMIT:
            tensors["partial"] = self._partial()
            rules.append(Rule("partial", self._channel))
        tensors[self.names.output] = self.output
        rules.append(Rule(self.names.output, self._result))
        return Recording(tensors, tuple(rules))

    def _possible_modes(self) -> list[str]:
        sizes = self.input.shape[-self.dims :]
        mirrors = all(max(side) < size for side, size in zip(self.sides, sizes, strict=True))
        wraps = all(max(side) <= size for side, size in zip(self.sides, sizes, strict=True))
        return [
            mode for mode in _PAD_MODES if (mode != "reflect" or mirrors) and (mode != "circular" or wraps)
        ]

    def _pad(self, mode: str) -> Tensor:
        batched = self.input if self.lead else self.input[None]
        last_first = [n for side in reversed(self.sides) for n in side]
        padded = F.pad(batched, last_first, mode=_PAD_MODES[mode])
        return padded if self.lead else padded[0]

    def _copy(self, mode: str, cells: Tensor) -> Expr:
        sizes = torch.tensor(self.input.shape[-self.dims :])
        at = cells[:, -self.dims :] - torch.tensor(self.before)
        if mode == "zeros":
            return Ref(self.names.input, torch.cat([cells[:, : -self.dims], at], 1), fill=0.0)
        source = border_source(at, sizes, mode)
        return Ref(self.names.input, torch.cat([cells[:, : -self.dims], source], 1))

    def _partial(self) -> Tensor:
        padded = self._pad(self.module.padding_mode).double()
        x = padded if self.lead else padded[None]
        groups = self.module.groups
        split = x.reshape(x.shape[0], groups, self.per_group, *x.shape[2:])
        convolve = (F.conv1d, F.conv2d, F.conv3d)[self.dims - 1]
        stride, dilation = self.module.stride, self.module.dilation
        planes = [
            convolve(split[:, :, c], self.weight[:, c : c + 1].double(), None, stride, 0, dilation, groups)
            for c in range(self.per_group)
        ]
        sums = torch.stack(planes, 2)
        return sums if self.lead else sums[0]

    def _product_shape(self) -> tuple[int, ...]:
        out = self.output.shape
        kernel = self.weight.shape[2:]
        return (*out[: self.lead + 1], self.per_group, *out[self.lead + 1 :], *kernel)

    def _product(self, index: Tensor) -> Tensor:
        cells = index.reshape(-1, index.shape[-1])
        start, tap = cells[:, : -self.dims], cells[:, -self.dims :]
        spread = tap * torch.tensor(self.module.dilation) + self.window.origin(start[:, -self.dims :])
        at = torch.cat([start[:, : self.lead], self._channel_in(start)[:, None], spread], 1)
        x = Ref(self.source, at, fill=0.0).evaluate(self.tensors)
        w = read(self.weight, torch.cat([start[:, self.lead : self.lead + 2], tap], 1)).to(x.dtype)
        return (x * w).reshape(index.shape[:-1])

    def _channel_in(self, cells: Tensor) -> Tensor:
        """The input channel of cells `(batch, out channel, channel in group, …)`."""
        group = cells[:, self.lead] // self.outs_per_group
        return group * self.per_group + cells[:, self.lead + 1]

    def _channel(self, cells: Tensor) -> Expr:
        """partial: one channel's window times its kernel, summed."""
        x = self._window(cells, self._channel_in(cells), self.window.reach())
        start = F.pad(cells[:, self.lead : self.lead + 2], (0, self.dims))
        return Dot((x, Strip(self.names.weight, start, F.pad(self.window.offsets(), (2, 0)))))

    def _window(self, cells: Tensor, channel: Tensor, steps: Tensor) -> Strip:
        """What windows read from a channel on, by steps `(T, dims)` or `(T, 1 + dims)` from their first tap."""
        start = torch.cat(
            [cells[:, : self.lead], channel[:, None], self.window.origin(cells[:, -self.dims :])], 1
        )
        return Strip(self.source, start, F.pad(steps, (start.shape[1] - steps.shape[1], 0)), fill=0.0)

    def _result(self, cells: Tensor) -> Expr:
        """output; NaN where torch's kernel for bfloat16, which fills blocks with zeros, met an infinity with one."""
        formula = self._total(cells) if "partial" in self.tensors else self._direct(cells)
        found = self.output[tuple(cells.unbind(1))]
        if not self._leaks or not bool(found.isnan().any()):
            return formula
        leaked = found.isnan() & ~formula.evaluate(self.tensors).isnan()
        return Case(leaked.long(), (formula, Const(math.nan, "NaN"))) if bool(leaked.any()) else formula

    @cached_property
    def _leaks(self) -> bool:
        finite = all(bool(part.isfinite().all()) for part in (self.input, self.weight))
        return self.output.dtype == torch.bfloat16 and not finite

    def _total(self, cells: Tensor) -> Expr:
        """output: the channels' sums added up, plus bias; torch rounds as often as there are products."""
        channel = torch.arange(self.per_group).expand(len(cells), -1)[..., None]
        spatial = cells[:, None, self.lead + 1 :].expand(-1, self.per_group, -1)
        at = torch.cat([spread(cells[:, : self.lead + 1], self.per_group), channel, spatial], -1)
        return Rounded(self._biased(Sum(Ref("partial", at)), cells), self._direct(cells))

    def _direct(self, cells: Tensor) -> Expr:
        """output without the intermediate sums, where they would be too many to keep."""
        return self._biased(self._products(cells), cells)

    def _products(self, cells: Tensor) -> Dot:
        """Every product of the windows of outputs, channel by channel."""
        first = cells[:, self.lead] // self.outs_per_group * self.per_group
        x = self._window(cells, first, self._each_channel(self.window.reach()))
        start = F.pad(cells[:, self.lead : self.lead + 1], (0, 1 + self.dims))
        steps = F.pad(self._each_channel(self.window.offsets()), (1, 0))
        return Dot((x, Strip(self.names.weight, start, steps)))

    def _each_channel(self, taps: Tensor) -> Tensor:
        """Positions `(K, dims)` once for each channel of a group, `(C K, 1 + dims)`."""
        channel = torch.arange(self.per_group).repeat_interleave(len(taps))
        return torch.cat([channel[:, None], taps.repeat(self.per_group, 1)], 1)

    def _biased(self, total: Expr, cells: Tensor) -> Expr:
        if self.module.bias is None:
            return total
        return Add((total, Ref("bias", cells[:, self.lead : self.lead + 1])))


def padding_sides(module: nn.Conv2d) -> list[tuple[int, int]]:
    """What is added before and after each spatial dimension; 'same' adds the odd one after."""
    if isinstance(module.padding, str):
        total = [d * (k - 1) for d, k in zip(module.dilation, module.kernel_size, strict=True)]
        return [(n // 2, n - n // 2) if module.padding == "same" else (0, 0) for n in total]
    return [(n, n) for n in module.padding]
