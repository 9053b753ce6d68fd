"""BatchNorm, InstanceNorm, LayerNorm, RMSNorm and LocalResponseNorm: any valid call is traced as torch computes it."""

from __future__ import annotations

import math
from collections.abc import Callable
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
from torchreel.render.check.stage import watch
from torchreel.scenes import registry
from torchreel.scenes.normalization.sets_trace import Partition
from torchreel.tests.calls import check_call

DTYPES = (torch.float32, torch.float32, torch.float64, torch.bfloat16, torch.float16)
BATCH = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
INSTANCE = (nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)
SPECIAL = (math.nan, math.inf, -math.inf, 1e16)
EPS = (1e-5, 1e-3, 1.0)
Draw = Callable[[st.SearchStrategy[Any]], Any]


def given_input(draw: Draw, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """An input of any size, constant or offset, or with NaN and infinity in it."""
    torch.manual_seed(draw(st.integers(0, 999)))
    x = torch.randn(shape, dtype=torch.float64) * draw(st.sampled_from((1.0, 1.0, 1e-9, 1e3, 1e20, 1e30)))
    x += draw(st.sampled_from((0.0, 0.0, 123456.789)))
    if draw(st.booleans()) and draw(st.booleans()):
        x = torch.full_like(x, 0.1)
    for value in draw(st.lists(st.sampled_from(SPECIAL), max_size=1)) if x.numel() else ():
        x.view(-1)[draw(st.integers(0, x.numel() - 1))] = value
    return x.to(dtype)


def shaped(draw: Draw, dims: int) -> tuple[int, ...]:
    """A shape `(N, C, *)` with so many more axes, sometimes an empty one; always several values a channel."""
    spatial = tuple(draw(st.integers(2, 4)) for _ in range(dims))
    if draw(st.integers(0, 9)) == 0 and dims:
        spatial = (0, *spatial[1:])
    return (draw(st.sampled_from((0, 1, 2, 3) if dims else (0, 2, 3))), draw(st.integers(1, 4)), *spatial)


def settled(draw: Draw, module: nn.Module, dtype: torch.dtype) -> nn.Module:
    """The module with parameters, buffers and mode of its own; short types may have float32 parameters."""
    for parameter in module.parameters():
        nn.init.normal_(parameter)
    for name, buffer in module.named_buffers():
        if name == "num_batches_tracked":
            buffer.fill_(draw(st.integers(0, 9)))
        else:
            buffer.uniform_(0.1, 3.0)
    wide = draw(st.booleans()) and dtype in (torch.bfloat16, torch.float16)
    return module.to(torch.float32 if wide else dtype).train(draw(st.booleans()))


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_batch_norm(data: st.DataObject) -> None:
    draw, dims = data.draw, data.draw(st.integers(0, 3))
    shape, dtype = shaped(draw, dims), draw(st.sampled_from(DTYPES))
    momentum, affine = draw(st.sampled_from((0.1, None, 1.0, 0.0))), draw(st.booleans())
    tracked = draw(st.booleans())
    made = BATCH[max(0, dims - 1)](shape[1], draw(st.sampled_from(EPS)), momentum, affine, tracked)
    module = settled(draw, made, dtype)
    trace = check_call(module, given_input(draw, shape, dtype))
    assert ("new_running_mean" in trace.tensors) == (module.training and tracked)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_instance_norm(data: st.DataObject) -> None:
    draw, dims = data.draw, data.draw(st.integers(1, 3))
    shape, dtype = shaped(draw, dims), draw(st.sampled_from(DTYPES))
    momentum, tracked = draw(st.sampled_from((0.1, None, 1.0))), draw(st.booleans())
    module = INSTANCE[dims - 1](
        shape[1], draw(st.sampled_from((*EPS, 0.0))), momentum, draw(st.booleans()), tracked
    )
    given_shape = shape[1:] if draw(st.booleans()) else (max(1, shape[0]), *shape[1:])
    module, x = settled(draw, module, dtype), given_input(draw, given_shape, dtype)
    check_call(module, x)


def test_instance_norm_of_no_samples_is_as_torch_has_it() -> None:
    trace = check_call(nn.InstanceNorm1d(2, track_running_stats=True), torch.zeros(0, 2, 3))
    assert bool(trace.tensors["new_running_mean"].isnan().all())  # type: ignore[union-attr]
    with pytest.raises(torchreel.UserError, match="out of range"):
        torchreel.trace(nn.InstanceNorm1d(2, affine=True), torch.zeros(0, 2, 3))


def test_the_input_may_be_given_by_name() -> None:
    assert torchreel.trace(nn.BatchNorm1d(3), input=torch.randn(2, 3)).shape("mean") == (3,)
    assert torchreel.trace(nn.RMSNorm(3), x=torch.randn(2, 3)).shape("rms") == (2,)


@settings(max_examples=25, deadline=None)
@given(st.data())
@pytest.mark.parametrize("kind", [nn.LayerNorm, nn.RMSNorm])
def test_norms_over_the_last_axes(kind: type[nn.Module], data: st.DataObject) -> None:
    draw = data.draw
    shape = tuple(draw(st.lists(st.integers(0, 4), min_size=1, max_size=4)))
    count, dtype = draw(st.integers(1, len(shape))), draw(st.sampled_from(DTYPES))
    eps = draw(st.sampled_from((*EPS, 0.0, *((None,) if kind is nn.RMSNorm else ()))))
    module = kind(shape[-count:], eps=eps, elementwise_affine=draw(st.booleans()))
    trace = check_call(settled(draw, module, dtype), given_input(draw, shape, dtype))
    assert trace.shape("std" if kind is nn.LayerNorm else "rms") == (shape[:-count] or (1,))


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_group_norm(data: st.DataObject) -> None:
    draw, groups = data.draw, data.draw(st.integers(1, 3))
    shape, dtype = shaped(draw, data.draw(st.integers(0, 3))), draw(st.sampled_from(DTYPES))
    shape = (shape[0], 2 * groups, *shape[2:])
    module = nn.GroupNorm(groups, shape[1], draw(st.sampled_from((*EPS, 0.0))), draw(st.booleans()))
    x = given_input(draw, shape, dtype)
    last = x.ndim == 4 and draw(st.booleans())
    check_call(settled(draw, module, dtype), x.contiguous(memory_format=torch.channels_last) if last else x)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_local_response_norm(data: st.DataObject) -> None:
    draw, dims = data.draw, data.draw(st.integers(1, 3))
    shape = shaped(draw, dims)
    dtype = draw(st.sampled_from(DTYPES if dims == 1 else DTYPES[:3]))  # torch pools no shorter type in 3d
    alpha, beta = draw(st.sampled_from((1e-4, 1.0, 0.0))), draw(st.sampled_from((0.75, 2, 0.5)))
    module = nn.LocalResponseNorm(
        draw(st.integers(1, 7)), alpha, beta, draw(st.sampled_from((1.0, 2.0, 0.0)))
    )
    check_call(module, given_input(draw, shape, dtype))


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.data())
def test_a_partition_cuts_the_input_into_sets_that_cover_it_once(
    shape: list[int], data: st.DataObject
) -> None:
    axes = data.draw(st.sets(st.integers(0, len(shape) - 1), min_size=1))
    sets = Partition(tuple(shape), {axis: shape[axis] for axis in sorted(axes)})
    cells = torch.cartesian_prod(*map(torch.arange, sets.sets)).reshape(-1, len(sets.sets))
    members = sets.members(cells)
    flat = {tuple(index) for index in members.reshape(-1, len(shape)).tolist()}
    assert len(flat) == math.prod(shape) == members.shape[0] * members.shape[1]
    assert all(
        torch.equal(sets.set_of(own), cell.expand(len(own), -1))
        for own, cell in zip(members, cells, strict=True)
    )


