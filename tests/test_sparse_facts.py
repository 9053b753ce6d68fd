"""What captions claim of embeddings and bags, and what of them is shown, worked out in plain Python."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import torchreel
from torchreel.assets.captions import caption
from torchreel.assets.examples import example
from torchreel.render.check.check import OF_EXAMPLES, Reading
from torchreel.render.check.stage import watch
from torchreel.scenes.catalogue import operator
from torchreel.scenes.sparse.shown import MOST_BAGS, MOST_LINES, Lookup, bags, samples
from torchreel.tests.strategies import calls
from torchreel.tests.strategies.draws import Call


def contents(call: Call) -> list[list[int]]:
    """The positions that each bag of a call holds, as torch's page describes them."""
    ids, module = call.inputs[0], call.module
    if ids.ndim == 2:
        width = ids.shape[1]
        return [list(range(row * width, (row + 1) * width)) for row in range(len(ids))]
    starts: list[int] = call.inputs[1].tolist()
    if getattr(module, "include_last_offset", False):
        return [list(range(*pair)) for pair in itertools.pairwise(starts)]
    return [list(range(*pair)) for pair in zip(starts, [*starts[1:], len(ids)], strict=True)]


@settings(max_examples=60, deadline=None)
@given(calls("EmbeddingBag"))
def test_rows_of_a_bag_come_together_as_is_said(call: Call) -> None:
    trace = torchreel.trace(call.module, *call.inputs, **call.kwargs)
    module: Any = call.module
    said = caption("EmbeddingBag", "default", "first", "en", operator("EmbeddingBag").facts(trace))
    alt = caption("EmbeddingBag", "default", "alt", "en", operator("EmbeddingBag").facts(trace))
    ids: list[int] = call.inputs[0].flatten().tolist()
    table: list[list[float]] = module.weight.detach().double().tolist()
    weights = call.kwargs.get("per_sample_weights")
    scale = [1.0] * len(ids) if weights is None else weights.flatten().double().tolist()
    assert ("weight of its id" in alt) == (weights is not None)
    assert ("padding" in alt) == (module.padding_idx in ids)
    for bag, positions in enumerate(contents(call)):
        own = [position for position in positions if ids[position] != module.padding_idx]
        for column, result in enumerate(trace.output[bag].double().tolist()):
            terms = [table[ids[position]][column] * scale[position] for position in own]
            if not own:
                assert result == 0
            elif not all(map(math.isfinite, terms)):
                continue
            elif "largest" in said:
                assert result == max(terms)
            elif "added up" in said:
                expected = sum(terms) / (len(terms) if "divided" in said else 1)
                size = sum(map(abs, terms)) / (len(terms) if "divided" in said else 1)
                assert abs(result - expected) <= 0.02 * size + 1e-6


@settings(max_examples=40, deadline=None)
@given(calls("Embedding"))
def test_what_is_said_of_the_padding_row_is_what_the_gradient_shows(call: Call) -> None:
    trace = torchreel.trace(call.module, *call.inputs, **call.kwargs)
    module: Any = call.module
    facts = operator("Embedding").facts(trace)
    said = caption("Embedding", "default", "alt", "en", facts)
    ids: list[int] = call.inputs[0].flatten().tolist()
    assert facts["padding_used"] == (module.padding_idx is not None and module.padding_idx in ids)
    assert ("gradient" in said) == facts["graded"]
    if facts["graded"]:
        again = nn.Embedding(*module.weight.shape, padding_idx=module.padding_idx)
        again(call.inputs[0]).sum().backward()
        gradient: Any = again.weight.grad
        assert not gradient[module.padding_idx].any()
        assert (gradient[[row for row in set(ids) if row != module.padding_idx]] > 0).all()


@given(st.lists(st.integers(0, 12), min_size=1, max_size=9))
def test_bags_are_shown_from_the_first_on_and_what_is_cut_is_known(sizes: list[int]) -> None:
    made = [[Lookup((number, k), k, number) for k in range(size)] for number, size in enumerate(sizes)]
    shown = bags(made)
    assert 1 <= len(shown) <= min(len(sizes), MOST_BAGS)
    assert sum(one.lines for one in shown) <= MOST_LINES + 1
    for number, one in enumerate(shown):
        assert one.number == number and list(one.lookups) == made[number][: len(one.lookups)]
        assert one.cut == (len(one.lookups) < sizes[number])


