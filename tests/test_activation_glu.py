"""GLU and the overview: halves and gates of any call, and every function on the same input."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import torchreel
from torchreel.assets.errors import UserError
from torchreel.assets.examples import example, examples
from torchreel.render.check.layout import large_enough, no_overlap, shapes_inside, texts_inside
from torchreel.render.check.stage import watch_scene
from torchreel.scenes import registry
from torchreel.scenes.activation.curve.overview_trace import FAMILIES, MODULES
from torchreel.scenes.stage.telling import Request
from torchreel.tests.calls import check_call

SPECIAL = torch.tensor([math.nan, math.inf, -math.inf, 0.0, 100.0, -200.0, 1e38], dtype=torch.float64)


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_any_glu_is_torchs_own(data: st.DataObject) -> None:
    shape = data.draw(st.lists(st.integers(0, 3), min_size=1, max_size=4))
    dim = data.draw(st.integers(-len(shape), len(shape) - 1))
    shape[dim] *= 2
    x = 3 * torch.randn(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    if data.draw(st.booleans()):
        x = SPECIAL[torch.randint(len(SPECIAL), shape, generator=torch.Generator().manual_seed(2))]
    dtype = data.draw(st.sampled_from([torch.float32, torch.float64, torch.bfloat16, torch.float16]))
    check_call(nn.GLU(dim), x.to(dtype))


def test_the_second_half_is_the_gate_of_the_first() -> None:
    step = torchreel.trace(nn.GLU(), torch.tensor([3.0, 4.0, 0.0, -9.0])).step("output", (0,))
    assert step.formula.symbols() == "a·gate"
    assert step.value == 1.5


def test_an_odd_size_is_refused_in_one_line() -> None:
    with pytest.raises(
        UserError, match=r"^GLU: Halving dimension must be even, but dimension 0 is size 3\.$"
    ):
        torchreel.trace(nn.GLU(), torch.zeros(3))


def test_the_overview_holds_every_element_wise_activation_of_the_family() -> None:
    names = {type(module).__name__ for module in MODULES}
    others = {
        "Activations",
        "GLU",
        "Softmax",
        "Softmin",
        "Softmax2d",
        "LogSoftmax",
        "AdaptiveLogSoftmaxWithLoss",
    }
    own = {name for name, named in examples().items() if next(iter(named.values())).family == "activation"}
    assert names == own - others
    assert len(MODULES) == sum(map(len, FAMILIES.values())) == len(names)


def test_the_overview_is_what_each_module_gives() -> None:
    traced = registry.find("Activations").operator.trace_example(example("Activations"))
    x = traced.inputs["input"]
    for row, module in zip(traced.output, MODULES, strict=True):
        torch.testing.assert_close(row, module(x), rtol=0, atol=0)


@pytest.mark.parametrize("given", ["[nan]", "[inf, 1.0]", "[1e9]"])
def test_the_overview_refuses_what_no_graph_can_show(given: str) -> None:
    with pytest.raises(UserError, match=r"^Activations: the inputs of the figure should be finite"):
        registry.find("Activations").operator.trace_example(example("Activations"), {}, given)


@pytest.mark.parametrize(
    ("kind", "name", "given"),
    [
        ("GLU", "default", "torch.randn(6, 4)"),
        ("GLU", "dim", "torch.randn(2, 64, 3, 3)"),
        ("GLU", "default", "[nan, inf]"),
        ("GLU", "default", "torch.zeros(0, 4)"),
        ("Activations", "overview", "torch.randn(3, 40)"),
        ("Activations", "overview", "[5.0]"),
    ],
)
def test_any_call_is_drawn_within_the_rules(kind: str, name: str, given: str) -> None:
    chosen, scene = example(kind, name), registry.find(kind)
    traced = scene.operator.trace_example(chosen, {}, given)
    show = watch_scene(scene, Request(traced, chosen, "en", "light"))
    assert 8 <= show.scene.time <= 30
    rules = (texts_inside, no_overlap, shapes_inside, large_enough)
    assert [text for stage in show.stages for rule in rules for text in rule(stage)] == []
