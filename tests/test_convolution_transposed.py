"""Transposed convolutions are proved for any valid call, as stamps and as a convolution; clips keep the layout."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from torchreel.assets.errors import UserError
from torchreel.assets.examples import example
from torchreel.render.check.layout import RULES
from torchreel.render.check.stage import watch, watch_scene
from torchreel.scenes.api import called
from torchreel.scenes.convolution.transposed.conv_transpose import (
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
)
from torchreel.scenes.convolution.transposed.facts import transposed_facts
from torchreel.scenes.stage.telling import Request
from torchreel.scenes.trace.proof import Trace, TraceError
from torchreel.tests.calls import check_call

SCENES = {
    "ConvTranspose1d": ConvTranspose1d,
    "ConvTranspose2d": ConvTranspose2d,
    "ConvTranspose3d": ConvTranspose3d,
}
CLASSES = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
SPECIAL = torch.tensor([math.nan, math.inf, -math.inf, 0.0])


@st.composite
def calls(draw: st.DrawFn, dims: int) -> tuple[nn.Module, torch.Tensor]:
    """A valid module with an input that fits it; some inputs are empty batches or hold NaN and infinity."""

    def each(low: int, high: int) -> list[int]:
        return draw(st.lists(st.integers(low, high), min_size=dims, max_size=dims))

    groups, stride, dilation = draw(st.integers(1, 2)), each(1, 3), each(1, 3)
    kernel, sizes = each(1, 3), each(1, 3)
    padding = [
        draw(st.integers(0, min(2, ((n - 1) * s + d * (k - 1)) // 2)))
        for n, s, d, k in zip(sizes, stride, dilation, kernel, strict=True)
    ]
    growth = [draw(st.integers(0, max(s, d) - 1)) for s, d in zip(stride, dilation, strict=True)]
    channels, outs = groups * draw(st.integers(1, 2)), groups * draw(st.integers(1, 2))
    dtype = draw(st.sampled_from([torch.float32, torch.float64, torch.bfloat16]))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 999)))
    module = CLASSES[dims](
        channels, outs, kernel, stride, padding, growth, groups, draw(st.booleans()), dilation, dtype=dtype
    )
    for parameter in module.parameters():
        nn.init.uniform_(parameter, generator=generator)
    x = torch.randn(*draw(st.sampled_from([(), (1,), (2,)])), channels, *sizes, generator=generator)
    if draw(st.booleans()):
        x.view(-1)[0] = SPECIAL[draw(st.integers(0, 3))]
    return module, x.to(dtype)


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_any_valid_call_is_torchs_own(dims: int) -> None:
    @settings(max_examples=25, deadline=None)
    @given(calls(dims))
    def check(call: tuple[nn.Module, torch.Tensor]) -> None:
        proved = check_call(*call)
        assert {rule.tensor for rule in proved.rules} >= {"stamp", "running", "output", "as_conv"}

    check()


@pytest.mark.parametrize("shape", [(0, 2, 3), (2, 3)])
def test_an_empty_batch_and_an_unbatched_input_are_proved(shape: tuple[int, ...]) -> None:
    check_call(nn.ConvTranspose1d(2, 1, 3, stride=2), torch.randn(shape))


def test_output_size_chooses_the_larger_output() -> None:
    module = nn.ConvTranspose2d(1, 1, 3, stride=2, padding=1)
    proved = check_call(module, torch.randn(1, 1, 3, 3), output_size=[6, 6])
    assert proved.shape("output") == (1, 1, 6, 6)
    assert check_call(module, torch.randn(1, 1, 3, 3), [6, 5]).shape("output") == (1, 1, 6, 5)


def test_a_call_too_large_to_follow_is_still_proved() -> None:
    proved = check_call(nn.ConvTranspose2d(16, 8, 4, stride=2, padding=1), torch.randn(2, 16, 24, 24))
    assert "running" not in proved.tensors
    assert [rule.tensor for rule in proved.rules] == ["output"]


def test_an_infinite_weight_leaves_no_nan_where_no_stamp_lands() -> None:
    module = nn.ConvTranspose1d(1, 1, 2, stride=2, bias=False)
    with torch.no_grad():
        module.weight[0, 0, 0] = math.inf
    proved = check_call(module, torch.ones(1, 3))
    assert "as_conv" not in proved.tensors
    assert not proved.output.isnan().any()


@pytest.mark.parametrize("tensor", ["output", "running", "stamp", "stuffed", "flipped", "as_conv"])
def test_a_changed_value_is_refused(tensor: str) -> None:
    proved = ConvTranspose2d.operator.trace_example(example("ConvTranspose2d"))
    changed = proved.tensors[tensor].clone()
    changed.view(-1)[-1] += 1
    with pytest.raises(TraceError, match=tensor):
        dataclasses.replace(proved, tensors={**proved.tensors, tensor: changed})


def test_overlaps_add() -> None:
    """The second stamp of the default clip: 2 · kernel lands on what 1 · kernel left."""
    proved = ConvTranspose2d.operator.trace_example(example("ConvTranspose2d"))
    step = proved.step("running", (0, 0, 1, 0, 1))
    drawn = "".join(token.text for token in step.tokens(lambda tensor, value: f"{value:g}"))
    assert (drawn, step.value) == ("2 + 2·1", 4)


def test_both_views_end_in_the_same_tensor() -> None:
    proved = ConvTranspose2d.operator.trace_example(example("ConvTranspose2d", "as_conv"))
    torch.testing.assert_close(proved.tensors["as_conv"], proved.tensors["output"], rtol=0, atol=0)
    stuffed, flipped = proved.tensors["stuffed"], proved.tensors["flipped"]
    torch.testing.assert_close(torch.conv2d(stuffed, flipped), proved.tensors["output"])
    assert stuffed[0, 0, 1].tolist() == [0, 1, 0, 2, 0]


def test_output_padding_adds_cells_without_a_stamp_or_keeps_what_padding_would_cut() -> None:
    proved = ConvTranspose1d.operator.trace_example(example("ConvTranspose1d", "output_padding"))
    assert proved.tensors["output"][0].tolist() == [2, 4, -1, 2, 2, 6, -3, 0]
    doubled = ConvTranspose2d.operator.trace_example(example("ConvTranspose2d", "output_padding"))
    assert doubled.shape("output") == (1, 1, 4, 4)
    assert doubled.tensors["output"][0, 0, -1].tolist() == [0, 1, 0, -4]


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_facts_are_those_of_a_stamping_by_hand(dims: int) -> None:
    """Counted once more with ones in the place of input and kernel, whatever the settings."""

    @settings(max_examples=25, deadline=None)
    @given(calls(dims))
    def check(call: tuple[nn.Module, torch.Tensor]) -> None:
        module, x = call
        proved = check_call(module, x)
        facts = transposed_facts(proved)
        ones = torch.ones(1, x.shape[-dims - 1], *x.shape[-dims:])
        weight = torch.ones(module.weight.shape)
        apply = getattr(nn.functional, f"conv_transpose{dims}d")
        given = {"stride": module.stride, "dilation": module.dilation, "groups": module.groups}
        met = apply(ones, weight, **given)
        assert facts["overlap"] == bool((met > 1).any())
        out, full = proved.shape("output")[-dims:], met.shape[2:]
        rims = [(p, n - p - o) for n, p, o in zip(full, module.padding, out, strict=True)]
        assert facts["cut"] == any(before > 0 or after > 0 for before, after in rims)
        assert facts["unreached"] == any(after < 0 for _, after in rims)
        if proved.shape("output")[0] and math.prod(x.shape[-dims:]) > 1:
            second = np.unravel_index(1, x.shape[-dims:])
            moved = [int(at) * step for at, step in zip(second, module.stride, strict=True)]
            assert facts["strided"] == (max(moved) > 1)
        assert facts["longer"] == (sum(module.output_padding) > 0)
        assert facts["biased"] == ("bias" in module.state_dict())
        if facts["two_sizes"]:
            conv = getattr(nn.functional, f"conv{dims}d")
            for less in (0, 1):
                shape = [n - less * more for n, more in zip(out, module.output_padding, strict=True)]
                back = conv(torch.zeros(1, 1, *shape), torch.zeros(1, 1, *module.kernel_size),
                            stride=module.stride, padding=module.padding, dilation=module.dilation)  # fmt: skip
                assert back.shape[2:] == x.shape[-dims:]

    check()


@pytest.mark.parametrize("operator", list(SCENES))
def test_the_last_picture_holds_every_summand_of_the_cell_that_it_explains(operator: str) -> None:
    chosen = example(operator)
    proved = SCENES[operator].operator.trace_example(chosen)
    show = watch_scene(SCENES[operator], Request(proved, chosen, "en", "light"))
    step = show.scene.figure()
    assert step is not None
    shown = [number for number in show.scene.sections[-1].numbers if number.tensor == "stamp"]
    products = {}
    (x, w) = (list(dict.fromkeys(i for n, i in step.reads if n == name)) for name in ("input", "weight"))
    for a, b in zip(x, w, strict=True):
        products[a] = proved.value("input", a) * proved.value("weight", b)
    assert sum(products.values()) == step.value
    assert sorted(products.values()) == sorted(
        number.value for number in shown if _lands_on(proved, number.index, step.index)
    )


def _lands_on(proved: Trace, stamp: tuple[int, ...], output: tuple[int, ...]) -> bool:
    module: Any = proved.module
    dims = len(module.kernel_size)
    sizes = proved.shape("input")[-dims:]
    place = np.unravel_index(stamp[-dims - 1], sizes)
    tap = stamp[-dims:]
    steps = zip(place, module.stride, tap, module.dilation, module.padding, strict=True)
    return tuple(int(at * s + k * d - p) for at, s, k, d, p in steps) == output[-dims:]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"output_padding": 3}, "output padding must be smaller than either stride or dilation"),
        ({"groups": 2}, "in_channels must be divisible by groups"),
        ({"padding_mode": "reflect"}, 'Only "zeros" padding mode is supported'),
        ({"kernelsize": 2}, "ConvTranspose2d has no argument 'kernelsize'. Did you mean 'kernel_size'?"),
    ],
)
def test_a_setting_that_cannot_work_is_one_line(overrides: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError) as refused:
        ConvTranspose2d.operator.trace_example(example("ConvTranspose2d"), overrides)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("operator", "name", "text", "overrides"),
    [
        ("ConvTranspose1d", "default", "torch.randn(1, 2, 9)", {"out_channels": 2, "bias": True}),
        ("ConvTranspose1d", "default", "torch.randn(1, 40)", {"kernel_size": 5, "stride": 3}),
        ("ConvTranspose1d", "as_conv", "torch.randn(2, 2, 4)", {"out_channels": 2}),
        ("ConvTranspose2d", "default", "torch.randn(1, 8, 16, 16)", {"out_channels": 6, "padding": 1}),
        ("ConvTranspose2d", "default", "torch.randn(64, 32, 32)", {"out_channels": 4, "stride": 2}),
        ("ConvTranspose2d", "padding", "[[[[float('nan'), 1e6], [float('inf'), 2]]]]", {"bias": True}),
        ("ConvTranspose2d", "default", "torch.randn(1, 1, 1)", {"kernel_size": 1}),
        ("ConvTranspose2d", "default", "torch.zeros(0, 1, 3, 3)", {}),
        (
            "ConvTranspose2d",
            "as_conv",
            "torch.randn(1, 2, 6, 6)",
            {"dilation": 2, "groups": 2, "out_channels": 2},
        ),
        ("ConvTranspose3d", "default", "torch.randn(1, 2, 3, 5, 5)", {"out_channels": 2, "padding": 1}),
        ("ConvTranspose3d", "as_conv", "torch.randn(1, 2, 2, 3)", {"stride": 2}),
    ],
)
def test_any_valid_setting_keeps_the_layout_rules(
    operator: str, name: str, text: str, overrides: dict[str, Any]
) -> None:
    chosen = example(operator, name)
    proved = SCENES[operator].operator.trace_example(chosen, overrides, text)
    show = watch_scene(SCENES[operator], Request(proved, chosen, "en", "light"))
    answers: dict[Any, list[str]] = {}
    assert show.scene.time <= 30.05
    assert [text for rule in RULES.values() for stage in show.stages for text in rule(stage, answers)] == []


def test_an_output_that_is_cut_alone_is_said_to_be() -> None:
    module = nn.ConvTranspose3d(1, 1, (2, 1, 1), (3, 1, 1), output_padding=(2, 0, 0), bias=False)
    made = called(module, (torch.ones(1, 2, 1, 1),), {})
    texts = [
        text.mobject.text
        for text in watch(example("ConvTranspose3d"), made.trace, "en", "light").stages[-1].texts
    ]
    assert "Drawn: 4 × 1 × 1 of 7 × 1 × 1 output cells." in texts
