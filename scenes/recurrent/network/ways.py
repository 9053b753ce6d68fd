"""The ways of values through an unrolled network: up from what a cell reads, along a pass, up to the output."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torchreel.scenes.recurrent.network.layers_trace import Pass
from torchreel.scenes.recurrent.network.layout import NetworkLayout

Way = tuple[str, int, int]
Corners = tuple[tuple[float, float], ...]
_BUS = 0.17
_STUB = 0.12


@dataclass(frozen=True)
class Ends:
    """Heights: the inputs' upper edge, the outputs' lower edge and the middle of their forward part; and how many
    directions and layers there are.
    """

    inputs: float
    outputs: float
    forward: float
    directions: int
    layers: int


def ways(
    lay: NetworkLayout, row: int, one: Pass, order: Sequence[int], ends: Ends
) -> Iterator[tuple[Way, Corners]]:
    """The corners of all wires of one row, by what they carry, the row and the place of the time step."""
    room, ahead, half = lay.rooms[row], -1 if one.reverse else 1, lay.box / 2
    begin = lay.side_edge(one.reverse) + ahead * 0.04
    before: int | None = None
    for slot in order:
        x = lay.column(slot)
        if before is None or abs(before - slot) == 1:
            yield ("state", row, slot), ((begin, room.middle), (x - ahead * (half + 0.02), room.middle))
        yield ("in", row, slot), _rise_in(lay, row, one, x, ends)
        if one.layer == ends.layers - 1:
            yield ("out", row, slot), _rise_out(lay, row, one, x, ends)
        elif ends.directions == 2 and not one.reverse:
            joint = lay.rooms[row + 1].top + _STUB
            yield ("join", row, slot), (*_round(lay, row, x), (x + half + _BUS, joint), (x, joint))
        before, begin = slot, x + ahead * half
    yield (
        ("end", row, 0),
        ((begin, room.middle), (lay.side_edge(not one.reverse) - ahead * 0.04, room.middle)),
    )


def _rise_in(lay: NetworkLayout, row: int, one: Pass, x: float, ends: Ends) -> Corners:
    """From what a cell reads to its lower edge; a backward cell's way goes round the forward one below it."""
    below = row - int(one.reverse)
    start = lay.rooms[below - 1].top if below else ends.inputs
    bottom = lay.rooms[row].bottom
    if below == row:
        return (x, start), (x, bottom - 0.02)
    side, turn = x - lay.box / 2 - _BUS, (start + lay.rooms[below].bottom) / 2 - 0.04
    foot = x - lay.box / 4
    return (
        (x, start), (x, turn), (side, turn), (side, bottom - _STUB), (foot, bottom - _STUB), (foot, bottom - 0.02),
    )  # fmt: skip


def _rise_out(lay: NetworkLayout, row: int, one: Pass, x: float, ends: Ends) -> Corners:
    """From a top cell to the output; a forward cell's way goes round the backward one above it."""
    if ends.directions == 1 or one.reverse:
        return (x, lay.rooms[row].top), (x, ends.outputs)
    side = x + lay.box / 2 + _BUS
    return *_round(lay, row, x), (side, ends.forward), (x + lay.vector / 2 + 0.03, ends.forward)


def _round(lay: NetworkLayout, row: int, x: float) -> Corners:
    """From a cell's upper edge to beside the cell above."""
    top, foot = lay.rooms[row].top, x + lay.box / 4
    return (foot, top), (foot, top + _STUB), (x + lay.box / 2 + _BUS, top + _STUB)
