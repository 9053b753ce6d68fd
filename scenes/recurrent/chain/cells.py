"""The diagrams of the three cells, right of their weights."""

from __future__ import annotations

from collections.abc import Mapping

from torchreel.scenes.parts.gates import Route
from torchreel.scenes.recurrent.chain.layout import ChainLayout
from torchreel.scenes.recurrent.chain.wiring import Moment, Wiring

MEMORY_WIDTH = 5.0


def lstm_wiring(lay: ChainLayout, hues: Mapping[str, str]) -> Wiring:
    """The memory line on top, f and i·g joining it from the gates below, o letting out h at the bottom."""
    i, f, g, o = (lay.gate_y(number) for number in range(4))
    memory, right = lay.heights.memory, lay.gate_x + lay.sizes.gate / 2
    start, out = lay.start + lay.sizes.vector, lay.state_x(0) - lay.sizes.vector / 2 - 0.03
    forget = lay.wires_left
    joint, add, tap = forget + 0.45, forget + 0.9, forget + 1.5
    line = hues["state"]
    routes = {
        "memory": Route(((start, memory), (forget, memory)), line, MEMORY_WIDTH),
        "kept": Route(((forget, memory), (add, memory)), line, MEMORY_WIDTH),
        "c": Route(((add, memory), (out, memory)), line, MEMORY_WIDTH, head=True),
        "f": Route(((right, f), (forget, f), (forget, memory)), hues["f"]),
        "i": Route(((right, i), (joint, i), (joint, f)), hues["i"], hops=(forget,)),
        "g": Route(((right, g), (joint, g), (joint, f)), hues["g"]),
        "ig": Route(((joint, f), (add, f), (add, memory)), hues["text"]),
        "tap": Route(((tap, memory), (tap, o)), line),
        "o": Route(((right, o), (tap, o)), hues["o"]),
        "h": Route(((tap, o), (out, o)), line, head=True),
    }
    return Wiring(
        spots={"c": (lay.state_x(0), memory), "h": (lay.state_x(0), o)},
        routes=routes,
        nodes=(("×", forget, memory), ("×", joint, f), ("+", add, memory), ("×", tap, o)),
        pills=(("tanh", tap, (g + f) / 2),),
        moments=(
            Moment("gates", ("f",), ("x", "h in", "act f"), "f"),
            Moment("gates", ("g",), ("x", "h in", "act g"), "g"),
            Moment("gates", ("o",), ("x", "h in", "act o"), "o"),
            Moment("memory", ("c",), ("memory", "f", "kept", "i", "g", "ig", "c"), "c"),
            Moment("state", ("h",), ("tap", "o", "h"), "h"),
        ),
    )


def rnn_wiring(lay: ChainLayout, hues: Mapping[str, str]) -> Wiring:
    """One activation between the sums and the new state."""
    spot = (lay.state_x(0), lay.gate_y(0))
    return Wiring({"h": spot}, {}, (), (), ())


def gru_wiring(lay: ChainLayout, hues: Mapping[str, str]) -> Wiring:
    """The old state on top, z mixing it with n; below, r scaling what W_hn has already made of h."""
    r, z, n = (lay.gate_y(number) for number in range(3))
    memory, half, chunk = lay.heights.memory, lay.sizes.vector / 2, lay.chunk / 2
    right, total = lay.gate_x + lay.sizes.gate / 2, lay.sizes.total / 2
    start, out = lay.start + lay.sizes.vector, lay.state_x(0) - half - 0.03
    reset, branch = lay.wires_left, sum(lay.block("hh")) / 2
    mix, join = reset + 0.32, reset + 0.42
    candidate = join + 0.17 + 0.82 + half
    below, above = n - chunk - 0.12, n + chunk + 0.12
    line, weights = hues["state"], lay.weights_right + 0.05
    routes = {
        "enter": Route(((start, memory), (branch, memory)), line, MEMORY_WIDTH),
        "memory": Route(((branch, memory), (mix, memory)), line, MEMORY_WIDTH),
        "kept": Route(((mix, memory), (candidate, memory)), line, MEMORY_WIDTH),
        "h": Route(((candidate, memory), (out, memory)), line, MEMORY_WIDTH, head=True),
        "r": Route(((right, r), (reset, r), (reset, n)), hues["r"]),
        "z": Route(((right, z), (mix, z), (mix, memory)), hues["z"], hops=(reset,)),
        "1-z": Route(((mix, z), (candidate, z)), hues["z"]),
        "sum n": Route(((weights, n), (lay.sum_x - total - 0.03, n)), hues["n"], head=True),
        "fork n": Route(
            (
                (weights + 0.12, n), (weights + 0.12, above), (lay.gate_x, above), (lay.gate_x, n + chunk + 0.01),
            ),
            hues["n"],
        ),
        "hh": Route(((right, n), (join, n)), hues["n"]),
        "ih": Route(((lay.sum_x, n - chunk), (lay.sum_x, below), (join, below), (join, n)), hues["n"]),
        "act n": Route(((join, n), (candidate - half, n)), hues["n"]),
        "n": Route(((candidate, n + chunk), (candidate, z)), hues["n"]),
        "new": Route(((candidate, z), (candidate, memory)), hues["n"]),
    }  # fmt: skip
    return Wiring(
        spots={
            "ih": (lay.sum_x, n), "hh": (lay.gate_x, n), "n": (candidate, n), "h": (lay.state_x(0), memory),
        },
        routes=routes,
        nodes=(
            ("×", reset, n), ("+", join, n), ("×", mix, memory), ("×", candidate, z), ("+", candidate, memory),
        ),
        pills=(("tanh", (join + candidate - half + 0.17) / 2, n), ("1−", (mix + candidate) / 2, z)),
        moments=(
            Moment("update", ("z",), ("x", "enter", "h in", "act z"), "z"),
            Moment("candidate", ("ih", "hh"), ("x", "enter", "h in", "sum n", "fork n")),
            Moment("candidate", ("n",), ("r", "hh", "ih", "act n"), "n"),
            Moment("state", ("h",), ("enter", "memory", "z", "1-z", "n", "new", "kept", "h"), "h"),
        ),
        labels={
            "ih": ("W_{in}·x", lay.sum_x, below - 0.22),
            "hh": ("W_{hn}·h", lay.gate_x, below - 0.22),
        },
    )  # fmt: skip
