"""Recurrent cells: gates, each from its own rows of the weights, decide what the memory keeps, takes in and shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from torchreel.scenes.parts.gates import Route
from torchreel.scenes.recurrent import operators
from torchreel.scenes.recurrent.cell.layout import CellLayout
from torchreel.scenes.recurrent.cell.story import CellScene
from torchreel.scenes.recurrent.cell.trace import GRU_LAW, LSTM_LAW, CellLaw, rnn
from torchreel.scenes.recurrent.cell.wiring import Moment, Spot, Wiring


def lstm_wiring(lay: CellLayout, colors: Mapping[str, str]) -> Wiring:
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
        "c": Spot(out, memory, "", lay.state_row * len(lay.units), state=True),
        "h": Spot(out, o, "", height, state=True),
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
            Moment("parts", ("fc",), ("memory", "f"), ("f", "c before", "fc")),
            Moment("parts", ("ig",), ("i", "g"), ("i", "g", "ig")),
            Moment("states", ("c",), ("fc", "ig", "c"), ("fc", "ig", "c")),
            Moment("states", ("tanh_c", "h"), ("tap", "o", "h"), ("o", "tanh_c", "h")),
        ),
        enters=("c",),
    )


def rnn_wiring(lay: CellLayout, colors: Mapping[str, str], activation: str) -> Wiring:
    """One activation between the sums and the new state."""
    half, y, out = lay.vector / 2, lay.gate_y(0), lay.right - lay.vector / 2
    spots = {"h": Spot(out, y, "", lay.chunk_height, state=True)}
    routes = {"act h": Route(((lay.pre_x + half, y), (out - half - 0.02, y)), colors["h"], head=True)}
    middle = (lay.panel_right + lay.pill_x - 0.35) / 2
    return Wiring(spots=spots, routes=routes, nodes=(), pills=((activation, middle, y),), acts=())


def gru_wiring(lay: CellLayout, colors: Mapping[str, str]) -> Wiring:
    """The old state on top, z mixing it with n; below, r scaling what W_hh has already made of h."""
    r, z, n = (lay.gate_y(number) for number in range(3))
    memory, half, height = lay.memory_y, lay.vector / 2, lay.chunk_height
    out, gate, left = lay.right - half, lay.gate_x + half, lay.pre_x + half
    reset, scaled, join, candidate = lay.x(0), lay.x(0.24), lay.x(0.47), lay.x(1)
    mix, kept = lay.x(0.2), lay.x(0.6)
    line, text = colors["memory"], colors["text"]
    below = n - height / 2 - 0.09
    spots = {
        "ih_n": Spot(lay.pre_x, n, "ih_n", height, part=("ih", 2)),
        "hh_n": Spot(lay.gate_x, n, "hh_n", height, part=("hh", 2)),
        "rh": Spot(scaled, n, "r⊙hh_n", height),
        "n": Spot(candidate, n, "", height, aside=True),
        "zh": Spot(kept, memory, "z⊙h_{before}", lay.state_row * len(lay.units)),
        "zn": Spot(candidate, r, "(1−z)⊙n", height, aside=True),
        "h": Spot(out, memory, "", lay.state_row * len(lay.units), state=True),
    }
    routes = {
        "memory": Route(((left, memory), (mix, memory)), line, 6.0),
        "zh": Route(((mix, memory), (candidate, memory)), line, 6.0),
        "h": Route(((candidate, memory), (out - half - 0.02, memory)), line, 6.0, head=True),
        "r": Route(((gate, r), (reset, r), (reset, n)), colors["r"]),
        "z": Route(((gate, z), (mix, z), (mix, memory)), colors["z"], hops=(reset,)),
        "1-z": Route(((mix, z), (candidate, z)), colors["z"]),
        "hh": Route(((gate, n), (scaled, n)), colors["n"]),
        "ih": Route(((lay.pre_x, n - height / 2), (lay.pre_x, below), (join, below), (join, n)), colors["n"]),
        "rh": Route(((scaled, n), (candidate, n)), colors["n"]),
        "n": Route(((candidate, n), (candidate, r)), colors["n"]),
        "zn": Route(((candidate, r), (candidate, memory)), text),
    }
    candidate_act = Moment("candidate", ("ih_n", "hh_n", "rh", "n"), ("r", "hh", "ih", "rh"), ("r", "hh_n"))
    return Wiring(
        spots=spots,
        routes=routes,
        nodes=(
            ("×", reset, n),
            ("+", join, n),
            ("×", mix, memory),
            ("×", candidate, z),
            ("+", candidate, memory),
        ),
        pills=(("tanh", (join + 0.17 + candidate - half) / 2, n), ("1−", (mix + candidate) / 2, z)),
        acts=(
            Moment("parts", ("zh", "zn"), ("memory", "z", "1-z", "n"), ("z", "h before", "n")),
            Moment("states", ("h",), ("zh", "zn", "h"), ("zh", "zn", "h")),
        ),
        enters=("h",),
        inner={"n": candidate_act},
    )


class RNNCell(CellScene):
    """Two steps of a plain recurrent cell."""

    operator = operators.RNNCell
    palette: ClassVar[Mapping[str, int]] = {"h": 1}

    @property
    def law(self) -> CellLaw:
        return rnn(self.trace.module.nonlinearity)  # type: ignore[union-attr, arg-type]

    def wiring(self, layout: CellLayout, colors: Mapping[str, str]) -> Wiring:
        return rnn_wiring(layout, colors, self.law.gates[0].activation)


class LSTMCell(CellScene):
    """Two steps of an LSTM cell."""

    operator = operators.LSTMCell
    law = LSTM_LAW
    palette: ClassVar[Mapping[str, int]] = {"i": 2, "f": 1, "g": 0, "o": 5, "memory": 3}

    def wiring(self, layout: CellLayout, colors: Mapping[str, str]) -> Wiring:
        return lstm_wiring(layout, {**colors, "text": self.look.theme.text})


class GRUCell(CellScene):
    """Two steps of a GRU cell."""

    operator = operators.GRUCell
    law = GRU_LAW
    palette: ClassVar[Mapping[str, int]] = {"r": 2, "z": 1, "n": 0, "memory": 3}

    def wiring(self, layout: CellLayout, colors: Mapping[str, str]) -> Wiring:
        return gru_wiring(layout, {**colors, "text": self.look.theme.text})
