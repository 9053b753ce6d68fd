"""Sums of products with shared factors: one window meets many kernels, one kernel many windows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import cast

import torch
from torch import Tensor

from torchreel.scenes.trace.formula import Add, Expr, Mul, Ref, Sum, Tensors, Token
from torchreel.scenes.trace.formula.tree import Bounded

_FEW = 256
_MOST_TERMS = 1 << 22


@dataclass(frozen=True, eq=False)
class ConvolutionDot(Expr):
    """The formula `tree(cells)`, a sum of `window · kernel`, read once for each distinct window and kernel.

    Column `axis` of the cells names the kernel, the other columns the window; within one number of `block` all cells
    take their factors in the same order. So a block is a matrix of windows times a matrix of kernels, and an output of
    64 channels reads its input once and not 64 times. `windows` is how many distinct ones there may be in a sample.
    """

    cells: Tensor
    tree: Callable[[Tensor], Sum]
    block: Callable[[Tensor], Tensor]
    axis: int
    windows: int
    precedence = 1

    def bounded(self, tensors: Tensors) -> Bounded:
        whole = self.tree(self.cells[:1]).body
        kernel = tensors[cast(Ref, cast(Mul, whole).parts[1]).tensor]
        if len(self.cells) < _FEW or not bool(cast(Tensor, kernel).isfinite().all()):
            return self.tree(self.cells).bounded(tensors)
        value = torch.empty(len(self.cells), dtype=torch.float64)
        size = torch.empty_like(value)
        number = self.block(self.cells)
        for each in number.unique().tolist():
            chosen = (number == each).nonzero()[:, 0]
            value[chosen], size[chosen] = self._block(self.cells[chosen], tensors)
        return Bounded(value, size)

    def _block(self, cells: Tensor, tensors: Tensors) -> tuple[Tensor, Tensor]:
        others = [axis for axis in range(cells.shape[1]) if axis != self.axis]
        window, which_window = _distinct(cells, others)
        kernel, which_kernel = _distinct(cells, [self.axis])
        x = cast(Mul, self.tree(window).body).parts[0].evaluate(tensors)
        read = cast(Ref, cast(Mul, self.tree(kernel).body).parts[1])
        w = Ref(read.tensor, read.index, fill=0.0).evaluate(tensors)
        value, size = x @ w.T, x.abs() @ w.abs().T
        return value[which_window, which_kernel], size[which_window, which_kernel]

    @property
    def terms(self) -> int:
        """What one cell costs: next to nothing where all windows of a sample are read at once."""
        terms = self.tree(self.cells[:1]).terms
        return 1 if self.windows * terms <= _MOST_TERMS else terms

    def at(self, position: Callable[[Tensor], Tensor]) -> ConvolutionDot:
        return replace(self, cells=position(self.cells))

    def tokens(self, draw: Callable[[Ref], Token], most: int) -> list[Token]:
        return self.tree(self.cells).tokens(draw, most)

    def refs(self) -> Iterator[Ref]:
        return self.tree(self.cells).refs()

    def symbols(self) -> str:
        return self.tree(self.cells).symbols()


class Biased(Add):
    """A `ConvolutionDot` plus a bias, as cheap as the `ConvolutionDot`."""

    @property
    def terms(self) -> int:
        """Those of the sum."""
        return self.parts[0].terms


def _distinct(cells: Tensor, columns: list[int]) -> tuple[Tensor, Tensor]:
    """One cell for each distinct combination of some columns, and which of them each cell has."""
    key = torch.zeros(len(cells), dtype=torch.int64)
    for column in columns:
        key = key * (int(cells[:, column].max()) + 1) + cells[:, column]
    found, which = key.unique(return_inverse=True)
    example = torch.empty_like(found).scatter_(0, which, torch.arange(len(cells)))
    return cells[example], which
