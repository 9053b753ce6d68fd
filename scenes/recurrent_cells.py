"""Recurrent cells as data: gates in torch's order, and how the new states come from them.

One step of a cell is two linear maps, `ih = x W_ih^T + b_ih` and `hh = h W_hh^T + b_hh`, cut into one chunk a gate, an
activation a gate, and a few element-wise formulas. A `Cell` names exactly that; everything else here is the same
for every cell.

Tensors carry the number of their time step, as the handbook and torch's documentation write them: `h_0` and `c_0` are
given, step 1 makes `ih_1`, `hh_1`, `pre_i_1`, `i_1`, …, `c_1`, `h_1` from them, step 2 reads `h_1` and `c_1`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from torchreel.assets.errors import UserError
from torchreel.scenes.formula import Add, Expr, Func, Mul, Ref, Sum
from torchreel.scenes.operator import Call, Inputs, Operator, Recording, Settings
from torchreel.scenes.trace import Rule, Trace
from torchreel.scenes.windows import spread

if TYPE_CHECKING:
    from torchreel.assets.examples import Example


@dataclass(frozen=True)
class Gate:
    """A chunk of the rows of both weights, and its activation (`sigmoid`, `tanh`).

    `reset` names an earlier gate that scales the hidden part before it is added, as in GRU's n.
    """

    name: str
    activation: str
    reset: str = ""


@dataclass(frozen=True)
class At:
    """Cells `(B, ndim)` of the `(N, hidden_size)` or `(hidden_size,)` tensors of step `time`, counted from 1."""

    time: int
    hidden: int
    cells: Tensor

    def now(self, name: str) -> Ref:
        """The same elements of a tensor of this step."""
        return Ref(f"{name}_{self.time}", self.cells)

    def before(self, name: str) -> Ref:
        """The same elements of a state as this step finds it."""
        return Ref(f"{name}_{self.time - 1}", self.cells)

    def chunk(self, name: str, number: int) -> Ref:
        """The elements of `ih` or `hh` that belong to the gate of that number."""
        rows = self.cells[:, -1:] + number * self.hidden
        return Ref(f"{name}_{self.time}", torch.cat([self.cells[:, :-1], rows], 1))


@dataclass(frozen=True)
class Cell:
    """A recurrent cell: `gates` in the order of torch's chunks, `states` in the order of torch's `hx`.

    `results` says how everything after the gates comes about, in order of computation; an entry named like a state
    is the state that torch returns, the others are steps on the way that a scene shows.
    """

    gates: tuple[Gate, ...]
    states: tuple[str, ...]
    results: Mapping[str, Callable[[At], Expr]]

    def run(self, module: Any, inputs: Inputs, call: Mapping[str, Any]) -> tuple[Tensor, ...]:
        """Call the module once for each time step of `input` and return what each call returned, as one flat tuple.

        `input` is `(T, N, input_size)`, or one step, `(N, input_size)` or `(input_size,)`. Without states torch
        starts from zeros.
        """
        x, *given = inputs.values()
        state = self._pack(given) if given else None
        results: list[Tensor] = []
        for x_t in x if x.ndim == 3 else x[None]:
            state = module(x_t, state, **call)
            results += state if isinstance(state, tuple) else (state,)
        return tuple(results)

    def _pack(self, given: list[Tensor]) -> Any:
        return tuple(given) if len(self.states) > 1 else given[0]

    def record(self, call: Call) -> Recording:
        """The tensors and rules of all time steps; the outputs are the states after each step."""
        return _Unrolled(self, call).recording()

    def check(self, name: str, settings: Settings, inputs: Inputs) -> None:
        """Refuse an input that is not a step or a sequence of steps of `input_size` features."""
        x, *given = inputs.values()
        size = settings.get("input_size")
        if x.ndim not in (1, 2, 3):
            raise UserError(
                f"{name}: input has {x.ndim} dimensions, expected (T, N, input_size), (N, input_size) or "
                "(input_size,). Give one step or a sequence of steps."
            )
        if x.ndim == 3 and not len(x):
            raise UserError(f"{name}: input has no time step. Give at least one, (1, N, input_size).")
        if isinstance(size, int) and x.shape[-1] != size:
            raise UserError(
                f"{name}: input has inconsistent input_size: got {x.shape[-1]}, expected {size}. "
                f"Use input_size={x.shape[-1]} or an input with {size} features."
            )
        if given and len(given) != len(self.states):
            raise UserError(
                f"{name}: expected the states {', '.join(self.states)}, all or none; got {len(given)}."
            )


@dataclass(frozen=True)
class CellOperator(Operator):
    """A recurrent cell's operator."""

    def trace_example(
        self,
        example: Example,
        overrides: Mapping[str, Any] | None = None,
        input_text: str | None = None,
        seed: int = 0,
    ) -> Trace:
        """An example's trace. Its states belong to its own input: with another one, or another size, torch's zeros."""
        hidden = example.kwargs.get("hidden_size")
        if input_text is not None or (overrides or {}).get("hidden_size", hidden) != hidden:
            first = next(iter(example.inputs))
            example = replace(example, inputs={first: example.inputs[first]})
        return super().trace_example(example, overrides, input_text, seed)


