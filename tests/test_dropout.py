"""Dropout traces prove the mask that torch drew; kept values grow, dropped ones become what torch makes of them."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import torchreel
from torchreel.assets.examples import example
from torchreel.render.check.check import faults
from torchreel.render.check.stage import proved, watch
from torchreel.scenes.dropout.dropout import AlphaDropout, Dropout, Dropout2d
from torchreel.scenes.dropout.trace import channel_axis
from torchreel.tests.calls import check_call

SHAPES = {
    nn.Dropout: [(), (5,), (2, 3), (2, 3, 2, 2, 2), (0, 3)],
    nn.AlphaDropout: [(7,), (2, 3), (2, 2, 3), (0, 3)],
    nn.Dropout1d: [(3, 4), (2, 3, 4), (0, 3, 4)],
    nn.Dropout2d: [(2, 3, 4), (2, 3, 2, 2), (0, 2, 2, 2)],
    nn.Dropout3d: [(3, 2, 2, 2), (2, 3, 2, 2, 2)],
    nn.FeatureAlphaDropout: [(2, 3), (2, 3, 4), (2, 3, 2, 2), (1, 2, 2, 2, 2)],
}
SPECIAL = torch.tensor([math.nan, math.inf, -math.inf, 0.0, 1.0])


@st.composite
def calls(draw: st.DrawFn) -> tuple[nn.Module, Tensor]:
    kind = draw(st.sampled_from(list(SHAPES)))
    module = kind(p=draw(st.sampled_from([0.0, 0.2, 0.5, 0.9, 1.0])), inplace=draw(st.booleans()))
    shape = draw(st.sampled_from(SHAPES[kind]))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 999)))
    x = torch.randn(shape, generator=generator)
    if draw(st.booleans()):
        x = SPECIAL[torch.randint(len(SPECIAL), shape, generator=generator)]
    return module.train(draw(st.booleans())), x.to(
        draw(st.sampled_from([torch.float32, torch.float64, torch.bfloat16]))
    )


@settings(max_examples=120, deadline=None)
@given(calls(), st.integers(0, 99))
def test_any_call_is_proved_with_the_mask_it_drew(call: tuple[nn.Module, Tensor], seed: int) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        traced = check_call(*call)
    module, x = call
    drawn = module.training and module.p not in (0, 0.0) and x.numel() > 0
    assert ("mask" in traced.tensors) == drawn


def test_the_mask_of_a_channel_is_the_same_for_all_its_values() -> None:
    for kind in (nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.FeatureAlphaDropout):
        for shape in [shape for shape in SHAPES[kind] if 0 not in shape]:
            axis = channel_axis(kind(), len(shape))
            assert axis is not None
            mask = torchreel.trace(kind(0.5), torch.randn(shape)).tensors["mask"]
            channels = mask.flatten(axis + 1) if mask.ndim > axis + 1 else mask[..., None]
            assert torch.equal(channels.amin(-1), channels.amax(-1))


def test_a_kept_value_grows_and_a_dropped_one_is_zero() -> None:
    traced = torchreel.trace(nn.Dropout(0.75), torch.ones(64))
    mask, output = traced.tensors["mask"], traced.output
    assert 0 < mask.sum() < 64
    assert torch.equal(output, 4 * mask.float())


def test_a_changed_value_or_mask_is_refused() -> None:
    traced = torchreel.trace(nn.Dropout(0.5), torch.ones(8))
    for name in ("mask", "output"):
        changed = {**traced.tensors, name: traced.tensors[name] + 1}
        with pytest.raises(torchreel.TraceError, match=r"Dropout: a step gives .* torch gives"):
            dataclasses.replace(traced, tensors=changed)


def test_an_impossible_probability_is_refused_in_torchs_words() -> None:
    with pytest.raises(torchreel.UserError, match="dropout probability has to be between 0 and 1, but got 2"):
        Dropout.operator.trace_example(example("Dropout"), {"p": 2})


@pytest.mark.parametrize("name", [kind.__name__ for kind in SHAPES])
def test_a_default_call_tells_p_from_one_minus_p_and_its_formulas_add_up(name: str) -> None:
    scene = watch(example(name), proved(name, "default"), "en", "light").scene
    assert scene.trace.module.p != 0.5
    formulas = [said.text for said in scene.said if said.kind == "numbers"]
    assert formulas and not any("≈" in text for text in formulas)


@pytest.mark.parametrize(
    ("scene", "name", "changes", "given_text"),
    [
        (Dropout, "default", {"p": 1.0}, None),
        (Dropout, "default", {}, "torch.randn(2, 3, 40, 40)"),
        (Dropout, "eval", {}, "[float('nan'), 123456.789, 1e-9]"),
        (Dropout, "default", {}, "5.0"),
        (Dropout, "default", {}, "torch.zeros(0, 3)"),
        (Dropout2d, "default", {}, "torch.randn(2, 64, 9, 9)"),
        (Dropout2d, "default", {"p": 0.0}, None),
        (AlphaDropout, "default", {"p": 1.0}, "torch.randn(12)"),
    ],
)
def test_any_call_is_drawn(
    scene: type, name: str, changes: dict[str, object], given_text: str | None
) -> None:
    assert faults(scene.__name__, name, changes, given_text) == []
