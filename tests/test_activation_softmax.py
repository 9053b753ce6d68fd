"""Softmax and its kin: proved along any axis of any shape, shares that add up to one, nothing that overflows."""

from __future__ import annotations

import dataclasses
import math
import re
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import torchreel
from torchreel.assets.errors import UserError
from torchreel.assets.examples import example
from torchreel.render.check.layout import large_enough, no_overlap, shapes_inside, texts_inside
from torchreel.render.check.stage import proved, watch, watch_scene
from torchreel.scenes import registry
from torchreel.scenes.activation.softmax.trace import row_shift, softmax_dim
from torchreel.scenes.stage.telling import Request
from torchreel.scenes.trace.proof import TraceError
from torchreel.tests.calls import check_call

KINDS = [nn.Softmax, nn.Softmin, nn.LogSoftmax]
SPECIAL = torch.tensor([math.nan, math.inf, -math.inf, 0.0, 1000.0, -1000.0, 1e38], dtype=torch.float64)
DTYPES = st.sampled_from([torch.float32, torch.float64, torch.bfloat16, torch.float16])


@pytest.mark.parametrize("name", ["Softmax", "Softmin", "LogSoftmax", "Softmax2d"])
def test_a_default_call_adds_up_in_the_numbers_and_names_that_stand_on_the_stage(name: str) -> None:
    scene = watch(example(name), proved(name, "default"), "en", "light").scene
    formulas = [said.text for said in scene.said if said.kind == "numbers"]
    assert formulas and not any(re.search(r"≈|\.\d{3}", text) for text in formulas)
    heads = set(re.findall(r"[a-zℓ]", " ".join(scene.heads.values()) + "m s ℓ"))
    assert {text[0] for text in formulas} <= heads


@st.composite
def inputs(draw: st.DrawFn, axes: tuple[int, int] = (0, 4)) -> torch.Tensor:
    shape = draw(st.lists(st.integers(0, 4), min_size=axes[0], max_size=axes[1]))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 999)))
    x = 4 * torch.randn(shape, generator=generator, dtype=torch.float64)
    if draw(st.booleans()):
        chosen = torch.rand(shape, generator=generator) < 0.3
        x = torch.where(chosen, SPECIAL[torch.randint(len(SPECIAL), shape, generator=generator)], x)
    return x.to(draw(DTYPES))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_any_axis_of_any_call_is_torchs_own(kind: Any, data: st.DataObject) -> None:
    x = data.draw(inputs())
    most = max(1, x.ndim)
    module = kind(dim=data.draw(st.sampled_from([None, *range(-most, most)])))
    if module.dim is None and x.ndim > 1 and softmax_dim(module, x.ndim) >= x.ndim:
        return
    check_call(module, x)


@settings(max_examples=25, deadline=None)
@given(inputs((3, 4)))
def test_softmax2d_works_along_channels(x: torch.Tensor) -> None:
    traced = check_call(nn.Softmax2d(), x)
    assert softmax_dim(traced.module, x.ndim) == x.ndim - 3


@pytest.mark.parametrize("axes, dim", [(0, 0), (1, 0), (2, 1), (3, 0), (4, 1)])
def test_without_dim_torch_chooses_the_axis(axes: int, dim: int) -> None:
    assert softmax_dim(nn.Softmax(), axes) == dim
    x = torch.arange(2.0**axes).reshape([2] * axes)
    with pytest.warns(UserWarning, match="Implicit dimension"):
        assert torch.equal(nn.Softmax()(x), nn.Softmax(dim=dim)(x))


def test_shares_add_up_to_one_and_a_constant_changes_nothing() -> None:
    traced = registry.find("Softmax").operator.trace_example(example("Softmax", "shift"))
    torch.testing.assert_close(traced.tensors["total"], torch.ones(2, 1, dtype=torch.float64))
    assert torch.equal(traced.output[0], traced.output[1])
    assert torch.exp(torch.tensor(104.0)).isinf()


def test_logsoftmax_is_one_subtraction() -> None:
    traced = torchreel.trace(nn.LogSoftmax(dim=0), torch.tensor([0.0, -200.0]))
    assert traced.step("output", (1,)).formula.symbols() == "input − logsumexp"
    assert traced.value("output", (1,)) == -200
    assert torch.log(nn.Softmax(dim=0)(torch.tensor([0.0, -200.0])))[1] == -math.inf


def test_a_changed_share_is_refused() -> None:
    traced = torchreel.trace(nn.Softmax(dim=0), torch.tensor([1.0, 2.0]))
    with pytest.raises(TraceError, match=r"total\[0\]; torch gives 1"):
        dataclasses.replace(traced, tensors={**traced.tensors, "output": torch.tensor([0.26894, 0.5])})


def test_a_missing_axis_is_refused_in_one_line() -> None:
    with pytest.raises(UserError, match=r"^Softmax: Dimension out of range .* got 3\)\.$"):
        torchreel.trace(nn.Softmax(dim=3), torch.zeros(2, 2))


@pytest.mark.parametrize(
    ("kind", "settings", "given"),
    [
        ("Softmax", {"dim": 0}, "torch.randn(50)"),
        ("Softmax", {"dim": 0}, "[3.5]"),
        ("Softmax", {"dim": 0}, "[nan, inf, -1e30]"),
        ("Softmax", {"dim": 2}, "torch.randn(2, 3, 40, 40)"),
        ("Softmin", {"dim": 0}, "1e6 * torch.randn(9, 12)"),
        ("LogSoftmax", {"dim": -1}, "torch.randn(300, 300)"),
        ("LogSoftmax", {"dim": 0}, "torch.zeros(0, 4)"),
        ("Softmax2d", {}, "torch.randn(2, 7, 8, 8)"),
        ("Softmax2d", {}, "torch.randn(1, 1, 1)"),
    ],
)
def test_any_call_is_drawn_within_the_rules(kind: str, settings: dict[str, Any], given: str) -> None:
    chosen, scene = example(kind), registry.find(kind)
    traced = scene.operator.trace_example(chosen, settings, given)
    show = watch_scene(scene, Request(traced, chosen, "en", "light"))
    assert round(show.scene.time, 3) <= 30
    rules = (texts_inside, no_overlap, shapes_inside, large_enough)
    assert [text for stage in show.stages for rule in rules for text in rule(stage)] == []


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([[1.0, 2.0], [4.0, 5.0]], 3.0),
        ([[1.0, 2.0], [4.0, 6.0]], None),
        ([[1.0, math.nan], [4.0, math.nan]], None),
        ([[1.0, 2.0]], None),
        ([[], []], None),
        ([1.0, 2.0], None),
    ],
)
def test_a_shift_is_one_number_between_two_rows(rows: list[object], expected: float | None) -> None:
    assert row_shift(torch.tensor(rows)) == expected
