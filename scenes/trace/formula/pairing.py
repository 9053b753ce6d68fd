"""Which pairs of rows and columns a batch asks for, as few complete blocks as hold them all.

A cell of a sum of products pairs a row with a column: the window of a convolution with a kernel, a sample with the
weights of a neuron. Groups, phases of a stride and heads of attention make blocks: rows and columns of one block meet
each other and no others.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

# Blocks may hold pairs that nobody asks for: many of those cost less than reading a row and a column for each pair.
_SPARE = 2
_SPARSE = 32


@dataclass(frozen=True)
class Pairing:
    """Equally large blocks: numbers of cells that stand for the rows `(K, n)` and the columns `(K, m)` of each."""

    rows: Tensor
    columns: Tensor

    @property
    def size(self) -> int:
        """How many pairs there are in all of them."""
        return self.rows.numel() * self.columns.shape[1]


def paired(row: Tensor, column: Tensor) -> tuple[list[Pairing], Tensor]:
    """Blocks that hold the pairs of all cells, and where in them, laid end to end, each cell's pair is.

    `row` and `column` `(B,)` are numbers from 0 on that say which of them are the same.
    """
    rows, row = _named(row)
    columns, column = _named(column)
    every = len(rows) * len(columns)
    found = _several(rows, row, columns, column) if every > _SPARE * len(row) else None
    if found is None and every <= _SPARSE * len(row):
        return [Pairing(rows[None], columns[None])], row * len(columns) + column
    return found or _pairs(len(row))


def _named(number: Tensor) -> tuple[Tensor, Tensor]:
    """A cell for each distinct number, and the place among these that each cell has."""
    largest = int(number.amax()) if len(number) else 0
    if largest > 8 * len(number):
        found, which = number.unique(return_inverse=True)
        count = len(found)
    else:  # counting, which takes a third of the time
        found = torch.zeros(largest + 1, dtype=torch.int64).index_fill_(0, number, 1)
        count, which = int(found.sum()), (found.cumsum(0) - 1).index_select(0, number)
    return torch.zeros(count, dtype=torch.int64).scatter_(0, which, torch.arange(len(number))), which


def _pairs(count: int) -> tuple[list[Pairing], Tensor]:
    """Every cell a block of its own."""
    every = torch.arange(count)
    return [Pairing(every[:, None], every[:, None])], every


def _several(
    rows: Tensor, row: Tensor, columns: Tensor, column: Tensor
) -> tuple[list[Pairing], Tensor] | None:
    """The blocks that the cells fall into, named by their first column; None where they do not, or not densely."""
    first = torch.full((len(rows),), len(columns)).scatter_reduce_(0, row, column, "amin")
    names, of_row = first.unique(return_inverse=True)
    of_column = torch.zeros(len(columns), dtype=torch.int64).scatter_(0, column, of_row[row])
    if not torch.equal(of_column[column], of_row[row]):
        return None
    high, wide = (torch.bincount(of, minlength=len(names)) for of in (of_row, of_column))
    if int((high * wide).sum()) > _SPARE * len(row):
        return None
    down, rows_in_order = _places(of_row, high)
    across, columns_in_order = _places(of_column, wide)
    begin = torch.empty_like(high)
    found, offset = [], 0
    for n, m in torch.stack([high, wide], 1).unique(dim=0).tolist():
        chosen = ((high == n) & (wide == m)).nonzero()[:, 0]
        begin[chosen] = offset + torch.arange(len(chosen)) * n * m
        mine = rows[rows_in_order[(high.cumsum(0) - high)[chosen, None] + torch.arange(n)]]
        theirs = columns[columns_in_order[(wide.cumsum(0) - wide)[chosen, None] + torch.arange(m)]]
        found.append(Pairing(mine, theirs))
        offset += found[-1].size
    block = of_row[row]
    return found, begin[block] + down[row] * wide[block] + across[column]


def _places(of: Tensor, sizes: Tensor) -> tuple[Tensor, Tensor]:
    """The place of each member within its block, and the members in the order of their blocks."""
    order = of.argsort(stable=True)
    place = torch.empty_like(of)
    place[order] = torch.arange(len(of)) - (sizes.cumsum(0) - sizes)[of[order]]
    return place, order
