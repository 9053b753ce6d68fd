"""The normalization family: every statistic is the one torch uses, for any valid setting and input."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from manim.renderer.cairo_renderer import CairoRenderer
from torch import Tensor, nn

from torchreel.assets.errors import UserError
from torchreel.assets.examples import example
from torchreel.render.check.layout import RULES
from torchreel.render.check.stage import watch
from torchreel.render.renderer import capture
from torchreel.render.settings import View
from torchreel.scenes.normalization.comparison.comparison import Normalization
from torchreel.scenes.normalization.group_norm import GroupNorm
from torchreel.scenes.normalization.groups_trace import group_settings, with_other_groups
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.stage.telling import Request
from torchreel.scenes.trace.formula import Const
from torchreel.scenes.trace.proof import Rule, Trace, TraceError

SCENES: dict[str, type[OperatorScene]] = {"GroupNorm": GroupNorm, "Normalization": Normalization}
LAYERS = ("BatchNorm", "LayerNorm", "InstanceNorm", "GroupNorm")
GROUP_NORM, COMPARISON = GroupNorm.operator, Normalization.operator


@st.composite
def inputs(draw: st.DrawFn, least: int = 1) -> tuple[Tensor, int]:
    """An input `(N, C, *)` with at least two elements a statistic, and a num_groups that divides C."""
    groups = draw(st.integers(1, 4))
    channels = groups * draw(st.integers(1, 3))
    spatial = [draw(st.integers(1, 4)) for _ in range(draw(st.integers(least, 2)))]
    torch.manual_seed(draw(st.integers(0, 9999)))
    size = draw(st.sampled_from((1e-9, 1.0, 1e3, 1e9)))
    x = size * torch.randn(draw(st.integers(1, 3)), channels, *spatial, 2) + draw(
        st.sampled_from((0, 123456.789))
    )
    for value in draw(st.lists(st.sampled_from((float("nan"), float("inf"), 1e16)), max_size=2)):
        x.view(-1)[draw(st.integers(0, x.numel() - 1))] = value
    return x, groups


@settings(max_examples=40, deadline=None)
@given(drawn=inputs(least=0), affine=st.booleans(), seed=st.integers(0, 99))
def test_group_norm_proves_itself(drawn: tuple[Tensor, int], affine: bool, seed: int) -> None:
    x, groups = drawn
    torch.manual_seed(seed)
    module = nn.GroupNorm(groups, x.shape[1], affine=affine)
    for parameter in module.parameters():
        nn.init.normal_(parameter)
    trace = GROUP_NORM.trace(module, {"input": x})
    torch.testing.assert_close(trace.tensors["output"], module(x).detach(), equal_nan=True)


@settings(max_examples=40, deadline=None)
@given(drawn=inputs())
def test_comparison_proves_itself(drawn: tuple[Tensor, int]) -> None:
    x, groups = drawn
    trace = COMPARISON.trace(None, {"input": x}, {}, {"num_groups": groups})
    assert trace.outputs == LAYERS
    assert trace.shape("GroupNorm.mean") == (len(x), groups)


@settings(max_examples=25, deadline=None)
@given(drawn=inputs())
def test_every_number_of_groups_proves_itself(drawn: tuple[Tensor, int]) -> None:
    x, groups = drawn
    module = nn.GroupNorm(groups, x.shape[1])
    trace = with_other_groups(GROUP_NORM.trace(module, {"input": x}))
    for count in group_settings(x.shape[1], groups):
        expected = nn.functional.group_norm(x, count, module.weight.data, module.bias.data)
        torch.testing.assert_close(trace.tensors[f"num_groups={count}"], expected, equal_nan=True)


def test_statistics_are_those_torch_keeps() -> None:
    trace = GROUP_NORM.trace_example(example("GroupNorm", "handbook"))
    x, eps = trace.inputs["input"], 1e-5
    _, mean, rstd = torch.native_group_norm(x, None, None, 2, 4, 4, 2, eps)
    torch.testing.assert_close(trace.tensors["mean"].float(), mean)
    torch.testing.assert_close(1 / trace.tensors["std"].float(), rstd)


def test_handbook_example_has_the_handbooks_values() -> None:
    trace = GROUP_NORM.trace_example(example("GroupNorm", "handbook"))
    assert trace.tensors["mean"].tolist() == [[9.25, 4.5], [10.25, 8.0]]
    assert trace.tensors["var"].tolist() == [[25.9375, 5.25], [35.1875, 21.0]]
    printed = torch.tensor([[-1.6199, -0.6381], [-0.0491, -1.0308]])
    torch.testing.assert_close(trace.tensors["output"][0, 0], printed, atol=5e-5, rtol=0)


def test_default_example_adds_up_in_the_head() -> None:
    trace = GROUP_NORM.trace_example(example("GroupNorm"))
    assert trace.tensors["mean"].tolist() == [[5, 20], [3, 10]]
    assert trace.tensors["var"].tolist() == [[4, 16], [1, 9]]


def test_groups_example_runs_from_layer_norm_to_instance_norm() -> None:
    trace = GROUP_NORM.trace_example(example("GroupNorm", "groups"))
    x = trace.inputs["input"]
    assert trace.tensors["num_groups=1.mean"].tolist() == [[6.875]]
    assert trace.tensors["num_groups=4.mean"].tolist() == [[5, 13.5, 2.5, 6.5]]
    torch.testing.assert_close(trace.tensors["num_groups=1"], nn.LayerNorm(x.shape[1:])(x).detach())
    torch.testing.assert_close(trace.tensors["num_groups=4"], nn.InstanceNorm2d(4)(x))


def test_comparison_statistics_are_plain_means_and_biased_variances() -> None:
    trace = COMPARISON.trace_example(example("Normalization"))
    x = trace.inputs["input"]
    for name, dims in (("BatchNorm", (0, 2, 3)), ("LayerNorm", (1, 2, 3)), ("InstanceNorm", (2, 3))):
        torch.testing.assert_close(trace.tensors[f"{name}.mean"].float(), x.mean(dims))
        torch.testing.assert_close(trace.tensors[f"{name}.var"].float(), x.var(dims, correction=0))
    grouped = x.reshape(len(x), 2, -1)
    torch.testing.assert_close(trace.tensors["GroupNorm.mean"].float(), grouped.mean(-1))
    torch.testing.assert_close(trace.tensors["GroupNorm.var"].float(), grouped.var(-1, correction=0))


@given(channels=st.integers(1, 64), data=st.data())
def test_shown_group_counts_start_at_one_and_end_at_the_channels(channels: int, data: st.DataObject) -> None:
    own = data.draw(st.sampled_from([n for n in range(1, channels + 1) if channels % n == 0]))
    shown = group_settings(channels, own)
    assert shown[0] == 1 and shown[-1] == channels and own in shown and len(shown) <= 4
    assert shown == sorted({n for n in shown if channels % n == 0})


def _trace(operator: str) -> Trace:
    return (GROUP_NORM if operator == "GroupNorm" else COMPARISON).trace_example(example(operator))


@pytest.mark.parametrize("tensor", ["mean", "centered", "var", "std", "normalized", "output"])
def test_wrong_element_is_refused_with_its_place_and_both_values(tensor: str) -> None:
    trace = _trace("GroupNorm")
    wrong = trace.tensors[tensor].clone()
    wrong[(1,) * wrong.ndim] = 77.0
    with pytest.raises(TraceError, match=rf"GroupNorm: .*{tensor}\[1, 1.*torch gives 77"):
        replace(trace, tensors={**trace.tensors, tensor: wrong})


@pytest.mark.parametrize("layer", LAYERS)
def test_comparison_refuses_another_layers_statistics(layer: str) -> None:
    trace = _trace("Normalization")
    wrong = trace.tensors[f"{layer}.mean"] + 0.1
    with pytest.raises(TraceError, match=rf"Normalization: .*{layer}.mean\[0"):
        replace(trace, tensors={**trace.tensors, f"{layer}.mean": wrong})


def test_wrong_rule_is_refused() -> None:
    trace = GROUP_NORM.trace_example(example("GroupNorm", "handbook"))
    rules = tuple(Rule("std", lambda cells: Const(1.0)) if r.tensor == "std" else r for r in trace.rules)
    with pytest.raises(TraceError, match=r"a step gives 1 for std\[0, 0\]; torch gives 5\.09"):
        replace(trace, rules=rules)


@pytest.mark.parametrize(
    "operator, overrides, message",
    [
        (
            "GroupNorm",
            {"num_groups": 3},
            "num_channels=4 is not divisible by num_groups=3. Use num_groups=2 or 4.",
        ),
        ("GroupNorm", {"num_groups": "two"}, "num_groups='two' should be an integer"),
        ("GroupNorm", {"num_channels": 8}, "the input (2, 4, 2, 2) has 4 channels"),
        ("GroupNorm", {"num_group": 2}, "Did you mean 'num_groups'?"),
        ("GroupNorm", {"eps": "small"}, "GroupNorm: eps='small' should be a number."),
        ("Normalization", {"num_groups": 0}, "num_groups should be an integer of at least 1, got 0"),
        ("Normalization", {"groups": 2}, "has no argument 'groups'"),
        ("Normalization", {"eps": "small"}, "eps should be a number"),
    ],
)
def test_mistakes_get_one_line(operator: str, overrides: dict[str, object], message: str) -> None:
    called = GROUP_NORM if operator == "GroupNorm" else COMPARISON
    with pytest.raises(UserError) as error:
        called.trace_example(example(operator), overrides)
    assert message in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    "operator, text, message",
    [
        (
            "GroupNorm",
            "[1, 2, 3]",
            "Expected at least 2 dimensions for input tensor (N, C, *) but received 1",
        ),
        ("GroupNorm", "torch.ones(1, 4)", "Expected more than 1 value per channel"),
        ("Normalization", "torch.ones(2, 4)", "3 to 5 dimensions"),
        ("Normalization", "torch.ones(2, 4, 1)", "Expected more than 1 spatial element"),
    ],
)
def test_inputs_that_cannot_work_get_one_line(operator: str, text: str, message: str) -> None:
    called = GROUP_NORM if operator == "GroupNorm" else COMPARISON
    overrides = {"num_groups": 4} if "1, 4" in text else {}
    with pytest.raises(UserError) as error:
        called.trace_example(example(operator), overrides, text)
    assert message in str(error.value) and "\n" not in str(error.value)


def test_new_input_brings_its_channels() -> None:
    trace = GROUP_NORM.trace_example(example("GroupNorm"), input_text="torch.randn(1, 3, 2, 2)")
    assert trace.kwargs == {"num_groups": 1, "num_channels": 3}


def test_empty_batch_has_no_statistics() -> None:
    trace = GROUP_NORM.trace(nn.GroupNorm(2, 4), {"input": torch.ones(0, 4, 3)})
    assert trace.shape("mean") == (0, 2)


def _play(operator: str, name: str, text: str | None = None, **overrides: object) -> OperatorScene:
    """The scene of an example after it was played."""
    chosen, scene_class = example(operator, name), SCENES[operator]
    trace = scene_class.operator.trace_example(chosen, overrides, text)
    played: list[OperatorScene] = []

    def make(renderer: CairoRenderer) -> OperatorScene:
        played.append(scene_class(Request(trace, chosen, "en"), renderer=renderer))
        return played[0]

    capture(make, View(32, 18, 10), [])
    return played[0]


def _drawn(scene: OperatorScene) -> dict[str, set[tuple[int, ...]]]:
    """Which elements of which tensors stand on the last picture."""
    found: dict[str, set[tuple[int, ...]]] = {}
    for number in scene.sections[-1].numbers:
        found.setdefault(number.tensor, set()).add(number.index)
    return found


def _all_elements(scene: OperatorScene, tensor: str) -> set[tuple[int, ...]]:
    return set(itertools.product(*map(range, scene.trace.shape(tensor))))


def test_last_picture_has_every_group_in_every_step() -> None:
    scene = _play("GroupNorm", "default")
    drawn = _drawn(scene)
    for tensor in ("input", "mean", "var", "std", "normalized", "output"):
        assert drawn[tensor] >= _all_elements(scene, tensor)


def test_groups_picture_has_the_results_of_every_setting() -> None:
    scene = _play("GroupNorm", "groups")
    drawn = _drawn(scene)
    for groups in (1, 2, 4):
        for tensor in (f"num_groups={groups}", f"num_groups={groups}.mean", f"num_groups={groups}.var"):
            assert drawn[tensor] >= _all_elements(scene, tensor)


def test_comparison_picture_has_mean_and_variance_of_all_layers() -> None:
    drawn = _drawn(_play("Normalization", "comparison"))
    assert {f"{layer}.{name}" for layer in LAYERS for name in ("mean", "var")} <= drawn.keys()


@pytest.mark.parametrize(
    "operator, name", [("GroupNorm", "default"), ("GroupNorm", "groups"), ("Normalization", "comparison")]
)
def test_clip_lasts_eight_to_thirty_seconds_and_tells_the_truth(operator: str, name: str) -> None:
    scene = _play(operator, name)
    assert 8 <= scene.sections[-1].end <= 30.05
    for section in scene.sections:
        for number in section.numbers:
            assert number.value == scene.trace.value(number.tensor, number.index)


@pytest.mark.parametrize(
    "operator, name, text, overrides",
    [
        ("GroupNorm", "default", "torch.randn(1, 16, 12, 12)", {}),
        ("GroupNorm", "default", "torch.zeros(0, 4, 2)", {}),
        ("GroupNorm", "default", "torch.ones(2, 4)", {}),
        ("GroupNorm", "default", "[[[nan, 2], [inf, 123456.789]], [[1e-9, 2], [3, 4]]]", {}),
        ("GroupNorm", "default", None, {"affine": False, "num_groups": 4}),
        ("GroupNorm", "groups", "torch.randn(2, 12, 5)", {}),
        ("GroupNorm", "groups", "torch.randn(1, 1, 2)", {}),
        ("GroupNorm", "groups", "torch.zeros(0, 4, 2)", {}),
        ("Normalization", "comparison", "torch.randn(5, 16, 3, 3)", {"num_groups": 8}),
        ("Normalization", "comparison", "[[[nan, 2], [inf, 123456.789]], [[1e-9, 2], [3, 4]]]", {}),
        ("Normalization", "comparison", "torch.randn(1, 1, 2, 2, 2)", {}),
    ],
)
def test_any_valid_input_keeps_the_layout_rules(
    operator: str, name: str, text: str | None, overrides: dict[str, object]
) -> None:
    chosen = example(operator, name)
    trace = SCENES[operator].operator.trace_example(chosen, overrides, text)
    stages = watch(chosen, trace, "en", "light").stages
    assert stages
    answers: dict[Any, list[str]] = {}
    assert [message for rule in RULES.values() for stage in stages for message in rule(stage, answers)] == []
