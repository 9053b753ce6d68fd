"""What max unpooling computes: values go back along their flat indices, and whatever nothing comes back to is 0.

A clip tells it in two acts: max pooling writes values and indices down, max unpooling sends each value home. A traced
call has the second only, with the values and indices it is given.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from torchreel.assets.errors import UserError
from torchreel.scenes.pooling.window.trace import arguments, axes, dims_of, pool_window
from torchreel.scenes.trace.fitting import Texts, made
from torchreel.scenes.trace.formula import Expr, Max, Ref, read, unravelled
from torchreel.scenes.trace.operator import Call, Changes, Inputs, Operator, Recording, Settings
from torchreel.scenes.trace.proof import Rule, Trace
from torchreel.scenes.trace.windows import check_window, per_dimension, with_leading

if TYPE_CHECKING:
    from torchreel.assets.examples import Example

_LEAST = {"kernel_size": 1, "stride": 1, "padding": 0}
_POOLS: tuple[Any, ...] = (F.max_pool1d, F.max_pool2d, F.max_pool3d)


@dataclass(frozen=True)
class UnpoolOperator(Operator):
    """An operator whose example reads what was pooled: pooling it with the same window gives values and indices.

    So a new input is one tensor, and values and indices always belong together. Where the size that torch works out is
    not the source's, the call is completed with `output_size`.
    """

    def input_names(self, example: Example) -> list[str]:
        return ["source", "input", "indices"]

    def adapted(self, example: Example, changes: Changes, seed: int) -> Example:
        """Where the user gives `input` or `indices`, the call is the plain one, and nothing is known of a source."""
        if not {"input", "indices"} & changes.inputs.keys():
            return replace(example, inputs={"source": example.extra["pooled"]}, dtypes={})
        if changes.first is not None or "source" in changes.inputs:
            raise UserError(
                f"{self.name}: values and indices come of the source that is pooled: give it alone, with "
                "--input X, or give --input input=X and --input indices=Y."
            )
        return replace(example, extra={})

    def trace(
        self,
        module: nn.Module | None,
        inputs: Inputs,
        call: Mapping[str, Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        seed: int = 0,
        prove_all: bool = False,
    ) -> Trace:
        if "source" in inputs and not call:
            size = tuple(inputs["source"].shape[-dims_of(module) :])
            if own_size(module, _pooled_size(module, size)) != size:
                call = {"output_size": size}
        return super().trace(module, inputs, call, kwargs, seed, prove_all)


def unpooled(
    settings: Mapping[str, Any], inputs: Mapping[str, Tensor], own: Collection[str], dims: int
) -> Texts:
    """Indices that send each value to the first cell of its window, or values for the user's indices."""
    if "source" in inputs or inputs["input"].shape == inputs["indices"].shape:
        return {}
    if "input" not in own:
        return {"input": made("randn", inputs["indices"].shape)}
    shape = inputs["input"].shape
    if "indices" in own or len(shape) not in (dims + 1, dims + 2):
        return {}
    kernel = per_dimension(settings["kernel_size"], dims, "kernel_size")
    stride = per_dimension(settings["stride"], dims, "stride") if settings.get("stride") else kernel
    sides = [(n - 1) * s + k for n, k, s in zip(shape[-dims:], kernel, stride, strict=True)]
    parts = [f"torch.zeros{tuple(shape)}.long()"]
    for axis, (count, step) in enumerate(zip(shape[-dims:], stride, strict=True)):
        plane = step * math.prod(sides[axis + 1 :])
        column = ", ".join(map(str, [count, *[1] * (dims - 1 - axis)]))
        parts.append(f"(torch.arange({count}) * {plane}).reshape({column})")
    return {"indices": " + ".join(parts)}


def own_size(module: Any, pooled: Sequence[int]) -> tuple[int, ...]:
    """The size that torch works out without `output_size`, for a channel of `pooled` values."""
    window = pool_window(module)
    sides = zip(pooled, window.kernel, window.stride, window.padding, strict=True)
    return tuple((n - 1) * s - 2 * p + k for n, k, s, p in sides)


