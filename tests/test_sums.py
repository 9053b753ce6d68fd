"""Sums of products: evaluated as products of matrices they are what is drawn, product by product."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import torchreel
from torchreel.scenes.trace.formula import Dot, Either, Lazy, Strip, dot, read
from torchreel.scenes.trace.formula.pairing import paired

SPECIAL = (0.0, 0.0, math.nan, math.inf, -math.inf)


def numbers(draw: st.DrawFn, shape: tuple[int, ...]) -> Tensor:
    """Random numbers, some of them special, in any memory layout."""
    generator = torch.Generator().manual_seed(draw(st.integers(0, 9999)))
    x = torch.randn(shape, generator=generator)
    for value in draw(st.lists(st.sampled_from(SPECIAL), max_size=3)):
        if x.numel():
            x.view(-1)[draw(st.integers(0, x.numel() - 1))] = value
    return x.mT.contiguous().mT if x.ndim > 1 and draw(st.booleans()) else x


@st.composite
def dots(draw: st.DrawFn) -> tuple[Dot, dict[str, Any]]:
    """Any sum of products: cells that share factors or none, inside their tensors, padded or bounded."""
    count, terms = draw(st.integers(1, 40)), draw(st.integers(0, 6))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 9999)))
    border = draw(st.sampled_from(["inside", "padded", "bounded"]))
    tensors: dict[str, Any] = {}

    def strip(name: str) -> Strip:
        ndim, distinct = draw(st.integers(1, 3)), draw(st.integers(1, 6))
        shape = tuple(draw(st.lists(st.integers(4, 6), min_size=ndim, max_size=ndim)))
        tensors[name] = numbers(draw, shape)
        if draw(st.integers(0, 9)) == 0:
            whole = tensors[name]
            tensors[name] = Lazy(shape, lambda index: read(whole, index))
        low, high = (0, 2) if border == "inside" else (-3, 6)
        starts = torch.randint(low, high, (distinct, ndim), generator=generator)
        own = torch.arange(count) // draw(st.integers(1, 5)) % distinct
        if draw(st.booleans()):
            own = torch.randint(0, distinct, (count,), generator=generator)
        steps = torch.randint(0, 3, (terms, ndim), generator=generator)
        if draw(st.booleans()):
            steps = torch.nn.functional.pad(torch.arange(terms)[:, None] % 3, (ndim - 1, 0))
        bounds = shape if border == "bounded" else None
        return Strip(name, starts[own], steps, 0.0 if border == "padded" else None, bounds)

    first: Any = strip("a")
    if draw(st.booleans()) and border != "bounded":
        first = Either(torch.randint(0, 2, (count,), generator=generator), (first, strip("b")))
    factors = (first, strip("c"), strip("d")) if draw(st.booleans()) else (first, strip("c"))
    return Dot(factors, draw(st.sampled_from([(0,), (1,)]))), tensors


@settings(max_examples=300)
@given(dots())
def test_any_sum_is_that_of_its_products(drawn: tuple[Dot, dict[str, Any]]) -> None:
    formula, tensors = drawn
    check(formula, tensors)


def check(formula: Dot, tensors: Any) -> None:
    """Values and bounds are those of the tree that is drawn, infinities and NaN in the same places."""
    together, drawn = formula.bounded(tensors), formula.whole.bounded(tensors)
    for ours, theirs in zip(together, drawn, strict=True):
        scale = drawn.size.nan_to_num(0.0, 0.0, 0.0)
        assert torch.equal(ours.isnan(), theirs.isnan()) and torch.equal(ours.isinf(), theirs.isinf())
        finite = theirs.isfinite()
        assert bool(((ours - theirs).abs() <= 1e-13 * scale)[finite].all())
        assert torch.equal(ours[theirs.isinf()], theirs[theirs.isinf()])


@pytest.mark.parametrize("limit", ["_TILE", "_LONG"])
def test_tiles_of_any_size_give_the_same(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    tensors = {"x": torch.randn(9, 7), "w": torch.randn(5, 7)}
    at = torch.cartesian_prod(torch.arange(9), torch.arange(5))
    steps = torch.stack([torch.zeros(7, dtype=torch.int64), torch.arange(7)], 1)
    strips = [Strip(name, torch.stack([at[:, k], at[:, k] * 0], 1), steps) for k, name in enumerate("xw")]
    expected = (tensors["x"].double() @ tensors["w"].double().T).reshape(-1)
    for most in (1, 3, 8, 1 << 20):
        monkeypatch.setattr(dot, limit, most)
        torch.testing.assert_close(Dot(tuple(strips)).evaluate(tensors), expected, rtol=1e-12, atol=1e-12)


@settings(max_examples=200)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=60))
def test_blocks_hold_the_pair_of_every_cell(pairs: list[tuple[int, int]]) -> None:
    row, column = torch.tensor(pairs).unbind(1)
    found, place = paired(row, column)
    held = torch.cat([
        torch.stack([row[one.rows][:, :, None].expand(-1, -1, one.columns.shape[1]),
                     column[one.columns][:, None, :].expand(-1, one.rows.shape[1], -1)], -1).reshape(-1, 2)
        for one in found
    ])  # fmt: skip
    assert torch.equal(held[place], torch.stack([row, column], 1))


LAYERS = {
    "Linear": (nn.Linear(64, 256), (197, 64)),
    "Conv2d": (nn.Conv2d(16, 32, 3, padding=1), (1, 16, 60, 60)),
    "wide": (nn.Conv2d(64, 64, 3, padding=1), (1, 64, 96, 96)),
    "depthwise": (nn.Conv2d(96, 96, 7, padding=3, groups=96), (1, 96, 14, 14)),
    "patches": (nn.Conv2d(3, 128, 16, stride=16), (1, 3, 112, 112)),
    "Conv3d": (nn.Conv3d(3, 16, 3, padding=1), (1, 3, 8, 20, 20)),
    "ConvTranspose2d": (nn.ConvTranspose2d(32, 16, 2, stride=2), (1, 32, 20, 20)),
    "LSTM": (nn.LSTM(32, 32), (50, 1, 32)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_the_work_is_that_of_the_layer_itself(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No layer falls back to looking at each product: the matrices read are few beside the products they give."""
    module, shape = LAYERS[name]
    made = read_for = 0

    def counted(x: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
        nonlocal made, read_for
        made += x.shape[0] * x.shape[1] * w.shape[1] * x.shape[2]
        read_for += x.numel() + w.numel()
        assert max(x.numel(), w.numel()) <= 1 << 20
        return x @ w.mT, x.abs() @ w.abs().mT

    monkeypatch.setattr(dot, "products", counted)
    torch.manual_seed(0)
    trace = torchreel.trace(module, torch.randn(shape))
    sums = [rule for rule in trace.rules if any(isinstance(part, Dot) for part in _parts(trace, rule.tensor))]
    products = sum(math.prod(trace.shape(rule.tensor)) * _terms(trace, rule.tensor) for rule in sums)
    assert sums
    assert products <= made <= 3 * products
    if name != "depthwise":  # whose windows have one kernel each
        assert read_for <= made / 8


def _parts(trace: torchreel.Trace, tensor: str) -> list[Any]:
    formula: Any = trace.step(tensor, (0,) * len(trace.shape(tensor))).formula
    inner = [formula, getattr(formula, "origin", None), *getattr(formula, "parts", ())]
    return [*inner, *getattr(getattr(formula, "origin", None), "parts", ())]


def _terms(trace: torchreel.Trace, tensor: str) -> int:
    return sum(part.factors[0].count for part in _parts(trace, tensor) if isinstance(part, Dot))


@pytest.mark.parametrize("kernel", [1, 1000, 100_000])
def test_a_transposed_kernel_may_be_longer_than_its_input(kernel: int) -> None:
    trace = torchreel.trace(nn.ConvTranspose1d(1, 1, kernel, stride=3, dilation=2), torch.randn(1, 1, 10))
    assert trace.step("output", (0, 0, 0)).formula.terms <= 10
    assert trace.proved == 1
