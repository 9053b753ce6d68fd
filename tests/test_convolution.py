"""Convolution traces prove themselves for any valid call, refuse a wrong value, and say what does not fit."""

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
from torchreel.render.check.layout import RULES
from torchreel.render.check.stage import watch
from torchreel.scenes.convolution.conv import Conv1d, Conv2d, Conv3d
from torchreel.scenes.convolution.trace import Names, _Convolution, record_convolution
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.trace.formula import cells
from torchreel.scenes.trace.operator import Operator
from torchreel.scenes.trace.proof import Trace, TraceError
from torchreel.tests.calls import check_call

SCENES: dict[str, type[OperatorScene]] = {"Conv1d": Conv1d, "Conv2d": Conv2d, "Conv3d": Conv3d}
CLASSES = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}


@st.composite
def calls(draw: st.DrawFn) -> tuple[nn.Module, torch.Tensor]:
    """A valid module with an input that fits it, in one to three dimensions."""
    dims, groups = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    channels, outs = groups * draw(st.integers(1, 2)), groups * draw(st.integers(1, 2))
    padding = draw(st.sampled_from([0, 1, 2, "same", "valid"]))
    module = CLASSES[dims](
        channels,
        outs,
        tuple(draw(st.lists(st.integers(1, 3), min_size=dims, max_size=dims))),
        stride=1 if padding == "same" else draw(st.integers(1, 3)),
        padding=padding,
        dilation=draw(st.integers(1, 2)),
        groups=groups,
        bias=draw(st.booleans()),
        padding_mode=draw(st.sampled_from(["zeros", "reflect", "replicate", "circular"])),
    )
    sizes = draw(st.lists(st.integers(5, 6), min_size=dims, max_size=dims))
    batch = draw(st.sampled_from([(), (1,), (2,)]))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 999)))
    for parameter in module.parameters():
        nn.init.uniform_(parameter, -1, 1, generator=generator)
    dtype = draw(st.sampled_from([torch.float32, torch.float64, torch.bfloat16]))
    return module.to(dtype), torch.randn(*batch, channels, *sizes, generator=generator).to(dtype)


def trace(module: nn.Module, x: torch.Tensor) -> Trace:
    return Operator(type(module), record_convolution).trace(module, {"input": x})


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@settings(max_examples=50, deadline=None)
@given(calls())
def test_every_output_of_any_valid_call_is_torchs_own(call: tuple[nn.Module, torch.Tensor]) -> None:
    proved = check_call(*call)
    steps = list(proved.steps("output"))
    assert len({step.index for step in steps}) == len(steps) == proved.tensors["output"].numel()


@settings(max_examples=20, deadline=None)
@given(calls(), st.data())
def test_a_changed_value_is_refused(call: tuple[nn.Module, torch.Tensor], data: st.DataObject) -> None:
    proved = trace(*call)
    output = proved.tensors["output"].clone()
    flat = data.draw(st.integers(0, output.numel() - 1))
    output.view(-1)[flat] += 1
    cell = list(torch.unravel_index(torch.tensor(flat), output.shape))
    with pytest.raises(TraceError) as refused:
        dataclasses.replace(proved, tensors={**proved.tensors, "output": output})
    assert f"output{[int(i) for i in cell]}" in str(refused.value)
    assert "torch gives" in str(refused.value)


def test_a_missing_step_is_refused() -> None:
    proved = trace(nn.Conv1d(1, 1, 2), torch.randn(1, 1, 4))
    short = dataclasses.replace(proved.rule("output"), over=(1, 1, 2))
    with pytest.raises(TraceError, match=r"2 of 3 elements of output; \[0, 0, 2\] is missing"):
        dataclasses.replace(proved, rules=(short,))


def test_nan_and_infinity_are_equal_to_themselves() -> None:
    x = torch.tensor([[[1.0, float("nan"), float("inf"), 2.0, 3.0]]])
    proved = trace(nn.Conv1d(1, 1, 2), x)
    assert proved.tensors["output"].isnan().any()


@pytest.mark.parametrize("special", [math.nan, math.inf, -math.inf])
def test_special_values_stay_in_the_windows_that_read_them(special: float) -> None:
    x = torch.ones(1, 2, 4, 4)
    x[0, 1, 3, 3] = special
    check_call(nn.Conv2d(2, 3, 2, padding=1), x)


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_an_empty_batch_is_proved(dims: int) -> None:
    check_call(CLASSES[dims](2, 1, 2, padding=1, padding_mode="circular"), torch.zeros(0, 2, *[3] * dims))


def test_what_cancels_within_a_channel_is_as_exact_as_its_products() -> None:
    module = nn.Conv1d(2, 1, 3, bias=False)
    with torch.no_grad():
        module.weight.copy_(torch.tensor([[[0.1, -0.3, 0.2], [0.7, -0.9, 0.2]]]))
    check_call(module, torch.full((1, 2, 8), 1e6))


def test_a_large_call_is_proved_without_its_channel_sums() -> None:
    proved = check_call(nn.Conv2d(3, 16, 3), torch.randn(3, 96, 96))
    assert "partial" not in proved.tensors


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_shared_factors_give_what_the_drawn_formula_gives(groups: int) -> None:
    """The proof reads each window once for all kernels; the tree of products is what is drawn."""
    proved = trace(nn.Conv2d(4, 8, 3, padding=1, groups=groups, bias=False), torch.randn(2, 4, 9, 9))
    everywhere = cells((2, 8, 9, 9), 0, 2 * 8 * 81)
    dot = _Convolution(proved.module, proved.inputs["input"], proved.output, Names())
    dot.recording()
    together = dot._direct(everywhere).bounded(proved.tensors)
    one_by_one = dot._products(everywhere).bounded(proved.tensors)
    torch.testing.assert_close(together.value, one_by_one.value)
    torch.testing.assert_close(together.size, one_by_one.size)


