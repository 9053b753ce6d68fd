"""Linear and Bilinear: any valid call is traced as torch computes it, product by product."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import torchreel
from torchreel.assets.examples import example
from torchreel.render.check.check import faults
from torchreel.scenes import registry
from torchreel.scenes.trace.formula import Lazy
from torchreel.tests.calls import check_call

DTYPES = st.sampled_from((torch.float32, torch.float32, torch.float64, torch.bfloat16, torch.float16))
SIZES = st.sampled_from((1.0, 1.0, 1e-9, 1e4, 1e30, 1e38))
LEADS = st.lists(st.integers(1, 3), max_size=3).map(tuple)


def numbers(data: st.DataObject, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """Random numbers of any size, some with a NaN or an infinity."""
    torch.manual_seed(data.draw(st.integers(0, 999)))
    x = torch.randn(shape, dtype=torch.float64) * data.draw(SIZES)
    for value in data.draw(st.lists(st.sampled_from((math.nan, math.inf, -math.inf)), max_size=1)):
        if x.numel():
            x.view(-1)[data.draw(st.integers(0, x.numel() - 1))] = value
    return x.to(dtype)


@pytest.mark.filterwarnings("ignore:Initializing zero-element")
@settings(max_examples=25, deadline=None)
@given(data=st.data(), lead=LEADS, dtype=DTYPES, bias=st.booleans())
def test_linear(data: st.DataObject, lead: tuple[int, ...], dtype: torch.dtype, bias: bool) -> None:
    features, out = data.draw(st.integers(1, 9)), data.draw(st.integers(0, 5))
    module = nn.Linear(features, out, bias).to(dtype)
    trace = check_call(module, numbers(data, (*lead, features), dtype))
    assert trace.shape("product") == (*lead, out, features)


@settings(max_examples=25, deadline=None)
@given(data=st.data(), lead=LEADS, dtype=DTYPES, bias=st.booleans())
def test_bilinear(data: st.DataObject, lead: tuple[int, ...], dtype: torch.dtype, bias: bool) -> None:
    one, two, out = (data.draw(st.integers(1, 5)) for _ in range(3))
    module = nn.Bilinear(one, two, out, bias).to(dtype)
    inputs = numbers(data, (*lead, one), dtype), numbers(data, (*lead, two), dtype)
    trace = check_call(module, *inputs)
    assert trace.shape("product") == (*lead, out, one, two)


@settings(max_examples=25, deadline=None)
@given(data=st.data(), lead=LEADS, bias=st.booleans(), out=st.integers(1, 4), two=st.booleans())
def test_facts_are_those_of_the_call(
    data: st.DataObject, lead: tuple[int, ...], bias: bool, out: int, two: bool
) -> None:
    one = numbers(data, (*lead, 3), torch.float32)
    module = nn.Bilinear(3, 3, out, bias) if two else nn.Linear(3, out, bias)
    trace = torchreel.trace(module, *([one, one] if two else [one]))
    facts = registry.find(type(module).__name__).operator.facts(trace)
    samples = sum(1 for _ in one.reshape(-1, 3))
    result = module(one, one) if two else module(one)
    assert facts == {
        "several_outputs": result.numel() > samples,
        "has_bias": len(list(module.parameters())) == 2,
    }


@pytest.mark.parametrize("shape", [(0, 4), (2, 0, 4)])
def test_an_empty_batch_has_a_shape(shape: tuple[int, ...]) -> None:
    assert check_call(nn.Linear(4, 2), torch.ones(shape)).shape("output") == (*shape[:-1], 2)


@pytest.mark.filterwarnings("ignore:Initializing zero-element")
def test_no_features_leave_the_bias() -> None:
    module = nn.Linear(0, 2)
    nn.init.ones_(module.bias)
    assert check_call(module, torch.ones(3, 0)).tensors["sum"].tolist() == [[0, 0]] * 3  # type: ignore[union-attr]


def test_the_input_may_be_given_by_name() -> None:
    assert torchreel.trace(nn.Linear(3, 2), input=torch.ones(3)).shape("sum") == (2,)
    traced = torchreel.trace(nn.Bilinear(2, 3, 1), torch.ones(2), input2=torch.ones(3))
    assert traced.shape("outer") == (2, 3)


def test_many_products_are_made_when_asked_for() -> None:
    trace = check_call(nn.Linear(512, 256), torch.randn(16, 512))
    product = trace.tensors["product"]
    assert isinstance(product, Lazy)
    expected = trace.value("weight", (3, 7)) * trace.value("input", (2, 7))
    assert trace.value("product", (2, 3, 7)) == pytest.approx(expected)


def test_the_handbooks_numbers() -> None:
    trace = registry.find("Linear").operator.trace_example(example("Linear", "handbook"))
    torch.testing.assert_close(trace.output, torch.tensor([-0.7241, 0.0593]), atol=5e-5, rtol=0)
    trace = registry.find("Bilinear").operator.trace_example(example("Bilinear", "handbook"))
    torch.testing.assert_close(trace.output, torch.tensor([-0.3567, -0.6379, -1.3637]), atol=5e-5, rtol=0)


def test_formulas_say_what_is_multiplied_and_added() -> None:
    linear = registry.find("Linear").operator.trace_example(example("Linear", "bias"))
    assert linear.step("sum", (1,)).formula.symbols() == "Σ product"
    assert linear.step("output", (1,)).formula.symbols() == "Σ weight·input"
    drawn = linear.step("output", (1,)).tokens(lambda tensor, value: f"{value:g}")
    assert "".join(token.text for token in drawn) == "-1·1 + 3·2 + 1·3"
    bilinear = registry.find("Bilinear").operator.trace_example(example("Bilinear"))
    steps = {"outer": (0, 0), "product": (0, 0, 0), "sum": (0,), "output": (0,)}
    symbols = [bilinear.step(tensor, cell).formula.symbols() for tensor, cell in steps.items()]
    assert symbols == ["input1·input2", "outer·weight", "Σ product", "Σ outer·weight + bias"]


@pytest.mark.parametrize("operator", ["Linear", "Bilinear"])
@pytest.mark.parametrize("tensor", ["product", "sum", "output"])
def test_a_wrong_number_is_refused(operator: str, tensor: str) -> None:
    trace = registry.find(operator).operator.trace_example(example(operator))
    wrong: Any = trace.tensors[tensor].clone()  # type: ignore[union-attr]
    wrong.view(-1)[-1] += 0.01
    with pytest.raises(torchreel.TraceError, match=rf"{operator}: .*{tensor}\["):
        replace(trace, tensors={**trace.tensors, tensor: wrong})


@pytest.mark.parametrize("operator, overrides, text, message", [
    ("Linear", {"in_features": 5}, None, "shapes cannot be multiplied"),
    ("Linear", {"bias": "no"}, None, "bias='no' should be True or False"),
    ("Linear", {"features": 4}, None, "has no argument 'features'"),
    ("Bilinear", {"in1_features": 0}, None, "in1_features must be > 0"),
    ("Bilinear", {"in2_features": 7}, None, "input2 size does not match weight size: got 2 but expected 7"),
])  # fmt: skip
def test_what_cannot_work_is_said_in_one_line(
    operator: str, overrides: dict[str, object], text: str | None, message: str
) -> None:
    with pytest.raises(torchreel.UserError) as error:
        registry.find(operator).operator.trace_example(example(operator), overrides, text)
    assert message in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("operator, name, text, overrides", [
    ("Linear", "default", "torch.randn(7)", {"out_features": 9}),
    ("Linear", "default", "torch.randn(2, 3, 4)", {"bias": False}),
    ("Linear", "default", "torch.randn(64, 300) * 1e4", {"out_features": 100}),
    ("Linear", "default", "[5]", {"out_features": 1}),
    ("Linear", "batch", "[[nan, inf, 1e9]]", {}),
    ("Linear", "batch", "torch.ones(0, 3)", {}),
    ("Linear", "bias", None, {"out_features": 12}),
    ("Bilinear", "handbook", "torch.randn(5) * 1e5", {}),
    ("Bilinear", "handbook", "[nan, inf, 1, 2, 3]", {"bias": False}),
    ("Bilinear", "handbook", "torch.randn(30)", {"out_features": 12}),
    ("Bilinear", "default", "[5]", {"out_features": 1}),
])  # fmt: skip
def test_any_call_keeps_the_layout_rules(
    operator: str, name: str, text: str | None, overrides: dict[str, object]
) -> None:
    assert faults(operator, name, overrides, text) == []