def _pooled_size(module: Any, size: Sequence[int]) -> list[int]:
    """How many values pooling makes of a channel of `size`."""
    window = pool_window(module)
    sides = zip(size, window.kernel, window.stride, window.padding, strict=True)
    return [(n + 2 * p - k) // s + 1 for n, k, s, p in sides]


def record_unpooling(call: Call) -> Recording:
    """Tensors and rules of unpooling `input` and `indices` `(N, C, *pooled)`, with or without N.

    Where the call has a `source` `(N, C, *size)`, `input` and `indices` are what max pooling made of it, and `input` is
    proved twice: as the largest of each window, and as what its index points at. Several windows may name the same
    home, which then holds the value that torch wrote last.
    """
    given, dims = arguments(call), dims_of(call.module)
    source = given.get("source")
    values, indices = (given["input"], given["indices"]) if source is None else _pool(call.module, source)
    homes = _kept(values, indices, call.output, dims)

    def home(at: Tensor) -> Tensor:
        flat, place = read(indices, at), list[Tensor]()
        for size in reversed(call.output.shape[-dims:]):
            place.insert(0, flat % size)
            flat = flat // size
        return torch.cat([at[:, :-dims], torch.stack(place, -1)], -1)

    sent = Rule(
        "output",
        lambda step: Ref("input", homes[step[:, 0]]),
        over=(len(homes),),
        target=lambda step: home(homes[step[:, 0]]),
        rest=0.0,
    )
    tensors = {"input": values, "indices": indices, "output": call.output}
    if source is None:
        return Recording(tensors, (sent,))
    window = pool_window(call.module)

    def largest(at: Tensor) -> Expr:
        taps = with_leading(list(at[:, :-dims].unbind(-1)), window.taps(at[:, -dims:]))
        return Max(Ref("source", taps, fill=float("-inf")))

    noted = (Rule("input", largest), Rule("input", lambda at: Ref("source", home(at))))
    return Recording({"source": source, **tensors}, (*noted, sent))


def _pool(module: Any, source: Tensor) -> tuple[Tensor, Tensor]:
    pool = _POOLS[dims_of(module) - 1]
    pooled: tuple[Tensor, Tensor] = pool(
        source, module.kernel_size, module.stride, module.padding, return_indices=True
    )
    return pooled


def run_unpooling(module: Any, inputs: Inputs, call: Mapping[str, Any]) -> Tensor:
    source = inputs.get("source")
    given = (inputs["input"], inputs["indices"]) if source is None else _pool(module, source)
    output: Tensor = module(*given, **call)
    return output


def _kept(values: Tensor, indices: Tensor, output: Tensor, dims: int) -> Tensor:
    """The windows `(n, ndim)` whose values their homes hold, row-major.

    That is the last to name a home: torch writes one after the other, but several threads at a time, so of different
    values it is the last of those that are there.
    """
    number, flat = torch.arange(indices.numel()), indices.reshape(-1)
    plane, pooled = output.shape[-dims:].numel(), indices.shape[-dims:].numel()
    home = number // max(1, pooled) * plane + flat
    mine, there = values.reshape(-1), output.reshape(-1)[home]
    same = (mine == there) | (mine.isnan() & there.isnan())
    rank = torch.where(same, number, number - len(number))
    best = torch.full((output.numel(),), -len(number) - 1).scatter_reduce(0, home, rank, "amax")
    kept = torch.zeros(len(number), dtype=torch.bool)
    kept[best[best >= -len(number)] % max(1, len(number))] = True
    return unravelled(kept.nonzero()[:, 0], indices.shape)


def check_unpooling(name: str, settings: Settings, inputs: Inputs, dims: int) -> None:
    """Refuse sizes that are no sizes, a source that cannot be pooled, and a window that does not fit it."""
    if "source" not in inputs:
        return
    shape = tuple(inputs["source"].shape)
    if len(shape) not in (dims + 1, dims + 2) or 0 in shape[-dims - 1 :]:
        sides = axes(dims)
        raise UserError(
            f"{name}: expected an input (N, C, {sides}) or (C, {sides}) without empty dimensions, got shape {shape}. "
            f"Give what MaxPool{dims}d reads, such as torch.randn({', '.join(['1', '1', *['4'] * dims])})."
        )
    for setting, least in _LEAST.items():
        if settings.get(setting) is not None:
            sizes = per_dimension(settings[setting], dims, f"{name}: {setting}")
            if min(sizes) < least:
                raise UserError(f"{name}: {setting} should be at least {least}, got {settings[setting]!r}.")
    kernel = per_dimension(settings["kernel_size"], dims, f"{name}: kernel_size")
    padding = per_dimension(settings.get("padding", 0), dims, f"{name}: padding")
    if any(2 * p > k for p, k in zip(padding, kernel, strict=True)):
        raise UserError(
            f"{name}: pad should be at most half of kernel_size, got padding={settings['padding']!r} and "
            f"kernel_size={settings['kernel_size']!r}. Use a smaller padding or a larger kernel_size."
        )
    check_window(name, settings, {"input": inputs["source"]}, dims)
