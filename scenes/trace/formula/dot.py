"""Sums of products with shared factors: one window meets many kernels, one sample the weights of many neurons."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, reduce

import torch
from torch import Tensor

from torchreel.scenes.trace.formula.arithmetic import Mul
from torchreel.scenes.trace.formula.pairing import Pairing, paired
from torchreel.scenes.trace.formula.reductions import Sum
from torchreel.scenes.trace.formula.special import products, ragged_products
from torchreel.scenes.trace.formula.strips import Factor
from torchreel.scenes.trace.formula.tensors import Tensors, Token
from torchreel.scenes.trace.formula.tree import Bounded, Expr, Ref

# Elements of a matrix that is made at once: 8 MB in float64, and what is made on the way stays as small.
_TILE = 1 << 20
_LONG = 1 << 17


@dataclass(frozen=True, eq=False)
class Dot(Expr):
    """The sum of `T` products of `factors`, as `whole` writes it out, evaluated as few products of matrices.

    What cells have in common is read once: cells that agree in the factors of one side share a row, those that agree in
    the others, the `columns`, share a column, and all pairs of a block are one product of two matrices in float64. So a
    batch may be large, and costs what torch's own product costs. `columns` are numbers of factors.
    """

    factors: tuple[Factor, ...]
    columns: tuple[int, ...] = (1,)
    precedence = 1

    @cached_property
    def whole(self) -> Sum:
        """The same, product by product."""
        skip = _outside(self.factors)
        return Sum(Mul(tuple(factor.expr(skip) for factor in self.factors)))

    def bounded(self, tensors: Tensors) -> Bounded:
        rows, columns = self._sides
        found, place = paired(rows.number(), columns.number())
        values, sizes = zip(*(self._blocks(one, tensors) for one in found), strict=True)
        return Bounded(torch.cat(values).index_select(0, place), torch.cat(sizes).index_select(0, place))

    def at(self, position: Callable[[Tensor], Tensor]) -> Sum:
        whole = self.whole.at(position)
        assert isinstance(whole, Sum)
        return whole

    def tokens(self, draw: Callable[[Ref], Token], most: int) -> list[Token]:
        return self.whole.tokens(draw, most)

    def refs(self) -> Iterator[Ref]:
        return self.whole.refs()

    def symbols(self) -> str:
        return self.whole.symbols()

    @property
    def _sides(self) -> tuple[_Side, _Side]:
        """What names a row, and what names a column."""
        rows = tuple(factor for number, factor in enumerate(self.factors) if number not in self.columns)
        return _Side(rows), _Side(tuple(self.factors[number] for number in self.columns))

    def _blocks(self, found: Pairing, tensors: Tensors) -> tuple[Tensor, Tensor]:
        """Values and sizes of all pairs of some blocks, flat."""
        count = self.factors[0].count
        (number, high), wide = found.rows.shape, found.columns.shape[1]
        value = torch.zeros(number, high, wide, dtype=torch.float64)
        size = torch.zeros_like(value)
        for start in range(0, count, _LONG):
            stop = min(count, start + _LONG)
            most = max(1, _TILE // (stop - start))
            several = max(1, most // (high + wide))
            for k in range(0, number, several):
                for i in range(0, high, most):
                    for j in range(0, wide, most):
                        rows = found.rows[k : k + several, i : i + most]
                        columns = found.columns[k : k + several, j : j + most]
                        values, sizes = self._tile(rows, columns, start, stop, tensors)
                        value[k : k + several, i : i + most, j : j + most] += values
                        size[k : k + several, i : i + most, j : j + most] += sizes
        return value.reshape(-1), size.reshape(-1)

    def _tile(
        self, rows: Tensor, columns: Tensor, start: int, stop: int, tensors: Tensors
    ) -> tuple[Tensor, Tensor]:
        """Values and sizes `(K, n, m)` of the pairs of rows `(K, n)` and columns `(K, m)`: some products of each."""
        sides = zip(self._sides, (rows, columns), strict=True)
        left, right = (side.of(cells, start, stop) for side, cells in sides)
        x, w = left.values(rows, tensors), right.values(columns, tensors)
        values, sizes = products(x, w)
        if bool(sizes.isfinite().all()):
            return values, sizes
        outside = left.outside(rows), right.outside(columns)
        if outside[0] is None and outside[1] is None:
            return values, sizes
        return ragged_products(x, w, *outside)


@dataclass(frozen=True)
class _Side:
    """The factors that say which row, or which column, a cell belongs to."""

    factors: tuple[Factor, ...]

    def number(self) -> Tensor:
        """A number `(B,)` for each cell, the same where all factors read the same."""
        number = self.factors[0].number()
        for factor in self.factors[1:]:
            other = factor.number()
            number = number * (int(other.amax()) + 1) + other if len(other) else number
        return number

    def of(self, cells: Tensor, start: int, stop: int) -> _Side:
        """The same for some cells of any shape, laid end to end, and some products."""
        flat = cells.reshape(-1)
        return _Side(tuple(one.at(lambda index: index[flat]).part(start, stop) for one in self.factors))

    def values(self, cells: Tensor, tensors: Tensors) -> Tensor:
        """The products of its factors in float64, `(*cells.shape, T)`."""
        return reduce(torch.mul, [one.rows(tensors) for one in self.factors]).reshape(*cells.shape, -1)

    def outside(self, cells: Tensor) -> Tensor | None:
        """Which of them do not exist."""
        found = _outside(self.factors)
        return None if found is None else found.reshape(*cells.shape, -1)


def _outside(factors: Iterable[Factor]) -> Tensor | None:
    """Which products do not exist, because a factor would stand outside its bounds."""
    found = [outside for factor in factors if (outside := factor.outside()) is not None]
    return reduce(torch.logical_or, found) if found else None
