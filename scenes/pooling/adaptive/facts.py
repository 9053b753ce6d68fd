"""What captions may claim of windows that a rule cuts or draws, computed from the call that was made."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise

import torch
from torch import Tensor

from torchreel.scenes.pooling.adaptive.windows import LETTERS, kernel_sizes, pooled_dims
from torchreel.scenes.trace.proof import Trace

_FEW, _SHORT, _WIDE = 6, 11, 100

Facts = Mapping[str, bool]
Windows = list[tuple[int, int]]


def adaptive_facts(trace: Trace) -> Facts:
    """Facts of an adaptive pooling."""
    return _facts(trace)


def fractional_facts(trace: Trace) -> Facts:
    """Facts of a fractional pooling, of the first plane along the axis whose ruler is explained."""
    letter = _main(trace)
    windows, places = _windows(trace, letter), _first(trace, f"p_{letter}")
    steps = [b - a for (a, _), (b, _) in pairwise(windows)]
    return {
        **_facts(trace),
        "steps_differ": len(set(steps)) > 1,
        "steps_equal": len(set(steps)) == 1,
        "short_ratio": _is_short(trace.kwargs.get("output_ratio")) and max(trace.shape("input")[-2:]) < _WIDE,
        "few_steps": 0 < len(steps) < _FEW and len(", ".join(map(str, steps))) <= _SHORT,
        "shifted": bool(places) and int(places[0]) > 0,
    }


def _is_short(ratio: object) -> bool:
    """Whether a ratio is one number that a caption has room for."""
    return isinstance(ratio, float) and len(str(ratio)) < _FEW


def _facts(trace: Trace) -> Facts:
    letters = LETTERS[pooled_dims(trace.module)]
    axes = [_windows(trace, letter) for letter in letters]
    sizes, outs = (trace.shape(name)[-len(letters) :] for name in ("input", "output"))
    values = trace.tensors["input"]
    assert isinstance(values, Tensor)
    gaps = [(a[1], b[0]) for windows in axes for a, b in pairwise(windows)]
    lengths = [{end - start for start, end in windows} for windows in axes]
    covered = all(
        windows and windows[0][0] == 0 and windows[-1][1] == size
        for windows, size in zip(axes, sizes, strict=True)
    )
    return {
        "line": len(letters) == 1,
        "plain_numbers": not values.is_floating_point() or bool(values.isfinite().all()),
        "windows_overlap": any(end > start for end, start in gaps),
        "side_by_side": covered and all(end == start for end, start in gaps) and all(len(n) == 1 for n in lengths),
        "more_outputs": any(out > size for size, out in zip(sizes, outs, strict=True)),
        "one_window": math.prod(outs) == 1,
        "covers_all": math.prod(outs) == 1 and covered,
        "one_part": len(_windows(trace, _main(trace))) == 1,
    }  # fmt: skip


def _main(trace: Trace) -> str:
    """The axis whose ruler is explained: the width, or the depth of a volume."""
    return {1: "L", 2: "W", 3: "D"}[pooled_dims(trace.module)]


def _windows(trace: Trace, letter: str) -> Windows:
    """The windows of the first plane along an axis."""
    starts = [int(value) for value in _first(trace, f"start_{letter}")]
    if f"end_{letter}" in trace.tensors:
        return list(zip(starts, map(int, _first(trace, f"end_{letter}")), strict=True))
    kernel = kernel_sizes(trace.module)[LETTERS[pooled_dims(trace.module)].index(letter)]
    return [(start, start + kernel) for start in starts]


def _first(trace: Trace, name: str) -> list[float]:
    """The first row of a tensor."""
    values = trace.tensors[name]
    assert isinstance(values, Tensor)
    if not values.numel():
        return []
    row: list[float] = values.reshape(-1, values.shape[-1])[0].to(torch.float64).tolist()
    return row