def test_the_variance_that_is_kept_is_divided_by_one_less() -> None:
    trace = registry.find("BatchNorm2d").operator.trace_example(example("BatchNorm2d", "running_stats"))
    assert trace.tensors["var"].tolist() == [7.5, 9.0]
    assert trace.value("unbiased_var", (0,)) == pytest.approx(60 / 7)
    torch.testing.assert_close(trace.tensors["new_running_mean"], torch.tensor([0.5, 1.45]))
    torch.testing.assert_close(trace.tensors["new_running_var"], torch.tensor([0.9 + 6 / 7, 0.9 + 7.2 / 7]))
    assert trace.step("unbiased_var", (0,)).formula.symbols() == "(Σ centered²) / 7"


def test_the_cumulative_average_weighs_every_batch_alike() -> None:
    module = nn.BatchNorm1d(2, momentum=None)
    batches = [torch.randn(4, 2) for _ in range(3)]
    for batch in batches[:2]:
        module(batch)
    trace = check_call(module, batches[2])
    means = torch.stack([batch.mean(0) for batch in batches]).mean(0)
    torch.testing.assert_close(trace.tensors["new_running_mean"], means)
    assert trace.step("new_running_mean", (0,)).formula.symbols() == "0.667·running_mean + 0.333·mean"


