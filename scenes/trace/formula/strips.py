"""The factors of sums of products: what each cell reads, as a place to start and steps common to all cells."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from torchreel.scenes.trace.formula.choices import Case
from torchreel.scenes.trace.formula.tensors import Lazy, Tensors
from torchreel.scenes.trace.formula.tree import Expr, Ref, Shared

Position = Callable[[Tensor], Tensor]


class Factor(ABC):
    """One factor of `T` products for each of `B` cells."""

    @property
    @abstractmethod
    def count(self) -> int:
        """`T`."""

    @abstractmethod
    def number(self) -> Tensor:
        """A number `(B,)` for each cell, the same where the same elements are read."""

    @abstractmethod
    def outside(self) -> Tensor | None:
        """Which products do not exist, `(B, T)`, because this factor would stand outside its bounds; None: all do."""

    @abstractmethod
    def expr(self, skip: Tensor | None) -> Expr:
        """The factor of all products, `(B, T)`, as it is drawn."""

    @abstractmethod
    def rows(self, tensors: Tensors) -> Tensor:
        """Its values in float64, `(B, T)`."""

    @abstractmethod
    def at(self, position: Position) -> Factor:
        """The same for some of the cells."""

    @abstractmethod
    def part(self, start: int, stop: int) -> Factor:
        """The same for some of the products."""


@dataclass(frozen=True, eq=False)
class Strip(Factor):
    """Elements of one tensor: cell `b` reads at `start[b] + steps[t]`; shapes `(B, ndim)` and `(T, ndim)`.

    Positions outside the tensor count as `fill`. Where `bounds` are given, the tensor's sizes, products that would read
    outside of them do not exist.
    """

    tensor: str
    start: Tensor
    steps: Tensor
    fill: float | None = None
    bounds: tuple[int, ...] | None = field(default=None)

    @property
    def count(self) -> int:
        return len(self.steps)

    def number(self) -> Tensor:
        return _numbered(self.start)

    def outside(self) -> Tensor | None:
        if self.bounds is None:
            return None
        place = self._index()
        return ((place < 0) | (place >= torch.tensor(self.bounds))).any(-1)

    def expr(self, skip: Tensor | None) -> Expr:
        return Shared(self.tensor, self._index(), self._filled, skip)

    def rows(self, tensors: Tensors) -> Tensor:
        source = tensors[self.tensor]
        if isinstance(source, Lazy) or not source.numel() or not len(self.start) or not self.count:
            return self._ref().evaluate(tensors)
        low, high = self.start.amin(0) + self.steps.amin(0), self.start.amax(0) + self.steps.amax(0) + 1
        if bool((low >= 0).all()) and bool((high <= torch.tensor(source.shape)).all()):
            return _strided(source, self.start, self.steps)
        sizes = (high - low).tolist()
        if self._filled is None or math.prod(sizes) > 8 * len(self.start) * self.count:
            return self._ref().evaluate(tensors)
        return _strided(_cut(source, low.tolist(), sizes, self._filled), self.start - low, self.steps)

    def at(self, position: Position) -> Strip:
        return Strip(self.tensor, position(self.start), self.steps, self.fill, self.bounds)

    def part(self, start: int, stop: int) -> Strip:
        return Strip(self.tensor, self.start, self.steps[start:stop], self.fill, self.bounds)

    @property
    def _filled(self) -> float | None:
        return self.fill if self.bounds is None else 0.0

    def _index(self) -> Tensor:
        return self.start[:, None, :] + self.steps

    def _ref(self) -> Ref:
        return Ref(self.tensor, self._index(), self._filled)


@dataclass(frozen=True, eq=False)
class Either(Factor):
    """Elements that stand in one of several tensors, by `which` `(B,)`."""

    which: Tensor
    strips: tuple[Strip, ...]

    @property
    def count(self) -> int:
        return self.strips[0].count

    def number(self) -> Tensor:
        numbers = torch.stack([strip.number() for strip in self.strips])
        own = numbers.gather(0, self.which[None])[0]
        return own * len(self.strips) + self.which

    def outside(self) -> None:
        return None

    def expr(self, skip: Tensor | None) -> Expr:
        if len(self.which) == 1:
            return self.strips[int(self.which[0])].expr(skip)
        parts = tuple(strip.expr(skip) for strip in self.strips)
        return Case(self.which[:, None].expand(-1, self.count), parts)

    def rows(self, tensors: Tensors) -> Tensor:
        found = self.strips[0].rows(tensors)
        for number, strip in enumerate(self.strips[1:], 1):
            found = torch.where((self.which == number)[:, None], strip.rows(tensors), found)
        return found

    def at(self, position: Position) -> Either:
        return Either(position(self.which), tuple(strip.at(position) for strip in self.strips))

    def part(self, start: int, stop: int) -> Either:
        return Either(self.which, tuple(strip.part(start, stop) for strip in self.strips))


def _numbered(index: Tensor) -> Tensor:
    """One number `(B,)` for each index `(B, ndim)`, the same for the same index."""
    if not index.numel():
        return torch.zeros(len(index), dtype=torch.int64)
    # Both at once, `aminmax`, starts threads for the smallest tensor, which costs milliseconds on a busy machine.
    low, high = index.amin(0), index.amax(0)
    sizes = (high - low + 1).tolist()
    number = torch.zeros(len(index), dtype=torch.int64)
    for axis, size in enumerate(sizes):
        number = number * size + (index[:, axis] - low[axis])
    return number


def _cut(source: Tensor, low: list[int], sizes: list[int], fill: float) -> Tensor:
    """A part of a tensor that may reach beyond it: from `low`, of `sizes`, with `fill` around."""
    cut = torch.full(sizes, fill, dtype=torch.float64)
    ours, theirs = [], []
    for start, size, most in zip(low, sizes, source.shape, strict=True):
        first, last = max(start, 0), max(min(start + size, most), max(start, 0))
        ours.append(slice(first, last))
        theirs.append(slice(first - start, last - start))
    inside = source[tuple(ours)]
    if inside.numel():
        cut[tuple(theirs)] = inside.to(torch.float64)
    return cut


def _strided(source: Tensor, start: Tensor, steps: Tensor) -> Tensor:
    """The elements at `start + steps`, all of them inside, in float64: read as a matrix where their places are one."""
    strides = torch.tensor(source.stride(), dtype=torch.int64)
    first, further = (start * strides).sum(-1), (steps * strides).sum(-1)
    down, across = _difference(first), _difference(further)
    lowest = int(first[0] + further[0])
    if down is not None and across is not None:
        shape, offset = (len(start), len(steps)), source.storage_offset() + lowest
        return source.as_strided(shape, (down, across), offset).to(torch.float64)
    flat = source.as_strided((int(first.amax() + further.amax()) + 1,), (1,))
    places = first[:, None] + further
    return flat.index_select(0, places.reshape(-1)).to(torch.float64).reshape(places.shape)


def _difference(numbers: Tensor) -> int | None:
    """By how much each number is greater than the one before, None where that differs or some are smaller."""
    if len(numbers) < 2:
        return 0
    step = int(numbers[1] - numbers[0])
    return step if step >= 0 and bool((numbers.diff() == step).all()) else None
