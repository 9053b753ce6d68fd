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
from torchreel.assets.examples import example, examples
from torchreel.render.check.layout import RULES
from torchreel.render.check.stage import Show, watch
from torchreel.scenes.convolution.conv import Conv1d, Conv2d, Conv3d
from torchreel.scenes.convolution.facts import convolution_facts
from torchreel.scenes.convolution.geometry import ConvolutionGeometry
from torchreel.scenes.convolution.trace import Names, _Convolution, record_convolution
from torchreel.scenes.parts.places import Places
from torchreel.scenes.stage.scene import OperatorScene, Section, Shown
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


@settings(max_examples=60)
@given(calls(), st.sampled_from([math.nan, math.inf, -math.inf]), st.integers(0, 999), st.booleans())
@pytest.mark.filterwarnings("ignore:Using padding='same'")
def test_bfloat16_with_special_values_is_what_torchs_kernel_makes_of_it(
    call: tuple[nn.Module, torch.Tensor], special: float, place: int, in_weight: bool
) -> None:
    """Its kernels fill blocks with zeros, which an infinity makes NaN in windows that do not read it."""
    module, x = call[0].bfloat16(), call[1].bfloat16()
    with torch.no_grad():
        changed = module.weight if in_weight else x
        changed.view(-1)[place % changed.numel()] = special  # type: ignore[union-attr,operator]
    check_call(module, x)


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
    one_by_one = dot._products(everywhere).whole.bounded(proved.tensors)
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
    output = Conv1d.operator.trace_example(example("Conv1d", "handbook")).tensors["output"]
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
    assert proved.shape("output") == (1, 1, 5, 5)


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
        ("Conv2d", "torch.randn(1, 2, 1, 1)", {"kernel_size": 1, "out_channels": 2}),
        ("Conv2d", "torch.randn(1, 16, 5, 5)", {"kernel_size": 5, "out_channels": 120}),
        ("Conv2d", "torch.randn(1, 3, 224, 224)", {"kernel_size": 7, "stride": 2, "padding": 3}),
        ("Conv2d", "torch.randn(1, 3, 64, 64)", {"kernel_size": 16, "stride": 16, "out_channels": 768}),
        ("Conv2d", "torch.randn(1, 32, 14, 14)", {"groups": 32, "out_channels": 32, "padding": 1}),
        ("Conv2d", "torch.randn(2, 8, 6, 6)", {"groups": 2, "out_channels": 4, "bias": True}),
        ("Conv2d", "torch.randn(2, 5, 5)", {"groups": 2, "out_channels": 4, "kernel_size": 1}),
        ("Conv2d", "torch.randn(1, 3, 6, 6)", {"groups": 3, "out_channels": 6, "kernel_size": 2}),
        ("Conv1d", "torch.randn(1, 1, 1600)", {"kernel_size": 400, "stride": 160}),
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


def drawn(operator: str, text: str | None, overrides: dict[str, Any], name: str | None = None) -> Show:
    chosen = example(operator, name)
    return watch(chosen, SCENES[operator].operator.trace_example(chosen, overrides, text), "en", "light")


@pytest.mark.parametrize("operator", SCENES)
def test_what_stands_on_stage_belongs_to_the_element_in_focus(operator: str) -> None:
    """In every section of every example: weights, products and sums are those of one output element."""
    for name in examples()[operator]:
        _check_focus(drawn(operator, None, {}, name))


@pytest.mark.parametrize(
    ("operator", "text", "overrides"),
    [
        ("Conv1d", "torch.randn(1, 2, 5)", {"kernel_size": 3, "dilation": 2, "out_channels": 2}),
        ("Conv2d", "torch.randn(1, 2, 1, 1)", {"kernel_size": 1, "out_channels": 2}),
        ("Conv2d", "torch.randn(1, 2, 5, 5)", {"kernel_size": 3, "stride": 5, "out_channels": 2}),
        ("Conv2d", "torch.randn(1, 16, 5, 5)", {"kernel_size": 5, "out_channels": 120}),
        ("Conv3d", "torch.randn(1, 2, 2, 2, 2)", {"out_channels": 3}),
    ],
)
def test_a_single_window_meets_each_kernel(operator: str, text: str, overrides: dict[str, Any]) -> None:
    """With one output position, the next element has the next kernel, and its weights are on stage."""
    show = drawn(operator, text, overrides)
    focused = _check_focus(show)
    assert len({focus[1] for focus in focused}) > 1


