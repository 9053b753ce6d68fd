"""Every value goes home along its index, for any valid call; the clip pools a source first and says what is lost."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from torchreel.assets.errors import UserError
from torchreel.assets.examples import example
from torchreel.render.check.check import Reading
from torchreel.render.check.layout import RULES
from torchreel.render.check.stage import watch_scene
from torchreel.scenes.pooling.unpooling.journeys import Journeys, spelled, unravelled
from torchreel.scenes.pooling.unpooling.max_unpool import MaxUnpool1d, MaxUnpool2d, MaxUnpool3d
from torchreel.scenes.stage.bars import STAGE_BOTTOM
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.stage.telling import Request
from torchreel.scenes.trace.proof import Trace, TraceError
from torchreel.tests.calls import check_call

CLASSES = {1: nn.MaxUnpool1d, 2: nn.MaxUnpool2d, 3: nn.MaxUnpool3d}
MAX_UNPOOL = MaxUnpool2d.operator


@st.composite
def plain_calls(draw: st.DrawFn) -> tuple[nn.Module, Tensor, Tensor, list[int]]:
    """A module, values and indices of any origin, several to one home, and an output size torch takes."""
    dims = draw(st.integers(1, 3))
    module = CLASSES[dims](draw(st.integers(2, 3)), draw(st.sampled_from([None, 2, 3])))
    pooled = draw(st.lists(st.integers(1, 3), min_size=dims, max_size=dims))
    own = [(n - 1) * module.stride[0] + module.kernel_size[0] for n in pooled]
    size = [n + draw(st.integers(0, module.stride[0] - 1)) for n in own]
    shape = (*draw(st.sampled_from([(), (0,), (2,)])), draw(st.integers(1, 2)), *pooled)
    torch.manual_seed(draw(st.integers(0, 999)))
    dtype = draw(st.sampled_from([torch.float32, torch.float64, torch.bfloat16]))
    values = torch.randint(-2, 3, shape).to(dtype)
    for value in draw(st.lists(st.sampled_from([float("nan"), float("inf")]), max_size=2)):
        if values.numel():
            values.view(-1)[draw(st.integers(0, values.numel() - 1))] = value
    return module, values, torch.randint(math.prod(size), shape), size


@st.composite
def calls(draw: st.DrawFn) -> tuple[nn.MaxUnpool2d, Tensor]:
    """A valid module with a source that fits its window, batched or not, sometimes with NaN, infinities and ties."""
    kernel = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    padding = (draw(st.integers(0, kernel[0] // 2)), draw(st.integers(0, kernel[1] // 2)))
    module = nn.MaxUnpool2d(kernel, (draw(st.integers(1, 4)), draw(st.integers(1, 4))), padding)
    shape = [*draw(st.sampled_from([(), (1,), (2,)])), draw(st.integers(1, 2))]
    shape += [draw(st.integers(3, 7)), draw(st.integers(3, 7))]
    torch.manual_seed(draw(st.integers(0, 999)))
    source = draw(st.sampled_from([torch.randn(shape), torch.randint(-2, 3, shape).float()]))
    for value in draw(st.lists(st.sampled_from([float("nan"), float("inf"), float("-inf")]), max_size=3)):
        source.view(-1)[draw(st.integers(0, source.numel() - 1))] = value
    return module, source


def trace(overrides: dict[str, Any] | None = None, source: str | None = None, name: str = "default") -> Trace:
    return MAX_UNPOOL.trace_example(example("MaxUnpool2d", name), overrides, source)


@settings(max_examples=60, deadline=None)
@given(plain_calls())
def test_any_plain_call_is_proved(call: tuple[nn.Module, Tensor, Tensor, list[int]]) -> None:
    module, values, indices, size = call
    made = check_call(module, values, indices, output_size=size)
    assert list(made.tensors) == ["input", "indices", "output"]


def test_of_several_values_with_one_home_the_last_stays() -> None:
    made = check_call(nn.MaxUnpool1d(2), torch.tensor([[4.0, 9.0, 2.0]]), torch.tensor([[1, 1, 1]]))
    step = made.step("output", (0,))
    assert (step.index, step.value, list(step.reads)) == ((0, 1), 2.0, [("input", (0, 2))])


@pytest.mark.parametrize(
    ("index", "size", "place", "text"),
    [
        (6, (4, 5), (1, 1), "1·5 + 1"),
        (3, (1, 8), (0, 3), "3"),
        (28, (2, 4, 4), (1, 3, 0), "(1·4 + 3)·4 + 0"),
        (18, (4, 4), (4, 2), "4·4 + 2"),
    ],
)
def test_a_flat_index_counts_row_by_row(
    index: int, size: tuple[int, ...], place: tuple[int, ...], text: str
) -> None:
    assert (unravelled(index, size), spelled(index, size)) == (place, text)


@settings(max_examples=60, deadline=None)
@given(calls())
def test_the_output_is_the_source_at_its_maxima_and_0_elsewhere(call: tuple[nn.MaxUnpool2d, Tensor]) -> None:
    module, source = call
    made = MAX_UNPOOL.trace(module, {"source": source})
    output, indices = made.tensors["output"], made.tensors["indices"]
    home = torch.zeros(source.flatten(-2).shape, dtype=torch.bool)
    home.scatter_(-1, indices.flatten(-2), True)  # type: ignore[union-attr]
    expected = torch.where(home.reshape(source.shape), source, 0)
    torch.testing.assert_close(output, expected, rtol=0, atol=0, equal_nan=True)


def test_the_handbooks_indices_and_homes() -> None:
    journeys = Journeys(trace(name="handbook"))
    assert journeys.indices == [6, 8, 16, 18]
    assert [journeys.home((i, j)) for i in (0, 1) for j in (0, 1)] == [(1, 1), (1, 3), (3, 1), (3, 3)]
    assert [step.index for step in trace(name="handbook").steps("output")] == [
        (0, 0, 1, 1),
        (0, 0, 1, 3),
        (0, 0, 3, 1),
        (0, 0, 3, 3),
    ]


def test_an_odd_source_needs_output_size_and_torch_says_so() -> None:
    journeys = Journeys(trace(name="output_size"))
    assert (journeys.own_size, journeys.size) == ((4, 4), (5, 5))
    assert journeys.refusal == "Found an invalid max index: 18 (output volumes are of size 4x4)"


def test_a_new_source_is_given_its_own_output_size_only_where_it_needs_one() -> None:
    assert trace(source="torch.randn(1, 2, 7, 9)").call == {"output_size": (7, 9)}
    assert trace(source="torch.randn(2, 6, 8)").call == {}


@pytest.mark.parametrize(("tensor", "place"), [("input", (0, 0, 0, 1)), ("output", (0, 0, 3, 1))])
def test_a_wrong_value_is_refused(tensor: str, place: tuple[int, ...]) -> None:
    right = trace()
    wrong = {name: values.clone() for name, values in right.tensors.items()}  # type: ignore[union-attr]
    wrong[tensor][place] += 1
    with pytest.raises(
        TraceError, match=f"^MaxUnpool2d: a step gives .* for .*; torch gives {wrong[tensor][place]:g}"
    ):
        replace(right, tensors=wrong)


def test_a_lost_value_that_comes_back_is_refused() -> None:
    right = trace()
    output = right.tensors["output"].clone()  # type: ignore[union-attr]
    output[0, 0, 0, 0] = 1
    with pytest.raises(TraceError, match=r"a step gives 0 for output\[0, 0, 0, 0\]; torch gives 1"):
        replace(right, tensors={**right.tensors, "output": output})


@pytest.mark.parametrize(
    ("overrides", "source", "message"),
    [
        ({"kernel_size": 6}, None, "does not fit the padded input 4 x 4"),
        ({"kernel_size": 2, "padding": 2}, None, "pad should be at most half of kernel_size"),
        ({"stride": 0}, None, "stride=0 should be at least 1"),
        ({"dilation": 2}, None, "no argument 'dilation'"),
        (None, "torch.randn(4, 4)", r"got shape \(4, 4\)"),
        (None, "torch.randn(1, 0, 4, 4)", "without empty dimensions"),
    ],
)
def test_what_cannot_work_is_said_in_one_line(
    overrides: dict[str, Any] | None, source: str | None, message: str
) -> None:
    with pytest.raises(UserError, match=message) as caught:
        trace(overrides, source)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("overrides", "source"),
    [
        ({"kernel_size": 1, "stride": 1}, None),
        ({"kernel_size": 3, "stride": 1, "padding": 1}, None),
        ({"kernel_size": (4, 5), "stride": None}, None),
        ({"kernel_size": 2, "stride": 3}, "torch.randn(3, 7, 7)"),
        (None, "torch.randn(2, 64, 32, 32)"),
        (None, "torch.randn(1, 1, 150, 90)"),
        ({"kernel_size": 3, "stride": 2, "padding": 1}, "torch.full((1, 1, 5, 5), float('nan'))"),
        (None, "torch.full((1, 1, 4, 4), -123456.789)"),
        (None, "1e-9 * torch.randn(1, 1, 4, 6)"),
        ({"kernel_size": 1}, "torch.randn(1, 1, 1, 1)"),
        ({"kernel_size": (1, 3)}, "torch.randn(1, 1, 1, 12)"),
        ({"kernel_size": (3, 1)}, "torch.randn(1, 1, 12, 1)"),
    ],
)
def test_any_call_keeps_the_layout_and_the_pace(overrides: dict[str, Any] | None, source: str | None) -> None:
    request = Request(trace(overrides, source, "output_size"), example("MaxUnpool2d", "output_size"), "en")
    found = Reading(watch_scene(MaxUnpool2d, request))
    assert not [message for rule in RULES for message in found.broken[rule]]
    assert 8 <= found.duration <= 30


@pytest.mark.parametrize(
    ("scene", "overrides", "source"),
    [
        (MaxUnpool1d, {"kernel_size": 3, "stride": 2, "padding": 1}, "torch.randn(1, 1, 9)"),
        (MaxUnpool1d, None, "torch.randn(2, 3, 60)"),
        (MaxUnpool1d, {"kernel_size": 1, "stride": 1}, "[[5.]]"),
        (MaxUnpool3d, {"kernel_size": 2, "stride": 1, "padding": 1}, "torch.randn(1, 1, 3, 3, 3)"),
        (MaxUnpool3d, None, "torch.randn(1, 2, 8, 12, 12)"),
        (MaxUnpool3d, {"kernel_size": (1, 2, 2)}, "torch.randn(1, 5, 4, 4)"),
    ],
)
def test_other_dimensions_keep_the_layout_too(
    scene: type[OperatorScene], overrides: dict[str, Any] | None, source: str
) -> None:
    chosen = example(scene.operator.name)
    request = Request(scene.operator.trace_example(chosen, overrides, source), chosen, "en")
    found = Reading(watch_scene(scene, request))
    assert not [message for rule in RULES for message in found.broken[rule]]
    assert 8 <= found.duration <= 30


@pytest.mark.parametrize(
    ("overrides", "name"),
    [
        (None, "default"),
        (None, "handbook"),
        (None, "output_size"),
        ({"kernel_size": 3, "stride": 1, "padding": 1}, "default"),
    ],
)
def test_the_clip_ends_with_every_element_of_the_output_in_its_cell(
    overrides: dict[str, Any] | None, name: str
) -> None:
    request = Request(trace(overrides, name=name), example("MaxUnpool2d", name), "en")
    scene = watch_scene(MaxUnpool2d, request).scene
    drawn = [number for number in scene.sections[-1].numbers if number.tensor == "output"]
    last = [number for number in drawn if number.box[1] > STAGE_BOTTOM]
    output = request.trace.output
    shown = {number.index: number.value for number in last}
    for number in last:
        left, bottom, right, top = number.box
        x, y, _ = scene.board.output.center(number.index[-2:])
        assert left < x < right and bottom < y < top
    assert shown == {
        (0, 0, i, j): float(output[0, 0, i, j])
        for i in range(output.shape[2])
        for j in range(output.shape[3])
    }


@pytest.mark.parametrize(
    ("overrides", "source", "said", "never"),
    [
        (None, None, "4 of 16 values are back", "Nothing is lost"),
        ({"kernel_size": 1}, None, "Nothing is lost", "are lost"),
    ],
)
def test_what_is_lost_is_said(
    overrides: dict[str, Any] | None, source: str | None, said: str, never: str
) -> None:
    request = Request(trace(overrides, source), example("MaxUnpool2d"), "en")
    captions = " ".join(section.caption["en"] for section in watch_scene(MaxUnpool2d, request).scene.sections)
    assert said in captions
    assert never not in captions
