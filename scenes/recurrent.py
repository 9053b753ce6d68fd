"""Recurrent cells: gates, each from its own rows of the weights, decide what the memory keeps, takes in and shows."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import ClassVar

from torch import nn

from torchreel.scenes.formula import Add, Func, Mul
from torchreel.scenes.parts.gates import Route
from torchreel.scenes.recurrent_cells import At, Cell, CellOperator, Gate, infer_input_size
from torchreel.scenes.recurrent_layout import Layout
from torchreel.scenes.recurrent_story import CellScene
from torchreel.scenes.recurrent_wiring import Act, Spot, Wiring


def _kept(at: At) -> Mul:
    """What the forget gate leaves of the old memory."""
    return Mul((at.now("f"), at.before("c")))


def _added(at: At) -> Mul:
    """What the input gate lets in of the candidate."""
    return Mul((at.now("i"), at.now("g")))


LSTM = Cell(
    gates=(Gate("i", "sigmoid"), Gate("f", "sigmoid"), Gate("g", "tanh"), Gate("o", "sigmoid")),
    states=("h", "c"),
    results={
        "fc": _kept,
        "ig": _added,
        "c": lambda at: Add((_kept(at), _added(at))),
        "tanh_c": lambda at: Func("tanh", at.now("c")),
        "h": lambda at: Mul((at.now("o"), Func("tanh", at.now("c")))),
    },
)

LSTM_CELL = CellOperator(
    nn.LSTMCell,
    record=LSTM.record,
    family="recurrent",
    source="https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTMCell.html",
    check=partial(LSTM.check, "LSTMCell"),
    infer=infer_input_size,
    run=LSTM.run,
)


def lstm_wiring(lay: Layout, colors: Mapping[str, str]) -> Wiring:
    """The memory line on top, f and i·g joining it from the gates below, o letting out h' at the bottom."""
    i, f, g, o = (lay.gate_y(number) for number in range(4))
    memory, half = lay.memory_y, lay.vector / 2
    out = lay.right - half
    gate, left = lay.gate_x + half, lay.pre_x + half
    forget, kept, add, tap = (lay.x(share) for share in (0, 1 / 3, 2 / 3, 1))
    joint = (forget + add - half) / 2
    line, text = colors["memory"], colors["text"]
    height = lay.chunk_height
    spots = {
        "fc": Spot(kept, memory, "f⊙c_{before}", lay.state_row * len(lay.units)),
        "ig": Spot(add, f, "i⊙g", height, aside=True),
        "tanh_c": Spot(tap, g, "", height),
        "c": Spot(out, memory, "c_{now}", lay.state_row * len(lay.units), state=True),
        "h": Spot(out, o, "h_{now}", height, state=True),
    }
    routes = {
        "memory": Route(((left, memory), (forget, memory)), line, 6.0),
        "fc": Route(((forget, memory), (add, memory)), line, 6.0),
        "c": Route(((add, memory), (out - half - 0.02, memory)), line, 6.0, head=True),
        "f": Route(((gate, f), (forget, f), (forget, memory)), colors["f"]),
        "i": Route(((gate, i), (joint, i), (joint, f)), colors["i"], hops=(forget,)),
        "g": Route(((gate, g), (joint, g), (joint, f)), colors["g"]),
        "ig": Route(((joint, f), (add, f), (add, memory)), text),
        "tap": Route(((tap, memory), (tap, o)), line),
        "o": Route(((gate, o), (tap, o)), colors["o"]),
        "h": Route(((tap, o), (out - half - 0.02, o)), text, head=True),
    }
    return Wiring(
        spots=spots,
        routes=routes,
        nodes=(("×", forget, memory), ("×", joint, f), ("+", add, memory), ("×", tap, o)),
        pills=(("tanh", tap, i),),
        acts=(
            Act("parts", ("fc",), ("memory", "f"), ("f", "c before", "fc")),
            Act("parts", ("ig",), ("i", "g"), ("i", "g", "ig")),
            Act("states", ("c",), ("fc", "ig", "c"), ("fc", "ig", "c")),
            Act("states", ("tanh_c", "h"), ("tap", "o", "h"), ("o", "tanh_c", "h")),
        ),
        enters=("c",),
    )


class LSTMCell(CellScene):
    """Two steps of an LSTM cell."""

    operator = LSTM_CELL
    cell = LSTM
    palette: ClassVar[Mapping[str, int]] = {"i": 2, "f": 1, "g": 0, "o": 5, "memory": 3}

    def wiring(self, layout: Layout, colors: Mapping[str, str]) -> Wiring:
        return lstm_wiring(layout, {**colors, "text": self.look.theme.text})
