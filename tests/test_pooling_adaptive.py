"""Adaptive and fractional pooling: windows as torch cuts and draws them, for any valid call, proved and drawn."""

from __future__ import annotations

import dataclasses
import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from torchreel.assets.errors import UserError
from torchreel.assets.examples import example
from torchreel.render.check.check import Reading
from torchreel.render.check.laws import LONGEST_CLIP, SHORTEST_CLIP
from torchreel.render.check.layout import RULES
from torchreel.render.check.stage import Show, watch, watch_scene
from torchreel.scenes import registry
from torchreel.scenes.api import called
from torchreel.scenes.parts.ruler import lanes
from torchreel.scenes.pooling.adaptive.facts import adaptive_facts, fractional_facts
from torchreel.scenes.pooling.adaptive.windows import Whole
from torchreel.scenes.stage import bars
from torchreel.scenes.stage.telling import Request
from torchreel.scenes.trace.formula import Const, Ref, Token
from torchreel.scenes.trace.proof import Trace, TraceError
from torchreel.tests.calls import check_call

ADAPTIVE = [getattr(nn, f"Adaptive{kind}Pool{dims}d") for kind in ("Max", "Avg") for dims in (1, 2, 3)]
FRACTIONAL = [nn.FractionalMaxPool2d, nn.FractionalMaxPool3d]
KINDS = (torch.float32, torch.float64, torch.bfloat16, torch.float16)
SPECIAL = torch.tensor([math.nan, math.inf, -math.inf, 0.0, 1.0])


def _dims(kind: type[nn.Module]) -> int:
    return int(kind.__name__[-2])


@st.composite
def inputs(draw: st.DrawFn, sizes: list[int], fewest: int = 0) -> Tensor:
    """An input with or without a batch, which may be empty; some hold NaN, infinities and equal values."""
    lead = draw(st.sampled_from([(2,), (1, 2), (2, 1), (fewest, 2)]))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 999)))
    dtype = draw(st.sampled_from(KINDS))
    if draw(st.booleans()):
        return SPECIAL[torch.randint(len(SPECIAL), (*lead, *sizes), generator=generator)].to(dtype)
    return torch.randn(*lead, *sizes, generator=generator).to(dtype)


@pytest.mark.parametrize("kind", ADAPTIVE, ids=lambda kind: kind.__name__)
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_any_valid_adaptive_call_is_proved(kind: type[nn.Module], data: st.DataObject) -> None:
    dims = _dims(kind)
    sizes = data.draw(st.lists(st.integers(1, 7), min_size=dims, max_size=dims))
    out: Any = st.integers(1, 9) if dims == 1 else st.none() | st.integers(1, 9)
    asked = data.draw(st.integers(0, 4) | st.lists(out, min_size=dims, max_size=dims).map(tuple))
    settings_ = {"return_indices": data.draw(st.booleans())} if "Max" in kind.__name__ else {}
    traced = check_call(kind(asked, **settings_), data.draw(inputs(sizes)))
    assert traced.outputs == (("output", "indices") if settings_.get("return_indices") else ("output",))


@pytest.mark.parametrize("kind", FRACTIONAL, ids=lambda kind: kind.__name__)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_any_valid_fractional_call_is_proved_with_the_samples_it_drew(
    kind: type[nn.Module], data: st.DataObject
) -> None:
    dims = _dims(kind)
    kernel = data.draw(st.lists(st.integers(1, 3), min_size=dims, max_size=dims))
    outs = data.draw(st.lists(st.integers(1, 4), min_size=dims, max_size=dims))
    sizes = [k + o + data.draw(st.integers(0, 4)) for k, o in zip(kernel, outs, strict=True)]
    asked: dict[str, Any] = {"output_size": tuple(outs)}
    if data.draw(st.booleans()):
        ratio = tuple(o / n + 0.001 for o, n in zip(outs, sizes, strict=True))
        assume(all(0 < part < 1 for part in ratio))
        asked = {"output_ratio": ratio}
    x = data.draw(inputs(sizes))
    given_samples = data.draw(st.booleans())
    samples = (
        torch.rand(x.shape[0] if x.ndim > dims + 1 else 1, 2, dims).to(x.dtype) if given_samples else None
    )
    assume(samples is None or x.shape[-dims - 1] == 2)
    module: Any = kind(
        tuple(kernel), **asked, return_indices=data.draw(st.booleans()), _random_samples=samples
    )  # type: ignore[call-arg]
    traced = check_call(module, x)
    drawn = traced.tensors["u"]
    assert tuple(drawn.shape) == (x.shape[0] if x.ndim > dims + 1 else 1, x.shape[-dims - 1], dims)


