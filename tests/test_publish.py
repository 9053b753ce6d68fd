"""Player and gallery up to the browser: what is written, from what, and what is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from torchreel.assets.captions import LANGUAGES
from torchreel.assets.examples import families
from torchreel.assets.pages import family_name, words
from torchreel.assets.themes import theme
from torchreel.publish import look
from torchreel.publish.player.film import film
from torchreel.tests.commands import call
from torchreel.tests.conftest import Stage

SMALL = ("-f", "mp4,png", "--width", "160", "--fps", "5")


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: Stage) -> None:
    monkeypatch.chdir(tmp_path)


def data(page: Path) -> dict[str, Any]:
    found = re.search(r'<script id="data" type="application/json">(.*)</script>', page.read_text("utf-8"))
    assert found
    known: dict[str, Any] = json.loads(found[1])
    return known


def render(*names: str, lang: str = "zh") -> None:
    assert call("render", *names, *SMALL, "--lang", lang).exit_code == 0


def test_a_player_renders_what_it_is_told_into_a_folder_beside_it() -> None:
    done = call("player", "ReLU", "Conv2d:stride", "--lang", "zh,en", "-o", "x.html")
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (0, "x.html")
    clips = data(Path("x.html"))["clips"]
    assert [clip["name"] for clip in clips] == ["ReLU", "Conv2d-stride"]
    films = [film for clip in clips for film in clip["films"]]
    assert [film["lang"] for film in films] == ["zh", "en", "zh", "en"]
    assert all(Path(film["video"]).is_file() and Path(film["poster"]).is_file() for film in films)
    assert films[0]["video"].startswith("x_files/")


def test_a_player_takes_rendered_files_where_they_are() -> None:
    render("ReLU", lang="zh,en")
    files = ["media/ReLU.zh.light.mp4", "media/ReLU.en.light.json", "media/ReLU.zh.light.png"]
    assert call("player", *files, "-o", "pages/x.html").exit_code == 0
    [clip] = data(Path("pages/x.html"))["clips"]
    assert [film["video"] for film in clip["films"]] == [
        f"../media/ReLU.{lang}.light.mp4" for lang in ("zh", "en")
    ]
    assert not Path("pages/x_files").exists()


def test_one_file_leaves_nothing_beside_it() -> None:
    assert call("player", "ReLU", "--one-file", "-o", "x.html").exit_code == 0
    assert [path.name for path in Path().iterdir()] == ["x.html"]
    [clip] = data(Path("x.html"))["clips"]
    assert clip["films"][0]["video"].startswith("data:video/mp4;base64,")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["Conv2", "-o", "x.html"], "Conv2d"),
        (["media/none.zh.light.mp4", "-o", "x.html"], "media/none.zh.light.mp4: no such file"),
        (["ReLU", "-o", "x.pdf"], "-o x.pdf: a page's name ends in .html"),
        (["ReLU", "-o", "mine.html"], "mine.html was not written by torchreel"),
        (["old.mp4", "-o", "x.html"], "older torchreel"),
        (["broken.mp4", "-o", "x.html"], "no ledger that can be read"),
        (["alone.mp4", "-o", "x.html"], "alone.json: no such file"),
    ],
)
def test_what_cannot_be_shown_is_one_line_and_no_page(arguments: list[str], says: str) -> None:
    Path("mine.html").write_text("<p>mine")
    for name in ("old", "broken", "alone"):
        Path(f"{name}.mp4").write_bytes(b"")
    Path("old.json").write_text('{"steps": [], "tensors": {}}')
    Path("broken.json").write_text("{")
    done = call("player", *arguments)
    assert done.exit_code == 2
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not Path("x.html").exists()
    assert Path("mine.html").read_text() == "<p>mine"
    assert call("player", "ReLU", "-o", "mine.html", "--force").exit_code == 0


def test_a_clip_that_fails_leaves_no_page(stage: Stage) -> None:
    def fails(scene: Any) -> None:
        raise ValueError("no picture")

    stage.construct = fails
    done = call("player", "ReLU", "-o", "x.html")
    assert (done.exit_code, Path("x.html").exists()) == (1, False)
    assert "no picture" in done.stderr


def test_text_of_a_clip_is_text_in_the_page(stage: Stage) -> None:
    """No title, caption or name can end a script or begin a tag."""
    render("ReLU")
    ledger = Path("media/ReLU.zh.light.json")
    known = json.loads(ledger.read_bytes())
    evil = "</script><img src=x onerror=alert(1)>"
    known["title"]["zh"] = known["call"] = known["alt"]["zh"] = known["steps"][0]["caption"]["zh"] = evil
    ledger.write_text(json.dumps(known))
    assert call("player", str(ledger), "-o", "x.html").exit_code == 0
    assert call("gallery").exit_code == 0
    for page in (Path("x.html"), Path("site/index.html"), Path("site/clips/ReLU.html")):
        assert "<img src=x" not in page.read_text("utf-8")
    assert data(Path("x.html"))["clips"][0]["title"]["zh"] == evil


def test_a_page_has_each_number_once_with_the_steps_it_stands_in() -> None:
    def number(index: int, left: float) -> dict[str, Any]:
        return {
            "tensor": "x",
            "index": [0, index],
            "value": float(index),
            "box": [left, 0, left + 9, 9],
            "text": "",
        }

    def step(*numbers: dict[str, Any], says: str = "a") -> dict[str, Any]:
        times = {"start": 0.0, "settled": 0.5, "end": 1.0}
        return {**times, "caption": {"zh": says, "en": says}, "formula": "", "numbers": list(numbers)}

    moved = [number(1, 50.0), number(0, 0.0)]
    ledger = {
        "size": {"width": 160, "height": 90},
        "duration": 4.0,
        "steps": [step(number(0, 0.0)), step(*moved), step(says="b"), step(*moved, says="b")],
        "tensors": {"x": {"shape": [1, 2]}},
        "reads": {"x": {"1": {"x": [0]}}},
    }
    made = film(ledger)
    assert made["cells"] == [["x", [0, 0], 0.0], ["x", [0, 1], 1.0]]
    assert made["numbers"] == [[0, 0, 0, 9, 9, [[0, 1], [3, 3]]], [1, 50, 0, 59, 9, [[1, 1], [3, 3]]]]
    assert made["reads"] == {1: [0]}
    assert [caption[2]["en"] for caption in made["captions"]] == ["a", "b"]


def test_a_gallery_is_whole_and_a_second_run_touches_nothing() -> None:
    render("ReLU", "Conv2d:stride", lang="zh,en")
    done = call("gallery", "media", "-o", "site")
    assert (done.exit_code, done.stdout) == (0, "site/index.html: 2 clips\n")
    index = Path("site/index.html").read_text("utf-8")
    for link in re.findall(r'(?:href|src)="([^"#]+)"', index):
        assert Path("site", link).is_file()
    before = {path: path.stat().st_mtime_ns for path in Path("site").rglob("*")}
    assert call("gallery").exit_code == 0
    assert {path: path.stat().st_mtime_ns for path in Path("site").rglob("*") if path.is_file()} == {
        path: when for path, when in before.items() if path.is_file()
    }


def test_a_gallery_says_what_it_leaves_out() -> None:
    render("ReLU", "Conv2d")
    Path("media/ReLU.zh.light.mp4").unlink()
    done = call("gallery", "--json")
    told = json.loads(done.stdout)
    assert (done.exit_code, told["clips"]) == (1, 1)
    assert "ReLU.zh.light.mp4" in told["left_out"][0]
    Path("media/Conv2d.zh.light.png").unlink()
    assert call("gallery", "-o", "other").exit_code == 1
    assert Path("other/clips/Conv2d.zh.light.webp").is_file()


def test_a_gallery_of_nothing_and_over_a_strangers_index_is_refused() -> None:
    done = call("gallery", "nowhere")
    assert (done.exit_code, len(done.stderr.splitlines())) == (2, 1)
    assert "torchreel render --all" in done.stderr
    render("ReLU")
    Path("site").mkdir()
    Path("site/index.html").write_text("mine")
    assert call("gallery").exit_code == 2
    assert [path.name for path in Path("site").iterdir()] == ["index.html"]


def test_pages_speak_both_languages_and_name_every_family() -> None:
    said = [words(lang) for lang in LANGUAGES]
    assert said[0].keys() == said[1].keys()
    placeholders = [{key: re.findall(r"{\w+}", text) for key, text in one.items()} for one in said]
    assert {key: sorted(names) for key, names in placeholders[0].items()} == {
        key: sorted(names) for key, names in placeholders[1].items()
    }
    assert [one for one in families() if one in {family_name(one, lang) for lang in LANGUAGES}] == []


def test_pages_have_the_colours_of_the_clips_and_none_of_their_own() -> None:
    folder = Path(look.__file__).parent
    for path in (*folder.rglob("*.css"), *folder.rglob("*.html"), *folder.rglob("*.js")):
        assert not re.search(r"#[0-9a-fA-F]{3,8}\b(?=\s*[;,}\"])", path.read_text("utf-8")), path
    for name in ("light", "dark"):
        known = theme(name)
        for colour in (known.background, known.text, known.accent, known.role("result")):
            assert colour in look.colours()
