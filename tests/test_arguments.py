"""Whatever a setting is given, it ends in a proved trace or in one line; and random numbers are no artefacts."""

from __future__ import annotations

import dataclasses
import inspect
import math
import warnings
from typing import Any

import pytest
import torch
from torch import nn

from torchreel.assets.errors import UserError
from torchreel.assets.examples import example, examples
from torchreel.scenes.catalogue import names_known, operator
from torchreel.scenes.trace.arguments import constructor_parameters
from torchreel.scenes.trace.extent import DEFAULT_MEMORY
from torchreel.scenes.trace.operator import Changes, stream
from torchreel.tests.calls import same

LAYERS = [name for name in names_known() if hasattr(nn, name)]
WRONG: list[Any] = ["abc", "", {}, [], ["a"], [[1]], (None,), 10**30, -(10**30), 1 << 63, b"x", object]
ABSURD: list[Any] = [-1, 10**9, math.nan, math.inf, 1e308, (1 << 31) - 1, [math.nan, 1, 2]]


@pytest.mark.parametrize("name", LAYERS)
def test_any_setting_ends_in_a_trace_or_in_one_line(name: str) -> None:
    """Wrong kinds and absurd numbers for every argument: nothing but a `UserError`, and no warning."""
    layer = operator(name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for argument in constructor_parameters(layer.module):  # type: ignore[arg-type]
            for value in (*WRONG, *ABSURD):
                try:
                    layer.trace_example(example(name), {argument: value})
                except UserError as error:
                    said = str(error)
                    assert said.startswith(f"{name}: "), said
                    assert argument in said
                    assert "\n" not in said
                    assert len(said) < 300


@pytest.mark.parametrize("name", LAYERS)
def test_no_example_and_no_default_is_refused(name: str) -> None:
    layer = operator(name)
    parameters = constructor_parameters(layer.module)  # type: ignore[arg-type]
    defaults = {
        key: one.default for key, one in parameters.items() if one.default is not inspect.Parameter.empty
    }
    layer.check_arguments(defaults)
    for one in examples()[name].values():
        layer.check_arguments(one.kwargs)


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("Conv2d", {"groups": "abc"}, "Conv2d: groups='abc' should be an integer."),
        ("Conv2d", {"in_channels": "abc"}, "Conv2d: in_channels='abc' should be an integer."),
        ("Conv2d", {"in_channels": -1}, "Conv2d: in_channels=-1 should be at least 0."),
        ("Conv2d", {"stride": None}, "Conv2d: stride=None should be an integer or a tuple of 2 integers."),
        (
            "Conv2d",
            {"stride": (1, 2, 3)},
            "Conv2d: stride=(1, 2, 3) should be an integer or a tuple of 2 integers.",
        ),
        (
            "Conv1d",
            {"padding": 0.5},
            "Conv1d: padding=0.5 should be a word, an integer or a tuple of 1 integer.",
        ),
        ("Conv2d", {"bias": "abc"}, "Conv2d: bias='abc' should be True or False."),
        (
            "Conv2d",
            {"dilation": (1 << 63) - 1},
            "Conv2d: dilation=9223372036854775807 should be between 1 and 2147483647.",
        ),
        (
            "Conv2d",
            {"padding_mode": "none"},
            "Conv2d: padding_mode='none' should be one of 'zeros', 'reflect', 'replicate', 'circular'.",
        ),
        ("Dropout", {"p": "abc"}, "Dropout: p='abc' should be a number."),
        ("Dropout", {"p": True}, "Dropout: p=True should be a number."),
        (
            "MaxPool2d",
            {"stride": "abc"},
            "MaxPool2d: stride='abc' should be an integer, a tuple of integers or None.",
        ),
        ("LeakyReLU", {"negative_slope": math.inf}, "LeakyReLU: negative_slope=inf should be finite."),
        ("ELU", {"alpha": math.nan}, "ELU: alpha=nan should be a number, not NaN."),
        ("Softplus", {"beta": 0}, "Softplus: beta=0 should be other than 0."),
        (
            "AdaptiveLogSoftmaxWithLoss",
            {"div_value": 0},
            "AdaptiveLogSoftmaxWithLoss: div_value=0 should be other than 0.",
        ),
        (
            "CrossEntropyLoss",
            {"weight": [math.nan, 1, 2]},
            "CrossEntropyLoss: weight=[nan, 1, 2] should be a number, not NaN.",
        ),
        (
            "CrossEntropyLoss",
            {"label_smoothing": -1},
            "CrossEntropyLoss: label_smoothing=-1 should be between 0 and 1.",
        ),
        (
            "LSTM",
            {"num_layers": 10**4},
            "LSTM: num_layers=10000 should be at most 256, as many as are proved in seconds.",
        ),
        (
            "TripletMarginWithDistanceLoss",
            {"distance_function": "cosine"},
            "TripletMarginWithDistanceLoss: distance_function='cosine' should be None or 'cos'.",
        ),
    ],
)
def test_a_wrong_setting_is_refused_in_torchs_terms(name: str, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError) as refused:
        operator(name).trace_example(example(name), settings)
    assert str(refused.value) == said


