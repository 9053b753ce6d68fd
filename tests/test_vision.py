"""Pixel shuffles are proved for any call, refused in torch's words, and drawn whole or with what is left out named."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import torchreel
from torchreel.assets.examples import example, examples
from torchreel.render.check.check import faults, reading
from torchreel.render.check.stage import watch_scene
from torchreel.scenes.registry import find
from torchreel.scenes.stage.telling import Request
from torchreel.scenes.vision.layout import ShuffleLayout
from torchreel.scenes.vision.trace import ChannelGroups, PixelBlocks, channel_facts
from torchreel.tests.calls import check_call

FACTORS = st.integers(1, 4)
LEAD = st.lists(st.integers(0, 3), max_size=3)
SIDES = st.integers(0, 3)
TYPES = st.sampled_from([torch.float32, torch.float64, torch.bfloat16, torch.int64, torch.uint8, torch.bool])


def numbers(shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """A tensor whose elements differ as far as their type allows."""
    return torch.arange(torch.Size(shape).numel()).reshape(shape).to(dtype)


@given(FACTORS, LEAD, SIDES, SIDES, SIDES, TYPES)
def test_any_shuffle_is_proved(
    r: int, lead: list[int], channels: int, rows: int, cols: int, dtype: torch.dtype
) -> None:
    check_call(nn.PixelShuffle(r), numbers((*lead, channels * r**2, rows, cols), dtype))


@given(FACTORS, LEAD, SIDES, SIDES, SIDES, TYPES)
def test_any_unshuffle_is_proved(
    r: int, lead: list[int], channels: int, rows: int, cols: int, dtype: torch.dtype
) -> None:
    check_call(nn.PixelUnshuffle(r), numbers((*lead, channels, rows * r, cols * r), dtype))


@given(FACTORS, st.integers(1, 3), st.integers(1, 3), st.integers(1, 3))
def test_the_step_of_an_element_reads_the_one_element_it_is(r: int, c: int, h: int, w: int) -> None:
    trace = torchreel.trace(nn.PixelShuffle(r), torch.randn(c * r**2, h, w))
    for step in trace.steps("output"):
        [(tensor, source)] = step.reads
        assert (tensor, trace.value(tensor, source)) == ("input", step.value)
        assert PixelBlocks(r).fine(*source) == step.index
        assert PixelBlocks(r).coarse(*step.index) == source


@pytest.mark.parametrize(
    ("operator", "changes", "given", "said"),
    [
        ("PixelShuffle", {}, "torch.zeros(1, 3, 2, 2)", r"divisible by the square of upscale_factor.*=3 .* by 4\."),
        ("PixelShuffle", {"upscale_factor": 3}, None, r"input\.size\(-3\)=4 is not divisible by 9"),
        ("PixelShuffle", {"upscale_factor": 0}, None, r"upscale_factor should be .* at least 1, got 0"),
        ("PixelShuffle", {"upscale_factor": 2.0}, None, r"upscale_factor=2\.0 should be an integer"),
        ("PixelShuffle", {"upscale_factor": True}, None, r"upscale_factor=True should be an integer"),
        ("PixelShuffle", {}, "torch.zeros(4, 4)", r"at least 3 dimensions, got shape \(4, 4\)"),
        ("PixelUnshuffle", {}, "torch.zeros(1, 3, 4)", r"height to be divisible by downscale_factor.*=3 "),
        ("PixelUnshuffle", {"downscale_factor": 3}, None, r"input\.size\(-2\)=4 is not divisible by 3"),
        ("PixelUnshuffle", {}, "torch.zeros(1, 4, 5)", r"width to be divisible .* input\.size\(-1\)=5 "),
        ("PixelUnshuffle", {"downscale_factor": -1}, None, r"downscale_factor=-1 should be at least"),
        ("ChannelShuffle", {"groups": 4}, None, r"divisible by groups.*input\.size\(1\)=6 is not divisible by 4\."),
        ("ChannelShuffle", {"groups": 0}, None, r"groups should be an integer of at least 1, got 0"),
        ("ChannelShuffle", {}, "torch.zeros(4, 4)", r"at least 3 dimensions, got shape \(4, 4\)"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused_in_torchs_words(
    operator: str, changes: dict[str, Any], given: str | None, said: str
) -> None:
    with pytest.raises(torchreel.UserError, match=rf"^{operator}: .*{said}"):
        find(operator).operator.trace_example(example(operator), changes, given)


@pytest.mark.parametrize(
    ("operator", "changes", "given"),
    [
        ("PixelShuffle", {"upscale_factor": 1}, "torch.ones(3, 2, 2)"),
        ("PixelShuffle", {}, "torch.randn(2, 12, 1, 5)"),
        ("PixelShuffle", {}, "torch.randn(64, 32, 32)"),
        ("PixelShuffle", {"upscale_factor": 4}, "torch.arange(64.).reshape(1, 16, 2, 2)"),
        ("PixelShuffle", {"upscale_factor": 9}, "torch.arange(324.).reshape(1, 81, 2, 2)"),
        ("PixelShuffle", {}, "torch.zeros(0, 4, 2, 2)"),
        ("PixelUnshuffle", {"downscale_factor": 1}, "torch.ones(1, 3, 3)"),
        ("PixelUnshuffle", {"downscale_factor": 3}, "torch.randn(2, 3, 6, 9)"),
        ("PixelUnshuffle", {}, "torch.randn(1, 3, 64, 64)"),
        ("PixelUnshuffle", {"downscale_factor": 8}, "torch.randn(1, 1, 16, 16)"),
        ("ChannelShuffle", {"groups": 1}, "torch.ones(1, 6, 2)"),
        ("ChannelShuffle", {"groups": 6}, "torch.ones(1, 6, 1, 2)"),
        ("ChannelShuffle", {"groups": 8}, "torch.randn(4, 240, 28, 28)"),
        ("ChannelShuffle", {}, "torch.randn(1, 4, 2, 3, 3)"),
        ("ChannelShuffle", {}, "torch.zeros(0, 4, 2, 2)"),
    ],
)
def test_any_call_keeps_the_layout(operator: str, changes: dict[str, Any], given: str) -> None:
    assert faults(operator, changes=changes, text=given) == []


@settings(max_examples=25)
@given(st.integers(1, 12), st.integers(1, 5), st.integers(1, 99), st.integers(1, 99), st.booleans())
def test_the_two_tensors_stand_apart_and_show_the_same(
    r: int, channels: int, rows: int, cols: int, coarse_first: bool
) -> None:
    """There is a lane for lines between them, and each drawn pixel has its whole drawn block."""
    layout = ShuffleLayout.fit(r, (channels * r**2, rows, cols), ["−0.25"], coarse_first)
    for coarse, fine in zip(layout.coarse, layout.fine, strict=True):
        left, right = (coarse, fine) if coarse_first else (fine, coarse)
        assert left.block.right + 0.5 < layout.middle + 0.1 < right.block.left
        assert (coarse.cells.rows, coarse.cells.cols) == layout.pixels
        assert (fine.cells.rows, fine.cells.cols) == tuple(count * layout.side for count in layout.pixels)
        assert coarse.cells.text_size == fine.cells.text_size > 0


@given(st.integers(1, 4), st.integers(1, 4))
def test_channels_are_written_in_groups_and_read_by_columns(groups: int, size: int) -> None:
    channels = torch.arange(groups * size)
    read = channels.reshape(groups, size).T.reshape(-1)
    order = ChannelGroups(groups, size)
    assert [order.source(channel) for channel in channels.tolist()] == read.tolist()
    trace = check_call(nn.ChannelShuffle(groups), channels.reshape(1, -1, 1))
    assert channel_facts(trace)["mixes"] == (read.tolist() != channels.tolist())


@pytest.mark.parametrize("operator", ["PixelShuffle", "PixelUnshuffle", "ChannelShuffle"])
def test_captions_are_short_enough_to_be_read(operator: str) -> None:
    """At most 60 English or 26 Chinese characters, the first at most 45 or 20, six different ones a clip."""
    for name in examples()[operator]:
        for lang, most, first in (("en", 60, 45), ("zh", 26, 20)):
            said = [section.caption[lang] for section in reading(operator, name, "en", "light").sections]
            assert len(dict.fromkeys(said)) <= 6
            assert len(said[0]) <= first
            assert max(map(len, said)) <= most


@pytest.mark.parametrize(
    ("shape", "numbers"),
    [
        ((1, 6, 1, 2), "(7, 8)"),
        ((1, 6, 1), "4"),
        ((2, 6, 2, 2), "(13, 14, 15, 16)"),
        ((1, 6, 3, 3), "(28, 29, 31, 32, …)"),
    ],
)
def test_a_shuffled_channel_is_named_and_framed_as_a_whole(shape: tuple[int, ...], numbers: str) -> None:
    """The law counts channels, so do the numbers below it."""
    scene = find("ChannelShuffle")
    x = torch.arange(1.0, 1 + torch.Size(shape).numel()).reshape(shape)
    proved = scene.operator.trace_call(nn.ChannelShuffle(2), {"input": x}, {})
    show = watch_scene(scene, Request(proved, example("ChannelShuffle"), "en"))
    said = [one.text for one in show.scene.said if one.kind == "numbers"]
    assert said[1] == f"i = 1, j = 0:  y_{{1}} = x_{{3}} = {numbers}"


@pytest.mark.parametrize("name", ["PixelShuffle", "PixelUnshuffle"])
def test_a_line_between_channels_and_places_meets_no_other_cell(name: str) -> None:
    """It would come out below, or go in at, a number that it does not belong to."""
    scene, chosen = find(name), example(name)
    show = watch_scene(scene, Request(scene.operator.trace_example(chosen), chosen, "en"))
    lines = 0
    for stage in show.stages:
        cells = list(stage.places.all().values())
        for piece in stage.pieces:
            if piece.mobject is not show.scene.board.wire:
                continue
            lines += 1
            trail = piece.outline.trail
            met = {
                cell
                for cell in cells
                for x, y in trail
                if cell.left < x < cell.right and cell.bottom < y < cell.top
            }
            assert len(met) == 2
    assert lines


def test_the_guide_to_a_new_family_shows_what_the_files_hold() -> None:
    root = Path(torchreel.__file__).parent
    places = (
        "scenes/vision/*.py",
        "tests/test_vision.py",
        "assets/examples/vision.toml",
        "assets/captions/en/vision.toml",
    )
    files = "".join(path.read_text("utf-8") for place in places for path in sorted(root.glob(place)))
    pieces = re.findall(
        r"```(?:python|toml)\n(.*?)```", (root / "CONTRIBUTING.md").read_text("utf-8"), re.DOTALL
    )
    assert len(pieces) > 8
    for piece in pieces:
        for part in piece.strip("\n").split("\n\n\n"):
            assert part in files, part