def test_rms_norm_keeps_no_mean_out() -> None:
    output: Any = registry.find("RMSNorm").operator.trace_example(example("RMSNorm")).output
    torch.testing.assert_close(output[0], output[1])
    torch.testing.assert_close(output[0], torch.tensor([0.4, 1.4, 0.5, 1.0]))
    assert not torch.allclose(output[0], output[2], 1e-2)


def test_the_window_over_channels_is_divided_by_its_size_at_the_border_too() -> None:
    trace = check_call(nn.LocalResponseNorm(3), torch.tensor([[[2.0], [2.0], [5.0]]]))
    assert trace.step("mean_square", (0, 0, 0)).value == pytest.approx(8 / 3)
    assert (
        "".join(t.text for t in trace.step("mean_square", (0, 0, 0)).tokens(lambda _, v: f"{v:g}"))
        == "(4 + 4) / 3"
    )


@pytest.mark.parametrize("operator, axes", [
    ("BatchNorm2d", (1,)), ("LayerNorm", (0, 1)), ("InstanceNorm2d", (0, 1)), ("BatchNorm1d", (1,)),
    ("BatchNorm3d", (1,)), ("InstanceNorm3d", (0, 1)), ("RMSNorm", (0,)),
])  # fmt: skip
def test_what_shares_statistics_has_one_colour(operator: str, axes: tuple[int, ...]) -> None:
    chosen = example(operator)
    show = watch(chosen, registry.find(operator).operator.trace_example(chosen), "en", "light")
    fills: dict[tuple[int, ...], set[str]] = {}
    for number in show.stages[0].section.numbers:
        if number.tensor == "input":
            left, bottom, right, top = number.box
            x, y = (left + right) / 2, (bottom + top) / 2
            boxes = [
                piece
                for piece in show.stages[0].pieces
                if piece.fill_opacity and not piece.is_text and piece.bounds[0] < x < piece.bounds[2]
                and piece.bounds[1] < y < piece.bounds[3]
            ]  # fmt: skip
            fills.setdefault(tuple(number.index[axis] for axis in axes), set()).add(boxes[-1].fill)
    assert all(len(colors) == 1 for colors in fills.values())
    assert len(set.union(*fills.values())) == len(fills) > 1


@pytest.mark.parametrize("operator, tensor", [
    ("BatchNorm2d", "new_running_var"), ("BatchNorm2d", "unbiased_var"), ("BatchNorm2d", "new_num_batches_tracked"),
    ("InstanceNorm1d", "std"), ("LayerNorm", "output"), ("RMSNorm", "mean_square"), ("LocalResponseNorm", "base"),
])  # fmt: skip
def test_a_wrong_number_is_refused(operator: str, tensor: str) -> None:
    trace = registry.find(operator).operator.trace_example(example(operator))
    wrong: Any = trace.tensors[tensor].clone()  # type: ignore[union-attr]
    wrong.view(-1)[-1] += 1
    with pytest.raises(torchreel.TraceError, match=rf"{operator}: .*{tensor}\["):
        replace(trace, tensors={**trace.tensors, tensor: wrong})


