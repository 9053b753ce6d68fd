"""Decks of clips: what a slide shows and says, and what is refused. Films are of plain greys, to know frames by."""

from __future__ import annotations

import base64
import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import av
import click.testing
import numpy as np
import pytest
from PIL import Image
from pptx import Presentation

from torchreel.assets.errors import UserError
from torchreel.assets.themes import theme
from torchreel.publish.pieces import cut
from torchreel.publish.slides import make
from torchreel.publish.slides.deck import Slide, plain, slides, small_png
from torchreel.publish.slides.handout import handout
from torchreel.publish.slides.manimslides import reverse
from torchreel.publish.slides.manimslides import write as write_json
from torchreel.publish.slides.page import page
from torchreel.publish.slides.powerpoint import deck
from torchreel.render.encoders.mp4 import planes
from torchreel.tests import commands
from torchreel.tests.conftest import Stage
from torchreel.tests.toyfilm import FRAMES, STARTS, VIEW, film, grey, told

R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"


def greys(movie: bytes) -> list[int]:
    """The frames of a movie, by number."""
    with av.open(io.BytesIO(movie)) as source:
        means = [planes(frame)[0].mean() for frame in source.decode(video=0)]
    known = np.array([grey(frame) for frame in range(FRAMES)])
    luma = 16 + known * 219 / 255
    return [int(np.abs(luma - mean).argmin()) for mean in means]


@pytest.fixture
def toy(tmp_path: Path) -> list[Slide]:
    """The slides of one clip, a slide a caption."""
    return slides([told(tmp_path)])


def test_pieces_show_every_frame_of_the_film_once(tmp_path: Path) -> None:
    pieces = cut(film(tmp_path / "film.mp4"), STARTS)
    assert [greys(piece) for piece in pieces] == [[*range(7)], [*range(7, 15)], [*range(15, FRAMES)]]