@pytest.mark.parametrize(
    "module, x",
    [
        (nn.AdaptiveAvgPool2d(3), torch.rand(1, 2, 200, 301)),
        (nn.AdaptiveAvgPool3d(2), 100 * torch.rand(1, 1, 40, 40, 40).bfloat16()),
        (nn.AdaptiveAvgPool3d(1), 100 * torch.rand(1, 1, 20, 20, 20).half()),
        (nn.AdaptiveMaxPool2d(1, return_indices=True), torch.randn(1, 2, 300, 300)),
        (
            nn.FractionalMaxPool2d(3, output_ratio=0.71, return_indices=True),
            torch.randn(2, 60, 77).bfloat16(),
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_large_windows_are_proved_though_torch_rounds_as_it_adds(module: nn.Module, x: Tensor) -> None:
    check_call(module, x)


def windows(proved: Trace, letter: str) -> list[tuple[float, float]]:
    starts, ends = ([step.value for step in proved.steps(f"{end}_{letter}")] for end in ("start", "end"))
    return list(zip(starts, ends, strict=True))


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_what_is_said_of_adaptive_windows_is_true_of_the_cells_they_read(data: st.DataObject) -> None:
    sizes = data.draw(st.lists(st.integers(1, 6), min_size=2, max_size=2))
    outs = data.draw(st.lists(st.integers(1, 7), min_size=2, max_size=2))
    x = data.draw(inputs(sizes, fewest=1))
    facts = adaptive_facts(check_call(nn.AdaptiveMaxPool2d(tuple(outs)), x))
    # Which cells each window reads, asked of torch: those that change the mean.
    ones = torch.eye(sizes[0] * sizes[1], dtype=torch.float64).reshape(-1, 1, *sizes)
    reads = nn.functional.adaptive_avg_pool2d(ones, outs).flatten(1) != 0
    counts, lengths = reads.sum(1), reads.sum(0)
    assert facts["windows_overlap"] == bool((counts > 1).any())
    assert facts["side_by_side"] == bool((counts == 1).all() and (lengths == lengths[0]).all())
    assert facts["covers_all"] == facts["one_window"] == (outs == [1, 1])
    assert facts["more_outputs"] == (outs[0] > sizes[0] or outs[1] > sizes[1])
    assert facts["one_part"] == (outs[1] == 1)
    assert not facts["more_outputs"] or facts["windows_overlap"]
    assert facts["plain_numbers"] == all(map(math.isfinite, x.flatten().tolist()))


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_what_is_said_of_fractional_steps_is_true_and_their_mean_is_alpha(data: st.DataObject) -> None:
    kernel, out = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 8))
    size = kernel + out + data.draw(st.integers(-1, 6))
    samples = torch.tensor([[[data.draw(st.floats(0, 0.99)), 0.5]]])
    module = nn.FractionalMaxPool2d(kernel, (1, out), return_indices=True, _random_samples=samples)
    # In rows that grow to the right, the index of each maximum says where its window ends.
    x = torch.arange(float(size)).expand(1, 1, kernel, size).contiguous()
    proved = check_call(module, x)
    facts, (_, indices) = fractional_facts(proved), module(x)
    starts = (indices.flatten() % size - kernel + 1).tolist()
    steps = [b - a for a, b in pairwise(starts)]
    assert facts["steps_differ"] == (len(set(steps)) > 1)
    assert facts["steps_equal"] == (len(set(steps)) == 1)
    assert facts["few_steps"] == (0 < len(steps) < 6 and len(str(steps)) <= 13), "a caption has room for them"
    assert facts["shifted"] == (out > 1 and float(samples[0, 0, 0]) * float(proved.value("alpha_W", ())) >= 1)
    assert not steps or sum(steps) / len(steps) == pytest.approx(proved.value("alpha_W", ()))


@pytest.mark.parametrize(
    ("ratio", "size", "named"),
    [(0.5, 6, True), (0.7071, 6, False), ((0.5, 0.75), 8, False), (0.5, 120, False)],
)
def test_a_ratio_is_named_where_the_caption_has_room_for_it(ratio: Any, size: int, named: bool) -> None:
    chosen = example("FractionalMaxPool2d", "output_ratio")
    scene = registry.find("FractionalMaxPool2d")
    made = scene.operator.trace_example(chosen, {"output_ratio": ratio}, f"torch.rand(1, 1, {size}, {size})")
    assert fractional_facts(made)["short_ratio"] == named
    first = Reading(watch_scene(scene, Request(made, chosen, "en"))).sections[0].caption["en"]
    assert (f"output_ratio={ratio}:" in first) == named
    assert len(first) <= 45


@pytest.mark.parametrize(
    "size, count, expected",
    [
        (4, 3, [(0, 2), (1, 3), (2, 4)]),
        (5, 3, [(0, 2), (1, 4), (3, 5)]),
        (4, 2, [(0, 2), (2, 4)]),
        (3, 4, [(0, 1), (0, 2), (1, 3), (2, 3)]),
        (7, 1, [(0, 7)]),
    ],
)
def test_parts_are_rounded_outwards(size: int, count: int, expected: list[tuple[int, int]]) -> None:
    proved = check_call(nn.AdaptiveAvgPool1d(count), torch.randn(1, size))
    assert windows(proved, "L") == expected
    assert [step.value for step in proved.steps("count")] == [end - start for start, end in expected]


def test_the_divisor_is_the_size_of_each_window() -> None:
    proved = check_call(nn.AdaptiveAvgPool2d((1, 3)), torch.arange(1.0, 9.0).reshape(1, 2, 4))
    step = proved.step("output", (0, 0, 1))
    drawn = "".join(token.text for token in step.tokens(lambda _, value: f"{value:g}"))
    assert drawn == "(2 + 3 + 6 + 7) / 4"


def test_a_sample_drives_the_width_first_in_a_plane_but_the_depth_first_in_a_volume() -> None:
    plane = nn.FractionalMaxPool2d(2, 4, _random_samples=torch.tensor([[[0.0, 0.9]]]))
    proved = check_call(plane, torch.randn(1, 1, 7, 7))
    assert [step.value for step in proved.steps("start_W")] == [0, 1, 3, 5]
    assert [step.value for step in proved.steps("start_H")] == [0, 2, 3, 5]
    volume = nn.FractionalMaxPool3d(2, 4, _random_samples=torch.tensor([[[0.0, 0.9, 0.9]]]))
    proved = check_call(volume, torch.randn(1, 1, 7, 7, 7))
    assert [step.value for step in proved.steps("start_D")] == [0, 1, 3, 5]
    assert [step.value for step in proved.steps("start_W")] == [0, 2, 3, 5]


def test_the_input_may_be_given_by_name() -> None:
    assert check_call(nn.AdaptiveMaxPool1d(1), input=torch.tensor([[1.0, 3, 2]])).output.tolist() == [[3]]
    check_call(nn.FractionalMaxPool2d(2, 2), input=torch.randn(1, 4, 4))


def test_every_plane_has_windows_of_its_own() -> None:
    samples = torch.tensor([[[0.0, 0.0], [0.9, 0.9]]])
    proved = check_call(nn.FractionalMaxPool2d(2, 4, _random_samples=samples), torch.randn(1, 2, 7, 7))
    starts = proved.tensors["start_W"]
    assert isinstance(starts, Tensor)
    assert starts.tolist() == [[[0, 1, 3, 5], [0, 2, 3, 5]]]


@pytest.mark.parametrize("kind", [*ADAPTIVE, *FRACTIONAL], ids=lambda kind: kind.__name__)
def test_a_changed_output_is_refused(kind: Any) -> None:
    x = torch.arange(float(6 ** _dims(kind))).reshape(1, *(6,) * _dims(kind))
    proved = check_call(kind(2, 3) if "Fractional" in kind.__name__ else kind(3), x)
    changed = proved.tensors["output"].clone()  # type: ignore[union-attr]
    changed.view(-1)[1] += 1
    with pytest.raises(TraceError, match=r"output\[.*torch gives"):
        dataclasses.replace(proved, tensors={**proved.tensors, "output": changed})


def test_a_window_elsewhere_is_refused() -> None:
    proved = check_call(nn.AdaptiveMaxPool1d(3), torch.randn(1, 4))
    moved = {**proved.tensors, "start_L": torch.tensor([0, 0, 2])}
    with pytest.raises(TraceError, match=r"start_L\[1\]"):
        dataclasses.replace(proved, tensors=moved)


@pytest.mark.parametrize(
    "values, index",
    [
        ([2.0, 2.0, 1.0], 0),
        ([1.0, math.nan, 9.0], 1),
        ([math.nan, 1.0, math.nan], 2),
        ([-math.inf, -math.inf, -math.inf], 0),
    ],
)
def test_the_first_of_equals_wins_and_the_last_nan(values: list[float], index: int) -> None:
    proved = check_call(nn.AdaptiveMaxPool1d(1, return_indices=True), torch.tensor([values]))
    assert proved.value("indices", (0, 0)) == index


def test_whole_numbers_are_drawn_with_the_brackets_they_are_rounded_by() -> None:
    x = torch.tensor([[0]])
    tensors = {"x": torch.tensor([-1.5])}
    down, up = Whole(Ref("x", x)), Whole(Ref("x", x), up=True)
    assert (float(down.evaluate(tensors)), float(up.evaluate(tensors))) == (-2, -1)
    assert (down.symbols(), up.symbols()) == ("⌊x⌋", "⌈x⌉")
    assert [token.text for token in Whole(Const(2)).tokens(lambda ref: Token(""), 4)] == ["⌊", "2", "⌋"]


def test_bars_that_overlap_stand_in_lanes_of_their_own() -> None:
    assert lanes([(0, 2), (1, 3), (2, 4)]) == [0, 1, 0]
    assert lanes([(0, 1), (0, 2), (1, 3), (2, 3)]) == [0, 1, 0, 1]
    assert lanes([]) == []


@pytest.mark.parametrize(
    "name, given, text, said",
    [
        ("AdaptiveMaxPool2d", {"output_size": [1, 2, 3]}, None, "a tuple of 2 ints or None"),
        ("AdaptiveAvgPool1d", {"output_size": -1}, None, "output_size=-1 should be an int of at least 0"),
        (
            "AdaptiveAvgPool1d",
            {},
            "[1, 2, 3]",
            r"expected 2D or 3D .* size \[3\]. Give one of shape \(C, L\)",
        ),
        (
            "FractionalMaxPool2d",
            {"output_size": 7},
            None,
            r"7 windows of 2 .* H=7\. Use an output of at most 6",
        ),
        ("FractionalMaxPool2d", {"output_ratio": 0.5}, None, "only one of output_size and output_ratio"),
        ("FractionalMaxPool2d", {"kernel_size": 8}, None, "at most 0"),
        (
            "FractionalMaxPool3d",
            {"output_size": 3},
            None,
            r"3 windows of 2 .* H=4\. Use an output of at most 2",
        ),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(
    name: str, given: dict[str, Any], text: str | None, said: str
) -> None:
    with pytest.raises(UserError, match=said) as refused:
        registry.find(name).operator.trace_example(example(name), given, text)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "name, given, text",
    [
        ("AdaptiveMaxPool2d", {"output_size": 7}, "torch.randn(2, 3, 224, 224)"),
        ("AdaptiveMaxPool2d", {"output_size": [9, 12], "return_indices": True}, "torch.randn(2, 5, 5)"),
        ("AdaptiveAvgPool2d", {"output_size": [20, 3]}, "torch.randn(1, 30, 3)"),
        ("AdaptiveAvgPool2d", {"output_size": 1}, "[[[float('nan')]]]"),
        ("AdaptiveAvgPool2d", {}, "torch.zeros(0, 2, 4, 4)"),
        ("AdaptiveMaxPool1d", {"output_size": 9, "return_indices": True}, "torch.randn(3, 30)"),
        ("AdaptiveAvgPool1d", {"output_size": 40}, "torch.randn(3, 3) * 1e5"),
        ("AdaptiveAvgPool3d", {"output_size": 3}, "torch.randn(2, 3, 20, 30, 40)"),
        ("AdaptiveMaxPool3d", {"output_size": [5, 3, 4]}, "torch.randn(1, 2, 2, 2)"),
        ("FractionalMaxPool2d", {"output_size": [20, 15]}, "torch.randn(1, 2, 30, 20)"),
        ("FractionalMaxPool2d", {"output_size": 1, "return_indices": True}, None),
        ("FractionalMaxPool3d", {"output_size": 1, "return_indices": True}, None),
    ],
)
def test_any_call_is_drawn_by_the_layout_rules(name: str, given: dict[str, Any], text: str | None) -> None:
    scene, chosen = registry.find(name), example(name)
    proved = scene.operator.trace_example(chosen, given, text)
    read = Reading(watch_scene(scene, Request(proved, chosen, "en", "light")))
    assert SHORTEST_CLIP - 0.05 <= read.duration <= LONGEST_CLIP + 0.05
    assert [text for rule in RULES if rule != "title_whole" for text in read.broken[rule]] == []


def test_the_ruler_shows_how_4_cells_become_3_windows() -> None:
    scene, chosen = registry.find("AdaptiveMaxPool1d"), example("AdaptiveMaxPool1d")
    show = watch_scene(scene, Request(scene.operator.trace_example(chosen), chosen, "en", "light"))
    last = {(number.tensor, number.index): number.value for number in show.scene.sections[-1].numbers}
    assert [last["start_L", (k,)] for k in range(3)] == [0, 1, 2]
    assert [last["end_L", (k,)] for k in range(3)] == [2, 3, 4]
    assert last["cut_L", (1,)] == pytest.approx(4 / 3)


@pytest.mark.parametrize(
    "name, expected",
    [
        ("AdaptiveMaxPool2d", [[6, 7, 8], [10, 11, 12], [14, 15, 16]]),
        ("AdaptiveAvgPool2d", [[3.5, 5.5], [11.5, 13.5]]),
    ],
)
def test_the_handbooks_calls_are_kept_as_examples(name: str, expected: list[list[float]]) -> None:
    """Its numbers 1 to 16 hide the rule (all maxima are in corners, or nothing is rounded): they are no default."""
    proved = registry.find(name).operator.trace_example(example(name, "handbook"))
    assert proved.output.tolist() == [expected]


def _watched(name: str) -> Show:
    scene, chosen = registry.find(name), example(name)
    return watch_scene(scene, Request(scene.operator.trace_example(chosen), chosen, "en", "light"))


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("AdaptiveAvgPool1d", ["1·5 / 3 = 1.67", "⌊1·5 / 3⌋ = ⌊1.67⌋ = 1", "⌈(1 + 1)·5 / 3⌉ = ⌈3.33⌉ = 4"]),
        ("FractionalMaxPool2d", ["(1 + 0.496)·1.25 = 1.870", "a_{1} = ⌊1.87⌋ − ⌊0.62⌋ = 1"]),
    ],
)
def test_a_formula_has_no_name_that_stands_nowhere(name: str, told: list[str]) -> None:
    said = [one.text for one in _watched(name).scene.said if one.kind == "numbers"]
    assert said[: len(told)] == told


