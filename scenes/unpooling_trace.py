"""What max unpooling computes: MaxPool2d writes down values and flat indices, MaxUnpool2d sends each value back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from torchreel.assets.errors import UserError
from torchreel.scenes.formula import Expr, Index, Max, Ref, cells, read
from torchreel.scenes.operator import Call, Inputs, Operator, Recording, Settings
from torchreel.scenes.trace import Rule, Trace
from torchreel.scenes.windows import Window, check_window, per_dimension, with_leading

if TYPE_CHECKING:
    from torchreel.assets.examples import Example

_LEAST = {"kernel_size": 1, "stride": 1, "padding": 0}


@dataclass(frozen=True)
class UnpoolOperator(Operator):
    """An operator whose input is what was pooled: pooling it with the same window gives the values and indices.

    So a new input is one tensor, and values and indices always belong together. Where the size that torch works out is
    not the source's, the call is completed with `output_size`.
    """

    def trace_example(
        self,
        example: Example,
        overrides: Mapping[str, Any] | None = None,
        input_text: str | None = None,
        seed: int = 0,
    ) -> Trace:
        pooled = replace(example, inputs={"source": example.extra["pooled"]}, dtypes={})
        return super().trace_example(pooled, overrides, input_text, seed)

    def trace(
        self,
        module: nn.Module | None,
        inputs: Inputs,
        call: Mapping[str, Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        seed: int = 0,
    ) -> Trace:
        size = tuple(inputs["source"].shape[-2:])
        if not call and own_size(module, size) != size:
            call = {"output_size": size}
        return super().trace(module, inputs, call, kwargs, seed)


def window_of(module: Any) -> Window:
    """The window that pooled the values."""
    kernel, stride, padding = (
        per_dimension(value, 2) for value in (module.kernel_size, module.stride, module.padding)
    )
    return Window(kernel, stride, padding)


def own_size(module: Any, size: tuple[int, ...]) -> tuple[int, ...]:
    """The size that torch works out without `output_size`, for values pooled from a plane of `size`."""
    window = window_of(module)
    sides = list(zip(window.kernel, window.stride, window.padding, strict=True))
    counts = [(n + 2 * p - k) // s + 1 for n, (k, s, p) in zip(size, sides, strict=True)]
    return tuple((n - 1) * s - 2 * p + k for n, (k, s, p) in zip(counts, sides, strict=True))


def _pool(module: Any, source: Tensor) -> tuple[Tensor, Tensor]:
    pooled: tuple[Tensor, Tensor] = F.max_pool2d(
        source, module.kernel_size, module.stride, module.padding, return_indices=True
    )
    return pooled


def _run(module: Any, inputs: Inputs, call: Mapping[str, Any]) -> Tensor:
    output: Tensor = module(*_pool(module, inputs["source"]), **call)
    return output


def record_unpooling(call: Call) -> Recording:
    """Tensors and rules of pooling `source` `(N, C, H, W)` or `(C, H, W)` and unpooling the result.

    `input` and `indices` are what MaxPool2d returns and MaxUnpool2d takes. `input` is proved twice: as the largest of
    each window, and as what its index points at. Windows that overlap may name the same home; it is written once.
    """
    source = call.inputs["source"]
    values, indices = _pool(call.module, source)
    window, width = window_of(call.module), source.shape[-1]
    homes = _first_to_name(indices, source.shape[-2] * width)

    def largest(at: Tensor) -> Expr:
        taps = with_leading(list(at[:, :-2].unbind(-1)), window.taps(at[:, -2:]))
        return Max(Ref("source", taps, fill=float("-inf")))

    def home(at: Tensor) -> Tensor:
        flat = read(indices, at)
        return torch.cat([at[:, :-2], torch.stack([flat // width, flat % width], -1)], -1)

    rules = (
        Rule("input", largest),
        Rule("input", lambda at: Ref("source", home(at))),
        Rule(
            "output",
            lambda step: Ref("input", homes[step[:, 0]]),
            over=(len(homes),),
            target=lambda step: home(homes[step[:, 0]]),
            rest=0.0,
        ),
    )
    tensors = {"source": source, "input": values, "indices": indices, "output": call.output}
    return Recording(tensors, rules)


def _first_to_name(indices: Tensor, plane: int) -> Tensor:
    """The windows `(n, ndim)` that are the first to name their home in a plane of so many cells, row-major."""
    number = torch.arange(indices.numel())
    home = number // (indices.shape[-2] * indices.shape[-1]) * plane + indices.reshape(-1)
    known, which = torch.unique(home, return_inverse=True)
    first = torch.full((len(known),), len(number)).scatter_reduce(0, which, number, "amin")
    return cells(indices.shape, 0, len(number))[first.sort().values]


class Journeys:
    """The first plane of an unpooling trace: for each window its place in the source, its index, its home."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.window = window_of(trace.module)
        self.lead: Index = (0,) * (len(trace.shape("source")) - 2)
        self.size = trace.shape("source")[-2:]
        self.pooled = trace.shape("input")[-2:]
        self.own_size = own_size(trace.module, self.size)

    @property
    def planes(self) -> int:
        """How many planes the tensors have."""
        return math.prod(self.trace.shape("source")[:-2])

    @property
    def overlaps(self) -> bool:
        """Whether windows share cells of the source."""
        return any(k > s for k, s in zip(self.window.kernel, self.window.stride, strict=True))

    @cached_property
    def indices(self) -> list[int]:
        """The flat indices of the plane, row by row."""
        rows = self.trace.tensors["indices"][self.lead]  # type: ignore[index]
        flat: list[int] = rows.reshape(-1).tolist()
        return flat

    def taps(self, cell: tuple[int, int]) -> list[tuple[int, int]]:
        """The positions of the source that a window covers, some of them perhaps padding."""
        return [(row, col) for row, col in self.window.taps(torch.tensor([cell]))[0].tolist()]

    def index(self, cell: tuple[int, int]) -> int:
        """The flat index written down for a window."""
        return self.indices[cell[0] * self.pooled[1] + cell[1]]

    def home(self, cell: tuple[int, int]) -> tuple[int, int]:
        """Row and column that the flat index of a window stands for."""
        return divmod(self.index(cell), self.size[1])

    def step_number(self, cell: tuple[int, int]) -> int:
        """The output's step that writes the home of a window."""
        return self._steps[self.index(cell)]

    @cached_property
    def refusal(self) -> str:
        """What torch says to the same call without `output_size`; empty if it takes it."""
        assert self.trace.module is not None
        try:
            self.trace.module(self.trace.tensors["input"], self.trace.tensors["indices"])
        except (RuntimeError, ValueError) as error:
            return str(error).strip().splitlines()[0]
        return ""

    @cached_property
    def _steps(self) -> dict[int, int]:
        """Steps go by window in row-major order, and a home belongs to the first that names it."""
        return {index: number for number, index in enumerate(dict.fromkeys(self.indices))}


