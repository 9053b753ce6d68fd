"""Power-average pooling: powers, sum and root as torch computes them, for any valid call; nothing is divided."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from torchreel.assets.errors import UserError
from torchreel.assets.examples import example, examples
from torchreel.render.check.check import Reading
from torchreel.render.check.layout import RULES
from torchreel.render.check.stage import watch_scene
from torchreel.scenes.pooling.window.facts import power_facts
from torchreel.scenes.pooling.window.lp_pool import LPPool1d, LPPool2d, LPPool3d
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.stage.telling import Request
from torchreel.scenes.trace.proof import Trace, TraceError
from torchreel.tests.calls import check_call

CLASSES: dict[int, Any] = {1: nn.LPPool1d, 2: nn.LPPool2d, 3: nn.LPPool3d}
SPECIAL = torch.tensor([math.nan, math.inf, -math.inf, 3e38, -3e38, 1e-30, 0.0, -2.0])
EXPONENTS = [1, 2, 2.0, 3, 2.5, 0.5, 12, -1, -2, math.inf, -math.inf]


@st.composite
def calls(draw: st.DrawFn) -> tuple[nn.Module, torch.Tensor]:
    """A valid module and an input: any exponent, batched or not, empty, special and overflowing values."""
    dims = draw(st.integers(1, 3))
    module = CLASSES[dims](
        draw(st.sampled_from(EXPONENTS)),
        draw(st.integers(1, 3)),
        stride=draw(st.sampled_from([None, 1, 2, 3])),
        ceil_mode=draw(st.booleans()),
    )
    sizes = draw(st.lists(st.integers(4, 7), min_size=dims, max_size=dims))
    shape = (*draw(st.sampled_from([(), (0,), (2,)])), draw(st.integers(1, 2)), *sizes)
    generator = torch.Generator().manual_seed(draw(st.integers(0, 999)))
    kinds = [torch.float32, torch.float64, torch.bfloat16, torch.float16]
    dtype = draw(st.sampled_from(kinds if dims < 3 else kinds[:2]))
    if draw(st.booleans()):
        return module, SPECIAL[torch.randint(len(SPECIAL), shape, generator=generator)].to(dtype)
    return module, torch.randn(shape, generator=generator).to(dtype)


@settings(max_examples=75, deadline=None)
@given(calls())
def test_any_call_is_traced(call: tuple[nn.Module, torch.Tensor]) -> None:
    check_call(*call)


@pytest.mark.parametrize("dims", CLASSES)
def test_whole_numbers_are_traced(dims: int) -> None:
    made = check_call(CLASSES[dims](3, 2), torch.arange(5**dims).reshape(1, *[5] * dims))
    assert made.output.dtype == torch.float32


def trace(name: str, overrides: dict[str, Any] | None = None, source: str | None = None) -> Trace:
    return LPPool2d.operator.trace_example(example("LPPool2d", name), overrides, source)


def test_with_p_1_the_output_is_the_sum_and_not_the_average() -> None:
    made = trace("p1")
    torch.testing.assert_close(made.output, 4 * made.tensors["average"])
    assert made.value("output", (0, 0, 0, 0)) == 10


def test_two_legs_give_the_hypotenuse() -> None:
    assert trace("p2").output[0, 0, :2].tolist() == [[5, 10], [13, 17]]


def test_a_large_p_comes_close_to_the_largest_size() -> None:
    made = trace("large_p")
    torch.testing.assert_close(made.output, made.tensors["largest"], rtol=0.03, atol=0)
    assert bool((made.output >= made.tensors["largest"]).all())


def test_the_sum_is_not_divided() -> None:
    step = trace("default").step("total", (0, 0, 0, 0))
    drawn = "".join(token.text for token in step.tokens(lambda tensor, value: f"{value:g}", 9))
    assert (drawn, step.value) == ("1² + 3² + 5² + 1²", 36)


def test_torch_scales_a_window_that_ceil_mode_cuts_off() -> None:
    made = check_call(nn.LPPool1d(1, 2, ceil_mode=True), torch.tensor([[1.0, 2.0, 5.0]]))
    step = made.step("total", (0, 1))
    drawn = "".join(token.text for token in step.tokens(lambda tensor, value: f"{value:g}"))
    assert (drawn, step.value) == ("(5)·2 / 1", 10)


def test_a_power_that_does_not_fit_the_type_is_infinite() -> None:
    made = check_call(nn.LPPool1d(20, 2), torch.tensor([[1000.0, 2.0]]))
    assert made.value("output", (0, 0)) == math.inf


@pytest.mark.parametrize("name", ["power", "total", "output", "average"])
def test_a_changed_number_is_refused(name: str) -> None:
    made = trace("p1")
    changed = made.tensors[name].clone()  # type: ignore[union-attr]
    changed.view(-1)[1] += 1
    with pytest.raises(TraceError, match=r"a step gives .* torch gives"):
        dataclasses.replace(made, tensors={**made.tensors, name: changed})


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ({"norm_type": 0}, "norm_type=0 should be a number other than 0"),
        ({"norm_type": "two"}, "norm_type='two' should be a number"),
        ({"kernel_size": 5}, "kernel_size=5 does not fit the padded input 4 x 4"),
        ({"padding": 1}, "no argument 'padding'"),
    ],
)
def test_what_cannot_work_is_said_in_one_line(overrides: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said) as refused:
        trace("default", overrides)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("scene", "name", "overrides", "source"),
    [
        (LPPool2d, "default", {"norm_type": math.inf}, None),
        (LPPool2d, "default", {"norm_type": -math.inf, "stride": 1}, "torch.randn(1, 5, 5)"),
        (LPPool2d, "default", {"norm_type": 3}, "torch.randn(2, 5, 7)"),
        (LPPool2d, "default", {"norm_type": -2.5, "ceil_mode": True}, "torch.randn(1, 1, 5, 5) * 1e4"),
        (LPPool2d, "p1", {}, "torch.randn(2, 3, 40, 40)"),
        (LPPool2d, "large_p", {"kernel_size": 24}, "torch.randn(1, 90, 90)"),
        (LPPool2d, "default", {"kernel_size": 1}, "[[[float('nan')]]]"),
        (LPPool1d, "default", {"norm_type": 1}, None),
        (LPPool1d, "default", {"norm_type": 12}, "torch.randn(1, 2, 60)"),
        (LPPool3d, "default", {"norm_type": 8, "ceil_mode": True}, "torch.randn(1, 3, 3, 3)"),
        (LPPool3d, "default", {}, "torch.zeros(0, 1, 4, 4, 4)"),
    ],
)
def test_any_call_keeps_the_layout(
    scene: type[OperatorScene], name: str, overrides: dict[str, Any], source: str | None
) -> None:
    chosen = example(scene.operator.name, name)
    made = scene.operator.trace_example(chosen, overrides, source)
    found = Reading(watch_scene(scene, Request(made, chosen, "en")))
    assert not [message for rule in RULES for message in found.broken[rule]]
    assert 8 <= found.duration <= 30


def words(scene: type[OperatorScene], overrides: dict[str, Any], source: str | None) -> str:
    """All captions of a clip."""
    chosen = example(scene.operator.name)
    made = scene.operator.trace_example(chosen, overrides, source)
    found = Reading(watch_scene(scene, Request(made, chosen, "en")))
    return " ".join(section.caption["en"] for section in found.sections)


def test_a_window_that_is_scaled_up_is_said_to_be() -> None:
    said = words(LPPool1d, {"kernel_size": 3, "ceil_mode": True}, "[[[1, 2, 3, 4]]]")
    assert "scaled up to 3 cells" in said
    assert "nothing is divided" not in said
    assert "hypotenuse" not in said


def test_two_legs_are_spoken_of_where_windows_hold_two_values() -> None:
    assert "hypotenuse" in words(LPPool1d, {}, None)
    assert "hypotenuse" not in words(LPPool1d, {"kernel_size": 4}, None)


def test_the_bar_has_the_root_of_all_powers() -> None:
    chosen = example("LPPool2d")
    scene = watch_scene(LPPool2d, Request(trace("default"), chosen, "en")).scene
    assert scene.said[-1].text == "y_{1,0} = √(7² + 4² + 4² + 0²) = 9"


@pytest.mark.parametrize("name", list(examples()["LPPool2d"]))
def test_the_largest_is_spoken_of_where_it_is_drawn(name: str) -> None:
    chosen = example("LPPool2d", name)
    made = LPPool2d.operator.trace_example(chosen)
    found = Reading(watch_scene(LPPool2d, Request(made, chosen, "en")))
    drawn = any(one.tensor == "largest" for section in found.sections for one in section.numbers)
    assert drawn == power_facts(made)["compared"] == ("below it the largest" in found.alt["en"])
