"""Recurrent cells as data: gates in torch's order, and how the new states come from them.

One step of a cell is two linear maps, `ih = x W_ih^T + b_ih` and `hh = h W_hh^T + b_hh`, cut into one chunk a gate, an
activation a gate, and a few element-wise formulas. A `CellLaw` names exactly that. What repeats it over time, a cell
called again and again or a whole network, records it on a `Tape`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from torchreel.assets.errors import UserError
from torchreel.scenes.recurrent.cell.tape_trace import Tape
from torchreel.scenes.trace.formula import Add, Const, Expr, Func, Largest, Mul, Sub
from torchreel.scenes.trace.operator import Settings


@dataclass(frozen=True)
class Gate:
    """A chunk of the rows of both weights, and its activation (`sigmoid`, `tanh`, `relu`).

    `reset` names an earlier gate that scales the hidden part before it is added, as in GRU's n.
    """

    name: str
    activation: str
    reset: str = ""


@dataclass(frozen=True)
class Elements:
    """Cells `(B, ndim)` of the tensors of one step (or of all steps of one layer), which end in `hidden` elements.

    `name` gives the full name of a tensor of the step, `old` the elements of a state as the step finds it.
    """

    tape: Tape
    cells: Tensor
    hidden: int
    name: Callable[[str], str]
    old: Callable[[str, Tensor], Expr]

    def now(self, name: str) -> Expr:
        """The same elements of a tensor of this step."""
        return self.tape.ref(self.name(name), self.cells)

    def before(self, name: str) -> Expr:
        """The same elements of a state as this step finds it."""
        return self.old(name, self.cells)

    def chunk(self, name: str, number: int) -> Expr:
        """The elements of `ih` or `hh` that belong to the gate of that number."""
        return self.tape.ref(self.name(name), self._rows(number))

    def products(self, name: str, number: int) -> Expr:
        """The same elements as the products that they are the sums of."""
        return self.tape.formula(self.name(name), self._rows(number))

    def _rows(self, number: int) -> Tensor:
        rows = self.cells[:, -1:] + number * self.hidden
        return torch.cat([self.cells[:, :-1], rows], 1)


@dataclass(frozen=True)
class CellLaw:
    """A recurrent cell: `gates` in the order of torch's chunks, `states` in the order of torch's `hx`.

    `results` says how the states come from the gates, in order of computation; where there is none, the gate is the
    state.
    """

    gates: tuple[Gate, ...]
    states: tuple[str, ...]
    results: Mapping[str, Callable[[Elements], Expr]]

    def formulas(self) -> dict[str, Callable[[Elements], Expr]]:
        """Everything after the two linear maps, by name, in order of computation."""
        found: dict[str, Callable[[Elements], Expr]] = {}
        for number, gate in enumerate(self.gates):
            found[f"pre_{gate.name}"] = partial(_before_gate, number=number, gate=gate)
            found[gate.name] = partial(_gate, number=number, gate=gate, is_state=gate.name in self.states)
        return {**found, **self.results}


def _before_gate(at: Elements, number: int, gate: Gate) -> Expr:
    """What a gate's activation is applied to: the products of its rows, summed, unless a gate comes between."""
    if gate.reset:
        scaled = Mul((at.now(gate.reset), at.chunk("hh", number)))
        return Add((at.chunk("ih", number), scaled))
    parts = (at.products("ih", number), at.products("hh", number))
    return Add(tuple(term for part in parts for term in (part.parts if isinstance(part, Add) else (part,))))


def _gate(at: Elements, number: int, gate: Gate, is_state: bool) -> Expr:
    before = _before_gate(at, number, gate) if gate.reset or is_state else at.now(f"pre_{gate.name}")
    return Largest((Const(0), before)) if gate.activation == "relu" else Func(gate.activation, before)


def rnn(nonlinearity: str) -> CellLaw:
    """The plain cell: one map and one activation."""
    return CellLaw((Gate("h", nonlinearity),), ("h",), {})


def _kept(at: Elements) -> Mul:
    """What LSTM's forget gate leaves of the old memory."""
    return Mul((at.now("f"), at.before("c")))


def _added(at: Elements) -> Mul:
    """What LSTM's input gate lets in of the candidate."""
    return Mul((at.now("i"), at.now("g")))


LSTM_LAW = CellLaw(
    gates=(Gate("i", "sigmoid"), Gate("f", "sigmoid"), Gate("g", "tanh"), Gate("o", "sigmoid")),
    states=("h", "c"),
    results={
        "c": lambda at: Add((_kept(at), _added(at))),
        "h": lambda at: Mul((at.now("o"), Func("tanh", at.now("c")))),
    },
)


def _stays(at: Elements) -> Mul:
    """What GRU's update gate keeps of the old state."""
    return Mul((at.now("z"), at.before("h")))


def _renewed(at: Elements) -> Mul:
    """What GRU's update gate takes of the candidate."""
    return Mul((Sub(Const(1), at.now("z")), at.now("n")))


GRU_LAW = CellLaw(
    gates=(Gate("r", "sigmoid"), Gate("z", "sigmoid"), Gate("n", "tanh", reset="r")),
    states=("h",),
    results={
        "h": lambda at: Add((_renewed(at), _stays(at))),
    },
)


def check_sizes(name: str, settings: Settings, *which: str) -> None:
    """Refuse sizes below 1, which torch accepts or refuses without naming them."""
    for key in which:
        value = settings.get(key)
        if isinstance(value, int) and value < 1:
            raise UserError(f"{name}: {key}={value} should be at least 1.")


def check_features(name: str, settings: Settings, x: Tensor) -> None:
    """Refuse an input whose last dimension is not `input_size`."""
    size = settings.get("input_size")
    if isinstance(size, int) and x.shape[-1] != size:
        raise UserError(
            f"{name}: input has inconsistent input_size: got {x.shape[-1]}, expected {size}. "
            f"Use input_size={x.shape[-1]} or an input with {size} features."
        )
