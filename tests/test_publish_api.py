"""Decks, players and snippets of the caller's own clips, from Python."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import av
import pptx
import pytest
import torch
from torch import nn

import torchreel
from torchreel.publish import api
from torchreel.render.ledger import captions

SMALL = {"quality": "l"}


def relu(lang: str = "en", **options: Any) -> torchreel.Clip:
    return torchreel.explain(nn.ReLU(), torch.tensor([-1.0, 2.0]), lang=lang, **options)


@pytest.fixture(scope="module")
def english() -> torchreel.Clip:
    return relu()


@pytest.fixture(scope="module")
def reel() -> torchreel.Reel:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2))
    with torchreel.record(net) as reel:
        net(torch.ones(1, 2))
    return reel


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def played(page: Path) -> list[dict[str, Any]]:
    """The clips that a player's page knows."""
    data = re.search(
        r'<script[^>]*type="application/json"[^>]*>(.*?)</script>', page.read_text("utf-8"), re.S
    )
    assert data is not None
    found: list[dict[str, Any]] = json.loads(data[1])["clips"]
    return found


def test_a_deck_has_a_slide_for_each_caption_of_each_clip(english: torchreel.Clip) -> None:
    twice = torchreel.slides([english, english], "a.pptx", **SMALL)
    slides = list(pptx.Presentation(str(twice)).slides)
    told = captions(english.ledger)
    assert len(slides) == 2 * len(told)
    for slide, step in zip(slides, told + told, strict=True):
        assert step["caption"]["en"] in slide.notes_slide.notes_text_frame.text
        assert english.call in slide.notes_slide.notes_text_frame.text


def test_calls_of_a_net_and_its_tour_go_into_one_page(reel: torchreel.Reel) -> None:
    clips = [*reel.clips(lang="en"), reel.tour(lang="en")]
    assert [clip.trace.name for clip in clips] == ["Linear", "ReLU", "Tour"]
    page = torchreel.player(clips, "net.html", one_file=True, **SMALL)
    assert [(one["name"], one["call"]) for one in played(page)] == [
        (clip.trace.name, clip.call) for clip in clips
    ]
    assert [path.name for path in Path().iterdir()] == ["net.html"]


def test_languages_of_one_call_are_one_clip_and_other_calls_are_others(english: torchreel.Clip) -> None:
    fine = relu(precision=5)
    page = torchreel.player([english, relu("zh"), fine], "a.html", **SMALL)
    found = played(page)
    assert [one["name"] for one in found] == ["ReLU", "ReLU-2"]
    assert [film["lang"] for film in found[0]["films"]] == ["en", "zh"]
    for one in found:
        for film in one["films"]:
            with av.open(film["video"]) as video:
                assert video.streams.video[0].frames > 20
    torchreel.player(english, page, **SMALL)
    assert [one["name"] for one in played(page)] == ["ReLU"]


def test_a_snippet_names_the_files_that_are_drawn_for_it(english: torchreel.Clip) -> None:
    text = torchreel.snippet(english, "html", "media/relu", page="docs/page.md", width=640, **SMALL)
    assert text == (f'<p align="center"><img src="../media/relu.gif" width="640" alt="{english.alt}" /></p>')
    assert [path.name for path in Path("media").iterdir()] == ["relu.gif"]


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda clip: torchreel.slides([], "a.pptx"), "There is no clip to show"),
        (
            lambda clip: torchreel.slides("Conv2d", "a.pptx"),
            "Expected clips, as torchreel.explain makes them",
        ),
        (lambda clip: torchreel.player(3, "a.html"), "not int"),
        (lambda clip: torchreel.slides([clip, relu("zh")], "a.pptx"), "one language, not zh and en"),
        (lambda clip: torchreel.slides(clip, "a.ppt"), "a deck's name ends in .pptx, .html, .pdf, .json"),
        (lambda clip: torchreel.slides(clip, "a.pptx", per="step"), "should be one of caption, clip, both"),
        (lambda clip: torchreel.slides(clip, "a.pptx", quality="x"), "Unknown quality 'x'"),
        (lambda clip: torchreel.slides(clip, "there.pptx"), "force=True"),
        (lambda clip: torchreel.slides(clip, "a.pdf", click=True), "--click is for .pptx, .html"),
        (lambda clip: torchreel.player(clip, "a.pdf"), "a page's name ends in .html"),
        (lambda clip: torchreel.player(clip, "there.html"), "there.html"),
        (lambda clip: torchreel.snippet(clip, "markdown", "a"), "Unknown form"),
        (lambda clip: torchreel.snippet(clip, "md", "a", width=3), "no place for --width"),
        (lambda clip: torchreel.snippet(clip, "md", "a", quality="x"), "Unknown quality 'x'"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(english: torchreel.Clip, write: Any, said: str) -> None:
    for name in ("there.pptx", "there.html"):
        Path(name).write_text("somebody's own")
    with pytest.raises(torchreel.UserError) as caught:
        write(english)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert {path.name: path.read_text() for path in Path().iterdir()} == {
        "there.pptx": "somebody's own",
        "there.html": "somebody's own",
    }


def test_the_same_clip_is_drawn_once(english: torchreel.Clip, tmp_path: Path) -> None:
    first, again = api.drawn([english, english], tmp_path, ("png",), "l")
    assert first is again
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ReLU.en.light.json", "ReLU.en.light.png"]
