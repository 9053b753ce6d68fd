"""Recurrent networks: any call is torch's own, step by step, and the clips say what output and the last states are."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_sequence, pad_packed_sequence

import torchreel
from torchreel.assets.errors import UserError
from torchreel.assets.examples import example
from torchreel.render.check.check import faults
from torchreel.render.check.stage import Show, watch_scene
from torchreel.scenes.recurrent.network.networks import GRU, LSTM, RNN, NetworkScene
from torchreel.scenes.stage.telling import Request
from torchreel.scenes.trace.formula import Add, Dot, cells
from torchreel.scenes.trace.proof import Trace, TraceError
from torchreel.tests.calls import check_call

SCENES = {"RNN": RNN, "LSTM": LSTM, "GRU": GRU}
DTYPES = [torch.float32, torch.float64, torch.bfloat16]


def _special(x: Tensor, value: float | None) -> Tensor:
    """The tensor with one element replaced."""
    if value is not None and x.numel():
        x.reshape(-1)[0] = value
    return x


@settings(max_examples=25, deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("kind", [nn.RNNCell, nn.LSTMCell, nn.GRUCell], ids=lambda kind: kind.__name__)
def test_any_call_of_a_cell_is_torchs_own(kind: type[nn.Module], data: st.DataObject) -> None:
    torch.manual_seed(data.draw(st.integers(0, 999)))
    size, hidden = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 6))
    dtype, lead = data.draw(st.sampled_from(DTYPES)), data.draw(st.sampled_from([(), (1,), (3,), (0,)]))
    extra = {"nonlinearity": data.draw(st.sampled_from(["tanh", "relu"]))} if kind is nn.RNNCell else {}
    module: Any = kind(size, hidden, bias=data.draw(st.booleans()), dtype=dtype, **extra)
    special = data.draw(st.sampled_from([None, math.nan, math.inf, 1e4]))
    x = _special(torch.randn(*lead, size, dtype=dtype), special)
    states = tuple(torch.randn(*lead, hidden, dtype=dtype) for _ in range(2 if kind is nn.LSTMCell else 1))
    hx = states if kind is nn.LSTMCell else states[0]
    match data.draw(st.sampled_from(["none", "given", "named"])):
        case "none":
            check_call(module, x)
        case "given":
            check_call(module, x, hx)
        case "named":
            check_call(module, x, hx=hx)


@settings(max_examples=25, deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU], ids=lambda kind: kind.__name__)
def test_any_call_of_a_network_is_torchs_own(kind: type[nn.Module], data: st.DataObject) -> None:
    """Layers, directions, dropout, projections, packed and plain sequences, with and without states."""
    torch.manual_seed(data.draw(st.integers(0, 999)))
    size, hidden = data.draw(st.integers(1, 4)), data.draw(st.integers(2, 5))
    dtype, layers = data.draw(st.sampled_from(DTYPES)), data.draw(st.integers(1, 3))
    given_settings: dict[str, Any] = {
        "bias": data.draw(st.booleans()),
        "batch_first": data.draw(st.booleans()),
        "dropout": data.draw(st.sampled_from([0.0, 0.5, 1.0])) if layers > 1 else 0.0,
        "bidirectional": data.draw(st.booleans()),
    }
    if kind is nn.LSTM:
        given_settings["proj_size"] = data.draw(st.integers(0, hidden - 1))
    if kind is nn.RNN:
        given_settings["nonlinearity"] = data.draw(st.sampled_from(["tanh", "relu"]))
    module: Any = kind(size, hidden, layers, dtype=dtype, **given_settings)
    module.train(data.draw(st.booleans()))
    x, lead = _source(data, size, dtype, module.batch_first)
    width = given_settings.get("proj_size") or hidden
    passes = layers * (1 + module.bidirectional)
    states = tuple(torch.randn(passes, *lead, n, dtype=dtype) for n in (width, hidden))
    hx: Any = states if kind is nn.LSTM else states[0]
    traced = check_call(module, x, hx) if data.draw(st.booleans()) else check_call(module, x)
    assert traced.outputs == ("output", "h_n", "c_n")[: 2 + (kind is nn.LSTM)]


def _source(data: st.DataObject, size: int, dtype: torch.dtype, batch_first: bool) -> tuple[Any, list[int]]:
    """An input and the batch shape of its states."""
    steps, special = data.draw(st.integers(1, 4)), data.draw(st.sampled_from([None, math.nan, math.inf]))
    layout = data.draw(st.sampled_from(["batched", "unbatched", "packed", "empty"]))
    if layout == "packed":
        lengths = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
        return pack_sequence([torch.randn(n, size, dtype=dtype) for n in lengths], enforce_sorted=False), [
            len(lengths)
        ]
    if layout == "unbatched":
        return _special(torch.randn(steps, size, dtype=dtype), special), []
    batch = 0 if layout == "empty" else data.draw(st.integers(1, 3))
    shape = (batch, steps, size) if batch_first else (steps, batch, size)
    return _special(torch.randn(shape, dtype=dtype), special), [batch]


def test_a_large_network_is_proved() -> None:
    check_call(nn.LSTM(64, 128), torch.randn(20, 8, 64))


def test_packed_sequences_keep_torchs_structure_and_end_where_each_sample_ends() -> None:
    torch.manual_seed(0)
    module = nn.GRU(2, 3, bidirectional=True)
    packed = pack_sequence([torch.randn(n, 2) for n in (2, 4, 1)], enforce_sorted=False)
    trace = check_call(module, packed)
    output, h_n = trace.output
    assert isinstance(output, PackedSequence) and output.unsorted_indices is not None
    padded, lengths = pad_packed_sequence(output)
    for sample, length in enumerate(lengths.tolist()):
        torch.testing.assert_close(padded[length - 1, sample, :3], h_n[0, sample])
        torch.testing.assert_close(padded[0, sample, 3:], h_n[1, sample])


def test_what_dropout_left_for_the_next_layer_is_recorded() -> None:
    torch.manual_seed(1)
    module = nn.LSTM(2, 3, num_layers=2, dropout=0.5)
    trace = check_call(module, torch.randn(4, 2, 2))
    mask = trace.tensors["mask_l0"]
    assert set(mask.unique().tolist()) == {0.0, 2.0}
    torch.testing.assert_close(trace.tensors["input_l1"], trace.tensors["h_l0"] * mask)
    assert "mask_l0" not in check_call(module.eval(), torch.randn(4, 2, 2)).tensors


@pytest.fixture(scope="module")
def layers() -> Trace:
    return LSTM.operator.trace_example(example("LSTM", "layers"))


@pytest.mark.parametrize("name", ["ih_l0", "hh_l1", "f_l0", "c_l1", "h_l0", "output", "h_n", "c_n"])
def test_a_changed_value_is_refused_with_its_cell(layers: Trace, name: str) -> None:
    changed = layers.tensors[name].clone()
    changed[1, 0, 1] += 0.5
    with pytest.raises(TraceError) as refused:
        replace(layers, tensors={**layers.tensors, name: changed})
    assert "LSTM" in str(refused.value) and f"{name}[" in str(refused.value)


@pytest.mark.parametrize("name", ["ih_l0", "hh_l0", "ih_l1", "hh_l1"])
def test_products_are_summed_as_they_are_drawn(layers: Trace, name: str) -> None:
    """The rows of a weight are multiplied whole; element by element, as on screen, they give the same."""
    shape = layers.shape(name)
    formula = layers.rule(name).formula(cells(shape, 0, math.prod(shape)))
    assert isinstance(formula, Add) and isinstance(formula.parts[0], Dot)
    dot = formula.parts[0]
    torch.testing.assert_close(dot.evaluate(layers.tensors), dot.whole.evaluate(layers.tensors))


def test_layer_one_reads_what_layer_zero_put_out(layers: Trace) -> None:
    reads = [index for name, index in layers.step("ih_l1", (2, 0, 0)).reads if name == "h_l0"]
    assert reads == [(2, 0, k) for k in range(3)]
    assert [name for name, _ in layers.step("c_l1", (0, 0, 0)).reads] == ["f_l1", "c_0", "i_l1", "g_l1"]


def test_a_backward_pass_reads_the_step_after() -> None:
    trace = GRU.operator.trace_example(example("GRU", "bidirectional"))
    assert ("h_l0_reverse", (1, 0, 0)) in list(trace.step("hh_l0_reverse", (0, 0, 0)).reads)
    assert ("h_0", (1, 0, 0)) in list(trace.step("hh_l0_reverse", (2, 0, 0)).reads)
    assert next(iter(trace.step("h_n", (1, 0, 0)).reads)) == ("h_l0_reverse", (0, 0, 0))


@pytest.mark.parametrize("kind", SCENES)
@pytest.mark.parametrize("setting", ["input_size", "hidden_size", "num_layers"])
def test_sizes_below_one_are_refused_in_one_line(kind: str, setting: str) -> None:
    with pytest.raises(UserError, match=rf"^{kind}: {setting}=0 should be at least 1\.$"):
        SCENES[kind].operator.trace_example(example(kind), {setting: 0})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("torch.zeros(0, 1, 3)", "no time step"),
        ("torch.zeros(3)", "1 dimensions"),
        ("torch.zeros(2, 1, 5)", "got 5, expected 3"),
    ],
)
def test_an_input_that_cannot_work_is_explained_in_one_line(text: str, words: str) -> None:
    with pytest.raises(UserError) as refused:
        LSTM.operator.trace_example(example("LSTM"), {"input_size": 3}, text)
    assert words in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "overrides", [{"num_layers": 2}, {"bidirectional": True}, {"proj_size": 1}, {"hidden_size": 3}]
)
def test_the_examples_states_are_kept_only_while_they_belong(overrides: dict[str, Any]) -> None:
    trace = LSTM.operator.trace_example(example("LSTM"), overrides)
    assert not trace.tensors["h_0"].any()
    assert LSTM.operator.trace_example(example("LSTM"), {"bias": False}).tensors["h_0"].any()


def test_states_that_do_not_fit_are_refused_in_torchs_words() -> None:
    with pytest.raises(UserError, match="hidden"):
        torchreel.trace(nn.GRU(2, 3), torch.zeros(1, 1, 2), torch.zeros(1, 1, 4))


def _watched(scene: type[NetworkScene], name: str, trace: Trace, lang: str = "en") -> Show:
    return watch_scene(scene, Request(trace, example(scene.operator.name, name), lang))


@pytest.mark.parametrize("kind", SCENES)
def test_the_last_picture_holds_output_and_the_last_states(kind: str) -> None:
    for name in ("default", "layers", "bidirectional"):
        trace = SCENES[kind].operator.trace_example(example(kind, name))
        section = _watched(SCENES[kind], name, trace).scene.sections[-1]
        shown = {(number.tensor, number.index): number.value for number in section.numbers}
        for tensor in trace.outputs:
            found = torch.tensor([value for (which, _), value in shown.items() if which == tensor])
            assert sorted(found.tolist()) == sorted(trace.tensors[tensor].reshape(-1).tolist())


def test_a_network_of_one_pass_says_which_step_a_state_belongs_to() -> None:
    trace = GRU.operator.trace_example(example("GRU"))
    said = [one.text for one in _watched(GRU, "default", trace).scene.said if one.kind == "numbers"]
    assert said[-1] == "h_{1} = (1 − 0.38)·(−0.98) + 0.38·0.5 = −0.42"


def test_a_row_names_the_layer_and_the_direction_of_the_state_that_is_put_out() -> None:
    said = []
    for name in ("layers", "bidirectional"):
        trace = LSTM.operator.trace_example(example("LSTM", name))
        show = _watched(LSTM, name, trace)
        said.append([one.text for one in show.scene.said if one.kind == "numbers"][-1].rpartition(" = ")[0])
    assert said == ["y_{3} = h^{(2)}_{3}", "y_{1} = h^{←}_{1}"]


def test_alt_texts_count_the_layers_and_directions() -> None:
    """Three layers are not two, and a user's setting counts, not the example that is drawn."""
    for settings_, words in (
        ({"num_layers": 2}, "of two layers"),
        ({"num_layers": 3}, "of several layers"),
        ({"bidirectional": True}, "a forward and a backward pass"),
        ({"num_layers": 2, "bidirectional": True}, "several layers, each with a forward"),
        ({}, "the same cell"),
    ):
        for one in ("default", "layers"):
            trace = LSTM.operator.trace_example(example("LSTM", one), {"num_layers": 1, **settings_})
            scene = LSTM(Request(trace, example("LSTM", one), "en"))
            assert words in scene.alt["en"]


