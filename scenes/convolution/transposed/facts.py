"""What captions may claim of a transposed convolution, computed from the call that was made."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from torchreel.scenes.convolution.transposed.trace import canvas_sizes
from torchreel.scenes.trace.proof import Trace


def transposed_facts(trace: Trace) -> Mapping[str, bool]:
    """Facts of a call of ConvTranspose1d, ConvTranspose2d or ConvTranspose3d."""
    module: Any = trace.module
    dims = len(module.kernel_size)
    sizes, outs = trace.shape("input")[-dims:], trace.shape("output")[-dims:]
    per_group = trace.shape("input")[-dims - 1] // module.groups
    axes = list(zip(sizes, module.kernel_size, module.stride, module.dilation, strict=True))
    full = canvas_sizes(sizes, module.kernel_size, module.stride, module.dilation)
    rims = list(zip(full, module.padding, outs, strict=True))
    return {
        "overlap": math.prod(sizes) > 0 and (per_group > 1 or any(map(_overlaps, axes))),
        "strided": step_of(sizes, module.stride) > 1,
        "dilated": any(dilation > 1 and kernel > 1 for _, kernel, _, dilation in axes),
        "cut": any(p > 0 or p + out < reach for reach, p, out in rims),
        "longer": any(module.output_padding),
        "unreached": any(p + out > reach for reach, p, out in rims),
        "grows": all(out >= size for size, out in zip(sizes, outs, strict=True)) and sizes != outs,
        "two_sizes": _two_sizes(module, sizes, outs),
        "biased": module.bias is not None,
        "several": per_group * math.prod(sizes) > 1,
    }


def step_of(sizes: Sequence[int], stride: Sequence[int]) -> int:
    """How far from the first stamp the second one lands: along the last axis that has a second element."""
    steps = [step for size, step in zip(sizes, stride, strict=True) if size > 1]
    return steps[-1] if steps else 0


def _overlaps(axis: Sequence[int]) -> bool:
    """Whether two stamps along an axis reach one place."""
    size, kernel, stride, dilation = axis
    steps = (count * stride for count in range(1, min(size, kernel * dilation + 1)))
    return any(step % dilation == 0 and step // dilation < kernel for step in steps)


def _two_sizes(module: Any, sizes: Sequence[int], outs: Sequence[int]) -> bool:
    """Whether a convolution of these settings makes the input's size of the output's and of the next smaller one."""
    growth = module.output_padding
    if not any(growth):
        return False
    shapes = (outs, [out - more for out, more in zip(outs, growth, strict=True)])
    settings = list(zip(module.kernel_size, module.stride, module.padding, module.dilation, strict=True))
    return all(
        [(n + 2 * p - d * (k - 1) - 1) // s + 1 for n, (k, s, p, d) in zip(shape, settings, strict=True)]
        == list(sizes)
        for shape in shapes
    )
