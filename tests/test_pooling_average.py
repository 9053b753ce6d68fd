"""Average pooling: the divisor of every window is torch's, for any valid call, and the clip shows it."""

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
from torchreel.assets.examples import example
from torchreel.render.check.check import Reading, faults
from torchreel.render.check.layout import RULES
from torchreel.render.check.stage import watch_scene
from torchreel.scenes.pooling.window.avg_pool import AvgPool1d, AvgPool2d, AvgPool3d
from torchreel.scenes.pooling.window.facts import average_facts
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.stage.telling import Request
from torchreel.scenes.trace.proof import Trace, TraceError
from torchreel.tests.calls import check_call

CLASSES: dict[int, Any] = {1: nn.AvgPool1d, 2: nn.AvgPool2d, 3: nn.AvgPool3d}
SPECIAL = torch.tensor([math.nan, math.inf, -math.inf, 3e38, -3e38, 1e-30, 5.0])


@st.composite
def calls(draw: st.DrawFn, kinds: tuple[torch.dtype, ...]) -> tuple[nn.Module, torch.Tensor]:
    """A valid module and an input: any setting, batched or not, empty, special and overflowing values."""
    dims = draw(st.integers(1, 3))
    kernel = draw(st.lists(st.integers(1, 4), min_size=dims, max_size=dims))
    chosen: dict[str, Any] = {"divisor_override": draw(st.sampled_from([None, None, 3, -2]))}
    module = CLASSES[dims](
        tuple(kernel),
        stride=draw(st.sampled_from([None, 1, 2, 3])),
        padding=tuple(draw(st.integers(0, size // 2)) for size in kernel),
        ceil_mode=draw(st.booleans()),
        count_include_pad=draw(st.booleans()),
        **(chosen if dims > 1 else {}),
    )
    sizes = draw(st.lists(st.integers(4, 7), min_size=dims, max_size=dims))
    shape = (*draw(st.sampled_from([(), (0,), (2,)])), draw(st.integers(1, 2)), *sizes)
    generator = torch.Generator().manual_seed(draw(st.integers(0, 999)))
    dtype = draw(st.sampled_from(kinds if dims < 3 else kinds[:2]))
    if dtype == torch.int64:
        return module, torch.randint(-9, 10, shape, generator=generator)
    if draw(st.booleans()):
        return module, SPECIAL[torch.randint(len(SPECIAL), shape, generator=generator)].to(dtype)
    return module, torch.randn(shape, generator=generator).to(dtype)


FLOATS = (torch.float32, torch.float64, torch.bfloat16, torch.float16)


@settings(max_examples=75, deadline=None)
@given(calls(FLOATS))
def test_any_call_is_traced(call: tuple[nn.Module, torch.Tensor]) -> None:
    made = check_call(*call)
    assert {"sum", "divisor", "output"} <= made.tensors.keys()


@settings(max_examples=25, deadline=None)
@given(calls((torch.int64, torch.int64)))
def test_whole_numbers_are_cut_towards_0_as_torch_does(call: tuple[nn.Module, torch.Tensor]) -> None:
    check_call(*call)


def test_a_long_sum_may_be_as_rough_as_torch_adds_it() -> None:
    check_call(nn.AvgPool2d(150), torch.full((1, 150, 150), 0.1))


def trace(name: str, overrides: dict[str, Any] | None = None, source: str | None = None) -> Trace:
    return AvgPool2d.operator.trace_example(example("AvgPool2d", name), overrides, source)


def divisors(made: Trace, name: str = "divisor") -> list[list[int]]:
    values: list[list[int]] = made.tensors[name].tolist()  # type: ignore[union-attr]
    return values


def test_the_same_corner_is_divided_by_9_or_by_4() -> None:
    made = trace("count_include_pad")
    assert divisors(made, "other_divisor") == [[9, 9], [9, 9]]
    assert divisors(made) == [[4, 4], [4, 4]]
    corner = (0, 0, 0, 0)
    assert (made.value("output", corner), made.value("other", corner)) == (4.5, 2)
    assert made.value("sum", corner) == 18


def test_cells_beyond_the_padding_never_count() -> None:
    assert divisors(trace("ceil_mode")) == [[9, 3], [3, 1]]
    line = AvgPool1d.operator.trace_example(example("AvgPool1d", "ceil_mode"))
    assert divisors(line) == [3, 3, 3, 2]


def test_a_given_divisor_is_used_as_it_is() -> None:
    made = trace("divisor_override")
    assert divisors(made) == [[2, 2], [2, 2]]
    assert made.value("output", (0, 0, 0, 0)) == 10


def test_the_formula_shows_sum_and_divisor() -> None:
    step = trace("default").step("output", (0, 0, 0, 0))
    drawn = "".join(token.text for token in step.tokens(lambda tensor, value: f"{value:g}", 9))
    assert drawn == "(3 + 8 + 7 + 2) / 4"


@pytest.mark.parametrize("name", ["sum", "divisor", "output", "other"])
def test_a_changed_number_is_refused(name: str) -> None:
    made = trace("count_include_pad")
    changed = made.tensors[name].clone()  # type: ignore[union-attr]
    changed.view(-1)[1] += 1
    with pytest.raises(TraceError, match=r"a step gives .* torch gives"):
        dataclasses.replace(made, tensors={**made.tensors, name: changed})


@pytest.mark.parametrize(
    ("overrides", "source", "said"),
    [
        ({"padding": 2}, None, "padding=2 should be at most half of kernel_size=2"),
        ({"kernel_size": 5}, None, "kernel_size=5 does not fit the padded input 4 x 4"),
        ({"divisor_override": 0}, None, "divisor must be not zero"),
        ({}, "[1, 2, 3]", "expected 3D or 4D"),
        ({"count_include_pad": 2}, None, "should be True or False"),
    ],
)
def test_what_cannot_work_is_said_in_one_line(
    overrides: dict[str, Any], source: str | None, said: str
) -> None:
    with pytest.raises(UserError, match=said) as refused:
        trace("default", overrides, source)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("scene", "name", "overrides", "source"),
    [
        (AvgPool2d, "count_include_pad", {"kernel_size": (3, 2)}, "torch.randn(5, 5, 7)"),
        (AvgPool2d, "count_include_pad", {}, "torch.randn(2, 3, 40, 40)"),
        (AvgPool2d, "divisor_override", {"divisor_override": -7}, "torch.randn(1, 1, 5, 5) * 1e6"),
        (AvgPool2d, "default", {"kernel_size": 1}, "[[[float('nan')]]]"),
        (AvgPool2d, "default", {"kernel_size": 150, "ceil_mode": True}, "torch.randn(1, 200, 200)"),
        (AvgPool2d, "default", {}, "torch.zeros(0, 3, 4, 4)"),
        (AvgPool1d, "count_include_pad", {"kernel_size": 4, "padding": 2, "stride": 1}, None),
        (AvgPool1d, "ceil_mode", {}, "torch.randn(1, 2, 100)"),
        (AvgPool3d, "default", {"padding": 1, "count_include_pad": False}, "torch.randn(1, 1, 3, 3, 3)"),
        (AvgPool3d, "default", {"ceil_mode": True}, "torch.randn(1, 7, 5, 5)"),
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


@settings(max_examples=75, deadline=None)
@given(calls(FLOATS))
def test_what_captions_claim_of_divisors_is_so(call: tuple[nn.Module, torch.Tensor]) -> None:
    """Divisors are found again by pooling ones, with and without padding."""
    module, x = call
    made = check_call(module, x)
    facts = average_facts(made)
    ones = torch.ones(1, *x.shape[-made.module.kernel_size.__len__() :])  # type: ignore[union-attr,operator,arg-type]
    pool: Any = type(module)
    plain: Any = {name: getattr(module, name) for name in ("kernel_size", "stride", "padding", "ceil_mode")}
    share = pool(**plain, count_include_pad=True)(ones)
    padded = bool((share < 1).any())
    override = getattr(module, "divisor_override", None)
    assert facts["divisor_override"] == (override is not None)
    assert facts["counts_matter"] == (padded and override is None)
    assert facts["counts_padding"] == module.count_include_pad
    over = [override] if override is not None else made.tensors["divisor"].reshape(-1).tolist()  # type: ignore[union-attr]
    assert facts["divisors_differ"] == (len(set(over)) > 1)
    means = pool(**plain, count_include_pad=module.count_include_pad)(ones)
    assert facts["means_of_input"] == (override is None and bool((means == 1).all()))


@pytest.mark.parametrize(
    ("name", "overrides", "source", "said", "never"),
    [
        ("default", {"kernel_size": 3, "stride": 2, "padding": 1, "count_include_pad": False, "divisor_override": 2},
         "torch.arange(25.).reshape(1, 1, 5, 5)", "Either setting", "mean"),
        ("count_include_pad", {"divisor_override": 2}, None, "no difference", "the divisor is not"),
        ("ceil_mode", {"kernel_size": 8, "stride": 4}, "torch.ones(1, 1, 32, 32)", "nothing to round", "cut by"),
        ("ceil_mode", {"kernel_size": 2}, "torch.ones(1, 1, 4, 4)", "With or without", "rounded up"),
        ("ceil_mode", {"kernel_size": 4, "stride": 4, "padding": 2}, "torch.ones(1, 1, 9, 9)", "3 × 3", "rounded up"),
        ("default", {"stride": 2}, None, "side by side", "overlap"),
    ],
)  # fmt: skip
def test_words_are_true_of_two_settings_together(
    name: str, overrides: dict[str, Any], source: str | None, said: str, never: str
) -> None:
    chosen = example("AvgPool2d", name)
    made = AvgPool2d.operator.trace_example(chosen, overrides, source)
    found = Reading(watch_scene(AvgPool2d, Request(made, chosen, "en")))
    words = " ".join([found.alt["en"], *(section.caption["en"] for section in found.sections)])
    assert said in words
    assert never not in words


@pytest.mark.parametrize("padding", [0, 1])
def test_a_window_that_is_cut_off_keeps_all_laws(padding: int) -> None:
    settings = {"kernel_size": 3, "stride": 2, "padding": padding}
    assert faults("AvgPool2d", "ceil_mode", settings, "torch.arange(36.).reshape(1, 1, 6, 6)") == []