def test_a_changed_value_of_a_large_call_is_refused() -> None:
    proved = trace(nn.Conv2d(3, 16, 3), torch.randn(3, 96, 96))
    output = proved.tensors["output"].clone()
    output[9, 50, 50] += 0.01
    with pytest.raises(TraceError, match=r"output\[9, 50, 50\]"):
        dataclasses.replace(proved, tensors={**proved.tensors, "output": output})


def test_products_are_input_times_weight() -> None:
    module, x = nn.Conv2d(2, 3, 2, stride=2, padding=1), torch.randn(1, 2, 3, 3)
    proved = trace(module, x)
    padded = torch.nn.functional.pad(x, (1, 1, 1, 1))
    n, o, c, i, j, u, v = 0, 2, 1, 1, 0, 1, 1
    expected = padded[n, c, 2 * i + u, 2 * j + v] * module.weight[o, c, u, v]
    assert proved.value("product", (n, o, c, i, j, u, v)) == pytest.approx(expected.item(), rel=1e-6)


def test_the_handbooks_page_is_reproduced() -> None:
    """The first sample of the handbook's Conv1d call, whose output stands on its page."""
    output = Conv1d.operator.trace_example(example("Conv1d")).tensors["output"]
    expected = torch.tensor([[-0.1682, 0.7688, -0.9502]])
    torch.testing.assert_close(output[0, :1], expected, atol=5e-5, rtol=0)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            {"kernel_size": 9},
            "Conv2d: kernel_size=9 does not fit the padded input 5 x 5 (padding=0), so there is no output. "
            "Use kernel_size <= 5 or padding >= 2.",
        ),
        ({"kernelsize": 2}, "Conv2d has no argument 'kernelsize'. Did you mean 'kernel_size'?"),
        ({"kernel_size": "big"}, "Conv2d: kernel_size"),
        ({"groups": 3}, "in_channels must be divisible by groups"),
        ({"in_channels": 5}, "5"),
        ({"stride": 0}, "stride"),
        ({"dilation": 0}, "dilation"),
        ({"padding": -1}, "padding"),
    ],
)
def test_a_setting_that_cannot_work_is_one_line(overrides: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError) as refused:
        Conv2d.operator.trace_example(example("Conv2d"), overrides)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_new_input_brings_its_channels() -> None:
    proved = Conv2d.operator.trace_example(
        example("Conv2d"), {"kernel_size": 2}, "torch.randn(1, 1, 6, 6)", seed=7
    )
    assert proved.kwargs["in_channels"] == 1
    assert proved.shape("output") == (1, 2, 5, 5)


@pytest.mark.parametrize(
    ("operator", "text", "overrides"),
    [
        ("Conv2d", None, {"kernel_size": 1}),
        ("Conv2d", None, {"kernel_size": 5}),
        ("Conv2d", "torch.randn(1, 64, 8, 8)", {"out_channels": 64}),
        ("Conv2d", "torch.randn(1, 1, 32, 32)", {}),
        ("Conv2d", "torch.randn(2, 5, 5)", {"stride": 2, "padding": 3}),
        ("Conv2d", "[[[[123456.789, 1e-9, nan, inf], [1, 2, 3, 4], [-1e6, 0, 0, 1], [1, 2, 3, 4]]]]", {}),
        ("Conv2d", "torch.randn(1, 2, 4, 5)", {"kernel_size": (1, 3), "dilation": (1, 2), "padding": (0, 2)}),
        ("Conv2d", "torch.randn(1, 2, 6, 6)", {"padding": 2, "padding_mode": "reflect", "bias": True}),
        ("Conv1d", "torch.randn(1, 16, 40)", {"kernel_size": 5}),
        ("Conv1d", "torch.randn(3, 2, 1)", {"kernel_size": 1, "padding": "same"}),
        ("Conv1d", "torch.randn(4, 9)", {"groups": 2, "out_channels": 4}),
        ("Conv1d", "torch.randn(0, 2, 9)", {}),
        ("Conv3d", "torch.randn(1, 8, 6, 10, 10)", {"kernel_size": 3, "out_channels": 6}),
        ("Conv3d", "torch.randn(2, 4, 5, 3)", {"padding": (1, 2, 0), "dilation": (2, 1, 1)}),
        ("Conv3d", "torch.randn(1, 1, 9, 40, 40)", {"kernel_size": 5, "stride": 2, "bias": True}),
        ("Conv3d", "[[[[nan, 1e6], [inf, 2]]]]", {"kernel_size": 1}),
        ("Conv3d", "torch.randn(1, 1, 2, 2, 2)", {"padding": "same", "padding_mode": "replicate"}),
    ],
)
def test_any_valid_setting_keeps_the_layout_rules(
    operator: str, text: str | None, overrides: dict[str, Any]
) -> None:
    chosen = example(operator)
    proved = SCENES[operator].operator.trace_example(chosen, overrides, text)
    show = watch(chosen, proved, "en", "dark")
    answers: dict[Any, list[str]] = {}
    assert show.stages
    assert [
        message for rule in RULES.values() for stage in show.stages for message in rule(stage, answers)
    ] == []
