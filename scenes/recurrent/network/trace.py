"""RNN, LSTM and GRU: layers and directions of cells over a sequence, recorded from torch's own passes, and proved.

Tensors of a layer end like torch's parameters: `h_l0` are the states of layer 0 at every step, `h_l0_reverse` those of
its backward pass, `i_l0` the gates, `input_l1` what layer 1 reads where that is not simply `h_l0` (both directions
side by side, or thinned out by dropout). What a layer passes on is torch's own: each layer is run alone, with the
random numbers of the call, and adds up to the network's output bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from torchreel.assets.errors import UserError
from torchreel.scenes.recurrent.cell.cells_trace import CellOperator, given_states, infer_input_size
from torchreel.scenes.recurrent.cell.tape_trace import CarriedDot, Tape, vector
from torchreel.scenes.recurrent.cell.trace import CellLaw, Elements, check_features, check_sizes
from torchreel.scenes.recurrent.inputs import network_states
from torchreel.scenes.recurrent.network.layers_trace import Layers, Pass, passes
from torchreel.scenes.recurrent.network.rows_trace import PACKED, SequenceRows
from torchreel.scenes.trace.formula import Case, Either, Expr, Mul, Ref
from torchreel.scenes.trace.formula.tree import Bounded
from torchreel.scenes.trace.operator import Call, Inputs, Recording, Settings
from torchreel.scenes.trace.proof import Trace


class _Network:
    """The passes of one recording."""

    def __init__(self, law: CellLaw, call: Call) -> None:
        self.law, self.module = law, call.module
        source = {**call.inputs, **call.call}["input"]
        self.rows = SequenceRows.of(source, self.module.batch_first)
        packed = isinstance(source, PackedSequence)
        x = source.data if packed else source
        self.batched = packed or x.ndim == 3
        states = self._zeros(x) | given_states(call, law.states)
        weights = {name: value.detach() for name, value in self.module.named_parameters()}
        where = {PACKED: self.rows.table} if packed else {}
        self.tape = Tape({"input": x, **states, **weights, **where})
        output, last = call.output
        self.returned = {"output": output.data if packed else output}
        ends = last if isinstance(last, tuple) else (last,)
        self.returned |= {f"{name}_n": end for name, end in zip(law.states, ends, strict=True)}
        self.tape.tensors |= self.returned
        self.layers = Layers(call, source, states)
        self.hidden, self.width = self.module.hidden_size, states["h_0"].shape[-1]
        self.passes = passes(self.module)

    def _zeros(self, x: Tensor) -> dict[str, Tensor]:
        count = len(passes(self.module))
        lead = (count, self.rows.table.shape[1]) if self.batched else (count,)
        sizes = (getattr(self.module, "proj_size", 0) or self.module.hidden_size, self.module.hidden_size)
        found = zip(self.law.states, sizes, strict=False)
        return {f"{name}_0": torch.zeros(*lead, size, dtype=x.dtype) for name, size in found}

    def recording(self) -> Recording:
        for one in self.passes:
            _Recorder(self, one, self._source(one)).run()
            if one == self.passes[-1] or self.passes[one.number + 1].layer > one.layer:
                self._pass_on(one.layer)
        for name in self.law.states:
            self.tape.rule(f"{name}_n", partial(self._last, name))
        return Recording(self.tape.tensors, tuple(self.tape.rules), tuple(self.returned))

    def _source(self, one: Pass) -> str:
        """The tensor that a pass reads."""
        if one.layer == 0:
            return "input"
        own = f"input_l{one.layer}"
        return own if own in self.tape.tensors else f"h_l{one.layer - 1}"

    def _pass_on(self, layer: int) -> None:
        """What the next layer, or the caller, gets of a layer: its directions side by side, after dropout."""
        suffixes = [one.suffix for one in self.passes if one.layer == layer]
        if layer == self.module.num_layers - 1:
            self.tape.rule("output", partial(self._side_by_side, suffixes, None))
            return
        mask = self.layers.masks[layer]
        if mask is None and len(suffixes) == 1:
            return
        name = f"input_l{layer + 1}"
        value = self.layers.like_output(self.layers.outputs[layer])
        if mask is not None:
            self.tape.tensors[f"mask_l{layer}"] = self.layers.like_output(mask)
            value = value * self.tape.tensors[f"mask_l{layer}"]
        self.tape.tensors[name] = value
        self.tape.rule(
            name, partial(self._side_by_side, suffixes, None if mask is None else f"mask_l{layer}")
        )

    def _side_by_side(self, suffixes: list[str], mask: str | None, at: Tensor) -> Expr:
        parts = tuple(
            Ref(f"h{suffix}", torch.cat([at[:, :-1], at[:, -1:] % self.width], 1)) for suffix in suffixes
        )
        state: Expr = Case(at[:, -1] // self.width, parts) if len(parts) > 1 else parts[0]
        return state if mask is None else Mul((state, Ref(mask, at)))

    def _last(self, state: str, at: Tensor) -> Expr:
        """The element of `h_n` or `c_n`: that of the step where its pass ends."""
        sample = at[:, 1] if self.batched else torch.zeros(len(at), dtype=torch.int64)
        parts = []
        for one in self.passes:
            lead = self.rows.index(self.rows.last(one.reverse)[sample])
            parts.append(self.tape.ref(f"{state}{one.suffix}", torch.cat([lead, at[:, -1:]], 1)))
        return Case(at[:, 0], tuple(parts)) if len(parts) > 1 else parts[0]


class _Recorder:
    """One pass: all its steps at once, since the states between them are known."""

    def __init__(self, network: _Network, one: Pass, source: str) -> None:
        self.network, self.one, self.source = network, one, source
        self.tape, self.rows, self.hidden = network.tape, network.rows, network.hidden
        self.before = self.rows.before(one.reverse)

    def run(self) -> None:
        tape, suffix = self.tape, self.one.suffix
        tape.tensors[self._name("h")] = self._torchs()
        source = tape.tensors[self.source]
        tape.linear(self._name("ih"), "ih", source, partial(vector, self.source, source.shape[-1]), suffix)
        tape.linear(self._name("hh"), "hh", self._found("h"), partial(self._vectors, "h"), suffix)
        shape = (*self.rows.lead, self.hidden)
        for name, formula in self.network.law.formulas().items():
            if name == "c":
                self._memory(formula)
            elif name == "h" and self._name("weight_hr") in tape.tensors:
                self._project(shape, formula)
            else:
                tape.fill(self._name(name), shape, partial(self._formula, formula))

    def _name(self, name: str) -> str:
        return f"{name}{self.one.suffix}"

    def _torchs(self) -> Tensor:
        """The states at all steps as torch has them."""
        layers, width = self.network.layers, self.network.width
        top = self.one.layer == self.network.module.num_layers - 1
        output = layers.like_output(layers.outputs[self.one.layer])
        whole = self.tape.tensors["output"] if top else output
        start = width * self.one.reverse
        return whole[..., start : start + width]

    def _found(self, state: str) -> Tensor:
        """A state as every row finds it, in the shape of the sequence."""
        own = self.tape.tensors[self._name(state)]
        flat = own.reshape(-1, own.shape[-1])
        first = (self.before < 0)[:, None]
        given = self._initial(state)[self.rows.sample].to(flat.dtype)
        return torch.where(first, given, flat[self.before.clamp(min=0)]).reshape(own.shape)

    def _initial(self, state: str) -> Tensor:
        """The initial state of this pass, one a sample."""
        given = self.tape.tensors[f"{state}_0"][self.one.number]
        return given if self.network.batched else given[None]

    def _places(self, state: str, lead: Tensor) -> tuple[Tensor, tuple[tuple[str, Tensor], ...]]:
        """Where a state comes from, the row before or the initial state: which of the two, and where in each."""
        rows = self.rows.number(lead)
        number = torch.full_like(rows, self.one.number)
        given = torch.stack([number, self.rows.sample[rows]][: 2 if self.network.batched else 1], 1)
        own, first = self.rows.index(self.before[rows].clamp(min=0)), self.before[rows] < 0
        return first.long(), ((self._name(state), own), (f"{state}_0", given))

    def _vectors(self, state: str, lead: Tensor) -> Either:
        """A state as the steps find it, whole."""
        which, places = self._places(state, lead)
        return Either(which, tuple(vector(name, self.network.width, at) for name, at in places))

    def _old(self, state: str, at: Tensor) -> Expr:
        """The same elements of a state as the step finds it."""
        which, places = self._places(state, at[:, :-1])
        return Case(
            which, tuple(self.tape.ref(name, torch.cat([lead, at[:, -1:]], 1)) for name, lead in places)
        )

    def _formula(self, formula: Callable[[Elements], Expr], at: Tensor) -> Expr:
        return formula(Elements(self.tape, at, self.hidden, self._name, self._old))

    def _memory(self, formula: Callable[[Elements], Expr]) -> None:
        """LSTM's c, which torch returns for the last step only: carried on step by step, with its rounding."""
        tensors, sizes = self.tape.tensors, self.tape.sizes
        i, f, g = (tensors[self._name(gate)].reshape(-1, self.hidden) for gate in "ifg")
        si, sf, sg = (sizes[self._name(gate)].reshape(-1, self.hidden) for gate in "ifg")
        value, size = torch.empty_like(f), torch.empty_like(f)
        initial = self._initial("c").double()
        for rows in self.rows.passes(self.one.reverse):
            first, before = (self.before[rows] < 0)[:, None], self.before[rows].clamp(min=0)
            start = initial[self.rows.sample[rows]]
            old = torch.where(first, start, value[before])
            old_size = torch.where(first, start.abs(), size[before])
            value[rows] = f[rows] * old + i[rows] * g[rows]
            lost = old.abs() * sf[rows] + g[rows].abs() * si[rows] + i[rows].abs() * sg[rows]
            size[rows] = value[rows].abs() + f[rows].abs() * old_size + lost
        shape = (*self.rows.lead, self.hidden)
        found = Bounded(value.reshape(shape), size.reshape(shape))
        self.tape.keep(self._name("c"), found, partial(self._formula, formula))

    def _project(self, shape: tuple[int, ...], formula: Callable[[Elements], Expr]) -> None:
        """With proj_size, h is a linear map of what the output gate lets out."""
        inner, weight = self._name("m"), self._name("weight_hr")
        self.tape.fill(inner, shape, partial(self._formula, formula))
        size = F.linear(self.tape.sizes[inner], self.tape.tensors[weight].double().abs())

        def row(at: Tensor) -> Expr:
            factors = vector(weight, self.hidden, at[:, -1:]), vector(inner, self.hidden, at[:, :-1])
            return CarriedDot(factors, columns=(0,), size=size[tuple(at.unbind(-1))])

        self.tape.rule(self._name("h"), row)


