"""Every value goes home along its index, for any valid call; the clip pools a source first and says what is lost."""

from __future__ import annotations

import itertools
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
from torchreel.render.check.check import OF_EXAMPLES, Reading, faults_of
from torchreel.render.check.layout import RULES
from torchreel.render.check.stage import watch_scene
from torchreel.scenes.api import called
from torchreel.scenes.pooling.unpooling.facts import unpooling_facts
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


def test_a_plain_call_is_proved_in_full_where_that_is_asked_for() -> None:
    values, indices = nn.MaxPool2d(2, return_indices=True)(torch.randn(1, 1, 4, 4))
    for inputs in ({"input": values, "indices": indices}, {"source": torch.randn(1, 1, 5, 5)}):
        assert MAX_UNPOOL.trace(nn.MaxUnpool2d(2), inputs, prove_all=True).prove_all


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
        (None, None, "4 of 16 values came back", "Nothing is lost"),
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


def plainly_told(module: nn.Module, *given: Tensor, lang: str = "en", **call: Any) -> OperatorScene:
    """The scene of a plain call, after it has kept the layout and the pace."""
    name = type(module).__name__
    scene = {"MaxUnpool1d": MaxUnpool1d, "MaxUnpool2d": MaxUnpool2d, "MaxUnpool3d": MaxUnpool3d}[name]
    traced = scene.operator.trace_call(module, dict(zip(("input", "indices"), given, strict=True)), call)
    show = watch_scene(scene, Request(traced, example(name), lang))
    found = Reading(show)
    assert not [f"{law}: {said}" for law, said in found.all() if law not in ("title_whole", *OF_EXAMPLES)]
    return show.scene


PLAIN: dict[str, tuple[nn.Module, tuple[int, ...], dict[str, Any]]] = {
    "a line": (nn.MaxUnpool1d(2), (1, 1, 8), {}),
    "a line with padding": (nn.MaxUnpool1d(3, 2, 1), (2, 3, 9), {}),
    "a long line": (nn.MaxUnpool1d(2), (2, 8, 200), {}),
    "a plane": (nn.MaxUnpool2d(2), (1, 1, 4, 4), {}),
    "a size of its own": (nn.MaxUnpool2d(3, 2, 1), (3, 10, 10), {"output_size": (10, 10)}),
    "a batch": (nn.MaxUnpool2d(2), (4, 16, 28, 28), {}),
    "one cell": (nn.MaxUnpool2d(1), (1, 1, 1), {}),
    "a volume": (nn.MaxUnpool3d(2), (1, 1, 2, 4, 4), {}),
    "a large volume": (nn.MaxUnpool3d(2), (2, 4, 8, 16, 16), {}),
}


@pytest.mark.parametrize(("module", "shape", "call"), PLAIN.values(), ids=PLAIN.keys())
def test_a_plain_call_is_told_without_a_source(
    module: Any, shape: tuple[int, ...], call: dict[str, Any]
) -> None:
    torch.manual_seed(0)
    pool = getattr(nn, type(module).__name__.replace("Unpool", "Pool"))
    source = torch.randint(-9, 10, shape).float()
    pooled = pool(module.kernel_size, module.stride, module.padding, return_indices=True)(source)
    scene = plainly_told(module, *pooled, **call)
    assert not {"source"} & {number.tensor for section in scene.sections for number in section.numbers}
    captions = " ".join(section.caption["en"] for section in scene.sections)
    for word in ("back", "return", "maxim"):
        assert word not in captions.lower(), f"a plain call's values may be of any origin: {captions}"


def test_where_indices_meet_the_value_that_stays_is_told() -> None:
    values, indices = torch.tensor([[[4.0, 9.0], [2.0, 5.0]]]), torch.tensor([[[1, 7], [1, 15]]])
    scene = plainly_told(nn.MaxUnpool2d(2), values, indices)
    told = [section.focus for section in scene.sections if section.name in ("send", "sends")]
    assert told == [("output", (0, 1, 3)), ("output", (0, 0, 1)), ("output", (0, 3, 3))]
    assert scene.sections[-1].caption["en"] == "Where indices name one cell twice, one value stays."


def test_values_that_go_beyond_what_is_drawn_are_told_all_the_same() -> None:
    values, indices = torch.arange(1600.0).reshape(1, 40, 40), torch.arange(6399, 4799, -1).reshape(1, 40, 40)
    request = Request(
        MAX_UNPOOL.trace_call(nn.MaxUnpool2d(2), {"input": values, "indices": indices}, {}),
        example("MaxUnpool2d"),
    )
    found = Reading(watch_scene(MaxUnpool2d, request))
    assert not [message for rule in RULES for message in found.broken[rule]]