def test_torchs_own_refusal_says_which_setting_was_given() -> None:
    said = r"^Linear: mat1 and mat2 shapes cannot be multiplied .* This is with in_features=7\.$"
    with pytest.raises(UserError, match=said):
        operator("Linear").trace_example(example("Linear"), {"in_features": 7})


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("ReplicationPad3d", {"padding": 300}),
        ("ZeroPad2d", {"padding": 5000}),
        ("ConvTranspose2d", {"stride": 5000}),
        ("AdaptiveAvgPool2d", {"output_size": 5000}),
        ("LSTM", {"hidden_size": 20000}),
        ("Embedding", {"num_embeddings": 10**8}),
        ("Conv2d", {"padding": 2000}),
        ("Conv2d", {"padding": 10**9}),
        ("LocalResponseNorm", {"size": 10**9}),
    ],
)
def test_a_size_that_takes_the_memory_is_refused_before_it_is_taken(
    name: str, settings: dict[str, Any]
) -> None:
    [argument] = settings
    said = (
        rf"^{name}: {argument}=\d+ with an input .* takes .* elements.*; the limit is 1 GB\. "
        rf"Use a smaller {argument} or a smaller input, or lift it with --max-memory\.$"
    )
    with pytest.raises(UserError, match=said):
        operator(name).trace_example(example(name), settings)


def test_the_limit_of_memory_is_the_users() -> None:
    layer, one = operator("ZeroPad2d"), example("ZeroPad2d")
    little = Changes({"padding": 100}, most=10**6)
    with pytest.raises(UserError, match=r"takes about \d+ MB for a tensor .*; the limit is 1 MB"):
        layer.trace_example(one, changes=little)
    enough = Changes({"padding": 100}, most=DEFAULT_MEMORY)
    assert layer.trace_example(one, changes=enough).shape("output") == (1, 203, 203)


def test_memory_that_torch_cannot_get_is_one_line() -> None:
    def greedy(*_: Any) -> Any:
        raise RuntimeError(
            "DefaultCPUAllocator: can't allocate memory: you tried to allocate 6400000000 bytes."
        )

    with pytest.raises(UserError, match=r"^ReLU: there is not enough memory for 6\.4 GB; use smaller sizes"):
        dataclasses.replace(operator("ReLU"), run=greedy).trace_example(example("ReLU"))


def test_weights_and_inputs_are_independent() -> None:
    """With one stream for both, weight i is a function of input i: ten numbers of nine sigma stood in the diagonal."""
    settings = {"in_features": 784, "out_features": 10}
    for seed in range(3):
        traced = operator("Linear").trace_example(example("Linear"), settings, "torch.randn(64, 784)", seed)
        assert traced.output.abs().max() < 5 * traced.output.std()
        weight, x = (traced.tensors[name].flatten()[:7840] for name in ("weight", "input"))
        assert abs(float(torch.corrcoef(torch.stack([weight, x]))[0, 1])) < 0.06


def test_streams_are_apart_and_the_same_everywhere() -> None:
    purposes = [stream(seed, purpose) for seed in range(50) for purpose in ("weights", "input", "target")]
    assert len({*purposes, *range(50)}) == 200
    assert stream(0, "weights") == 8315746752612573


def test_an_operators_own_randomness_is_that_of_the_seed() -> None:
    layer, one = operator("Dropout"), example("Dropout")
    traced = layer.trace_example(one, seed=7)
    with torch.random.fork_rng():
        torch.manual_seed(7)
        same(traced.output, nn.Dropout(**one.kwargs).train(one.train)(*traced.inputs.values()))


def test_an_example_leaves_torchs_random_state() -> None:
    before = torch.get_rng_state()
    operator("Dropout").trace_example(example("Dropout"), {"p": 0.3}, "torch.randn(3)")
    assert torch.equal(torch.get_rng_state(), before)