def infer_input_size(settings: Settings, inputs: Inputs) -> Settings:
    """A new input brings its own number of features."""
    shape = next(iter(inputs.values())).shape
    if shape:
        settings["input_size"] = shape[-1]
    return settings


class _Unrolled:
    """The time steps of one call, recorded one after the other."""

    def __init__(self, cell: Cell, call: Call) -> None:
        self.cell, self.module = cell, call.module
        x, *given = call.inputs.values()
        self.input, self.hidden = x, self.module.hidden_size
        self.steps = list(x) if x.ndim == 3 else [x]
        self.tensors: dict[str, Tensor] = {"input": x}
        self.rules: list[Rule] = []
        zeros = torch.zeros(*self.steps[0].shape[:-1], self.hidden, dtype=x.dtype)
        for name, state in zip(cell.states, given or [zeros] * len(cell.states), strict=True):
            self.tensors[f"{name}_0"] = state
        self.tensors |= {name: value.detach() for name, value in self.module.named_parameters()}
        width = len(cell.states)
        self.returned = [call.output[start : start + width] for start in range(0, len(call.output), width)]

    def recording(self) -> Recording:
        times = range(1, len(self.steps) + 1)
        for time in times:
            states = zip(self.cell.states, self.returned[time - 1], strict=True)
            self.tensors |= {f"{name}_{time}": state for name, state in states}
            self._linear(time)
            self._gates(time)
            for name, formula in self.cell.results.items():
                self._fill(name, time, formula)
        outputs = tuple(f"{name}_{time}" for time in times for name in self.cell.states)
        return Recording(self.tensors, tuple(self.rules), outputs)

    def _linear(self, time: int) -> None:
        """What torch's two linear maps make of x and of h."""
        sources = {"ih": self.steps[time - 1], "hh": self.tensors[f"h_{time - 1}"]}
        for kind, source in sources.items():
            weight, bias = getattr(self.module, f"weight_{kind}"), getattr(self.module, f"bias_{kind}")
            self.tensors[f"{kind}_{time}"] = F.linear(source, weight, bias)
            self.rules.append(Rule(f"{kind}_{time}", partial(self._row, kind, time)))

    def _row(self, kind: str, time: int, cells: Tensor) -> Expr:
        """One row of a weight times x or h."""
        rows, lead = cells[:, -1:], cells[:, :-1]
        if kind == "ih" and self.input.ndim == 3:
            lead = torch.cat([torch.full_like(rows, time - 1), lead], 1)
        count = self.tensors[f"weight_{kind}"].shape[1]
        columns = torch.arange(count).expand(len(cells), -1)[..., None]
        source = Ref(
            "input" if kind == "ih" else f"h_{time - 1}", torch.cat([spread(lead, count), columns], -1)
        )
        weight = Ref(f"weight_{kind}", torch.cat([spread(rows, count), columns], -1))
        total = Sum(Mul((weight, source)))
        bias = f"bias_{kind}"
        return Add((total, Ref(bias, rows))) if bias in self.tensors else total

    def _gates(self, time: int) -> None:
        for number, gate in enumerate(self.cell.gates):
            self._fill(f"pre_{gate.name}", time, partial(_before_gate, number=number, gate=gate))
            self._fill(gate.name, time, partial(_gate, number=number, gate=gate))

    def _fill(self, name: str, time: int, formula: Callable[[At], Expr]) -> None:
        """Add a rule, and the tensor it fills unless torch returned it."""
        name = f"{name}_{time}"
        rule = Rule(name, lambda cells: formula(At(time, self.hidden, cells)))
        if name not in self.tensors:
            shape = self.returned[time - 1][0].shape
            cells = torch.cartesian_prod(*map(torch.arange, shape)).reshape(-1, len(shape))
            values = rule.formula(cells).evaluate(self.tensors)
            self.tensors[name] = values.to(self.input.dtype).reshape(shape)
        self.rules.append(rule)


def _before_gate(at: At, number: int, gate: Gate) -> Expr:
    """What a gate's activation is applied to."""
    hidden: Expr = at.chunk("hh", number)
    if gate.reset:
        hidden = Mul((at.now(gate.reset), hidden))
    return Add((at.chunk("ih", number), hidden))


def _gate(at: At, number: int, gate: Gate) -> Expr:
    return Func(gate.activation, _before_gate(at, number, gate))