def run_network(module: Any, inputs: Inputs, call: Any) -> Any:
    """The plain call, with an example's `h_0` and `c_0` as torch's `hx`."""
    x, *given = inputs.values()
    hx = None if not given else tuple(given) if len(given) > 1 else given[0]
    return module(x, hx, **call)


def _check(name: str, settings: Settings, inputs: Inputs) -> None:
    """Refuse sizes below 1 and an input that is not a sequence of `input_size` features."""
    check_sizes(name, settings, "input_size", "hidden_size", "num_layers")
    x = next(iter(inputs.values()))
    if x.ndim not in (2, 3):
        raise UserError(
            f"{name}: input has {x.ndim} dimensions, expected (T, N, input_size) or (T, input_size). "
            "Give a sequence of steps."
        )
    steps = 1 if x.ndim == 3 and settings.get("batch_first") else 0
    if not x.shape[steps]:
        raise UserError(f"{name}: input has no time step. Give at least one, (1, N, input_size).")
    check_features(name, settings, x)


def network_operator(
    module: type[nn.Module],
    law: Callable[[Any], CellLaw],
    source: str,
    facts: Callable[[Trace], Mapping[str, bool]],
) -> CellOperator:
    """The operator of a recurrent network, whose cell's equations `law` gives."""
    return CellOperator(
        module,
        record=lambda call: _Network(law(call.module), call).recording(),
        check=_check,
        infer=infer_input_size,
        run=run_network,
        fitting=network_states,
        source=source,
        facts=facts,
    )
