"""What poolings read, and what max pooling computes: the largest value under each window, and where it stood."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from torchreel.assets.errors import UserError
from torchreel.scenes.trace.formula import Add, Const, Expr, Lazy, Max, Mul, Ref, Sum
from torchreel.scenes.trace.formula.tree import Bounded
from torchreel.scenes.trace.operator import Call, Inputs, Recording, Settings
from torchreel.scenes.trace.proof import Rule
from torchreel.scenes.trace.windows import Window, check_window, per_dimension, with_leading

AXES = ("depth", "row", "column")
_MOST_READ = 1 << 22
_EXACT_TERMS = 16


class Windows:
    """What the windows of a pooling module read of an input `(N, C, *spatial)` or `(C, *spatial)`.

    Cells are `(B, ndim)`: batch where torch has one, channel, spatial position. Positions beyond the padded input,
    which windows kept by `ceil_mode` reach, do not exist.
    """

    def __init__(self, module: Any, shape: Sequence[int]) -> None:
        self.dims = dims_of(module)
        self.window = pool_window(module)
        self.sizes = torch.tensor(tuple(shape)[-self.dims :])

    def taps(self, cells: Tensor) -> Tensor:
        """The positions `(B, K, dims)` under the windows, row-major in the kernel; they may lie outside the input."""
        return self.window.taps(cells[:, -self.dims :])

    def beyond(self, taps: Tensor) -> Tensor:
        """Which positions lie beyond the padded input, `(B, K)`."""
        return (taps >= self.sizes + torch.tensor(self.window.padding)).any(-1)

    def read(self, tensor: str, cells: Tensor, fill: float) -> Ref:
        """The values of `tensor` under the windows; padding counts as `fill`."""
        taps = self.taps(cells)
        at = with_leading([cells[:, axis] for axis in range(cells.shape[1] - self.dims)], taps)
        return Ref(tensor, at, fill=fill, skip=self.beyond(taps))


class Added(Sum):
    """A sum as poolings add it up: term after term in torch's type, so that rounding grows with their number."""

    def reduce(self, body: Bounded) -> Bounded:
        value, size = super().reduce(body)
        return Bounded(value, size * max(1.0, body.value.shape[-1] / _EXACT_TERMS))


def arguments(call: Call) -> Mapping[str, Any]:
    """Forward's arguments by name, however they were given."""
    return {**call.inputs, **call.call}


def record_max_pool(call: Call) -> Recording:
    """Tensors and rules of a max pooling of input `(N, C, *spatial)` or `(C, *spatial)`.

    `indices` `(N, C, *out)` are torch's, also where the module does not return them. They are proved from `row` and
    `column` (and `depth`), the place of the winner as found here by comparing the window's values.
    """
    return _Maxima(call).recording()


class _Maxima:
    """The index arithmetic of one call."""

    def __init__(self, call: Call) -> None:
        module, self.input = call.module, arguments(call)["input"]
        returned = call.output if isinstance(call.output, tuple) else None
        self.windows = Windows(module, self.input.shape)
        self.dims, self.sizes = self.windows.dims, self.windows.sizes
        self.output, self.indices = returned or (call.output, self._indices(module))
        self.returns_indices = returned is not None

    def recording(self) -> Recording:
        places = places_found(
            self.output.shape, self._compare, math.prod(self.windows.window.kernel), self.dims
        )
        tensors = {"input": self.input, **places, "indices": self.indices, "output": self.output}
        rules = (Rule("output", self._largest), Rule("indices", self._flat))
        return Recording(tensors, rules, ("output", "indices") if self.returns_indices else ("output",))

    def _indices(self, module: Any) -> Tensor:
        pool = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[self.dims - 1]
        settings = (module.kernel_size, module.stride, module.padding, module.dilation, module.ceil_mode)
        indices: Tensor = pool(self.input, *settings, return_indices=True)[1]
        return indices

    def _largest(self, cells: Tensor) -> Max:
        """output: the largest of the window's values; padding reads as -inf, what lies beyond it does not exist."""
        return Max(self.windows.read("input", cells, -math.inf))

    def _flat(self, cells: Tensor) -> Expr:
        """indices: the winner's place counted row by row over one plane of the input."""
        names = AXES[-self.dims :]
        flat: Expr = Ref(names[0], cells)
        for name, size in zip(names[1:], self.sizes[1:].tolist(), strict=True):
            flat = Add((Mul((flat, Const(size))), Ref(name, cells)))
        return flat

    def _compare(self, cells: Tensor) -> Tensor:
        """The input position `(B, dims)` of each output's winner, by torch's comparison.

        The first of equals wins, NaN beats everything, the last of several NaN stays. Where all of a window is -inf,
        torch keeps the first position that is not before the input's edge.
        """
        taps = self.windows.taps(cells)
        values = self._largest(cells).body.evaluate({"input": self.input})
        inside = ((taps >= 0) & (taps < self.sizes)).all(-1)
        count = torch.arange(taps.shape[1])
        last_nan = torch.where(values.isnan(), count, -1).amax(-1)
        largest = values == values.nan_to_num(-math.inf, math.inf, -math.inf).amax(-1, keepdim=True)
        first_largest = (largest & inside).long().argmax(-1)
        start = (taps >= 0).all(-1).long().argmax(-1)
        beaten = values.amax(-1) == -math.inf
        best = torch.where(last_nan >= 0, last_nan, torch.where(beaten, start, first_largest))
        return taps[torch.arange(len(taps)), best]


