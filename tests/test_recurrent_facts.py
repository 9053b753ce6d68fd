"""What captions claim of recurrent cells and networks, found out another way: from the settings and torch's results."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_sequence, pad_packed_sequence

import torchreel
from torchreel.assets.captions import caption
from torchreel.assets.examples import example
from torchreel.render.check.check import OF_EXAMPLES, Reading
from torchreel.render.check.stage import watch
from torchreel.scenes.catalogue import operator
from torchreel.scenes.recurrent.network.rows_trace import first_sample
from torchreel.tests.strategies import calls
from torchreel.tests.strategies.draws import Call

NETWORKS, CELLS = ("RNN", "LSTM", "GRU"), ("RNNCell", "LSTMCell", "GRUCell")


def told(name: str, key: str, call: Call, lang: str = "en") -> tuple[str, torchreel.Trace]:
    """What the default clip says of a call, and its trace."""
    trace = torchreel.trace(call.module, *call.inputs, **call.kwargs)
    values = {"layers": getattr(call.module, "num_layers", 1), "batch": 1}
    return caption(name, "default", key, lang, operator(name).facts(trace), **values), trace


def sequences(source: Any, batch_first: bool) -> list[Tensor]:
    """The sequence of each sample, `(steps, features)`, as the caller gave them."""
    if isinstance(source, PackedSequence):
        padded, lengths = pad_packed_sequence(source)
        return [padded[:length, sample] for sample, length in enumerate(lengths.tolist())]
    if source.ndim == 2:
        return [source]
    return list(source if batch_first else source.transpose(0, 1))


@pytest.mark.parametrize("name", NETWORKS)
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_layers_and_directions_are_told_as_they_are_set(name: str, data: st.DataObject) -> None:
    call = data.draw(calls(name))
    module: Any = call.module
    said, trace = told(name, "alt", call)
    facts = operator(name).facts(trace)
    assert facts["packed"] == isinstance(call.inputs[0], PackedSequence)
    assert facts["relu"] == (getattr(module, "nonlinearity", "") == "relu")
    assert ("backward" in said) == module.bidirectional
    assert ("layer" in said) == (module.num_layers > 1)
    assert ("two layers" in said) == (module.num_layers == 2 and not module.bidirectional)
    chinese = caption(name, "default", "alt", "zh", facts)
    assert ("反向" in chinese) == module.bidirectional
    assert ("层" in chinese) == (module.num_layers > 1)
    rows, _ = told(name, "rows", call)
    assert ("direction" in rows or "backward" in rows) == module.bidirectional


@pytest.mark.parametrize("name", NETWORKS)
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_last_states_stand_in_the_output_where_it_is_said(name: str, data: st.DataObject) -> None:
    call = data.draw(calls(name))
    module: Any = call.module
    said, trace = told(name, "shared", call)
    output, last = trace.output
    h_n: Tensor = last[0] if isinstance(last, tuple) else last
    states = h_n if h_n.ndim == 3 else h_n[:, None]
    for sample, steps in enumerate(sequences(output, module.batch_first)):
        width = h_n.shape[-1]
        backward, forward = states[-1, sample], states[-1 - module.bidirectional, sample]
        if said.startswith("The backward h_n"):
            assert module.bidirectional
            torch.testing.assert_close(steps[0, width:], backward, rtol=0, atol=0, equal_nan=True)
        else:
            assert not module.bidirectional
        torch.testing.assert_close(steps[-1, :width], forward, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("name", NETWORKS)
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_the_steps_that_are_drawn_are_those_of_the_first_sample(name: str, data: st.DataObject) -> None:
    call = data.draw(calls(name))
    trace = torchreel.trace(call.module, *call.inputs, **call.kwargs)
    module: Any = call.module
    given_sequences = sequences(call.inputs[0], module.batch_first)
    if not given_sequences:
        return
    leads, x = first_sample(trace), trace.tensors["input"]
    assert len(leads) == len(given_sequences[0])
    for lead, step in zip(leads, given_sequences[0], strict=True):
        torch.testing.assert_close(x[lead], step, rtol=0, atol=0, equal_nan=True)  # type: ignore[index]


@pytest.mark.parametrize("name", CELLS)
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_a_cells_activation_is_told_as_it_is(name: str, data: st.DataObject) -> None:
    call = data.draw(calls(name))
    said, trace = told(name, "alt", call)
    if name != "RNNCell":
        return
    h: Any = trace.output
    is_cut = call.module.nonlinearity == "relu"
    assert ("below 0" in said) == is_cut and ("tanh" in said) != is_cut
    finite = h[h.isfinite()]
    assert bool((finite >= 0).all()) if is_cut else bool((finite.abs() <= 1).all())


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
@pytest.mark.parametrize("lengths, more", [
    ((2, 4, 1), {}), ((3, 1), {"bidirectional": True}), ((2, 2), {"num_layers": 2}),
])  # fmt: skip
def test_a_packed_sequence_is_drawn_within_the_laws(kind: Any, lengths: tuple[int, ...], more: Any) -> None:
    torch.manual_seed(0)
    packed = pack_sequence([torch.randn(length, 2) for length in lengths], enforce_sorted=False)
    trace = torchreel.trace(kind(2, 2, **more), packed)
    shown = watch(example(kind.__name__), trace, "en", "light")
    apart = {"title_whole", *OF_EXAMPLES}
    assert [(law, message) for law, message in Reading(shown).all() if law not in apart] == []


@pytest.mark.parametrize("kind", [nn.GRU, nn.LSTM])
def test_a_sequence_without_a_batch_stays_on_the_stage(kind: Any) -> None:
    torch.manual_seed(1)
    trace = torchreel.trace(kind(3, 4), torch.randn(5, 3))
    apart = {"title_whole", *OF_EXAMPLES}
    faults = Reading(watch(example(kind.__name__), trace, "en", "light")).all()
    assert [(law, message) for law, message in faults if law not in apart] == []