@pytest.mark.parametrize("operator, overrides, text, message", [
    ("BatchNorm2d", {}, "torch.ones(1, 2, 1, 1)", "Expected more than 1 value per channel when training"),
    ("BatchNorm2d", {"eps": "small"}, None, "BatchNorm2d: eps='small' should be a number."),
    ("BatchNorm2d", {"num_features": 3}, None, "running_mean should contain 2 elements not 3"),
    ("BatchNorm1d", {}, "torch.ones(1, 2, 3, 4)", "expected 2D or 3D input (got 4D input)"),
    ("InstanceNorm1d", {}, "torch.ones(2, 3, 1)", "Expected more than 1 spatial element when training"),
    ("LayerNorm", {"normalized_shape": 5}, None, "normalized_shape"),
    ("RMSNorm", {"eps": "x"}, None, "RMSNorm: eps='x' should be a number"),
    ("LocalResponseNorm", {"size": 0}, None, "size should be an integer of at least 1, got 0"),
    ("LocalResponseNorm", {}, "[1, 2]", "Expected 3D or higher dimensionality"),
])  # fmt: skip
def test_what_cannot_work_is_said_in_one_line(
    operator: str, overrides: dict[str, object], text: str | None, message: str
) -> None:
    with pytest.raises(torchreel.UserError) as error:
        registry.find(operator).operator.trace_example(example(operator), overrides, text)
    assert message in str(error.value) and "\n" not in str(error.value)


def test_a_new_input_brings_its_sizes() -> None:
    for operator, text, kwargs in (
        ("BatchNorm2d", "torch.ones(2, 5, 3, 3)", {"num_features": 5}),
        ("InstanceNorm1d", "torch.ones(4, 9)", {"num_features": 4}),
        ("LayerNorm", "torch.ones(6, 3, 2, 5)", {"normalized_shape": 5}),
        ("RMSNorm", "torch.ones(6, 7)", {"normalized_shape": 7}),
    ):
        trace = registry.find(operator).operator.trace_example(example(operator), input_text=text)
        assert trace.kwargs == kwargs


@pytest.mark.parametrize("operator, name, text, overrides", [
    ("BatchNorm1d", "default", "torch.randn(16, 20)", {}),
    ("BatchNorm2d", "default", "torch.randn(4, 12, 9, 9)", {}),
    ("BatchNorm2d", "default", "torch.zeros(0, 2, 3, 3)", {}),
    ("BatchNorm2d", "default", None, {"track_running_stats": False, "affine": False}),
    ("BatchNorm2d", "running_stats", "torch.randn(3, 7, 6, 5) * 1e6", {"momentum": None}),
    ("BatchNorm2d", "running_stats", "[[[[nan, 2], [inf, 1]]], [[[3, 4], [5, 6]]]]", {}),
    ("BatchNorm2d", "running_stats", None, {"track_running_stats": False}),
    ("BatchNorm2d", "eval", "torch.randn(1, 2, 2, 2)", {}),
    ("BatchNorm2d", "eval", "torch.randn(9, 3, 4, 4)", {}),
    ("BatchNorm3d", "default", "torch.randn(3, 2, 3, 4, 4)", {}),
    ("InstanceNorm1d", "default", "torch.randn(3, 40)", {}),
    ("InstanceNorm3d", "default", "torch.randn(2, 2, 3, 2, 2)", {"track_running_stats": True}),
    ("LayerNorm", "default", "torch.randn(2, 3, 2, 2)", {"normalized_shape": 2}),
    ("LayerNorm", "last_dim", "torch.randn(3, 20, 16) * 1e5", {}),
    ("LayerNorm", "last_dim", "[5]", {"elementwise_affine": False}),
    ("RMSNorm", "default", "[[nan, 2, 1e30, 4]]", {"eps": 1e-3}),
    ("RMSNorm", "default", "torch.randn(12, 32)", {}),
    ("LocalResponseNorm", "default", "torch.randn(2, 9, 8, 8)", {"size": 5}),
    ("LocalResponseNorm", "default", "torch.randn(1, 64, 40)", {"size": 40}),
    ("LocalResponseNorm", "default", "[[[nan], [1e30]]]", {"size": 2}),
    ("LocalResponseNorm", "default", "[[[5]]]", {"size": 1}),
])  # fmt: skip
def test_any_call_keeps_the_layout_rules(
    operator: str, name: str, text: str | None, overrides: dict[str, object]
) -> None:
    assert faults(operator, name, overrides, text) == []