@settings(max_examples=100, deadline=None)
@given(plain_calls())
def test_facts_of_a_plain_call_are_those_counted_by_hand(
    call: tuple[nn.Module, Tensor, Tensor, list[int]],
) -> None:
    module, values, indices, size = call
    made = trace_of(module, values, indices, size)
    facts = unpooling_facts(made)
    dims = len(size)
    first = (0,) * (values.ndim - dims)
    if not values.numel():
        return
    went: dict[int, list[float]] = {}
    for value, index in zip(values[first].flatten().tolist(), indices[first].flatten().tolist(), strict=True):
        went.setdefault(index, []).append(value)
    there = made.output[first].flatten().tolist()
    different = [len({repr(value) for value in sent}) > 1 for sent in went.values()]
    assert facts["pooled_here"] is False
    assert facts["loses"] is (len(went) < math.prod(size))
    assert facts["overwrites"] is any(different)
    for index, value in enumerate(there):
        assert repr(value) in [repr(sent) for sent in went.get(index, [0.0])], "0 where nothing went"


@settings(max_examples=60, deadline=None)
@given(calls())
def test_facts_and_numbers_of_a_pooled_call_are_those_counted_by_hand(
    call: tuple[nn.MaxUnpool2d, Tensor],
) -> None:
    """`kept` of `total` values came back: as many homes as there are cells that a window's maximum stood in."""
    module, source = call
    made = MAX_UNPOOL.trace(module, {"source": source})
    facts = unpooling_facts(made)
    plane = source[(0,) * (source.ndim - 2)]
    (kh, kw), (sh, sw), (ph, pw) = module.kernel_size, module.stride, module.padding  # type: ignore[misc]
    homes = []
    for i in range(made.shape("input")[-2]):
        for j in range(made.shape("input")[-1]):
            taps = [
                (r, c)
                for r in range(i * sh - ph, i * sh - ph + kh)
                for c in range(j * sw - pw, j * sw - pw + kw)
                if 0 <= r < plane.shape[0] and 0 <= c < plane.shape[1]
            ]
            best = taps[0]
            for tap in taps:
                if plane[tap] > plane[best] or plane[tap].isnan():
                    best = tap
            homes.append(best)
    assert facts["pooled_here"] is True
    assert facts["loses"] is (len(set(homes)) < plane.numel())
    assert facts["overwrites"] is False


@settings(max_examples=60, deadline=None)
@given(plain_calls())
def test_each_home_is_told_by_the_window_whose_value_it_holds(
    call: tuple[nn.Module, Tensor, Tensor, list[int]],
) -> None:
    module, values, indices, size = call
    if not values.numel():
        return
    made = trace_of(module, values, indices, size)
    journeys = Journeys(made)
    windows = [window for window in cells_of(journeys.pooled) if journeys.writes(window)]
    assert {journeys.index(window) for window in windows} == set(journeys.indices)
    for window in windows:
        step = made.step("output", (journeys.step_number(window),))
        spatial = window[-journeys.dims :]
        assert list(step.reads) == [("input", (*journeys.lead, *spatial))]
        assert step.index == (*journeys.lead, *journeys.home(window)[-journeys.dims :])


def trace_of(module: nn.Module, values: Tensor, indices: Tensor, size: list[int]) -> Trace:
    """The trace of a plain call."""
    operator = {"1": MaxUnpool1d, "2": MaxUnpool2d, "3": MaxUnpool3d}[type(module).__name__[-2]].operator
    return operator.trace_call(module, {"input": values, "indices": indices}, {"output_size": size})


def cells_of(sizes: tuple[int, ...]) -> list[tuple[int, ...]]:
    """All positions of some sizes."""
    return list(itertools.product(*map(range, sizes)))


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize(
    ("kernel", "indices", "size"),
    [
        # A value far above its home: lines begin beyond the name that stands in their way.
        (3, torch.tensor([[[[44]]]]), [3, 3, 5]),
        # Slices in one column, with what each row counts at the right of them.
        (1, torch.arange(18).reshape(1, 1, 3, 2, 3), [3, 2, 3]),
    ],
)
def test_a_volume_of_any_size_is_drawn_without_a_breach(
    kernel: int, indices: Tensor, size: list[int], lang: str
) -> None:
    values = torch.randn(indices.shape, generator=torch.Generator().manual_seed(0))
    made = called(nn.MaxUnpool3d(kernel), (values, indices), {"output_size": size})
    assert faults_of(made.trace, lang=lang) == []
