"""Where the elements of a normalization layer's input stand: each once, in the tint of its set."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from torchreel.assets.examples import example
from torchreel.render.check.stage import watch
from torchreel.scenes import registry
from torchreel.scenes.api import called
from torchreel.scenes.normalization.arrangement import MOST_SETS, arrangements
from torchreel.scenes.normalization.desk import shortened
from torchreel.scenes.normalization.sets_trace import Partition, epsilon
from torchreel.scenes.parts.family import family
from torchreel.scenes.parts.text import Text
from torchreel.scenes.stage.bars import STAGE_BOTTOM
from torchreel.scenes.stage.beats import reading_time
from torchreel.scenes.trace.printed import Printing, printing


@st.composite
def partitions(draw: st.DrawFn) -> Partition:
    """Any input cut along any of its axes."""
    shape = tuple(draw(st.lists(st.integers(1, 5), min_size=1, max_size=5)))
    axes = draw(st.sets(st.integers(0, len(shape) - 1), min_size=1))
    return Partition(shape, {axis: shape[axis] for axis in sorted(axes)})


@given(partitions(), st.integers(1, 8), st.integers(1, 6))
def test_what_is_shown_is_a_corner_and_stands_once(sets: Partition, rows: int, cols: int) -> None:
    found = arrangements(sets, "", (rows, cols))
    (down, across), (high, wide) = found.planes, found.size
    assert down * high <= max(rows, 1) and across * wide <= max(cols, 1)
    assert len(found.sets) <= MOST_SETS
    cells = itertools.product(range(down), range(across), range(high), range(wide))
    drawn = [found.index((d, a))((row, col)) for d, a, row, col in cells]
    assert sorted(drawn) == sorted(found.elements) and len(set(drawn)) == math.prod(found.shown)
    for element in found.elements:
        assert found.owners[element] == tuple(sets.set_of(torch.tensor([element]))[0].tolist())


@given(partitions())
def test_sets_in_rows_take_whole_rows_below_each_other(sets: Partition) -> None:
    found = arrangements(sets, "", (8, 6))
    (down, across), (high, wide) = found.planes, found.size
    owners = [
        {found.owners[found.index((d, a))((row, col))] for a in range(across) for col in range(wide)}
        for d in range(down)
        for row in range(high)
    ]
    runs = [len(list(run)) for _, run in itertools.groupby(owners, key=lambda own: sorted(own)[0])]
    lie_in_rows = (
        all(len(own) == 1 for own in owners) and len(runs) == len(found.sets) and len(set(runs)) == 1
    )
    assert found.in_rows == (runs[0] if lie_in_rows else 0)


@pytest.mark.parametrize("text, value, written", [
    ("−1.50", -1.4999981, "−1.5"), ("2.00", 1.9999975, "2"), ("0.00", 2e-7, "0"), ("1.67", 1.6667, "1.67"),
    ("0.50", 0.5004, "0.50"), ("12", 12.0, "12"), ("1.0e5", 1e5, "1.0e5"),
])  # fmt: skip
def test_zeros_that_only_epsilon_keeps_from_being_exact_go(text: str, value: float, written: str) -> None:
    assert shortened(text, value) == written


def test_epsilon_is_a_letter_where_it_is_too_small_to_be_seen() -> None:
    assert [epsilon(value).text for value in (1e-5, 0.5, 0.0)] == ["ε", "0.5", "0"]


@pytest.mark.parametrize("operator", ["BatchNorm2d", "LayerNorm", "GroupNorm"])
def test_while_a_mean_is_explained_its_set_is_lit_and_the_others_are_grey(operator: str) -> None:
    chosen = example(operator)
    show = watch(chosen, registry.find(operator).operator.trace_example(chosen), "en", "light")
    stage = next(one for one in show.stages if one.section.focus and one.section.focus[0] == "mean")
    focus = stage.section.focus
    assert focus is not None
    members = {index for tensor, index in show.scene.trace.step(*focus).reads if tensor == "input"}
    grey = show.scene.look.theme.empty
    for number in stage.section.numbers:
        if number.tensor != "input" or number.box[1] < -2.5:
            continue
        x, y = (number.box[0] + number.box[2]) / 2, (number.box[1] + number.box[3]) / 2
        under = [
            piece
            for piece in stage.pieces
            if piece.fill_opacity and not piece.is_text
            and piece.bounds[0] < x < piece.bounds[2] and piece.bounds[1] < y < piece.bounds[3]
        ]  # fmt: skip
        assert (under[-1].fill != grey) == (number.index in members)


def test_a_mean_that_few_decimals_write_is_not_rounded() -> None:
    """(1 + 6 + … + 8) / 16 = 6.875: 6.88 is not what a reader gets."""
    trace = registry.find("GroupNorm").operator.trace_example(example("GroupNorm", "groups"))
    assert printing(trace.step("num_groups=1.mean", (0, 0)), 2) == Printing(3, True)


def test_what_the_stage_rounds_is_rounded_in_the_bar() -> None:
    """A copied 0.8975 is 0.90 in its cell and beside it."""
    table = nn.Embedding.from_pretrained(torch.tensor([[0.8975, 0.25]]))
    trace = called(table, (torch.tensor([0]),), {}).trace
    assert printing(trace.step("output", (0, 0)), 2) == Printing(2, True)


@pytest.mark.parametrize("operator, first", [
    ("BatchNorm1d", "centered"), ("GroupNorm", "centered"), ("LayerNorm", "centered"), ("RMSNorm", "square"),
])  # fmt: skip
def test_the_middle_block_never_holds_two_kinds_of_numbers(operator: str, first: str) -> None:
    """It has one heading, which is not true of both."""
    chosen = example(operator)
    show = watch(chosen, registry.find(operator).operator.trace_example(chosen), "en", "light")
    held = [
        {one.tensor for one in stage.section.numbers if one.box[1] > STAGE_BOTTOM} & {first, "normalized"}
        for stage in show.stages
    ]
    assert {first} in held and {"normalized"} in held and {first, "normalized"} not in held


def test_law_and_sets_stand_as_long_as_the_words_about_them() -> None:
    chosen = example("BatchNorm1d")
    show = watch(chosen, registry.find("BatchNorm1d").operator.trace_example(chosen), "en", "light")
    words, began = show.scene.said[1].text, next(one.time for one in show.scene.said if one.kind == "numbers")
    assert began >= reading_time(words, "en")


def test_rows_of_rms_norm_say_what_the_last_words_speak_of() -> None:
    chosen = example("RMSNorm")
    show = watch(chosen, registry.find("RMSNorm").operator.trace_example(chosen), "en", "light")
    drawn = {part.text for part in family(show.scene.mobjects) if isinstance(part, Text)}
    assert {"[0]", "[0]·2", "[0]+10"} <= drawn
