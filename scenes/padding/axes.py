"""The sides of a padding, axis by axis: what of a line is border, what is kept, and what a negative side cuts off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

CONSTANT, REFLECT, REPLICATE, CIRCULAR = "constant", "reflect", "replicate", "circular"
_MODES = {"Reflection": REFLECT, "Replication": REPLICATE, "Circular": CIRCULAR}
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
    def out_span(self) -> range:
        """The positions of the output."""
        return range(-self.before, self.size + self.after)

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

    def source(self, mode: str, place: str) -> str:
        """The place in the input, written with the numbers of the call, of what stands at a `place` of the output."""
        moved, last = _moved(place, self.before), self.size - 1
        if mode == CONSTANT or max(self.before, self.after) <= 0:
            return moved
        if mode == CIRCULAR:
            counted = _moved(place, max(0, self.before))
            counted = f"({counted})" if self.before > 0 else counted
            return (f"{self.first} + " if self.first else "") + f"{counted} mod {self.kept}"
        if mode == REFLECT:
            near, far = f"|{moved}|" if self.before > 0 else moved, f"{2 * last + self.before} − {place}"
            return near if self.after <= 0 else f"min({near}, {far})"
        if self.after <= 0:
            return f"max(0, {moved})"
        near = f"min({moved}, {last})"
        return f"max(0, {near})" if self.before > 0 else near

    def in_input(self, at: int) -> bool:
        """Whether a position belongs to the input."""
        return 0 <= at < self.size

    def in_output(self, at: int) -> bool:
        """Whether a position belongs to the output."""
        return -self.before <= at < self.size + self.after

    def borders(self) -> tuple[list[int], list[int]]:
        """The added positions before and after the input, each from the nearest to the farthest."""
        return list(range(-1, -self.before - 1, -1)), list(range(self.size, self.size + self.after))


def _moved(place: str, before: int) -> str:
    """A place counted from the input's first cell."""
    return f"{place} {'−' if before > 0 else '+'} {abs(before)}" if before else place


def axes_of(padding: Sequence[int], shape: Sequence[int]) -> list[Axis]:
    """The padded axes of a tensor of that shape, the last dimension first, as torch counts them."""
    return [
        Axis(shape[-1 - k], padding[2 * k], padding[2 * k + 1], k)
        for k in range(min(len(padding) // 2, len(shape)))
    ]


def mode_of(name: str) -> str:
    """How a class fills the border, in the words of `torch.nn.functional.pad`."""
    return next((mode for prefix, mode in _MODES.items() if name.startswith(prefix)), CONSTANT)


def has_value(name: str) -> bool:
    """Whether a class is given the value of its border."""
    return name.startswith("Constant")


@dataclass(frozen=True)
class PaddingGeometry:
    """One plane of a padded tensor of `ndim` dimensions: its rows and columns, and the indices in front of them.

    A call that pads one dimension has the channels as rows, which are not padded. `dims` is how many are padded.
    """

    rows: Axis
    cols: Axis
    lead: tuple[int, ...]
    ndim: int
    dims: int
    mode: str

    @classmethod
    def of(cls, name: str, padding: Sequence[int], shape: Sequence[int]) -> PaddingGeometry:
        """The first plane of an input of that shape."""
        padded = axes_of(padding, shape)
        channels = Axis(shape[-2] if len(shape) > 1 else 1, 0, 0, 1)
        rows = padded[1] if len(padded) > 1 else channels
        lead = (0,) * max(0, len(shape) - 2)
        return cls(rows, padded[0], lead, len(shape), len(padded), mode_of(name))

    @property
    def axes(self) -> list[Axis]:
        """The padded axes of the plane, in torch's order."""
        return [self.cols, self.rows][: self.dims]

    @property
    def copies(self) -> bool:
        """Whether the border copies elements of the input."""
        return self.mode != CONSTANT

    def in_input(self, row: int, col: int) -> bool:
        """Whether a position belongs to the input."""
        return self.rows.in_input(row) and self.cols.in_input(col)

    def in_output(self, row: int, col: int) -> bool:
        """Whether a position belongs to the output."""
        return self.rows.in_output(row) and self.cols.in_output(col)

    def of_input(self, row: int, col: int) -> tuple[int, ...]:
        """The input's element at a position."""
        return (*self.lead, row, col)[-self.ndim :]

    def of_output(self, row: int, col: int) -> tuple[int, ...]:
        """The output's element at a position."""
        return (*self.lead, row + self.rows.before, col + self.cols.before)[-self.ndim :]
