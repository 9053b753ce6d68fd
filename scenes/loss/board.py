"""What the boards of all losses share: sizes in labels, elements of broadcast tensors, and the arrow to the result."""

from __future__ import annotations

from torchreel.scenes.parts.shapes import Arrow
from torchreel.scenes.stage.board import Board
from torchreel.scenes.trace.formula import Index


class LossBoard(Board):
    """The base of the boards of losses, which all end with many losses that become one number."""

    def size(self, tensor: str) -> str:
        """The shape of a tensor as torch writes it; nothing for a single number."""
        shape = self.trace.shape(tensor)
        return str(shape) if shape else ""

    def sized(self, tensor: str) -> str:
        """A tensor's name, and its shape unless it is a single number."""
        return f"{tensor} {self.size(tensor)}".strip()

    def aligned(self, tensor: str, index: Index) -> Index:
        """Where a broadcast tensor is read for an element of the losses."""
        return aligned_index(index, self.trace.shape(tensor))

    def arrow(self, x: float, top: float, bottom: float) -> Arrow:
        """From the losses down to their sum."""
        return Arrow([(x, top), (x, bottom)], self.look.theme.wire)


def aligned_index(index: Index, shape: tuple[int, ...]) -> Index:
    """Where a tensor of `shape`, broadcast against others, is read for an element of the result."""
    own = index[len(index) - len(shape) :]
    return tuple(at if size > 1 else 0 for at, size in zip(own, shape, strict=True))