def places_found(
    shape: Sequence[int], find: Callable[[Tensor], Tensor], reads: int, dims: int
) -> dict[str, Tensor | Lazy]:
    """`row` and `column` (and `depth`) of the winners of outputs `shape`, computed on demand.

    `find` gives the places `(B, dims)` of cells, for each of which it reads so many elements. All axes are mostly asked
    for at the same cells one after the other, so that the last places are kept.
    """
    last: list[tuple[Tensor, Tensor]] = []

    def along(axis: int, index: Tensor) -> Tensor:
        if not last or last[0][0] is not index:
            parts = index.reshape(-1, index.shape[-1]).split(max(1, _MOST_READ // reads))
            last[:] = [(index, torch.cat([find(part) for part in parts]).reshape(*index.shape[:-1], dims))]
        return last[0][1][..., axis]

    names = enumerate(AXES[-dims:])
    return {name: Lazy(tuple(shape), partial(along, axis), torch.int64, reads) for axis, name in names}


def pool_window(module: Any) -> Window:
    """The geometry of a pooling module, in as many dimensions as it has."""
    stride = getattr(module, "stride", None)
    settings = (
        module.kernel_size,
        module.kernel_size if stride is None else stride,
        getattr(module, "padding", 0),
        getattr(module, "dilation", 1),
    )
    return Window(*(_per_dimension(value, dims_of(module)) for value in settings))


def _per_dimension(value: Any, dims: int) -> tuple[int, ...]:
    """A setting as one int a dimension; torch repeats a single one, also in a tuple."""
    single = isinstance(value, (tuple, list)) and len(value) == 1
    return per_dimension(value[0] if single else value, dims)


def dims_of(module: Any) -> int:
    """The number of dimensions a pooling slides over: its class says it, as in `MaxPool2d`."""
    return int(type(module).__name__[-2])


def check_pooling(name: str, settings: Settings, inputs: Inputs, dims: int) -> None:
    """Refuse what has no output or too much padding, in torch's words and with what to do."""
    shape = tuple(inputs["input"].shape)
    if len(shape) not in (dims + 1, dims + 2):
        raise UserError(
            f"{name}: expected {dims + 1}D or {dims + 2}D (batch mode) input, but got input of size {list(shape)}. "
            f"Give one of shape (C, {axes(dims)}) or (N, C, {axes(dims)})."
        )
    _check_padding(name, settings, dims)
    if not settings.get("ceil_mode"):
        check_window(name, settings, inputs, dims)


def _check_padding(name: str, settings: Settings, dims: int) -> None:
    kernel = per_dimension(settings["kernel_size"], dims, f"{name}: kernel_size")
    padding = per_dimension(settings.get("padding", 0), dims, f"{name}: padding")
    if any(pad < 0 for pad in padding):
        raise UserError(f"{name}: padding={settings['padding']} must be non-negative. Use padding >= 0.")
    if any(pad > size // 2 for pad, size in zip(padding, kernel, strict=True)):
        raise UserError(
            f"{name}: padding={settings['padding']} should be at most half of kernel_size="
            f"{settings['kernel_size']}. Use padding <= {_plain([size // 2 for size in kernel])} or a larger kernel."
        )


def _plain(values: Sequence[int]) -> str:
    return str(values[0]) if len(set(values)) == 1 else str(tuple(values))


def axes(dims: int) -> str:
    """The spatial dimensions as torch's documentation names them."""
    return ", ".join(("D", "H", "W")[-dims:]) if dims > 1 else "L"
