"""What a reader changes of an example: inputs by name, those that are made to fit, parameters, the mode, the call."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from torchreel.assets.errors import UserError
from torchreel.assets.examples import example, examples
from torchreel.render.job import Job
from torchreel.scenes.catalogue import operator
from torchreel.scenes.trace.files import read_file
from torchreel.scenes.trace.inputs import read_input
from torchreel.scenes.trace.operator import Changes, Operator, stream
from torchreel.scenes.trace.proof import Trace

CALLS: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "L1Loss": ({}, {"input": "torch.randn(2, 3)", "target": "torch.randn(2, 3)"}),
    "MSELoss": ({"reduction": "none"}, {"input": "[1, 2.5]", "target": "[0, 4]"}),
    "SmoothL1Loss": ({"beta": 0.5}, {"input": "torch.randn(4)", "target": "torch.zeros(4)"}),
    "HuberLoss": ({}, {"input": "torch.randn(4)", "target": "torch.ones(4)"}),
    "BCELoss": ({}, {"input": "torch.rand(3, 2)", "target": "torch.rand(3, 2) > 0.5"}),
    "BCEWithLogitsLoss": ({}, {"input": "torch.randn(3)", "target": "torch.randn(3).sigmoid()"}),
    "PoissonNLLLoss": ({"full": True}, {"input": "torch.randn(3)", "target": "[0, 1, 4]"}),
    "GaussianNLLLoss": ({}, {"input": "torch.randn(5, 2)", "target": "torch.randn(5, 2)", "var": "torch.ones(5, 1)"}),
    "SoftMarginLoss": ({}, {"input": "torch.randn(3)", "target": "[1, -1, 1]"}),
    "HingeEmbeddingLoss": ({}, {"input": "torch.rand(3)", "target": "torch.tensor([1, -1, 1])"}),
    "KLDivLoss": (
        {"reduction": "batchmean", "log_target": True},
        {"input": "torch.randn(2, 4).log_softmax(1)", "target": "torch.randn(2, 4).log_softmax(1)"},
    ),
    "CrossEntropyLoss": ({}, {"input": "torch.randn(2, 5)", "target": "[0, 2]"}),
    "CrossEntropyLoss:probabilities": ({}, {"input": "torch.randn(2, 5)", "target": "[4, 2]"}),
    "CrossEntropyLoss:handbook": ({}, {"input": "torch.randn(2, 5)", "target": "torch.randn(2, 5).softmax(1)"}),
    "NLLLoss": ({"ignore_index": 1}, {"input": "torch.randn(3, 4).log_softmax(1)", "target": "[1, 3, 0]"}),
    "MultiMarginLoss": ({"p": 2}, {"input": "torch.randn(2, 3)", "target": "[0, 2]"}),
    "MultiLabelMarginLoss": ({}, {"input": "torch.randn(2, 3)", "target": "[[0, 2, -1], [1, -1, 0]]"}),
    "MultiLabelSoftMarginLoss": (
        {},
        {"input": "torch.randn(2, 3)", "target": "torch.nn.functional.one_hot(torch.tensor([0, 2]), 3)"},
    ),
    "MarginRankingLoss": ({}, {"input1": "[1, 2]", "input2": "[0.5, 3]", "target": "[1, -1]"}),
    "CosineEmbeddingLoss": ({}, {"input1": "torch.randn(2, 3)", "input2": "torch.randn(2, 3)", "target": "[1, -1]"}),
    "TripletMarginLoss": (
        {"p": 1},
        {"anchor": "torch.randn(3, 4)", "positive": "torch.randn(3, 4)", "negative": "torch.randn(3, 4)"},
    ),
    "CTCLoss": (
        {},
        {
            "log_probs": "torch.randn(6, 2, 4).log_softmax(2)",
            "targets": "[[1, 2], [3, 3]]",
            "input_lengths": "[6, 5]",
            "target_lengths": "[2, 1]",
        },
    ),
    "AdaptiveLogSoftmaxWithLoss": ({}, {"input": "torch.randn(3, 4)", "target": "[0, 5, 7]"}),
    "CosineSimilarity": ({}, {"x1": "torch.randn(2, 3)", "x2": "torch.randn(2, 3)"}),
    "PairwiseDistance": ({"p": 1}, {"x1": "torch.randn(2, 3)", "x2": "torch.randn(2, 3)"}),
    "Bilinear": ({}, {"input1": "torch.randn(2, 4)", "input2": "torch.randn(2, 5)"}),
    "EmbeddingBag": ({}, {"input": "[0, 1, 2, 4]", "offsets": "[0, 3]", "per_sample_weights": "[1, 0.5, 2, -1]"}),
    "EmbeddingBag:padding_idx": (
        {"mode": "sum"},
        {"input": "[[0, 1], [2, 4]]", "per_sample_weights": "torch.rand(2, 2)"},
    ),
    "RNN": ({}, {"input": "torch.randn(4, 2, 2)", "h_0": "torch.randn(1, 2, 2)"}),
    "GRUCell": ({}, {"input": "torch.randn(3, 2)", "h_0": "torch.randn(3, 2)"}),
    "LSTM": ({}, {"input": "torch.randn(4, 2, 2)", "h_0": "torch.randn(1, 2, 2)", "c_0": "torch.randn(1, 2, 2)"}),
    "LSTMCell": ({}, {"input": "torch.randn(3, 2)", "h_0": "torch.randn(3, 2)", "c_0": "torch.randn(3, 2)"}),
    "MaxUnpool1d": ({}, {"input": "[[[5, 6]]]", "indices": "[[[1, 2]]]"}),
    "MaxUnpool2d": ({}, {"input": "torch.rand(1, 1, 2, 2)", "indices": "[[[[0, 3], [9, 11]]]]"}),
}  # fmt: skip


def traced(clip: str, *, seed: int = 0, **changes: Any) -> tuple[Trace, list[str]]:
    """The trace of an example with changes, and what was said of it."""
    name, _, shown = clip.partition(":")
    said: list[str] = []
    layer = operator(name)
    trace = layer.trace_example(
        example(name, shown or None), seed=seed, changes=Changes(**changes), say=said.append
    )
    return trace, said


@pytest.mark.parametrize("clip", CALLS)
def test_all_inputs_of_a_call_may_be_the_users(clip: str) -> None:
    """They are what the call reads, and the result is what torch gives for them."""
    changed, inputs = CALLS[clip]
    trace, said = traced(clip, settings=changed, inputs=inputs)
    assert all(note.startswith("without ") for note in said)
    assert {*inputs} == {*trace.inputs}
    for name, text in inputs.items():
        given = trace.inputs[name]
        assert torch.equal(given, read_input(text, given.dtype, stream(0, name)))


def several() -> list[tuple[str, str]]:
    return [
        (f"{name}:{one.name}", given)
        for name, named in examples().items()
        for one in named.values()
        if len(operator(name).input_names(one)) > 1 and not name.startswith("MaxUnpool")
        for given in one.inputs
    ]


@settings(max_examples=120, deadline=None)
@given(st.sampled_from(several()), st.integers(1, 3), st.integers(0, 3))
def test_inputs_fit_the_one_that_the_user_gives(clip: tuple[str, str], more: int, seed: int) -> None:
    """Whatever example and whichever of its inputs is given with a batch of another size, the call can be made."""
    (name, _, shown), given = clip[0].partition(":"), clip[1]
    layer, one = operator(name), example(name, shown)
    tensor = layer.inputs_of(one, {}, seed)[given]
    if not tensor.ndim or given.endswith("lengths") or given == "offsets":
        return
    axis = batch_axis(name, given, tensor)
    grown = torch.cat([tensor, *[tensor.narrow(axis, 0, 1)] * more], axis)
    trace, said = traced(clip[0], inputs={given: text_of(grown)}, seed=seed)
    assert trace.inputs[given].shape == grown.shape
    assert all(" is " in one or "without " in one for one in said)
    again, _ = traced(clip[0], inputs={given: text_of(grown)}, seed=seed)
    assert all(torch.equal(again.inputs[key], trace.inputs[key]) for key in trace.inputs)


def batch_axis(name: str, given: str, tensor: torch.Tensor) -> int:
    recurrent = name in ("RNN", "LSTM", "GRU")
    return 1 if tensor.ndim == 3 and (recurrent or given == "log_probs") else 0


def text_of(tensor: torch.Tensor) -> str:
    return repr(tensor.tolist())


def test_what_was_made_to_fit_can_be_typed() -> None:
    """The note says a text of the grammar, which gives the same call when it is typed."""
    made, [note] = traced("CrossEntropyLoss", first="torch.randn(5, 7)", seed=3)
    assert note == "target is torch.randint(0, 7, (5,)), as the example's own would not fit"
    typed, said = traced(
        "CrossEntropyLoss", first="torch.randn(5, 7)", inputs={"target": "torch.randint(0, 7, (5,))"}, seed=3
    )
    assert said == []
    assert torch.equal(made.inputs["target"], typed.inputs["target"])


def test_what_fits_is_the_examples_own() -> None:
    trace, said = traced("MSELoss", first="torch.zeros(5)")
    assert trace.inputs["target"].tolist() == example("MSELoss").inputs["target"]
    assert said == []


@pytest.mark.parametrize(
    ("clip", "changes", "said"),
    [
        ("Conv2d", {"inputs": {"target": "[1]"}}, "Conv2d has no input 'target'. It takes input."),
        ("NLLLoss", {"inputs": {"targets": "[1]"}}, "NLLLoss has no input 'targets'. Did you mean 'target'? It takes"),
        ("LSTM", {"inputs": {"hx": "[1]"}}, "LSTM has no input 'hx'. It takes input, h_0, c_0."),
        (
            "ReLU",
            {"first": "[1]", "inputs": {"input": "[2]"}},
            "ReLU: the first input, input, was given twice, once by its name; give it once.",
        ),
        (
            "MSELoss",
            {"inputs": {"input": "torch.randn(4, 4)", "target": "[1, 2, 3]"}},
            "MSELoss: The size of tensor a (4) must match the size of tensor b (3) at non-singleton dimension 1. "
            "Beside input (4, 4), give for example target=torch.randn(4, 4).",
        ),
        (
            "CrossEntropyLoss",
            {"inputs": {"input": "torch.randn(4, 4)", "target": "[1, 2]"}},
            "CrossEntropyLoss: Expected input batch_size (4) to match target batch_size (2). "
            "Beside input (4, 4), give for example target=torch.randint(0, 4, (4,)).",
        ),
        (
            "BCELoss",
            {"inputs": {"input": "[0.1, 0.5]", "target": "[1, 0, 1]"}},
            "BCELoss: Using a target size (torch.Size([3])) that is different to the input size (torch.Size([2]))",
        ),
        ("MaxUnpool2d", {"first": "[1]", "inputs": {"input": "[1]"}}, "MaxUnpool2d: values and indices come of"),
        ("Conv2d", {"call": {"output_size": 5}}, "Conv2d: --call has no argument 'output_size'. Its forward takes"),
        ("ConvTranspose1d", {"call": {"size": 5}}, "ConvTranspose1d: --call has no argument 'size'. It takes output_"),
        ("MSELoss", {"call": {"target": 5}}, "MSELoss: target is an input; give it with --input target=…."),
        ("Embedding", {"first": "[0.5]"}, "Cannot read the input '[0.5]': whole numbers are needed here"),
    ],
)  # fmt: skip
def test_a_change_that_cannot_be_is_refused_in_one_line(clip: str, changes: Any, said: str) -> None:
    with pytest.raises(UserError) as refused:
        traced(clip, **changes)
    assert str(refused.value).startswith(said)
    assert "\n" not in str(refused.value)


def test_forwards_further_arguments_are_the_users() -> None:
    trace, _ = traced("ConvTranspose1d", settings={"stride": 2}, call={"output_size": 8})
    assert trace.call == {"output_size": (8,)}
    assert trace.shape("output")[-1] == 8


def test_the_mode_is_the_users() -> None:
    for train in (True, False):
        trace, _ = traced("Dropout", train=train)
        assert trace.module.training is train


def state_file(folder: Path, state: Any) -> Any:
    path = folder / "weights.pt"
    torch.save(state, path)
    return read_file(str(path))


def test_parameters_are_the_users(tmp_path: Path) -> None:
    module = nn.Conv2d(1, 1, 3, bias=False)
    trace, said = traced("Conv2d", state=state_file(tmp_path, module.state_dict()))
    assert torch.equal(trace.module.weight, module.weight)
    assert said == []


def test_parameters_that_a_file_does_not_hold_stay_and_are_named(tmp_path: Path) -> None:
    weight = torch.full((2, 3), 0.5)
    one = example("Linear")
    bias = torch.tensor(one.state["bias"])
    weight = torch.full((one.kwargs["out_features"], one.kwargs["in_features"]), 0.5)
    file = state_file(tmp_path, {"weight": weight})
    trace, said = traced("Linear", state=file)
    assert torch.equal(trace.module.weight, weight)
    assert torch.equal(trace.module.bias, bias)
    assert said == [f"{file} has no bias: kept as in the example"]


@pytest.mark.parametrize(
    ("clip", "state", "said"),
    [
        ("Conv2d", {"conv.weight": torch.ones(1)}, "unexpected key(s) in state_dict: conv.weight. It takes weight."),
        ("Conv2d", {"weight": torch.ones(1, 1, 2, 2)}, "size mismatch for weight: the file has (1, 1, 2, 2), the mod"),
        ("ReLU", {"weight": torch.ones(1)}, "unexpected key(s) in state_dict: weight. It has no parameters."),
        ("Conv2d", torch.ones(1), "it holds a Tensor. Save one with torch.save(module.state_dict(), 'weights.pt')."),
        ("Conv2d", nn.Conv2d(1, 1, 3), "Save one with torch.save(module.state_dict(), 'weights.pt')."),
    ],
)  # fmt: skip
def test_parameters_that_do_not_fit_are_refused(clip: str, state: Any, said: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as refused:
        traced(clip, state=state_file(tmp_path, state))
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_whether_all_is_proved_is_asked_of_the_operator_only_when_it_is_wished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from torchreel.render import clip

    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(
        Operator, "trace_example", lambda self, one, **options: asked.append(options) or math.nan
    )
    for whole in (False, True):
        clip.trace(Job(example("ReLU"), tmp_path, (), prove_all=whole))
    assert ["prove_all" in options for options in asked] == [False, True]
    assert asked[1]["prove_all"] is True
