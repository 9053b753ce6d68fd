"""The wires that every cell has: from what a call reads to its weights, from these to the gates, from call to call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from torchreel.scenes.parts.gates import Route
from torchreel.scenes.recurrent.chain.cells import MEMORY_WIDTH

if TYPE_CHECKING:
    from torchreel.scenes.recurrent.chain.board import ChainBoard

LABEL = 0.34
"""How far a name reaches above its weight."""
SIGNS = {"sigmoid": "σ", "tanh": "tanh", "relu": "relu"}


def routes(board: ChainBoard) -> dict[str, Route]:
    """All wires by name: those of the open call, the cell's own, and `state n`, `x n`, `rise n` of the others."""
    found = {**dict(_gates(board)), **board.wiring.routes, **dict(_reads(board))}
    for slot in board.slots:
        found |= dict(_later(board, slot)) if slot else {}
        found |= dict(_rises(board, slot))
    return found


def _reads(board: ChainBoard) -> Iterator[tuple[str, Route]]:
    lay, hues = board.layout, board.hues
    x, h = (sum(lay.block(kind)) / 2 for kind in ("ih", "hh"))
    top, bottom = lay.heights.gates
    edge = board.inputs[0].around()[:, 1].max()
    yield "x", Route(((x, edge), (x, bottom - 0.03)), hues["input"], head=True)
    start, y = lay.start + lay.sizes.vector, board.entry_y("h")
    if lay.gates == 3:
        yield "h in", Route(((h, y), (h, top + LABEL)), hues["state"], head=True)
    else:
        yield "h in", Route(((start, y), (h, y), (h, bottom - 0.03)), hues["state"], head=True, hops=(x,))


def _gates(board: ChainBoard) -> Iterator[tuple[str, Route]]:
    lay = board.layout
    for number, gate in enumerate(board.law.gates):
        if gate.reset:
            continue
        y, color = lay.gate_y(number), board.hues.get(gate.name, board.hues["state"])
        left, half = lay.weights_right + 0.05, lay.sizes.total / 2
        if half:
            yield f"sum {gate.name}", Route(((left, y), (lay.sum_x - half - 0.03, y)), color, head=True)
            left = lay.sum_x + half
        vector = board.after[0]["h"] if gate.name in board.law.states else board.vectors[gate.name]
        end = vector.around()[:, 0].min() - 0.03
        yield f"act {gate.name}", Route(((left, y), (end, y)), color, head=True)


def _later(board: ChainBoard, slot: int) -> Iterator[tuple[str, Route]]:
    lay, color = board.layout, board.hues["state"]
    left, right = lay.closed(slot)
    for state in board.law.states:
        y = board.state_y(state)
        width = MEMORY_WIDTH if y == lay.heights.memory and lay.gates > 1 else 2.4
        if slot - 1 in board.after:
            start = lay.state_x(slot - 1) + lay.sizes.vector / 2
        else:
            start = sum(lay.closed(slot - 1)) / 2 + 0.3
        yield f"{state} to {slot}", Route(((start, y), (left - 0.03, y)), color, width, head=True)
        end = lay.state_x(slot) - lay.sizes.vector / 2 - 0.03
        yield f"{state} of {slot}", Route(((right, y), (end, y)), color, width, head=True)
    x, edge = lay.input_x(slot), board.inputs[slot].around()[:, 1].max()
    yield f"x {slot}", Route(((x, edge), (x, lay.heights.bottom - 0.03)), board.hues["input"], head=True)


def _rises(board: ChainBoard, slot: int) -> Iterator[tuple[str, Route]]:
    if not board.outputs:
        return
    lay, y = board.layout, board.state_y("h")
    start, x = lay.state_x(slot) + lay.sizes.vector / 2, lay.riser_x(slot)
    corners = ((start, y), (x, y), (x, lay.heights.output), (start + 0.02, lay.heights.output))
    yield f"rise {slot}", Route(corners, board.hues["state"], head=True)
