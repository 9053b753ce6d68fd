"""How much of the stage a figure takes when its cells have certain sizes, and where everything stands then.

Width and height are found in the same way, along axis 0 (from the left) and axis 1 (from the top).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torchreel.scenes.parts.grid import Cells
from torchreel.scenes.parts.rooms import LABEL, Area, Mosaic, Placed, Room
from torchreel.scenes.parts.text import measure

AXES = (0, 1)
_HEAD = 0.16


@dataclass(frozen=True)
class Demand:
    """What a part takes along an axis before and after its anchor: its middle or, in a line, its first cell."""

    before: float
    after: float

    @property
    def length(self) -> float:
        return self.before + self.after


class Extents:
    """A figure with its state: of each station the size of its cells and how many are `shown`, along both axes.

    `named` is whether names claim the width they have.
    """

    def __init__(self, figure: Mosaic) -> None:
        self.figure = figure
        self.rooms = dict(figure.rooms())
        self.with_cells = [name for name, room in self.rooms.items() if room.has_cells]
        self.named = True
        self.sizes: list[dict[str, float]] = [dict.fromkeys(self.with_cells, 0.0) for _ in AXES]
        self.shown = [{name: self.rooms[name].count(axis) for name in self.with_cells} for axis in AXES]
        self._margins = [{name: room.margins(axis) for name, room in self.rooms.items()} for axis in AXES]
        self._names = {name: measure(room.name, LABEL, "mono") for name, room in self.rooms.items()}

    def length(self, axis: int, mosaic: Mosaic | None = None) -> float:
        """What the figure, or a mosaic in it, takes along an axis with the least gaps."""
        mosaic = mosaic or self.figure
        claims = self._tracks(mosaic, axis)
        return sum(claim.length for claim in claims) + mosaic.gap[0] * (len(claims) - 1)

    def block(self, name: str, axis: int) -> float:
        """The length of a station's planes with their padding."""
        return self.rooms[name].block(axis, self.sizes[axis].get(name, 0.0), self.shown[axis].get(name, 0))

    def places(self, area: Area, cells: dict[str, Cells]) -> dict[str, Placed]:
        """Where everything stands, the whole in the middle of an area."""
        lengths = (area.width, area.height)
        across, down = (self._arranged(self.figure, 0.0, lengths[axis], axis) for axis in AXES)
        return {
            name: self._placed(name, (area.left + across[name], area.top - down[name]), cells)
            for name in self.rooms
        }

    def _tracks(self, mosaic: Mosaic, axis: int) -> list[Demand]:
        return [self._track(mosaic, names, axis) for names in mosaic.tracks(axis)]

    def _track(self, mosaic: Mosaic, names: Sequence[str], axis: int) -> Demand:
        claims = [self._claim(mosaic, name, axis) for name in names]
        leading = [
            claim for name, claim in zip(names, claims, strict=True) if self._leads(mosaic, name, axis)
        ] or claims
        before = max((claim.before for claim in leading), default=0.0)
        after = max((claim.after for claim in leading), default=0.0)
        extra = max(0.0, max((claim.length for claim in claims), default=0.0) - before - after)
        return Demand(before + extra / 2, after + extra / 2)

    def _leads(self, mosaic: Mosaic, name: str, axis: int) -> bool:
        """Whether a part is in line with others by its first cell."""
        part = mosaic.parts[name]
        return mosaic.lined[axis] and isinstance(part, Room) and part.has_cells

    def _claim(self, mosaic: Mosaic, name: str, axis: int) -> Demand:
        part = mosaic.parts[name]
        if isinstance(part, Mosaic):
            half = self.length(axis, part) / 2
            return Demand(half, half)
        claim = self._round_middle(name, axis)
        if not self._leads(mosaic, name, axis):
            return claim
        first = claim.before - self._after_first(name, axis)
        return Demand(first, claim.length - first)

    def _round_middle(self, name: str, axis: int) -> Demand:
        """What a station takes before and after the middle of its block."""
        before, after = self._margins[axis][name]
        half, head = self.block(name, axis) / 2, 0.0 if axis or not self.named else self._names[name] / 2
        return Demand(max(before + half, head), max(after + half, head))

    def _after_first(self, name: str, axis: int) -> float:
        """How far behind the edge of its first cell that is no padding the middle of a block is."""
        padding = self.rooms[name].padding(axis, self.shown[axis][name])[0]
        return self.block(name, axis) / 2 - padding * self.sizes[axis][name]

    def _arranged(self, mosaic: Mosaic, start: float, end: float, axis: int) -> dict[str, float]:
        """The middles of all blocks between two places, with the largest gaps there is room for."""
        claims = self._tracks(mosaic, axis)
        whole, gaps = sum(claim.length for claim in claims), len(claims) - 1
        gap = min(mosaic.gap[1], (end - start - whole) / max(1, gaps))
        at = (start + end - whole - gap * gaps) / 2
        middles: dict[str, float] = {}
        for names, claim in zip(mosaic.tracks(axis), claims, strict=True):
            for name in names:
                middles |= self._in_track(mosaic, name, axis, at, claim, names)
            at += claim.length + gap
        return middles

    def _in_track(
        self, mosaic: Mosaic, name: str, axis: int, at: float, track: Demand, names: Sequence[str]
    ) -> dict[str, float]:
        part, own = mosaic.parts[name], self._claim(mosaic, name, axis)
        if isinstance(part, Mosaic):
            return self._arranged(part, at, at + track.length, axis)
        if self._leads(mosaic, name, axis):
            return {name: at + track.before + self._after_first(name, axis)}
        if any(self._leads(mosaic, other, axis) for other in names):
            return {name: at + (track.length - own.length) / 2 + own.before}
        return {name: at + track.before}

    def _placed(self, name: str, at: tuple[float, float], cells: dict[str, Cells]) -> Placed:
        room, own = self.rooms[name], cells.get(name, Cells(0.0, 0.0, 0.0, 0, 0))
        half = [self.block(name, axis) / 2 for axis in AXES]
        block = _round(at, Demand(half[0], half[0]), Demand(half[1], half[1]))
        area = _round(at, self._round_middle(name, 0), self._round_middle(name, 1))
        pad = (*room.padding(1, own.rows), *room.padding(0, own.cols))
        return Placed(own, tuple(_planes(room, block)), area, block, pad, (at[0], block.top + _HEAD))


def _round(at: tuple[float, float], across: Demand, down: Demand) -> Area:
    return Area(at[0] - across.before, at[1] - down.after, at[0] + across.after, at[1] + down.before)


def _planes(room: Room, block: Area) -> Iterator[tuple[float, float]]:
    """The middles of planes in a block, row by row."""
    for row in block.rows(*[1.0] * room.down, gap=room.between):
        for plane in row.columns(*[1.0] * room.across, gap=room.between):
            yield plane.middle
