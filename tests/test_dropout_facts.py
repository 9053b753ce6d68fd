"""What captions claim of a dropout, found out another way: from torch's numbers, one by one in plain Python."""

from __future__ import annotations

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
from torchreel.tests.strategies import calls
from torchreel.tests.strategies.dropout import SHAPES

NAMES = [kind.__name__ for kind in SHAPES]


def dropped(module: Any, x: torch.Tensor, seed: int) -> list[bool]:
    """Which elements the same call drops, told by what it makes of ones: those that are not the largest result."""
    torch.manual_seed(seed)
    ones = module(torch.ones_like(x)).flatten().double().tolist()
    kept = 1 / (1 - module.p) if module.p < 1 else math.inf
    if "Alpha" in type(module).__name__:
        return [module.p == 1 or value < 0.5 * max(ones) - 1e-3 or value < 0 for value in ones]
    return [value < 0.5 * kept for value in ones]


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25, deadline=None)
@given(data=st.data(), seed=st.integers(0, 99))
def test_what_is_said_is_what_the_mask_did(name: str, data: st.DataObject, seed: int) -> None:
    call = data.draw(calls(name))
    module: Any = call.module
    before: list[float] = call.inputs[0].flatten().double().tolist()
    lost = dropped(module, call.inputs[0], seed) if module.training and before and module.p > 0 else []
    torch.manual_seed(seed)
    trace = torchreel.trace(module, *call.inputs, **call.kwargs)
    facts = operator(name).facts(trace)
    after: list[float] = trace.output.flatten().double().tolist()
    assert facts["masked"] == bool(lost)
    assert facts["drops"] == any(lost)
    assert facts["keeps"] == (bool(lost) and not all(lost))
    assert facts["certain"] == (bool(lost) and module.p == 1)
    if lost and "Alpha" not in name:
        assert facts["clears"] == all(y == 0 for y, gone in zip(after, lost, strict=True) if gone)
    if not lost:
        assert all(x == y or math.isnan(x) for x, y in zip(before, after, strict=True))


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_alternative_texts_tell_what_became_of_the_values(name: str, data: st.DataObject) -> None:
    call = data.draw(calls(name))
    module: Any = call.module
    trace = torchreel.trace(module, *call.inputs, **call.kwargs)
    said = caption(name, "default", "alt", "en", operator(name).facts(trace))
    moves = module.training and module.p > 0 and call.inputs[0].numel() > 0
    assert ("pass unchanged" in said) != moves
    assert ("p = 1:" in said) == (moves and module.p == 1)
    if "become zero" in said or "becomes zero" in said:
        mask: Any = trace.tensors["mask"]
        assert bool((trace.output[mask.expand(trace.output.shape) == 0] == 0).all())


@pytest.mark.parametrize("kind, shape", [
    (nn.Dropout, (3, 1, 4)), (nn.Dropout1d, (2, 3, 4)), (nn.AlphaDropout, (2, 3)),
])  # fmt: skip
@pytest.mark.parametrize("p, trains, says, never", [
    (0.1, True, "rop", "evaluation"), (0.0, True, "With p = 0", "evaluation"),
    (0.5, False, "In evaluation", "random mask"), (0.0, False, "In evaluation", "random mask"),
    (1.0, True, "rop", "evaluation"),
])  # fmt: skip
def test_the_story_follows_the_mode_of_the_call(
    kind: Any, shape: tuple[int, ...], p: float, trains: bool, says: str, never: str
) -> None:
    torch.manual_seed(0)
    trace = torchreel.trace(kind(p).train(trains), torch.randn(shape))
    clip = Reading(watch(example(kind.__name__), trace, "en", "light"))
    said = " ".join([*(section.caption["en"] for section in clip.sections), clip.alt["en"]])
    assert says in said and never not in said
    apart = {"title_whole", *OF_EXAMPLES}
    assert [(law, message) for law, message in clip.all() if law not in apart] == []


def test_all_planes_are_drawn_that_fit() -> None:
    torch.manual_seed(0)
    trace = torchreel.trace(nn.Dropout(0.5), torch.randn(3, 1, 4))
    clip = Reading(watch(example("Dropout"), trace, "en", "light"))
    shown = {number.index for number in clip.sections[-1].numbers if number.tensor == "output"}
    assert len(shown) == 12
