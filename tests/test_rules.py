"""Every element is proved; of very many, a sample that is the same in every run, and each one that is looked at."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import torchreel
from torchreel.assets.examples import example
from torchreel.scenes import catalogue
from torchreel.scenes.trace import rules
from torchreel.scenes.trace.formula import box, ravelled
from torchreel.scenes.trace.rules import batches, spread_sample


@settings(max_examples=200)
@given(st.lists(st.integers(0, 9), max_size=4).map(tuple), st.integers(1, 50))
def test_batches_cover_a_grid_once(over: tuple[int, ...], most: int) -> None:
    found = [box(*ends) for ends in batches(over, most)]
    assert all(0 < len(part) <= most for part in found)
    places = torch.cat([torch.zeros(0, dtype=torch.int64), *(ravelled(part, over) for part in found)])
    assert sorted(places.tolist()) == list(range(math.prod(over)))


@settings(max_examples=100)
@given(st.integers(1, 10**12), st.integers(1, 500), st.integers(0, 99))
def test_a_sample_is_spread_over_all_and_the_same_again(count: int, most: int, seed: int) -> None:
    found = spread_sample(count, most, str(seed))
    assert torch.equal(found, spread_sample(count, most, str(seed)))
    assert min(count, most) / 2 <= len(found) <= min(count, most)
    assert bool((found.diff() > 0).all()) and int(found[0]) >= 0 and int(found[-1]) < count
    assert bool((found.diff() <= 2 * count / min(count, most) + 1).all())


def test_each_number_is_as_likely_as_any_other() -> None:
    found = torch.cat([spread_sample(1000, 7, str(seed)) for seed in range(4000)])
    met = torch.bincount(found, minlength=1000).double()
    assert met.min() > 28 - 5 * 28**0.5 and met.max() < 28 + 6 * 28**0.5


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a thousand products were very many."""
    monkeypatch.setattr(rules, "MOST", 1000)
    monkeypatch.setattr(rules, "SAMPLE", 200)


CALLS = {
    "Conv2d": (nn.Conv2d(1, 8, 3, padding=1), (2, 1, 12, 12), 2 * 8 * 144),
    "Linear": (nn.Linear(40, 50), (30, 40), 30 * 50 * 40),  # of its single products
    "MaxPool2d": (nn.MaxPool2d(3, 1), (1, 4, 20, 20), 4 * 18 * 18),
}


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("name", CALLS)
def test_of_very_many_products_a_sample_is_proved(name: str) -> None:
    module, shape, size = CALLS[name]
    trace = torchreel.trace(module, torch.randn(shape))
    assert 0.5 * 200 / size <= trace.proved <= 200 / size
    assert trace.step("output", (0,) * len(trace.shape("output"))).value == trace.output.reshape(-1)[0]


@pytest.mark.parametrize(
    ("module", "shape", "cells"),
    [
        (nn.ReLU(), (3, 10**6), rules.SAMPLE),
        (nn.ZeroPad2d(1), (2, 998, 998), 0),
        (nn.MaxPool1d(9, 1), (2, 1, 200_000), rules.SAMPLE),  # nine reads each
        (nn.MaxPool1d(9, return_indices=True), (2, 900, 1800), rules.SAMPLE),  # places are found by reading
        (nn.AdaptiveAvgPool1d(1), (30_000, 100), rules.SAMPLE),
        (nn.AdaptiveAvgPool1d(2), (400, 1, 20_000), rules.READS // 10_000),  # wide windows: a small sample
        (nn.AdaptiveAvgPool1d(1), (1, 1, 3 * 10**6), 0),  # and one at least
    ],
)
def test_of_very_many_elements_that_are_read_one_by_one_a_sample_is_proved(
    module: nn.Module, shape: tuple[int, ...], cells: int
) -> None:
    trace = torchreel.trace(module, torch.randn(shape))
    size = math.prod(trace.shape("output"))
    assert trace.proved == 1 if not cells else 0.5 * cells / size <= trace.proved <= cells / size


def test_of_very_many_cells_that_share_their_factors_a_sample_is_proved(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module, x = nn.Conv1d(1, 1, 3), torch.randn(1, 1, 1000)
    monkeypatch.setattr(rules, "READS", 100)
    monkeypatch.setattr(rules, "SAMPLE", 100)
    assert torchreel.trace(module, x).proved == 1
    monkeypatch.setattr(rules, "CELLS", 900)
    assert torchreel.trace(module, x).proved < 1


@pytest.mark.usefixtures("few")
def test_all_is_proved_where_that_is_asked_for() -> None:
    module, inputs = nn.Linear(40, 50), {"input": torch.randn(30, 40)}
    linear = catalogue.operator("Linear")
    assert linear.trace(module, inputs).proved < 1
    assert linear.trace(module, inputs, prove_all=True).proved == 1
    assert linear.trace_call(module, inputs, {}, prove_all=True).proved == 1
    plain, text = example("Linear"), "torch.randn(300, 4)"
    assert linear.trace_example(plain, input_text=text).proved < 1
    assert linear.trace_example(plain, input_text=text, prove_all=True).proved == 1


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("share", [0.03, 0.3])
@pytest.mark.parametrize("seed", range(5))
def test_a_fault_in_some_elements_is_met_by_the_sample(share: float, seed: int) -> None:
    trace = torchreel.trace(nn.Conv2d(3, 8, 3, padding=1), torch.randn(2, 3, 12, 12))
    wrong = trace.output.clone()
    wrong[torch.rand(wrong.shape, generator=torch.Generator().manual_seed(seed)) < share] += 0.1
    with pytest.raises(torchreel.TraceError, match="torch gives"):
        dataclasses.replace(trace, tensors={**trace.tensors, "output": wrong}, seed=seed)


@pytest.mark.usefixtures("few")
def test_a_wrong_rule_is_met_by_the_sample() -> None:
    trace = torchreel.trace(nn.Conv2d(3, 8, 3, padding=1), torch.randn(2, 3, 12, 12))
    rule = trace.rule("output")
    skewed = dataclasses.replace(rule, formula=lambda at: rule.formula(at.flip(0)))
    with pytest.raises(torchreel.TraceError):
        dataclasses.replace(trace, rules=(skewed,))


@pytest.mark.usefixtures("few")
def test_what_is_looked_at_is_proved_though_the_sample_missed_it() -> None:
    trace = torchreel.trace(nn.Linear(40, 50), torch.randn(30, 40))
    missed: list[tuple[int, int]] = []
    for cell in ((k, 7) for k in range(30)):
        wrong = trace.output.clone()
        wrong[cell] += 1
        try:
            accepted = dataclasses.replace(trace, tensors={**trace.tensors, "output": wrong})
        except torchreel.TraceError:
            continue
        missed.append(cell)
        with pytest.raises(torchreel.TraceError, match=rf"output\[{cell[0]}, 7\]"):
            accepted.step("output", cell)
    assert missed


@pytest.mark.usefixtures("few")
def test_of_a_sample_too_each_element_is_written_and_every_addend_counts() -> None:
    module, x = nn.Fold((20, 20), 3, padding=1), torch.randn(1, 9, 400)
    trace = torchreel.trace(module, x)
    assert trace.proved < 1
    rule: Any = trace.rule("canvas")
    fewer = dataclasses.replace(rule, over=(*rule.over[:-1], 300))
    with pytest.raises(torchreel.TraceError, match="torch gives"):
        dataclasses.replace(trace, rules=(fewer,))
