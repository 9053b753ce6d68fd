"""Max pooling traces prove values and indices for any valid call, refuse a wrong one, and say what does not fit."""

from __future__ import annotations

import dataclasses
import itertools
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
from torchreel.scenes import registry
from torchreel.scenes.parts.places import Place
from torchreel.scenes.parts.shapes import Path
from torchreel.scenes.pooling.window.beam import Beam
from torchreel.scenes.pooling.window.facts import max_facts
from torchreel.scenes.pooling.window.max_pool import MaxPool1d, MaxPool2d, MaxPool3d
from torchreel.scenes.pooling.window.trace import record_max_pool
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.stage.telling import Request
from torchreel.scenes.trace.operator import Operator
from torchreel.scenes.trace.proof import Trace, TraceError
from torchreel.tests.calls import check_call

CLASSES = {1: nn.MaxPool1d, 2: nn.MaxPool2d, 3: nn.MaxPool3d}
SPECIAL = torch.tensor([math.nan, math.inf, -math.inf, 0.0, 1.0])


@st.composite
def calls(draw: st.DrawFn) -> tuple[nn.Module, torch.Tensor]:
    """A valid module with an input that fits it, in one to three dimensions; half of the inputs hold NaN and ties."""
    dims = draw(st.integers(1, 3))
    kernel = draw(st.lists(st.integers(1, 3), min_size=dims, max_size=dims))
    module = CLASSES[dims](
        tuple(kernel),
        stride=draw(st.integers(1, 3)),
        padding=tuple(draw(st.integers(0, size // 2)) for size in kernel),
        dilation=draw(st.integers(1, 3)),
        ceil_mode=draw(st.booleans()),
        return_indices=draw(st.booleans()),
    )
    sizes = draw(st.lists(st.integers(7, 8), min_size=dims, max_size=dims))
    shape = (*draw(st.sampled_from([(), (1,), (2,)])), draw(st.integers(1, 2)), *sizes)
    generator = torch.Generator().manual_seed(draw(st.integers(0, 999)))
    if draw(st.booleans()):
        return module, SPECIAL[torch.randint(len(SPECIAL), shape, generator=generator)]
    return module, torch.randn(shape, generator=generator)


def trace(module: nn.Module, x: torch.Tensor) -> Trace:
    return Operator(type(module), record_max_pool).trace(module, {"input": x})


@settings(max_examples=60, deadline=None)
@given(calls(), st.sampled_from([torch.float32, torch.float64, torch.bfloat16, torch.float16, torch.int64]))
def test_any_call_is_traced_in_any_type(call: tuple[nn.Module, torch.Tensor], dtype: torch.dtype) -> None:
    module, x = call
    module.return_indices |= not dtype.is_floating_point  # type: ignore[operator]
    check_call(module, x.nan_to_num(0, 9, -9).to(dtype) if dtype == torch.int64 else x.to(dtype))


@pytest.mark.parametrize("dims", CLASSES)
def test_an_empty_batch_and_a_single_size_in_a_tuple_are_traced(dims: int) -> None:
    made = check_call(CLASSES[dims]((2,), return_indices=True), torch.zeros(0, 3, *[4] * dims))
    assert made.outputs == ("output", "indices")


@settings(max_examples=60, deadline=None)
@given(calls())
def test_values_and_indices_of_any_valid_call_are_torchs_own(call: tuple[nn.Module, torch.Tensor]) -> None:
    module, x = call
    proved = trace(module, x)
    result = module(x)
    values = result[0] if isinstance(result, tuple) else result
    torch.testing.assert_close(proved.tensors["output"], values, equal_nan=True)
    assert proved.outputs == (("output", "indices") if isinstance(result, tuple) else ("output",))
    assert len(list(proved.steps("indices"))) == values.numel()


@settings(max_examples=25, deadline=None)
@given(calls(), st.sampled_from(["output", "indices"]), st.data())
def test_a_changed_value_or_index_is_refused(
    call: tuple[nn.Module, torch.Tensor], name: str, data: st.DataObject
) -> None:
    proved = trace(*call)
    changed = proved.tensors[name].nan_to_num(0, 0, 0).clone()  # type: ignore[union-attr]
    flat = data.draw(st.integers(0, changed.numel() - 1))
    changed.view(-1)[flat] += 1000
    with pytest.raises(TraceError, match=rf"{name}\[.*torch gives"):
        dataclasses.replace(proved, tensors={**proved.tensors, name: changed})


@pytest.mark.parametrize(
    "plane, index",
    [
        ([[2.0, 2.0], [2.0, 2.0]], 0),
        ([[1.0, math.nan], [9.0, 3.0]], 1),
        ([[math.nan, 1.0], [math.nan, 3.0]], 2),
        ([[-math.inf, -math.inf], [-math.inf, -5.0]], 3),
        ([[-math.inf, -math.inf], [-math.inf, -math.inf]], 0),
    ],
)
def test_the_first_of_equals_wins_and_nan_beats_everything(plane: list[list[float]], index: int) -> None:
    proved = trace(nn.MaxPool2d(2, return_indices=True), torch.tensor([plane]))
    assert proved.value("indices", (0, 0, 0)) == index


def test_the_border_is_minus_infinity_and_never_wins() -> None:
    chosen = example("MaxPool2d", "padding")
    proved = trace(nn.MaxPool2d(**chosen.kwargs), torch.tensor(chosen.inputs["input"], dtype=torch.float32))
    corner = proved.step("output", (0, 0, 0, 0))
    assert corner.value == -2
    drawn = [token.text for token in corner.tokens(lambda tensor, value: f"{value:g}", 9)]
    assert drawn.count("-inf") == 5
    assert "0" not in drawn


def test_cells_beyond_the_input_do_not_exist_for_ceil_mode() -> None:
    module = nn.MaxPool2d(3, ceil_mode=True)
    proved = trace(module, torch.arange(1.0, 17.0).reshape(1, 1, 4, 4))
    corner = proved.step("output", (0, 0, 1, 1))
    assert "".join(token.text for token in corner.tokens(lambda tensor, value: f"{value:g}")) == "max(16)"


def test_an_index_counts_row_by_row() -> None:
    proved = trace(nn.MaxPool2d(2, return_indices=True), torch.tensor([[[3.0, 8, 1, 6], [7, 2, 9, 4]]]))
    step = proved.step("indices", (0, 0, 1))
    assert step.formula.symbols() == "row·4 + column"
    drawn = "".join(token.text for token in step.tokens(lambda tensor, value: f"{value:g}"))
    assert (drawn, step.value) == ("1·4 + 2", 6)


@pytest.mark.parametrize(
    "settings, given, said",
    [
        ({"padding": 2}, None, r"padding=2 should be at most half of kernel_size=2\. Use padding <= 1"),
        ({"padding": -1}, None, "must be non-negative"),
        ({"kernel_size": 5}, None, "kernel_size=5 does not fit the padded input 4 x 4"),
        ({"kernel_size": 9, "ceil_mode": True, "stride": 1}, None, "Output size is too small"),
        ({"stride": 0}, None, "stride=0 should be at least 1"),
        ({}, "[1, 2, 3]", "expected 3D or 4D"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(
    settings: dict[str, object], given: str | None, said: str
) -> None:
    with pytest.raises(UserError, match=said) as refused:
        MaxPool2d.operator.trace_example(example("MaxPool2d"), settings, given)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "name, settings, given",
    [
        ("default", {}, "torch.randn(2, 64, 32, 32)"),
        ("return_indices", {}, "torch.randn(1, 64, 32, 32)"),
        ("padding", {"kernel_size": 32, "padding": 4, "stride": 1}, "torch.randn(1, 1, 32, 32)"),
        ("default", {"kernel_size": 1}, "[[[float('nan')]]]"),
        ("return_indices", {"kernel_size": [2, 3], "ceil_mode": True}, "torch.randn(1, 5, 5) * 1e6"),
        ("padding", {}, "torch.full((1, 4, 4), float('-inf'))"),
        (
            "default",
            {"kernel_size": 2, "padding": 1, "dilation": 5, "return_indices": True, "stride": 1},
            None,
        ),
        ("default", {"kernel_size": 3, "stride": 2}, "torch.randn(1, 300, 300)"),
        ("default", {"kernel_size": 300}, "torch.randn(1, 300, 300)"),
        ("default", {}, "torch.zeros(0, 3, 4, 4)"),
    ],
)
def test_any_call_is_drawn_in_the_time_there_is(
    name: str, settings: dict[str, object], given: str | None
) -> None:
    assert faults("MaxPool2d", name, settings, given) == []


@pytest.mark.parametrize(
    ("scene", "settings", "given"),
    [
        (MaxPool1d, {"return_indices": True, "padding": 1, "kernel_size": 3, "ceil_mode": True}, None),
        (MaxPool1d, {"kernel_size": 3, "dilation": 2, "stride": 1}, "torch.randn(2, 3, 20)"),
        (MaxPool1d, {}, "torch.randn(1, 1, 900)"),
        (MaxPool1d, {"kernel_size": 1}, "[[float('nan')]]"),
        (MaxPool3d, {"padding": 1, "return_indices": True, "kernel_size": 2}, "torch.randn(1, 1, 2, 3, 3)"),
        (MaxPool3d, {"kernel_size": 2, "dilation": 2, "stride": 1}, None),
        (MaxPool3d, {"kernel_size": 3, "ceil_mode": True}, "torch.randn(1, 1, 4, 4, 4)"),
        (MaxPool3d, {"kernel_size": (1, 2, 3)}, "torch.randn(2, 2, 9, 20, 30)"),
        (MaxPool3d, {"kernel_size": (40, 1, 1)}, "torch.randn(1, 50, 2, 2)"),
        (MaxPool3d, {}, "torch.zeros(0, 1, 2, 2, 2)"),
    ],
)
def test_lines_and_volumes_keep_the_layout(
    scene: type[OperatorScene], settings: dict[str, object], given: str | None
) -> None:
    chosen = example(scene.operator.name)
    found = Reading(
        watch_scene(scene, Request(scene.operator.trace_example(chosen, settings, given), chosen, "en"))
    )
    assert not [message for rule in RULES for message in found.broken[rule]]
    assert 8 <= found.duration <= 30


@settings(max_examples=60, deadline=None)
@given(calls())
def test_what_captions_claim_is_so(call: tuple[nn.Module, torch.Tensor]) -> None:
    """Windows are found again by pooling inputs with a single cell that is 1."""
    module, x = call
    made = trace(module, x)
    facts, dims = max_facts(made), int(type(module).__name__[-2])
    sizes = x.shape[-dims:]
    values: Any = module(torch.zeros(1, *sizes))
    outs = (values[0] if isinstance(values, tuple) else values).shape[1:]
    reads = []
    for cell in itertools.product(*map(range, sizes)):
        one = torch.zeros(1, *sizes)
        one[(0, *cell)] = 1
        result = module(one)
        reads.append(int((result[0] if isinstance(result, tuple) else result).sum()))
    assert facts["line"] == (dims == 1)
    assert facts["windows_overlap"] == (max(reads) > 1)
    assert facts["skips"] == (min(reads) == 0)
    assert facts["keeps_size"] == (outs == sizes)
    assert facts["shrinks"] == (outs != sizes and all(a <= b for a, b in zip(outs, sizes, strict=True)))
    settings = {name: getattr(module, name) for name in ("kernel_size", "stride", "padding", "dilation")}
    floor = CLASSES[dims](**settings)(torch.zeros(1, *sizes)).shape[1:]
    assert facts["ceil_adds_a_window"] == (outs != floor)
    assert facts["plain_numbers"] == bool(x.isfinite().all())


@pytest.mark.parametrize(
    ("scene", "settings", "given", "said", "never"),
    [
        (MaxPool1d, {"kernel_size": 1, "stride": 2, "ceil_mode": True}, "torch.arange(10.).reshape(1, 1, 10)",
         "skipped", "overlap"),
        (MaxPool2d, {"stride": 2}, None, "side by side", "overlap"),
        (MaxPool2d, {"stride": 1}, None, "overlap", "side by side"),
        (MaxPool2d, {}, "[[[1., float('nan')], [2., 3.]]]", "NaN beats", "largest"),
        (MaxPool1d, {}, None, "The length shrinks from 8 to 4", " 8 shrinks"),
        (MaxPool3d, {}, None, "spans 2 slices", "slices d"),
        (MaxPool3d, {"kernel_size": (1, 2, 2)}, None, "spans 1 slice;", "slices"),
    ],
)  # fmt: skip
def test_words_are_true_of_settings_together(
    scene: type[OperatorScene], settings: dict[str, object], given: str | None, said: str, never: str
) -> None:
    chosen = example(scene.operator.name)
    request = Request(scene.operator.trace_example(chosen, settings, given), chosen, "en")
    words = " ".join(section.caption["en"] for section in watch_scene(scene, request).scene.sections)
    assert said in words
    assert never not in words


def test_a_maximum_does_not_stand_in_one_corner_only() -> None:
    made = MaxPool2d.operator.trace_example(example("MaxPool2d"))
    places = [
        (step.index[-2:], divmod(int(made.value("indices", step.index)), 4)) for step in made.steps("output")
    ]
    corners = {(row - 2 * i, column - 2 * j) for (i, j), (row, column) in places}
    assert len(corners) > 1


def test_a_window_and_its_result_share_a_tint_where_windows_have_no_cell_in_common() -> None:
    chosen = example("MaxPool2d")
    board = watch_scene(
        MaxPool2d, Request(MaxPool2d.operator.trace_example(chosen), chosen, "en")
    ).scene.board
    fills = {}
    for position in board.positions():
        taps = [board.input.drawn.boxes[tap] for tap in board.size.taps(position)]
        seen = {tuple(box.fill_rgbas[0].round(3)) for box in taps}
        result = tuple(board.outputs["output"].drawn.boxes[position].fill_rgbas[0].round(3))
        assert result in seen
        assert len(seen) == 2
        fills[position] = result
    assert len(set(fills.values())) == 4


@pytest.mark.parametrize("name", ["MaxPool2d", "AvgPool2d", "LPPool2d", "MaxUnpool2d"])
def test_the_figures_lines_come_to_the_result_itself(name: str) -> None:
    """Behind a row of results they would seem to end at the first of them."""
    chosen, scene = example(name), registry.find(name)
    show = watch_scene(scene, Request(scene.operator.trace_example(chosen), chosen, "en"))
    step, stage = show.scene.figure(), show.stages[-1]
    target = stage.places[step.tensor, step.index]
    ends = {
        (round(float(x), 2), round(float(y), 2))
        for piece in stage.pieces
        if isinstance(piece.mobject, Path)
        for x, y, _ in piece.mobject.points[-1:]
    }
    assert target is not None
    assert {(round(target.left, 2), round(at, 2)) for at in (target.top, target.bottom)} <= ends


def test_slices_stand_over_those_of_their_result_and_lines_leave_below_the_window() -> None:
    """Side by side, lines ran behind slices that the window does not read and seemed to come out of the last one."""
    chosen = example("MaxPool3d")
    show = watch_scene(MaxPool3d, Request(MaxPool3d.operator.trace_example(chosen), chosen, "en"))
    board, step = show.scene.board, show.scene.figure()
    position = step.index[-3:]
    low, high = board.input.edges[1], board.outputs["output"].edges[3]
    assert high < low
    taps = [board.input.center(tap)[0] for tap in board.size.taps(position)]
    half = board.input.cells.width / 2
    lines = [piece.bounds for piece in show.stages[-1].pieces if isinstance(piece.mobject, Path)]
    starts = {
        float(piece.mobject.points[0, 0])
        for piece in show.stages[-1].pieces
        if isinstance(piece.mobject, Path)
    }
    assert [(bottom, top) for _, bottom, _, top in lines] == [(pytest.approx(high), pytest.approx(low))] * 2
    assert sorted(starts) == [
        pytest.approx(min(taps) - half, abs=0.1), pytest.approx(max(taps) + half, abs=0.1)
    ]  # fmt: skip


def test_lines_to_a_result_are_drawn_where_no_name_stands() -> None:
    beam = Beam.across((0, 0, 1, 1), (5, -3, 6, -2), 1.0, 5.0)
    assert beam.clear_of([]) is beam
    assert beam.clear_of([Place(2, 2, 3, 3)]) is beam
    shorter = beam.clear_of([Place(0.5, -0.5, 2.0, 0.0)])
    assert shorter is not None
    assert 2.0 < shorter.start[0, 0] < 2.2 and shorter.end[0, 0] == 5.0
    assert beam.clear_of([Place(0.5, -3, 4.9, 1)]) is None
