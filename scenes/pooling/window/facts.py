"""What captions may claim of a pooling, computed from the shapes and the values of the call that was made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from torchreel.scenes.pooling.window.trace import pool_window
from torchreel.scenes.trace.proof import Trace
from torchreel.scenes.trace.windows import Window

Facts = Mapping[str, bool]
_CLOSE = 1.2


@dataclass(frozen=True)
class _Axis:
    """The windows along one axis: sizes of the input and the output, and the geometry."""

    size: int
    out: int
    kernel: int
    stride: int
    padding: int
    dilation: int

    @property
    def taps(self) -> Tensor:
        """The positions `(out, kernel)` that windows read."""
        starts = torch.arange(self.out)[:, None] * self.stride - self.padding
        return starts + torch.arange(self.kernel) * self.dilation

    @property
    def reads(self) -> Tensor:
        """How many windows read each cell of the input."""
        taps = self.taps
        inside = taps[(taps >= 0) & (taps < self.size)]
        return torch.bincount(inside, minlength=self.size)

    @property
    def floor(self) -> int:
        """How many windows fit."""
        span = self.dilation * (self.kernel - 1) + 1
        return max(0, (self.size + 2 * self.padding - span) // self.stride + 1)


def _axes(trace: Trace) -> list[_Axis]:
    window, shape, out = pool_window(trace.module), trace.shape("input"), trace.shape("output")
    dims = len(window.kernel)
    settings = (window.kernel, window.stride, window.padding, window.dilation)
    return [_Axis(*one) for one in zip(shape[-dims:], out[-dims:], *settings, strict=True)]


def window_facts(trace: Trace) -> Facts:
    """Facts of a pooling whose windows have one size."""
    axes = _axes(trace)
    reads = [axis.reads for axis in axes]
    sizes, outs = [axis.size for axis in axes], [axis.out for axis in axes]
    module: Any = trace.module
    values = trace.tensors["input"]
    assert isinstance(values, Tensor)
    return {
        "line": len(axes) == 1,
        "windows_overlap": any(bool((count > 1).any()) for count in reads),
        "skips": any(bool((count == 0).any()) for count in reads),
        "side_by_side": all(axis.stride == axis.kernel and axis.dilation == 1 for axis in axes),
        "one_window": outs == [1] * len(outs),
        "one_cell": all(axis.kernel == 1 for axis in axes),
        "dilated": any(axis.dilation > 1 and axis.kernel > 1 for axis in axes),
        "padded": any(bool(((a.taps < 0) | ((a.taps >= a.size) & (a.taps < a.size + a.padding))).any()) for a in axes),
        "ceil_adds_a_window": bool(getattr(module, "ceil_mode", False)) and any(a.out > a.floor for a in axes),
        "shrinks": all(out <= size for out, size in zip(outs, sizes, strict=True)) and outs != sizes,
        "keeps_size": outs == sizes,
        "plain_numbers": not values.is_floating_point() or bool(values.isfinite().all()),
    }  # fmt: skip


def max_facts(trace: Trace) -> Facts:
    """Facts of a max pooling."""
    output = trace.tensors["output"]
    assert isinstance(output, Tensor)
    return {**window_facts(trace), "zero_would_win": bool((_touching(trace, output) < 0).any())}


def average_facts(trace: Trace) -> Facts:
    """Facts of an average pooling; `counts_matter` where `count_include_pad` changes a divisor."""
    module: Any = trace.module
    divisor, other = trace.tensors["divisor"], trace.tensors.get("other_divisor")
    assert isinstance(divisor, Tensor)
    override = getattr(module, "divisor_override", None)
    return {
        **window_facts(trace),
        "divisor_override": override is not None,
        "counts_padding": bool(module.count_include_pad),
        "counts_matter": isinstance(other, Tensor) and not torch.equal(divisor, other),
        "divisors_differ": bool(divisor.numel()) and bool((divisor != divisor.reshape(-1)[0]).any()),
        "means_of_input": override is None and torch.equal(divisor, _inside(trace)),
    }


def power_facts(trace: Trace) -> Facts:
    """Facts of an Lp-norm pooling.

    `scaled`: a window that is cut off is made up for. `no_longer`: no value is larger than its window's output, which
    squares that are lost in their type would be. `close`: the output is at most a fifth larger than the largest.
    """
    module: Any = trace.module
    p, count = float(module.norm_type), trace.tensors.get("count")
    window = pool_window(module)
    size = torch.Size(window.kernel).numel()
    return {
        **window_facts(trace),
        "scaled": isinstance(count, Tensor) and bool((count < size).any()),
        "first_scaled": isinstance(count, Tensor) and count.numel() > 0 and int(count.reshape(-1)[0]) < size,
        "sum_pooling": p == 1,
        "square": p == 2,
        "norm": p >= 1,
        "infinite": p == float("inf"),
        "smallest": p == -float("inf"),
        "no_longer": bool((trace.output >= _largest_size(trace, window)).all()),
        "close": p >= 1 and size ** (1 / p) <= _CLOSE,
        "compared": "largest" in trace.tensors,
        "pairs": size == 2,
        "nonnegative": bool((_values(trace) >= 0).all()),
    }


def _largest_size(trace: Trace, window: Window) -> Tensor:
    """The largest size under each window."""
    pool: Any = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[len(window.kernel) - 1]
    sizes, module = _values(trace).abs(), trace.module
    wide = sizes if sizes.is_floating_point() else sizes.double()
    if not wide.numel():
        return wide.new_zeros(trace.shape("output"))
    largest: Tensor = pool(
        wide, window.kernel, window.stride, 0, 1, bool(getattr(module, "ceil_mode", False))
    )
    return largest


def _values(trace: Trace) -> Tensor:
    values = trace.tensors["input"]
    assert isinstance(values, Tensor)
    return values


def _inside(trace: Trace) -> Tensor:
    """How many cells of the input each window covers, `(*out)`."""
    counts = torch.ones((), dtype=torch.int64)
    for axis in _axes(trace):
        inside = ((axis.taps >= 0) & (axis.taps < axis.size)).sum(1)
        counts = counts[..., None] * inside
    return counts


def _touching(trace: Trace, output: Tensor) -> Tensor:
    """The outputs of windows that read padding."""
    axes = _axes(trace)
    outside: Tensor = torch.zeros((), dtype=torch.bool)
    for axis in axes:
        beyond = (axis.taps < 0) | ((axis.taps >= axis.size) & (axis.taps < axis.size + axis.padding))
        outside = outside[..., None] | beyond.any(1)
    return output[..., outside] if output.numel() else output
