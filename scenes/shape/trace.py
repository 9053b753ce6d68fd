"""What changing a shape does: nothing is computed, and the order of the elements stays.

An element of the output is the input's at the same place in the order in which both are laid out, row by row.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from torchreel.scenes.trace.formula import Ref
from torchreel.scenes.trace.operator import Call, Recording
from torchreel.scenes.trace.proof import Rule, Trace


def record_reshape(call: Call) -> Recording:
    """input and output of as many elements, of any two shapes."""
    tensors = {"input": call.inputs["input"], "output": call.output}
    before, after = tuple(tensors["input"].shape), tuple(tensors["output"].shape)
    return Recording(
        tensors, (Rule("output", lambda cells: Ref("input", unraveled(raveled(cells, after), before))),)
    )


def raveled(cells: Tensor, shape: Sequence[int]) -> Tensor:
    """The place of cells `(B, ndim)` in the order of all elements, `(B,)`."""
    return (cells * torch.tensor(_strides(shape), dtype=torch.int64)).sum(1)


def unraveled(places: Tensor, shape: Sequence[int]) -> Tensor:
    """The cells `(B, ndim)` at some places `(B,)` in the order of all elements."""
    strides = torch.tensor(_strides(shape), dtype=torch.int64)
    return places[:, None] // strides % torch.tensor(shape, dtype=torch.int64)


def _strides(shape: Sequence[int]) -> list[int]:
    return [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]


def merged_axes(trace: Trace) -> tuple[int, int]:
    """The first and the last axis that Flatten lays end to end, counted from the front."""
    module: Any = trace.module
    dims = max(1, len(trace.shape("input")))
    return module.start_dim % dims, module.end_dim % dims


def split_axes(trace: Trace) -> tuple[int, int]:
    """The first and the last axis of the output that Unflatten makes of one axis."""
    module: Any = trace.module
    first = module.dim % len(trace.shape("input"))
    return first, first + len(module.unflattened_size) - 1


def flatten_facts(trace: Trace) -> Mapping[str, bool]:
    """`batched`: what stands before the merged axes has rows of its own; `deep`: several axes stand there."""
    first, last = merged_axes(trace)
    return _facts(trace, "input", first, last)


def unflatten_facts(trace: Trace) -> Mapping[str, bool]:
    """The same, of the tensor that has the axes apart."""
    return _facts(trace, "output", *split_axes(trace))


def _facts(trace: Trace, apart: str, first: int, last: int) -> Mapping[str, bool]:
    shape = trace.shape(apart)
    return {
        "batched": math.prod(shape[:first]) > 1,
        "changes": trace.shape("input") != trace.shape("output"),
        "deep": first > 1,
        "planes": math.prod(shape[first : last + 1][:-2]) > 1,
        "behind": last < len(shape) - 1,
    }
