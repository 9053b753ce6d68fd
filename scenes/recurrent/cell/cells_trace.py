"""Recurrent cells called step by step: every call's gates and states, proved.

Tensors carry the number of their time step, as the handbook and torch's documentation write them: `h_0` and `c_0` are
given, step 1 makes `ih_1`, `hh_1`, `pre_i_1`, `i_1`, …, `c_1`, `h_1` from them, step 2 reads `h_1` and `c_1`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from torchreel.assets.errors import UserError
from torchreel.scenes.recurrent.cell.tape_trace import Tape, vector
from torchreel.scenes.recurrent.cell.trace import CellLaw, Elements, check_features, check_sizes
from torchreel.scenes.recurrent.inputs import cell_states
from torchreel.scenes.trace.formula import Expr, Strip
from torchreel.scenes.trace.operator import Call, Inputs, Operator, Recording, Settings
from torchreel.scenes.trace.proof import Trace

if TYPE_CHECKING:
    from torchreel.assets.examples import Example


def given_states(call: Call, names: tuple[str, ...]) -> dict[str, Tensor]:
    """The states that a call gave, as `h_0` and `c_0`: beside the input as an example has them, or as torch's `hx`."""
    given = {**call.inputs, **call.call}
    hx = given.get("hx")
    if hx is None:
        return {f"{name}_0": given[f"{name}_0"] for name in names if f"{name}_0" in given}
    parts = (hx,) if isinstance(hx, Tensor) else tuple(hx)
    return {f"{name}_0": part for name, part in zip(names, parts, strict=True)}


class CellOperator(Operator):
    """A recurrent cell's operator. An example calls the module once a time step of an input `(T, N, input_size)`.

    Its states are inputs by the names `h_0` and, of an LSTM, `c_0`, where forward has `hx`.
    """

    def input_names(self, example: Example) -> list[str]:
        return ["input", *self._states()]

    def _states(self) -> list[str]:
        return ["h_0", "c_0"] if self.name.startswith("LSTM") else ["h_0"]


def infer_input_size(settings: Settings, inputs: Inputs) -> Settings:
    """A new input brings its own number of features."""
    shape = next(iter(inputs.values())).shape
    if shape:
        settings["input_size"] = shape[-1]
    return settings


def run_steps(module: Any, inputs: Inputs, call: Mapping[str, Any]) -> tuple[Tensor, ...]:
    """Call a cell once for each time step of `input` and return what each call returned, as one flat tuple.

    `input` is `(T, N, input_size)`, or one step, `(N, input_size)` or `(input_size,)`. Without states torch starts
    from zeros.
    """
    x, *given = inputs.values()
    state = None if not given else tuple(given) if len(given) > 1 else given[0]
    results: list[Tensor] = []
    for x_t in x if x.ndim == 3 else x[None]:
        state = module(x_t, state, **call)
        results += state if isinstance(state, tuple) else (state,)
    return tuple(results)


class _Steps:
    """The time steps of one recording, one after the other."""

    def __init__(self, law: CellLaw, call: Call) -> None:
        self.law, module = law, call.module
        x = {**call.inputs, **call.call}["input"]
        self.hidden, self.sequence = module.hidden_size, x.ndim == 3
        self.steps = list(x) if self.sequence else [x]
        lead = self.steps[0].shape[:-1]
        zeros = torch.zeros(*lead, self.hidden, dtype=x.dtype)
        states = {f"{name}_0": zeros for name in law.states} | given_states(call, law.states)
        weights = {name: value.detach() for name, value in module.named_parameters()}
        self.tape = Tape({"input": x, **states, **weights})
        flat = call.output if isinstance(call.output, tuple) else (call.output,)
        names = [f"{name}_{time + 1}" for time in range(len(self.steps)) for name in law.states]
        self.returned = dict(zip(names, flat, strict=True))
        self.tape.tensors |= self.returned

    def recording(self) -> Recording:
        for time, x in enumerate(self.steps, 1):
            self.tape.linear(f"ih_{time}", "ih", x, self._feature(time, x.shape[-1]))
            state, before = f"h_{time - 1}", self.tape.tensors[f"h_{time - 1}"]
            self.tape.linear(f"hh_{time}", "hh", before, partial(vector, state, self.hidden))
            shape = tuple(self.tape.tensors[f"h_{time}"].shape)
            for name, formula in self.law.formulas().items():
                self.tape.fill(f"{name}_{time}", shape, self._rule(time, formula))
        return Recording(self.tape.tensors, tuple(self.tape.rules), tuple(self.returned))

    def _feature(self, time: int, count: int) -> Callable[[Tensor], Strip]:
        def vectors(lead: Tensor) -> Strip:
            step = torch.full((len(lead), int(self.sequence)), time - 1)
            return vector("input", count, torch.cat([step, lead], 1))

        return vectors

    def _rule(self, time: int, formula: Callable[[Elements], Expr]) -> Callable[[Tensor], Expr]:
        def rule(at: Tensor) -> Expr:
            place = Elements(self.tape, at, self.hidden, lambda name: f"{name}_{time}", old)
            return formula(place)

        def old(name: str, at: Tensor) -> Expr:
            return self.tape.ref(f"{name}_{time - 1}", at)

        return rule


def _check(name: str, settings: Settings, inputs: Inputs, states: tuple[str, ...]) -> None:
    """Refuse sizes below 1, and an input that is not a step or a sequence of steps of `input_size` features."""
    check_sizes(name, settings, "input_size", "hidden_size")
    x, *given = inputs.values()
    if x.ndim not in (1, 2, 3):
        raise UserError(
            f"{name}: input has {x.ndim} dimensions, expected (T, N, input_size), (N, input_size) or "
            "(input_size,). Give one step or a sequence of steps."
        )
    if x.ndim == 3 and not len(x):
        raise UserError(f"{name}: input has no time step. Give at least one, (1, N, input_size).")
    check_features(name, settings, x)
    if given and len(given) != len(states):
        raise UserError(f"{name}: expected the states {', '.join(states)}, all or none; got {len(given)}.")


def cell_operator(
    module: type[nn.Module],
    law: Callable[[Any], CellLaw],
    states: tuple[str, ...],
    source: str,
    facts: Callable[[Trace], Mapping[str, bool]],
) -> CellOperator:
    """The operator of a recurrent cell, whose equations `law` gives."""
    return CellOperator(
        module,
        record=lambda call: _Steps(law(call.module), call).recording(),
        check=partial(_check, states=states),
        infer=infer_input_size,
        run=run_steps,
        fitting=cell_states,
        source=source,
        facts=facts,
    )
