"""Changes of shape are proved for any call, and drawn whole or with what is left out named."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import torchreel
from torchreel.assets.examples import example
from torchreel.render.check.check import faults
from torchreel.scenes.catalogue import operator
from torchreel.scenes.shape.layout import DrawnPart
from torchreel.tests.calls import check_call
from torchreel.tests.strategies import calls


@settings(max_examples=25)
@given(st.sampled_from(["Flatten", "Unflatten"]), st.data())
def test_facts_are_those_of_the_shapes(name: str, data: st.DataObject) -> None:
    """Counted another way: by what changes between the two shapes."""
    module, inputs, _ = data.draw(calls(name))
    trace = check_call(module, *inputs)
    facts = operator(name).facts(trace)
    apart, flat = trace.shape("input"), trace.shape("output")
    if name == "Unflatten":
        apart, flat = flat, apart
    merged = len(apart) - len(flat) + 1
    assert facts["changes"] == (merged > 1)
    first = (module.start_dim if name == "Flatten" else module.dim) % len(trace.shape("input"))
    assert facts["batched"] == (math.prod(flat[:first]) > 1)
    assert facts["behind"] == (len(flat) > first + 1)
    assert facts["planes"] == (math.prod(apart[first : first + max(0, merged - 2)]) > 1)
    assert facts["deep"] == (first >= 2)


@given(st.lists(st.integers(1, 4), min_size=1, max_size=5), st.data())
def test_drawn_elements_are_the_same_in_both_tensors(shape: list[int], data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(shape) - 1))
    last = data.draw(st.integers(first, len(shape) - 1))
    x = torch.arange(math.prod(shape)).reshape(shape)
    part, flat = DrawnPart.of(shape, first, last), x.flatten(first, last)
    drawn = [(*line, col) for line in part.lines() for col in range(part.cols)]
    assert [int(x[part.apart(*one)]) for one in drawn] == [int(flat[part.flat(*one)]) for one in drawn]
    assert part.is_whole == (math.prod(part.sizes) == math.prod(shape[first : last + 1]))
    assert math.prod(part.sizes) <= 16


def test_identity_is_the_input_itself_whatever_it_was_made_with() -> None:
    x = torch.randn(2, 3)
    assert nn.Identity(54, unused=True)(x) is x
    trace = check_call(nn.Identity(54, unused=True), x)
    assert all([*step.reads] == [("input", step.index)] for step in trace.steps("output"))


@pytest.mark.parametrize(
    ("name", "changes", "given", "said"),
    [
        ("Flatten", {"start_dim": 4}, None, "Dimension out of range"),
        ("Flatten", {"start_dim": 2, "end_dim": 1}, None, "start_dim cannot come after end_dim"),
        ("Unflatten", {"unflattened_size": (5, 2)}, None, "don't multiply up to the size of dim 1"),
        ("Unflatten", {"dim": 2}, None, "Dimension out of range"),
    ],
)
def test_what_cannot_work_is_refused_in_torchs_words(
    name: str, changes: dict[str, Any], given: str | None, said: str
) -> None:
    with pytest.raises(torchreel.UserError, match=rf"^{name}: .*{said}"):
        operator(name).trace_example(example(name), changes, given)


@pytest.mark.parametrize(
    ("name", "changes", "given"),
    [
        ("Flatten", {"start_dim": 0}, "torch.tensor(3.)"),
        ("Flatten", {"start_dim": 0}, "torch.arange(5.)"),
        ("Flatten", {}, "torch.randn(8, 3, 224, 224)"),
        ("Flatten", {"start_dim": 1, "end_dim": 2}, "torch.arange(48.).reshape(2, 3, 4, 2)"),
        ("Flatten", {"start_dim": -1}, "torch.arange(24.).reshape(2, 2, 3, 2)"),
        ("Flatten", {}, "torch.randn(2, 1, 2, 1, 2, 2, 2)"),
        ("Flatten", {}, "torch.zeros(0, 2, 2)"),
        ("Unflatten", {"unflattened_size": (8,)}, None),
        ("Unflatten", {"unflattened_size": (2, -1)}, None),
        ("Unflatten", {"dim": 0, "unflattened_size": (1, 1)}, None),
        ("Unflatten", {"unflattened_size": (512, 7, 7)}, "torch.randn(4, 25088)"),
        ("Unflatten", {"dim": -3, "unflattened_size": (2, 3)}, "torch.randn(2, 6, 2, 2)"),
        ("Identity", {}, "torch.randn(3, 8, 20, 30)"),
        ("Identity", {}, "torch.tensor(2.5)"),
        ("Identity", {}, "torch.arange(40.)"),
        ("Identity", {}, "torch.zeros(0, 3)"),
    ],
)
def test_any_call_keeps_the_layout(name: str, changes: dict[str, Any], given: str | None) -> None:
    assert faults(name, changes=changes, text=given) == []
