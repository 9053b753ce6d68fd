"""What padding does: which element of the input each element of the output copies, or which constant fills it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from torchreel.assets.errors import UserError
from torchreel.scenes.padding.axes import (
    CIRCULAR,
    CONSTANT,
    REFLECT,
    REPLICATE,
    Axis,
    axes_of,
    mode_of,
)
from torchreel.scenes.trace.formula import Add, Case, Const, Expr, Largest, Least, Mul, Ref, Sub
from torchreel.scenes.trace.operator import Call, Inputs, Recording, Settings
from torchreel.scenes.trace.proof import Rule, Trace

_MOST_WRITTEN = 21
"""A sentence that names the sizes of input and output has room for so many characters of them."""


def record_padding(call: Call) -> Recording:
    """Tensors and rules of a padding of the last dimensions of `input` `(..., *spatial)`.

    Where values are copied, `column` (and `row`, `depth`), int64 of the output's sizes, say from which position of the
    input; they are proved from the output's position `at`, the sides and the sizes `W`, `H`, `D`.
    """
    module, source = call.module, {**call.inputs, **call.call}["input"]
    axes = axes_of(module.padding, source.shape)
    mode = mode_of(type(module).__name__)
    if mode == CONSTANT:
        return _Constant(source, call.output, axes, _constant(module, source)).recording()
    return _Copied(source, call.output, axes, mode).recording()


def _constant(module: object, source: Tensor) -> float:
    """The value in the border as the input's dtype holds it."""
    return float(torch.full((), getattr(module, "value", 0.0)).to(source.dtype))


class _Constant:
    """The border holds one value; the input keeps its place."""

    def __init__(self, source: Tensor, output: Tensor, axes: Sequence[Axis], value: float) -> None:
        self.source, self.output, self.value = source, output, value
        self.shift = torch.zeros(source.ndim, dtype=torch.int64)
        for axis in axes:
            self.shift[-1 - axis.number] = axis.before

    def recording(self) -> Recording:
        tensors = {"input": self.source, "output": self.output}
        return Recording(tensors, (Rule("output", self._filled),))

    def _filled(self, cells: Tensor) -> Expr:
        """output: the input where there is one, otherwise the value."""
        return Ref("input", cells - self.shift, fill=self.value)


class _Copied:
    """The border copies elements of the input."""

    def __init__(self, source: Tensor, output: Tensor, axes: Sequence[Axis], mode: str) -> None:
        self.source, self.output, self.axes, self.mode = source, output, axes, mode
        for axis in axes:
            if mode == CIRCULAR and output.numel() and max(axis.before, axis.after) > axis.kept:
                raise UserError(_wrapped_twice(axis))
        self.places = {axis.place: self._sources(axis) for axis in axes}

    def recording(self) -> Recording:
        tensors = {"input": self.source, **self._sizes(), **self.places, "output": self.output}
        rules = [Rule(axis.place, partial(self._place, axis)) for axis in self.axes]
        return Recording(tensors, (*rules, Rule("output", self._copy)))

    def _sizes(self) -> dict[str, Tensor]:
        """What the places are made of: positions `at`, the first sides, the sizes and what is kept of them."""
        named = {"at": torch.arange(max((axis.out for axis in self.axes), default=0))}
        for axis in self.axes:
            named[axis.sides[0]] = torch.tensor(axis.before)
            named[axis.letter] = torch.tensor(axis.size)
            if axis.kept != axis.size:
                named[f"kept_{axis.letter}"] = torch.tensor(axis.kept)
        return named

    def _sources(self, axis: Axis) -> Tensor:
        """The position of the input that each position of the output copies."""
        at = torch.arange(axis.out) - axis.before
        if self.mode == CIRCULAR:
            return at + axis.kept * ((at < axis.first).long() - (at >= axis.end).long())
        last = axis.size - 1
        if self.mode == REPLICATE:
            return at.clamp(0, last)
        return torch.where(at > last, 2 * last - at, at.abs())

    def _place(self, axis: Axis, cells: Tensor) -> Expr:
        """A place: the output's position without the border, brought back onto the input."""
        one = cells[:, :0]
        place, before, size = Ref("at", cells), Ref(axis.sides[0], one), Ref(axis.letter, one)
        at = Sub(place, before)
        if self.mode == REPLICATE:
            return Largest((Const(0), Least((at, Sub(size, Const(1))))))
        if self.mode == REFLECT:
            last = Mul((Const(2), Sub(size, Const(1))))
            return Case(_region(axis, cells, 0, axis.size), (Sub(before, place), at, Sub(last, at)))
        kept = size if axis.kept == axis.size else Ref(f"kept_{axis.letter}", one)
        return Case(_region(axis, cells, axis.first, axis.end), (Add((at, kept)), at, Sub(at, kept)))

    def _copy(self, cells: Tensor) -> Expr:
        """output: the element of the input at the source position along every padded axis."""
        at = cells.clone()
        for axis in self.axes:
            column = cells.shape[1] - 1 - axis.number
            at[:, column] = self.places[axis.place][cells[:, column]]
        return Ref("input", at)


