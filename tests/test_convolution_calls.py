"""Convolutions as nets have them: drawn within the laws whatever their size, and all that is left out is said."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from torchreel.assets.examples import example
from torchreel.render.check.check import OF_EXAMPLES, Reading
from torchreel.render.check.stage import watch
from torchreel.scenes.catalogue import operator

Settings = dict[str, Any]

# Stems, patch embeddings, atrous and depthwise convolutions, speech, video, generators.
CALLS: list[tuple[str, Settings, tuple[int, ...]]] = [
    ("Conv2d", {"out_channels": 8, "kernel_size": 7, "stride": 2, "padding": 3, "bias": False}, (1, 3, 64, 64)),
    ("Conv2d", {"out_channels": 6, "kernel_size": 4, "stride": 4, "bias": True}, (1, 3, 64, 64)),
    ("Conv2d", {"out_channels": 5, "kernel_size": 16, "stride": 16, "bias": True}, (2, 3, 32, 32)),
    ("Conv2d", {"kernel_size": (11, 41), "stride": 2, "padding": (5, 20)}, (1, 1, 41, 60)),
    ("Conv2d", {"out_channels": 4, "kernel_size": 3, "padding": 12, "dilation": 12}, (1, 4, 33, 33)),
    ("Conv2d", {"out_channels": 8, "kernel_size": 3, "padding": 1, "groups": 8}, (4, 8, 14, 14)),
    ("Conv1d", {"out_channels": 8, "kernel_size": 80, "stride": 4}, (1, 1, 400)),
    ("Conv1d", {"out_channels": 8, "kernel_size": 10, "stride": 5}, (1, 1, 200)),
    ("Conv1d", {"out_channels": 8, "kernel_size": 3, "padding": 1}, (3, 20, 50)),
    ("Conv3d", {"out_channels": 1, "kernel_size": 4, "bias": True}, (1, 3, 4, 5, 5)),
    ("Conv3d", {"out_channels": 8, "kernel_size": (3, 7, 7), "stride": (1, 2, 2), "padding": (1, 3, 3)},
     (1, 3, 4, 28, 28)),
    ("ConvTranspose2d", {"out_channels": 16, "kernel_size": 4, "bias": False}, (1, 100, 1, 1)),
    ("ConvTranspose2d", {"out_channels": 8, "kernel_size": 4, "stride": 2, "padding": 1}, (1, 64, 8, 8)),
    ("ConvTranspose1d", {"out_channels": 8, "kernel_size": 8, "stride": 4, "padding": 2}, (1, 16, 30)),
    ("ConvTranspose3d", {"out_channels": 4, "kernel_size": 2, "stride": 2}, (2, 16, 4, 6, 6)),
]  # fmt: skip


def breaches(name: str, given: Settings, shape: tuple[int, ...], lang: str = "en") -> list[tuple[str, str]]:
    torch.manual_seed(0)
    chosen = example(name, "default")
    trace = operator(name).trace_example(
        chosen, {"in_channels": shape[-_dims(name) - 1], **given}, torch.randn(shape)
    )
    apart = {"title_whole", *OF_EXAMPLES}
    return [one for one in Reading(watch(chosen, trace, lang, "light")).all() if one[0] not in apart]


def _dims(name: str) -> int:
    return int(name[-2])


@pytest.mark.parametrize("name, given, shape", CALLS)
def test_calls_of_nets_are_drawn_within_the_laws(name: str, given: Settings, shape: tuple[int, ...]) -> None:
    assert breaches(name, given, shape) == []


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), name=st.sampled_from(["Conv1d", "Conv2d", "ConvTranspose2d"]))
def test_any_call_is_drawn_within_the_laws(data: st.DataObject, name: str) -> None:
    dims, groups = _dims(name), data.draw(st.sampled_from([1, 1, 2]))
    channels, outs = (groups * data.draw(st.sampled_from([1, 2, 8])) for _ in "io")
    kernel, stride, dilation = (data.draw(st.integers(1, most)) for most in (7, 4, 3))
    padding = data.draw(st.integers(0, min(3, dilation * (kernel - 1) // 2)))
    size = dilation * (kernel - 1) + 1 + data.draw(st.integers(0, 20))
    chosen = {
        "out_channels": outs, "kernel_size": kernel, "stride": stride, "padding": padding, "dilation": dilation,
        "groups": groups, "bias": data.draw(st.booleans()),
    }  # fmt: skip
    shape = (data.draw(st.integers(1, 3)), channels, *[size] * dims)
    lang = data.draw(st.sampled_from(["en", "zh"]))
    assert breaches(name, chosen, shape, lang) == []


@pytest.mark.parametrize("name, given, shape, said", [
    ("Conv2d", {"out_channels": 8, "kernel_size": 3}, (4, 6, 40, 40),
     ["1 of 4 samples", "of 40 × 40 input cells", "3 of 6 input", "4 of 8 output"]),
    ("ConvTranspose2d", {"out_channels": 8, "kernel_size": 4, "stride": 2}, (3, 64, 8, 8),
     ["1 of 3 samples", "of 8 × 8 input cells", "1 of 64 input", "1 of 8 output"]),
    ("Linear", {"out_features": 12}, (20, 30), ["8 of 20 samples", "8 of 30 features", "5 of 12 outputs"]),
    ("Unfold", {"kernel_size": 2}, (2, 5, 12, 12),
     ["1 of 2 samples", "3 of 5 input channels", "of the 20 × 121 matrix"]),
    ("PixelShuffle", {}, (2, 16, 9, 9), ["1 of 2 samples", "of 16 input channels", "of 9 × 9 input cells"]),
    ("PixelUnshuffle", {}, (1, 4, 18, 18), ["of 4 input channels", "of 18 × 18 input cells"]),
])  # fmt: skip
def test_what_is_left_out_is_said(
    name: str, given: Settings, shape: tuple[int, ...], said: list[str]
) -> None:
    torch.manual_seed(0)
    changes = {"in_channels": shape[1], **given} if name.startswith("Conv") else given
    chosen = example(name, "default")
    show = watch(chosen, operator(name).trace_example(chosen, changes, torch.randn(shape)), "en", "light")
    texts = {piece.mobject.text for piece in show.stages[-1].texts}
    notes = [text for text in texts if "Drawn:" in text]
    assert notes and [one for one in said if not any(one in note for note in notes)] == []
