"""Unfold and Fold: every element is where torch puts it, for any valid setting; wrong ones are refused in one line."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from torchreel.assets.errors import UserError
from torchreel.assets.examples import example, examples
from torchreel.render.check.layout import RULES
from torchreel.render.check.stage import watch_scene
from torchreel.scenes.folding import operators
from torchreel.scenes.folding.fold import Fold
from torchreel.scenes.folding.trace import fold_blocks, scaled_step
from torchreel.scenes.folding.unfold import Unfold
from torchreel.scenes.stage.telling import Request
from torchreel.scenes.trace.formula import Ref
from torchreel.scenes.trace.proof import Rule, Trace, TraceError

Pair = tuple[int, int]


@dataclass(frozen=True)
class Case:
    """Settings that fit a plane `(H, W)`, and the leading sizes `(N, C)` or `(C,)`."""

    plane: Pair
    lead: tuple[int, ...]
    sizes: dict[str, Pair]
    seed: int

    def random(self, *shape: int) -> Tensor:
        values = torch.randn(shape, generator=torch.Generator().manual_seed(self.seed))
        special = (float("nan"), float("inf"), -float("inf"), 123456.789, 1e-9)
        values.view(-1)[self.seed % values.numel()] = special[self.seed % len(special)]
        return values


@st.composite
def cases(draw: st.DrawFn) -> Case:
    def pair(low: int, high: int) -> Pair:
        return draw(st.integers(low, high)), draw(st.integers(low, high))

    kernel, dilation, padding = pair(1, 3), pair(1, 2), pair(0, 2)
    spans = [d * (k - 1) + 1 - 2 * p for k, d, p in zip(kernel, dilation, padding, strict=True)]
    plane = tuple(max(1, span) + draw(st.integers(0, 4)) for span in spans)
    lead = draw(st.sampled_from([(1,), (2,), (1, 1), (2, 3)]))
    sizes = {"kernel_size": kernel, "dilation": dilation, "padding": padding, "stride": pair(1, 3)}
    return Case((plane[0], plane[1]), lead, sizes, draw(st.integers(0, 9999)))


@settings(max_examples=80, deadline=None)
@given(case=cases())
def test_unfold_proves_itself(case: Case) -> None:
    x = case.random(*case.lead, *case.plane)
    trace = operators.Unfold.trace(nn.Unfold(**case.sizes), {"input": x})
    torch.testing.assert_close(trace.tensors["output"], F.unfold(x, **case.sizes), equal_nan=True)


@settings(max_examples=80, deadline=None)
@given(case=cases())
def test_fold_proves_itself_and_the_running_sums_end_in_the_canvas(case: Case) -> None:
    columns = F.unfold(torch.zeros(1, *case.lead[-1:], *case.plane), **case.sizes)
    x = case.random(*case.lead[:-1], *columns.shape[1:])
    trace = operators.Fold.trace(nn.Fold(case.plane, **case.sizes), {"input": x})
    last = columns.shape[-1] - 1
    canvas = trace.tensors["canvas"]
    running = trace.tensors["running"]
    assert isinstance(running, Tensor) and isinstance(canvas, Tensor)
    torch.testing.assert_close(running.select(-3, last), canvas, equal_nan=True)
    torch.testing.assert_close(trace.tensors["output"], F.fold(x, case.plane, **case.sizes), equal_nan=True)


@settings(max_examples=40, deadline=None)
@given(case=cases())
def test_windows_are_those_that_unfold_reads(case: Case) -> None:
    height, width = case.plane
    positions = torch.arange(1.0, height * width + 1).reshape(1, 1, height, width)
    columns = F.unfold(positions, **case.sizes)[0]
    trace = operators.Fold.trace(nn.Fold(case.plane, **case.sizes), {"input": columns})
    blocks = fold_blocks(trace)
    assert blocks.columns == columns.shape[-1] and blocks.taps == columns.shape[-2]
    for column in range(blocks.columns):
        read = [y * width + x + 1 if blocks.holds((y, x)) else 0 for y, x in blocks.window(column)]
        assert read == columns[:, column].tolist()
    ones = F.fold(torch.ones_like(columns)[None], case.plane, **case.sizes)
    assert blocks.kept == ones.sum()
    assert blocks.overlaps == bool((trace.tensors["covered"][-1] > 1).any())  # type: ignore[index]


def test_a_step_of_unfold_reads_one_element_or_padding() -> None:
    trace = operators.Unfold.trace_example(example("Unfold", "padding"))
    assert list(trace.step("output", (0, 0, 0)).reads) == []
    assert list(trace.step("output", (0, 4, 0)).reads) == [("input", (0, 0, 0, 0))]


def test_a_step_of_fold_reads_its_columns_in_order() -> None:
    trace = operators.Fold.trace_example(example("Fold"))
    step = trace.step("output", (0, 0, 1, 1))
    assert [index for _, index in step.reads] == [(0, 3, 0), (0, 2, 1), (0, 1, 2), (0, 0, 3)]
    assert "".join(token.text for token in step.tokens(lambda _, value: f"{value:g}")) == "6 + 7 + 10 + 11"


def test_running_sums_grow_column_by_column() -> None:
    trace = operators.Fold.trace_example(example("Fold"))
    assert [trace.value("running", (0, 0, column, 1, 1)) for column in range(4)] == [6, 13, 23, 34]
    assert [trace.value("covered", (column, 1, 1)) for column in range(4)] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    "overrides", [{}, {"stride": 2}, {"kernel_size": 3, "padding": 1}, {"dilation": 2}, {"kernel_size": 1}]
)
def test_roundtrip_is_the_picture_times_the_overlap_count(overrides: dict[str, int]) -> None:
    trace = operators.Fold.trace_example(example("Fold", "roundtrip"), overrides)
    x, output = trace.tensors["x"], trace.tensors["output"]
    assert isinstance(x, Tensor) and isinstance(output, Tensor)
    settings = {"kernel_size": 2, **overrides}
    counts = F.fold(F.unfold(torch.ones_like(x), **settings), (4, 4), **settings)
    torch.testing.assert_close(output, x * counts)
    step = scaled_step(trace, (0, 0, 1, 1))
    assert step.formula.evaluate(trace.tensors).item() == step.value


def test_large_running_sums_are_not_kept() -> None:
    trace = operators.Fold.trace(nn.Fold(40, 2), {"input": torch.ones(1, 4, 39 * 39)})
    assert not isinstance(trace.tensors["running"], Tensor)
    assert trace.value("running", (0, 0, 39 * 39 - 1, 20, 20)) == 4


def _trace(operator: str, name: str = "default") -> Trace:
    return (operators.Unfold if operator == "Unfold" else operators.Fold).trace_example(
        example(operator, name)
    )


@pytest.mark.parametrize(
    ("operator", "name", "tensor", "message"),
    [
        ("Unfold", "default", "output", r"Unfold: a step gives 7 for output\[0, 1, 4\]\D*torch gives 77"),
        ("Fold", "default", "canvas", r"Fold: a step gives \d+ for canvas\[0, 0, 1, 1\]\D*torch gives 77"),
        ("Fold", "default", "output", r"Fold: a step gives 34 for output\[0, 0, 1, 1\]\D*torch gives 77"),
        ("Fold", "default", "overlap", r"Fold: a step gives 4 for overlap\[1, 1\]\D*torch gives 77"),
        ("Fold", "roundtrip", "x", r"Fold: a step gives 77 for input\[0, 0, 4\]; torch gives 6"),
    ],
)
def test_wrong_element_is_refused_with_its_place_and_both_values(
    operator: str, name: str, tensor: str, message: str
) -> None:
    trace = _trace(operator, name)
    wrong = trace.tensors[tensor].clone()  # type: ignore[union-attr]
    wrong[(0, 1, 4) if operator == "Unfold" else (0,) * (wrong.ndim - 2) + (1, 1)] = 77.0
    with pytest.raises(TraceError, match=message):
        replace(trace, tensors={**trace.tensors, tensor: wrong})


def _with_rule(trace: Trace, tensor: str, change: Callable[[Rule], Rule]) -> Trace:
    return replace(trace, rules=tuple(change(r) if r.tensor == tensor else r for r in trace.rules))


def test_rows_in_another_order_are_refused() -> None:
    def transposed(rule: Rule) -> Rule:
        order = torch.tensor([0, 2, 1, 3])
        return replace(
            rule,
            formula=lambda cells: rule.formula(
                torch.stack([cells[:, 0], order[cells[:, 1]], cells[:, 2]], 1)
            ),
        )

    with pytest.raises(TraceError, match=r"Unfold: a step gives 5 for output\[0, 1, 0\]; torch gives 2"):
        _with_rule(_trace("Unfold"), "output", transposed)


def test_a_column_that_is_overwritten_instead_of_added_is_refused() -> None:
    with pytest.raises(TraceError, match=r"Fold: canvas\[0, 0, 0, 1\] is written more than once"):
        _with_rule(_trace("Fold"), "canvas", lambda rule: replace(rule, accumulate=False))


def test_a_column_put_in_another_place_is_refused() -> None:
    def shifted(rule: Rule) -> Rule:
        return replace(rule, formula=lambda cells: Ref("input", cells.roll(1, 0)))

    with pytest.raises(TraceError, match=r"Fold: a step gives .* for canvas\[0, 0, 0, 0\]; torch gives 1"):
        _with_rule(_trace("Fold"), "canvas", shifted)


@pytest.mark.parametrize(
    ("operator", "overrides", "text", "message"),
    [
        ("Unfold", {"kernel_size": 9}, None, "kernel_size=9 does not fit the padded input 4 x 4 (padding=0)"),
        (
            "Unfold",
            {"kernel_size": "two"},
            None,
            "kernel_size='two' should be an integer or a tuple of integers.",
        ),
        ("Unfold", {"stride": 0}, None, "stride=0 should be at least 1."),
        ("Unfold", {"padding": -1}, None, "padding should be an integer of at least 0"),
        ("Unfold", {"dilation": (1, 2, 3)}, None, "dilation should be an integer of at least 1, or two"),
        ("Unfold", {}, "[1., 2.]", "expected an input (N, C, H, W) or (C, H, W), got shape (2,)."),
        ("Unfold", {}, "torch.zeros(1, 0, 4, 4)", "without empty dimensions but N, got shape (1, 0, 4, 4)"),
        ("Unfold", {"kernel": 3}, None, "has no argument 'kernel'. Did you mean 'kernel_size'?"),
        ("Fold", {"kernel_size": 3}, None, "the input has 4 rows, which is no multiple of kernel_size=3"),
        (
            "Fold",
            {"stride": 2},
            None,
            "has 1 windows, but the input has 4 columns. Use an input of 1 columns",
        ),
        ("Fold", {"output_size": 1}, None, "kernel_size=2 does not fit output_size=1 with padding=0"),
        ("Fold", {}, "torch.ones(1, 1, 4, 4)", "or (C * kernel size, L), got shape (1, 1, 4, 4)."),
    ],
)
def test_a_mistake_is_said_in_one_line(
    operator: str, overrides: dict[str, Any], text: str | None, message: str
) -> None:
    made = operators.Unfold if operator == "Unfold" else operators.Fold
    with pytest.raises(UserError) as caught:
        made.trace_example(example(operator), overrides, text)
    assert str(caught.value).startswith(operator)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_roundtrip_says_that_a_window_does_not_fit_its_picture() -> None:
    with pytest.raises(UserError, match=r"^Fold: kernel_size=9 does not fit the padded input 4 x 4"):
        operators.Fold.trace_example(example("Fold", "roundtrip"), {"kernel_size": 9})


@pytest.mark.parametrize(
    ("overrides", "text", "shape"),
    [
        ({}, "torch.ones(1, 4, 9)", (1, 1, 4, 4)),
        ({}, "torch.ones(8, 6)", (2, 3, 4)),
        ({"stride": 2}, "torch.ones(1, 4, 4)", (1, 1, 4, 4)),
        ({"output_size": (3, 3)}, "torch.ones(2, 4, 4)", (2, 1, 3, 3)),
    ],
)
def test_new_columns_bring_an_output_size(
    overrides: dict[str, Any], text: str, shape: tuple[int, ...]
) -> None:
    assert operators.Fold.trace_example(example("Fold"), overrides, text).shape("output") == shape


def test_the_size_that_an_error_suggests_works() -> None:
    trace = operators.Fold.trace_example(example("Fold"), {"stride": 2, "output_size": (4, 4)})
    assert trace.shape("output") == (1, 1, 4, 4)


SCENES = {"Unfold": Unfold, "Fold": Fold}
LARGE = [
    ("Unfold", {"kernel_size": 3}, "torch.randn(1, 64, 8, 8)"),
    ("Unfold", {"kernel_size": (1, 2), "padding": (0, 1)}, "torch.randn(2, 2, 3)"),
    ("Unfold", {"kernel_size": 1}, "torch.randn(1, 1, 1, 1)"),
    ("Unfold", {"kernel_size": 4}, "torch.randn(1, 1, 4, 4)"),
    ("Unfold", {}, "torch.zeros(0, 1, 4, 4)"),
    ("Unfold", {}, "[[[[nan, inf], [123456.789, 1e-9]]]]"),
    ("Fold", {}, "torch.randn(1, 256, 9)"),
    ("Fold", {"kernel_size": 3, "padding": 1}, "torch.ones(1, 9, 9)"),
    ("Fold", {"stride": 3, "output_size": 5}, None),
    ("Fold", {}, "torch.randn(1, 4, 225)"),
    ("Fold", {}, "torch.zeros(0, 4, 4)"),
    ("Fold", {}, "[[[nan], [-inf], [123456.789], [1e-9]]]"),
]
EVERY = [(operator, name) for operator in SCENES for name in examples()[operator]]


def _sections(operator: str, name: str, overrides: dict[str, Any], text: str | None) -> tuple[Any, Trace]:
    from torchreel.render.renderer import capture
    from torchreel.render.settings import View

    made, one, scenes = SCENES[operator], example(operator, name), []
    trace = made.operator.trace_example(one, overrides, text)

    def make(renderer: Any) -> Any:
        scenes.append(made(Request(trace, one, "en"), renderer=renderer))
        return scenes[-1]

    capture(make, View(320, 180, 10), [0.0])
    return scenes[-1].sections, trace


@pytest.mark.parametrize(("operator", "overrides", "text"), LARGE)
def test_any_valid_call_keeps_the_layout_rules(
    operator: str, overrides: dict[str, Any], text: str | None
) -> None:
    one = example(operator)
    trace = SCENES[operator].operator.trace_example(one, overrides, text)
    show = watch_scene(SCENES[operator], Request(trace, one, "en"))
    answers: dict[Any, list[str]] = {}
    assert 7.95 <= show.scene.time <= 30.05
    assert [said for rule in RULES.values() for stage in show.stages for said in rule(stage, answers)] == []


@pytest.mark.parametrize(("operator", "name"), EVERY)
def test_a_clip_takes_eight_to_thirty_seconds_and_ends_on_the_whole_output(operator: str, name: str) -> None:
    sections, trace = _sections(operator, name, {}, None)
    assert 7.95 <= sections[-1].end <= 30.05
    shown = {number.index for number in sections[-1].numbers if number.tensor == "output"}
    output = trace.tensors["output"]
    assert shown == {tuple(index) for index in torch.ones_like(output).nonzero().tolist()}  # type: ignore[arg-type]


@pytest.mark.parametrize(("operator", "name"), EVERY)
def test_every_number_shown_is_the_element_it_says(operator: str, name: str) -> None:
    sections, trace = _sections(operator, name, {}, None)
    for section in sections:
        for number in section.numbers:
            assert number.value == trace.value(number.tensor, number.index)
            assert float(number.text.replace("−", "-")) == number.value


@settings(max_examples=60, deadline=None)
@given(case=cases())
def test_facts_are_those_of_windows_counted_by_torch(case: Case) -> None:
    columns = F.unfold(torch.zeros(1, case.lead[-1], *case.plane), **case.sizes)
    trace = operators.Fold.trace(nn.Fold(case.plane, **case.sizes), {"input": torch.ones_like(columns)})
    inside = F.fold(torch.ones_like(columns), case.plane, **case.sizes)
    facts = operators.Fold.facts(trace)
    assert facts["ones"]
    assert facts["holes"] == bool((inside == 0).any())
    assert facts["restored"] == bool((inside == 1).all())
    padded = [n + 2 * p for n, p in zip(case.plane, case.sizes["padding"], strict=True)]
    whole = F.fold(torch.ones_like(columns), padded, **{**case.sizes, "padding": (0, 0)})
    unfolded = operators.Unfold.trace(
        nn.Unfold(**case.sizes), {"input": torch.ones(case.lead[-1], *case.plane)}
    )
    assert facts["one_padding"] == (trace.module.padding in (0, 1, 2) or len(set(trace.module.padding)) == 1)  # type: ignore[union-attr]
    assert operators.Unfold.facts(unfolded)["several_channels"] == (case.lead[-1] > 1)
    assert facts["overlap"] == operators.Unfold.facts(unfolded)["overlap"] == bool((whole > 1).any())


@pytest.mark.parametrize(("operator", "name"), EVERY)
def test_the_law_in_the_bar_names_the_element_that_the_trace_reads(operator: str, name: str) -> None:
    """Its indices, worked out for every window and place in it, are those of the rule."""
    one = example(operator, name)
    trace = SCENES[operator].operator.trace_example(one)
    scene = SCENES[operator](Request(trace, one, "en"))
    scene.setup()
    list(scene.story())
    output, source = (token.text for token in scene.law() if token.tensor)
    blocks = scene.blocks
    assert blocks is not None
    for column in range(blocks.columns):
        for row, at in enumerate(blocks.window(column)):
            given = dict(zip("abuv", (*divmod(column, blocks.counts[1]), *blocks.tap(row)), strict=True))
            matrix, picture = (output, source) if operator == "Unfold" else (source, output)
            assert _worked_out(matrix, given)[-2:] == [row, column]
            assert _worked_out(picture, given)[-2:] == list(at)


def _worked_out(markup: str, given: dict[str, int]) -> list[int]:
    places = markup[markup.index("{") + 1 : -1].replace("−", "-").split(",")
    spelled = (re.sub(r"(\d)([a-z])", r"\1*\2", place) for place in places)
    return [eval(place, {**given, "c": 0}) for place in spelled]


@pytest.mark.parametrize("name", list(examples()["Fold"]))
def test_unfold_is_spoken_of_where_it_made_the_columns(name: str) -> None:
    made = operators.Fold.trace_example(example("Fold", name))
    source = made.tensors.get("x")
    cut = isinstance(source, Tensor) and torch.equal(F.unfold(source, 2), made.tensors["input"])  # type: ignore[arg-type]
    assert operators.Fold.facts(made)["unfolded"] == cut