def test_the_law_of_a_volume_tells_of_its_depth() -> None:
    laws = [one.text for one in _watched("AdaptiveMaxPool3d").scene.said if one.kind == "law"]
    assert laws[0] == "y_{d,r,c} = max x_{k,l,m},  ⌊4d / 3⌋ ≤ k < ⌈4(d + 1) / 3⌉"


@pytest.mark.parametrize("name", ["AdaptiveAvgPool1d", "AdaptiveMaxPool2d", "FractionalMaxPool3d"])
def test_the_figure_stands_in_the_middle_until_rulers_need_room(name: str) -> None:
    show = _watched(name)
    assert show.first is not None
    boxes = [piece.bounds for piece in show.first.pieces if piece.zone == "stage"]
    left, bottom = min(box[0] for box in boxes), min(box[1] for box in boxes)
    right, top = max(box[2] for box in boxes), max(box[3] for box in boxes)
    middle = (bars.STAGE_BOTTOM + bars.STAGE_TOP) / 2
    assert (left + right, bottom + top) == (pytest.approx(0, abs=0.02), pytest.approx(2 * middle, abs=0.02))
    grid = show.stages[-1].grids[0]
    assert all(
        np.allclose(number.get_center()[:2], grid.center(cell)[:2], atol=0.1)
        for cell, number in grid.numbers.items()
    ), "then every number is in its cell again"


def test_the_steps_are_said_to_be_those_of_the_axis_that_is_explained() -> None:
    said = [
        _watched(name).scene.sections[-1].caption for name in ("FractionalMaxPool2d", "FractionalMaxPool3d")
    ]
    assert said[0]["en"].startswith("Column steps 1, 2, 1, 1")
    assert said[1]["en"].startswith("Depth steps")
    assert [one["zh"][:2] for one in said] == ["列的", "深度"]


def test_names_take_no_more_room_from_numbers_than_they_are_wide() -> None:
    pool = nn.AdaptiveMaxPool2d((3, 2), return_indices=True)
    trace = called(pool, (torch.randn(1, 2, 3, 5, generator=torch.Generator().manual_seed(0)),), {}).trace
    board = watch(example("AdaptiveMaxPool2d"), trace, "en", "light").scene.board
    assert board.has_numbers