CALLS: list[tuple[dict[str, Any], str | None]] = [
    ({"hidden_size": 64, "num_layers": 12, "bidirectional": True}, "torch.randn(9, 2, 30)"),
    ({"num_layers": 2, "bidirectional": True}, "torch.randn(3, 2)"),
    ({"hidden_size": 1, "batch_first": True}, "torch.randn(2, 1, 1)"),
    ({"bidirectional": True}, "torch.full((2, 1, 3), 123456.789)"),
    ({"num_layers": 3}, "torch.full((2, 1, 3), nan)"),
    ({"hidden_size": 3}, "torch.randn(5, 2)"),
    ({"bias": True, "batch_first": True}, "torch.randn(2, 3, 2) * 100"),
    ({}, "torch.randn(9, 4, 2)"),
    ({}, "torch.randn(1, 1, 2)"),
    ({}, "torch.zeros(2, 0, 3)"),
]


@pytest.mark.parametrize("kind", SCENES)
@pytest.mark.parametrize(("overrides", "text"), CALLS)
def test_any_call_keeps_the_laws(kind: str, overrides: dict[str, Any], text: str | None) -> None:
    assert faults(kind, "default", overrides, text) == []


@pytest.mark.parametrize("settings_", [{"proj_size": 1}, {"proj_size": 2, "hidden_size": 4, "num_layers": 2}])
def test_projected_states_keep_the_laws(settings_: dict[str, Any]) -> None:
    assert faults("LSTM", "default", settings_) == []


@settings(max_examples=15, deadline=None)
@given(st.integers(2, 6), st.data())
def test_a_projection_is_proved_as_a_product_of_matrices(hidden: int, data: st.DataObject) -> None:
    module = nn.LSTM(3, hidden, proj_size=data.draw(st.integers(1, hidden - 1)))
    trace = torchreel.trace(module, torch.randn(4, 2, 3))
    rule = trace.rule("h_l0")
    at = cells(trace.shape("h_l0"), 0, trace.tensors["h_l0"].numel())
    formula = rule.formula(at)
    assert isinstance(formula, Dot)
    made, sums = formula.bounded(trace.tensors), formula.whole.bounded(trace.tensors)
    torch.testing.assert_close(made.value, sums.value)
    torch.testing.assert_close(made.size, rule_size(trace, module))


def rule_size(trace: Trace, module: nn.LSTM) -> Tensor:
    """What went into each projected element, product by product."""
    inner = {one.tensor: one for one in trace.rules}["m_l0"]
    grid = trace.tensors["m_l0"].shape
    size = inner.formula(cells(grid, 0, grid.numel())).bounded(trace.tensors).size.reshape(grid)
    return (size @ module.weight_hr_l0.detach().double().abs().T).reshape(-1)