def _region(axis: Axis, cells: Tensor, first: int, end: int) -> Tensor:
    """0 before the positions from `first` to `end`, 1 on them, 2 after them."""
    at = cells[:, 0] - axis.before
    return 1 + (at >= end).long() - (at < first).long()


def _wrapped_twice(axis: Axis) -> str:
    sides = zip(axis.sides, (axis.before, axis.after), strict=True)
    named = " and ".join(f"{name}={value}" for name, value in sides)
    return (
        f"{named} keep {axis.kept} of {axis.size} cells; torch does not say what wraps around more than once."
    )


def padding_facts(trace: Trace) -> dict[str, bool]:
    """What captions may claim of a padding, from its sizes."""
    module: Any = trace.module
    sides = tuple(module.padding)
    dims = len(sides) // 2
    sizes = [" × ".join(map(str, trace.shape(name)[-dims:])) for name in ("input", "output")]
    return {
        "adds": max(sides) > 0,
        "cuts": min(sides) < 0,
        "around": min(sides) > 0,
        "line": dims == 1,
        "short_sizes": sum(map(len, sizes)) <= _MOST_WRITTEN,
    }


def check_padding(name: str, settings: Settings, inputs: Inputs, dims: int) -> None:
    """Refuse sides that do not go with the input, in one line and with what to do."""
    padding, shape = settings["padding"], tuple(inputs["input"].shape)
    sides = (padding,) * (2 * dims) if isinstance(padding, int) else tuple(padding)
    if len(sides) != 2 * dims or not all(type(side) is int for side in sides):
        order = ", ".join(side for pair in map(_named, range(dims)) for side in pair)
        raise UserError(
            f"{name}: padding={padding!r} should be an int or a tuple of {2 * dims} ints: ({order})."
        )
    mode = mode_of(name)
    if mode != CONSTANT and len(shape) not in (dims + 1, dims + 2):
        raise UserError(
            f"{name}: expected {dims + 1}D or {dims + 2}D (batch mode) input, but got input of size {list(shape)}."
        )
    for axis in axes_of(sides, shape):
        _check_axis(name, mode, axis)


def _named(number: int) -> tuple[str, str]:
    return Axis(0, 0, 0, number).sides


def _check_axis(name: str, mode: str, axis: Axis) -> None:
    first, second = axis.sides
    least = 1 if mode in (REFLECT, REPLICATE) else 0
    if axis.out < least:
        raise UserError(
            f"{name}: {first}={axis.before} and {second}={axis.after} leave nothing of {axis.letter}={axis.size}. "
            f"Cut off less than {axis.size}."
        )
    most = {REFLECT: axis.size - 1, CIRCULAR: axis.kept}.get(mode)
    if most is None or max(axis.before, axis.after) <= most:
        return
    side, given = (first, axis.before) if axis.before > most else (second, axis.after)
    why = "the mirror skips the edge" if mode == REFLECT else "the input wraps around once only"
    raise UserError(
        f"{name}: {side}={given} is too much for {axis.letter}={axis.size}: {why}. Use {side} <= {most}."
    )
