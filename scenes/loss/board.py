"""What the boards of all losses share: sizes in labels and elements of broadcast tensors."""

from __future__ import annotations

from torchreel.scenes.stage.board import Board
from torchreel.scenes.trace.formula import Index


class LossBoard(Board):
    """The base of the boards of losses, which all end with many losses that become one number."""

    def size(self, tensor: str) -> str:
        """The shape of a tensor as torch writes it; nothing for a single number."""
        shape = self.trace.shape(tensor)
        return str(shape) if shape else ""

    def aligned(self, tensor: str, index: Index) -> Index:
        """Where a broadcast tensor is read for an element of the losses."""
        return aligned_index(index, self.trace.shape(tensor))


def aligned_index(index: Index, shape: tuple[int, ...]) -> Index:
    """Where a tensor of `shape`, broadcast against others, is read for an element of the result.

    Of a result that has fewer axes, as one of all rows together has, it is the first of the others.
    """
    own = ((0,) * len(shape) + index)[len(index) :]
    return tuple(at if size > 1 else 0 for at, size in zip(own, shape, strict=True))