def check_unpooling(settings: Settings, inputs: Inputs) -> None:
    """Refuse sizes that are no sizes, a source that is no picture, and a window that does not fit it."""
    shape = tuple(inputs["source"].shape)
    if len(shape) not in (3, 4) or 0 in shape:
        raise UserError(
            f"MaxUnpool2d: expected an input (N, C, H, W) or (C, H, W) without empty dimensions, got shape {shape}. "
            "Give what MaxPool2d reads, such as torch.randn(1, 1, 4, 4)."
        )
    for name, least in _LEAST.items():
        if settings.get(name) is not None:
            sizes = per_dimension(settings[name], 2, f"MaxUnpool2d: {name}")
            if min(sizes) < least:
                raise UserError(f"MaxUnpool2d: {name} should be at least {least}, got {settings[name]!r}.")
    kernel = per_dimension(settings["kernel_size"], 2, "MaxUnpool2d: kernel_size")
    padding = per_dimension(settings.get("padding", 0), 2, "MaxUnpool2d: padding")
    if any(2 * p > k for p, k in zip(padding, kernel, strict=True)):
        raise UserError(
            f"MaxUnpool2d: pad should be at most half of kernel_size, got padding={settings['padding']!r} and "
            f"kernel_size={settings['kernel_size']!r}. Use a smaller padding or a larger kernel_size."
        )
    check_window("MaxUnpool2d", settings, {"input": inputs["source"]}, 2)


MAX_UNPOOL = UnpoolOperator(
    nn.MaxUnpool2d,
    record_unpooling,
    "pooling",
    "https://docs.pytorch.org/docs/stable/generated/torch.nn.MaxUnpool2d.html",
    check_unpooling,
    run=_run,
)
