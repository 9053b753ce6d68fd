"""Distances are proved along any dimension of any two tensors that broadcast."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import torchreel
from torchreel.assets.examples import example
from torchreel.render.check.check import faults
from torchreel.render.check.stage import proved, watch
from torchreel.scenes.api import called
from torchreel.scenes.distance.distances import CosineSimilarity, PairwiseDistance
from torchreel.scenes.distance.trace import distance_facts
from torchreel.scenes.parts.look import MIN_NUMBER
from torchreel.scenes.stage.telling import Request
from torchreel.tests.calls import check_call

SHAPES = [
    ((4,), (4,)),
    ((5, 3), (5, 3)),
    ((5, 3), (3,)),
    ((2, 1, 4), (3, 1)),
    ((0, 3), (0, 3)),
    ((2, 3, 4, 2),) * 2,
]
SPECIAL = torch.tensor([math.nan, math.inf, 0.0, 1.0])


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Tensor, Tensor]:
    """Two tensors that broadcast, of any floating-point type, half of them with special values."""
    shapes, dtype = (
        draw(st.sampled_from(SHAPES)),
        draw(st.sampled_from([torch.float32, torch.float64, torch.bfloat16])),
    )
    generator = torch.Generator().manual_seed(draw(st.integers(0, 999)))
    if draw(st.booleans()):
        made = [SPECIAL[torch.randint(len(SPECIAL), shape, generator=generator)] for shape in shapes]
    else:
        made = [torch.randn(shape, generator=generator) for shape in shapes]
    return made[0].to(dtype), made[1].to(dtype)


@settings(max_examples=60, deadline=None)
@given(pairs(), st.data())
def test_any_cosine_is_proved(inputs: tuple[Tensor, Tensor], data: st.DataObject) -> None:
    ndim = max(one.ndim for one in inputs)
    dim = data.draw(st.integers(-ndim, ndim - 1))
    check_call(nn.CosineSimilarity(dim, eps=data.draw(st.sampled_from([1e-8, 0.1]))), *inputs)


@settings(max_examples=60, deadline=None)
@given(pairs(), st.sampled_from([2, 1, 3, 1.5, 0, math.inf, -math.inf]), st.booleans())
def test_any_distance_is_proved(inputs: tuple[Tensor, Tensor], p: float, keepdim: bool) -> None:
    if 0 not in inputs[0].shape or math.isfinite(p):
        check_call(nn.PairwiseDistance(p, keepdim=keepdim), *inputs)


@settings(max_examples=60, deadline=None)
@given(pairs(), st.sampled_from([2, 1, 3, 0, math.inf]), st.booleans())
def test_what_captions_claim_is_true_of_the_call(
    inputs: tuple[Tensor, Tensor], p: float, cosine: bool
) -> None:
    if 0 in inputs[0].shape and not math.isfinite(p):
        return
    module = nn.CosineSimilarity(-1) if cosine else nn.PairwiseDistance(p)
    trace = torchreel.trace(module, *inputs)
    facts, results = distance_facts(trace), module(*inputs).reshape(-1).tolist()
    assert facts["finite"] == all(map(math.isfinite, results))
    assert facts["manhattan"] == (not cosine and p == 1)
    assert facts["euclidean"] == (cosine or p == 2)
    assert facts["shifted"]
    if facts["finite"] and not cosine and p in (1, 2):
        one, other = (x.double().expand(torch.broadcast_shapes(*(i.shape for i in inputs))) for x in inputs)
        rows = zip(
            one.reshape(-1, one.shape[-1]).tolist(), other.reshape(-1, one.shape[-1]).tolist(), strict=True
        )
        by_hand = [sum(abs(a - b) ** p for a, b in zip(*pair, strict=True)) ** (1 / p) for pair in rows]
        assert results == pytest.approx(by_hand, rel=0.05, abs=0.05)


@pytest.mark.parametrize("rows, length", [(3, 2), (32, 128), (9, 4), (4, 9), (1, 300)])
def test_what_is_left_out_is_said(rows: int, length: int) -> None:
    generator = torch.Generator().manual_seed(0)
    inputs = [torch.randn(rows, length, generator=generator) for _ in range(2)]
    scene = PairwiseDistance(
        Request(torchreel.trace(nn.PairwiseDistance(), *inputs), example("PairwiseDistance"), "en")
    )
    list(scene.story())
    shown = scene.board.grids["x1"].cells
    said = scene._left_out()
    assert shown.text_size >= MIN_NUMBER
    assert (f"first {shown.rows} of {rows} pairs" in said) == (shown.rows < rows)
    assert (f"first {shown.cols} of {length} numbers" in said) == (shown.cols < length)
    assert bool(said) == (shown.rows < rows or shown.cols < length)


def test_eps_is_added_to_each_difference() -> None:
    traced = torchreel.trace(nn.PairwiseDistance(1, eps=0.5), torch.ones(1, 4), torch.ones(1, 4))
    assert traced.tensors["diff"].tolist() == [[0.5] * 4]
    assert traced.output.tolist() == [2.0]


def test_the_angle_is_that_of_the_cosine() -> None:
    x1, x2 = (
        torch.tensor([[1.0, 0.0], [1.0, 1.0], [2.0, 0.0]]),
        torch.tensor([[0.0, 3.0], [2.0, 2.0], [-1.0, 0.0]]),
    )
    angles = torchreel.trace(nn.CosineSimilarity(), x1, x2).tensors["angle"]
    torch.testing.assert_close(
        angles, torch.tensor([90.0, 0.0, 180.0], dtype=torch.float64), atol=0.05, rtol=0
    )


@pytest.mark.parametrize("module", [nn.CosineSimilarity(), nn.PairwiseDistance()])
def test_a_changed_number_is_refused(module: nn.Module) -> None:
    traced = torchreel.trace(module, torch.randn(3, 4), torch.randn(3, 4))
    for name in traced.tensors.keys() - {"x1", "x2"}:
        with pytest.raises(torchreel.TraceError, match="a step gives"):
            dataclasses.replace(traced, tensors={**traced.tensors, name: traced.tensors[name] + 1})


def test_shapes_that_do_not_broadcast_are_refused_in_torchs_words() -> None:
    with pytest.raises(torchreel.UserError, match="must match the size of tensor") as refused:
        torchreel.trace(nn.CosineSimilarity(), torch.randn(3, 4), torch.randn(3, 5))
    assert "\n" not in str(refused.value)


def test_a_count_reads_the_differences_that_it_counts() -> None:
    trace = called(nn.PairwiseDistance(p=0, eps=0), (torch.eye(2, 3), torch.zeros(2, 3)), {}).trace
    step = trace.step("output", (1,))
    assert step.value == 1
    assert list(step.reads) == [("diff", (1, 0)), ("diff", (1, 1)), ("diff", (1, 2))]


@pytest.mark.parametrize("eps, said", [(1e-6, "plus ε"), (0.5, "plus ε"), (0.0, "number by number.")])
def test_what_is_added_is_spoken_of_where_there_is_something(eps: float, said: str) -> None:
    trace = called(nn.PairwiseDistance(eps=eps), (torch.ones(2, 2), torch.eye(2)), {}).trace
    scene = watch(example("PairwiseDistance"), trace, "en", "light").scene
    captions = [one.text for one in scene.said if one.kind == "caption"]
    laws = {one.text for one in scene.said if one.kind == "law"}
    assert any(said in text for text in captions)
    assert all(("ε" in law) == bool(eps) for law in laws)


def test_formulas_are_written_as_a_textbook_does() -> None:
    trace = called(nn.PairwiseDistance(eps=0), (torch.tensor([[1.0, 6]]), torch.tensor([[4.0, 2]])), {}).trace
    scene = watch(example("PairwiseDistance"), trace, "en", "light").scene
    formulas = [one.text for one in scene.said if one.kind == "numbers"]
    assert formulas[:4] == ["d_{0} = 1 − 4 = −3", "q_{0} = |−3|^{2} = 9", "s = 9 + 16 = 25", "y = √25 = 5"]


@pytest.mark.parametrize("scene", [CosineSimilarity, PairwiseDistance])
def test_the_law_is_back_in_the_bar_when_the_first_pair_comes_back(scene: Any) -> None:
    name = scene.__name__
    *_, last = scene(Request(proved(name, "default"), example(name), "en")).story()
    assert last.look is not None and not list(last.animate())


@pytest.mark.parametrize(
    ("scene", "changes", "x1"),
    [
        (CosineSimilarity, {"dim": 0}, None),
        (CosineSimilarity, {}, "torch.zeros(5, 3)"),
        (CosineSimilarity, {}, "[float('nan'), float('inf'), 1]"),
        (PairwiseDistance, {"p": 0}, None),
        (PairwiseDistance, {"p": math.inf}, None),
        (PairwiseDistance, {"keepdim": True, "p": 3.5}, None),
        (PairwiseDistance, {}, "torch.randn(4, 5, 3) * 1e4"),
        (PairwiseDistance, {}, "torch.zeros(0, 3)"),
    ],
)
def test_any_call_is_drawn(scene: Any, changes: dict[str, Any], x1: str | None) -> None:
    both = {"x1": x1, "x2": x1} if x1 == "torch.zeros(0, 3)" else {}
    assert faults(scene.__name__, "handbook", changes, x1, both) == []