def _check_focus(show: Show) -> list[tuple[int, ...]]:
    trace, board = show.scene.trace, getattr(show.scene, "board")  # noqa: B009
    lead, found = len(board.size.lead), []
    for stage in show.stages:
        section = stage.section
        if section.focus is None or section.focus[0] != "output":
            continue
        index = section.focus[1]
        found.append(index)
        out, place = index[lead], index[lead + 1 :]
        for shown in section.numbers:
            if shown.tensor in ("product", "partial") and _on_stage(shown):
                assert shown.index[: lead + 1] == index[: lead + 1]
                assert shown.index[lead + 2 :][: len(place)] == place
            if shown.tensor == "weight" and _on_stage(shown) and not board.is_still:
                assert shown.index[0] == out
        _check_tags(section, stage.places, dict(_factors(trace, index)))
    assert found
    return found


def _check_tags(section: Section, places: Places, factors: dict[tuple[int, ...], tuple[int, ...]]) -> None:
    """A weight that lies on a cell of the input lies on the one it is multiplied with."""
    for shown in section.numbers:
        if not shown.text.startswith("×") or factors[shown.index] is None:
            continue
        cell = places[("input", factors[shown.index])]
        assert cell is not None
        x, y = (shown.box[0] + shown.box[2]) / 2, (shown.box[1] + shown.box[3]) / 2
        assert cell.left < x < cell.right
        assert cell.bottom < y < cell.top


def _on_stage(shown: Shown) -> bool:
    """Not in the formula bar."""
    return shown.box[1] > -2.5


