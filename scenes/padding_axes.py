"""The sides of a padding, axis by axis: what of a line is border, what is kept, and what a negative side cuts off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

SIDES = (("left", "right"), ("top", "bottom"), ("front", "back"))
"""torch's names of the numbers in `padding`, in its order: the last dimension comes first."""
LETTERS = "WHD"
PLACES = ("column", "row", "depth")
"""The names of an element's place along the last dimension, the one before, and so on."""


@dataclass(frozen=True)
class Axis:
    """One padded dimension: `size` cells, `before` and `after` of them added, or cut off where negative.

    Positions count from the first cell of the input, so the border before it has negative ones.
    """

    size: int
    before: int
    after: int
    number: int = 0

    @property
    def out(self) -> int:
        """The length of the output."""
        return self.size + self.before + self.after

    @property
    def first(self) -> int:
        """The first position that is kept of the input."""
        return max(0, -self.before)

    @property
    def end(self) -> int:
        """The position after the last one that is kept of the input."""
        return self.size + min(0, self.after)

    @property
    def kept(self) -> int:
        """How many cells are kept of the input."""
        return max(0, self.end - self.first)

    @property
    def span(self) -> range:
        """All positions of input and output together."""
        return range(min(0, -self.before), self.size + max(0, self.after))

    @property
    def sides(self) -> tuple[str, str]:
        """torch's names of the two sides."""
        return (
            SIDES[self.number] if self.number < len(SIDES) else (f"first{self.number}", f"last{self.number}")
        )

    @property
    def letter(self) -> str:
        """The name of the size."""
        return LETTERS[self.number] if self.number < len(LETTERS) else f"S{self.number}"

    @property
    def place(self) -> str:
        """The name of a position, as a tensor of source positions."""
        return PLACES[self.number] if self.number < len(PLACES) else f"place{self.number}"

    def in_input(self, at: int) -> bool:
        """Whether a position belongs to the input."""
        return 0 <= at < self.size

    def in_output(self, at: int) -> bool:
        """Whether a position belongs to the output."""
        return -self.before <= at < self.size + self.after

    def borders(self) -> tuple[list[int], list[int]]:
        """The added positions before and after the input, each from the nearest to the farthest."""
        return list(range(-1, -self.before - 1, -1)), list(range(self.size, self.size + self.after))


def axes_of(padding: Sequence[int], shape: Sequence[int]) -> list[Axis]:
    """The padded axes of a tensor of that shape, the last dimension first, as torch counts them."""
    return [
        Axis(shape[-1 - k], padding[2 * k], padding[2 * k + 1], k)
        for k in range(min(len(padding) // 2, len(shape)))
    ]
