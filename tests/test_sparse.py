"""Embeddings copy rows of their table, bags bring them together; every valid call is proved."""

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
from torchreel.scenes.sparse.embedding import Embedding, EmbeddingBag
from torchreel.tests.calls import check_call

DTYPES = (torch.float32, torch.float64, torch.bfloat16)


@st.composite
def lookups(draw: st.DrawFn) -> tuple[nn.Module, Tensor]:
    rows = draw(st.integers(1, 6))
    module = nn.Embedding(
        rows,
        draw(st.integers(1, 4)),
        padding_idx=draw(st.none() | st.integers(-rows, rows - 1)),
        max_norm=draw(st.none() | st.sampled_from([0.5, 2.0])),
        norm_type=draw(st.sampled_from([1.0, 2.0, 2.5, math.inf])),
        scale_grad_by_freq=draw(st.booleans()),
        dtype=draw(st.sampled_from(DTYPES)),
    )
    shape = draw(st.sampled_from([(), (4,), (2, 3), (0,), (2, 1, 2)]))
    kind = draw(st.sampled_from([torch.int64, torch.int32]))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 99)))
    return module, torch.randint(rows, shape, generator=generator).to(kind)


@settings(max_examples=60, deadline=None)
@given(lookups())
def test_any_lookup_is_proved(call: tuple[nn.Module, Tensor]) -> None:
    traced = check_call(*call)
    assert traced.shape("output") == (*call[1].shape, call[0].embedding_dim)


@st.composite
def bags(draw: st.DrawFn) -> tuple[nn.Module, list[Tensor], dict[str, Tensor]]:
    """A bag of any kind: flat with offsets or two-dimensional, with weights for sums, with NaN in the table."""
    rows, mode = draw(st.integers(1, 5)), draw(st.sampled_from(["sum", "mean", "max"]))
    dtype, last = draw(st.sampled_from(DTYPES)), draw(st.booleans())
    module = nn.EmbeddingBag(rows, 2, mode=mode, padding_idx=draw(st.none() | st.integers(0, rows - 1)),
                             include_last_offset=last, dtype=dtype)  # fmt: skip
    if draw(st.booleans()):
        with torch.no_grad():
            module.weight[0, 0] = draw(st.sampled_from([math.nan, math.inf]))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 99)))
    flat = draw(st.booleans())
    shape = (draw(st.integers(0, 5)),) if flat else (draw(st.integers(0, 3)), draw(st.integers(1, 3)))
    ids = torch.randint(rows, shape, generator=generator)
    inputs = [ids]
    if flat:
        inner = sorted(draw(st.lists(st.integers(0, len(ids)), max_size=3)))
        inputs.append(torch.tensor([0, *inner, *([len(ids)] if last else [])]))
    weights = {}
    if mode == "sum" and draw(st.booleans()):
        weights["per_sample_weights"] = torch.randn(shape, generator=generator).to(dtype)
    return module, inputs, weights


@settings(max_examples=100, deadline=None)
@given(bags())
def test_any_bag_is_proved(call: tuple[nn.Module, list[Tensor], dict[str, Tensor]]) -> None:
    module, inputs, weights = call
    check_call(module, *inputs, **weights)


def test_the_padding_row_gets_no_gradient() -> None:
    traced = torchreel.trace(nn.Embedding(4, 2, padding_idx=1), torch.tensor([1, 2, 2, 1]))
    assert traced.tensors["grad"].tolist() == [[0, 0], [0, 0], [2, 2], [0, 0]]


def test_padding_is_not_counted_by_the_mean() -> None:
    module = nn.EmbeddingBag(3, 1, mode="mean", padding_idx=2)
    traced = torchreel.trace(module, torch.tensor([[0, 2, 1], [2, 2, 2]]))
    assert traced.tensors["count"].tolist() == [2, 0]
    drawn = "".join(
        token.text for token in traced.step("output", (0, 0)).tokens(lambda tensor, value: tensor)
    )
    assert drawn == "(weight + weight) / count"
    assert traced.output[1].tolist() == [0.0]


def test_a_row_that_comes_together_is_shown_step_by_step() -> None:
    traced = torchreel.trace(nn.EmbeddingBag(4, 1, mode="sum"), torch.tensor([[0, 1, 3]]))
    weight, running = traced.tensors["weight"].double(), traced.tensors["running"]
    torch.testing.assert_close(running[0, :, 0], weight[[0, 1, 3], 0].cumsum(0))


def test_a_changed_row_or_sum_is_refused() -> None:
    traced = torchreel.trace(nn.EmbeddingBag(4, 2, mode="mean"), torch.tensor([[0, 1, 3]]))
    for name in ("output", "running", "count"):
        changed = {**traced.tensors, name: traced.tensors[name] + 1}
        with pytest.raises(torchreel.TraceError, match="EmbeddingBag: a step gives"):
            dataclasses.replace(traced, tensors=changed)


@pytest.mark.parametrize(
    ("scene", "changes", "ids", "said"),
    [
        (
            Embedding,
            {},
            "[3, 12]",
            "Embedding: index 12 is out of range for num_embeddings=6. Use ids from 0 to 5.",
        ),
        (Embedding, {}, "[-1]", "index -1 is out of range"),
        (Embedding, {"num_embeddings": 0}, None, "num_embeddings=0 should be a positive integer"),
        (Embedding, {}, "[0.5]", "whole numbers are needed"),
        (EmbeddingBag, {"mode": "median"}, None, "mode has to be one of sum, mean or max"),
        (EmbeddingBag, {}, "[[[1]]]", "has to be a 1D or 2D Tensor"),
    ],
)
def test_what_cannot_be_looked_up_is_refused_in_one_line(
    scene: Any, changes: dict[str, Any], ids: str | None, said: str
) -> None:
    with pytest.raises(torchreel.UserError, match=said) as refused:
        scene.operator.trace_example(example(scene.__name__), changes, ids)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("scene", "name", "changes", "ids"),
    [
        (Embedding, "default", {"num_embeddings": 5000, "embedding_dim": 300}, "[[4999, 3], [7, 7]]"),
        (Embedding, "padding_idx", {"padding_idx": 5}, "[5, 5]"),
        (Embedding, "default", {"max_norm": 0.5}, None),
        (Embedding, "default", {}, "3"),
        (Embedding, "default", {}, "torch.zeros(0, 2)"),
        (Embedding, "default", {}, "torch.randint(6, (3, 10))"),
        (EmbeddingBag, "default", {"embedding_dim": 64}, None),
        (EmbeddingBag, "mean", {"num_embeddings": 200}, None),
        (EmbeddingBag, "max", {"padding_idx": 1}, None),
    ],
)
def test_any_call_is_drawn(scene: Any, name: str, changes: dict[str, Any], ids: str | None) -> None:
    assert faults(scene.__name__, name, changes, ids) == []