def _factors(traced: Trace, index: tuple[int, ...]) -> Any:
    """Each weight of an output element with the input element that it meets, None for padding."""
    module: Any = traced.module
    dims = len(module.kernel_size)
    lead, out, place = index[: -dims - 1], index[-dims - 1], index[-dims:]
    per_group = module.in_channels // module.groups
    group = out // (module.out_channels // module.groups)
    total = [d * (k - 1) for d, k in zip(module.dilation, module.kernel_size, strict=True)]
    named = {"valid": [0] * dims, "same": [n // 2 for n in total]}
    sides = named[module.padding] if isinstance(module.padding, str) else list(module.padding)
    for tap in (
        torch.cartesian_prod(*(torch.arange(k) for k in module.kernel_size)).reshape(-1, dims).tolist()
    ):
        at = [
            i * s - p + t * d
            for i, s, p, t, d in zip(place, module.stride, sides, tap, module.dilation, strict=True)
        ]
        inside = all(0 <= a < n for a, n in zip(at, traced.shape("input")[-dims:], strict=True))
        for c in range(per_group):
            yield (out, c, *tap), (*lead, group * per_group + c, *at) if inside else None


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@settings(max_examples=60, deadline=None)
@given(calls())
def test_facts_are_those_of_the_cells_that_are_read(call: tuple[nn.Module, torch.Tensor]) -> None:
    """Counted on torch's own gradient and shapes, not on the settings."""
    module, x = call
    facts = convolution_facts(trace(module, x))
    dims = len(module.kernel_size)  # type: ignore[arg-type]
    shape, out = x.shape[-dims:], trace(module, x).shape("output")[-dims:]
    assert facts["keeps_size"] == (shape == out)
    assert facts["grows"] == (
        min(b - a for a, b in zip(shape, out, strict=True)) >= 0 and tuple(shape) != out
    )
    assert facts["shrinks"] == (
        max(b - a for a, b in zip(shape, out, strict=True)) <= 0 and tuple(shape) != out
    )
    assert facts["one_position"] == (math.prod(out) == 1)
    for fact, axes in (("one_stride", module.stride), ("one_dilation", module.dilation)):
        assert facts[fact] == all(one == axes[0] for one in axes)  # type: ignore[index,union-attr]
    assert facts["several_kernels"] == (module.weight.shape[0] > 1)  # type: ignore[operator,index]
    assert facts["depthwise"] == (module.weight.shape[1] == 1 and x.shape[-dims - 1] > 1)  # type: ignore[index]
    first = _factors(trace(module, x), (0,) * (x.ndim - dims - 1) + (0,) * (dims + 1))
    met = {at is not None for _, at in first}
    assert facts["starts_on_rim"] == (len(met) == 2 and module.padding_mode == "zeros")
    reads = _reads_of_plain(module, x)
    assert facts["several_channels"] == (module.in_channels != module.groups)
    assert facts["grouped"] == (module.groups != 1)
    assert facts["biased"] == ("bias" in module.state_dict())
    assert facts["moves_in_depth"] == (len(out) == 3 and out[0] != 1)
    assert facts["zero_padded"] == (module.padding_mode == "zeros" and reads.shape[-dims:] != shape)


def _reads_of_plain(module: Any, x: torch.Tensor) -> torch.Tensor:
    """How many windows read each place of the padded input."""
    dims = len(module.kernel_size)
    total = [d * (k - 1) for d, k in zip(module.dilation, module.kernel_size, strict=True)]
    both = (
        total
        if module.padding == "same"
        else [0] * dims
        if module.padding == "valid"
        else [2 * p for p in module.padding]
    )
    padded = torch.ones(
        1, 1, *(n + b for n, b in zip(x.shape[-dims:], both, strict=True)), requires_grad=True
    )
    convolve = (nn.functional.conv1d, nn.functional.conv2d, nn.functional.conv3d)[dims - 1]
    convolve(
        padded, torch.ones(1, 1, *module.kernel_size), None, module.stride, 0, module.dilation
    ).sum().backward()
    assert padded.grad is not None
    return padded.grad


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@settings(max_examples=60, deadline=None)
@given(calls(), st.integers(1, 8))
def test_every_drawn_window_lies_in_the_drawn_input(call: tuple[nn.Module, torch.Tensor], most: int) -> None:
    traced = trace(*call)
    size = ConvolutionGeometry.of(traced, call[0], Names())
    cut = size.cut((most,) * len(size.plane))
    if any(k < n for k, n in zip(cut.kernel, size.kernel, strict=True)):
        return  # a kernel larger than the stage is cut itself, to what its first taps read
    ends = (tuple(n - 1 for n in cut.out), (0,) * len(cut.out))
    for cell in ends:
        for _, at in size.pairs(cell, cut.kernel):
            assert all(
                -before <= k < n + after
                for k, n, before, after in zip(at, cut.plane, cut.pad[::2], cut.pad[1::2], strict=True)
            )


@pytest.mark.parametrize(
    ("operator", "name", "law"),
    [
        ("Conv1d", None, "y_{i} = Σ_{u} x_{i+u}·w_{u}"),
        ("Conv2d", None, "y_{i,j} = Σ_{u,v} x_{i+u,j+v}·w_{u,v}"),
        ("Conv2d", "stride", "y_{i,j} = Σ_{u,v} x_{2i+u,2j+v}·w_{u,v}"),
        ("Conv2d", "padding", "y_{i,j} = Σ_{u,v} x_{i+u−1,j+v−1}·w_{u,v}"),
        ("Conv2d", "dilation", "y_{i,j} = Σ_{u,v} x_{i+2u,j+2v}·w_{u,v}"),
        ("Conv2d", "channels", "y_{o,i,j} = Σ_{c,u,v} x_{c,i+u,j+v}·w_{o,c,u,v}"),
        ("Conv2d", "groups", "y_{o,i,j} = Σ_{u,v} x_{g,i+u,j+v}·w_{o,u,v}     g = ⌊o/2⌋"),
        ("Conv2d", "bias", "y_{o,i,j} = Σ_{u,v} x_{i+u,j+v}·w_{o,u,v} + b_{o}"),
    ],
)
def test_the_law_holds_what_the_example_is_about(operator: str, name: str | None, law: str) -> None:
    said = [one.text for one in drawn(operator, None, {}, name).scene.said if one.kind == "law"]
    assert said[0] == law