@given(st.lists(st.integers(1, 12), min_size=1, max_size=5))
def test_ids_are_shown_from_the_first_on(sizes: list[int]) -> None:
    made = [Lookup((n, k), k, n) for n, size in enumerate(sizes) for k in range(size)]
    shown = samples(made)
    assert [one for group in shown for one in group.lookups] == made[:MOST_LINES]
    assert any(group.cut for group in shown) == (len(made) > MOST_LINES)


@pytest.mark.parametrize(
    ("ids", "said"),
    [
        (torch.tensor([4, 1]), "y_{1} = w_{x(1)} = w_{1} = (2, 3)"),
        (torch.tensor([[4, 0], [3, 2]]), "y_{0,1} = w_{x(0,1)} = w_{0} = (0, 1)"),
        (torch.tensor(2), "y = w_{x} = w_{2} = (4, 5)"),
        (torch.tensor([[[3, 1]]]), "y_{1} = w_{x(1)} = w_{1} = (2, 3)"),
    ],
)
def test_a_lookup_is_written_as_the_row_that_it_copies(ids: torch.Tensor, said: str) -> None:
    table = nn.Embedding(5, 2)
    with torch.no_grad():
        table.weight.copy_(torch.arange(10.0).reshape(5, 2))
    shown = watch(example("Embedding"), torchreel.trace(table, ids), "en", "light")
    assert shown.scene.said[-1].text == said


def test_a_lookup_of_many_numbers_is_cut() -> None:
    trace = torchreel.trace(nn.Embedding(5, 40), torch.tensor([1, 2]))
    said = watch(example("Embedding"), trace, "en", "light").scene.said[-1].text
    assert said.startswith("y_{1} = w_{x(1)} = w_{2} = (") and said.endswith(", …)")


@pytest.mark.parametrize(
    ("name", "law"),
    [
        ("default", "y_{b} = Σ_{i∈b} w_{x(i)}"),
        ("mean", "y_{b} = Σ_{i∈b} w_{x(i)} / n_{b}"),
        ("max", "y_{b} = max_{i∈b} w_{x(i)}"),
        ("per_sample_weights", "y_{b} = Σ_{i∈b} a_{i}·w_{x(i)}"),
    ],
)
def test_the_law_of_bags_says_which_rows_come_together(name: str, law: str) -> None:
    chosen = example("EmbeddingBag", name)
    trace = operator("EmbeddingBag").trace_example(chosen)
    scene = watch(chosen, trace, "en", "light").scene
    assert scene.said[0].text == law
    if name == "default":
        assert any(one.text == "y_{1,0} = w_{1,0} = 3" for one in scene.said)
    # no other way of bringing these rows together gives what the last picture shows
    first = [trace.value("weight", (row, 0)) for row in (3, 4)]
    ways = {sum(first), sum(first) / 2, max(first), min(first), first[0] - first[1]}
    assert len(ways) == 5


LARGE = torch.arange(400).reshape(8, 50) * 7 % 5000
BAGS: list[tuple[nn.Module, tuple[Any, ...]]] = [
    (nn.Embedding(5000, 100, padding_idx=0), (LARGE,)),
    (nn.EmbeddingBag(5000, 100), (LARGE,)),
    (nn.EmbeddingBag(10, 3, mode="sum"), (torch.tensor([1, 2, 4]), torch.tensor([0, 0, 3, 3]))),
    (nn.EmbeddingBag(10, 3, mode="max"), (torch.tensor([], dtype=torch.int64), torch.tensor([0, 0]))),
    (nn.EmbeddingBag(10, 3, padding_idx=2), (torch.tensor([[1, 2, 4], [2, 2, 2]]),)),
    (nn.EmbeddingBag(9, 2, mode="sum", include_last_offset=True),
     (torch.tensor([1, 2, 4, 5]), torch.tensor([0, 2, 3]))),
]  # fmt: skip


@pytest.mark.parametrize("module, inputs", BAGS)
def test_large_tables_and_empty_bags_are_drawn_within_the_laws(
    module: nn.Module, inputs: tuple[Any, ...]
) -> None:
    trace = torchreel.trace(module, *inputs)
    for lang in ("en", "zh"):
        clip = Reading(watch(example(type(module).__name__), trace, lang, "light"))
        apart = {"title_whole", *OF_EXAMPLES}
        assert [(law, message) for law, message in clip.all() if law not in apart] == []
        used = {number.index[0] for number in clip.sections[-1].numbers if number.tensor == "weight"}
        shown = {int(number.value) for number in clip.sections[-1].numbers if number.tensor == "input"}
        assert shown <= used or not shown
