"""Calls at the ends of what torch takes: norms beyond its type, weights of 0, one number, long settings."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import torchreel
from torchreel.assets.themes import theme
from torchreel.render.check.check import faults_of
from torchreel.scenes.api import called
from torchreel.scenes.parts.look import Look


def numbers(*shape: int, scale: float = 1.0, seed: int = 0) -> Tensor:
    return scale * torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def table(*rows: list[float], **settings: Any) -> nn.Embedding:
    return nn.Embedding.from_pretrained(torch.tensor(rows), **settings)


LARGE, OTHER, THIRD = numbers(2, 3, scale=1e30), numbers(2, 3, seed=1), numbers(2, 3, seed=2)
SIGNS, CLASSES = torch.tensor([1.0, -1.0]), torch.tensor([0, 2, 0])
NOTHING = torch.tensor([0.0, 2.0, 0.0, 1.0])

CALLS: list[tuple[nn.Module, tuple[Any, ...]]] = [
    # Squares, sums and products of lengths that torch's type cannot hold.
    (nn.PairwiseDistance(), (LARGE, OTHER)),
    (nn.PairwiseDistance(-2.0), (LARGE, OTHER)),
    (nn.CosineSimilarity(), (LARGE, OTHER)),
    (nn.CosineEmbeddingLoss(0.5), (LARGE, OTHER, SIGNS)),
    (nn.CosineEmbeddingLoss(0.5), (numbers(2, 3, scale=1e18), numbers(2, 3, scale=1e18, seed=1), SIGNS)),
    (nn.TripletMarginLoss(swap=True), (LARGE, OTHER, THIRD)),
    (nn.TripletMarginWithDistanceLoss(), (LARGE, OTHER, THIRD)),
    (table([0.0, 1.0], [1e30, 12345.678], max_norm=1.0), (torch.tensor([0, 1]),)),
    # Of one number torch takes the size: no square is made.
    (nn.PairwiseDistance(), (LARGE[:, :1], OTHER[:, :1])),
    (nn.TripletMarginLoss(), (LARGE[:, :1], OTHER[:, :1], THIRD[:, :1])),
    # A mean over weights of 0, and a wholly smoothed loss whose target is impossible.
    (nn.CrossEntropyLoss(NOTHING, label_smoothing=0.1), (numbers(3, 4), CLASSES)),
    (
        nn.CrossEntropyLoss(label_smoothing=1.0, reduction="none"),
        (torch.tensor([[-math.inf, 0.0, 1.0], [1.0, 2.0, 3.0]]), torch.tensor([0, 1])),
    ),
    # Without eps equal elements have nothing to be divided by; an eps below 0 leaves a difference over 0.
    (nn.GroupNorm(3, 6, eps=0.0), (torch.full((3, 6), 0.1),)),
    (nn.GroupNorm(1, 2, eps=-4.0), (torch.tensor([[-1.0, 3.0]]),)),
    (nn.GroupNorm(1, 2, eps=-4.0, affine=False), (torch.tensor([[-1.0, 3.0]]),)),
    (nn.AlphaDropout(), (torch.tensor(1.5),)),
    # A cluster whose projection has no width reads nothing.
    (nn.AdaptiveLogSoftmaxWithLoss(4, 6, [2, 4], head_bias=True), (numbers(4), torch.tensor(4))),
    # Long settings in sentences, and beside a tick.
    (nn.MarginRankingLoss(12345.678), (OTHER[0], THIRD[0], torch.ones(3))),
    (nn.TripletMarginLoss(1 / 3), (OTHER, THIRD, OTHER + 1)),
    # One distance of all rows together.
    (nn.TripletMarginWithDistanceLoss(distance_function=nn.L1Loss(), margin=0.125), (OTHER, THIRD, OTHER)),
    (nn.CosineEmbeddingLoss(0.125), (OTHER, THIRD, -torch.ones(2))),
    (nn.CrossEntropyLoss(label_smoothing=1 / 3), (numbers(3, 4), numbers(3, 4, seed=1).softmax(1))),
    (nn.AlphaDropout(1 / 3), (OTHER,)),
]  # fmt: skip


@pytest.mark.parametrize(("module", "inputs"), CALLS, ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_call_at_the_ends_is_drawn_without_a_breach(
    module: nn.Module, inputs: tuple[Any, ...], lang: str
) -> None:
    assert faults_of(called(module, inputs, {}).trace, lang=lang) == []


@pytest.mark.parametrize("size", [1e-30, 1e-19, 1.0, 1e18, 1.3e19, 1e20, 1e30])
@pytest.mark.parametrize("length", [1, 2, 40])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_norms_of_any_size_are_those_of_torch(size: float, length: int, dtype: torch.dtype) -> None:
    one, other, third = (numbers(3, length, seed=seed).to(dtype) for seed in range(3))
    one = (one.double() * size).to(dtype)
    for p in (0.5, 1.0, 2.0, 3.0):
        called(nn.PairwiseDistance(p), (one, other), {})
        called(nn.TripletMarginLoss(p=p, swap=True, reduction="none"), (one, other, third), {})
    called(nn.CosineSimilarity(), (one, other), {})
    called(nn.CosineEmbeddingLoss(0.2), (one, other, torch.tensor([1, -1, 1])), {})
    called(nn.Embedding.from_pretrained(one, max_norm=1.0), (torch.tensor([0, 2]),), {})


def test_the_result_that_is_shown_is_that_of_the_sample_that_is_framed() -> None:
    module = nn.NLLLoss(reduction="none")
    log_p = torch.tensor([[-0.5, -1.0], [-3.0, -0.25], [-0.25, -2.0]])
    ledger = torchreel.explain(module, log_p, torch.tensor([0, 0, 0]), lang="en").ledger
    last = ledger["steps"][-1]
    shown = [(one["index"], one["value"]) for one in last["numbers"] if one["tensor"] == "output"]
    assert (last["focus"], shown) == ({"tensor": "loss", "index": [1]}, [([1], 3.0)])


def test_a_small_number_is_not_written_as_0_where_its_logarithm_is_taken() -> None:
    module = nn.CrossEntropyLoss(label_smoothing=0.1)
    ledger = torchreel.explain(module, numbers(2, 1000), torch.tensor([0, 999]), lang="en").ledger
    formulas = [step["formula"] for step in ledger["steps"]]
    assert not any("log(0.00)" in formula for formula in formulas)
    assert "0.90·log(2e−4) + 1e−4·log(2e−4)" in formulas[-1]


@pytest.mark.parametrize(
    ("setting", "said"),
    [(0.5, "0.5"), (0.0625, "0.0625"), (1 / 3, "0.33"), (-12345.678, "−1.2e4"), (1.25e-8, "1e−8"), (math.inf, "∞")],
)  # fmt: skip
def test_a_setting_is_said_as_it_was_given_unless_that_is_long(setting: float, said: str) -> None:
    assert Look(theme("light")).said(setting) == said