def test_a_film_without_the_keyframes_is_not_cut_elsewhere(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no keyframe at 0\.7 s"):
        cut(film(tmp_path / "film.mp4", starts=()), STARTS)


def test_a_slide_a_caption_says_which_of_how_many_and_stays_on_its_last_picture(toy: list[Slide]) -> None:
    assert [slide.title for slide in toy] == ["Toy (1/3)", "Toy (2/3)", "Toy (3/3)"]
    assert toy[1].notes.splitlines() == ["Step 2 </script>", "y_(2,0) = 2", "nn.Conv2d(1)"]
    assert [slide.alt for slide in toy] == [f"Step {number} </script>" for number in (1, 2, 3)]
    assert [slide.seconds for slide in toy] == pytest.approx([0.7, 0.8, 0.9])
    for slide, (first, last) in zip(toy, ((0, 6), (7, 14), (15, 23)), strict=True):
        shown = [np.asarray(picture).mean() for picture in (slide.first, slide.last)]
        assert shown == pytest.approx([grey(first), grey(last)], abs=4)


def test_both_is_the_captions_and_then_the_whole_clip_which_alone_loops(tmp_path: Path) -> None:
    made = slides([told(tmp_path)], "both", loop=True)
    assert [slide.loop for slide in made] == [False, False, False, True]
    assert made[-1].title == "Toy"
    assert made[-1].alt == "The whole clip."
    assert greys(made[-1].movie) == [*range(FRAMES)]
    assert made[-1].notes.splitlines()[:2] == ["Step 1 </script>", "y_(1,0) = 1"]


def test_clips_of_one_title_are_told_apart(tmp_path: Path) -> None:
    clips = [told(tmp_path, "Conv1d"), told(tmp_path, "Conv2d"), told(tmp_path, "ReLU", title="ReLU")]
    assert [slide.title for slide in slides(clips, "clip")] == ["Toy, Conv1d", "Toy, Conv2d", "ReLU"]


def test_formulas_are_plain_text_in_notes() -> None:
    assert plain("c_{t} = x_{i+u,j+v}·w^{2} + 1") == "c_t = x_(i+u,j+v)·w^2 + 1"


def test_small_pictures_keep_the_colours_of_small_things() -> None:
    picture = Image.linear_gradient("L").resize((640, 360)).convert("RGB")
    picture.paste((188, 76, 0), (10, 10, 14, 20))
    small = Image.open(io.BytesIO(small_png(picture)))
    assert small.mode == "P"
    assert np.abs(np.array(small.convert("RGB").getpixel((12, 15))) - (188, 76, 0)).max() < 16


def opened(data: bytes) -> Any:
    return Presentation(io.BytesIO(data))


def movie_of(slide: Any) -> Any:
    [movie] = [
        shape for shape in slide.shapes if shape.shape_type is not None and "MEDIA" in str(shape.shape_type)
    ]
    return movie


def test_a_powerpoint_slide_has_movie_poster_title_notes_and_alternative_text(toy: list[Slide]) -> None:
    made = opened(deck(toy))
    assert made.slide_width * 9 == pytest.approx(made.slide_height * 16, rel=1e-3)
    assert made.core_properties.title == "Toy"
    for page_, slide in zip(made.slides, toy, strict=True):
        movie = movie_of(page_)
        box = (movie.left, movie.top, movie.width, movie.height)
        assert box == (0, 0, made.slide_width, made.slide_height)
        assert movie._element.nvPicPr.cNvPr.get("descr") == slide.alt
        assert page_.shapes.title.text == slide.title
        assert page_.shapes.title.top + page_.shapes.title.height <= 0
        assert page_.notes_slide.notes_text_frame.text == slide.notes
        assert str(page_.background.fill.fore_color.rgb) == theme("dark").background[1:].upper()
        media = page_.part.related_part(movie._element.nvPicPr.nvPr[0].get(f"{R}link"))
        assert media.blob == slide.movie
        poster = Image.open(io.BytesIO(movie.poster_frame.blob))
        assert np.asarray(poster.convert("L")).mean() == pytest.approx(np.asarray(slide.first).mean(), abs=1)


def test_texts_say_their_language(tmp_path: Path) -> None:
    [first, *_] = opened(deck(slides([told(tmp_path, lang="zh")]))).slides
    langs = {run.get("lang") for run in first.shapes.title._element.iter("{*}rPr")}
    assert first.shapes.title.text == "玩具 (1/3)"
    assert langs == {"zh-CN"}


@pytest.mark.parametrize(("on_click", "effect"), [(False, "afterEffect"), (True, "clickEffect")])
@pytest.mark.parametrize("loop", [False, True])
def test_movies_start_by_themselves_or_with_a_click_and_loop_if_asked(
    tmp_path: Path, on_click: bool, effect: str, loop: bool
) -> None:
    [slide] = opened(deck(slides([told(tmp_path)], "clip", loop), click=on_click)).slides
    root, movie = slide._element, movie_of(slide)
    assert [child.tag for child in root] == [f"{P}cSld", f"{P}clrMapOvr", f"{P}timing"]
    timing = root.find(f"{P}timing")
    nodes = list(timing.iter(f"{P}cTn"))
    numbers = [node.get("id") for node in nodes]
    assert len(numbers) == len({*numbers})
    assert {one.get("spid") for one in timing.iter(f"{P}spTgt")} == {str(movie.shape_id)}
    [effects] = [node for node in nodes if node.get("presetClass") == "mediacall"]
    assert effects.get("nodeType") == effect
    [command] = timing.iter(f"{P}cmd")
    assert command.get("cmd") == "playFrom(0.0)"
    assert command.find(f".//{P}cTn").get("dur") == "2400"
    assert bool([one for one in timing.iter(f"{P}cond") if one.get("evt") == "onBegin"]) is not on_click
    [media] = timing.iter(f"{P}cMediaNode")
    assert media[0].get("repeatCount") == ("indefinite" if loop else None)


def test_a_click_on_the_picture_goes_on(toy: list[Slide]) -> None:
    """Nothing on a slide reacts to a click on the movie, which fills it."""
    for slide in opened(deck(toy)).slides:
        assert "interactiveSeq" not in {node.get("nodeType") for node in slide._element.iter(f"{P}cTn")}


def test_equal_movies_are_stored_once_and_no_thumbnail_of_another_deck(tmp_path: Path) -> None:
    data = deck(slides([told(tmp_path)], "clip") * 2)
    names = zipfile.ZipFile(io.BytesIO(data)).namelist()
    assert len([name for name in names if name.endswith(".mp4")]) == 1
    assert not [name for name in names if "thumbnail" in name]


def test_the_page_holds_all_movies_and_asks_for_nothing(toy: list[Slide]) -> None:
    text = page(toy).decode()
    [data] = re.findall(r'<script type="application/json" id="deck">(.*?)</script>', text)
    held = json.loads(data)
    assert [base64.b64decode(one["movie"]) for one in held["slides"]] == [slide.movie for slide in toy]
    assert [one["alt"] for one in held["slides"]] == [slide.alt for slide in toy]
    assert "@@" not in text
    assert not re.findall(r"(?:src|href)=|https?:|@import", text)


def test_the_handout_has_a_page_a_slide_with_a_bookmark(toy: list[Slide]) -> None:
    data = handout(toy)
    assert len(re.findall(rb"/Type /Page\b", data)) == 3
    assert data.count(b"/Alt ") == 3
    assert b"/Outlines" in data


def test_manim_slides_finds_all_files_from_the_folder_above(tmp_path: Path, toy: list[Slide]) -> None:
    target = tmp_path / "talk" / "lecture.json"
    files = tmp_path / "talk" / "lecture_files"
    files.mkdir(parents=True)
    (files / "004.mp4").write_bytes(b"of a longer deck")
    (files / "2024 talk.mp4").write_bytes(b"somebody's own")
    write_json(toy, target, files)
    content = json.loads(target.read_text("utf-8"))
    assert content["resolution"] == [VIEW.width, VIEW.height]
    for entry, slide in zip(content["slides"], toy, strict=True):
        assert (target.parent.parent / entry["file"]).read_bytes() == slide.movie
        back = (target.parent.parent / entry["rev_file"]).read_bytes()
        assert greys(back) == greys(slide.movie)[::-1]
        assert entry["notes"] == slide.notes
    assert not (files / "004.mp4").exists()
    assert (files / "2024 talk.mp4").exists()


def test_a_movie_is_reversed_in_parts_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torchreel.publish.slides import manimslides

    monkeypatch.setattr(manimslides, "_MOST_HELD", 5 * VIEW.width * VIEW.height * 3 // 2)
    assert greys(reverse(film(tmp_path / "film.mp4").read_bytes())) == [*range(FRAMES)][::-1]


@pytest.mark.parametrize(
    ("given", "options", "said"),
    [
        ([], {}, "name the deck last"),
        (["Conv2d"], {}, "name the deck last"),
        (["Conv2d", "lecture.ppt"], {}, "name the deck last"),
        (["lecture.pptx"], {}, "name the clips before the deck"),
        (["Conv2d", "a.pdf"], {"click": True}, "--click is for .pptx, .html"),
        (["Conv2d", "a.pdf"], {"loop": True, "per": "clip"}, "--loop is for .pptx, .html, .json"),
        (["Conv2d", "a.html"], {"template": Path("b.pptx")}, "--template is for .pptx"),
        (["Conv2d", "a.pptx"], {"loop": True}, "--loop repeats whole clips"),
        (["Conv2d", "there.pptx"], {}, "is there already"),
        (["Conv2d", "there.json"], {}, "there_files is there already"),
        (["Conv2d", "folder.pptx"], {"force": True}, "is a folder"),
        (["Conv2d", "a.pptx"], {"template": Path("none.pptx")}, "none.pptx: No such file"),
        (["Conv2d", "a.pptx"], {"template": Path("there.pptx")}, "not a PowerPoint file"),
        (["Conv2d", "there.pptx"], {"template": Path("there.pptx"), "force": True}, "is the template itself"),
    ],
)
def test_mistakes_are_found_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: list[str], options: dict[str, Any], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("there.pptx").write_bytes(b"worked on")
    Path("there_files").mkdir()
    Path("folder.pptx").mkdir()
    with pytest.raises(UserError, match=re.escape(said)):
        make.read(given, **options)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder.pptx", "there.pptx", "there_files"]
    assert Path("there.pptx").read_bytes() == b"worked on"


@pytest.mark.parametrize("name", ["a.pptx", "a.pdf"])
def test_a_missing_package_is_named_with_what_installs_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(make, "find_spec", lambda _: None)
    with pytest.raises(UserError, match=re.escape("pip install 'torchreel[slides]'")):
        make.read(["Conv2d", name])


def test_a_deck_has_one_look() -> None:
    make.one_look(["zh"], ["dark"])
    with pytest.raises(UserError, match="one language, not zh and en"):
        make.one_look(["zh,en"], ["dark"])
    with pytest.raises(UserError, match="one theme"):
        make.one_look(["zh"], ["light", "dark"])


def call(*arguments: str) -> click.testing.Result:
    return commands.call("slides", *arguments)


def test_a_clip_that_fails_leaves_the_old_deck(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: Stage
) -> None:
    def fail(_: Any) -> None:
        raise RuntimeError("no")

    monkeypatch.chdir(tmp_path)
    stage.construct = fail
    Path("a.pptx").write_bytes(b"old")
    done = call("Conv2d", "a.pptx", "--force", "-j", "1")
    assert done.exit_code == 1
    assert Path("a.pptx").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.pptx"]


@pytest.mark.parametrize("suffix", ["pptx", "html", "pdf", "json"])
def test_the_command_writes_a_deck_and_says_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: Stage, suffix: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = call("Conv2d", f"talk/a.{suffix}", "-q", "l", "--lang", "en", "-j", "1")
    assert done.exit_code == 0, done.output
    assert re.fullmatch(rf"talk/a\.{suffix}: 1 slide of 1 clip, [\d.]+ [kM]?B", done.output.splitlines()[-1])
    assert {path.name for path in Path("talk").iterdir()} == {f"a.{suffix}", *["a_files"][: suffix == "json"]}


def test_a_mistake_ends_with_one_line_and_code_2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = call("Conv2d", "a.pdf", "--click")
    assert (done.exit_code, done.output.count("\n")) == (2, 1)
