"""What captions may claim of a convolution, computed from the call that was made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torchreel.scenes.convolution.trace import padding_sides
from torchreel.scenes.trace.proof import Trace


def convolution_facts(trace: Trace) -> Mapping[str, bool]:
    """Facts of a call of Conv1d, Conv2d or Conv3d."""
    module: Any = trace.module
    dims = len(module.kernel_size)
    sizes, outs = trace.shape("input")[-dims:], trace.shape("output")[-dims:]
    weight, channels = trace.shape("weight"), trace.shape("input")[-dims - 1]
    kernel, sides = weight[2:], padding_sides(module)
    axes = list(zip(kernel, module.stride, module.dilation, outs, strict=True))
    pairs = list(zip(sizes, outs, strict=True))
    return {
        "strided": any(stride > 1 and out > 1 for _, stride, _, out in axes),
        "one_stride": len(set(module.stride)) == 1,
        "one_padding": len({side for pair in sides for side in pair}) == 1,
        "one_dilation": len(set(module.dilation)) == 1,
        "dilated": any(dilation > 1 and size > 1 for size, _, dilation, _ in axes),
        "padded": any(map(any, sides)),
        "zero_padded": any(map(any, sides)) and module.padding_mode == "zeros",
        "starts_on_rim": _starts_on_rim(axes, sizes, sides) and module.padding_mode == "zeros",
        "keeps_size": sizes == outs,
        "grows": all(out >= size for size, out in pairs) and sizes != outs,
        "shrinks": all(out <= size for size, out in pairs) and sizes != outs,
        "one_position": set(outs) == {1},
        "moves_in_depth": dims == 3 and outs[0] > 1,
        "several_channels": weight[1] > 1,
        "several_kernels": weight[0] > 1,
        "grouped": weight[1] < channels,
        "depthwise": weight[1] == 1 < channels,
        "biased": module.bias is not None,
    }


def _starts_on_rim(
    axes: Sequence[Sequence[int]], sizes: Sequence[int], sides: Sequence[tuple[int, int]]
) -> bool:
    """Whether the first window reads both cells of the input and padding."""
    inside = []
    for (kernel, _, dilation, _), size, (before, _) in zip(axes, sizes, sides, strict=True):
        inside.append([0 <= tap * dilation - before < size for tap in range(kernel)])
    return all(map(any, inside)) and not all(map(all, inside))
