"""Recurrent cells: what is recorded is what torch returned, and a wrong step is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from torchreel.assets.errors import UserError
from torchreel.assets.examples import example
from torchreel.assets.fonts import cap_height
from torchreel.render.check.check import faults
from torchreel.render.check.stage import Show, watch_scene
from torchreel.scenes.recurrent import operators
from torchreel.scenes.recurrent.cell.cells import GRUCell, LSTMCell, RNNCell
from torchreel.scenes.recurrent.cell.cells_trace import CellOperator
from torchreel.scenes.recurrent.network.networks import GRU, LSTM
from torchreel.scenes.stage.telling import Request
from torchreel.scenes.trace.formula import Token
from torchreel.scenes.trace.proof import Rule, Trace, TraceError

HANDBOOK = {
    "h_1": [0.2202, -0.0278, 0.2574, -0.3888],
    "c_1": [0.8194, -0.0751, 0.6597, -0.4974],
    "h_2": [0.2121, -0.0551, 0.1740, -0.1036],
    "c_2": [0.5099, -0.1099, 0.4154, -0.1924],
}


@pytest.fixture(scope="module")
def handbook() -> Trace:
    return operators.LSTMCell.trace_example(example("LSTMCell", "handbook"))


@settings(max_examples=60, deadline=None)
@given(
    size=st.integers(1, 6),
    hidden=st.integers(1, 6),
    lead=st.sampled_from([(), (1,), (3,), (0,), (1, 1), (2, 1), (3, 2), (2, 0)]),
    bias=st.booleans(),
    states=st.booleans(),
    double=st.booleans(),
    seed=st.integers(0, 10_000),
)
def test_every_setting_gives_a_proved_trace_of_torchs_own_states(
    size: int, hidden: int, lead: tuple[int, ...], bias: bool, states: bool, double: bool, seed: int
) -> None:
    torch.manual_seed(seed)
    dtype = torch.float64 if double else torch.float32
    module = nn.LSTMCell(size, hidden, bias=bias, dtype=dtype)
    inputs = {"input": torch.randn(*lead, size, dtype=dtype)}
    shape = (*lead[-1:], hidden)
    given_states = (torch.randn(shape, dtype=dtype), torch.randn(shape, dtype=dtype))
    if states:
        inputs |= dict(zip(("h_0", "c_0"), given_states, strict=True))
    trace = operators.LSTMCell.trace(module, inputs)
    expected = _unrolled(module, inputs["input"], given_states if states else None)
    assert trace.outputs == tuple(f"{name}_{t + 1}" for t in range(len(expected) // 2) for name in "hc")
    for name, state in zip(trace.outputs, expected, strict=True):
        assert torch.equal(trace.tensors[name], state)


def _unrolled(module: nn.LSTMCell, x: Tensor, state: tuple[Tensor, Tensor] | None) -> list[Tensor]:
    found: list[Tensor] = []
    with torch.no_grad():
        for x_t in x if x.ndim == 3 else [x]:
            state = module(x_t, state)
            found += state
    return found


def test_the_example_shows_the_handbooks_numbers(handbook: Trace) -> None:
    for name, values in HANDBOOK.items():
        torch.testing.assert_close(handbook.tensors[name], torch.tensor([values]), atol=5e-5, rtol=0)


def test_gates_come_from_their_own_rows_in_torchs_order(handbook: Trace) -> None:
    weight_ih, weight_hh = handbook.tensors["weight_ih"], handbook.tensors["weight_hh"]
    linear = handbook.tensors["input"][0] @ weight_ih.T + handbook.tensors["h_0"] @ weight_hh.T
    i, f, g, o = linear.chunk(4, 1)
    for name, expected in {"i": i.sigmoid(), "f": f.sigmoid(), "g": g.tanh(), "o": o.sigmoid()}.items():
        torch.testing.assert_close(handbook.tensors[f"{name}_1"].float(), expected)


def test_a_step_reads_the_rows_of_its_gate_and_the_states_before_it(handbook: Trace) -> None:
    row = 4 + 2
    reads = list(handbook.step("hh_2", (0, row)).reads)
    assert {index for name, index in reads if name == "weight_hh"} == {(row, k) for k in range(4)}
    assert {index for name, index in reads if name == "h_1"} == {(0, k) for k in range(4)}
    assert [name for name, _ in handbook.step("c_2", (0, 1)).reads] == ["f_2", "c_1", "i_2", "g_2"]


@pytest.mark.parametrize("name", ["ih_1", "hh_2", "pre_i_1", "f_2", "g_1", "o_2", "c_1", "h_2"])
def test_a_changed_value_is_refused_with_its_cell_and_both_values(handbook: Trace, name: str) -> None:
    changed = handbook.tensors[name].clone()
    changed[0, 1] += 0.5
    with pytest.raises(TraceError) as refused:
        replace(handbook, tensors={**handbook.tensors, name: changed})
    assert "LSTMCell" in str(refused.value) and "[0, 1]" in str(refused.value)


def test_gates_in_another_order_are_refused(handbook: Trace) -> None:
    def swap(rule: Rule) -> Rule:
        return replace(handbook.rule("pre_f_1"), tensor="pre_i_1") if rule.tensor == "pre_i_1" else rule

    with pytest.raises(TraceError, match=r"pre_i_1\[0, 0\]"):
        replace(handbook, rules=tuple(swap(rule) for rule in handbook.rules))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1e30])
def test_nan_and_infinities_flow_as_in_torch(value: float) -> None:
    torch.manual_seed(0)
    module = nn.LSTMCell(2, 3)
    trace = operators.LSTMCell.trace(module, {"input": torch.tensor([[value, 1.0]])})
    expected = module(torch.tensor([[value, 1.0]]))[1].detach()
    torch.testing.assert_close(trace.tensors["c_1"], expected, equal_nan=True)


def test_the_examples_states_are_kept_only_while_they_belong() -> None:
    chosen = example("LSTMCell", "handbook")
    with_bias = operators.LSTMCell.trace_example(chosen, {"bias": True})
    assert with_bias.value("h_0", (0, 0)) == pytest.approx(2.5916)
    for changes in ({"overrides": {"hidden_size": 6}}, {"input_text": "torch.randn(3, 2, 5)"}):
        trace = operators.LSTMCell.trace_example(chosen, **changes)
        assert not trace.tensors["h_0"].any()
    assert trace.module.input_size == 5


@pytest.mark.parametrize(
    ("text", "size", "words"),
    [
        ("torch.randn(2, 1, 3)", 4, "got 3, expected 4"),
        ("torch.randn(2, 1, 1, 3)", 3, "4 dimensions"),
        ("torch.zeros(0, 1, 3)", 3, "no time step"),
        ("1.5", 3, "0 dimensions"),
    ],
)
def test_an_input_that_cannot_work_is_explained_in_one_line(text: str, size: int, words: str) -> None:
    with pytest.raises(UserError) as refused:
        operators.LSTMCell.trace_example(example("LSTMCell"), {"input_size": size}, text)
    assert words in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "operator", [operators.RNNCell, operators.LSTMCell, operators.GRUCell], ids=lambda one: one.name
)
@pytest.mark.parametrize("setting", ["input_size", "hidden_size"])
@pytest.mark.parametrize("value", [0, -1])
def test_sizes_below_one_are_refused_in_one_line(operator: CellOperator, setting: str, value: int) -> None:
    with pytest.raises(UserError, match=rf"^{operator.name}: {setting}={value} should be at least 1\.$"):
        operator.trace_example(example(operator.name), {setting: value})


def test_grus_reset_gate_scales_what_the_matrix_product_gave() -> None:
    """Not the state before the product, as other papers and pictures have it; and z keeps, 1 - z renews."""
    trace = operators.GRUCell.trace_example(example("GRUCell", "handbook"))
    weight_ih, weight_hh = trace.tensors["weight_ih"], trace.tensors["weight_hh"]
    x, h, r, z = (trace.tensors[name].float() for name in ("input", "h_0", "r_1", "z_1"))
    n = torch.tanh(x[0] @ weight_ih[8:].T + r * (h @ weight_hh[8:].T))
    torch.testing.assert_close(trace.tensors["n_1"], n.double(), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(trace.tensors["h_1"], (1 - z) * n + z * h)
    before_product = torch.tanh(x[0] @ weight_ih[8:].T + (r * h) @ weight_hh[8:].T)
    assert (before_product - n).abs().max() > 0.1
    assert [name for name, _ in trace.step("h_1", (0, 0)).reads] == ["z_1", "n_1", "z_1", "h_0"]


def test_states_of_another_size_are_refused_in_torchs_words() -> None:
    inputs = {"input": torch.zeros(1, 3), "h_0": torch.zeros(1, 5), "c_0": torch.zeros(1, 5)}
    with pytest.raises(UserError, match="hidden"):
        operators.LSTMCell.trace(nn.LSTMCell(3, 4), inputs)


def test_a_sum_before_a_gate_shows_its_products_and_the_gate_shows_the_sum() -> None:
    trace = operators.LSTMCell.trace_example(example("LSTMCell"))
    reads = [name for name, _ in trace.step("pre_f_1", (0, 1)).reads]
    assert reads == ["weight_ih"] * 2 + ["input"] * 2 + ["weight_hh"] * 2 + ["h_0"] * 2
    assert list(trace.step("f_1", (0, 1)).reads) == [("pre_f_1", (0, 1))]


@pytest.fixture(scope="module")
def shown() -> Show:
    trace = operators.LSTMCell.trace_example(example("LSTMCell"))
    return watch_scene(LSTMCell, Request(trace, example("LSTMCell"), "en"))


def test_the_last_picture_holds_the_whole_first_call_and_what_the_second_leaves(shown: Show) -> None:
    numbers = {(number.tensor, number.index): number.value for number in shown.scene.sections[-1].numbers}
    trace = shown.scene.trace
    for name in ("pre_i_1", "i_1", "f_1", "g_1", "o_1", "c_0", "c_1", "h_1", "c_2", "h_2"):
        for unit in range(2):
            assert numbers[name, (0, unit)] == trace.value(name, (0, unit))
    for name in ("weight_ih", "weight_hh"):
        assert {index for tensor, index in numbers if tensor == name} == {
            (row, column) for row in range(8) for column in range(2)
        }


def test_gates_are_born_in_torchs_order_before_the_states(shown: Show) -> None:
    born = dict.fromkeys(
        number.tensor
        for section in shown.scene.sections
        for number in section.numbers
        if number.tensor[-1:] in "12"
    )
    states = [name for name in born if name[0] in "ifgoch"]
    assert states[:6] == ["i_1", "f_1", "g_1", "o_1", "c_1", "h_1"]
    assert set(states[6:]) == {"c_2", "h_2"}


def test_formulas_speak_in_time_steps_and_in_the_colours_of_the_gates(shown: Show) -> None:
    said = [one.text for one in shown.scene.said if one.kind != "caption"]
    assert said[0].startswith("c_{t} = f_{t}·c_{t−1} + i_{t}·g_{t}")
    assert said[-1] == "c_{1} = 0.82·1 + 0.62·0.91 = 1.38"
    scene, trace = shown.scene, shown.scene.trace
    inks = {name: scene.ink(Token("", f"{name}_1", (0, 0))) for name in "ifgo"}
    assert len(set(inks.values())) == 4
    for number, name in enumerate("ifgo"):
        assert scene.ink(Token("", "weight_hh", (2 * number + 1, 0))) == inks[name]
    assert scene.ink(Token("", "c_1", (0, 0))) == scene.look.theme.role(trace.role("c_1"))


def test_relu_is_explained_by_an_element_that_it_cuts_off() -> None:
    trace = operators.RNNCell.trace_example(example("RNNCell", "relu"))
    figure = RNNCell(Request(trace, example("RNNCell", "relu"), "en")).figure()
    assert figure is not None and figure.value == 0 and trace.value("pre_h_1", figure.index) < 0


def test_grus_law_says_what_the_reset_gate_scales() -> None:
    for bias, law in ((False, "r_{t}·W_{hn}·h_{t−1})"), (True, "r_{t}·(W_{hn}·h_{t−1} + b_{hn}))")):
        trace = operators.GRUCell.trace_example(example("GRUCell"), {"bias": bias})
        scene = GRUCell(Request(trace, example("GRUCell"), "en"))
        assert "".join(token.text for token in scene.law()).endswith(law)


def test_the_two_biases_have_names_of_their_own_and_the_colour_of_parameters() -> None:
    trace = operators.RNNCell.trace_example(example("RNNCell"))
    scene = RNNCell(Request(trace, example("RNNCell"), "en"))
    biases = [token for token in scene.law() if token.text.startswith("b_")]
    assert [token.text for token in biases] == ["b_{ih}", "b_{hh}"]
    assert {scene.ink(token) for token in biases} == {scene.look.theme.role("parameter")}


def test_what_is_added_is_framed_with_the_rows() -> None:
    trace = operators.RNNCell.trace_example(example("RNNCell"))
    show = watch_scene(RNNCell, Request(trace, example("RNNCell"), "en"))
    board = show.scene.board
    framed = [outline[:, :2].mean(0).tolist() for outline in board.sources(0, 0)]
    for kind in ("ih", "hh"):
        middle = board.biases[kind, 0].around((0, 0))[:, :2].mean(0).tolist()
        assert pytest.approx(middle) in framed


@pytest.mark.parametrize("scene, lang", [(LSTMCell, "en"), (LSTM, "en"), (LSTM, "zh"), (GRU, "en")])
def test_a_gates_number_stands_clear_of_a_frame_and_is_made_of_a_sum_in_sight(scene: Any, lang: str) -> None:
    """A frame reaches 0.04 beyond its cell; the next number begins below that."""
    name = scene.operator.name
    show = watch_scene(scene, Request(scene.operator.trace_example(example(name)), example(name), lang))
    board = show.scene.board
    gate = next(iter(board.said))
    assert f"pre_{gate}" in board.vectors
    cells = board.vectors[gate].cells
    assert (cells.height - cap_height("sans") * cells.text_size) / 2 > 0.04


def test_a_gate_without_a_column_of_sums_is_written_with_its_products() -> None:
    chosen = example("LSTMCell", "handbook")
    show = watch_scene(LSTMCell, Request(operators.LSTMCell.trace_example(chosen), chosen, "en"))
    assert "pre_o" not in show.scene.board.vectors
    written = [one.text for one in show.scene.said if one.kind == "numbers" and one.text.startswith("o_{1}")]
    assert len(written) == 1 and written[0].count("·") == 7


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_what_captions_claim_is_so_of_the_module(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from([nn.RNN, nn.LSTM, nn.GRU, nn.RNNCell]))
    asked: dict[str, Any] = {}
    if kind in (nn.RNN, nn.RNNCell):
        asked["nonlinearity"] = data.draw(st.sampled_from(["tanh", "relu"]))
    if kind is not nn.RNNCell:
        asked |= {"num_layers": data.draw(st.integers(1, 4)), "bidirectional": data.draw(st.booleans())}
    x = torch.full((2, 1, 1), data.draw(st.sampled_from([0.5, float("nan"), float("inf")])))
    trace = getattr(operators, kind.__name__).trace(
        kind(1, data.draw(st.integers(1, 3)), **asked), {"input": x}
    )
    passes = len(trace.tensors["h_n"]) if "h_n" in trace.tensors else 1
    layers = asked.get("num_layers", 1)
    assert getattr(operators, kind.__name__).facts(trace) == {
        "packed": False,
        "relu": asked.get("nonlinearity") == "relu",
        "both": passes == 2 * layers,
        "layered": layers > 1,
        "two_layers": layers == 2,
    }


CALLS: list[tuple[dict[str, Any], str | None]] = [
    ({"bias": True}, None),
    ({"hidden_size": 64}, "torch.randn(6, 3, 64)"),
    ({"hidden_size": 1}, "torch.randn(1, 1)"),
    ({"hidden_size": 7}, "torch.randn(3)"),
    ({"bias": True}, "torch.full((3, 2, 3), 123456.789)"),
    ({"hidden_size": 3, "bias": True}, "torch.randn(12, 2) * 1e-9"),
    ({}, "torch.full((2, 1, 3), nan)"),
    ({}, "torch.full((2, 1, 2), inf)"),
    ({}, "torch.zeros(2, 0, 3)"),
]


@pytest.mark.parametrize("name", ["RNNCell", "LSTMCell", "GRUCell"])
@pytest.mark.parametrize(("overrides", "text"), CALLS)
def test_any_call_keeps_the_laws(name: str, overrides: dict[str, Any], text: str | None) -> None:
    assert faults(name, "default", overrides, text) == []
