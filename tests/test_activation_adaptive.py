"""AdaptiveLogSoftmaxWithLoss: any call is proved, each target goes its own way, needed clusters alone are computed."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import torchreel
from torchreel.assets.errors import UserError
from torchreel.assets.examples import example
from torchreel.render.check.layout import large_enough, no_overlap, shapes_inside, texts_inside
from torchreel.render.check.stage import proved, watch, watch_scene
from torchreel.scenes import registry
from torchreel.scenes.stage.telling import Request
from torchreel.scenes.trace.proof import Trace, TraceError
from torchreel.tests.calls import check_call

NAME = "AdaptiveLogSoftmaxWithLoss"


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_any_call_is_torchs_own(data: st.DataObject) -> None:
    torch.manual_seed(data.draw(st.integers(0, 99)))
    classes = data.draw(st.integers(2, 12))
    cutoffs = data.draw(st.sets(st.integers(1, classes - 1), min_size=1, max_size=3).map(sorted))
    features = data.draw(st.integers(4, 12))
    module = nn.AdaptiveLogSoftmaxWithLoss(
        features, classes, cutoffs, data.draw(st.sampled_from([1.0, 1.5])), data.draw(st.booleans())
    )
    dtype = data.draw(st.sampled_from([torch.float32, torch.float64, torch.bfloat16]))
    count = data.draw(st.sampled_from([None, 1, 4]))
    lead = () if count is None else (count,)
    x, target = 3 * torch.randn(*lead, features), torch.randint(classes, lead)
    if data.draw(st.booleans()):
        x.view(-1)[0] = data.draw(st.sampled_from([math.nan, math.inf, -math.inf, 1e4]))
    check_call(module.to(dtype), x.to(dtype), target)


def default() -> Trace:
    return registry.find(NAME).operator.trace_example(example(NAME))


def test_a_frequent_target_takes_one_step_and_a_rare_one_two() -> None:
    traced = default()
    symbols = [traced.step("output", (number,)).formula.symbols() for number in range(3)]
    assert symbols == ["head_logprob", "head_logprob + tail1_logprob", "head_logprob + tail0_logprob"]


def test_only_the_clusters_that_are_needed_are_computed() -> None:
    traced = default()
    assert traced.shape("tail0_logprob") == (1, 2)
    assert traced.shape("tail1_logprob") == (1, 4)
    assert [traced.tensors[f"tail{number}_rows"].tolist() for number in (0, 1)] == [[2], [1]]  # type: ignore[union-attr]


def test_the_probabilities_of_all_classes_add_up_to_one() -> None:
    torch.manual_seed(0)
    module, x = nn.AdaptiveLogSoftmaxWithLoss(4, 6, [2, 4], 2.0), torch.randn(4).repeat(6, 1)
    traced = torchreel.trace(module, x, torch.arange(6))
    assert float(traced.output.output.exp().sum()) == pytest.approx(1, abs=1e-6)
    assert float(traced.output.loss) == pytest.approx(-float(traced.output.output.mean()), abs=1e-6)


def test_a_changed_output_is_refused() -> None:
    traced = default()
    with pytest.raises(TraceError, match=r"output\[0\]; torch gives 0"):
        dataclasses.replace(traced, tensors={**traced.tensors, "output": torch.zeros(3)})


def test_a_target_that_is_no_class_is_refused_in_one_line() -> None:
    module = nn.AdaptiveLogSoftmaxWithLoss(4, 6, [2])
    with pytest.raises(UserError, match=r"^AdaptiveLogSoftmaxWithLoss: Target values should be in \[0, 5\]"):
        torchreel.trace(module, torch.zeros(1, 4), torch.tensor([6]))


@pytest.mark.parametrize(
    "settings",
    [
        {"n_classes": 200, "cutoffs": [3, 60, 120]},
        {"n_classes": 200, "cutoffs": [120, 130]},
        {"n_classes": 9, "cutoffs": [2, 3, 4, 5]},
        {"n_classes": 8, "cutoffs": [7], "head_bias": True},
    ],
)
def test_any_call_is_drawn_within_the_rules(settings: dict[str, object]) -> None:
    chosen, scene = example(NAME), registry.find(NAME)
    traced = scene.operator.trace_example(chosen, settings)
    show = watch_scene(scene, Request(traced, chosen, "en", "light"))
    assert 8 <= round(show.scene.time, 3) <= 30
    rules = (texts_inside, no_overlap, shapes_inside, large_enough)
    assert [text for stage in show.stages for rule in rules for text in rule(stage)] == []


def test_arguments_may_be_given_by_name() -> None:
    torch.manual_seed(1)
    module = nn.AdaptiveLogSoftmaxWithLoss(4, 6, [2], 2.0)
    traced = check_call(module, torch.randn(2, 4), target_=torch.tensor([1, 5]))
    assert traced.shape("output") == (2,)
    assert check_call(nn.Softmax(dim=0), input=torch.randn(3)).shape("output") == (3,)
    assert check_call(nn.ReLU(), input=torch.randn(3)).shape("output") == (3,)


def test_the_law_says_when_and_formulas_read_what_stands_on_the_stage() -> None:
    name = "AdaptiveLogSoftmaxWithLoss"
    scene = watch(example(name), proved(name, "default"), "en", "light").scene
    assert {said.text for said in scene.said if said.kind == "law"} == {"y = h  (t < 2),   h + c  (t ≥ 2)"}
    formulas = [said.text for said in scene.said if said.kind == "numbers"]
    assert formulas[0] == "h_{0,1} = −0.44" and "y_{2} = −1.96 + (−0.31) = −2.27" in formulas
